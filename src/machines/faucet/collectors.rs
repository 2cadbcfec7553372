//! Finds collectors on the chain (rule C4): accounts to which several accounts that the faucet paid forward their coins.
//! These accounts and the address ranges that claimed for them get nothing more.
//!
//! What bots do: many accounts, each emptied, all coins at one place, perhaps over a few steps; and the accounts were
//! fed from fewer ranges than there are accounts. What people do: they pay the same shop, and keep something; or spend
//! all at once, but come from everywhere; or put the coins of a few accounts of theirs together. So only accounts that
//! kept less than a quarter count, and a collector is one with [`FEW`] of them from at most half as many ranges, or one
//! with [`MANY`] from anywhere whom hardly anybody else pays. The operator sees each with its reason and can pardon.
//!
//! Looks only at blocks that are buried, so nothing has to be taken back. Coins are followed [`MAX_DEPTH`] steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ipnet::IpNet;
use ledger::Address;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::record::Key;
use super::trace::{MAX_SOURCES, Trace};

/// Emptied accounts that make a collector if they were fed from at most half as many ranges.
pub const FEW: usize = 8;
/// Emptied accounts that make a collector wherever they were fed, if at least three in four payments to it are theirs.
pub const MANY: usize = 24;
/// Steps over which coins are followed.
pub const MAX_DEPTH: u8 = 4;
/// Accounts that are remembered; the one that did nothing for longest makes room. 20 MB at most. To push one out, the
/// faucet must pay, or its coins must reach, as many others.
pub const MAX_TRACES: usize = 50_000;
/// Collectors that are remembered; the oldest makes room.
const MAX_FLAGS: usize = 1_000;
/// Ranges that are refused; the one that would be free soonest makes room.
const MAX_REFUSED: usize = 20_000;
/// For so long in block time a range is refused: its addresses may be other people's after that.
const REFUSED_MS: u64 = 7 * 24 * 3_600_000;
/// Clients of one neighbourhood refused for one collector, for which all of it is refused and not only they.
const NEIGHBOURS: usize = 3;

/// A payment on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Who paid.
    pub from: Address,
    /// Who received.
    pub to: Address,
    /// How many drops.
    pub drops: u64,
}

/// Why an account is taken for a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// Several accounts of the same few ranges.
    FewRanges,
    /// Many accounts and hardly anybody else.
    ManyAccounts,
}

/// A collector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Why.
    pub why: Why,
    /// Emptied accounts whose coins arrived there.
    pub accounts: u32,
    /// Neighbourhoods from which they were fed.
    pub ranges: u32,
    /// Payments by others.
    pub others: u32,
    /// Block time at which it was found.
    pub at: u64,
}

/// A range that gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Where the coins went that it claimed.
    pub collector: Address,
    /// Block time until which.
    pub until: u64,
}

/// The way of the faucet's coins.
#[derive(Debug)]
pub struct Collectors {
    faucet: Address,
    traces: HashMap<Address, Trace>,
    by_age: BTreeSet<(u64, Address)>,
    flags: BTreeMap<Address, Flag>,
    /// In order, so that those within a range are next to each other.
    refused: BTreeMap<IpNet, Refused>,
    refused_by_end: BTreeSet<(u64, IpNet)>,
    changed: BTreeSet<Key>,
}

impl Collectors {
    /// Follows the coins of `faucet`; nothing is known yet.
    pub fn new(faucet: Address) -> Self {
        Self {
            faucet,
            traces: HashMap::new(),
            by_age: BTreeSet::new(),
            flags: BTreeMap::new(),
            refused: BTreeMap::new(),
            refused_by_end: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }

    /// What is known of an account.
    pub fn trace(&self, account: &Address) -> Option<&Trace> {
        self.traces.get(account)
    }

    /// A collector.
    pub fn flag(&self, account: &Address) -> Option<&Flag> {
        self.flags.get(account)
    }

    /// All collectors.
    pub fn flags(&self) -> impl Iterator<Item = (&Address, &Flag)> {
        self.flags.iter()
    }

    /// Why a range is refused.
    pub fn refused(&self, range: &IpNet) -> Option<&Refused> {
        self.refused.get(range)
    }

    /// All refused ranges.
    pub fn all_refused(&self) -> impl Iterator<Item = (&IpNet, &Refused)> {
        self.refused.iter()
    }

    /// Accounts that are remembered.
    pub fn traces(&self) -> usize {
        self.traces.len()
    }

    /// What changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.changed)
    }

    /// The collector for whose sake a claim is refused at this block time.
    pub fn refuses(&self, to: Option<&Address>, client: Client, time: u64) -> Option<Address> {
        let account = to.and_then(|to| self.traces.get(to)?.collector);
        let by_range = || {
            let ranges = [client.range(), client.neighbourhood()];
            ranges.iter().find_map(|range| self.refused.get(range).filter(|refused| refused.until > time))
        };
        account.or_else(|| by_range().map(|refused| refused.collector))
    }

    /// The faucet pays.
    pub fn paid(&mut self, to: Address, client: Client, drops: u64, time: u64) {
        self.change(to, time, |trace| {
            trace.paid = trace.paid.saturating_add(drops);
            trace.claims = trace.claims.saturating_add(1);
            trace.client = Some(client);
        });
    }

    /// A payment came to nothing.
    pub fn unpaid(&mut self, to: &Address, drops: u64) {
        if let Some(trace) = self.traces.get_mut(to) {
            trace.paid = trace.paid.saturating_sub(drops);
            trace.claims = trace.claims.saturating_sub(1);
            self.changed.insert(Key::Trace(*to));
        }
    }

    /// Takes in what was kept.
    pub fn restore_trace(&mut self, account: Address, trace: Trace) {
        self.by_age.insert((trace.seen, account));
        self.traces.insert(account, trace);
    }

    /// Takes in what was kept.
    pub fn restore_flag(&mut self, account: Address, flag: Flag) {
        self.flags.insert(account, flag);
    }

    /// Takes in what was kept.
    pub fn restore_refused(&mut self, range: IpNet, refused: Refused) {
        self.refused_by_end.insert((refused.until, range));
        self.refused.insert(range, refused);
    }

    /// A payment that is buried. Who returns coins to the faucet or pays somebody trusted has forwarded nothing.
    pub fn moved(&mut self, payment: Move, time: u64, trusts: impl Fn(&Address) -> bool) {
        let Move { from, to, drops } = payment;
        if from == to || from == self.faucet || to == self.faucet || trusts(&to) {
            return;
        }
        if !self.traces.contains_key(&from) {
            if self.traces.contains_key(&to) {
                self.change(to, time, |trace| trace.others = trace.others.saturating_add(1));
            }
            return;
        }
        self.change(from, time, |trace| trace.send(to, drops));
        let Some(sender) = self.traces.get(&from) else { return };
        let Some((_, sum)) = sender.main_receivers().find(|(receiver, _)| *receiver == to) else {
            self.pass(to, drops, time, false);
            return;
        };
        if sender.depth >= MAX_DEPTH {
            return;
        }
        let arrived = if self.traces.contains_key(&to) { drops } else { sum };
        let (emptied, depth) = (sender.is_emptied(), sender.depth + 1);
        let receivers: Vec<_> = sender.main_receivers().map(|(receiver, _)| receiver).collect();
        let mut sources = sender.sources.clone();
        if sender.paid > 0 {
            sources.insert(from);
        }
        self.pass(to, arrived, time, true);
        if emptied {
            for receiver in receivers.into_iter().filter(|receiver| !trusts(receiver)) {
                self.arrive(receiver, &sources, depth, time);
            }
        }
    }

    /// Coins on the way come to `to`; somebody new is followed only if it is a good part of the sender's.
    fn pass(&mut self, to: Address, drops: u64, time: u64, follow: bool) {
        if follow || self.traces.contains_key(&to) {
            self.change(to, time, |trace| trace.passed = trace.passed.saturating_add(drops));
        }
    }

    /// The coins of these accounts are at `to`.
    fn arrive(&mut self, to: Address, sources: &BTreeSet<Address>, depth: u8, time: u64) {
        self.change(to, time, |trace| {
            trace.depth = if trace.sources.is_empty() { depth } else { trace.depth.min(depth) };
            for source in sources.iter().filter(|source| **source != to) {
                if trace.sources.len() < MAX_SOURCES {
                    trace.sources.insert(*source);
                }
            }
        });
        let Some(trace) = self.traces.get(&to) else { return };
        if trace.pardoned {
            return;
        }
        let known = self.flags.contains_key(&to);
        let Some(flag) = self.judge(trace, time) else {
            if known {
                self.refuse(to, sources, time);
            }
            return;
        };
        let all: BTreeSet<_> = trace.sources.union(sources).copied().filter(|source| *source != to).collect();
        if !known {
            self.put_flag(to, flag);
        }
        self.refuse(to, &all, time);
    }

    /// Whether this is what a collector looks like.
    fn judge(&self, trace: &Trace, at: u64) -> Option<Flag> {
        let clients = trace.sources.iter().filter_map(|source| self.traces.get(source)?.client);
        let ranges = clients.map(Client::neighbourhood).collect::<BTreeSet<_>>().len();
        let accounts = trace.sources.len();
        let why = if accounts >= FEW && accounts >= 2 * ranges {
            Why::FewRanges
        } else if accounts >= MANY && trace.others as usize * 3 <= accounts {
            Why::ManyAccounts
        } else {
            return None;
        };
        Some(Flag { why, accounts: accounts as u32, ranges: ranges as u32, others: trace.others, at })
    }

    fn put_flag(&mut self, collector: Address, flag: Flag) {
        if self.flags.len() >= MAX_FLAGS
            && let Some(oldest) = self.flags.iter().min_by_key(|(_, flag)| flag.at).map(|(account, _)| *account)
        {
            self.flags.remove(&oldest);
            self.changed.insert(Key::Flag(oldest));
        }
        self.flags.insert(collector, flag);
        self.changed.insert(Key::Flag(collector));
        if let Some(trace) = self.traces.get_mut(&collector) {
            trace.collector = Some(collector);
            self.changed.insert(Key::Trace(collector));
        }
    }

    /// These accounts and their ranges get nothing more.
    fn refuse(&mut self, collector: Address, sources: &BTreeSet<Address>, time: u64) {
        for source in sources {
            let Some(trace) = self.traces.get_mut(source) else { continue };
            if trace.collector.is_none() && !trace.pardoned {
                trace.collector = Some(collector);
                self.changed.insert(Key::Trace(*source));
            }
            let Some(client) = trace.client else { continue };
            self.refuse_range(client.range(), collector, time);
            let near = client.neighbourhood();
            if self.refused_within(near, collector) >= NEIGHBOURS {
                self.refuse_range(near, collector, time);
            }
        }
    }

    /// Clients within a range that are refused for the sake of this collector; enough of them are counted.
    fn refused_within(&self, range: IpNet, collector: Address) -> usize {
        let inside = self.refused.range(range..).take_while(|(other, _)| range.contains(*other));
        inside.filter(|(other, refused)| **other != range && refused.collector == collector).take(NEIGHBOURS).count()
    }

    fn refuse_range(&mut self, range: IpNet, collector: Address, time: u64) {
        if self.refused.get(&range).is_some_and(|refused| refused.until > time) {
            return;
        }
        self.free(&range);
        if self.refused.len() >= MAX_REFUSED
            && let Some((_, soonest)) = self.refused_by_end.first().copied()
        {
            self.free(&soonest);
        }
        self.restore_refused(range, Refused { collector, until: time.saturating_add(REFUSED_MS) });
        self.changed.insert(Key::Refused(range));
    }

    fn free(&mut self, range: &IpNet) {
        if let Some(refused) = self.refused.remove(range) {
            self.refused_by_end.remove(&(refused.until, *range));
            self.changed.insert(Key::Refused(*range));
        }
    }

    /// Frees ranges whose time is over.
    pub fn sweep(&mut self, time: u64) {
        while let Some((until, range)) = self.refused_by_end.first().copied()
            && until <= time
        {
            self.free(&range);
        }
    }

    /// The operator says that an account is no collector, or no bot's. Whether there was something to pardon.
    pub fn pardon_account(&mut self, account: &Address) -> bool {
        let flagged = self.flags.remove(account).is_some();
        if flagged {
            self.changed.insert(Key::Flag(*account));
            for (other, trace) in &mut self.traces {
                if trace.collector == Some(*account) {
                    trace.collector = None;
                    self.changed.insert(Key::Trace(*other));
                }
            }
            let ranges = self.refused.iter().filter(|(_, refused)| refused.collector == *account);
            let ranges: Vec<_> = ranges.map(|(range, _)| *range).collect();
            for range in ranges {
                self.free(&range);
            }
        }
        let Some(trace) = self.traces.get_mut(account) else { return flagged };
        let suspect = flagged || trace.collector.is_some() || trace.paid > 0;
        (trace.collector, trace.pardoned, trace.paid) = (None, true, 0);
        self.changed.insert(Key::Trace(*account));
        suspect
    }

    /// The operator frees all refused ranges within one. Whether there were any.
    pub fn pardon_range(&mut self, range: &IpNet) -> bool {
        let inside: Vec<_> = self.refused.keys().filter(|refused| range.contains(*refused)).copied().collect();
        for range in &inside {
            self.free(range);
        }
        !inside.is_empty()
    }

    fn change(&mut self, account: Address, time: u64, change: impl FnOnce(&mut Trace)) {
        let trace = self.traces.entry(account).or_default();
        self.by_age.remove(&(trace.seen, account));
        trace.seen = time.max(trace.seen);
        change(trace);
        self.by_age.insert((trace.seen, account));
        self.changed.insert(Key::Trace(account));
        if self.traces.len() > MAX_TRACES
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.traces.remove(&oldest);
            self.changed.insert(Key::Trace(oldest));
        }
    }
}
