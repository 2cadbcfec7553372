//! The hashing thread: tries nonces while nothing else wants the core. It steps aside every few hundred microseconds,
//! and hears a new order then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, mem};

use ledger::pow::Search;
use machines::miner::{Event, JobId};
use rustix::time::{ClockId, clock_gettime};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    thread_schedule_policy,
};
use tracing::warn;

use crate::{Mail, Port, Vital};

/// How long this thread hashes before it steps aside. The system by itself gives an idle thread its turn among busy
/// ones too, rarely, but for milliseconds during which an answer to a client waits.
const STEP: Duration = Duration::from_micros(250);
/// Between two rests of a thread that hashes only a part of the time.
const SLICE: Duration = Duration::from_millis(5);
/// How often the hash rate is reported.
const REPORT: Duration = Duration::from_secs(1);
/// How often a thread without work shows that it lives.
const BEAT: Duration = Duration::from_millis(500);
/// Hashes of the first step, before the speed is known.
const FIRST_STEP: u64 = 1_000;

/// How much of its time the hashing thread hashes, in percent of a core; may change at any time.
#[derive(Debug, Clone)]
pub struct Duty(Arc<AtomicU8>);

impl Duty {
    /// So many percent, 1 to 100.
    pub fn new(percent: u8) -> Self {
        Self(Arc::new(AtomicU8::new(percent.clamp(1, 100))))
    }

    /// So many from now on.
    pub fn set(&self, percent: u8) {
        self.0.store(percent.clamp(1, 100), Ordering::Relaxed);
    }

    fn percent(&self) -> u32 {
        self.0.load(Ordering::Relaxed).into()
    }
}

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
    /// Starts the thread.
    pub fn start(duty: Duty, reply: Port<Mail<Event>>, vital: &Vital) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let vital = vital.of("hasher");
        let thread = thread::Builder::new().name("hasher".into()).spawn(move || {
            step_back();
            Hashing { duty, step: FIRST_STEP, since: Instant::now(), hashes: 0, reply, inbox, vital }.run();
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

/// From now on whatever else wants the core takes it from this thread at once. A low priority alone would let it finish
/// its time slice first, a millisecond or more, each time that another thread wakes up.
fn step_back() {
    const IDLE: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    // Also sets a priority, which may fail where the policy was accepted: what counts is the policy.
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, IDLE);
    if thread_schedule_policy() != Ok(IDLE) {
        warn!(error = ?set, "the hashing thread cannot step back behind the others and will disturb them");
    }
    if let Err(error) = rustix::process::nice(19) {
        warn!(%error, "the hashing thread cannot lower its priority and will disturb the rest");
    }
}

struct Hashing {
    duty: Duty,
    /// Hashes of a step.
    step: u64,
    /// Since when [`Self::hashes`] are counted; over all jobs, of which many are short.
    since: Instant,
    hashes: u64,
    reply: Port<Mail<Event>>,
    inbox: Receiver<Order>,
    vital: Vital,
}

impl Hashing {
    fn run(mut self) {
        let mut next = self.next();
        while let Some(order) = next {
            next = match self.latest(order) {
                Order::Stop => self.next(),
                Order::Hash { job, search } => self.work(job, &search),
            };
        }
    }

    /// The last of the orders that wait: each one replaces all before it.
    fn latest(&self, order: Order) -> Order {
        self.inbox.try_iter().last().unwrap_or(order)
    }

    /// Waits for an order; none when nobody can give any.
    fn next(&self) -> Option<Order> {
        loop {
            self.vital.beat();
            match self.inbox.recv_timeout(BEAT) {
                Err(RecvTimeoutError::Timeout) => {}
                order => return order.ok(),
            }
        }
    }

    /// Works until the nonce is found or an order comes, and gives the next order; none when nobody can give any.
    fn work(&mut self, job: JobId, search: &Search) -> Option<Order> {
        let (mut nonce, mut worked) = (0, Duration::ZERO);
        loop {
            self.vital.beat();
            let began = thread_time();
            let found = search.run(nonce, self.step);
            let busy = thread_time().saturating_sub(began);
            let tried = found.map_or(self.step, |found| found.wrapping_sub(nonce) + 1);
            nonce = nonce.wrapping_add(tried);
            self.hashes += tried;
            self.report();
            if let Some(nonce) = found {
                self.reply.post_from_thread(Mail(Event::Found { job, nonce }));
                return self.next();
            }
            self.adapt(busy);
            worked += busy;
            let mut rest = Duration::ZERO;
            if worked >= SLICE {
                let duty = self.duty.percent();
                rest = mem::take(&mut worked) * (100 - duty) / duty;
            }
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

    /// Steps aside and waits for an order, at least for a look.
    fn wait(&self, rest: Duration) -> Result<Order, TryRecvError> {
        if rest.is_zero() {
            thread::yield_now();
            return self.inbox.try_recv();
        }
        self.inbox.recv_timeout(rest).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Fits the step to the speed of the machine.
    fn adapt(&mut self, busy: Duration) {
        if busy < STEP / 2 {
            self.step = self.step.saturating_mul(2);
        } else if busy > STEP * 2 {
            self.step = (self.step / 2).max(1);
        }
    }
}

/// How long this thread has worked: what others did on its core meanwhile says nothing of its speed.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use actix::{Actor, Context, Handler};
    use ledger::{BlockId, CompactTarget, Header, SecretKey};

    use super::*;
    use crate::Inbox;

    /// Has a mailbox and never looks into it.
    struct Nobody;

    impl Actor for Nobody {
        type Context = Context<Self>;
    }

    impl Handler<Mail<Event>> for Nobody {
        type Result = ();

        fn handle(&mut self, _: Mail<Event>, _: &mut Context<Self>) {}
    }

    /// A search that finds nothing within a lifetime.
    fn hopeless() -> Search {
        let header = Header {
            version: 1,
            height: 1,
            previous: BlockId([0; 32]),
            root: ledger::Digest([0; 32]),
            time: 0,
            target: CompactTarget(0x0300_0001),
            miner: SecretKey::from_bytes([1; 32]).unwrap().public(),
            nonce: 0,
        };
        Search::new(&header).unwrap()
    }

    fn hashing(inbox: &Inbox<Nobody>, duty: u8) -> (mpsc::Sender<Order>, Hashing) {
        let (orders, waiting) = mpsc::channel();
        let (since, reply) = (Instant::now(), inbox.port());
        let (duty, (vital, _)) = (Duty::new(duty), Vital::channel());
        (orders, Hashing { duty, step: FIRST_STEP, since, hashes: 0, reply, inbox: waiting, vital })
    }

    fn threads(name: &str) -> usize {
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|comm| comm.trim_end() == name).count()
    }

    #[test]
    fn a_new_order_ends_the_old_job_after_the_step_that_is_being_hashed() {
        let inbox = Inbox::new(4);
        for duty in [1, 50, 100] {
            let (orders, mut hashing) = hashing(&inbox, duty);
            orders.send(Order::Stop).unwrap();
            assert!(matches!(hashing.work(JobId(0), &hopeless()), Some(Order::Stop)));
            assert_eq!(hashing.hashes, FIRST_STEP, "one step, and no rest after it");
        }
    }

    #[test]
    fn a_step_is_far_below_the_50_ms_in_which_a_new_tip_must_stop_the_old_job_on_any_machine() {
        let inbox = Inbox::new(4);
        let (_orders, mut hashing) = hashing(&inbox, 100);
        const { assert!(STEP.as_millis() * 10 <= 50) };
        for hashes_per_ms in [100, 3_000, 20_000, 40] {
            for _ in 0..20 {
                let busy = Duration::from_micros(hashing.step * 1_000 / hashes_per_ms);
                hashing.adapt(busy);
            }
            let busy = Duration::from_micros(hashing.step * 1_000 / hashes_per_ms);
            assert!(busy >= STEP / 2 && busy <= STEP * 2, "{busy:?} at {hashes_per_ms} hashes in a millisecond");
        }
    }

    #[test]
    fn of_the_orders_that_wait_only_the_last_counts() {
        let inbox = Inbox::new(4);
        let (orders, mut hashing) = hashing(&inbox, 100);
        for job in 0..10_000 {
            orders.send(Order::Hash { job: JobId(job), search: hopeless() }).unwrap();
        }
        orders.send(Order::Stop).unwrap();
        let first = hashing.inbox.recv().unwrap();
        assert!(matches!(hashing.latest(first), Order::Stop));
        drop(orders);
        assert!(hashing.work(JobId(0), &hopeless()).is_none(), "nobody can give orders any more");
    }

    #[test]
    fn the_hashing_thread_takes_only_what_no_other_thread_of_the_machine_wants() {
        let policy = thread::spawn(|| {
            step_back();
            thread_schedule_policy()
        });
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        assert_eq!(policy.join().unwrap(), Ok(idle));
        assert_ne!(thread_schedule_policy(), Ok(idle), "and no other thread of this program is behind all others");
    }

    #[test]
    fn l11_a_hundred_thousand_pauses_leave_one_hashing_thread_and_no_order_behind() {
        let inbox: Inbox<Nobody> = Inbox::new(64);
        let (vital, mut failures) = Vital::channel();
        let hasher = Hasher::start(Duty::new(100), inbox.port(), &vital).unwrap();
        for job in 0..100_000 {
            hasher.hash(JobId(job), hopeless());
            hasher.stop();
        }
        assert_eq!(threads("hasher"), 1);
        let began = Instant::now();
        drop(hasher);
        // As many steps would take half a minute.
        assert!(began.elapsed() < Duration::from_secs(10), "orders of old pauses were still carried out");
        assert_eq!(threads("hasher"), 0);
        assert!(failures.try_recv().is_err());
    }
}
