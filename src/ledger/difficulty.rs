//! Rule D: the target moves with every block by the time that the last one took.
//!
//! `next = target · (H − T + T²/2H + min(solve, 12 T)) / H`, integers only, each division rounded down, between 1 and
//! the easiest target. Relative to the last block, not to genesis: after a day of silence an absolute rule would make
//! thousands of blocks in ten minutes. The clamp of 12 T must stay above the future limit of rule B2, or a forged time
//! would gain more than it costs; rule N2 sees to it.
//!
//! Why T²/2H: the target follows the luck of the last blocks, and its steps multiply. A step up by the part x and one
//! down by x do not cancel, together they lose x²; with the spread that times of blocks have, T, a block loses T²/2H²
//! of the target on average. Without the term targets would settle so much too hard that the mean interval is
//! T · (1 + T/2H), 10.083 s instead of 10 s; the term takes that bias out.

use ruint::Uint;
use ruint::aliases::U256;

use crate::{CompactTarget, Header, Network, NetworkSpec};

/// No block counts for more than this many spacings.
pub const CLAMP_SPACINGS: u64 = 12;

/// The target that a block after `parent` must have; `grandparent` is none only for the first block after genesis.
pub fn next_target(network: &Network, parent: &Header, grandparent: Option<&Header>) -> CompactTarget {
    match grandparent {
        None => network.spec.first_target,
        Some(before) => adjust(&network.spec, parent.target, parent.time.saturating_sub(before.time)),
    }
}

/// `target` after a block that took `solve_ms`.
pub fn adjust(spec: &NetworkSpec, target: CompactTarget, solve_ms: u64) -> CompactTarget {
    type Wide = Uint<384, 6>;
    let (spacing, response) = (spec.spacing_ms, spec.response_ms);
    let solve = solve_ms.min(CLAMP_SPACINGS.saturating_mul(spacing));
    let Ok(full) = target.expand() else { return spec.first_target };
    // N2: the response is at least the spacing, so neither this nor the factor is ever negative.
    let least = Wide::from(response - spacing) + Wide::from(bias_ms(spacing, response));
    let factor = least + Wide::from(solve);
    let next = Wide::from(full) * factor / Wide::from(response);
    let easiest = spec.easiest_target.expand().unwrap_or(U256::MAX);
    let clamped = if next > Wide::from(easiest) { easiest } else { next.to::<U256>() };
    CompactTarget::floor(clamped.max(U256::from(1)))
}

/// T²/2H: by how much the mean interval would be longer than the spacing, if nothing took it out.
fn bias_ms(spacing: u64, response: u64) -> u128 {
    u128::from(spacing) * u128::from(spacing) / (2 * u128::from(response))
}
