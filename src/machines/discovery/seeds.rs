//! Names that list peers (`/dnsaddr/HOST`): asked for while peers are missing, less often each time, never dialed.

use super::{Fixed, jitter::Jitter};

/// A name is asked for again after a minute, two … and at most this long: name servers are not ours.
const MAX_WAIT_MS: u64 = 30 * 60 * 1000;
const MIN_WAIT_MS: u64 = 60_000;

#[derive(Debug)]
struct Seed {
    name: String,
    times: u32,
    not_before: u64,
}

#[derive(Debug)]
pub(super) struct Seeds {
    jitter: Jitter,
    all: Vec<Seed>,
}

/// The host of a seed's address.
pub(super) fn name_of(address: &str) -> Option<&str> {
    address.strip_prefix("/dnsaddr/")?.split('/').next().filter(|host| !host.is_empty())
}

impl Seeds {
    /// Those of the fixed peers that are seeds.
    pub fn new(jitter: Jitter, fixed: &[Fixed]) -> Self {
        let names = fixed.iter().filter_map(|fixed| name_of(&fixed.address));
        Self { jitter, all: names.map(|name| Seed { name: name.into(), times: 0, not_before: 0 }).collect() }
    }

    /// Others from now on; those that were asked before keep their time.
    pub fn replace(&mut self, fixed: &[Fixed]) {
        let mut old = std::mem::replace(self, Self::new(self.jitter, fixed)).all;
        for seed in &mut self.all {
            if let Some(place) = old.iter().position(|old| old.name == seed.name) {
                *seed = old.swap_remove(place);
            }
        }
    }

    /// Names to ask for now.
    pub fn due(&mut self, mono: u64) -> Vec<String> {
        let mut due = Vec::new();
        for seed in self.all.iter_mut().filter(|seed| seed.not_before <= mono) {
            seed.not_before = mono.saturating_add(self.jitter.wait(MIN_WAIT_MS, seed.times, MAX_WAIT_MS, &seed.name));
            seed.times = seed.times.saturating_add(1);
            due.push(seed.name.clone());
        }
        due
    }

    /// Everybody who was there is gone: asking is worth it sooner again.
    pub fn lonely(&mut self, mono: u64) {
        for seed in &mut self.all {
            seed.times = 0;
            seed.not_before = seed.not_before.min(mono.saturating_add(MIN_WAIT_MS));
        }
    }
}
