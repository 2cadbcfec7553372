//! What passes between a node and its peers: questions, answers, gossip.

use machines::chain::{Event as ChainEvent, GossipTicket, Source, Verdict};
use machines::peer::{self, Greeting};
use machines::syncer::HEADERS_PER_ANSWER;
use machines::{Now, PeerId, discovery, syncer};

use ledger::ChainSource;

use super::message::{Body, Gossip, Message};
use super::node::{Input, Node, Output, Shell, address, index_of};

impl Node {
    /// Calls the machine of a peer; `question` is what it asks, if it may.
    pub(super) fn peer_event(
        &mut self,
        now: Now,
        peer: PeerId,
        event: peer::Event,
        question: Option<Message>,
        shell: &mut Shell,
    ) {
        let Some(connected) = self.live.as_mut().and_then(|live| live.peers.get_mut(&peer)) else { return };
        for effect in connected.machine.on(now, event) {
            match effect {
                peer::Effect::Greet => {
                    let greeting = self.greeting();
                    shell.send(&peer, Message::StatusQuestion(greeting));
                }
                peer::Effect::Ready(greeting) => {
                    let dialed = Some(address(index_of(&peer)));
                    shell.mail.push_back(Input::Discovery(discovery::Event::Ready { peer, dialed }));
                    shell.mail.push_back(Input::Discovery(discovery::Event::RoutingUpdated));
                    shell.mail.push_back(Input::Syncer(syncer::Event::Status { peer, tip: greeting.tip }));
                }
                peer::Effect::TipTold(tip) => {
                    shell.mail.push_back(Input::Syncer(syncer::Event::Status { peer, tip }));
                }
                peer::Effect::Answer => {
                    if let Some(answer) = question.as_ref().and_then(|question| self.answer(question)) {
                        shell.send(&peer, answer);
                    }
                }
                peer::Effect::Refuse(_) => {
                    let refused = match question {
                        Some(Message::HeadersQuestion(ask, _) | Message::BlocksQuestion(ask, _)) => Some(ask),
                        _ => None,
                    };
                    if let Some(ask) = refused {
                        shell.send(&peer, Message::Refused(ask));
                    }
                }
                peer::Effect::Deliver => {
                    if let Some(Message::Gossip(gossip)) = &question {
                        self.gossip(peer, gossip.clone(), shell);
                    }
                }
                peer::Effect::Drop => {}
                peer::Effect::Close(why) if why.bans() => {
                    shell.fail(format!("bans the honest node {}: {why}", index_of(&peer)));
                }
                peer::Effect::Close(_) => shell.outputs.push(Output::Close(index_of(&peer))),
            }
            if question.is_some() && self.live.is_none() {
                return;
            }
            if !self.live.as_ref().is_some_and(|live| live.peers.contains_key(&peer)) {
                return;
            }
        }
    }

    pub(super) fn message(&mut self, now: Now, peer: PeerId, message: Message, shell: &mut Shell) {
        match message {
            Message::StatusQuestion(greeting) => {
                self.peer_event(now, peer, peer::Event::Greeted(greeting.clone()), None, shell);
                let question = Message::StatusQuestion(greeting);
                self.peer_event(now, peer, peer::Event::Asked { greeting: true }, Some(question), shell);
            }
            Message::StatusAnswer(greeting) => {
                self.peer_event(now, peer, peer::Event::Greeted(greeting), None, shell);
            }
            Message::Gossip(_) => self.peer_event(now, peer, peer::Event::Message, Some(message), shell),
            Message::HeadersQuestion(..)
            | Message::BlocksQuestion(..)
            | Message::Fetch(_)
            | Message::AddressesQuestion => {
                self.peer_event(now, peer, peer::Event::Asked { greeting: false }, Some(message), shell);
            }
            Message::HeadersAnswer(ask, headers) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Headers { ask, headers }));
            }
            Message::BlocksAnswer(ask, blocks) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Blocks { ask, blocks }));
            }
            Message::Refused(ask) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Failed { ask, why: "refused".into() }));
            }
            Message::Fetched(block) => {
                let event = ChainEvent::Blocks { blocks: vec![block], source: Source::Peer(peer) };
                shell.mail.push_back(Input::Chain(event));
            }
            Message::AddressesAnswer(peers) => {
                let peers = peers.into_iter().map(|(peer, address)| (peer, vec![address])).collect();
                shell.mail.push_back(Input::Discovery(discovery::Event::Found { peers }));
            }
        }
    }

    fn answer(&self, question: &Message) -> Option<Message> {
        let blocks = |ids: &[_]| ids.iter().map_while(|id| self.store.block(id).ok().flatten()).collect::<Vec<_>>();
        Some(match question {
            Message::StatusQuestion(_) => Message::StatusAnswer(self.greeting()),
            Message::HeadersQuestion(ask, locator) => {
                Message::HeadersAnswer(*ask, self.store.headers_after(locator, HEADERS_PER_ANSWER))
            }
            Message::BlocksQuestion(ask, ids) => Message::BlocksAnswer(*ask, blocks(ids)),
            Message::Fetch(id) => Message::Fetched(blocks(&[*id]).pop()?),
            Message::AddressesQuestion => Message::AddressesAnswer(self.live.as_ref()?.discovery.to_share(32)),
            _ => return None,
        })
    }

    pub(super) fn greeting(&self) -> Greeting {
        let tip = self.live.as_ref().map_or(self.network.genesis_tip(), |live| live.chain.tip());
        Greeting { version: 1, chain: self.network.chain, tip, agent: "simulation".into() }
    }

    fn gossip(&mut self, from: PeerId, gossip: Gossip, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        if !live.seen.insert(gossip.id) {
            return;
        }
        live.pending.insert(gossip.id, gossip.clone());
        let ticket = GossipTicket { message: gossip.id, source: from };
        shell.mail.push_back(Input::Chain(match gossip.body {
            Body::Block(announcement) => ChainEvent::Announced { announcement, from, ticket },
            Body::Transactions(transactions) => ChainEvent::Gossiped { transactions, from, ticket },
        }));
    }

    pub(super) fn verdict(&mut self, ticket: GossipTicket, verdict: Verdict, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        let Some(gossip) = live.pending.remove(&ticket.message) else {
            return shell.fail("two verdicts on one message".into());
        };
        match verdict {
            Verdict::Accept => {
                for peer in live.ready().filter(|peer| *peer != ticket.source) {
                    shell.send(&peer, Message::Gossip(gossip.clone()));
                }
            }
            Verdict::Ignore => {}
            Verdict::Reject => shell.fail("rejects the message of an honest node".into()),
        }
    }

    pub(super) fn publish(&mut self, body: Body, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        live.published += 1;
        let mut id = [self.index as u8; 32];
        id[..8].copy_from_slice(&live.published.to_le_bytes());
        id[8..16].copy_from_slice(&self.boot.to_le_bytes());
        live.seen.insert(id);
        for peer in live.ready() {
            shell.send(&peer, Message::Gossip(Gossip { id, body: body.clone() }));
        }
    }
}
