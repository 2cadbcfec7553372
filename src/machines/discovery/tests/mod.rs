//! The transitions of the discovery machine, on virtual time.

mod dialing;
mod finding;
mod keeping;
mod slots;

use super::dials::DIAL_MS;
use super::*;
use crate::fixture::{at, peer};
use crate::peer::Goodbye;

const DAY: u64 = 24 * 60 * 60 * 1000;
const MINUTE: u64 = 60_000;
/// Spacing of ten seconds, so a tip is stale after two minutes.
const STALE_MS: u64 = 120_000;

/// Node 200, which wants three peers.
fn discovery(fixed: &[(Option<u8>, &str)], kept: &[u8]) -> Discovery {
    with(fixed, kept.iter().map(|n| (peer(*n), record(*n))).collect(), 3)
}

fn with(fixed: &[(Option<u8>, &str)], kept: Vec<(PeerId, Record)>, wanted: usize) -> Discovery {
    starting(at(0), fixed, kept, wanted)
}

fn starting(now: Now, fixed: &[(Option<u8>, &str)], kept: Vec<(PeerId, Record)>, wanted: usize) -> Discovery {
    let fixed = fixed.iter().map(|(n, address)| Fixed { peer: n.map(peer), address: (*address).into() }).collect();
    let params =
        Params { me: peer(200), fixed, wanted, max_inbound: 24, stale_after_ms: STALE_MS, forget_after_ms: DAY };
    Discovery::new(params, kept, now)
}

/// Peer `n` as it was kept: reached, and seen just now.
fn record(n: u8) -> Record {
    Record { addresses: vec![address(n)], last_seen: at(0).unix, reached: 1, failures: 0, anchor: false }
}

/// On a private network, where ranges do not count.
fn address(n: u8) -> String {
    format!("/ip4/10.0.0.{n}/tcp/4100")
}

/// On the Internet, each in a range of its own.
fn public(n: u8) -> String {
    format!("/ip4/8.{n}.0.1/tcp/4100")
}

fn found(peers: &[u8]) -> Event {
    Event::Found { source: Source::Rendezvous, peers: peers.iter().map(|n| (peer(*n), vec![address(*n)])).collect() }
}

fn connected(n: u8) -> Event {
    Event::Connected { peer: peer(n), dialed: Some(address(n)), from: None }
}

fn came(n: u8) -> Event {
    Event::Connected { peer: peer(n), dialed: None, from: public(n)[5..].split('/').next().unwrap().parse().ok() }
}

fn ready(n: u8) -> Event {
    Event::Ready { peer: peer(n), dialed: Some(address(n)) }
}

fn failed(n: u8) -> Event {
    Event::DialFailed { peer: Some(peer(n)), addresses: vec![address(n)] }
}

fn gone(n: u8) -> Event {
    Event::Gone { peer: peer(n) }
}

/// Brings peer `n`, which this node dialed, through the handshake.
fn meet(discovery: &mut Discovery, mono: u64, n: u8) -> Vec<Effect> {
    let mut effects = discovery.on(at(mono), connected(n));
    effects.extend(discovery.on(at(mono), ready(n)));
    effects
}

/// The same for a peer that came to this node.
fn admit(discovery: &mut Discovery, mono: u64, n: u8) -> Vec<Effect> {
    let mut effects = discovery.on(at(mono), came(n));
    effects.extend(discovery.on(at(mono), Event::Ready { peer: peer(n), dialed: None }));
    effects
}

fn tick(discovery: &mut Discovery, mono: u64) -> Vec<Effect> {
    discovery.on(at(mono), Event::Tick)
}

/// Ticks from one time to another, and what came of it when.
fn ticks(discovery: &mut Discovery, from: u64, to: u64) -> Vec<(u64, Effect)> {
    let tick = |now| discovery.on(at(now), Event::Tick).into_iter().map(move |effect| (now, effect));
    (from..to).step_by(100).flat_map(tick).collect()
}

/// Whom it dials, by number.
fn dialed<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> Vec<u8> {
    let number = |effect: &Effect| match effect {
        Effect::Dial { peer, .. } => Some(peer.map_or(0, |peer| peer.0[0])),
        _ => None,
    };
    effects.into_iter().filter_map(number).collect()
}

/// Whom it tells to leave, by number.
fn told_to_leave<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> Vec<(u8, Goodbye)> {
    let number = |effect: &Effect| match effect {
        Effect::Disconnect { peer, why } => Some((peer.0[0], why.clone())),
        _ => None,
    };
    effects.into_iter().filter_map(number).collect()
}

fn looks_up(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Lookup)
}
