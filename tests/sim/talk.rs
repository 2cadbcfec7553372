//! What passes between a node and its peers: questions, answers, gossip.

use std::rc::Rc;

use ledger::ChainSource;
use machines::chain::{Event as ChainEvent, GossipTicket, Verdict};
use machines::miner::{self, Lease};
use machines::peer::{self, Greeting};
use machines::syncer;
use machines::{Now, PeerId, discovery};

use super::message::{Answer, Body, Gossip, Message, Question};
use super::node::{Input, Node, Output, Shell, index_of};

/// Addresses in one answer.
const SHARED: usize = 32;

impl Node {
    /// Calls the machine of a peer; `message` is what it sent, to be used if the machine says so.
    pub(super) fn peer_event(
        &mut self,
        now: Now,
        peer: PeerId,
        event: peer::Event,
        message: Option<&Message>,
        shell: &mut Shell,
    ) {
        let Some(connected) = self.live.as_mut().and_then(|live| live.peers.get_mut(&peer)) else { return };
        for effect in connected.machine.on(now, event) {
            match effect {
                peer::Effect::Greet => {
                    let greeting = self.greeting();
                    shell.ask(&peer, Question::Status(greeting));
                }
                peer::Effect::Ready(greeting) => {
                    self.tell_ready(peer, shell);
                    shell.mail.push_back(Input::Discovery(discovery::Event::RoutingUpdated));
                    shell.mail.push_back(Input::Syncer(syncer::Event::Status { peer, tip: greeting.tip }));
                }
                peer::Effect::TipTold(tip) => {
                    self.tell_ready(peer, shell);
                    shell.mail.push_back(Input::Syncer(syncer::Event::Status { peer, tip }));
                }
                peer::Effect::Answer => {
                    if let Some(Message::Question(question)) = message {
                        let answer = self.answer(now, &peer, question);
                        let below_tip = self.below_tip(answer.as_ref());
                        shell.mail.push_back(Input::Peer(peer, peer::Event::Answered { bytes: 0, below_tip }));
                        shell.send(&peer, Message::Answer(question.clone(), answer.map(Box::new)));
                    }
                }
                peer::Effect::Lease { number, news } => {
                    let lease = Lease { peer, number };
                    shell.mail.push_back(Input::Miner(miner::Event::Lease { lease, news }));
                }
                peer::Effect::Refuse(_) => {
                    if let Some(Message::Question(question)) = message {
                        shell.send(&peer, Message::Answer(question.clone(), None));
                    }
                }
                peer::Effect::Deliver => {
                    if let Some(Message::Gossip(gossip)) = message {
                        self.gossip(peer, gossip, shell);
                    }
                }
                peer::Effect::Drop => {}
                peer::Effect::Remember(_) => {
                    shell.fail(format!("counts an offence of the honest node {}", index_of(&peer)));
                }
                peer::Effect::Close(why) if why.bans() => {
                    shell.fail(format!("bans the honest node {}: {why}", index_of(&peer)));
                }
                peer::Effect::Close(_) => shell.outputs.push(Output::Close(index_of(&peer))),
            }
        }
    }

    fn tell_ready(&self, peer: PeerId, shell: &mut Shell) {
        let Some(connected) = self.live.as_ref().and_then(|live| live.peers.get(&peer)) else { return };
        let dialed = connected.dialed.clone();
        shell.mail.push_back(Input::Discovery(discovery::Event::Ready { peer, dialed }));
    }

    pub(super) fn message(&mut self, now: Now, peer: PeerId, message: &Message, shell: &mut Shell) {
        match message {
            Message::Question(question) => {
                let asked = match &**question {
                    Question::Status(greeting) => peer::Question::Status(greeting.clone()),
                    Question::Headers(..) => peer::Question::Headers,
                    Question::Blocks(_, ids) => peer::Question::Blocks { count: ids.len() },
                    Question::Fetch(..) => peer::Question::Blocks { count: 1 },
                    Question::Missing(..) => peer::Question::BlockTransactions,
                    Question::Addresses => peer::Question::Addresses,
                };
                self.peer_event(now, peer, peer::Event::Asked(asked), Some(message), shell);
            }
            Message::Answer(question, answer) => self.answered(now, peer, question, answer.as_deref().cloned(), shell),
            Message::Gossip(gossip) => {
                let said = match &*gossip.body {
                    Body::Block(_) => peer::Message::Block,
                    Body::Transactions(transactions) => peer::Message::Transactions { count: transactions.len() },
                };
                self.peer_event(now, peer, peer::Event::Message(said), Some(message), shell);
            }
        }
    }

    fn answered(&mut self, now: Now, peer: PeerId, question: &Question, answer: Option<Answer>, shell: &mut Shell) {
        let event = match (question, answer) {
            (Question::Status(_), Some(Answer::Status(greeting))) => {
                return self.peer_event(now, peer, peer::Event::Greeted(greeting), None, shell);
            }
            (Question::Headers(ask, ..), Some(Answer::Headers(headers))) => {
                Input::Syncer(syncer::Event::Headers { ask: *ask, headers })
            }
            (Question::Blocks(ask, _), Some(Answer::Blocks(blocks))) => {
                Input::Syncer(syncer::Event::Blocks { ask: *ask, blocks })
            }
            (Question::Headers(ask, ..) | Question::Blocks(ask, _), None) => {
                Input::Syncer(syncer::Event::Failed { ask: *ask })
            }
            (Question::Missing(ask, ..), Some(Answer::Transactions(txs))) if !txs.is_empty() => {
                Input::Chain(ChainEvent::Missing { ask: *ask, transactions: Some(txs) })
            }
            (Question::Missing(ask, ..) | Question::Fetch(ask, _), None | Some(Answer::Transactions(_))) => {
                Input::Chain(ChainEvent::Missing { ask: *ask, transactions: None })
            }
            (Question::Fetch(ask, _), Some(Answer::Blocks(mut blocks))) => Input::Chain(match blocks.pop() {
                Some(block) => ChainEvent::Fetched { ask: *ask, from: peer, block },
                None => ChainEvent::Missing { ask: *ask, transactions: None },
            }),
            (Question::Addresses, Some(Answer::Addresses(peers))) => {
                let peers = peers.into_iter().map(|(peer, address)| (peer, vec![address])).collect();
                Input::Discovery(discovery::Event::Found { source: discovery::Source::Peer(peer), peers })
            }
            (_, None) => return,
            (question, Some(_)) => return shell.fail(format!("got an answer to another question than {question:?}")),
        };
        shell.mail.push_back(event);
    }

    /// How far the lowest block of an answer is below the tip.
    fn below_tip(&self, answer: Option<&Answer>) -> Option<u64> {
        let Some(Answer::Blocks(blocks)) = answer else { return None };
        Some(self.live.as_ref()?.chain.tip().height.saturating_sub(blocks.first()?.header.height))
    }

    fn answer(&mut self, now: Now, asker: &PeerId, question: &Question) -> Option<Answer> {
        let blocks = |ids: &[_]| ids.iter().map_while(|id| self.store.block(id).ok().flatten()).collect::<Vec<_>>();
        Some(match question {
            Question::Status(_) => Answer::Status(self.greeting()),
            Question::Headers(_, locator, limit) => {
                Answer::Headers(self.store.headers_after(locator, usize::from(*limit)))
            }
            Question::Blocks(_, ids) => Answer::Blocks(blocks(ids)),
            Question::Fetch(_, id) => Answer::Blocks(blocks(&[*id])),
            Question::Missing(_, id, indexes) => {
                let block = blocks(&[*id]).pop();
                let at = |index: &u16| block.as_ref()?.transactions.get(usize::from(*index)).cloned();
                Answer::Transactions(indexes.iter().map(at).collect::<Option<_>>().unwrap_or_default())
            }
            Question::Addresses => Answer::Addresses(self.live.as_mut()?.discovery.to_share(asker, now, SHARED)),
        })
    }

    pub(super) fn greeting(&self) -> Greeting {
        let tip = self.live.as_ref().map_or(self.network.genesis_tip(), |live| live.chain.tip());
        Greeting { version: 1, chain: self.network.chain, tip, agent: "simulation".into() }
    }

    fn gossip(&mut self, from: PeerId, gossip: &Gossip, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        if !live.seen.insert(gossip.id) {
            return;
        }
        live.pending.insert(gossip.id, gossip.clone());
        let mut message = [0; 32];
        message[..8].copy_from_slice(&gossip.id.to_le_bytes());
        let ticket = GossipTicket { message, source: from };
        shell.mail.push_back(Input::Chain(match &*gossip.body {
            Body::Block(announcement) => ChainEvent::Announced { announcement: announcement.clone(), from, ticket },
            Body::Transactions(transactions) => {
                ChainEvent::Gossiped { transactions: transactions.clone(), from, ticket }
            }
        }));
    }

    pub(super) fn verdict(&mut self, ticket: GossipTicket, verdict: Verdict, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        let mut id = [0; 8];
        id.copy_from_slice(&ticket.message[..8]);
        let Some(gossip) = live.pending.remove(&u64::from_le_bytes(id)) else {
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
        // Distinct for all nodes, their lives, and their messages.
        let id = (self.index as u64) << 48 | (self.boot & 0xffff) << 32 | live.published;
        live.seen.insert(id);
        let gossip = Gossip { id, body: Rc::new(body) };
        for peer in live.ready() {
            shell.send(&peer, Message::Gossip(gossip.clone()));
        }
    }

    /// A client hands in a transaction.
    pub fn submission(transaction: ledger::Transaction) -> Input {
        Input::Chain(ChainEvent::Submitted { transaction, ticket: 0 })
    }
}
