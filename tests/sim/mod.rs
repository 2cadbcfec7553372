//! A network of nodes on virtual time, whole except for what carries the bytes: the machines are the real ones, blocks
//! are solved and signed, and everything random comes from one seed.

pub mod chance;
pub mod check;
mod churn;
pub mod effects;
pub mod links;
pub mod message;
pub mod node;
mod parted;
pub mod plan;
pub mod queue;
pub mod rendezvous;
pub mod seeds;
mod stale;
pub mod talk;
pub mod verifier;
pub mod world;
