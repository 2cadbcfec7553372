//! The transitions of the syncer machine, against peers that serve what a branch holds.

mod bench;
mod bodies;
mod headers;
mod hostile;
mod race;
mod repairs;
mod tips;
mod whole;
mod world;

use ledger::memory::MemoryChain;
use ledger::{Block, BlockError, CheckedBlock, Header};

use self::bench::*;
use super::answers::MAX_RUN;
use super::bodies::{BODIES_MS, STUCK_MS};
use super::hunt::{HEADERS_MS, locator};
use super::record::{PATIENCE_MS, PENALTY_MS, SHORT_PATIENCE_MS, START_HEADERS};
use super::*;
use crate::fixture::{Branch, at, network, peer, seal};
