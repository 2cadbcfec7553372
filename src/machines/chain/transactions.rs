//! The way of a transaction: from gossip or a client, through cheap checks and the verifier, into the pool.

use std::sync::Arc;

use ledger::{ChainSource, CheckedTransaction, Fault, Transaction, TxError, ViewError};

use super::{Accepted, Chain, Effect, Origin, Refused, Verdict, misbehaved};
use crate::Now;
use crate::pool::PoolError;

impl Chain {
    pub(super) fn gossiped(
        &mut self,
        transactions: Vec<Transaction>,
        origin: Origin,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mut wanted = Vec::new();
        if !self.syncing {
            for tx in transactions {
                if self.precheck(&tx, view).is_ok() {
                    wanted.push(tx);
                }
            }
        }
        if wanted.is_empty() {
            self.verdict(origin, Verdict::Ignore, effects);
        } else {
            effects.push(Effect::CheckTransactions { transactions: wanted, origin });
        }
        Ok(())
    }

    pub(super) fn submitted(
        &mut self,
        tx: Transaction,
        ticket: u64,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) {
        match self.precheck(&tx, view) {
            Ok(()) => {
                let origin = Origin::Client(ticket);
                effects.push(Effect::CheckTransactions { transactions: vec![tx], origin });
            }
            Err(error) => effects.push(Effect::Answer { ticket, answer: Err(self.refused(error)) }),
        }
    }

    /// What a client is told. While transactions of blocks that left the chain are not back, what follows them seems to
    /// be far ahead.
    fn refused(&self, error: PoolError) -> Refused {
        match error {
            PoolError::GapTooWide { .. } if self.is_moving() => Refused::Moving,
            error => error.into(),
        }
    }

    /// What can be refused before the signature is looked at.
    fn precheck(&self, tx: &Transaction, view: &dyn ChainSource) -> Result<(), PoolError> {
        if self.pool().get(&tx.id(&self.network.chain)).is_some() {
            return Err(PoolError::Known);
        }
        let sender = tx.sender().map_err(TxError::from)?;
        let cost = tx.amount().checked_add(tx.fee()).ok_or(TxError::AmountOverflow)?;
        self.pool.precheck(&sender, tx.nonce(), cost, view)
    }

    pub(super) fn transactions_checked(
        &mut self,
        now: Now,
        results: Vec<Result<Arc<CheckedTransaction>, TxError>>,
        origin: Origin,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mut verdict = Verdict::Ignore;
        for result in results {
            let added = result.map_err(PoolError::from).and_then(|tx| {
                self.pool.add(tx.clone(), now.mono, view)?;
                Ok(tx)
            });
            match (added, origin) {
                (Err(PoolError::View(error)), _) => return Err(error),
                (Ok(tx), Origin::Client(ticket)) => {
                    effects.push(Effect::Answer { ticket, answer: Ok(Accepted::Transaction(tx.id())) });
                    self.relay.keep(now.mono, tx.clone());
                    self.relay.pass_on(tx);
                }
                (Err(error), Origin::Client(ticket)) => {
                    effects.push(Effect::Answer { ticket, answer: Err(self.refused(error)) });
                }
                (Ok(_), Origin::Gossip { .. }) if verdict != Verdict::Reject => verdict = Verdict::Accept,
                (Err(PoolError::Invalid(error)), Origin::Gossip { from, .. }) if error.fault() == Fault::Sender => {
                    // One message is one offence.
                    if verdict != Verdict::Reject {
                        effects.push(misbehaved(from, format!("sent a transaction: {error}")));
                    }
                    verdict = Verdict::Reject;
                }
                (_, Origin::Gossip { .. }) => {}
            }
        }
        self.verdict(origin, verdict, effects);
        Ok(())
    }

    fn verdict(&self, origin: Origin, verdict: Verdict, effects: &mut Vec<Effect>) {
        if let Origin::Gossip { ticket, .. } = origin {
            effects.push(Effect::Verdict { ticket, verdict });
        }
    }
}
