//! Peers that behave badly in one way each, and good ones to compare with. All have the same chain.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ledger::{Amount, Block, BlockId, Tip, Transaction};
use wire::{PROTOCOL_VERSION, RawBlock, Request, Response, Status, canonical};

use super::forge::History;
use super::net::Net;
use super::node::Node;
use super::raw::{RawPeer, Reaction, Voice, frame};

/// How a peer behaves. All greet as they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// As it should.
    Honest,
    /// It never answers anything but a greeting.
    Silent,
    /// It answers as it should, so much later.
    Slow(Duration),
    /// It says that its chain is far longer, a little more each time, and has nothing to show for it.
    ClaimsMore,
    /// The same, and it does not answer when it is asked for it.
    ClaimsAndStalls,
    /// It gives the right headers and never a body.
    Withholds,
    /// Its blocks have the right headers and other transactions.
    OtherBodies,
    /// It greets, and answers everything from then on with bytes that are no message.
    Garbage,
    /// It leaves after each answer with blocks, and comes back.
    LeavesAfterEachBatch,
    /// It leaves as soon as it has greeted, and comes back.
    LeavesAfterGreeting,
}

/// A chain to tell of.
pub struct Tale {
    blocks: Vec<Block>,
    heights: HashMap<BlockId, usize>,
    tip: Tip,
}

impl Tale {
    /// The chain as it is.
    pub fn of(history: History) -> Arc<Self> {
        let heights = history.blocks.iter().enumerate().map(|(i, block)| (block.header.id(), i + 1)).collect();
        Arc::new(Self { blocks: history.blocks, heights, tip: history.tip })
    }

    /// Its end.
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// Its first blocks.
    pub fn ids(&self, count: usize) -> Vec<BlockId> {
        self.blocks.iter().take(count).map(|block| block.header.id()).collect()
    }

    /// What follows the first known id of a locator.
    fn headers(&self, locator: &[BlockId], limit: u16) -> Response {
        let known = locator.iter().find_map(|id| self.heights.get(id)).copied().unwrap_or(0);
        let headers = self.blocks[known..].iter().take(limit.into()).map(|block| block.header.clone());
        Response::Headers(headers.collect())
    }

    fn blocks(&self, ids: &[BlockId], change: impl Fn(Block) -> Block) -> Response {
        let known = ids.iter().map_while(|id| self.heights.get(id));
        let blocks = known.map(|height| change(self.blocks[height - 1].clone()));
        Response::Blocks(blocks.map(|block| RawBlock(canonical::encode(&block).expect("it is a block"))).collect())
    }
}

/// A peer with a behaviour.
pub struct Hostile {
    /// What is wrong with it.
    pub behaviour: Behaviour,
    heard: Arc<Heard>,
    peer: RawPeer,
}

/// Questions that a peer heard.
#[derive(Default)]
struct Heard {
    headers: AtomicU64,
    bodies: AtomicU64,
}

impl Hostile {
    /// Connects to a node.
    pub fn meets(net: &Net, node: &Node, tale: &Arc<Tale>, behaviour: Behaviour) -> Self {
        let (chain, heard) = (net.network.chain, Arc::new(Heard::default()));
        let status = move |tip| {
            let agent = format!("{behaviour:?}");
            Status { version: PROTOCOL_VERSION, chain, tip, agent, syncing: false }
        };
        let (tale, count) = (tale.clone(), heard.clone());
        let mut tip = tale.tip;
        let mut claim = move || {
            if matches!(behaviour, Behaviour::ClaimsMore | Behaviour::ClaimsAndStalls) {
                tip = above(tip);
            }
            status(tip)
        };
        let greeting = Request::Status(claim());
        let (mut greeted, mut answered) = (false, false);
        let voice: Voice = Box::new(move |request| match request {
            Request::Status(_) => {
                let answer = frame(&Response::Status(claim()));
                let again = std::mem::replace(&mut greeted, true);
                match behaviour {
                    Behaviour::Garbage if again => react(behaviour, || Response::Addresses(Vec::new())),
                    Behaviour::LeavesAfterGreeting => Reaction::AnswerAndLeave(answer),
                    _ => Reaction::Answer(answer),
                }
            }
            Request::Headers { locator, limit } => {
                count.headers.fetch_add(1, Ordering::Relaxed);
                react(behaviour, || match behaviour {
                    Behaviour::ClaimsMore => Response::Headers(Vec::new()),
                    _ => tale.headers(&locator, limit),
                })
            }
            Request::Blocks { ids } => {
                count.bodies.fetch_add(1, Ordering::Relaxed);
                let leaves = std::mem::replace(&mut answered, true);
                match behaviour {
                    // An answer that is under way is lost with its connection: it leaves when the next one is due.
                    Behaviour::LeavesAfterEachBatch if leaves => {
                        answered = false;
                        Reaction::Leave
                    }
                    Behaviour::Withholds => Reaction::Never,
                    Behaviour::OtherBodies => Reaction::Answer(frame(&tale.blocks(&ids, other))),
                    _ => react(behaviour, || tale.blocks(&ids, |block| block)),
                }
            }
            Request::Addresses => Reaction::Answer(frame(&Response::Addresses(Vec::new()))),
            _ => Reaction::Never,
        });
        use Behaviour::{Honest, LeavesAfterEachBatch, LeavesAfterGreeting};
        let comes_back = matches!(behaviour, Honest | LeavesAfterEachBatch | LeavesAfterGreeting);
        Self { behaviour, heard, peer: RawPeer::meets(net, node, greeting, comes_back, voice) }
    }

    /// Its id.
    pub fn id(&self) -> String {
        self.peer.id()
    }

    /// Questions for headers and for bodies that it heard.
    pub fn heard(&self) -> (u64, u64) {
        (self.heard.headers.load(Ordering::Relaxed), self.heard.bodies.load(Ordering::Relaxed))
    }

    /// Whether it had an opportunity to lie.
    pub fn lied(&self) -> bool {
        let (headers, bodies) = self.heard();
        match self.behaviour {
            Behaviour::ClaimsMore => headers > 0,
            Behaviour::OtherBodies => bodies > 0,
            Behaviour::Garbage => headers + bodies > 0,
            _ => false,
        }
    }

    /// To ask its node something.
    pub fn peer(&self) -> &RawPeer {
        &self.peer
    }
}

fn react(behaviour: Behaviour, answer: impl Fn() -> Response) -> Reaction {
    match behaviour {
        Behaviour::Silent | Behaviour::ClaimsAndStalls => Reaction::Never,
        Behaviour::Slow(by) => Reaction::Late(by, frame(&answer())),
        Behaviour::Garbage => {
            // The beginning tells the length and the kind; with an unknown kind it could be a newer version's.
            let mut bytes = frame(&answer());
            bytes[5..].fill_with(rand::random);
            Reaction::Answer(bytes)
        }
        _ => Reaction::Answer(frame(&answer())),
    }
}

/// A tip that nobody has, with more work than anybody's miner catches up with.
fn above(tip: Tip) -> Tip {
    let work = (0..16).fold(tip.work, |work, _| work.checked_add(work).unwrap_or(work));
    Tip { id: BlockId(rand::random()), height: tip.height * 2, work, time: tip.time }
}

/// The same block with another transfer in it.
fn other(mut block: Block) -> Block {
    if let Some(Transaction::Transfer(transfer)) = block.transactions.first_mut() {
        transfer.amount = Amount::drops(transfer.amount.as_drops() + 1);
    }
    block
}
