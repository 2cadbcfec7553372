//! How a command ends when it does not succeed: a sentence that says what to do, and an exit code.
//!
//! The codes are part of the interface: 0 clean, 2 usage or configuration, 70 internal fault, 74 storage.

use thiserror::Error;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The command, its configuration or its input cannot be used; a node that refuses a request counts as this.
    #[error("{0}")]
    Usage(String),
    /// This program or the node that it asked has a fault.
    #[error("{0}")]
    Internal(String),
    /// What is on disk cannot be read or written, or is damaged.
    #[error("{0}")]
    Storage(String),
}

impl Failure {
    /// A failure that other input would avoid.
    pub fn usage(text: impl ToString) -> Self {
        Self::Usage(text.to_string())
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
        match self {
            Self::Usage(_) => 2,
            Self::Internal(_) => 70,
            Self::Storage(_) => 74,
        }
    }
}
