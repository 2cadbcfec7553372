//! Blocks that follow the tip: connected, refused, or no news, and who hears of it.

use super::*;

#[test]
fn a_block_on_the_tip_is_connected_and_pays_its_miner() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 1);
    let effects = node.take(&branch.blocks);
    let changed = tip_changed(&effects).unwrap();
    assert_eq!(changed.tip, branch.tip());
    assert_eq!((changed.joined, changed.left), (1, 0));
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
