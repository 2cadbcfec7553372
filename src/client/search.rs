//! What a text names.

use ledger::{Address, BlockId, TxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// What a text names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Found {
    /// A block.
    Block {
        /// Its id.
        #[schema(value_type = schema::Id)]
        id: BlockId,
        /// Its height.
        height: u64,
    },
    /// A transaction, in the chain or waiting.
    Transaction {
        /// Its id.
        #[schema(value_type = schema::Id)]
        id: TxId,
    },
    /// An account; any address is one.
    Account {
        /// Its address.
        #[schema(value_type = schema::Address)]
        address: Address,
        /// Whether it was ever paid.
        exists: bool,
    },
}
