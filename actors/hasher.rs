//! The hashing thread: tries nonces at the lowest priority, in slices short enough to hear a new order in time.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ledger::pow::Search;
use machines::miner::{Event, JobId};
use tracing::warn;

use crate::{Mail, Port, Vital};

/// A new tip must stop the old job within 50 ms; a slice takes a tenth of that.
const SLICE: Duration = Duration::from_millis(5);
/// How often the hash rate is reported.
const REPORT: Duration = Duration::from_secs(1);
/// The first slice, before the speed is known.
const FIRST_SLICE: u64 = 1_000;

enum Order {
    Hash { job: JobId, search: Search },
    Stop,
}

/// The way to the hashing thread; the thread ends when this is dropped.
pub struct Hasher {
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Hasher {
    /// Starts the thread. It hashes `duty` percent of the time, 1 to 100.
    pub fn start(duty: u8, reply: Port<Mail<Event>>, vital: &Vital) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let vital = vital.of("hasher");
        let thread = thread::Builder::new().name("hasher".into()).spawn(move || {
            let _vital = vital;
            if let Err(error) = rustix::process::nice(19) {
                warn!(%error, "the hashing thread cannot lower its priority and will disturb the rest");
            }
            let duty = u32::from(duty.clamp(1, 100));
            Hashing { duty, slice: FIRST_SLICE, since: Instant::now(), hashes: 0, reply, inbox }.run();
        })?;
        Ok(Self { orders, thread: Some(thread) })
    }

    /// Hashes this instead of anything else.
    pub fn hash(&self, job: JobId, search: Search) {
        // The thread lives as long as this does; if it panicked, its guard has reported it.
        drop(self.orders.send(Order::Hash { job, search }));
    }

    /// Stops hashing.
    pub fn stop(&self) {
        drop(self.orders.send(Order::Stop));
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        let (closed, _) = mpsc::channel();
        self.orders = closed;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Hashing {
    duty: u32,
    slice: u64,
    /// Since when [`Self::hashes`] are counted; over all jobs, of which many are short.
    since: Instant,
    hashes: u64,
    reply: Port<Mail<Event>>,
    inbox: Receiver<Order>,
}

impl Hashing {
    fn run(mut self) {
        let mut next = self.inbox.recv().ok();
        while let Some(order) = next {
            next = match order {
                Order::Stop => self.inbox.recv().ok(),
                Order::Hash { job, search } => self.work(job, &search),
            };
        }
    }

    /// Works until the nonce is found or an order comes, and gives the next order; none when nobody can give any.
    fn work(&mut self, job: JobId, search: &Search) -> Option<Order> {
        let mut nonce = 0;
        loop {
            let began = Instant::now();
            let found = search.run(nonce, self.slice);
            let busy = began.elapsed();
            let tried = found.map_or(self.slice, |found| found.wrapping_sub(nonce) + 1);
            nonce = nonce.wrapping_add(tried);
            self.hashes += tried;
            self.report();
            if let Some(nonce) = found {
                self.reply.post_from_thread(Mail(Event::Found { job, nonce }));
                return self.inbox.recv().ok();
            }
            self.adapt(busy);
            let rest = busy * (100 - self.duty) / self.duty;
            match self.wait(rest) {
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return None,
                Ok(order) => return Some(order),
            }
        }
    }

    fn report(&mut self) {
        if self.since.elapsed() >= REPORT {
            let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.reply.tell(Mail(Event::Hashed { hashes: self.hashes, ms }));
            (self.since, self.hashes) = (Instant::now(), 0);
        }
    }

    /// Waits for an order, at least for a look.
    fn wait(&self, rest: Duration) -> Result<Order, TryRecvError> {
        if rest.is_zero() {
            return self.inbox.try_recv();
        }
        self.inbox.recv_timeout(rest).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Fits the slice to the speed of the machine.
    fn adapt(&mut self, busy: Duration) {
        if busy < SLICE / 2 {
            self.slice = self.slice.saturating_mul(2);
        } else if busy > SLICE * 2 {
            self.slice = (self.slice / 2).max(1);
        }
    }
}
