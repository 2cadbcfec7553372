//! What a claim must pass before anybody looks at its work, in this order; and what the faucet shows of that.

use std::cmp::Reverse;
use std::net::IpAddr;

use ledger::{Account, Address, Amount};

use super::budget::Level;
use super::client::Client;
use super::limits::Wait;
use super::price::{self, Price, price};
use super::view::MAX_SHOWN;
use super::{Asked, Challenge, ClaimError, FEE, Faucet, MAX_CLAIMS, Report, State, View};
use crate::Now;

impl Faucet {
    /// What a claim gets and costs, or why it is refused whatever work was done.
    pub(super) fn terms(&self, now: Now, asked: &Asked) -> Result<Price, ClaimError> {
        let client = Client::from(asked.client);
        let funds = asked.own.map_or(Amount::ZERO, |own| own.balance);
        let price = self.gates(now, Some(&asked.to), client, funds)?;
        self.account_rules(now, &asked.to, asked.account, client, price)?;
        self.range_rules(now, Some(&asked.to), client)?;
        Ok(price)
    }

    /// Whether anybody is paid now, and what.
    fn gates(&self, now: Now, to: Option<&Address>, client: Client, funds: Amount) -> Result<Price, ClaimError> {
        if !self.params.on {
            return Err(ClaimError::Off);
        }
        if self.switches.paused {
            return Err(ClaimError::Paused);
        }
        if self.syncing {
            return Err(ClaimError::Syncing);
        }
        if self.claims.len() >= MAX_CLAIMS {
            return Err(ClaimError::Busy);
        }
        let level = price::open_to(self.budget.level(now.mono), self.earlier(now, to, client));
        let least = price::least(self.full_amount().as_drops(), level);
        self.covers(funds, least)?;
        let price = self.price(now, to, client).ok_or_else(|| self.over_budget(level, least))?;
        self.covers(funds, price.amount)?;
        Ok(price)
    }

    /// The account covers everything that is reserved and one payout more.
    fn covers(&self, funds: Amount, drops: u64) -> Result<(), ClaimError> {
        let needed = self.claims.owed() + u128::from(drops) + u128::from(FEE.as_drops());
        if needed > u128::from(funds.as_drops()) { Err(ClaimError::NoFunds) } else { Ok(()) }
    }

    /// C3. How long blocks at their intended spacing take to fill the budget again, an hour at most.
    fn over_budget(&self, level: Level, least: u64) -> ClaimError {
        let spec = &self.network.spec;
        let each = u128::from(spec.reward.as_drops()) * u128::from(self.params.share_percent) / 100;
        let blocks = u128::from(least.saturating_sub(level.left)).div_ceil(each.max(1));
        let seconds = blocks.saturating_mul(u128::from(spec.spacing_ms)).div_ceil(1000);
        ClaimError::Budget { retry_after_s: u64::try_from(seconds).unwrap_or(u64::MAX).clamp(1, 3_600) }
    }

    /// C2, C4, F11: rules for the account to pay.
    fn account_rules(
        &self,
        now: Now,
        to: &Address,
        account: Option<Account>,
        client: Client,
        price: Price,
    ) -> Result<(), ClaimError> {
        if *to == Address::ZERO || *to == self.account {
            return Err(ClaimError::BadAddress);
        }
        if self.switches.denies(to, client) {
            return Err(ClaimError::Denied);
        }
        if let Some(ms) = self.limits.account_wait(to, now.mono) {
            // The longer of the two waits is the one that matters to whoever claims.
            let client = match self.limits.client_wait(client, now.mono) {
                Some(Wait::Own(client)) => client,
                _ => 0,
            };
            return Err(ClaimError::TimeLimit { retry_after_s: ms.max(client).div_ceil(1000) });
        }
        if self.switches.allows(to, client) {
            return Ok(());
        }
        if account.is_some_and(|account| account.balance >= self.params.balance_limit) {
            return Err(ClaimError::SufficientBalance);
        }
        let received = self.collectors.trace(to).map_or(0, |trace| trace.paid);
        if received.saturating_add(price.amount) > self.params.terms.account_limit.as_drops() {
            return Err(ClaimError::ReceivedEnough { received: Amount::drops(received) });
        }
        Ok(())
    }

    /// C1, C4: rules for where the claim comes from.
    fn range_rules(&self, now: Now, to: Option<&Address>, client: Client) -> Result<(), ClaimError> {
        if self.is_allowed(to, client) {
            return Ok(());
        }
        match self.limits.client_wait(client, now.mono) {
            Some(Wait::Own(ms)) => return Err(ClaimError::TimeLimit { retry_after_s: ms.div_ceil(1000) }),
            Some(Wait::Range(ms, range)) => {
                return Err(ClaimError::RangeLimit { range, retry_after_s: ms.div_ceil(1000) });
            }
            None => {}
        }
        match self.collectors.refuses(to, client, self.budget.time(now.mono)) {
            Some(collector) => Err(ClaimError::Collector { collector }),
            None => Ok(()),
        }
    }

    fn is_allowed(&self, to: Option<&Address>, client: Client) -> bool {
        self.switches.allows(to.unwrap_or(&Address::ZERO), client)
    }

    pub(super) fn full_amount(&self) -> Amount {
        self.switches.amount.unwrap_or(self.params.terms.amount)
    }

    /// Claims of the neighbourhood that count against this one.
    fn earlier(&self, now: Now, to: Option<&Address>, client: Client) -> usize {
        if self.is_allowed(to, client) { 0 } else { self.limits.open(&client.neighbourhood(), now.mono) }
    }

    fn price(&self, now: Now, to: Option<&Address>, client: Client) -> Option<Price> {
        let earlier = self.earlier(now, to, client);
        let price = price(self.full_amount().as_drops(), self.budget.level(now.mono), earlier)?;
        Some(if self.is_allowed(to, client) { Price { bits: 0, ..price } } else { price })
    }

    /// A challenge for a claim of `to`, or why it would be refused whatever work is done.
    pub fn challenge(&self, now: Now, asked: &Asked) -> Result<Challenge, ClaimError> {
        let price = self.terms(now, asked)?;
        Ok(self.challenges.issue(&asked.to, asked.client.into(), price.bits, now.mono))
    }

    /// How it stands for a client, and for an account if one is named.
    pub fn view(&self, now: Now, client: IpAddr, asked: Option<&Asked>, funds: Amount) -> View {
        let (range, spec) = (Client::from(client), &self.network.spec);
        let to = asked.map(|asked| &asked.to);
        let judged = match asked {
            Some(asked) => self.terms(now, asked).map(drop),
            None => self.gates(now, None, range, funds).and_then(|_| self.range_rules(now, None, range)),
        };
        let each = u128::from(spec.reward.as_drops()) * u128::from(self.params.share_percent) / 100;
        let refill = each * u128::from(super::WINDOW_MS) / u128::from(spec.spacing_ms.max(1));
        View {
            account: self.account,
            state: match self.state {
                State::Off => "off",
                State::Closed => "closed",
                State::Paused => "paused",
                State::Open { .. } => "open",
            },
            price: self.price(now, to, range),
            full_amount: self.full_amount(),
            interval_ms: self.params.terms.interval_ms,
            balance_limit: self.params.balance_limit,
            account_limit: self.params.terms.account_limit,
            level: self.budget.level(now.mono),
            refill_per_hour: u64::try_from(refill).unwrap_or(u64::MAX),
            share_percent: self.params.share_percent,
            waiting: self.claims.waiting(),
            claims: self.claims.len(),
            you: judged.err(),
        }
    }

    /// All of it, for the operator.
    pub fn report(&self, now: Now) -> Report {
        let mut flags: Vec<_> = self.collectors.flags().map(|(account, flag)| (*account, flag.clone())).collect();
        flags.sort_by_key(|(_, flag)| Reverse(flag.at));
        flags.truncate(MAX_SHOWN);
        let mut refused: Vec<_> = self.collectors.all_refused().map(|(range, refused)| (*range, *refused)).collect();
        refused.sort_by_key(|(range, refused)| (Reverse(refused.until), *range));
        let refused_count = refused.len();
        refused.truncate(MAX_SHOWN);
        // An address that no client has stands for a new one.
        let nobody = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        Report {
            view: self.view(now, nobody, None, self.funds),
            switches: self.switches.clone(),
            totals: self.totals,
            funds: self.funds,
            low: self.low,
            refusals: self.refusals.clone(),
            flags,
            refused,
            refused_count,
            traces: self.collectors.traces(),
        }
    }
}
