//! Real nodes on loopback, in one process. Every wait is for an event and has a deadline; nothing sleeps.

mod attacks;
mod connecting;
mod discovery;
mod gossip_attacks;
mod gossiping;
mod harness;
mod inside;
mod raw;
mod serving;
mod strangers;
