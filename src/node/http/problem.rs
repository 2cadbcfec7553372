//! Why a request is not granted, as `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::web::Json;
use actix_web::{HttpResponse, ResponseError};
use ledger::ViewError;
use store::StoreError;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::reply::Refusal;
use crate::node_api::Refused;

const KIND: &str = "application/problem+json";

/// What a handler of the native interface gives.
pub type Answer<T> = Result<Json<T>, Problem>;

/// Why a request is not granted. The type is stable; the detail is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(pub client::Problem);

impl Problem {
    /// A problem of `kind`, a path that names it for ever.
    pub fn new(status: u16, kind: &'static str, title: &'static str, detail: impl ToString) -> Self {
        let (kind, title, detail) = (kind.into(), title.into(), detail.to_string());
        Self(client::Problem { kind, title, status, detail, reason: None, retry_after_s: None })
    }

    /// The request has the wrong form.
    pub fn malformed(detail: impl ToString) -> Self {
        Self::new(400, "/problems/malformed", "Malformed request", detail)
    }

    /// What is asked for is not there.
    pub fn not_found(detail: impl ToString) -> Self {
        Self::new(404, "/problems/not-found", "Not found", detail)
    }

    /// The same, with a stable word for the reason.
    pub fn because(mut self, reason: &'static str) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// The same, with the time after which asking again makes sense.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// The answer.
    pub fn reply(&self) -> HttpResponse {
        let mut reply = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.0.retry_after_s {
            reply.insert_header(("Retry-After", seconds.to_string()));
        }
        // Only maps with keys that are no text could fail, and there are none.
        reply.content_type(KIND).body(serde_json::to_string(&self.0).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.reply()
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(why) => Self::new(422, "/problems/refused", "Refused", why).because("invalid"),
            Refused::Known(why) => Self::new(409, "/problems/known", "Known already", why).because("known"),
            Refused::Unavailable(why) => {
                Self::new(503, "/problems/unavailable", "Unavailable", why).because("unavailable").retry_after(1)
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal.status() {
            404 => Self::not_found(refusal.message()),
            413 => Self::new(413, "/problems/too-large", "Body too large", refusal.message()),
            500.. => Self::new(500, "/problems/storage", "Storage fault", refusal.message()),
            _ => Self::malformed(refusal.message()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(500, "/problems/storage", "Storage fault", error)
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(500, "/problems/storage", "Storage fault", error)
    }
}

/// A refusal that any path may give, in the words of the interface to which the path belongs.
pub fn refusal_at(path: &str, status: u16, message: &str) -> HttpResponse {
    let (kind, title) = match status {
        408 => ("/problems/timeout", "Took too long"),
        500.. => ("/problems/internal", "Internal fault"),
        _ => ("/problems/malformed", "Malformed request"),
    };
    match is_native(path) {
        true => Problem::new(status, kind, title, message).reply(),
        false => Refusal::new(status, message).reply(),
    }
}

/// Whether a path belongs to the native interface.
pub fn is_native(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// Every operation of the native interface may answer with a problem: of the request, or of the node.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = |description: &str| {
            let schema = Ref::from_schema_name(client::Problem::name());
            ResponseBuilder::new().description(description).content(KIND, Content::new(Some(schema))).build().into()
        };
        BTreeMap::from([
            ("4XX".into(), response("The request is not granted: why, and what to do about it")),
            ("5XX".into(), response("The node cannot answer now")),
        ])
    }
}
