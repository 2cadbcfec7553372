//! Reaching a node: the public interface by its URL, the operator's by the address and the cookie in its directory.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::path::Path;

use client::{Answer, Client, ClientError};
use serde::Serialize;
use serde_json::Value;

use crate::cli::{AdminArgs, ClientArgs};
use crate::config;
use crate::failure::Failure;
use crate::prepare::{ADMIN_ADDRESS, COOKIE};
use crate::private_file;

/// The public interface.
pub fn public(args: &ClientArgs) -> Client {
    Client::new(&args.node)
}

/// The operator's interface of a node.
pub struct Operator {
    client: Client,
    dir: String,
}

impl Operator {
    /// The node whose data directory the arguments name.
    pub fn of(args: &AdminArgs) -> Result<Self, Failure> {
        let data_dir = args.data_dir();
        let dir = data_dir.display().to_string();
        let token = private_file::read(&data_dir.join(COOKIE)).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => {
                Failure::NoNode(format!("{error}: only its owner and root may ask, try sudo"))
            }
            _ => Failure::NoNode(format!(
                "{error}: start the node, or name its data directory with --data-dir (now {dir})"
            )),
        })?;
        let base = match &args.admin {
            Some(address) => address.clone(),
            None => written_address(&data_dir).to_string(),
        };
        Ok(Self { client: Client::new(&base).with_token(token.trim()), dir })
    }

    /// Asks for `path`.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.answer(self.client.get(path))
    }

    /// Asks for `path`, whose answer is bytes, and for the value of a header of it.
    pub fn stream(&self, path: &str, header: &str) -> Result<(Box<dyn Read + Send>, Option<String>), Failure> {
        self.client.stream(path, header).map_err(|error| self.failure(error))
    }

    /// Sends `body` to `path`.
    pub fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
        self.answer(self.client.post(path, body))
    }

    /// Puts `body` at `path`.
    pub fn put(&self, path: &str, body: &impl Serialize) -> Result<Value, Failure> {
        self.answer(self.client.put(path, body))
    }

    fn answer(&self, answer: Result<Answer, ClientError>) -> Result<Value, Failure> {
        answer.and_then(Answer::ok).map_err(|error| self.failure(error))
    }

    fn failure(&self, error: ClientError) -> Failure {
        match error {
            ClientError::NoAnswer { .. } => Failure::NoNode(format!(
                "{error}; is the node of {} running? its admin address is given with --admin ADDR",
                self.dir
            )),
            other => other.into(),
        }
    }
}

/// The address that a node left in its data directory, else the usual one.
fn written_address(data_dir: &Path) -> SocketAddr {
    let written = fs::read_to_string(data_dir.join(ADMIN_ADDRESS)).ok().and_then(|text| text.trim().parse().ok());
    written.unwrap_or(SocketAddr::from(([127, 0, 0, 1], config::ADMIN_PORT)))
}
