//! Waiting until a transaction has its confirmations, through all that can happen to it meanwhile: it waits in the
//! pool, its block is replaced by another branch, a node forgets it, the node is away.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use client::{Client, ClientError, Posted, State, Transaction, TransferJson, WaitingReason};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::{BlockId, TxId};

use crate::cli::WaitArgs;
use crate::commands::print::Out;
use crate::failure::Failure;

/// Between two looks. A block takes a second or more; a node answers a look in a millisecond.
const BETWEEN: Duration = Duration::from_millis(300);

/// A wait for confirmations.
pub struct Wait<'a> {
    /// Who is asked.
    pub client: &'a Client,
    /// For which transaction.
    pub id: TxId,
    /// How many confirmations are enough.
    pub wanted: u64,
    /// The transaction itself, if it is at hand: then it is posted again when the node has lost it.
    pub transfer: Option<&'a TransferJson>,
}

/// Where a transaction was when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// The node does not know it.
    Nowhere,
    /// In the pool, for this reason.
    Waiting(Option<WaitingReason>),
    /// In a block of the chain.
    InBlock { block: BlockId, height: u64, confirmations: u64 },
    /// The node did not tell.
    NoAnswer(String),
}

impl Wait<'_> {
    /// Returns when the transaction has its confirmations; fails when it never can, or when the time is over.
    pub fn until_confirmed(&self, args: &WaitArgs, out: Out) -> Result<Transaction, Failure> {
        let (began, limit) = (Instant::now(), Duration::from_secs(args.timeout));
        let mut progress = Progress::new(out, self.wanted);
        let mut last = Seen::Nowhere;
        loop {
            let found = self.client.transaction(&self.id);
            let seen = Seen::of(&found)?;
            progress.show(&last, &seen);
            match (found, self.transfer) {
                (Ok(tx), _) if tx.confirmations >= self.wanted => return Ok(tx),
                (Err(error), Some(transfer)) if error.is_not_found() => self.post_again(transfer)?,
                _ => {}
            }
            if began.elapsed() >= limit {
                return Err(self.too_long(args.timeout, &seen));
            }
            last = seen;
            pause(BETWEEN)?;
        }
    }

    fn post_again(&self, transfer: &TransferJson) -> Result<(), Failure> {
        match self.client.submit(&Posted::Json(transfer.clone())) {
            Err(ClientError::Refused(problem)) if problem.status < 500 && problem.status != 429 => {
                Err(Failure::refused(format!("the transaction was dropped, and is refused now: {}", problem.detail)))
            }
            // Taken again, or not now: the next look tells.
            _ => Ok(()),
        }
    }

    fn too_long(&self, seconds: u64, seen: &Seen) -> Failure {
        let (id, wanted, state) = (self.id, self.wanted, seen.text(self.wanted));
        Failure::Later {
            text: format!("after {seconds} s {state}; look again with barreleye tx {id} --wait {wanted}"),
            retry_after_s: None,
        }
    }
}

/// Lets time pass: what is waited for happens in another process, which tells nobody.
pub fn pause(time: Duration) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(Failure::internal)?;
    runtime.block_on(async { tokio::time::interval_at(tokio::time::Instant::now() + time, time).tick().await });
    Ok(())
}

fn wanted_text(wanted: u64) -> String {
    if wanted == 1 { "1 confirmation".into() } else { format!("{wanted} confirmations") }
}

impl Seen {
    fn of(found: &Result<Transaction, ClientError>) -> Result<Self, Failure> {
        match found {
            Ok(tx) => Ok(match (&tx.block, tx.state) {
                (Some(block), State::Confirmed) => {
                    Self::InBlock { block: block.id, height: block.height, confirmations: tx.confirmations }
                }
                _ => Self::Waiting(tx.pool.as_ref().map(|pool| pool.reason)),
            }),
            Err(error) if error.is_not_found() => Ok(Self::Nowhere),
            Err(error) => match Failure::from(error.clone()) {
                failure @ (Failure::NoNode(_) | Failure::Later { .. } | Failure::Internal(_)) => {
                    Ok(Self::NoAnswer(failure.to_string()))
                }
                failure => Err(failure),
            },
        }
    }

    /// What is told of it.
    fn text(&self, wanted: u64) -> String {
        match self {
            Self::Nowhere => "the node does not know the transaction".into(),
            Self::Waiting(None | Some(WaitingReason::NextBlock)) => "waiting for the next block".into(),
            Self::Waiting(Some(WaitingReason::Queue)) => "waiting behind earlier ones of its account".into(),
            Self::Waiting(Some(WaitingReason::Fee)) => "waiting behind others that pay a higher fee".into(),
            Self::Waiting(Some(WaitingReason::NonceGap)) => {
                "waiting for an earlier transaction of its account, which the node does not have".into()
            }
            Self::InBlock { height, confirmations, .. } if *confirmations > wanted => {
                format!("in block {height}, {}", wanted_text(*confirmations))
            }
            Self::InBlock { height, confirmations, .. } => {
                format!("in block {height}, {confirmations} of {}", wanted_text(wanted))
            }
            Self::NoAnswer(why) => format!("the node does not answer ({why}), trying on"),
        }
    }

    /// The block that was left, if the chain took another way.
    fn left(&self, now: &Self) -> Option<u64> {
        match (self, now) {
            (Self::InBlock { block, .. }, Self::InBlock { block: other, .. }) if block == other => None,
            (Self::InBlock { .. }, Self::NoAnswer(_)) => None,
            (Self::InBlock { height, .. }, _) => Some(*height),
            _ => None,
        }
    }
}

/// How the wait is shown: one line that changes on a terminal, a line for each change elsewhere, nothing to programs.
enum Progress {
    Nothing,
    Lines { out: Out, told: String, wanted: u64 },
    Bar { bar: ProgressBar, wanted: u64 },
}

impl Progress {
    fn new(out: Out, wanted: u64) -> Self {
        if out.is_json() {
            return Self::Nothing;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines { out, told: String::new(), wanted };
        }
        let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self::Bar { bar, wanted }
    }

    fn show(&mut self, last: &Seen, now: &Seen) {
        let replaced = last.left(now).map(|height| format!("block {height} was replaced by another branch"));
        match self {
            Self::Nothing => {}
            Self::Lines { out, told, wanted } => {
                let text = now.text(*wanted);
                if let Some(replaced) = replaced {
                    out.note(replaced);
                    told.clear();
                }
                if text != *told {
                    out.note(&text);
                    *told = text;
                }
            }
            Self::Bar { bar, wanted } => {
                if let Some(replaced) = replaced {
                    bar.println(replaced);
                }
                bar.set_message(now.text(*wanted));
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_block(number: u8, height: u64, confirmations: u64) -> Seen {
        Seen::InBlock { block: BlockId([number; 32]), height, confirmations }
    }

    #[test]
    fn a_block_that_is_replaced_is_told_whatever_comes_after_it() {
        let before = in_block(1, 7, 2);
        assert_eq!(before.left(&in_block(1, 7, 3)), None);
        assert_eq!(before.left(&in_block(2, 7, 1)), Some(7));
        assert_eq!(before.left(&Seen::Waiting(None)), Some(7));
        assert_eq!(before.left(&Seen::Nowhere), Some(7));
        assert_eq!(before.left(&Seen::NoAnswer("down".into())), None, "a silent node says nothing about the chain");
        assert_eq!(Seen::Waiting(None).left(&before), None);
    }

    #[test]
    fn the_state_is_told_in_words() {
        assert_eq!(in_block(1, 7, 2).text(3), "in block 7, 2 of 3 confirmations");
        assert_eq!(in_block(1, 7, 1).text(1), "in block 7, 1 of 1 confirmation");
        assert_eq!(in_block(1, 7, 2).text(1), "in block 7, 2 confirmations");
        assert!(Seen::Waiting(Some(WaitingReason::NonceGap)).text(1).contains("an earlier transaction"));
    }
}
