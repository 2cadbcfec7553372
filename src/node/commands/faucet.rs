//! `faucet claim`: getting coins from a node, with the work that it asks for when it has many visitors.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use client::{Client, FaucetClaim, FaucetPayout, Number};
use indicatif::ProgressBar;
use ledger::Address;
use machines::faucet::zero_bits;
use serde_json::json;

use crate::cli::ClaimArgs;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::commands::wait::{self, Wait};
use crate::failure::Failure;
use crate::wallet::Wallet;

/// Harder work than a node may ask for: an hour of one core, and no honest faucet asks for it.
const MOST_BITS: u8 = 30;
/// Tries between two looks at the clock.
const BATCH: u64 = 1 << 14;

/// Asks, works, claims, and waits if that is wanted.
pub fn claim(args: &ClaimArgs, out: Out) -> Result<(), Failure> {
    let address = Wallet::of(&args.account.wallet.data_dir).resolve(&args.account.account)?;
    let client = node::public(&args.account.client);
    let claimed = loop {
        match ask(&client, &address, out) {
            Err(Failure::Later { text, retry_after_s: Some(seconds) }) if args.retry => pause(&text, seconds, out)?,
            other => break other?,
        }
    };
    let id = claimed.transaction;
    let told = format!("the faucet pays {} Barrel to {address} with transaction {id}", claimed.amount.0);
    let Some(wanted) = args.wait.wait else { return out.answer(&claimed, || told) };
    out.note(&told);
    let tx = Wait { client: &client, id, wanted, transfer: None }.until_confirmed(&args.wait, out)?;
    out.answer(
        &json!({
            "claim": claimed.claim,
            "transaction": id,
            "amount": claimed.amount,
            "fee": claimed.fee,
            "confirmations": tx.confirmations,
            "block": tx.block,
        }),
        || format!("{} Barrel are there, {}", claimed.amount.0, print::state(&tx)),
    )
}

fn ask(client: &Client, address: &Address, out: Out) -> Result<FaucetPayout, Failure> {
    let work = client.faucet_challenge(address).map_err(|error| told(error.into()))?;
    let limit = Duration::from_secs(work.expires_in_s);
    let solution = match work.bits {
        0 => None,
        bits => Some(Number(solve(&work.challenge, bits, limit, out)?)),
    };
    let claim = FaucetClaim { address: *address, challenge: Some(work.challenge), solution };
    client.claim(&claim).map_err(|error| told(error.into()))
}

/// A refusal with what can be done about it.
fn told(failure: Failure) -> Failure {
    match failure {
        Failure::Later { text, retry_after_s: Some(seconds) } => Failure::Later {
            text: format!(
                "the faucet does not pay now: {text}; come back in {}, or wait with --retry",
                print::span(seconds)
            ),
            retry_after_s: Some(seconds),
        },
        Failure::Missing(_) => Failure::Missing("this node has no such faucet: is it of another version?".into()),
        Failure::Refused(_) | Failure::Later { .. } => failure.about("the faucet does not pay"),
        other => other,
    }
}

/// The first number that makes the digest of `challenge.number` begin with so many zero bits.
fn solve(challenge: &str, bits: u8, limit: Duration, out: Out) -> Result<u64, Failure> {
    if bits > MOST_BITS {
        return Err(Failure::refused(format!(
            "the faucet asks for {bits} bits of work: more than {MOST_BITS} is no faucet"
        )));
    }
    out.note(format!("the faucet has many visitors and asks for work: {bits} bits"));
    let (began, bar) = (Instant::now(), bar(out));
    let is_solution = |number: &u64| zero_bits(challenge, *number) >= u32::from(bits);
    for batch in 0.. {
        if let Some(number) = (batch * BATCH..(batch + 1) * BATCH).find(is_solution) {
            bar.finish_and_clear();
            return Ok(number);
        }
        if began.elapsed() > limit {
            break;
        }
        bar.set_message(format!("{} tries, it takes about {}", (batch + 1) * BATCH, 1u64 << bits));
        bar.tick();
    }
    bar.finish_and_clear();
    Err(Failure::Later { text: "the work took longer than the faucet waits: try again".into(), retry_after_s: None })
}

/// Shows progress to people at a terminal.
fn bar(out: Out) -> ProgressBar {
    match out.is_json() || !io::stderr().is_terminal() {
        true => ProgressBar::hidden(),
        false => ProgressBar::new_spinner(),
    }
}

fn pause(text: &str, seconds: u64, out: Out) -> Result<(), Failure> {
    out.note(text);
    let end = Instant::now() + Duration::from_secs(seconds);
    let bar = bar(out);
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        bar.set_message(format!("{} left", print::span(left.as_secs() + 1)));
        bar.tick();
        wait::pause(left.min(Duration::from_millis(500)))?;
    }
    bar.finish_and_clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_what_the_faucet_checks_and_no_smaller_number_does_it() {
        let out = Out::new(true);
        let number = solve("a challenge", 12, Duration::from_secs(60), out).unwrap();
        assert!(zero_bits("a challenge", number) >= 12);
        assert!((0..number).all(|smaller| zero_bits("a challenge", smaller) < 12));
    }

    #[test]
    fn absurd_work_is_refused_and_work_that_takes_too_long_ends() {
        let out = Out::new(true);
        assert_eq!(solve("x", 31, Duration::from_secs(1), out).unwrap_err().exit_code(), 65);
        assert_eq!(solve("x", 30, Duration::ZERO, out).unwrap_err().exit_code(), 75);
    }
}
