//! Numbers of the last blocks, for charts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Numbers of the last blocks, lowest first; all lists have the same length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// Heights.
    pub height: Vec<u64>,
    /// Times in the headers.
    pub time: Vec<u64>,
    /// Milliseconds since the block before; 0 for genesis. Negative where a miner's clock ran behind.
    pub interval_ms: Vec<i64>,
    /// Hashes that such a block takes on average.
    pub difficulty: Vec<f64>,
    /// Numbers of transactions.
    pub transactions: Vec<u32>,
    /// Hashes a second of the whole network, over these blocks.
    pub hash_rate: f64,
    /// Transactions a second, over these blocks.
    pub transaction_rate: f64,
    /// The mean of the intervals, in milliseconds.
    pub mean_interval_ms: f64,
    /// The intended time between blocks.
    pub intended_interval_ms: u64,
}
