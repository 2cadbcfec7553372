//! One number of the page, and how numbers become the text that Prometheus reads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Answers;

/// Names and values that tell numbers of one name apart.
pub type Labels = Vec<(String, String)>;

/// A number of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: &'static str,
    pub help: &'static str,
    pub labels: Labels,
    pub value: Number,
}

/// Whether a number only grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Counter(f64),
    Gauge(f64),
}

impl Sample {
    /// The same number with another label.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }
}

/// A number that goes up and down.
pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Sample {
    Sample { name, help, labels: Vec::new(), value: Number::Gauge(value) }
}

/// A number that only grows; the page adds `_total` to its name.
pub fn counter(name: &'static str, help: &'static str, value: f64) -> Sample {
    Sample { name, help, labels: Vec::new(), value: Number::Counter(value) }
}

/// Yes is 1.
pub fn flag(name: &'static str, help: &'static str, yes: bool) -> Sample {
    gauge(name, help, f64::from(u8::from(yes)))
}

/// The page. What begins with `process_` has the names that all programs share; all else is `barreleye_`.
pub fn encode(samples: &[Sample], answers: &Answers) -> Result<String, std::fmt::Error> {
    let (mut own, mut shared) = (Registry::with_prefix("barreleye"), Registry::default());
    answers.register(&mut own);
    let mut by_name: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        by_name.entry(sample.name).or_default().push(sample);
    }
    for (name, samples) in by_name {
        let registry = if name.starts_with("process_") { &mut shared } else { &mut own };
        let counters: Family<Labels, Counter<f64, AtomicU64>> = Family::default();
        let gauges: Family<Labels, Gauge<f64, AtomicU64>> = Family::default();
        let mut counts = false;
        for sample in &samples {
            match sample.value {
                Number::Counter(value) => {
                    counts = true;
                    counters.get_or_create(&sample.labels).inc_by(value);
                }
                Number::Gauge(value) => {
                    gauges.get_or_create(&sample.labels).set(value);
                }
            }
        }
        let help = samples.first().map_or("", |sample| sample.help);
        if counts { registry.register(name, help, counters) } else { registry.register(name, help, gauges) }
    }
    let build: Family<Labels, Gauge<i64, AtomicI64>> = Family::default();
    build.get_or_create(&vec![("version".into(), env!("CARGO_PKG_VERSION").into())]).set(1);
    own.register("build_info", "The running version", build);
    let mut page = String::new();
    text::encode_registry(&mut page, &own)?;
    text::encode_registry(&mut page, &shared)?;
    text::encode_eof(&mut page)?;
    Ok(page)
}
