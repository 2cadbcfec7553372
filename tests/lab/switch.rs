//! What joins the hosts of the laboratory: it takes every packet that a host sends and gives it to the host that it is
//! for, later, never, or twice. So TCP meets true delay and true loss; `tc netem` would do the same, but many kernels
//! are built without it.
//!
//! Knows lines and packets, nothing of nodes.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tun_rs::SyncDevice;

/// Packets that wait for the switch to look at them; more are lost, as in any router.
const QUEUE: usize = 10_000;
/// The largest packet.
const PACKET: usize = 65_536;
/// Bytes that wait for a slow line take it at most so long; what comes then is lost.
const LINE_QUEUE: Duration = Duration::from_millis(500);

/// What happens to packets between two hosts, in each direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line {
    /// They arrive.
    Up {
        /// After that time.
        delay: Duration,
        /// But for so many of a hundred.
        loss: u8,
        /// And so many of a hundred twice.
        twice: u8,
        /// So many bytes a second; none is unlimited.
        rate: Option<u32>,
    },
    /// They vanish, and nobody is told.
    Cut,
}

impl Line {
    /// As if it were a wire.
    pub const GOOD: Self = Self::Up { delay: Duration::ZERO, loss: 0, twice: 0, rate: None };

    /// Packets arrive after so many milliseconds, but for `loss` of a hundred.
    pub const fn bad(delay_ms: u64, loss: u8) -> Self {
        Self::Up { delay: Duration::from_millis(delay_ms), loss, twice: 0, rate: None }
    }
}

/// How many packets met which fate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// Packets that were to be carried.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
    /// By chance.
    pub lost: u64,
    /// By a cut line.
    pub cut: u64,
    /// By a full queue.
    pub crowded: u64,
    /// Delivered a second time.
    pub twice: u64,
}

/// The switch.
pub struct Switch {
    shared: Arc<Mutex<Shared>>,
    mail: Option<SyncSender<Packet>>,
    readers: Vec<JoinHandle<()>>,
    carrier: Option<JoinHandle<()>>,
}

struct Shared {
    ends: BTreeMap<IpAddr, Arc<SyncDevice>>,
    usual: Line,
    lines: BTreeMap<(IpAddr, IpAddr), Line>,
    /// When the last byte on its way has left, for each slow line.
    busy: BTreeMap<(IpAddr, IpAddr), Instant>,
    random: ChaCha8Rng,
    count: Count,
}

struct Packet {
    due: Instant,
    number: u64,
    to: Arc<SyncDevice>,
    bytes: Arc<[u8]>,
}

impl Switch {
    /// A switch without hosts. What is lost follows from `seed` and the order of packets.
    pub fn new(seed: u64) -> Self {
        let shared = Shared {
            ends: BTreeMap::new(),
            usual: Line::GOOD,
            lines: BTreeMap::new(),
            busy: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            count: Count::default(),
        };
        let (mail, packets) = sync_channel(QUEUE);
        let carrier = thread::spawn(move || carry(&packets));
        Self { shared: Arc::new(Mutex::new(shared)), mail: Some(mail), readers: Vec::new(), carrier: Some(carrier) }
    }

    /// Joins a host with these addresses.
    pub fn join(&mut self, addresses: &[IpAddr], device: SyncDevice) {
        let device = Arc::new(device);
        lock(&self.shared).ends.extend(addresses.iter().map(|address| (*address, device.clone())));
        let (shared, mail) = (self.shared.clone(), self.mail.clone().expect("it is taken when all ends"));
        self.readers.push(thread::spawn(move || read(&device, &shared, &mail)));
    }

    /// All lines, but for those that are set one by one, are like this from now on.
    pub fn all(&self, line: Line) {
        lock(&self.shared).usual = line;
    }

    /// The line between two hosts is like this from now on, or like all others again.
    pub fn set(&self, one: IpAddr, other: IpAddr, line: Option<Line>) {
        let mut shared = lock(&self.shared);
        for way in [(one, other), (other, one)] {
            match line {
                Some(line) => drop(shared.lines.insert(way, line)),
                None => drop(shared.lines.remove(&way)),
            }
        }
    }

    /// What was carried until now.
    pub fn count(&self) -> Count {
        lock(&self.shared).count
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // The hosts are gone, so nothing can be read any more; then nobody is left to bring packets.
        for reader in self.readers.drain(..) {
            drop(reader.join());
        }
        self.mail = None;
        if let Some(carrier) = self.carrier.take() {
            drop(carrier.join());
        }
    }
}

impl Shared {
    /// When a packet arrives: never, once or twice.
    fn fate(&mut self, way: (IpAddr, IpAddr), bytes: usize) -> [Option<Instant>; 2] {
        self.count.sent += 1;
        self.count.bytes += bytes as u64;
        let line = self.lines.get(&way).copied().unwrap_or(self.usual);
        let Line::Up { delay, loss, twice, rate } = line else {
            self.count.cut += 1;
            return [None; 2];
        };
        let now = Instant::now();
        let mut leaves = now;
        if let Some(rate) = rate {
            leaves = self.busy.get(&way).copied().unwrap_or(now).max(now);
            if leaves > now + LINE_QUEUE {
                self.count.crowded += 1;
                return [None; 2];
            }
            leaves += Duration::from_secs(bytes as u64) / rate;
            self.busy.insert(way, leaves);
        }
        if self.random.random_range(0..100) < loss {
            self.count.lost += 1;
            return [None; 2];
        }
        let again = self.random.random_range(0..100) < twice;
        self.count.twice += u64::from(again);
        [Some(leaves + delay), again.then_some(leaves + delay * 2)]
    }
}

/// Takes what a host sends, until its line is removed.
fn read(device: &SyncDevice, shared: &Mutex<Shared>, mail: &SyncSender<Packet>) {
    let mut buffer = vec![0; PACKET];
    let mut number = 0;
    while let Ok(length) = device.recv(&mut buffer) {
        let packet = &buffer[..length];
        let Some(way) = way(packet) else { continue };
        let mut shared = lock(shared);
        let Some(to) = shared.ends.get(&way.1).cloned() else { continue };
        let bytes: Arc<[u8]> = packet.into();
        for due in shared.fate(way, length).into_iter().flatten() {
            let packet = Packet { due, number, to: to.clone(), bytes: bytes.clone() };
            if let Err(TrySendError::Full(_)) = mail.try_send(packet) {
                shared.count.crowded += 1;
            }
            number += 1;
        }
    }
}

/// Gives every packet to its host when it is due.
fn carry(packets: &Receiver<Packet>) {
    let mut waiting = BinaryHeap::new();
    loop {
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse(packet): &Reverse<Packet>| packet.due <= now) {
            if let Some(Reverse(packet)) = waiting.pop() {
                // A host that is gone misses nothing.
                drop(packet.to.send(&packet.bytes));
            }
        }
        let pause = waiting.peek().map_or(Duration::MAX, |Reverse(packet)| packet.due.saturating_duration_since(now));
        match packets.recv_timeout(pause.min(Duration::from_secs(1))) {
            Ok(packet) => waiting.push(Reverse(packet)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// From where to where an IP packet goes.
fn way(packet: &[u8]) -> Option<(IpAddr, IpAddr)> {
    let v4 = |at: usize| Some(IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(at..at + 4)?).ok()?)));
    let v6 = |at: usize| Some(IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(packet.get(at..at + 16)?).ok()?)));
    match packet.first()? >> 4 {
        4 => Some((v4(12)?, v4(16)?)),
        6 => Some((v6(8)?, v6(24)?)),
        _ => None,
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Every change is whole, so a panic elsewhere leaves it usable: the lines are still to be removed.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ord for Packet {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl PartialOrd for Packet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Packet {}
