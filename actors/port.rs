//! Ports: how mail reaches an actor. Bounded, never waited for, counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix::dev::ToEnvelope;
use actix::dev::channel::{self, AddressReceiver};
use actix::prelude::SendError;
use actix::{Actor, Addr, Context, Handler, Message, Recipient};

use crate::Beat;
use crate::mail::Named;

/// Slots that bulk mail leaves free, so that ticks, tips and orders always fit.
const CONTROL: usize = 32;

/// The mailbox of an actor that does not run yet. All are made first, so that actors can be given one another's ports.
pub struct Inbox<A: Actor> {
    addr: Addr<A>,
    receiver: AddressReceiver<A>,
    meter: Arc<Meter>,
}

impl<A: Actor<Context = Context<A>>> Inbox<A> {
    /// A mailbox with room for `capacity` messages.
    pub fn new(capacity: usize) -> Self {
        let (sender, receiver) = channel::channel(capacity);
        let meter = Arc::new(Meter { capacity, ..Meter::default() });
        Self { addr: Addr::new(sender), receiver, meter }
    }

    /// A port for one type of mail.
    pub fn port<M>(&self) -> Port<M>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Message + Named + Send + 'static,
        M::Result: Send,
    {
        Port { to: Arc::new(self.addr.clone().recipient()), meter: self.meter.clone() }
    }

    /// The counters of this mailbox.
    pub fn meter(&self) -> Arc<Meter> {
        self.meter.clone()
    }

    /// Runs the actor on the current arbiter.
    pub fn run(self, actor: A) {
        Context::with_receiver(self.receiver).run(actor);
    }
}

/// A way to send one type of mail to one actor.
///
/// Each clone of an actix address brings a free slot of its own, which would make a mailbox unbounded; so the address
/// is made once and shared.
pub struct Port<M: Message + Send>
where
    M::Result: Send,
{
    to: Arc<Recipient<M>>,
    meter: Arc<Meter>,
}

impl<M: Message + Send> Clone for Port<M>
where
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Self { to: self.to.clone(), meter: self.meter.clone() }
    }
}

impl<M: Message + Named + Send> Port<M>
where
    M::Result: Send,
{
    /// Posts mail, or counts it as dropped and gives it back.
    pub fn post(&self, mail: M) -> Result<(), M> {
        let name = mail.name();
        // Counted before it is sent: the receiver may take it before this thread goes on.
        self.meter.queued.fetch_add(1, Ordering::Relaxed);
        match self.to.try_send(mail) {
            Ok(()) => Ok(()),
            Err(SendError::Full(mail) | SendError::Closed(mail)) => {
                self.meter.queued.fetch_sub(1, Ordering::Relaxed);
                self.meter.dropped(name);
                Err(mail)
            }
        }
    }

    /// Posts bulk mail, which leaves some slots free for control.
    pub fn post_bulk(&self, mail: M) -> Result<(), M> {
        if self.meter.queued() + CONTROL >= self.meter.capacity.max(CONTROL + 1) {
            self.meter.dropped(mail.name());
            return Err(mail);
        }
        self.post(mail)
    }

    /// Posts mail whose loss a deadline repairs: a full mailbox is counted, and that is all.
    pub fn tell(&self, mail: M) {
        // The loss is counted and shown at the admin endpoint.
        drop(self.post(mail));
    }

    /// Posts mail from a plain thread that has nothing else to do: waits for a slot if there is none.
    pub(crate) fn post_from_thread(&self, mail: M) {
        if let Err(mail) = self.post(mail) {
            self.meter.queued.fetch_add(1, Ordering::Relaxed);
            if futures::executor::block_on(self.to.send(mail)).is_err() {
                // The actor is gone, and with it the need.
                self.meter.queued.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Whether the actor lives.
    pub fn connected(&self) -> bool {
        self.to.connected()
    }
}

/// What went through a mailbox.
#[derive(Debug, Default)]
pub struct Meter {
    capacity: usize,
    queued: AtomicUsize,
    beat: Beat,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default, Clone)]
struct Counts {
    handled: BTreeMap<&'static str, u64>,
    dropped: BTreeMap<&'static str, u64>,
    last_error: Option<String>,
}

impl Meter {
    /// Messages that wait.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Messages that may wait.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Goes on with every message that the actor takes out.
    pub fn beat(&self) -> Beat {
        self.beat.clone()
    }

    /// The actor takes a message out. Called first in every handler.
    pub fn took(&self, name: &'static str) {
        self.beat.fetch_add(1, Ordering::Relaxed);
        self.queued.fetch_sub(1, Ordering::Relaxed);
        *self.counts().handled.entry(name).or_default() += 1;
    }

    /// Messages handled and dropped, by name.
    pub fn totals(&self) -> (BTreeMap<&'static str, u64>, BTreeMap<&'static str, u64>) {
        let counts = self.counts().clone();
        (counts.handled, counts.dropped)
    }

    /// Remembers what went wrong last.
    pub fn failed(&self, error: String) {
        self.counts().last_error = Some(error);
    }

    /// What went wrong last.
    pub fn last_error(&self) -> Option<String> {
        self.counts().last_error.clone()
    }

    fn dropped(&self, name: &'static str) {
        *self.counts().dropped.entry(name).or_default() += 1;
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        // Counters are whole whatever panicked beside them.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
