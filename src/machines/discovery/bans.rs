//! Who is refused, and for how long: ten minutes, doubled for each repetition within a day, a day at most; by the
//! operator's word until the operator takes it back. Five peers of one IP refused within an hour take the IP with them.
//!
//! Never decides that somebody misbehaved; it is told.

use std::net::IpAddr;

use super::Effect;
use super::place::refusable;
use crate::PeerId;
use crate::timed::Timed;

/// How long a peer that misbehaved once is refused.
pub const BAN_MS: u64 = 600_000;
/// No machine refuses anybody for longer, and a longer memory has none.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Peers that are refused at once: ids cost nothing, so more would only help who makes them.
pub const MAX_BANNED: usize = 1_000;
/// IPs that are refused at once, and those that are close to it.
const MAX_ADDRESSES: usize = 1_000;
/// So many peers of one IP within [`OFFENCES_MS`] are one operator who changes ids.
const IDS_OF_ONE_IP: usize = 5;
const OFFENCES_MS: u64 = 60 * 60 * 1000;
/// The end of what ends by the operator's word alone.
const FOR_EVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Bans {
    peers: Timed<PeerId, ()>,
    /// How often a peer was refused within the last day.
    past: Timed<PeerId, u32>,
    addresses: Timed<IpAddr, ()>,
    /// Peers of an IP that were refused, and when.
    offenders: Timed<IpAddr, Vec<(PeerId, u64)>>,
}

impl Bans {
    pub fn new() -> Self {
        Self {
            peers: Timed::new(MAX_BANNED),
            past: Timed::new(MAX_BANNED),
            addresses: Timed::new(MAX_ADDRESSES),
            offenders: Timed::new(MAX_ADDRESSES),
        }
    }

    /// Peers that are refused.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    pub fn holds(&self, peer: &PeerId) -> bool {
        self.peers.contains(peer)
    }

    /// A peer misbehaved; `ip` is where it was.
    pub fn misbehaved(&mut self, peer: PeerId, ip: Option<IpAddr>, mono: u64, effects: &mut Vec<Effect>) {
        let times = self.past.get(&peer).map_or(0, |(_, times)| *times);
        let length = (BAN_MS << times.min(8)).min(DAY_MS);
        let end = mono.saturating_add(length);
        self.past.insert(peer, end.saturating_add(DAY_MS), times.saturating_add(1));
        // The operator's word holds longer than a machine's, and does not make room for it.
        let crowded = self.peers.is_full() && self.peers.first_end() == Some(FOR_EVER);
        if !crowded && self.peers.get(&peer).is_none_or(|(until, ())| until < end) {
            self.refuse(peer, end, effects);
        }
        if let Some(ip) = ip.and_then(refusable) {
            self.offended(ip, peer, mono, length, effects);
        }
    }

    /// The operator refuses a peer, or no longer.
    pub fn operator(&mut self, peer: PeerId, ban: bool, effects: &mut Vec<Effect>) {
        if ban {
            self.refuse(peer, FOR_EVER, effects);
        } else if self.peers.remove(&peer).is_some() {
            effects.push(Effect::Refuse { peer, refuse: false });
        }
    }

    /// Lets those go whose time is over.
    pub fn tick(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let pardoned = self.peers.expire(mono).into_iter();
        effects.extend(pardoned.map(|peer| Effect::Refuse { peer, refuse: false }));
        let pardoned = self.addresses.expire(mono).into_iter();
        effects.extend(pardoned.map(|address| Effect::RefuseAddress { address, refuse: false }));
        self.past.expire(mono);
        self.offenders.expire(mono);
    }

    fn refuse(&mut self, peer: PeerId, end: u64, effects: &mut Vec<Effect>) {
        let dropped = self.peers.insert(peer, end, ());
        effects.extend(dropped.map(|peer| Effect::Refuse { peer, refuse: false }));
        effects.push(Effect::Refuse { peer, refuse: true });
    }

    fn offended(&mut self, ip: IpAddr, peer: PeerId, mono: u64, length: u64, effects: &mut Vec<Effect>) {
        let mut ids = self.offenders.remove(&ip).unwrap_or_default();
        ids.retain(|(other, at)| *other != peer && at.saturating_add(OFFENCES_MS) > mono);
        ids.push((peer, mono));
        if ids.len() < IDS_OF_ONE_IP {
            self.offenders.insert(ip, mono.saturating_add(OFFENCES_MS), ids);
            return;
        }
        let dropped = self.addresses.insert(ip, mono.saturating_add(length), ());
        effects.extend(dropped.map(|address| Effect::RefuseAddress { address, refuse: false }));
        effects.push(Effect::RefuseAddress { address: ip, refuse: true });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn id(n: u64) -> PeerId {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        PeerId(bytes)
    }

    fn misbehave(bans: &mut Bans, n: u64, ip: &str, mono: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        bans.misbehaved(id(n), ip.parse().ok(), mono, &mut effects);
        effects
    }

    fn tick(bans: &mut Bans, mono: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        bans.tick(mono, &mut effects);
        effects
    }

    fn refused(effects: &[Effect]) -> Option<String> {
        effects.iter().find_map(|effect| match effect {
            Effect::RefuseAddress { address, refuse: true } => Some(address.to_string()),
            _ => None,
        })
    }

    #[test]
    fn each_repetition_within_a_day_doubles_the_ban_up_to_a_day_and_a_quiet_day_takes_it_back() {
        let (mut bans, mut now) = (Bans::new(), 0);
        for length in [10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440, 1_440] {
            misbehave(&mut bans, 1, "8.8.8.8", now);
            tick(&mut bans, now + length * MINUTE - 1);
            assert!(bans.holds(&id(1)), "{length} minutes");
            assert_eq!(tick(&mut bans, now + length * MINUTE), [Effect::Refuse { peer: id(1), refuse: false }]);
            now += length * MINUTE;
        }
        now += DAY_MS;
        tick(&mut bans, now);
        misbehave(&mut bans, 1, "8.8.8.8", now);
        assert_eq!(tick(&mut bans, now + 10 * MINUTE), [Effect::Refuse { peer: id(1), refuse: false }]);
    }

    #[test]
    fn p21_a_million_misbehaving_ids_leave_a_thousand_and_the_one_next_to_be_pardoned_makes_room() {
        let mut bans = Bans::new();
        for n in 0..1_000_000 {
            let ip = std::net::Ipv4Addr::from(0x0800_0000 + n as u32);
            bans.misbehaved(id(n), Some(ip.into()), n, &mut Vec::new());
        }
        assert_eq!((bans.peers.len(), bans.past.len()), (MAX_BANNED, MAX_BANNED));
        assert!(bans.addresses.len() <= MAX_ADDRESSES && bans.offenders.len() <= MAX_ADDRESSES);
        let effects = misbehave(&mut bans, 2_000_000, "9.9.9.9", 1_000_000);
        assert_eq!(effects[0], Effect::Refuse { peer: id(999_000), refuse: false });
    }

    #[test]
    fn p21_the_operators_word_is_not_crowded_out_by_a_machines() {
        let mut bans = Bans::new();
        for n in 0..MAX_BANNED as u64 {
            bans.operator(id(n), true, &mut Vec::new());
        }
        assert_eq!(misbehave(&mut bans, 5_000, "9.9.9.9", 0), []);
        assert!(bans.holds(&id(0)) && bans.len() == MAX_BANNED);
    }

    #[test]
    fn p05_the_fifth_id_of_one_ip_within_an_hour_takes_the_ip_with_it() {
        let mut bans = Bans::new();
        for n in 0..4 {
            assert_eq!(refused(&misbehave(&mut bans, n, "8.8.8.8", n)), None);
            assert_eq!(refused(&misbehave(&mut bans, n, "8.8.8.8", n)), None, "one id counts once");
        }
        assert_eq!(refused(&misbehave(&mut bans, 4, "8.8.4.4", 4)), None, "another IP");
        assert_eq!(refused(&misbehave(&mut bans, 5, "8.8.8.8", 5)).as_deref(), Some("8.8.8.8"));
        let pardon = Effect::RefuseAddress { address: "8.8.8.8".parse().unwrap(), refuse: false };
        assert!(!tick(&mut bans, 5 + BAN_MS - 1).contains(&pardon));
        assert!(tick(&mut bans, 5 + BAN_MS).contains(&pardon));
    }

    #[test]
    fn p05_five_ids_over_more_than_an_hour_or_of_a_private_address_do_not() {
        let mut bans = Bans::new();
        for n in 0..10 {
            assert_eq!(refused(&misbehave(&mut bans, n, "8.8.8.8", n * OFFENCES_MS / 4)), None);
            assert_eq!(refused(&misbehave(&mut bans, 100 + n, "192.168.0.1", n)), None);
        }
    }

    #[test]
    fn p05_an_ipv6_subnet_is_one_address() {
        let mut bans = Bans::new();
        let all: Vec<_> = (0..5).map(|n| misbehave(&mut bans, n, &format!("2600:1:2:3::{n}"), 0)).collect();
        assert_eq!(refused(&all[4]).as_deref(), Some("2600:1:2:3::"));
    }
}
