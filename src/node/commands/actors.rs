//! `actors`: each actor of a running node, once or again every second.

use std::time::Duration;

use serde_json::Value;

use crate::cli::ActorsArgs;
use crate::commands::node::Operator;
use crate::commands::print::{self, Out};
use crate::failure::Failure;

/// Clears the terminal and goes to its top.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Prints the actors as a table.
pub fn actors(args: &ActorsArgs, out: Out) -> Result<(), Failure> {
    let client = Operator::of(&args.admin)?;
    if !args.watch {
        let answer = client.get("/admin/actors")?;
        return out.answer(&answer, || table(&answer));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut every_second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                _ = every_second.tick() => {
                    let answer = client.get("/admin/actors")?;
                    out.answer(&answer, || format!("{CLEAR}{}", table(&answer)))?;
                }
            }
        }
    })
}

fn table(answer: &Value) -> String {
    let list = answer["actors"].as_array().cloned().unwrap_or_default();
    let row = |actor: &Value| {
        let since = actor["since_ms"].as_u64().map_or_else(|| "-".into(), |ms| print::span(ms / 1000));
        let mailbox = format!("{}/{}", print::text(actor, "/mailbox/queued"), print::text(actor, "/mailbox/capacity"));
        let text = |place| print::text(actor, place);
        let (handled, dropped) = (sum(&actor["handled"]), sum(&actor["dropped"]));
        vec![text("/name"), since, mailbox, handled, dropped, text("/state"), text("/last_error")]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    print::table(&["actor", "since", "mailbox", "handled", "dropped", "state", "last error"], &rows)
}

fn sum(counters: &Value) -> String {
    let numbers = counters.as_object().into_iter().flat_map(|map| map.values()).filter_map(Value::as_u64);
    numbers.sum::<u64>().to_string()
}
