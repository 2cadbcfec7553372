//! The types of mail.

use std::net::IpAddr;

use actix::Message;
use ledger::{Address, Block, PublicKey, Transaction};
pub use machines::chain::Accepted;
use machines::chain::{Refused, Template};
use machines::{PeerId, chain, discovery, faucet, miner, peer, syncer};
use tokio::sync::oneshot;
use wire::Responder;

use crate::ActorReport;

/// What a message is called where messages are counted.
pub trait Named {
    /// Its name.
    fn name(&self) -> &'static str;
}

/// An event for a machine.
#[derive(Debug)]
pub struct Mail<E>(pub E);

impl<E> Message for Mail<E> {
    type Result = ();
}

macro_rules! named_events {
    ($($event:ty),*) => {$(
        impl Named for Mail<$event> {
            fn name(&self) -> &'static str {
                (&self.0).into()
            }
        }
    )*};
}

named_events!(chain::Event, discovery::Event, faucet::Event, miner::Event, peer::Event, syncer::Event);

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident $body:tt)*) => {$(
        $(#[$doc])*
        pub struct $name $body

        impl Message for $name {
            type Result = ();
        }

        impl Named for $name {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
        }
    )*};
}

/// Where the answer to something handed in goes.
pub type Reply<T> = oneshot::Sender<T>;

messages! {
    /// Time passes.
    Tick {}
    /// Show your state.
    Inspect { /** Where the answer goes. */ pub reply: Reply<ActorReport> }
    /// End. The sender is dropped when the actor is gone.
    Stop { /** Dropped when the actor is gone. */ pub gone: Reply<()> }
    /// A client hands in a transaction.
    Submit {
        /// The transaction.
        pub transaction: Transaction,
        /// Where the answer goes.
        pub reply: Reply<Result<Accepted, Refused>>,
    }
    /// A client hands in a block.
    OfferBlock {
        /// The block.
        pub block: Block,
        /// Where the answer goes.
        pub reply: Reply<Result<Accepted, Refused>>,
    }
    /// A client wants to know what could be mined.
    MakeTemplate {
        /// The key that will sign.
        pub miner: PublicKey,
        /// Where the answer goes.
        pub reply: Reply<Template>,
    }
    /// Keep this durably.
    Write {
        /// What to keep.
        pub writes: Vec<store::Write>,
        /// Called when it is kept or not, on the chain's thread.
        pub done: Option<Done>,
    }
    /// Somebody claims coins.
    Claim {
        /// Whom to pay.
        pub to: Address,
        /// Where the claim came from.
        pub client: IpAddr,
        /// How it was made.
        pub form: faucet::Form,
        /// Where the answer goes.
        pub reply: Reply<Result<faucet::Paid, faucet::ClaimError>>,
    }
    /// Something else is asked of the faucet.
    AskFaucet {
        /// What.
        pub question: Question,
    }
    /// A peer asks for addresses.
    Share {
        /// Who asks.
        pub asker: PeerId,
        /// The right to answer.
        pub responder: Responder,
    }
}

/// What the faucet is asked beside claims.
pub enum Question {
    /// How it stands for somebody.
    View {
        /// Who asks.
        client: IpAddr,
        /// For which account, if one is named.
        to: Option<Address>,
        /// Where the answer goes.
        reply: Reply<faucet::View>,
    },
    /// Work for a claim.
    Challenge {
        /// Whom to pay.
        to: Address,
        /// Who asks.
        client: IpAddr,
        /// Where the answer goes.
        reply: Reply<Result<faucet::Challenge, faucet::ClaimError>>,
    },
    /// All of it, for the operator.
    Report {
        /// Where the answer goes.
        reply: Reply<faucet::Report>,
    },
    /// The operator decides.
    Order {
        /// What.
        order: faucet::Order,
        /// Where the answer goes.
        reply: Reply<Result<(), faucet::OrderError>>,
    },
}

/// What is called when a write is kept or not.
pub type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

/// The mail that every vital actor answers in the same way: [`Inspect`] and [`Stop`].
macro_rules! common_handlers {
    ($actor:ty) => {
        impl actix::Handler<$crate::Inspect> for $actor {
            type Result = ();

            fn handle(&mut self, mail: $crate::Inspect, _: &mut actix::Context<Self>) {
                self.meter.took($crate::mail::Named::name(&mail));
                drop(mail.reply.send(self.report()));
            }
        }

        impl actix::Handler<$crate::Stop> for $actor {
            type Result = ();

            fn handle(&mut self, mail: $crate::Stop, ctx: &mut actix::Context<Self>) {
                self.meter.took($crate::mail::Named::name(&mail));
                self.gone = Some(mail.gone);
                actix::ActorContext::stop(ctx);
            }
        }
    };
}
pub(crate) use common_handlers;

/// Mail and ticks of an actor that feeds both to its machine with `on`.
macro_rules! event_handlers {
    ($actor:ty, $event:ty) => {
        impl actix::Handler<$crate::Mail<$event>> for $actor {
            type Result = ();

            fn handle(&mut self, mail: $crate::Mail<$event>, _: &mut actix::Context<Self>) {
                self.meter.took($crate::mail::Named::name(&mail));
                self.on(mail.0);
            }
        }

        impl actix::Handler<$crate::Tick> for $actor {
            type Result = ();

            fn handle(&mut self, mail: $crate::Tick, _: &mut actix::Context<Self>) {
                self.meter.took($crate::mail::Named::name(&mail));
                self.on(<$event>::Tick);
            }
        }
    };
}
pub(crate) use event_handlers;
