//! What a peer answers, and for whom: headers and blocks of a sync for the syncer, parts of an announced block for the
//! chain, addresses for discovery. What does not fit its question is an offence.

use std::fmt::Display;

use machines::peer::{Event, Offence};
use machines::{chain, discovery, syncer};
use tracing::{debug, info};
use wire::{Multiaddr, Protocol, RawBlock, RequestError, Response};

use super::Peer;
use crate::Mail;
use crate::link::dialed_address;
use crate::translate::{self, Purpose};

impl Peer {
    /// A question of this node was answered, or not.
    pub(super) fn response(&mut self, purpose: Purpose, result: Result<Response, RequestError>) {
        let peer = self.peer;
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                if let RequestError::Malformed(what) = &error {
                    translate::offence(what).into_iter().for_each(|event| self.run(event));
                }
                self.no_answer(purpose, error);
                return;
            }
        };
        match (purpose, response) {
            (Purpose::Greeting, Response::Refused(why)) => info!(%peer, %why, "a peer refuses this node"),
            (_, Response::Refused(why)) => self.no_answer(purpose, why),
            (Purpose::Greeting, Response::Status(status)) => self.run(Event::Greeted(translate::greeting(status))),
            (Purpose::Sync(ask), Response::Headers(headers)) => {
                let event = syncer::Event::Headers { ask: syncer::Ask(ask), headers };
                self.ports.syncer.tell(Mail(event));
            }
            (Purpose::Sync(ask), Response::Blocks(raw)) => {
                let Some(blocks) = self.decode(&raw) else {
                    self.no_answer(purpose, "a block is malformed");
                    return;
                };
                self.ports.syncer.tell(Mail(syncer::Event::Blocks { ask: syncer::Ask(ask), blocks }));
            }
            (Purpose::Fetch(_), Response::Blocks(raw)) if raw.is_empty() => {
                self.no_answer(purpose, "the block is not there");
            }
            (Purpose::Fetch(ask), Response::Blocks(raw)) if raw.len() == 1 => {
                let Some(block) = self.decode(&raw).and_then(|mut blocks| blocks.pop()) else {
                    self.no_answer(purpose, "a block is malformed");
                    return;
                };
                self.to_chain(chain::Event::Fetched { ask: chain::Ask(ask), from: peer, block });
            }
            (Purpose::Missing(_), Response::Transactions(transactions)) if transactions.is_empty() => {
                self.no_answer(purpose, "the block is not there");
            }
            (Purpose::Missing(ask), Response::Transactions(transactions)) => {
                let transactions = Some(transactions);
                self.to_chain(chain::Event::Missing { ask: chain::Ask(ask), transactions });
            }
            (Purpose::Addresses, Response::Addresses(addresses)) => self.found(&addresses),
            (_, _) => self.offend(Offence::Malformed, "answered another question".into()),
        }
    }

    fn decode(&mut self, raw: &[RawBlock]) -> Option<Vec<ledger::Block>> {
        match raw.iter().map(RawBlock::decode).collect() {
            Ok(blocks) => Some(blocks),
            Err(error) => {
                self.offend(Offence::Malformed, error.to_string());
                None
            }
        }
    }

    fn no_answer(&self, purpose: Purpose, why: impl Display) {
        debug!(peer = %self.peer, ?purpose, %why, "a question has no answer");
        match purpose {
            Purpose::Sync(ask) => self.ports.syncer.tell(Mail(syncer::Event::Failed { ask: syncer::Ask(ask) })),
            Purpose::Fetch(ask) | Purpose::Missing(ask) => {
                self.to_chain(chain::Event::Missing { ask: chain::Ask(ask), transactions: None });
            }
            Purpose::Greeting | Purpose::Addresses => {}
        }
    }

    /// Lost when the chain is busy: it asks again when its deadline passes.
    fn to_chain(&self, event: chain::Event) {
        drop(self.ports.chain.post_bulk(Mail(event)));
    }

    /// Addresses of others: usable only with the id of who is there.
    fn found(&mut self, addresses: &[String]) {
        let named = |text: &String| {
            let address: Multiaddr = text.parse().ok()?;
            let peer = address.iter().find_map(|part| match part {
                Protocol::P2p(peer) => translate::peer_id(&peer),
                _ => None,
            })?;
            Some((peer, vec![dialed_address(&address)]))
        };
        let peers: Vec<_> = addresses.iter().filter_map(named).collect();
        let source = discovery::Source::Peer(self.peer);
        self.ports.discovery.tell(Mail(discovery::Event::Found { source, peers }));
    }
}
