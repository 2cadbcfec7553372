//! Where blocks come from: a data directory, the node that has it open, or a file. One after another, the last says
//! where the chain ends.

use std::collections::VecDeque;
use std::io::Read;

use store::{ArchiveError, ArchiveReader, Entry, Store, StoreError, Walk};

use super::place::Place;
use crate::failure::Failure;
use crate::http::{EXPORT_HEIGHT, EXPORT_PATH};

/// What comes.
pub struct Entries {
    from: Origin,
    /// The height of the chain, as far as it is known.
    pub height: Option<u64>,
}

enum Origin {
    /// It keeps the file to this process.
    Walk {
        walk: Walk,
        ready: VecDeque<Entry>,
    },
    Stream(ArchiveReader<Box<dyn Read + Send>>),
}

impl Entries {
    /// The chain in a data directory, from its file or from the node that has it open.
    pub fn of(place: &Place) -> Result<Self, Failure> {
        match place.existing()? {
            Ok(store) => Self::of_store(&store).map_err(Failure::storage),
            Err(StoreError::InUse { .. }) => {
                let (stream, height) = place.node()?.stream(EXPORT_PATH, EXPORT_HEIGHT)?;
                Self::of_stream(stream, height.and_then(|height| height.parse().ok()))?.checked(place)
            }
            Err(error) => Err(Failure::storage(error)),
        }
    }

    /// The chain in a store.
    pub fn of_store(store: &Store) -> Result<Self, StoreError> {
        let reader = store.reader();
        let height = ledger::ChainSource::tip(&reader.snapshot()?).ok().map(|tip| tip.height);
        let from = Origin::Walk { walk: Walk::new(reader)?, ready: VecDeque::new() };
        Ok(Self { from, height })
    }

    /// What a file or a node says.
    pub fn of_stream(stream: Box<dyn Read + Send>, height: Option<u64>) -> Result<Self, Failure> {
        Ok(Self { from: Origin::Stream(ArchiveReader::new(stream).map_err(failure)?), height })
    }

    /// The same, if it is the chain of the network that was named.
    pub fn checked(self, place: &Place) -> Result<Self, Failure> {
        match &self.from {
            Origin::Stream(archive) if archive.chain() != place.network.chain => Err(Failure::refused(format!(
                "this is the chain {}, but the network that was named has {}: name its network with --network",
                archive.chain(),
                place.network.chain
            ))),
            _ => Ok(self),
        }
    }

    /// The next one.
    pub fn next_entry(&mut self) -> Result<Entry, Failure> {
        match &mut self.from {
            Origin::Stream(archive) => archive.next_entry().map_err(failure),
            Origin::Walk { walk, ready } => loop {
                if let Some(entry) = ready.pop_front() {
                    return Ok(entry);
                }
                let part = walk.next_part().map_err(Failure::storage)?;
                ready.extend(part.blocks.into_iter().map(Entry::Block));
                if let Some(records) = part.records {
                    ready.extend(records.into_iter().map(Entry::Record));
                    ready.push_back(Entry::End { height: part.tip.height, id: part.tip.id });
                }
            },
        }
    }
}

fn failure(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Io(_) => Failure::storage(error),
        _ => Failure::refused(error),
    }
}
