//! `faucet claim`: getting coins from a node, with the work that it asks for when it has many visitors.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use client::{Client, Drops};
use indicatif::ProgressBar;
use ledger::{Address, TxId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::cli::ClaimArgs;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::commands::wait::{self, Wait};
use crate::failure::Failure;
use crate::wallet::Wallet;

/// Harder work than a node may ask for: an hour of one core, and no honest faucet asks for it.
const MOST_BITS: u32 = 30;
/// Tries between two looks at the clock.
const BATCH: u64 = 1 << 14;

/// Work that a faucet asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Challenge {
    challenge: String,
    bits: u32,
    expires_in_s: u64,
}

/// A claim that was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claimed {
    claim: String,
    transaction: TxId,
    amount: Drops,
    fee: Drops,
}

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

fn ask(client: &Client, address: &Address, out: Out) -> Result<Claimed, Failure> {
    let challenge = client.read::<Challenge>(&format!("/v1/faucet/challenge?address={address}"));
    let Challenge { challenge, bits, expires_in_s } = challenge.map_err(|error| told(error.into()))?;
    let mut claim = json!({ "address": address, "challenge": challenge });
    if bits > 0 {
        claim["solution"] = solve(&challenge, bits, Duration::from_secs(expires_in_s), out)?.to_string().into();
    }
    let answer = client.post("/v1/faucet/claims", &claim).and_then(client::Answer::parse);
    answer.map_err(|error| told(error.into()))
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
fn solve(challenge: &str, bits: u32, limit: Duration, out: Out) -> Result<u64, Failure> {
    if bits > MOST_BITS {
        return Err(Failure::refused(format!(
            "the faucet asks for {bits} bits of work: more than {MOST_BITS} is no faucet"
        )));
    }
    out.note(format!("the faucet has many visitors and asks for work: {bits} bits"));
    let (began, bar) = (Instant::now(), bar(out));
    let prefix = Sha256::new_with_prefix(format!("{challenge}."));
    let is_solution = |number: &u64| zero_bits(&prefix.clone().chain_update(number.to_string()).finalize()) >= bits;
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

fn zero_bits(digest: &[u8]) -> u32 {
    let zeros = digest.iter().take_while(|byte| **byte == 0).count();
    zeros as u32 * 8 + digest.get(zeros).map_or(0, |byte| byte.leading_zeros())
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
    fn zero_bits_are_counted_across_bytes() {
        assert_eq!(zero_bits(&[0xff]), 0);
        assert_eq!(zero_bits(&[0, 0x1f, 0]), 11);
        assert_eq!(zero_bits(&[0, 0]), 16);
    }

    #[test]
    fn work_is_what_the_faucet_checks_and_no_smaller_number_does_it() {
        let out = Out::new(true);
        let number = solve("a challenge", 12, Duration::from_secs(60), out).unwrap();
        let digest = |number: u64| Sha256::digest(format!("a challenge.{number}"));
        assert!(zero_bits(&digest(number)) >= 12);
        assert!((0..number).all(|smaller| zero_bits(&digest(smaller)) < 12));
    }

    #[test]
    fn absurd_work_is_refused_and_work_that_takes_too_long_ends() {
        let out = Out::new(true);
        assert_eq!(solve("x", 31, Duration::from_secs(1), out).unwrap_err().exit_code(), 65);
        assert_eq!(solve("x", 30, Duration::ZERO, out).unwrap_err().exit_code(), 75);
    }
}
