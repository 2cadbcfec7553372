//! What came of it, in one line for each strategy.

use std::collections::BTreeMap;
use std::fmt;

use machines::faucet::Report;

use crate::bots::Strategy;
use crate::people::Person;

#[derive(Debug, Clone)]
pub struct Outcome {
    pub strategy: Strategy,
    begun: bool,
    /// Drops that mining created since the farm came.
    pub created: u64,
    /// The largest part of an hour's budget that was paid in that hour.
    pub worst_hour: f64,
    pub bots_paid: u64,
    /// What of that they got in the last hour.
    pub bots_late: u64,
    pub bot_claims: u64,
    pub bot_refusals: u64,
    pub people_paid: u64,
    pub people_refused: BTreeMap<&'static str, u64>,
    /// Times that people came.
    pub tries: u64,
    /// Times that they asked again for the same claim.
    pub retries: u64,
    /// Times that the coins were in a block within two minutes.
    pub in_time: u64,
    pub times: Vec<u64>,
    pub amounts: Vec<u64>,
    pub bits: Vec<u8>,
    pub collectors: usize,
    pub refused_ranges: usize,
    pub people_flagged: usize,
}

impl Outcome {
    pub const HEADING: &str = "strategy               | budget | to bots | last h | claims | refused |  to people | people paid within 120 s | median, p95 | each got (median) | bits p50 p95 | collectors, ranges";

    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            begun: false,
            created: 0,
            worst_hour: 0.0,
            bots_paid: 0,
            bots_late: 0,
            bot_claims: 0,
            bot_refusals: 0,
            people_paid: 0,
            people_refused: BTreeMap::new(),
            tries: 0,
            retries: 0,
            in_time: 0,
            times: Vec::new(),
            amounts: Vec::new(),
            bits: Vec::new(),
            collectors: 0,
            refused_ranges: 0,
            people_flagged: 0,
        }
    }

    pub fn has_not_begun(&self) -> bool {
        !self.begun
    }

    pub fn begin(&mut self) {
        self.begun = true;
        self.created = 0;
    }

    pub fn end(&mut self, report: &Report, people: &[Person]) {
        self.collectors = report.flags.len();
        self.refused_ranges = report.refused_count;
        let of_people = |account| people.iter().any(|person| person.address == account) || account == Person::shop();
        self.people_flagged = report.flags.iter().filter(|(account, _)| of_people(*account)).count();
    }
}

fn barrels(drops: u64) -> u64 {
    drops / 100_000_000
}

/// The value below which so many percent are.
fn percentile<T: Ord + Copy + Default>(values: &[T], percent: usize) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |percent| percentile(&self.times, percent) as f64 / 1_000.0;
        write!(
            f,
            "{:<22} | {:>6} | {:>7} | {:>6} | {:>6} | {:>7} | {:>10} | {:>3} of {:>3} = {:>5.1} %      | {:>4.0} s {:>4.0} s | {:>17.2} | {:>5} {:>5}  | {}, {}",
            self.strategy,
            barrels(self.created / 2),
            barrels(self.bots_paid),
            barrels(self.bots_late),
            self.bot_claims,
            self.bot_refusals,
            barrels(self.people_paid),
            self.in_time,
            self.tries,
            self.in_time as f64 * 100.0 / self.tries.max(1) as f64,
            time(50),
            time(95),
            percentile(&self.amounts, 50) as f64 / 1e8,
            percentile(&self.bits, 50),
            percentile(&self.bits, 95),
            self.collectors,
            self.refused_ranges,
        )?;
        if self.retries > 0 {
            write!(f, "   asked again {} times", self.retries)?;
        }
        if !self.people_refused.is_empty() {
            write!(f, "   people refused: {:?}", self.people_refused)?;
        }
        Ok(())
    }
}
