//! A node as its users and its operator see it: over HTTP.

use std::time::Duration;

use ledger::{Address, Transfer};
use serde::Serialize;
use serde_json::{Value, json};
use ureq::typestate::{WithBody, WithoutBody};
use ureq::{Agent, RequestBuilder};

use client::transfer::TransferJson;

/// One listener of a node.
#[derive(Clone)]
pub struct Api {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// What it answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status of HTTP; 0 when there was no answer.
    pub status: u16,
    /// The body; its text if that is no JSON.
    pub body: Value,
}

impl Api {
    /// The listener at `address`, asked with `token` if there is one.
    pub fn new(address: &str, token: Option<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(20)));
        Self { agent: config.build().new_agent(), base: format!("http://{address}"), token }
    }

    /// The same without a token, or with another one.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(String::from), ..self.clone() }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Asks for `path`.
    pub fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.base));
        let request: RequestBuilder<WithoutBody> = match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        };
        answer(request.call())
    }

    /// Posts JSON to `path`.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.post_as(path, body, None)
    }

    /// Posts JSON to `path` the way a proxy does for `client`.
    pub fn post_as(&self, path: &str, body: &impl Serialize, client: Option<&str>) -> Answer {
        let mut request: RequestBuilder<WithBody> = self.agent.post(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(client) = client {
            request = request.header("X-Forwarded-For", client);
        }
        answer(request.send_json(body))
    }

    /// Posts a native transfer.
    pub fn transfer(&self, transfer: &Transfer) -> Answer {
        self.post("/v1/transactions", &TransferJson::from(transfer))
    }

    /// Claims at the faucet, as `client` behind a trusted proxy if that is given.
    pub fn claim(&self, to: &Address, client: Option<&str>) -> Answer {
        self.post_as("/faucet", &json!({ "accountAddress": to.to_string() }), client)
    }
}

impl Answer {
    /// The body, if the request was granted.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// The body, if the request was granted; else all of the answer as text.
    pub fn granted(self) -> Result<Value, String> {
        if (200..300).contains(&self.status) { Ok(self.body) } else { Err(format!("{self:?}")) }
    }

    /// Why it was refused, in either interface's place for that.
    pub fn reason(&self) -> &str {
        let places = ["/error/message", "/detail"];
        places.iter().find_map(|place| self.body.pointer(place).and_then(Value::as_str)).unwrap_or_default()
    }
}

fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let read = |mut response: ureq::http::Response<ureq::Body>| {
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    };
    result.and_then(read).unwrap_or_else(|error| Answer { status: 0, body: Value::String(error.to_string()) })
}
