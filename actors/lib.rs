//! How it runs: one thin actix actor for each machine, and the threads beside them.
//!
//! An actor translates mail to an event, calls its machine, and performs the effects. It decides nothing, and no actor
//! knows another: they hold the [`Port`]s that wiring gave them. Mail is at most once and nobody waits for an answer;
//! deadlines in the machines repair any loss.

mod chain;
mod clock;
mod delivery;
mod directory;
mod discovery;
mod faucet;
mod faucet_records;
mod handle;
mod hasher;
mod link;
mod mail;
#[cfg(test)]
mod mailbox_tests;
mod miner;
mod peer;
mod port;
mod pulse;
mod report;
mod router;
mod serve;
#[cfg(test)]
mod stop_tests;
mod syncer;
mod ticker;
mod translate;
mod urgency;
mod verifier;
mod vital;

pub use chain::{Chain, Ports as ChainPorts};
pub use clock::Clock;
pub use directory::Directory;
pub use discovery::{Discovery, Ports as DiscoveryPorts};
pub use faucet::{Faucet, Ports as FaucetPorts};
pub use faucet_records::{FaucetRecordError, faucet_records};
pub use handle::{ClaimFailure, Door, Doors, Handle, Health, MintError, PeerReport, SubmitError, Unavailable, fixed};
pub use hasher::{Duty, Hasher};
pub use mail::{AskFaucet, Claim, Inspect, Mail, MakeTemplate, OfferBlock, Question, Share, Stop, Submit, Tick, Write};
pub use miner::{Miner, Ports as MinerPorts};
pub use port::{Inbox, Meter, Port};
pub use pulse::{ANSWER, PACE, Pulse, Signs};
pub use report::{ActorReport, MailboxReport};
pub use router::{PeerPorts, Router};
pub use syncer::{Ports as SyncerPorts, Syncer};
pub use ticker::Ticker;
pub use urgency::Urgency;
pub use verifier::{Verifier, VerifierThreads};
pub use vital::{Beat, Failure, Vital, Watch, exit_code};
