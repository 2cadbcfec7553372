//! Answers of the compatible interface: one envelope, a trailing line end, the content type as recorded.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use ledger::ViewError;
use serde::Serialize;
use store::StoreError;
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// As the original writes it.
const JSON: &str = "application/json; charset=UTF-8";

/// What surrounds every answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<T> {
    status_code: u16,
    /// The answer.
    #[schema(required, inline)]
    data: Option<T>,
    /// Null with an answer.
    #[schema(required)]
    error: Option<Message>,
}

/// Why there is no answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    message: String,
}

/// What surrounds a refusal.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes an envelope without data")]
pub struct RefusalEnvelope {
    status_code: u16,
    error: Message,
}

/// Every operation of the compatible interface may be refused: in the envelope, or as the original's framework does.
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = |description: &str| {
            let schema = OneOfBuilder::new()
                .item(Ref::from_schema_name(RefusalEnvelope::name()))
                .item(Ref::from_schema_name(Message::name()));
            let content = Content::new(Some(schema));
            ResponseBuilder::new().description(description).content("application/json", content).build().into()
        };
        BTreeMap::from([
            ("4XX".into(), response("The request is not granted")),
            ("5XX".into(), response("The node cannot answer now")),
        ])
    }
}

/// A request that is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Status of the answer.
    http: u16,
    /// Status inside the envelope; differs from the other in one case of the original.
    inside: u16,
    message: String,
    retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal with the same status inside and outside.
    pub fn new(status: u16, message: impl ToString) -> Self {
        Self { http: status, inside: status, message: message.to_string(), retry_after_s: None }
    }

    /// What is asked is wrong.
    pub fn bad(message: impl ToString) -> Self {
        Self::new(400, message)
    }

    /// The original answers an unknown transaction with 400 outside and 404 inside.
    pub fn unknown_transaction(id: &str) -> Self {
        Self { inside: 404, ..Self::bad(format!("not found transaction{id}")) }
    }

    /// Tells the client when to come back.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The answer.
    pub fn reply(&self) -> HttpResponse {
        let error = Some(Message { message: self.message.clone() });
        let envelope: Envelope<()> = Envelope { status_code: self.inside, data: None, error };
        let mut reply = HttpResponse::build(status(self.http));
        if let Some(seconds) = self.retry_after_s {
            reply.insert_header(("Retry-After", seconds.to_string()));
        }
        reply.content_type(JSON).body(line(&envelope))
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.http
    }

    /// What the message says.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(500, error)
    }
}

impl From<ViewError> for Refusal {
    fn from(error: ViewError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(500, error)
    }
}

/// `data`, or why not.
pub fn envelope<T: Serialize>(result: Result<T, Refusal>) -> HttpResponse {
    match result {
        Ok(data) => ready(rendered(data)),
        Err(refusal) => refusal.reply(),
    }
}

/// `data` in its envelope, as bytes.
pub fn rendered<T: Serialize>(data: T) -> Bytes {
    line(&Envelope { status_code: 200, data: Some(data), error: None }).into()
}

/// An answer that was rendered before.
pub fn ready(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(body)
}

/// What the original's framework says of paths that do not exist.
pub async fn not_found() -> HttpResponse {
    framework(404, "Not Found")
}

/// What the original's framework says of other methods, and its answer to OPTIONS.
pub async fn other_method(request: HttpRequest) -> HttpResponse {
    match request.method().as_str() {
        "OPTIONS" => HttpResponse::NoContent().insert_header(("Allow", "OPTIONS, GET, POST")).finish(),
        _ => framework(405, "Method Not Allowed"),
    }
}

fn framework(code: u16, message: &str) -> HttpResponse {
    HttpResponse::build(status(code)).content_type(JSON).body(line(&Message { message: message.into() }))
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn line(value: &impl Serialize) -> String {
    // Only maps with keys that are no text could fail, and there are none.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}
