//! How a command ends when it does not succeed: a sentence that says what to do, and an exit code by kind.
//!
//! The codes are part of the interface; they are those of sysexits.h, with 2 for usage as clap has it.

use client::ClientError;
use serde::Serialize;
use serde_json::json;
use thiserror::Error;

use crate::keyfile::KeyFileError;
use crate::private_file::PrivateFileError;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The command, its configuration or its input cannot be used.
    #[error("{0}")]
    Usage(String),
    /// What was given is damaged, or the node refuses it by its rules.
    #[error("{0}")]
    Refused(String),
    /// What was named is not there: a key, a file, a transaction, a block.
    #[error("{0}")]
    Missing(String),
    /// No node answers.
    #[error("{0}")]
    NoNode(String),
    /// This program or the node that it asked has a fault.
    #[error("{0}")]
    Internal(String),
    /// What is on disk cannot be read or written, or is damaged.
    #[error("{0}")]
    Storage(String),
    /// Not now: the same command can succeed later.
    #[error("{text}")]
    Later {
        /// Why not now.
        text: String,
        /// Seconds after which it can, if that is known.
        retry_after_s: Option<u64>,
    },
    /// Not the right passphrase.
    #[error("{0}")]
    Denied(String),
}

/// A failure as programs read it.
#[derive(Serialize)]
struct Told<'a> {
    kind: &'a str,
    message: String,
    exit_code: u8,
    retry_after_s: Option<u64>,
}

impl Failure {
    /// A failure that other input would avoid.
    pub fn usage(text: impl ToString) -> Self {
        Self::Usage(text.to_string())
    }

    /// What was given is damaged or against the rules.
    pub fn refused(text: impl ToString) -> Self {
        Self::Refused(text.to_string())
    }

    /// A failure that is not the user's.
    pub fn internal(text: impl ToString) -> Self {
        Self::Internal(text.to_string())
    }

    /// A failure of what is on disk.
    pub fn storage(text: impl ToString) -> Self {
        Self::Storage(text.to_string())
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        self.kind().1
    }

    /// What programs get to read.
    pub fn to_json(&self) -> String {
        let (kind, exit_code) = self.kind();
        let retry_after_s = match self {
            Self::Later { retry_after_s, .. } => *retry_after_s,
            _ => None,
        };
        json!({ "error": Told { kind, message: self.to_string(), exit_code, retry_after_s } }).to_string()
    }

    fn kind(&self) -> (&'static str, u8) {
        match self {
            Self::Usage(_) => ("usage", 2),
            Self::Refused(_) => ("refused", 65),
            Self::Missing(_) => ("missing", 66),
            Self::NoNode(_) => ("no_node", 69),
            Self::Internal(_) => ("internal", 70),
            Self::Storage(_) => ("storage", 74),
            Self::Later { .. } => ("later", 75),
            Self::Denied(_) => ("denied", 77),
        }
    }

    /// The same failure, with what it is about before it.
    pub fn about(self, what: impl std::fmt::Display) -> Self {
        let put = |text: String| format!("{what}: {text}");
        match self {
            Self::Usage(text) => Self::Usage(put(text)),
            Self::Refused(text) => Self::Refused(put(text)),
            Self::Missing(text) => Self::Missing(put(text)),
            Self::NoNode(text) => Self::NoNode(put(text)),
            Self::Internal(text) => Self::Internal(put(text)),
            Self::Storage(text) => Self::Storage(put(text)),
            Self::Later { text, retry_after_s } => Self::Later { text: put(text), retry_after_s },
            Self::Denied(text) => Self::Denied(put(text)),
        }
    }
}

impl From<PrivateFileError> for Failure {
    fn from(error: PrivateFileError) -> Self {
        match error {
            PrivateFileError::Io { .. } => Self::Storage(error.to_string()),
            PrivateFileError::Missing(_) => Self::Missing(error.to_string()),
            PrivateFileError::Exposed(_) | PrivateFileError::TooLarge(_) | PrivateFileError::Exists(_) => {
                Self::Usage(error.to_string())
            }
        }
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        match error {
            KeyFileError::WrongPassphrase => Self::Denied(error.to_string()),
            KeyFileError::Machine(_) => Self::Internal(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let text = error.to_string();
        let ClientError::Refused(problem) = error else {
            return Self::NoNode(format!("{text}; is it running? name another one with --node URL"));
        };
        match problem.status {
            429 | 503 => Self::Later { text, retry_after_s: problem.retry_after_s },
            404 => Self::Missing(text),
            500.. => Self::Internal(format!("the node cannot do that: {text}")),
            _ => Self::Refused(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_the_same_to_people_and_programs() {
        let failure = Failure::Later { text: "not yet".into(), retry_after_s: Some(7) }.about("faucet");
        assert_eq!(failure.to_string(), "faucet: not yet");
        assert_eq!(
            failure.to_json(),
            r#"{"error":{"exit_code":75,"kind":"later","message":"faucet: not yet","retry_after_s":7}}"#
        );
    }
}
