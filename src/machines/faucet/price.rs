//! What a claim gets and what it costs: as the budget empties the amount shrinks and the work grows, and both go on
//! within an address range that claims again and again.
//!
//! So the budget lasts: many claimers get little each, and somebody new gets something in the worst of times.

use super::budget::Level;

/// The most work that is ever asked for: four million hashes, a quarter of a minute of a browser.
pub const MAX_BITS: u8 = 22;
/// The least that is paid, as a part of the full amount.
const LEAST_PART: u64 = 50;
/// The least that is paid, as a part of an hour's budget, so that the budget ends before the places for claims do.
const LEAST_OF_HOUR: u64 = 8_000;
/// Halvings for earlier claims of a neighbourhood.
const MAX_HALVINGS: u32 = 3;
/// Work by what is left of the budget: below so many eighths so many bits.
const WORK: [(u64, u8); 4] = [(1, 20), (2, 18), (4, 15), (6, 12)];
/// The last part of the budget, which only neighbourhoods can have that got nothing in the interval: a farm claims again
/// and again from where it is, somebody new does not.
const RESERVE: u64 = 4;
/// The least work in a neighbourhood that has claimed before.
const NEIGHBOUR_BITS: u8 = 12;

/// The conditions of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Drops that are paid.
    pub amount: u64,
    /// Bits of work that are needed.
    pub bits: u8,
}

/// The least that a claim gets.
pub fn least(full: u64, level: Level) -> u64 {
    (full / LEAST_PART).max(level.capacity / LEAST_OF_HOUR).clamp(1, full.max(1))
}

/// What of the budget a claim can have, after `earlier` claims of its neighbourhood in the interval.
pub fn open_to(level: Level, earlier: usize) -> Level {
    let kept = if earlier == 0 { 0 } else { level.capacity / RESERVE };
    Level { left: level.left.saturating_sub(kept), ..level }
}

/// What a claim gets and costs, after `earlier` claims of its neighbourhood in the interval; none if the budget has not
/// even the least amount for it.
pub fn price(full: u64, level: Level, earlier: usize) -> Option<Price> {
    let level = open_to(level, earlier);
    let least = least(full, level);
    if level.left < least {
        return None;
    }
    // From half of the budget downwards the amount follows it.
    let part = u128::from(full) * 2 * u128::from(level.left) / u128::from(level.capacity.max(1));
    let amount = u64::try_from(part).unwrap_or(u64::MAX).min(full);
    let halvings = u32::try_from(earlier).unwrap_or(u32::MAX).min(MAX_HALVINGS);
    let amount = (amount >> halvings).max(least).min(level.left);
    let eighths = u128::from(level.left) * 8;
    let by_budget = WORK.iter().find(|(part, _)| eighths < u128::from(*part) * u128::from(level.capacity));
    let bits = by_budget.map_or(0, |(_, bits)| *bits);
    let bits = match halvings {
        0 => bits,
        claims => bits.max(NEIGHBOUR_BITS) + 2 * claims as u8,
    };
    Some(Price { amount, bits: bits.min(MAX_BITS) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: u64 = 500;

    fn at(left: u64, earlier: usize) -> Option<Price> {
        price(FULL, Level { left, capacity: 10_000 }, earlier)
    }

    #[test]
    fn a_claim_in_calm_times_gets_all_for_nothing() {
        assert_eq!(at(10_000, 0), Some(Price { amount: FULL, bits: 0 }));
        assert_eq!(at(7_500, 0), Some(Price { amount: FULL, bits: 0 }));
        let first = price(FULL, Level { left: FULL, capacity: FULL }, 0);
        assert_eq!(first, Some(Price { amount: FULL, bits: 0 }), "with the first block of a chain");
    }

    #[test]
    fn the_amount_shrinks_and_the_work_grows_as_the_budget_empties() {
        let steps: Vec<_> = (10..=10_000).rev().step_by(10).map(|left| at(left, 0).unwrap()).collect();
        assert!(steps.windows(2).all(|pair| pair[1].amount <= pair[0].amount && pair[1].bits >= pair[0].bits));
        assert_eq!(at(2_500, 0), Some(Price { amount: FULL / 2, bits: 15 }));
        assert_eq!(at(1_000, 0), Some(Price { amount: FULL / 5, bits: 20 }));
        assert_eq!(at(20, 0), Some(Price { amount: 10, bits: 20 }), "the least amount");
        assert_eq!((at(10, 0).unwrap().amount, at(9, 0)), (10, None));
    }

    #[test]
    fn a_range_that_claims_again_gets_half_each_time_for_more_work() {
        let prices: Vec<_> = (0..6).map(|earlier| at(10_000, earlier).map(|p| (p.amount, p.bits)).unwrap()).collect();
        assert_eq!(prices, [(500, 0), (250, 14), (125, 16), (62, 18), (62, 18), (62, 18)]);
        assert_eq!(at(3_500, 9).unwrap().bits, MAX_BITS);
    }

    #[test]
    fn the_last_quarter_is_for_ranges_that_had_nothing() {
        for left in [2_500, 1_000, 20] {
            assert_eq!(at(left, 1), None, "{left}");
            assert!(at(left, 0).is_some(), "{left}");
        }
        assert!(at(2_510, 1).is_some());
    }

    #[test]
    fn the_budget_of_an_hour_is_used_up_before_all_places_for_claims_are() {
        for capacity in [1_000, 1_000_000, 1_000_000_000_000] {
            let least = least(FULL, Level { left: 0, capacity });
            assert!(capacity / least <= LEAST_OF_HOUR + 1 || least == FULL);
        }
    }
}
