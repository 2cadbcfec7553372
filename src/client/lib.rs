//! The native interface of a node as types, and a client that speaks it.
//!
//! The node answers with these very types and describes them in its OpenAPI document; the command line reads them. So
//! the three cannot differ. Amounts are decimal strings in drops and nonces decimal strings, since JSON numbers are not
//! exact everywhere; times are unix milliseconds; ids are hex, addresses hex behind `0x`.
//!
//! | file | noun |
//! |---|---|
//! | `text` | numbers and hex as texts |
//! | `status`, `network`, `peers`, `statistics` | the node and its network |
//! | `block`, `transaction`, `account` | what is in the chain |
//! | `pool` | what waits, why, and what fees it takes |
//! | `proof` | that a transaction is in a block |
//! | `transfer` | a signed transfer as it is handed in |
//! | `event` | what a stream of events tells |
//! | `faucet` | coins for newcomers |
//! | `problem` | why a request is refused |
//! | `client` | asking |

mod account;
mod block;
mod client;
mod event;
mod faucet;
mod network;
mod peers;
mod pool;
mod problem;
mod proof;
mod search;
mod statistics;
mod status;
mod text;
mod transaction;
pub mod transfer;

pub use account::{Account, AccountHistory, Direction, HistoryItem};
pub use block::{Block, BlockSummary, Blocks, HeaderView, Headers};
pub use client::{Answer, Client, ClientError};
pub use event::{BlockEvent, LifeEvent, LifeState, ReorganisationEvent, StatusEvent};
pub use faucet::{
    FaucetBudget, FaucetChallenge, FaucetClaim, FaucetCollector, FaucetPayout, FaucetRange, FaucetRefusal,
    FaucetReport, FaucetState, FaucetStatus,
};
pub use network::{Limits, NetworkInfo, Supply};
pub use peers::{PeerDirection, PeerInfo, Peers};
pub use pool::{Fee, Fees, PoolEntry, PoolList, Waiting, WaitingReason};
pub use problem::Problem;
pub use proof::{Proof, Side, Step};
pub use search::Found;
pub use statistics::Statistics;
pub use status::{PoolSize, Status, SyncState, TipInfo};
pub use text::{Drops, Number, schema};
pub use transaction::{BlockTransactions, InBlock, InPool, State, Transaction, TransactionKind, Transactions};
pub use transfer::{
    BarreleyeForm, BarreleyeTexts, Batch, BatchItem, BatchReply, HexForm, Posted, Submitted, TransferJson,
};
