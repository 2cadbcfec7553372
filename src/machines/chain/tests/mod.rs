//! The transitions of the chain machine, over a chain in memory that refuses commits which do not follow.

mod announcements;
mod connecting;
mod disk;
mod far;
mod faults;
mod floods;
mod mining;
mod partial;
mod reorganisations;
mod transactions;
mod waiting;

use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::{
    Amount, Block, BlockError, BlockId, ChainSource, Header, Network, Signature, Tip, Transaction, TxError, check,
};

use super::waiting::{MAX_EARLY, ORPHAN_MS};
use super::*;
use crate::fixture::{Branch, address, at, barrels, checked_block, key, network, pay, peer, seal};
use crate::pool::PoolError;

/// A chain with its store and a verifier that answers at once.
struct Node {
    chain: Chain,
    store: MemoryChain,
    network: Arc<Network>,
    now: Now,
}

impl Node {
    fn new() -> Self {
        let network = network();
        let store = MemoryChain::new(network.clone());
        Self { chain: Chain::new(network.clone(), network.genesis_tip()), store, network, now: at(0) }
    }

    /// Handles an event, keeps what is to be kept and verifies what is to be verified. Gives the other effects.
    fn on(&mut self, event: Event) -> Vec<Effect> {
        let mut rest = Vec::new();
        for effect in self.chain.on(self.now, event, self.store.latest()) {
            match effect {
                Effect::Commit(commit) => self.store.commit(&commit).unwrap(),
                Effect::Stage(commit) => self.store.stage(&commit).unwrap(),
                Effect::Abandon => self.store.abandon(),
                Effect::GoOn => rest.extend(self.on(Event::GoOn)),
                Effect::CheckBlocks { blocks, source } => {
                    let results = blocks.into_iter().map(|block| {
                        let id = block.header.id();
                        check::block_alone(block, &self.network, |_| None).map(Arc::new).map_err(|error| (id, error))
                    });
                    let results = results.collect();
                    rest.extend(self.on(Event::BlocksChecked { results, source }));
                }
                Effect::CheckTransactions { transactions, origin } => {
                    let results = transactions.into_iter().map(|tx| tx.check(&self.network, |_| None).map(Arc::new));
                    let results = results.collect();
                    rest.extend(self.on(Event::TransactionsChecked { results, origin }));
                }
                other => rest.push(other),
            }
        }
        assert_eq!(self.chain.tip(), self.store.tip().unwrap(), "the machine and the store have one tip");
        rest
    }

    fn blocks(&mut self, blocks: &[Block], source: Source) -> Vec<Effect> {
        self.on(Event::Blocks { blocks: blocks.to_vec(), source })
    }

    /// Blocks of peer 1.
    fn take(&mut self, blocks: &[Block]) -> Vec<Effect> {
        self.blocks(blocks, Source::Peer(peer(1)))
    }

    /// This node's miner found it.
    fn mine(&mut self, block: &Block) -> Vec<Effect> {
        self.on(Event::Mined(mined(&self.network, block)))
    }

    fn announce(&mut self, block: &Block) -> Vec<Effect> {
        let announcement = announcement(&checked_block(&self.network, block));
        self.announce_as(announcement)
    }

    fn announce_as(&mut self, announcement: Announcement) -> Vec<Effect> {
        self.on(Event::Announced { announcement, from: peer(1), ticket: ticket() })
    }

    fn submit(&mut self, transaction: Transaction) -> Result<Accepted, Refused> {
        let effects = self.on(Event::Submitted { transaction, ticket: 7 });
        let answers: Vec<_> = effects.into_iter().filter_map(answer).collect();
        assert_eq!(answers.len(), 1, "one answer to one question");
        answers.into_iter().next().unwrap()
    }

    fn gossip(&mut self, transactions: Vec<Transaction>) -> Vec<Effect> {
        self.on(Event::Gossiped { transactions, from: peer(1), ticket: ticket() })
    }

    fn waits(&self, tx: &Transaction) -> bool {
        self.chain.pool().get(&tx.id(&self.network.chain)).is_some()
    }

    fn balance(&self, n: u8) -> Amount {
        self.store.accounts().get(&address(n)).map_or(Amount::ZERO, |account| account.balance)
    }
}

fn mined(network: &Network, Block { header, signature, transactions }: &Block) -> Mined {
    let transactions = transactions.iter().map(|tx| crate::fixture::checked(network, tx.clone())).collect();
    Mined { header: header.clone(), signature: *signature, transactions }
}

fn ticket() -> GossipTicket {
    GossipTicket { message: [9; 32], source: peer(1) }
}

fn answer(effect: Effect) -> Option<Result<Accepted, Refused>> {
    match effect {
        Effect::Answer { ticket: 7, answer } => Some(answer),
        _ => None,
    }
}

fn verdict(effects: &[Effect]) -> Option<Verdict> {
    effects.iter().find_map(|effect| match effect {
        Effect::Verdict { verdict, .. } => Some(*verdict),
        _ => None,
    })
}

fn blamed(effects: &[Effect]) -> Vec<String> {
    let why = |effect: &Effect| match effect {
        Effect::Misbehaved { why, .. } => Some(why.clone()),
        _ => None,
    };
    effects.iter().filter_map(why).collect()
}

fn tip_changed(effects: &[Effect]) -> Option<&TipChanged> {
    effects.iter().find_map(|effect| match effect {
        Effect::TipChanged(changed) => Some(changed),
        _ => None,
    })
}
