//! How the command line talks to a node: the public interface by its URL, the operator's by address and cookie.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::cli::{AdminArgs, ClientArgs};
use crate::failure::Failure;
use crate::private_file;

/// The token of the operator interface, in the data directory.
pub const COOKIE: &str = "admin.cookie";
/// Where the operator interface listens, in the data directory.
pub const ADMIN_ADDRESS: &str = "admin.address";

/// Longest wait for an answer. A node answers in milliseconds; minting many blocks takes longer.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No answer of a node is larger.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// A node, as its users or its operator see it.
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
    how_to_reach: String,
}

/// What a node answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub json: Value,
}

impl Client {
    /// The public interface.
    pub fn public(args: &ClientArgs) -> Self {
        let base = args.node.trim_end_matches('/');
        let base = if base.contains("://") { base.into() } else { format!("http://{base}") };
        Self {
            agent: agent(),
            base,
            token: None,
            how_to_reach: "is it running? give its address with --node URL".into(),
        }
    }

    /// The operator's interface.
    pub fn admin(args: &AdminArgs) -> Result<Self, Failure> {
        let dir = args.data_dir.display();
        let token = private_file::read(&args.data_dir.join(COOKIE)).map_err(|error| {
            Failure::usage(format!("{error}: start the node, or name its data directory with --data-dir (now {dir})"))
        })?;
        let base = match &args.admin {
            Some(address) if address.contains("://") => address.trim_end_matches('/').into(),
            Some(address) => format!("http://{address}"),
            None => format!("http://{}", written_address(&args.data_dir)),
        };
        let how_to_reach = format!("is the node of {dir} running? its admin address is given with --admin ADDR");
        Ok(Self { agent: agent(), base, token: Some(token.trim().into()), how_to_reach })
    }

    /// Asks for `path`.
    pub fn get(&self, path: &str) -> Result<Answer, Failure> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.call())
    }

    /// Sends `body` to `path`.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        self.send(self.agent.post(format!("{}{path}", self.base)), body)
    }

    /// Puts `body` at `path`.
    pub fn put(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        self.send(self.agent.put(format!("{}{path}", self.base)), body)
    }

    fn send(
        &self,
        mut request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        body: &impl Serialize,
    ) -> Result<Answer, Failure> {
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.send_json(body))
    }

    fn answer(&self, result: Result<Response<Body>, ureq::Error>) -> Result<Answer, Failure> {
        let mut response = result
            .map_err(|error| Failure::usage(format!("no answer from {}: {error}; {}", self.base, self.how_to_reach)))?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
        let text =
            text.map_err(|error| Failure::internal(format!("the answer of {} broke off: {error}", self.base)))?;
        let json = match serde_json::from_str(&text) {
            Ok(json) => json,
            Err(_) if text.trim().is_empty() => Value::Null,
            Err(_) => {
                return Err(Failure::usage(format!("{} is no Barreleye node: it does not answer in JSON", self.base)));
            }
        };
        Ok(Answer { status, json })
    }
}

impl Answer {
    /// The answer, or the node's reason for refusing.
    pub fn ok(self) -> Result<Value, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self.json);
        }
        let reason = self.reason();
        match self.status {
            500.. => Err(Failure::internal(format!("the node cannot do that now: {reason}"))),
            _ => Err(Failure::usage(reason)),
        }
    }

    /// Why the node refused: each of its interfaces has its own place for that.
    fn reason(&self) -> String {
        let texts = ["/error/message", "/detail", "/title", "/message"];
        let text = texts.iter().find_map(|place| self.json.pointer(place).and_then(Value::as_str));
        text.map_or_else(|| format!("the node answered with status {}", self.status), String::from)
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(TIMEOUT));
    config.build().new_agent()
}

/// The address that a node left in its data directory, else the usual one.
fn written_address(data_dir: &Path) -> SocketAddr {
    let written = fs::read_to_string(data_dir.join(ADMIN_ADDRESS)).ok().and_then(|text| text.trim().parse().ok());
    written.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9100)))
}
