//! `actors`: each actor of a running node, as a table or as a view that stays.

use serde_json::Value;

use crate::cli::ActorsArgs;
use crate::commands::node::Operator;
use crate::commands::print::{self, Out};
use crate::commands::watch;
use crate::failure::Failure;

/// Shows the actors.
pub fn actors(args: &ActorsArgs, out: Out) -> Result<(), Failure> {
    match (args.watch, out.is_json()) {
        (true, true) => Err(Failure::usage("--watch is for people: without it --json prints the actors once")),
        (true, false) => watch::watch(&args.admin),
        (false, _) => {
            let answer = Operator::of(&args.admin)?.get("/admin/actors")?;
            out.answer(&answer, || table(&answer))
        }
    }
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
