//! Which inbound peer makes room for others: nobody who has shown its worth in a way that is hard to fake, nobody in the
//! middle of its visit, and of the others the youngest of whoever holds most connections. So the slots cannot be
//! flooded, and old friends stay.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::place::Range;
use crate::PeerId;

/// Peers protected for each of three virtues, at most; half of few slots stay open to newcomers.
const PROTECTED: usize = 4;
const PROTECTED_SHARE: usize = 6;

/// An inbound peer, as far as it matters here.
#[derive(Debug, Clone)]
pub(super) struct Inbound {
    pub peer: PeerId,
    pub range: Option<Range>,
    pub since: u64,
    /// Whether it came just now and has not yet been told whom else there is.
    pub visits: bool,
    pub ping: Option<u64>,
    /// When it last told of a new block.
    pub useful_at: Option<u64>,
}

/// Who makes room among so many `slots`; nobody if all are worth keeping.
pub(super) fn worst(mut inbound: Vec<Inbound>, slots: usize) -> Option<PeerId> {
    let each = PROTECTED.min(slots / PROTECTED_SHARE);
    protect(&mut inbound, each, |one| Some(one.since));
    protect(&mut inbound, each, |one| one.ping);
    protect(&mut inbound, each, |one| one.useful_at.map(Reverse));
    spare_visitors(&mut inbound);
    let mut crowds: BTreeMap<Option<Range>, (usize, u64)> = BTreeMap::new();
    for one in &inbound {
        let (count, youngest) = crowds.entry(one.range).or_default();
        *count += 1;
        *youngest = one.since.max(*youngest);
    }
    let (crowd, _) = crowds.into_iter().max_by_key(|(_, crowd)| *crowd)?;
    let of_crowd = inbound.iter().filter(|one| one.range == crowd);
    of_crowd.max_by_key(|one| (one.since, one.peer)).map(|one| one.peer)
}

/// Whose visit has lasted longest.
pub(super) fn longest_visitor(inbound: &[Inbound]) -> Option<PeerId> {
    inbound.iter().filter(|one| one.visits).min_by_key(|one| (one.since, one.peer)).map(|one| one.peer)
}

/// Takes visitors out of the choice: of each range one, or who has a range would take all the time there is for visits.
fn spare_visitors(inbound: &mut Vec<Inbound>) {
    let mut spared = BTreeSet::new();
    inbound.sort_by_key(|one| (one.since, one.peer));
    inbound.retain(|one| !one.visits || one.range.is_some_and(|range| !spared.insert(range)));
}

/// Takes the `count` with the smallest keys out of the choice; who has no key is not protected.
fn protect<K: Ord>(inbound: &mut Vec<Inbound>, count: usize, key: impl Fn(&Inbound) -> Option<K>) {
    inbound.sort_by_key(|one| (key(one).is_none(), key(one), one.peer));
    let protected = inbound.iter().take(count).filter(|one| key(one).is_some()).count();
    inbound.drain(..protected);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::peer;

    /// Twenty peers: the younger, the higher their number, each in a range of its own.
    fn twenty() -> Vec<Inbound> {
        let one = |n: u8| Inbound {
            peer: peer(n),
            range: Range::of(&format!("/ip4/8.{n}.0.1/tcp/1")),
            since: n.into(),
            visits: false,
            ping: None,
            useful_at: None,
        };
        (1..=20).map(one).collect()
    }

    /// Who goes, one after another, until all that are left are protected.
    fn order(mut inbound: Vec<Inbound>) -> Vec<u8> {
        let mut gone = Vec::new();
        while let Some(worst) = worst(inbound.clone(), 24) {
            inbound.retain(|one| one.peer != worst);
            gone.push(worst.0[0]);
        }
        gone
    }

    #[test]
    fn p01_the_longest_connected_the_nearest_and_the_most_useful_stay() {
        let mut inbound = twenty();
        for (n, one) in inbound.iter_mut().enumerate() {
            one.ping = Some(if (8..12).contains(&n) { 5 } else { 500 });
            one.useful_at = (14..18).contains(&n).then_some(n as u64);
        }
        let gone = order(inbound);
        let stays: Vec<u8> = (1..=20).filter(|n| !gone.contains(n)).collect();
        assert_eq!(stays, [1, 2, 3, 4, 9, 10, 11, 12, 15, 16, 17, 18]);
        assert_eq!(gone[..4], [20, 19, 14, 13], "of the others the youngest first");
    }

    #[test]
    fn p01_who_holds_most_connections_loses_one_first() {
        let mut inbound = twenty();
        for one in &mut inbound[9..13] {
            one.range = Range::of("/ip4/9.9.0.1/tcp/1");
        }
        assert_eq!(order(inbound)[..3], [13, 12, 11]);
    }

    #[test]
    fn p01_of_few_slots_half_are_open_to_newcomers() {
        let mut inbound = twenty();
        inbound.truncate(8);
        inbound.iter_mut().for_each(|one| (one.ping, one.useful_at) = (Some(5), Some(5)));
        assert!(worst(inbound.clone(), 24).is_none(), "a large node keeps eight good ones");
        assert!(worst(inbound, 8).is_some(), "a small one would be closed for ever");
    }

    #[test]
    fn p01_of_visitors_the_first_of_each_range_is_spared() {
        let mut inbound = twenty();
        inbound[17..].iter_mut().for_each(|one| one.visits = true);
        assert_eq!(order(inbound.clone())[..2], [17, 16]);
        inbound[18].range = inbound[17].range;
        assert_eq!(order(inbound.clone())[..2], [19, 17], "the second of one range does not wait");
        assert_eq!(longest_visitor(&inbound), Some(peer(18)));
        inbound.iter_mut().for_each(|one| one.visits = false);
        assert_eq!(longest_visitor(&inbound), None);
    }

    #[test]
    fn p01_few_are_all_worth_keeping() {
        let mut inbound = twenty();
        inbound.truncate(4);
        assert_eq!(worst(inbound, 24), None);
        assert_eq!(worst(Vec::new(), 24), None);
    }
}
