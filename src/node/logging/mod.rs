//! Log lines: for people, as JSON or as entries of the journal, with a filter that can change while the node runs.
//!
//! Nobody waits for the log, and no place of the program can fill it.

mod journal;
mod limit;
mod queue;

use std::io::IsTerminal;

use serde_json::json;
use thiserror::Error;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use self::journal::Journal;
use self::limit::Limit;
use self::queue::{Queue, Sink};
use crate::config::LogFormat;

/// Lines of libraries are of use only when something is wrong with them.
const QUIET: &str = "actix_server=warn,actix_http=warn,libp2p=warn,libp2p_kad=error,libp2p_gossipsub=off,yamux=off,hickory_proto=error,hickory_resolver=error";

/// Changes the filter of a running process.
#[derive(Clone)]
pub struct LogControl(reload::Handle<EnvFilter, Registry>);

/// Why the log cannot be as asked.
#[derive(Debug, Error)]
pub enum LogError {
    /// Not a filter.
    #[error("'{filter}' is no log filter ({error}): use error, warn, info, debug, trace, or info,wire=debug")]
    Filter {
        /// What was asked for.
        filter: String,
        /// What is wrong with it.
        error: String,
    },
    /// Logging was started twice, or has ended.
    #[error("the log cannot be set up: {0}")]
    Setup(String),
}

/// Held as long as anything is logged: its end waits for the last lines.
pub struct LogGuard(Queue);

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Starts logging, to standard error or to the journal.
pub fn start(format: LogFormat, filter: &str) -> Result<(LogControl, LogGuard), LogError> {
    let (filter, control) = reload::Layer::new(parse(filter)?);
    let setup = |error: std::io::Error| LogError::Setup(error.to_string());
    let format = match format {
        LogFormat::Auto if journal::is_read() => LogFormat::Journal,
        LogFormat::Auto => LogFormat::Text,
        format => format,
    };
    let note = move |text: &str| match format {
        LogFormat::Journal => journal::entry(Level::WARN, text),
        LogFormat::Json => format!("{}\n", json!({ "level": "WARN", "message": text })).into_bytes(),
        LogFormat::Auto | LogFormat::Text => format!("WARN {text}\n").into_bytes(),
    };
    let sink = match format {
        LogFormat::Journal => Sink::Journal(journal::connect().map_err(setup)?),
        LogFormat::Auto | LogFormat::Text | LogFormat::Json => Sink::Stderr,
    };
    let queue = Queue::to(sink, note).map_err(setup)?;
    let (guard, told) = (LogGuard(queue.clone()), queue.clone());
    let limit = Limit::new(move |text: &str| told.line(note(text)));
    let lines = match format {
        LogFormat::Journal => Journal(queue).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(queue).boxed(),
        LogFormat::Auto | LogFormat::Text => {
            fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(queue).boxed()
        }
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(limit)
        .with(lines)
        .try_init()
        .map_err(|error| LogError::Setup(error.to_string()))?;
    Ok((LogControl(control), guard))
}

impl LogControl {
    /// Logs by `filter` from now on.
    pub fn set(&self, filter: &str) -> Result<(), LogError> {
        self.0.reload(parse(filter)?).map_err(|error| LogError::Setup(error.to_string()))
    }

    /// A control that changes nothing that is shown, for tests of whoever holds one.
    pub fn detached() -> (Self, impl Sized) {
        let (layer, control) = reload::Layer::new(EnvFilter::new("off"));
        (Self(control), layer)
    }
}

/// Whether a filter can be used.
pub fn check(filter: &str) -> Result<(), LogError> {
    parse(filter).map(drop)
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    let bad = |error: String| LogError::Filter { filter: filter.into(), error };
    // The user's directives come last, so that they win.
    let whole = if filter.contains('=') || filter == "trace" {
        format!("{QUIET},{filter}")
    } else {
        format!("{filter},{QUIET}")
    };
    if filter.trim().is_empty() {
        return Err(bad("it is empty".into()));
    }
    if !filter.contains(['=', ',', ':', '[']) && filter.parse::<tracing::level_filters::LevelFilter>().is_err() {
        return Err(bad("it is no level".into()));
    }
    EnvFilter::try_new(whole).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_refused_with_examples() {
        for bad in ["", "loud", "=,=", "info,wire=loud"] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains("use error, warn, info"), "{bad}: {error}");
        }
        for good in ["info", "trace", "off", "warn,barreleye=debug"] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }
}
