//! A chain as one file that needs no database to be read: what `chain export` writes and `chain import` takes.
//!
//! | bytes | what |
//! |---|---|
//! | 18 | `barreleye chain 1\n` |
//! | 32 | the chain: id of its genesis block |
//! | 1 + 4 + n | `B`, length, a block after its parent: postcard, as peers are served |
//! | 1 + 4 + n | `P`, length, a peer: 32 bytes of its key, then what is kept of it. Only in a backup |
//! | 1 + 4 + n | `F`, length, a record of the faucet: 4 bytes of length, its name, what it holds. Only in a backup |
//! | 1 + 4 + 40 | `E`, length, the end: height and id of the tip |
//! | 32 | SHA-256 of all before |
//!
//! Integers are big-endian. Blocks need no trust, as whoever imports checks them by all rules; the hash finds what was
//! cut off or damaged on its way.

use std::io::{self, ErrorKind, Read, Write};

use ledger::{BlockId, ChainId, Height};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::records;

/// How a file begins.
const MAGIC: &[u8; 18] = b"barreleye chain 1\n";
/// No entry is larger: blocks have 4 MB at most, records far less.
const MAX_ENTRY: usize = 16 << 20;

/// Why a file cannot be taken.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It is something else.
    #[error("this is no file of barreleye chain export, or one of a newer version")]
    NotOurs,
    /// It ends too early.
    #[error("the file is cut off: it has no end. Copy it again, or make it again")]
    CutOff,
    /// Something in it was changed.
    #[error("the file is damaged: {0}. Copy it again, or make it again")]
    Damaged(&'static str),
    /// It cannot be read or written.
    #[error("the file cannot be read or written: {0}")]
    Io(io::Error),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::UnexpectedEof { Self::CutOff } else { Self::Io(error) }
    }
}

/// What a file has, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A block: postcard of [`ledger::Block`].
    Block(Vec<u8>),
    /// A record of a peer or of the faucet.
    Record(records::Write),
    /// Nothing comes after it: the tip.
    End {
        /// Its height.
        height: Height,
        /// Its id.
        id: BlockId,
    },
}

/// Writes a file.
pub struct ArchiveWriter<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins a file of this chain.
    pub fn new(out: W, chain: ChainId) -> Result<Self, ArchiveError> {
        let mut writer = Self { out, hash: Sha256::new() };
        writer.put(MAGIC)?;
        writer.put(&chain.0)?;
        Ok(writer)
    }

    /// Adds a block, after its parent.
    pub fn block(&mut self, block: &[u8]) -> Result<(), ArchiveError> {
        self.entry(b'B', &[block])
    }

    /// Adds a record.
    pub fn record(&mut self, record: &records::Write) -> Result<(), ArchiveError> {
        match record {
            records::Write::PutPeer { id, value } => self.entry(b'P', &[id, value]),
            records::Write::PutFaucet { key, value } => {
                self.entry(b'F', &[&(key.len() as u32).to_be_bytes(), key, value])
            }
            // What is forgotten is not there to be written.
            records::Write::DeletePeer { .. } | records::Write::DeleteFaucet { .. } => Ok(()),
        }
    }

    /// Ends the file at this tip, and gives back where it went.
    pub fn end(mut self, height: Height, id: BlockId) -> Result<W, ArchiveError> {
        self.entry(b'E', &[&height.to_be_bytes(), &id.0])?;
        self.out.write_all(&self.hash.finalize())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(&mut self, kind: u8, parts: &[&[u8]]) -> Result<(), ArchiveError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let length = u32::try_from(length).ok().filter(|length| *length as usize <= MAX_ENTRY);
        let length = length.ok_or(ArchiveError::Damaged("an entry is too large"))?;
        self.put(&[kind])?;
        self.put(&length.to_be_bytes())?;
        parts.iter().try_for_each(|part| self.put(part))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.hash.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }
}

/// Reads a file.
pub struct ArchiveReader<R> {
    input: R,
    hash: Sha256,
    chain: ChainId,
}

impl<R: Read> ArchiveReader<R> {
    /// Begins to read.
    pub fn new(input: R) -> Result<Self, ArchiveError> {
        let mut reader = Self { input, hash: Sha256::new(), chain: BlockId([0; 32]) };
        let magic: [u8; MAGIC.len()] = reader.take().map_err(|error| match error {
            ArchiveError::CutOff => ArchiveError::NotOurs,
            other => other,
        })?;
        if magic != *MAGIC {
            return Err(ArchiveError::NotOurs);
        }
        reader.chain = BlockId(reader.take()?);
        Ok(reader)
    }

    /// Whose chain it is.
    pub fn chain(&self) -> ChainId {
        self.chain
    }

    /// The next entry. After the end, which is given only if the whole file is what was written, do not ask again.
    pub fn next_entry(&mut self) -> Result<Entry, ArchiveError> {
        let [kind] = self.take()?;
        let length = u32::from_be_bytes(self.take()?) as usize;
        if length > MAX_ENTRY {
            return Err(ArchiveError::Damaged("an entry is too large"));
        }
        let mut bytes = Vec::new();
        // Grows with what comes, not with what is announced.
        self.input.by_ref().take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(ArchiveError::CutOff);
        }
        self.hash.update(&bytes);
        match kind {
            b'B' => Ok(Entry::Block(bytes)),
            b'P' => {
                let (id, value) = bytes.split_first_chunk().ok_or(ArchiveError::Damaged("a peer without a key"))?;
                Ok(Entry::Record(records::Write::PutPeer { id: *id, value: value.to_vec() }))
            }
            b'F' => {
                let named = bytes
                    .split_first_chunk()
                    .and_then(|(length, rest)| rest.split_at_checked(u32::from_be_bytes(*length) as usize));
                let (key, value) = named.ok_or(ArchiveError::Damaged("a record without a name"))?;
                Ok(Entry::Record(records::Write::PutFaucet { key: key.to_vec(), value: value.to_vec() }))
            }
            b'E' => self.end(&bytes),
            _ => Err(ArchiveError::Damaged("there is an unknown entry")),
        }
    }

    fn end(&mut self, bytes: &[u8]) -> Result<Entry, ArchiveError> {
        let unreadable = ArchiveError::Damaged("its end is unreadable");
        let Some((height, id)) = bytes.split_first_chunk() else { return Err(unreadable) };
        let Ok(id) = id.try_into() else { return Err(unreadable) };
        let expected = self.hash.clone().finalize();
        let found: [u8; 32] = self.take()?;
        if expected[..] != found {
            return Err(ArchiveError::Damaged("its hash is another one"));
        }
        Ok(Entry::End { height: u64::from_be_bytes(*height), id: BlockId(id) })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ArchiveError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        self.hash.update(bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Vec::new(), BlockId([7; 32])).unwrap();
        writer.block(b"a block").unwrap();
        writer.record(&records::Write::PutPeer { id: [3; 32], value: b"peer".to_vec() }).unwrap();
        writer.record(&records::Write::PutFaucet { key: b"name".to_vec(), value: b"claim".to_vec() }).unwrap();
        writer.end(1, BlockId([9; 32])).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Entry>, ArchiveError> {
        let mut reader = ArchiveReader::new(bytes)?;
        assert_eq!(reader.chain(), BlockId([7; 32]));
        let mut entries = Vec::new();
        loop {
            entries.push(reader.next_entry()?);
            if let Some(Entry::End { .. }) = entries.last() {
                return Ok(entries);
            }
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let entries = read(&written()).unwrap();
        assert_eq!(
            entries,
            [
                Entry::Block(b"a block".to_vec()),
                Entry::Record(records::Write::PutPeer { id: [3; 32], value: b"peer".to_vec() }),
                Entry::Record(records::Write::PutFaucet { key: b"name".to_vec(), value: b"claim".to_vec() }),
                Entry::End { height: 1, id: BlockId([9; 32]) }
            ]
        );
    }

    #[test]
    fn a_file_that_is_cut_off_or_changed_anywhere_has_no_end() {
        let whole = written();
        for length in 0..whole.len() {
            let error = read(&whole[..length]).unwrap_err();
            let expected = if length < MAGIC.len() { "no file of barreleye" } else { "cut off" };
            assert!(error.to_string().contains(expected), "{length}: {error}");
        }
        // Behind the id of the chain, which whoever reads compares.
        for at in (0..MAGIC.len()).chain(MAGIC.len() + 32..whole.len()) {
            let mut changed = whole.clone();
            changed[at] ^= 0x40;
            assert!(read(&changed).is_err(), "byte {at}");
        }
    }
}
