//! A disk in memory that fails when it is told to, and forgets what was not synced when its power is cut.
//!
//! Clones are the same disk. Sectors are written whole or not at all, in any order between two syncs.

use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use redb::{BackendError, StorageBackend};

/// Bytes that a disk writes at once.
const SECTOR: usize = 512;

/// A disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Debug, Default)]
struct Inner {
    /// What a reader sees.
    bytes: Vec<u8>,
    /// What is there after a power cut, whatever else is.
    synced: Vec<u8>,
    /// Sectors that were written since the last sync.
    unsynced: Vec<Sector>,
    /// Changes that were asked for: writes, syncs, new lengths.
    operations: u64,
    /// Syncs among them.
    syncs: u64,
    /// The change that fails, and how.
    fail: Option<(u64, Fail)>,
    /// No byte beyond this one can be written.
    room: Option<u64>,
    /// Whether a sync waits until it is let go, as on a disk with too much to do.
    held: bool,
}

#[derive(Debug, Clone)]
struct Sector {
    at: usize,
    bytes: Vec<u8>,
}

/// How a change fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// It alone: the next one works again, as after a lost write-back.
    Once(ErrorKind),
    /// It and all that come after it.
    ForGood(ErrorKind),
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lets the change with this number from now fail, counted from 0.
    pub fn fail_at(&self, number: u64, how: Fail) {
        let mut disk = self.lock();
        disk.fail = Some((disk.operations + number, how));
    }

    /// Works again.
    pub fn heal(&self) {
        self.lock().fail = None;
    }

    /// From now on there is no room beyond so many bytes; none means that there is.
    pub fn fill(&self, room: Option<u64>) {
        self.lock().room = room;
    }

    /// Whether syncs wait from now on.
    pub fn hold_syncs(&self, held: bool) {
        self.lock().held = held;
        self.0.1.notify_all();
    }

    /// Waits until more than so many syncs were asked for.
    pub fn wait_for_sync(&self, after: u64) {
        drop(self.0.1.wait_while(self.lock(), |disk| disk.syncs <= after));
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.lock().bytes.len() as u64
    }

    /// All of the file.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// Changes that were asked for so far.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Syncs that were asked for so far.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Another disk with all that was written, as after a crash of the process.
    pub fn after_crash(&self) -> Self {
        Self::of(self.lock().bytes.clone())
    }

    /// Another disk with what is surely there after a power cut: nothing that was not synced.
    pub fn after_power_cut(&self) -> Self {
        Self::of(self.lock().synced.clone())
    }

    /// Another disk as a power cut may leave it: any of the sectors that were not synced, the rest as it was.
    pub fn after_torn_power_cut(&self, rng: &mut ChaCha8Rng) -> Self {
        let disk = self.lock();
        let mut bytes = disk.synced.clone();
        // A length is metadata: it may have become durable or not.
        if rng.random_bool(0.5) {
            bytes.resize(disk.bytes.len(), 0);
        }
        let share = rng.random_range(0.0..=1.0);
        for sector in &disk.unsynced {
            let end = sector.at + sector.bytes.len();
            if rng.random_bool(share) && end <= bytes.len() {
                bytes[sector.at..end].copy_from_slice(&sector.bytes);
            }
        }
        Self::of(bytes)
    }

    /// Overwrites what is there, as a fault of the disk does.
    pub fn damage(&self, at: usize, with: &[u8]) {
        let mut disk = self.lock();
        let end = (at + with.len()).min(disk.bytes.len());
        disk.bytes[at..end].copy_from_slice(&with[..end - at]);
        disk.synced = disk.bytes.clone();
    }

    /// Cuts the file off.
    pub fn truncate(&self, length: usize) {
        let mut disk = self.lock();
        disk.bytes.truncate(length);
        disk.synced = disk.bytes.clone();
    }

    fn of(bytes: Vec<u8>) -> Self {
        let disk = Inner { synced: bytes.clone(), bytes, ..Inner::default() };
        Self(Arc::new((Mutex::new(disk), Condvar::new())))
    }

    /// Counts a change, which may have to fail.
    fn change(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let mut disk = self.lock();
        let number = disk.operations;
        disk.operations += 1;
        match disk.fail {
            Some((at, Fail::Once(kind))) if number == at => Err(kind.into()),
            Some((at, Fail::ForGood(kind))) if number >= at => Err(kind.into()),
            _ => Ok(disk),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.lock();
        let found = disk.bytes.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // Room is taken by what is written, not by the length of a file with holes.
        self.change()?.bytes.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.lock();
        disk.syncs += 1;
        self.0.1.notify_all();
        drop(self.0.1.wait_while(disk, |disk| disk.held).unwrap_or_else(|poisoned| poisoned.into_inner()));
        let mut disk = self.change()?;
        disk.synced = disk.bytes.clone();
        disk.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.change()?;
        if disk.room.is_some_and(|room| offset + data.len() as u64 > room) {
            return Err(ErrorKind::StorageFull.into());
        }
        let at = offset as usize;
        disk.bytes[at..at + data.len()].copy_from_slice(data);
        let sectors = data.chunks(SECTOR).enumerate();
        disk.unsynced.extend(sectors.map(|(n, part)| Sector { at: at + n * SECTOR, bytes: part.to_vec() }));
        Ok(())
    }

    // One process has it.
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}
