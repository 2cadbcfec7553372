//! What the machines of a node want done, as far as the node does it itself. Mail to another machine comes back to
//! [`Node::hear`]; what needs the world leaves as an [`Output`].

use machines::chain::{self, Effect as ChainEffect, Event as ChainEvent, Source};
use machines::{PeerId, discovery, miner, syncer};

use super::message::{Body, Question};
use super::node::{Connected, Input, Node, Output, Shell, index_at, index_of, ip};

impl Node {
    pub(super) fn chain_effect(&mut self, effect: ChainEffect, shell: &mut Shell) {
        if self.burns_out() {
            return;
        }
        match effect {
            ChainEffect::Commit(commit) => {
                if let Err(error) = self.store.commit(&commit) {
                    shell.fail(format!("a commit cannot be kept: {error}"));
                }
            }
            ChainEffect::Stage(part) => {
                if let Err(error) = self.store.stage(&part) {
                    shell.fail(format!("a part of a change cannot be staged: {error}"));
                }
            }
            ChainEffect::Abandon => self.store.abandon(),
            ChainEffect::GoOn => shell.mail.push_front(Input::Chain(ChainEvent::GoOn)),
            ChainEffect::TipChanged(changed) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::TipChanged));
                shell.mail.push_back(Input::Miner(miner::Event::TipChanged(changed.tip)));
                shell.mail.push_back(Input::Discovery(discovery::Event::TipChanged));
            }
            ChainEffect::CheckBlocks { blocks, source } => {
                let results = blocks.into_iter().map(|block| self.verifier.block(block)).collect();
                shell.outputs.push(Output::Verified(Box::new(ChainEvent::BlocksChecked { results, source })));
            }
            ChainEffect::CheckTransactions { transactions, origin } => {
                let results = transactions.into_iter().map(|tx| self.verifier.transaction(tx)).collect();
                shell.outputs.push(Output::Verified(Box::new(ChainEvent::TransactionsChecked { results, origin })));
            }
            ChainEffect::Verdict { ticket, verdict } => self.verdict(ticket, verdict, shell),
            ChainEffect::AnnounceBlock(block) => self.publish(Body::Block(chain::announcement(&block)), shell),
            ChainEffect::Relay(txs) => {
                let txs = txs.iter().map(|tx| tx.transaction().clone()).collect();
                self.publish(Body::Transactions(txs), shell);
            }
            ChainEffect::FetchMissing { ask, from, block, indexes } => {
                shell.ask(&from, Question::Missing(ask, block, indexes));
            }
            ChainEffect::Fetch { ask, from, id } => shell.ask(&from, Question::Fetch(ask, id)),
            ChainEffect::Useful { peer } => {
                shell.mail.push_back(Input::Discovery(discovery::Event::Useful { peer }));
            }
            ChainEffect::Behind { peer } => shell.mail.push_back(Input::Syncer(syncer::Event::Behind { peer })),
            ChainEffect::DiskFull(full) => {
                shell.mail.push_back(Input::Miner(miner::Event::DiskFull(full)));
                shell.mail.push_back(Input::Syncer(syncer::Event::DiskFull(full)));
            }
            ChainEffect::SyncTaken { blocks } => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Taken { blocks }));
            }
            ChainEffect::SyncRefused { from, id, error } => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Refused { from, id, error }));
            }
            // Only told to the operator.
            ChainEffect::Ahead { .. } => {}
            ChainEffect::Misbehaved { peer, why } => {
                shell.fail(format!("blames the honest node {}: {why}", index_of(&peer)));
            }
            ChainEffect::Answer { answer, .. } => {
                shell.outputs.push(Output::Answered { accepted: answer.is_ok() });
            }
            ChainEffect::Template(template) => {
                shell.mail.push_back(Input::Miner(miner::Event::Template(template)));
            }
            ChainEffect::OwnBlockRefused { id, error } => shell.fail(format!("refuses its own block {id}: {error}")),
            ChainEffect::Broken(why) => shell.fail(why),
        }
    }

    pub(super) fn syncer_effect(&mut self, effect: syncer::Effect, shell: &mut Shell) {
        if self.burns_out() {
            return;
        }
        match effect {
            syncer::Effect::AskStatus { peer } => {
                let greeting = self.greeting();
                shell.ask(&peer, Question::Status(greeting));
            }
            syncer::Effect::AskHeaders { ask, peer, locator, limit } => {
                shell.ask(&peer, Question::Headers(ask, locator, limit));
            }
            syncer::Effect::AskBlocks { ask, peer, ids } => shell.ask(&peer, Question::Blocks(ask, ids)),
            syncer::Effect::Offer { blocks, from } => {
                shell.mail.push_back(Input::Chain(ChainEvent::Blocks { blocks, source: Source::Sync(from) }));
            }
            syncer::Effect::Syncing(syncing) => {
                shell.mail.push_back(Input::Miner(miner::Event::Syncing(syncing)));
                shell.mail.push_back(Input::Chain(ChainEvent::Syncing(syncing)));
            }
            // Nobody lags for so long here without its connection being given up.
            syncer::Effect::Lagging { peer } => {
                shell.mail.push_back(Input::Discovery(discovery::Event::Lagging { peer }));
            }
            syncer::Effect::Misbehaved { peer, why, .. } => {
                shell.fail(format!("its syncer blames the honest node {}: {why}", index_of(&peer)));
            }
        }
    }

    pub(super) fn discovery_effect(&mut self, effect: discovery::Effect, shell: &mut Shell) {
        if self.burns_out() {
            return;
        }
        match effect {
            discovery::Effect::Dial { peer, addresses } => {
                let to = peer.map_or_else(|| index_at(&addresses[0]), |peer| index_of(&peer));
                shell.outputs.push(Output::Dial(to));
            }
            discovery::Effect::Announce => shell.outputs.push(Output::Announce),
            discovery::Effect::Lookup => shell.outputs.push(Output::Lookup),
            discovery::Effect::AskAddresses { peer } => shell.ask(&peer, Question::Addresses),
            discovery::Effect::TellPresent => {
                let Some(live) = &self.live else { return };
                let present = |(peer, connected): (&PeerId, &Connected)| {
                    let (dialed, from) = (connected.dialed.clone(), Some(ip(index_of(peer))));
                    discovery::Present { peer: *peer, dialed, from }
                };
                let present = live.peers.iter().map(present).collect();
                shell.mail.push_back(Input::Discovery(discovery::Event::Present(present)));
            }
            discovery::Effect::Save { peer, record } => {
                self.book.insert(peer, record);
            }
            discovery::Effect::Forget { peer } => {
                self.book.remove(&peer);
            }
            discovery::Effect::Refuse { peer, .. } => {
                shell.fail(format!("refuses the honest node {}", index_of(&peer)));
            }
            discovery::Effect::Disconnect { peer, .. } => shell.outputs.push(Output::Close(index_of(&peer))),
            discovery::Effect::RefuseAddress { address, .. } => shell.fail(format!("refuses {address}")),
            discovery::Effect::ResolveSeed { name } => shell.fail(format!("asks for the seed {name}")),
            discovery::Effect::Peers(peers) => shell.mail.push_back(Input::Miner(miner::Event::Peers(peers))),
        }
    }

    pub(super) fn miner_effect(&mut self, effect: miner::Effect, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        match effect {
            miner::Effect::AskTemplate { miner } => {
                shell.mail.push_back(Input::Chain(ChainEvent::TemplateWanted { miner }));
            }
            miner::Effect::Hash { job, search } => live.job = Some((job, search)),
            miner::Effect::Stop => live.job = None,
            miner::Effect::Offer(mined) => shell.mail.push_back(Input::Chain(ChainEvent::Mined(mined))),
        }
    }
}
