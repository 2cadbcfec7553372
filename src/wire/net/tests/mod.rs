//! Real nodes on loopback, in one process. Every wait is for an event and has a deadline; nothing sleeps.

mod connecting;
mod discovery;
mod gossiping;
mod harness;
mod serving;
mod strangers;
