//! The chain from its first block to its tip, in parts: each is read from a snapshot of its own, so that whoever takes
//! hours to read does not keep the file from using its pages again.
//!
//! The chain may move between two parts. Then the walk goes on where the branches part: whoever follows the rules with
//! what it gives ends at the same tip.

use ledger::{BlockId, Height, Tip};

use crate::moment::Moment;
use crate::{Reader, Snapshot, StoreError, guarded, records};

/// Bytes of blocks in one part, and at least one block: some milliseconds of reading.
const PART_BYTES: usize = 1 << 20;

/// A way along the chain.
pub struct Walk {
    reader: Reader,
    /// The last block that was given.
    at: BlockId,
    height: Height,
}

/// A part of the chain.
pub struct Part {
    /// Blocks as bytes: postcard of each, parents first.
    pub blocks: Vec<Vec<u8>>,
    /// The height of the last one.
    pub height: Height,
    /// The end of the chain when this was read.
    pub tip: Tip,
    /// Records of peers and of the faucet of that moment, with the last part only.
    pub records: Option<Vec<records::Write>>,
}

impl Walk {
    /// From genesis, which itself is not given: the network has it.
    pub fn new(reader: Reader) -> Result<Self, StoreError> {
        let at = reader.network().chain;
        Ok(Self { reader, at, height: 0 })
    }

    /// The next part. The one with records is the last.
    pub fn next_part(&mut self) -> Result<Part, StoreError> {
        guarded(|| self.read_part())
    }

    fn read_part(&mut self) -> Result<Part, StoreError> {
        let snapshot = self.reader.snapshot()?;
        let tip = snapshot.read_tip()?;
        self.go_back_to_the_chain(&snapshot)?;
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        while self.height < tip.height && bytes < PART_BYTES {
            let height = self.height + 1;
            let missing = || StoreError::damaged(format!("the chain has no block {height}"));
            let id = snapshot.read_main_id(height)?.ok_or_else(missing)?;
            let block = snapshot.raw_block(&id)?.ok_or_else(missing)?;
            bytes += block.len();
            blocks.push(block);
            (self.at, self.height) = (id, height);
        }
        let records = if self.at == tip.id { Some(snapshot.records()?) } else { None };
        Ok(Part { blocks, height: self.height, tip, records })
    }

    /// The last block that was given may have left the chain since.
    fn go_back_to_the_chain(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        while !snapshot.is_on_chain(&self.at)? {
            let header = snapshot.read_header(&self.at)?;
            let header = header.ok_or_else(|| StoreError::damaged(format!("block {} is gone", self.at)))?.header;
            (self.at, self.height) = (header.previous, header.height - 1);
        }
        Ok(())
    }
}
