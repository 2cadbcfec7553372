//! Rule D: the target moves with every block by the time that the last one took.
//!
//! `next = target · (H − T + min(solve, 12 T)) / H`, integers only, rounded down, between 1 and the easiest target.
//! Relative to the last block, not to genesis: after a day of silence an absolute rule would make thousands of blocks
//! in ten minutes. The clamp of 12 T must stay above the future limit of rule B2, or a forged time would gain more
//! than it costs.

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
    let factor = Wide::from(response - spacing) + Wide::from(solve);
    let next = Wide::from(full) * factor / Wide::from(response);
    let easiest = spec.easiest_target.expand().unwrap_or(U256::MAX);
    let clamped = if next > Wide::from(easiest) { easiest } else { next.to::<U256>() };
    CompactTarget::floor(clamped.max(U256::from(1)))
}
