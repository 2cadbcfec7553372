//! From a reserved claim to a settled one: kept, handed to the chain, in a block, buried; and what the chain's blocks
//! say beside that: what mining created, where coins went, what the faucet has.

use std::ops::RangeInclusive;

use ledger::{Amount, Height, Transaction, TxId};

use super::budget::MAX_BLOCKS;
use super::claims::{Phase, Stage};
use super::{ClaimError, Effect, Faucet, Key, RESEND_MS, SETTLED_DEPTH, Seen, TELL_MS, WINDOW_MS, watched};
use crate::Now;
use crate::chain::TipChanged;

/// Funds at or below this part of the most that there was are low, and are no longer at twice it.
const LOW_PART: u64 = 5;
/// How far the chain was looked at is kept at least once in so many blocks, so that a start has few to look at.
const NOTE_EVERY: Height = 100;

/// What the faucet wants to see of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Heights of headers; none if it has seen all.
    pub headers: RangeInclusive<Height>,
    /// Headers with an earlier time than this do not matter.
    pub since: u64,
    /// Heights of buried blocks; none if it has seen all.
    pub buried: RangeInclusive<Height>,
}

impl Faucet {
    /// The claim is durable: now the chain may have it, and after that whoever claimed may know.
    pub(super) fn kept(&mut self, now: Now, claim: u64, effects: &mut Vec<Effect>) {
        let payout = self.claims.change(claim, |open| {
            let is_new = matches!(open.stage, Stage::Keeping { .. });
            open.stage = Stage::Kept { resend_at: now.mono + RESEND_MS, tell_at: now.mono + TELL_MS };
            (Transaction::Transfer(open.row.payout.clone()), is_new)
        });
        let Some((payout, is_new)) = payout else { return };
        if is_new {
            self.paid += 1;
        }
        effects.push(Effect::Submit(payout));
    }

    pub(super) fn not_kept(&mut self, claim: u64, why: &str, effects: &mut Vec<Effect>) {
        let Some(open) = self.claims.get(claim) else { return };
        if matches!(open.stage, Stage::KeepingAgain { .. }) {
            // It is owed all the same. The next tick signs it again.
            self.claims.change(claim, |open| open.row.phase = Phase::Overtaken(0));
            return;
        }
        let Some(open) = self.claims.remove(claim) else { return };
        let amount = open.row.payout.amount;
        self.limits.uncount(open.row.client, &open.row.payout.to, open.until);
        self.budget.unpaid(open.row.block_time, amount.as_drops());
        self.collectors.unpaid(&open.row.payout.to, amount.as_drops());
        self.totals.paid = self.totals.paid.checked_sub(amount).unwrap_or_default();
        // It may have been written all the same.
        self.dirty.extend([Key::Claim(claim), Key::Totals]);
        for ticket in open.tickets {
            effects.push(Effect::Answer { ticket, answer: Err(ClaimError::NotKept(why.to_owned())) });
        }
    }

    /// The chain has the payout, or will be given it again: whoever claimed may look.
    pub(super) fn submitted(&mut self, payout: TxId, effects: &mut Vec<Effect>) {
        if let Some(number) = self.claims.of_payout(&payout) {
            self.tell(number, effects);
        }
    }

    fn tell(&mut self, number: u64, effects: &mut Vec<Effect>) {
        let Some(open) = self.claims.get(number) else { return };
        if !matches!(open.stage, Stage::Kept { .. }) || open.tickets.is_empty() {
            return;
        }
        let answer = self.answer(number, open);
        let tickets = self.claims.change(number, |open| std::mem::take(&mut open.tickets)).unwrap_or_default();
        effects.extend(tickets.into_iter().map(|ticket| Effect::Answer { ticket, answer: answer.clone() }));
    }

    pub(super) fn tip_changed(&mut self, now: Now, changed: &TipChanged) {
        self.tip = changed.tip;
        for payout in &changed.watched_left {
            self.set_phase(*payout, Phase::Reserved);
        }
        for (payout, height) in &changed.watched_joined {
            self.set_phase(*payout, Phase::Confirmed(*height));
        }
        self.budget.left_above(changed.tip.height.saturating_sub(changed.joined));
        self.budget.tip(changed.tip.time, now.mono);
        if self.collectors.traces() == 0 {
            // Nobody was paid yet: there is nothing to follow.
            self.watched_height = self.watched_height.max(self.tip.height.saturating_sub(watched::DEPTH));
        }
    }

    /// Heights of the chain that the faucet has not seen: of headers, and of buried blocks, as many as are looked at
    /// in one go. Whoever reads them brings [`super::Event::Blocks`].
    pub fn missing(&self) -> Missing {
        let tip = self.tip.height;
        let oldest = tip.saturating_sub(MAX_BLOCKS as Height);
        let headers = self.budget.height().unwrap_or(0).max(oldest) + 1..=tip;
        let buried = tip.saturating_sub(watched::DEPTH);
        let first = self.watched_height.max(tip.saturating_sub(watched::BEHIND)) + 1;
        Missing {
            headers,
            since: self.tip.time.saturating_sub(WINDOW_MS),
            buried: first..=buried.min(first + watched::AT_ONCE - 1),
        }
    }

    pub(super) fn blocks(&mut self, now: Now, times: Vec<(Height, u64)>, buried: &[Seen]) {
        let reward = self.network.spec.reward.as_drops();
        for (height, time) in times {
            if self.budget.height().is_none_or(|known| known < height) {
                self.budget.joined(height, time, reward);
            }
        }
        self.budget.tip(self.tip.time, now.mono);
        for block in buried.iter().filter(|block| block.height > self.watched_height) {
            let switches = &self.switches;
            for payment in &block.moves {
                self.collectors.moved(*payment, block.time, |account| switches.trusts(account));
            }
        }
        let Some(highest) = buried.last() else { return };
        let before = self.watched_height;
        self.watched_height = before.max(highest.height);
        let changed = self.collectors.take_changed();
        if !changed.is_empty() || before / NOTE_EVERY != self.watched_height / NOTE_EVERY {
            // In one write: after a start no payment is counted twice or left out.
            self.dirty.extend(changed);
            self.dirty.insert(Key::Watched);
        }
    }

    fn set_phase(&mut self, payout: TxId, phase: Phase) {
        let Some(number) = self.claims.of_payout(&payout) else { return };
        if self.claims.get(number).is_none_or(|open| open.row.phase == phase) {
            return;
        }
        self.claims.change(number, |open| {
            open.row.phase = phase;
            if let Stage::Kept { resend_at, .. } = &mut open.stage {
                *resend_at = 0;
            }
        });
        self.dirty.insert(Key::Claim(number));
    }

    pub(super) fn nonce_used(&mut self, payout: TxId, effects: &mut Vec<Effect>) {
        let Some(number) = self.claims.of_payout(&payout) else { return };
        let reserved =
            |open: &super::Open| open.row.phase == Phase::Reserved && matches!(open.stage, Stage::Kept { .. });
        if self.claims.get(number).is_some_and(reserved) {
            self.set_phase(payout, Phase::Overtaken(self.tip.height));
        }
        self.tell(number, effects);
    }

    pub(super) fn tick(&mut self, now: Now, next_nonce: Option<u64>, effects: &mut Vec<Effect>) {
        self.limits.sweep(now.mono);
        self.collectors.sweep(self.budget.time(now.mono));
        let depth = |height: Height| self.tip.height.saturating_sub(height);
        let (mut done, mut overtaken, mut resend, mut tell) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut keep = Vec::new();
        for (number, open) in self.claims.iter() {
            let (kept, late) = match open.stage {
                Stage::Keeping { again_at } | Stage::KeepingAgain { again_at } => {
                    if again_at <= now.mono {
                        keep.push(number);
                    }
                    (false, false)
                }
                Stage::Kept { resend_at, tell_at } => {
                    if tell_at <= now.mono && !open.tickets.is_empty() {
                        tell.push(number);
                    }
                    (true, resend_at <= now.mono)
                }
            };
            match open.row.phase {
                Phase::Confirmed(at) if depth(at) >= SETTLED_DEPTH => {
                    let forgotten = self.budget.has_forgotten(open.row.block_time, now.mono);
                    if open.until <= now.mono && forgotten && open.tickets.is_empty() {
                        done.push(number);
                    }
                }
                Phase::Overtaken(at) if depth(at) >= SETTLED_DEPTH => overtaken.push(number),
                Phase::Reserved if kept && late && !self.syncing => resend.push(number),
                Phase::Confirmed(_) | Phase::Overtaken(_) | Phase::Reserved => {}
            }
        }
        for number in keep {
            self.keep_once_more(now, number, effects);
        }
        for number in done {
            self.claims.remove(number);
            self.dirty.insert(Key::Claim(number));
        }
        for number in overtaken {
            self.sign_again(now, number, next_nonce, effects);
        }
        for number in resend {
            let payout = self.claims.change(number, |open| {
                if let Stage::Kept { resend_at, .. } = &mut open.stage {
                    *resend_at = now.mono + RESEND_MS;
                }
                Transaction::Transfer(open.row.payout.clone())
            });
            effects.extend(payout.map(Effect::Submit));
        }
        for number in tell {
            self.tell(number, effects);
        }
    }

    /// Nothing was heard of a write: the word of it may have met a full mailbox. To write the same again changes nothing.
    fn keep_once_more(&mut self, now: Now, number: u64, effects: &mut Vec<Effect>) {
        let to = self.claims.change(number, |open| {
            if let Stage::Keeping { again_at } | Stage::KeepingAgain { again_at } = &mut open.stage {
                *again_at = now.mono + RESEND_MS;
            }
            open.row.payout.to
        });
        let Some(to) = to else { return };
        let keys = [Key::Claim(number), Key::Trace(to), Key::Totals, Key::Watched];
        let changes = keys.iter().map(|key| self.change_of(*key)).collect();
        effects.push(Effect::Keep { claim: number, changes });
    }

    /// The nonce is gone for good, so the old payout can never be mined: a new one pays the claim.
    fn sign_again(&mut self, now: Now, number: u64, next_nonce: Option<u64>, effects: &mut Vec<Effect>) {
        let (Some(next), Some(open)) = (next_nonce, self.claims.get(number)) else { return };
        let nonce = self.next_nonce(next, None);
        let payout = self.payout(open.row.payout.to, open.row.payout.amount, nonce);
        let id = payout.id(&self.network.chain);
        self.claims.change(number, |open| {
            (open.id, open.row.payout, open.row.phase) = (id, payout, Phase::Reserved);
            open.stage = Stage::KeepingAgain { again_at: now.mono + RESEND_MS };
        });
        effects.push(Effect::Keep { claim: number, changes: vec![self.change_of(Key::Claim(number))] });
    }

    /// F10: the operator hears of low funds before they are gone, once.
    pub(super) fn watch_funds(&mut self, funds: Amount, effects: &mut Vec<Effect>) {
        self.funds = funds;
        if !self.params.on {
            return;
        }
        let most = self.totals.most_funds.max(funds);
        self.totals.most_funds = most;
        let part = most.as_drops() / LOW_PART;
        let low = if self.low { funds.as_drops() < part.saturating_mul(2) } else { funds.as_drops() <= part };
        let low = low && most > Amount::ZERO;
        if low != self.low {
            self.low = low;
            self.dirty.insert(Key::Totals);
            effects.push(Effect::Funds { funds, most, low });
        }
    }
}
