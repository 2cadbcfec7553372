//! Asking a node: one blocking client for the public interface and, with a token, for the operator's.

use std::io::Read;
use std::time::Duration;

use ledger::{Address, TxId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::transfer::{Posted, Submitted};
use crate::{
    Account, Block, FaucetChallenge, FaucetClaim, FaucetPayout, Fees, NetworkInfo, Problem, Status, Transaction,
    Waiting,
};

/// Longest wait for an answer. A node answers in milliseconds; minting many blocks takes longer.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No answer of a node is larger.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// A node, as its users or its operator see it.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("no answer from {base}: {why}")]
    NoAnswer {
        /// Who was asked.
        base: String,
        /// Why not.
        why: String,
    },
    /// Something answers that is no node.
    #[error("{base} is no Barreleye node: {why}")]
    NoNode {
        /// Who was asked.
        base: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The node refuses.
    #[error("{}", .0.detail)]
    Refused(Problem),
}

impl ClientError {
    /// Whether the node says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 404)
    }
}

/// What a node answered: a status, and JSON.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub json: Value,
    base: String,
}

impl Client {
    /// A node at `base`, such as `http://127.0.0.1:9000` or `127.0.0.1:9000`.
    pub fn new(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let base = if base.contains("://") { base.into() } else { format!("http://{base}") };
        Self { agent: agent(), base, token: None }
    }

    /// The same, asked as its operator.
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Where the node is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How the node is.
    pub fn status(&self) -> Result<Status, ClientError> {
        self.read("/v1/status")
    }

    /// The rules of its network.
    pub fn network(&self) -> Result<NetworkInfo, ClientError> {
        self.read("/v1/network")
    }

    /// An account; one that was never paid has nothing.
    pub fn account(&self, address: &Address) -> Result<Account, ClientError> {
        self.read(&format!("/v1/accounts/{address}"))
    }

    /// A block by height or id.
    pub fn block(&self, name: &str) -> Result<Block, ClientError> {
        self.read(&format!("/v1/blocks/{name}"))
    }

    /// A transaction, in the chain or waiting.
    pub fn transaction(&self, id: &TxId) -> Result<Transaction, ClientError> {
        self.read(&format!("/v1/transactions/{id}"))
    }

    /// Why a transaction waits.
    pub fn waiting(&self, id: &TxId) -> Result<Waiting, ClientError> {
        self.read(&format!("/v1/transactions/{id}/waiting"))
    }

    /// What it costs to be mined soon.
    pub fn fees(&self) -> Result<Fees, ClientError> {
        self.read("/v1/fees")
    }

    /// Hands in a transfer; it waits in the node's pool when this returns.
    pub fn submit(&self, transfer: &Posted) -> Result<TxId, ClientError> {
        let submitted: Submitted = self.post("/v1/transactions", transfer)?.parse()?;
        Ok(submitted.id)
    }

    /// Work for a claim of this account.
    pub fn faucet_challenge(&self, address: &Address) -> Result<FaucetChallenge, ClientError> {
        self.read(&format!("/v1/faucet/challenge?address={address}"))
    }

    /// Claims coins; the transaction that pays them can be looked up when this returns.
    pub fn claim(&self, claim: &FaucetClaim) -> Result<FaucetPayout, ClientError> {
        self.post("/v1/faucet/claims", claim)?.parse()
    }

    /// Asks for `path`, whose answer is a `T`.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.get(path)?.parse()
    }

    /// Asks for `path`.
    pub fn get(&self, path: &str) -> Result<Answer, ClientError> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.call())
    }

    /// Asks for `path`, whose answer is bytes of any length. Gives the value of a header of the answer too.
    pub fn stream(&self, path: &str, header: &str) -> Result<(Box<dyn Read + Send>, Option<String>), ClientError> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        // Each part has a deadline of its own, the whole has none.
        let request = request.config().timeout_global(None).timeout_recv_response(Some(TIMEOUT)).build();
        let no_answer = |error: ureq::Error| ClientError::NoAnswer { base: self.base.clone(), why: error.to_string() };
        let response = request.call().map_err(no_answer)?;
        if !response.status().is_success() {
            let refused = self.answer(Ok(response))?.ok();
            return Err(refused.err().unwrap_or_else(|| ClientError::NoNode {
                base: self.base.clone(),
                why: "it answers with a redirection".into(),
            }));
        }
        let value = response.headers().get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((Box::new(response.into_body().into_reader()), value))
    }

    /// Sends `body` to `path`.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, ClientError> {
        self.send(self.agent.post(format!("{}{path}", self.base)), body)
    }

    /// Puts `body` at `path`.
    pub fn put(&self, path: &str, body: &impl Serialize) -> Result<Answer, ClientError> {
        self.send(self.agent.put(format!("{}{path}", self.base)), body)
    }

    fn send(
        &self,
        mut request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.send_json(body))
    }

    fn answer(&self, result: Result<Response<Body>, ureq::Error>) -> Result<Answer, ClientError> {
        let base = self.base.clone();
        let no_answer = |error: ureq::Error| ClientError::NoAnswer { base: base.clone(), why: error.to_string() };
        let mut response = result.map_err(no_answer)?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(no_answer)?;
        let json = match serde_json::from_str(&text) {
            Ok(json) => json,
            Err(_) if text.trim().is_empty() => Value::Null,
            Err(_) => return Err(ClientError::NoNode { base, why: "it does not answer in JSON".into() }),
        };
        Ok(Answer { status, json, base })
    }
}

impl Answer {
    /// The answer, or the node's reason for refusing.
    pub fn ok(self) -> Result<Value, ClientError> {
        if (200..300).contains(&self.status) { Ok(self.json) } else { Err(ClientError::Refused(self.problem())) }
    }

    /// The answer as a `T`, or the node's reason for refusing.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let base = self.base.clone();
        let other = |error| ClientError::NoNode { base, why: format!("{error}; is it of another version?") };
        serde_json::from_value(self.ok()?).map_err(other)
    }

    /// Why the node refused: each of its interfaces has its own place for that.
    fn problem(&self) -> Problem {
        if let Ok(problem) = serde_json::from_value(self.json.clone()) {
            return problem;
        }
        let texts = ["/error/message", "/detail", "/title", "/message"];
        let text = texts.iter().find_map(|place| self.json.pointer(place).and_then(Value::as_str));
        Problem {
            kind: "about:blank".into(),
            title: "Refused".into(),
            status: self.status,
            detail: text.map_or_else(|| format!("the node answered with status {}", self.status), String::from),
            reason: None,
            retry_after_s: None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, json: Value) -> Answer {
        Answer { status, json, base: "http://x".into() }
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_either_interface() {
        let compatible = serde_json::json!({ "statusCode": 404, "error": { "message": "not found block" } });
        assert_eq!(answered(404, compatible).ok().unwrap_err().to_string(), "not found block");
        let problem = serde_json::json!({ "type": "/problems/x", "title": "X", "status": 409, "detail": "because" });
        let error = answered(409, problem).parse::<Status>().unwrap_err();
        assert!(matches!(&error, ClientError::Refused(problem) if problem.kind == "/problems/x"), "{error:?}");
        assert_eq!(answered(500, Value::Null).ok().unwrap_err().to_string(), "the node answered with status 500");
        assert!(answered(200, Value::Null).parse::<Status>().unwrap_err().to_string().contains("another version"));
    }

    #[test]
    fn a_node_is_named_with_or_without_its_scheme() {
        for base in ["127.0.0.1:9000", "http://127.0.0.1:9000", "http://127.0.0.1:9000/"] {
            assert_eq!(Client::new(base).base(), "http://127.0.0.1:9000");
        }
    }
}
