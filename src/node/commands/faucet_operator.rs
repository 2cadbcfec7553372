//! `faucet status` and the switches of the faucet: for whoever runs one.

use client::{FaucetReport, FaucetState};
use serde_json::{Value, json};

use crate::cli::{AdminArgs, AmountArgs, EntryArgs};
use crate::commands::node::Operator;
use crate::commands::print::{self, Out};
use crate::failure::Failure;

/// Prints how the faucet stands.
pub fn status(args: &AdminArgs, out: Out) -> Result<(), Failure> {
    let answer = Operator::of(args)?.get("/admin/faucet")?;
    let report: FaucetReport = serde_json::from_value(answer.clone()).map_err(Failure::internal)?;
    out.answer(&answer, || text(&report))
}

/// Pauses or resumes it.
pub fn switch(args: &AdminArgs, action: &str, out: Out) -> Result<(), Failure> {
    let answer = Operator::of(args)?.post(&format!("/admin/faucet/{action}"), &json!({}))?;
    out.answer(&answer, || format!("faucet: {action}d"))
}

/// Sets what a claim gets.
pub fn amount(args: &AmountArgs, out: Out) -> Result<(), Failure> {
    let drops = args.amount.0.map(|amount| Value::from(amount.as_drops().to_string()));
    let answer = Operator::of(&args.admin)?.put("/admin/faucet/amount", &json!({ "amount": drops }))?;
    out.answer(&answer, || match args.amount.0 {
        Some(amount) => format!("a claim gets {amount} Barrel in calm times"),
        None => "a claim gets what the configuration says".into(),
    })
}

/// Allows, denies, forgets or pardons.
pub fn entry(args: &EntryArgs, action: &str, out: Out) -> Result<(), Failure> {
    let answer =
        Operator::of(&args.admin)?.post(&format!("/admin/faucet/{action}"), &json!({ "entry": args.entry }))?;
    out.answer(&answer, || format!("{action}: {}", args.entry))
}

fn text(report: &FaucetReport) -> String {
    let status = &report.status;
    let state = match status.state {
        FaucetState::Off => "off",
        FaucetState::Closed => "closed until the node has caught up",
        FaucetState::Paused => "paused",
        FaucetState::Open => "open",
    };
    let (budget, low) = (&status.budget, if report.low { ": too little, send coins there" } else { "" });
    let reasons: Vec<_> = report.refusals.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let mut lines = vec![print::list(&[
        ("faucet", state.to_owned()),
        ("account", format!("{} with {} Barrel{low}", status.account, report.funds.0)),
        (
            "budget",
            format!(
                "{} of {} Barrel an hour left, {} % of what mining creates",
                budget.left.0, budget.capacity.0, budget.share_percent
            ),
        ),
        (
            "a claim",
            format!(
                "{} Barrel now, {} in calm times; work of {} bits",
                status.amount.0, status.full_amount.0, status.work_bits
            ),
        ),
        ("paid", format!("{} claims, {} Barrel; {} wait for a block", report.claims, report.paid.0, status.waiting)),
        ("refused", if reasons.is_empty() { "none since the start".into() } else { reasons.join(", ") }),
        ("allowed", listed(&report.allowed)),
        ("denied", listed(&report.denied)),
        ("ranges", format!("{} refused for the sake of collectors", report.refused_range_count)),
    ])];
    if !report.collectors.is_empty() {
        let rows: Vec<_> = report
            .collectors
            .iter()
            .map(|found| {
                vec![
                    found.account.to_string(),
                    found.why.clone(),
                    found.accounts.to_string(),
                    found.ranges.to_string(),
                    found.others.to_string(),
                    print::ago(found.found),
                ]
            })
            .collect();
        lines.push(print::table(&["collector", "why", "accounts", "ranges", "paid by others", "found"], &rows));
    }
    lines.join("\n\n")
}

fn listed(entries: &[String]) -> String {
    if entries.is_empty() { "nobody".into() } else { entries.join(", ") }
}
