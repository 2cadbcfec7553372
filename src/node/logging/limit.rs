//! A limit for each place that logs: one that goes wrong for ever fills no disk and hides no other.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tracing::callsite::Identifier;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines of one place in a row.
const BURST: f64 = 500.0;
/// And after that, a second: about one MiB an hour.
const PER_SECOND: f64 = 1.0;

/// Lets through what is within the limits; says what it left out when the place may speak again.
pub struct Limit<N> {
    /// One for each place of the program, of which there are a few hundred.
    places: Mutex<HashMap<Identifier, Place>>,
    note: N,
}

struct Place {
    left: f64,
    at: Instant,
    out: u64,
}

impl<N: Fn(&str)> Limit<N> {
    /// Limits that tell through `note`.
    pub fn new(note: N) -> Self {
        Self { places: Mutex::default(), note }
    }

    /// Whether a line of a place may go, and how many before it could not.
    fn passes(&self, id: Identifier, now: Instant) -> Option<u64> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(id).or_insert(Place { left: BURST, at: now, out: 0 });
        place.left = (place.left + now.saturating_duration_since(place.at).as_secs_f64() * PER_SECOND).min(BURST);
        place.at = now;
        if place.left < 1.0 {
            place.out += 1;
            return None;
        }
        place.left -= 1.0;
        Some(std::mem::take(&mut place.out))
    }
}

// A layer of its own and no filter of another one: a filter that refuses a single event leaves the thread's state of
// all such filters behind, which ends the process where that is asserted and hides later lines where it is not.
impl<S: Subscriber, N: Fn(&str) + 'static> Layer<S> for Limit<N> {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let meta = event.metadata();
        match self.passes(meta.callsite(), Instant::now()) {
            None => false,
            Some(0) => true,
            Some(out) => {
                let (file, line) = (meta.file().unwrap_or("?"), meta.line().unwrap_or(0));
                (self.note)(&format!("{out} lines of {file}:{line} were left out: it logs too often"));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use tracing::Metadata;
    use tracing::subscriber::Interest;
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Counts what arrives.
    struct Count(Arc<AtomicU64>);

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn s18_what_is_left_out_of_one_place_changes_nothing_for_the_others() {
        let lines = Arc::new(AtomicU64::new(0));
        let limit = Limit::new(|_: &str| {});
        let log = tracing_subscriber::registry().with(EnvFilter::new("info")).with(limit).with(Count(lines.clone()));
        tracing::subscriber::with_default(log, || {
            for round in 0..2_000 {
                tracing::info!(round, "again and again");
                tracing::debug!("nobody asked for this, and it counts for nothing");
            }
            let loud = lines.load(Ordering::Relaxed);
            assert!((500..600).contains(&loud), "{loud} lines of a place that may have 500");
            for _ in 0..100 {
                tracing::info!("another place");
            }
            assert_eq!(lines.load(Ordering::Relaxed), loud + 100);
        });
    }

    #[test]
    fn s18_a_place_that_logs_without_end_gets_a_burst_and_then_a_line_a_second_and_others_are_not_touched() {
        // Two places of the program.
        struct Site(Metadata<'static>);
        impl tracing::Callsite for Site {
            fn set_interest(&self, _: Interest) {}

            fn metadata(&self) -> &Metadata<'_> {
                &self.0
            }
        }
        macro_rules! site {
            ($name:ident) => {
                static $name: Site = Site(tracing::metadata! {
                    name: "site", target: "test", level: tracing::Level::INFO, fields: &[], callsite: &$name,
                    kind: tracing::metadata::Kind::EVENT
                });
            };
        }
        site!(ONE);
        site!(OTHER);
        let (one, other) = (Identifier(&ONE), Identifier(&OTHER));
        let limit = Limit::new(|_: &str| {});
        let start = Instant::now();
        let passes = |ms: &u64| limit.passes(one.clone(), start + Duration::from_millis(*ms)).is_some();
        let hour = (0..3_600_000).filter(passes).count();
        assert!((3_600..=4_200).contains(&hour), "{hour} lines of an hour in which each millisecond had one");
        let at = start + Duration::from_secs(3_600);
        assert_eq!(limit.passes(other, at), Some(0));
        let out = limit.passes(one, at + Duration::from_secs(5)).unwrap();
        assert!(out > 900, "{out} were left out since the last one");
    }
}
