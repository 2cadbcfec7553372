//! Bodies that arrived and wait for earlier ones, each with who delivered it.

use std::collections::BTreeMap;

use ledger::Block;

use crate::PeerId;

/// Blocks in order, with who delivered them.
pub(super) struct Ready {
    pub from: PeerId,
    pub blocks: Vec<Block>,
}

/// What waits, by the index of the first block of each part.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrived {
    parts: BTreeMap<usize, (PeerId, Vec<Block>)>,
    bytes: usize,
}

impl Arrived {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn has(&self, index: usize) -> bool {
        let before = self.parts.range(..=index).next_back();
        before.is_some_and(|(start, (_, blocks))| index < start + blocks.len())
    }

    /// Keeps those of a peer's blocks that are `wanted` and are not here; tells whether that was any.
    pub fn keep(&mut self, peer: PeerId, first: usize, blocks: Vec<Block>, wanted: impl Fn(usize) -> bool) -> bool {
        let mut parts: Vec<(usize, Vec<Block>)> = Vec::new();
        for (index, block) in (first..).zip(blocks).filter(|(index, _)| wanted(*index) && !self.has(*index)) {
            match parts.last_mut() {
                Some((start, part)) if *start + part.len() == index => part.push(block),
                _ => parts.push((index, vec![block])),
            }
        }
        let any = !parts.is_empty();
        for (start, part) in parts {
            self.bytes += size(&part);
            self.parts.insert(start, (peer, part));
        }
        any
    }

    /// The part that begins at `index`, if it has at most so many blocks.
    pub fn take(&mut self, index: usize, most: usize) -> Option<Ready> {
        let entry = self.parts.first_entry().filter(|entry| *entry.key() == index)?;
        if entry.get().1.len() > most {
            return None;
        }
        let (from, blocks) = entry.remove();
        self.bytes -= size(&blocks);
        Some(Ready { from, blocks })
    }
}

fn size(blocks: &[Block]) -> usize {
    blocks.iter().map(Block::size).sum()
}
