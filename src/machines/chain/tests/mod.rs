//! The transitions of the chain machine, over a chain in memory that refuses commits which do not follow.

mod faults;
mod floods;
mod partial;
mod reorganisations;

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
        for effect in self.chain.on(self.now, event, &self.store) {
            match effect {
                Effect::Commit(commit) => self.store.commit(&commit).unwrap(),
                Effect::CheckBlocks { blocks, source } => {
                    let results = blocks.into_iter().map(|block| {
                        let id = block.header.id();
                        check::block_alone(block, &self.network, |_| false).map(Arc::new).map_err(|error| (id, error))
                    });
                    let results = results.collect();
                    rest.extend(self.on(Event::BlocksChecked { results, source }));
                }
                Effect::CheckTransactions { transactions, origin } => {
                    let results = transactions.into_iter().map(|tx| tx.check(&self.network, |_| false).map(Arc::new));
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

#[test]
fn a_block_on_the_tip_is_connected_and_pays_its_miner() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 1);
    let effects = node.take(&branch.blocks);
    let changed = tip_changed(&effects).unwrap();
    assert_eq!(changed.tip, branch.tip());
    assert_eq!((changed.connected.len(), changed.disconnected.len()), (1, 0));
    assert_eq!(node.balance(5), barrels(10));
    assert_eq!(node.chain.state(), &State::Settled { tip: branch.tip() });
}

#[test]
fn a_known_block_changes_nothing() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 1);
    node.take(&branch.blocks);
    assert!(node.take(&branch.blocks).is_empty());
    let source = Source::Sync(peer(1));
    assert!(matches!(node.blocks(&branch.blocks, source)[..], [Effect::SyncTaken { blocks: 1 }]));
}

#[test]
fn a_block_at_the_verifier_is_not_verified_twice() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 1);
    let event = || Event::Blocks { blocks: branch.blocks.clone(), source: Source::Peer(peer(1)) };
    assert!(matches!(node.chain.on(at(0), event(), &node.store)[..], [Effect::CheckBlocks { .. }]));
    assert!(matches!(node.chain.state(), State::Checking { blocks: 1, .. }));
    assert!(node.chain.on(at(0), event(), &node.store).is_empty());
}

#[test]
fn b14_at_equal_work_the_first_seen_stays_also_over_a_restart() {
    let mut node = Node::new();
    let (first, second) = (Branch::grown(&node.network, 5, 2), Branch::grown(&node.network, 6, 2));
    node.take(&first.blocks);
    assert!(tip_changed(&node.take(&second.blocks)).is_none());
    assert_eq!(node.chain.tip(), first.tip());
    assert!(node.store.header(&second.tip().id).unwrap().is_some(), "the other branch is kept");
    node.chain = Chain::new(node.network.clone(), node.store.tip().unwrap());
    assert!(tip_changed(&node.take(&second.blocks)).is_none());
    assert_eq!(node.chain.tip(), first.tip());
}

#[test]
fn f1_one_block_more_moves_the_chain_and_the_money() {
    let mut node = Node::new();
    let (first, mut second) = (Branch::grown(&node.network, 5, 2), Branch::grown(&node.network, 6, 2));
    node.take(&first.blocks);
    node.take(&second.blocks);
    let last = second.extend(6, Vec::new());
    let effects = node.take(&[last]);
    let changed = tip_changed(&effects).unwrap();
    assert_eq!(changed.tip, second.tip());
    let heights = |blocks: &[Arc<CheckedBlock>]| blocks.iter().map(|b| b.header().height).collect::<Vec<_>>();
    assert_eq!(heights(&changed.disconnected), [2, 1], "the old tip first");
    assert_eq!(heights(&changed.connected), [1, 2, 3], "the lowest first");
    assert_eq!((node.balance(5), node.balance(6)), (Amount::ZERO, barrels(30)));
    assert_eq!(node.chain.figures().deepest_reorganisation, 2);
}

#[test]
fn b18_transactions_of_the_losing_branch_return_to_the_pool_and_those_of_both_do_not() {
    let mut node = Node::new();
    let [both, lost, double] = [(1, 2), (2, 3), (3, 4)].map(|(from, to)| pay(&node.network, from, to, 100, 10, 0));
    let double_spent = pay(&node.network, 3, 1, 999, 10, 0);
    let mut first = Branch::new(&node.network);
    first.extend(5, vec![both.clone(), lost.clone(), double.clone()]);
    let mut second = Branch::new(&node.network);
    second.extend(6, vec![double_spent, both.clone()]);
    second.extend(6, Vec::new());
    node.take(&first.blocks);
    assert_eq!(node.chain.pool().len(), 0);
    node.take(&second.blocks);
    assert_eq!(node.chain.tip(), second.tip());
    assert!(node.waits(&lost), "it can still be mined");
    assert!(!node.waits(&both), "the new branch has it");
    assert!(!node.waits(&double), "its nonce is used in the new branch");
    node.now = at(60_000);
    let relayed = node.on(Event::Tick);
    assert!(matches!(&relayed[..], [Effect::Relay(txs)] if txs.len() == 1), "and it is passed on again: {relayed:?}");
}

#[test]
fn f2_what_returns_stands_before_what_was_queued_on_top_of_it() {
    let mut node = Node::new();
    // Person 1 receives 500 in the first branch only, spends 900 there, and queues 600 on top of it.
    let drops = |n| barrels(n).as_drops();
    let gift = pay(&node.network, 2, 1, drops(500), 0, 0);
    let mined = pay(&node.network, 1, 3, drops(900), 0, 0);
    let queued = pay(&node.network, 1, 3, drops(600), 0, 1);
    let mut first = Branch::new(&node.network);
    first.extend(5, vec![gift, mined.clone()]);
    node.take(&first.blocks);
    assert_eq!(node.submit(queued.clone()), Ok(Accepted::Transaction(queued.id(&node.network.chain))));
    let second = Branch::grown(&node.network, 6, 2);
    node.take(&second.blocks);
    assert!(node.waits(&mined), "it was mined once and is possible");
    assert!(!node.waits(&queued), "the balance does not cover both");
}

#[test]
fn b15_an_invalid_block_in_a_longer_branch_leads_back_and_its_id_is_remembered() {
    let mut node = Node::new();
    let good = Branch::grown(&node.network, 5, 2);
    node.take(&good.blocks);
    let before = node.store.accounts().clone();
    // Person 9 has nothing.
    let mut bad = Branch::grown(&node.network, 6, 1);
    let invalid = bad.extend(6, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    bad.grow(6, 1);
    let effects = node.take(&bad.blocks);
    assert!(tip_changed(&effects).is_none());
    assert_eq!(node.chain.tip(), good.tip());
    assert_eq!(node.store.accounts(), &before);
    let why = blamed(&effects);
    assert!(why.len() == 1 && why[0].contains("insufficient balance"), "{why:?}");
    let again =
        node.chain.on(at(0), Event::Blocks { blocks: vec![invalid], source: Source::Peer(peer(2)) }, &node.store);
    assert!(!again.iter().any(|effect| matches!(effect, Effect::CheckBlocks { .. })), "it is verified once");
    bad.grow(6, 1);
    let child = node.take(&bad.blocks[3..]);
    assert!(tip_changed(&child).is_none());
    assert_eq!(node.chain.tip(), good.tip());
}

#[test]
fn f2_what_builds_on_an_invalid_block_is_refused_without_another_reorganisation() {
    let mut node = Node::new();
    node.take(&Branch::grown(&node.network, 5, 3).blocks);
    // Kept beside the chain, where nobody looks into them, until the fourth has more work.
    let mut bad = Branch::new(&node.network);
    let invalid = bad.extend(6, vec![pay(&node.network, 9, 1, 5, 5, 0)]).header.id();
    bad.grow(6, 2);
    node.take(&bad.blocks);
    let mut other = bad.clone();
    bad.grow(6, 1);
    assert!(blamed(&node.take(&bad.blocks[3..]))[0].starts_with(&format!("sent block {invalid}")));
    other.grow(7, 1);
    let effects = node.take(&other.blocks[3..]);
    assert!(blamed(&effects)[0].contains("builds on the invalid block"), "{effects:?}");
}

#[test]
fn f2_the_valid_part_of_a_branch_is_followed_if_it_has_more_work() {
    let mut node = Node::new();
    let good = Branch::grown(&node.network, 5, 2);
    node.take(&good.blocks);
    let mut bad = Branch::grown(&node.network, 6, 3);
    let valid = bad.tip();
    bad.extend(6, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    // The blocks come in an order in which only the last makes the branch known.
    let mut blocks = bad.blocks.clone();
    let first = blocks.remove(0);
    node.take(&blocks);
    assert_eq!(node.chain.tip(), good.tip());
    let effects = node.take(&[first]);
    assert_eq!(node.chain.tip(), valid);
    assert_eq!(tip_changed(&effects).unwrap().tip, valid);
    assert_eq!(blamed(&effects).len(), 1);
    assert_eq!(node.balance(6), barrels(30));
}

#[test]
fn an_orphan_waits_for_its_parent_and_the_sender_is_asked_for_its_chain() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 3);
    let effects = node.take(&branch.blocks[1..]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Behind { peer: p } if *p == peer(1))));
    assert!(blamed(&effects).is_empty());
    assert_eq!(node.chain.figures().orphans, 2);
    node.take(&branch.blocks[..1]);
    assert_eq!(node.chain.tip(), branch.tip());
    assert_eq!(node.chain.figures().orphans, 0);
}

#[test]
fn an_orphan_whose_parent_does_not_come_is_forgotten() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    node.take(&branch.blocks[1..]);
    node.now = at(ORPHAN_MS - 1);
    node.on(Event::Tick);
    assert_eq!(node.chain.figures().orphans, 1);
    node.now = at(ORPHAN_MS);
    node.on(Event::Tick);
    assert_eq!(node.chain.figures().orphans, 0);
}

#[test]
fn b2_a_block_from_the_future_is_connected_when_its_time_comes_and_nobody_is_blamed() {
    let mut node = Node::new();
    let limit = node.network.future_limit_ms();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + limit + 100);
    let effects = node.take(&[block]);
    assert!(effects.is_empty(), "{effects:?}");
    node.now = at(99);
    node.on(Event::Tick);
    assert_eq!(node.chain.tip().height, 0);
    node.now = at(100);
    let effects = node.on(Event::Tick);
    assert_eq!(node.chain.tip(), branch.tip());
    assert!(tip_changed(&effects).is_some() && blamed(&effects).is_empty());
}

#[test]
fn b2_at_the_limit_a_block_is_not_from_the_future() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + node.network.future_limit_ms());
    node.take(&[block]);
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn b2_an_announced_block_from_the_future_is_not_passed_on_but_kept() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + node.network.future_limit_ms() + 1);
    let effects = node.announce(&block);
    assert_eq!(verdict(&effects), Some(Verdict::Ignore));
    assert!(blamed(&effects).is_empty());
    node.now = at(1);
    node.on(Event::Tick);
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn b2_a_sync_does_not_wait_for_a_block_from_the_future() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + node.network.future_limit_ms() + 1);
    let effects = node.blocks(&[block], Source::Sync(peer(1)));
    assert!(
        matches!(&effects[..], [Effect::SyncRefused { error: BlockError::FromTheFuture { .. }, .. }]),
        "told, not blamed: {effects:?}"
    );
}

#[test]
fn blocks_from_the_future_are_capped_and_the_latest_makes_room() {
    let mut node = Node::new();
    let limit = node.network.future_limit_ms();
    for i in 0..=MAX_EARLY as u64 {
        let mut branch = Branch::new(&node.network);
        let block = branch.extend_at(5, Vec::new(), at(0).unix + limit + 100 + i);
        node.take(&[block]);
    }
    node.now = at(10_000);
    node.on(Event::Tick);
    let main = node.chain.tip().id;
    assert_eq!(node.chain.tip().height, 1);
    assert!(node.store.header(&main).unwrap().is_some());
    let kept = |time: u64| {
        let mut branch = Branch::new(&node.network);
        let block = branch.extend_at(5, Vec::new(), time);
        node.store.header(&block.header.id()).unwrap().is_some()
    };
    let base = at(0).unix + limit + 100;
    assert!(kept(base) && kept(base + MAX_EARLY as u64 - 1) && !kept(base + MAX_EARLY as u64));
}

#[test]
fn b3_a_body_that_was_changed_does_not_condemn_the_true_block() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, vec![pay(&node.network, 1, 2, 5, 5, 0)]);
    let mutated = Block { transactions: Vec::new(), ..block.clone() };
    let effects = node.take(&[mutated]);
    assert!(blamed(&effects)[0].contains("changed on its way"), "{effects:?}");
    assert_eq!(node.chain.tip().height, 0);
    node.take(&[block]);
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn b5_a_missing_signature_does_not_condemn_the_true_block() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, Vec::new());
    let effects = node.take(&[Block { signature: Signature::ZERO, ..block.clone() }]);
    assert!(blamed(&effects)[0].contains("not signed by its miner"), "{effects:?}");
    node.take(&[block]);
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn a_forged_announcement_is_rejected_with_a_reason() {
    let node = Node::new();
    let good = Branch::grown(&node.network, 5, 1).blocks.remove(0);
    let change = |change: fn(&mut Header)| {
        let mut header = good.header.clone();
        change(&mut header);
        seal(header, Vec::new(), 5)
    };
    let mut unworked = good.clone();
    while unworked.header.target.is_met_by(&unworked.header.id()) {
        unworked.header.nonce += 1;
    }
    let cases = [
        (unworked, "does not meet the target"),
        (change(|header| header.height = 7), "height 7"),
        (change(|header| header.time = 0), "is not after the parent's time"),
        (change(|header| header.target = ledger::CompactTarget(0x2000_ffff)), "the difficulty rule says"),
        (Block { signature: Signature::ZERO, ..good.clone() }, "not signed by its miner"),
    ];
    for (block, reason) in cases {
        let mut node = Node::new();
        let announcement = Announcement { header: block.header, signature: block.signature, short_ids: Vec::new() };
        let effects = node.announce_as(announcement);
        assert_eq!(verdict(&effects), Some(Verdict::Reject), "{reason}");
        let why = blamed(&effects);
        assert!(why.len() == 1 && why[0].contains(reason), "{reason}: {why:?}");
        assert_eq!(node.chain.tip().height, 0);
    }
}

#[test]
fn an_announced_block_is_rebuilt_from_the_pool_and_connected() {
    let mut node = Node::new();
    let tx = pay(&node.network, 1, 2, 5, 5, 0);
    node.submit(tx.clone()).unwrap();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, vec![tx.clone()]);
    let effects = node.announce(&block);
    assert_eq!(verdict(&effects), Some(Verdict::Accept));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Fetch { .. })));
    assert_eq!(node.chain.tip(), branch.tip());
    assert!(!node.waits(&tx));
    assert_eq!(verdict(&node.announce(&block)), Some(Verdict::Ignore), "known by now");
}

#[test]
fn a_body_that_the_pool_does_not_have_is_fetched_from_who_announced_it() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, vec![pay(&node.network, 1, 2, 5, 5, 0)]);
    let effects = node.announce(&block);
    assert_eq!(verdict(&effects), Some(Verdict::Accept));
    let wanted = block.header.id();
    assert!(effects.iter().any(|e| matches!(e, Effect::Fetch { from, id, .. } if *from == peer(1) && *id == wanted)));
}

#[test]
fn an_announcement_on_an_unknown_parent_says_that_this_node_is_behind() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    let effects = node.announce(&branch.blocks[1]);
    assert_eq!(verdict(&effects), Some(Verdict::Ignore));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Behind { .. })) && blamed(&effects).is_empty());
}

#[test]
fn a_found_block_is_kept_before_it_is_announced() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 1);
    let results = vec![Ok(checked_block(&node.network, &branch.blocks[0]))];
    let effects = node.chain.on(at(0), Event::BlocksChecked { results, source: Source::Miner }, &node.store);
    let place = |wanted: fn(&Effect) -> bool| effects.iter().position(wanted).unwrap();
    let commit = place(|effect| matches!(effect, Effect::Commit(_)));
    assert!(commit < place(|effect| matches!(effect, Effect::AnnounceBlock(_))));
    assert!(commit < place(|effect| matches!(effect, Effect::TipChanged(_))));
}

#[test]
fn l09_an_own_block_on_what_is_no_longer_the_tip_is_neither_kept_nor_announced() {
    let mut node = Node::new();
    let (theirs, ours) = (Branch::grown(&node.network, 5, 2), Branch::grown(&node.network, 6, 1));
    let synced: Vec<_> = theirs.blocks.to_vec();
    node.blocks(&synced, Source::Sync(peer(1)));
    let effects = node.blocks(&ours.blocks, Source::Miner);
    assert!(effects.is_empty(), "{effects:?}");
    assert!(node.store.header(&ours.blocks[0].header.id()).unwrap().is_none(), "no orphan of our own");
    let mut next = theirs.clone();
    let found = next.extend(6, Vec::new());
    let effects = node.blocks(&[found], Source::Miner);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::AnnounceBlock(_))), "{effects:?}");
}

#[test]
fn b29_a_refused_own_block_raises_an_alarm_and_is_never_announced() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    let effects = node.blocks(&[block], Source::Miner);
    assert!(matches!(&effects[..], [Effect::OwnBlockRefused { .. }]), "{effects:?}");
    assert_eq!(node.chain.tip().height, 0);
}

#[test]
fn a_client_is_answered_for_its_block_whatever_becomes_of_it() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    let (first, second) = (branch.blocks[0].header.id(), branch.blocks[1].header.id());
    let offer = |node: &mut Node, block: &Block| {
        let effects = node.blocks(std::slice::from_ref(block), Source::Client(7));
        effects.into_iter().filter_map(answer).collect::<Vec<_>>()
    };
    let unknown = Refused::Block(BlockError::UnknownParent(first));
    assert_eq!(offer(&mut node, &branch.blocks[1]), [Err(unknown)]);
    assert_eq!(offer(&mut node, &branch.blocks[0]), [Ok(Accepted::Block(first))]);
    assert_eq!(offer(&mut node, &branch.blocks[0]), [Ok(Accepted::Block(first))]);
    assert_eq!(offer(&mut node, &branch.blocks[1]), [Ok(Accepted::Block(second))]);
}

#[test]
fn a_template_holds_the_transactions_of_the_pool_and_makes_a_valid_block() {
    let mut node = Node::new();
    let txs: Vec<_> = (0..3).map(|i| pay(&node.network, 1, 2, 5, 5, i)).collect();
    for tx in &txs {
        node.submit(tx.clone()).unwrap();
    }
    let effects = node.on(Event::TemplateWanted { miner: key(5).public() });
    let [Effect::Template(template)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(template.header.time, at(0).unix);
    let inside: Vec<_> = template.transactions.iter().map(|tx| tx.transaction().clone()).collect();
    assert_eq!(inside, txs, "in the order of their nonces");
    let block = seal(template.header.clone(), inside, 5);
    node.blocks(&[block], Source::Miner);
    assert_eq!((node.chain.tip().height, node.chain.pool().len()), (1, 0));
    assert_eq!(node.balance(5), Amount::drops(barrels(10).as_drops() + 15));
}

#[test]
fn a_template_is_later_than_its_parent_even_if_the_clock_is_not() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let ahead = branch.extend_at(5, Vec::new(), at(0).unix + 1_000);
    node.take(&[ahead]);
    let effects = node.on(Event::TemplateWanted { miner: key(5).public() });
    assert!(matches!(&effects[..], [Effect::Template(t)] if t.header.time == at(0).unix + 1_001), "{effects:?}");
}

#[test]
fn while_syncing_gossip_is_ignored_and_clients_are_served() {
    let mut node = Node::new();
    node.on(Event::Syncing(true));
    let tx = pay(&node.network, 1, 2, 5, 5, 0);
    assert_eq!(verdict(&node.gossip(vec![tx.clone()])), Some(Verdict::Ignore));
    assert!(!node.waits(&tx));
    node.on(Event::Syncing(false));
    assert_eq!(verdict(&node.gossip(vec![tx.clone()])), Some(Verdict::Accept));
    assert!(node.waits(&tx));
    node.on(Event::Syncing(true));
    assert!(node.submit(pay(&node.network, 2, 1, 5, 5, 0)).is_ok());
}

#[test]
fn gossip_is_passed_on_ignored_or_rejected() {
    let mut node = Node::new();
    let good = pay(&node.network, 1, 2, 5, 5, 0);
    assert_eq!(verdict(&node.gossip(vec![good.clone()])), Some(Verdict::Accept));
    assert_eq!(verdict(&node.gossip(vec![good])), Some(Verdict::Ignore), "known");
    let poor = node.gossip(vec![pay(&node.network, 9, 2, 5, 5, 0)]);
    assert_eq!(verdict(&poor), Some(Verdict::Ignore));
    assert!(blamed(&poor).is_empty(), "it may be ahead of us");
    let Transaction::Transfer(mut forged) = pay(&node.network, 1, 2, 5, 5, 1) else { panic!() };
    forged.amount = barrels(500);
    let effects = node.gossip(vec![pay(&node.network, 2, 1, 5, 5, 0), Transaction::Transfer(forged)]);
    assert_eq!(verdict(&effects), Some(Verdict::Reject));
    assert!(blamed(&effects)[0].contains("signature is not valid"), "{effects:?}");
}

#[test]
fn a_client_hears_why_its_transaction_is_refused() {
    let mut node = Node::new();
    let base = node.network.nonce_base;
    node.submit(pay(&node.network, 1, 2, 5, 5, 0)).unwrap();
    let mut branch = Branch::new(&node.network);
    branch.extend(5, vec![pay(&node.network, 1, 2, 5, 5, 0)]);
    node.take(&branch.blocks);
    let used = TxError::NonceUsed { got: base, next: base + 1 };
    assert_eq!(node.submit(pay(&node.network, 1, 3, 5, 5, 0)), Err(Refused::Pool(used.into())));
    let waiting = pay(&node.network, 1, 2, 5, 5, 1);
    node.submit(waiting.clone()).unwrap();
    assert_eq!(node.submit(waiting), Err(Refused::Pool(PoolError::Known)));
    assert_eq!(node.submit(pay(&node.network, 2, 2, 5, 5, 0)), Err(Refused::Pool(TxError::ToSelf.into())));
}

#[test]
fn a_clients_transaction_is_passed_on_at_once_and_again_until_it_is_mined() {
    let mut node = Node::new();
    let tx = pay(&node.network, 1, 2, 5, 5, 0);
    node.submit(tx.clone()).unwrap();
    let mut relayed_at = Vec::new();
    for second in 0..80 {
        node.now = at(second * 1_000);
        if node.on(Event::Tick).iter().any(|effect| matches!(effect, Effect::Relay(_))) {
            relayed_at.push(second);
        }
    }
    assert_eq!(relayed_at, [0, 10, 30, 70], "with growing waits");
    let mut branch = Branch::new(&node.network);
    branch.extend(5, vec![tx]);
    node.take(&branch.blocks);
    node.now = at(10_000_000);
    assert!(node.on(Event::Tick).is_empty());
}

#[test]
fn a_sync_reports_each_taken_and_each_refused_block() {
    let mut node = Node::new();
    let mut branch = Branch::grown(&node.network, 5, 2);
    let bad = branch.extend(5, vec![pay(&node.network, 9, 1, 5, 5, 0)]).header.id();
    branch.grow(5, 1);
    let effects = node.blocks(&branch.blocks, Source::Sync(peer(1)));
    let taken: usize = effects.iter().map(|e| if let Effect::SyncTaken { blocks } = e { *blocks } else { 0 }).sum();
    assert_eq!(taken, 2);
    let refused: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::SyncRefused { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [bad, branch.tip().id]);
    assert_eq!(node.chain.tip().height, 2);
}

/// A store that lost something.
struct Damaged(MemoryChain);

impl ledger::AccountSource for Damaged {
    fn account(&self, _: &ledger::Address) -> Result<Option<ledger::Account>, ViewError> {
        Err(ViewError("disk".into()))
    }
}

impl ChainSource for Damaged {
    fn tip(&self) -> Result<Tip, ViewError> {
        self.0.tip()
    }
    fn header(&self, _: &BlockId) -> Result<Option<ledger::StoredHeader>, ViewError> {
        Err(ViewError("disk".into()))
    }
    fn main_id(&self, height: u64) -> Result<Option<BlockId>, ViewError> {
        self.0.main_id(height)
    }
    fn block(&self, id: &BlockId) -> Result<Option<Block>, ViewError> {
        self.0.block(id)
    }
    fn undo(&self, id: &BlockId) -> Result<Option<ledger::apply::Undo>, ViewError> {
        self.0.undo(id)
    }
}

#[test]
fn a_store_that_cannot_be_read_breaks_the_chain_and_blames_nobody() {
    let node = Node::new();
    let mut chain = Chain::new(node.network.clone(), node.network.genesis_tip());
    let branch = Branch::grown(&node.network, 5, 1);
    let event = Event::Blocks { blocks: branch.blocks, source: Source::Peer(peer(1)) };
    let effects = chain.on(at(0), event, &Damaged(node.store));
    assert!(matches!(&effects[..], [Effect::Broken(why)] if why.contains("disk")), "{effects:?}");
    assert!(matches!(chain.state(), State::Broken { .. }));
}
