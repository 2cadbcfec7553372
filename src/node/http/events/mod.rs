//! `/v1/events`: what happens, as it happens (server-sent events).
//!
//! One task looks at what changed and tells all streams at once; a stream only picks what it was opened for. A client
//! that reads too slowly is cut off and comes back with `Last-Event-ID`, from where the blocks are told again.

mod teller;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::web::{Bytes, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use client::schema::{AnyAddress, AnyId};
use futures::stream::unfold;
use ipnet::IpNet;
use ledger::{Address, BlockId, TxId};
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::teller::{News, Teller, event};
use super::problem::{Problem, Problems};
use super::visitors::{Slot, Visitors};
use super::{Routes, Shared, State, client_address};

/// Streams of all clients together: each is a connection and some hundred bytes.
const MAX_STREAMS: usize = 256;
/// Streams of one client: a few open pages in each of a few programs, or an office behind one address.
const MAX_STREAMS_EACH: usize = 32;
/// Rounds of news that may wait for a stream: three seconds of the busiest network. Behind that it is cut off.
const MAX_BEHIND: usize = 32;
/// Accounts and transactions that a stream may name.
const MAX_NAMED: usize = 20;
/// Lives of transactions in one round, for a stream that names none.
const MAX_LIVES: usize = 100;
/// A stream always says something within this time, so that both ends know that the other is there.
const BEAT: Duration = Duration::from_secs(5);
/// Between two rounds: changes of the pool come by the thousand.
const PAUSE: Duration = Duration::from_millis(100);
/// What a client waits before it comes back.
const RETRY: &str = "retry: 3000\n\n";

/// All streams.
pub struct Events {
    news: Sender<Arc<Vec<News>>>,
    visitors: Visitors,
}

impl Events {
    /// No streams yet. For `proxies` only the cap for all counts.
    pub fn new(proxies: Vec<IpNet>) -> Self {
        Self { news: broadcast::channel(MAX_BEHIND).0, visitors: Visitors::new(MAX_STREAMS_EACH, MAX_STREAMS, proxies) }
    }
}

/// The path.
pub fn routes(app: &mut Routes) {
    app.service(stream_events);
}

/// Tells the streams what changes, until the node stops.
pub async fn run(state: Weak<State>) {
    let Some((mut tips, mut pools, mut teller)) =
        state.upgrade().map(|state| (state.node.tips().clone(), state.node.pools().clone(), Teller::new(&*state.node)))
    else {
        return;
    };
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (changed, with_status) = tokio::select! {
            changed = tips.changed() => (changed, false),
            changed = pools.changed() => (changed, false),
            _ = beat.tick() => (Ok(()), true),
        };
        let (Ok(()), Some(state)) = (changed, state.upgrade()) else { return };
        if state.events.news.receiver_count() == 0 {
            teller = Teller::new(&*state.node);
            continue;
        }
        let round = tokio::task::spawn_blocking(move || {
            let news = teller.tell(&state, with_status);
            (state, teller, news)
        });
        let Ok((state, kept, news)) = round.await else { return };
        teller = kept;
        match news {
            // Without anybody who listens this fails, and nobody misses it.
            Ok(news) if !news.is_empty() => drop(state.events.news.send(Arc::new(news))),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "what happened cannot be told"),
        }
        drop(state);
        sleep(PAUSE).await;
    }
}

/// What a stream was opened for.
#[derive(Debug, Default)]
struct Filter {
    accounts: Vec<Address>,
    transactions: Vec<TxId>,
}

impl Filter {
    fn read(query: &[(String, String)]) -> Result<Self, Problem> {
        let mut filter = Self::default();
        for (name, text) in query {
            let bad = |error| Problem::malformed(format!("{name}: '{text}': {error}"));
            match name.as_str() {
                "account" => filter.accounts.push(text.parse().map_err(bad)?),
                "transaction" => filter.transactions.push(text.parse().map_err(bad)?),
                _ => {}
            }
        }
        if filter.accounts.len() + filter.transactions.len() > MAX_NAMED {
            return Err(Problem::malformed(format!("name at most {MAX_NAMED} accounts and transactions")));
        }
        Ok(filter)
    }

    fn is_open(&self) -> bool {
        self.accounts.is_empty() && self.transactions.is_empty()
    }

    /// What of a round this stream is told, as text.
    fn text(&self, news: &[News]) -> String {
        let mut text = String::new();
        for news in news {
            match news {
                News::All(event) => text.push_str(event),
                News::Lives(lives) if self.is_open() => {
                    lives.iter().take(MAX_LIVES).for_each(|life| text.push_str(&event("transaction", None, life)));
                }
                News::Lives(lives) => {
                    let named = lives.iter().filter(|life| {
                        self.transactions.contains(&life.id)
                            || self.accounts.iter().any(|account| life.from == *account || life.to == *account)
                    });
                    named.for_each(|life| text.push_str(&event("transaction", None, life)));
                }
            }
        }
        text
    }
}

struct Stream {
    filter: Filter,
    news: Receiver<Arc<Vec<News>>>,
    ready: VecDeque<String>,
    _slot: Slot,
}

/// What happens, as it happens: `block`, `transaction`, `reorganisation` and `status` events. Without a name all are
/// told, with at most 100 transactions for each block or change of the pool; with names only those transactions. At the
/// start comes a `status`, and where each named transaction is. With `Last-Event-ID`, the id of a block, the blocks
/// since then are told again, up to a hundred.
#[utoipa::path(
    tag = "events",
    params(
        ("account" = inline(Option<Vec<AnyAddress>>), Query, description = "an account whose transactions are told; may be repeated"),
        ("transaction" = inline(Option<Vec<AnyId>>), Query, description = "a transaction whose life is told; may be repeated")
    ),
    responses((status = 200, body = String, content_type = "text/event-stream", description = "a line for each entry"), Problems)
)]
#[get("/v1/events")]
pub async fn stream_events(
    state: Shared,
    request: HttpRequest,
    query: Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let filter = Filter::read(&query)?;
    let unnamed = std::net::IpAddr::from([0, 0, 0, 0]);
    let client = client_address::of(&request, &state.trusted_proxies).unwrap_or(unnamed);
    let slot = state.events.visitors.enter(client).ok_or_else(|| {
        let detail = "too many streams of events are open here: close one, or ask again later";
        Problem::new(429, "/problems/too-many", "Too many streams", detail).retry_after(10)
    })?;
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let last: Option<BlockId> = last.and_then(|text| text.parse().ok());
    // Listening begins before the present state is read, so nothing falls between the two.
    let news = state.events.news.subscribe();
    let start = teller::start(&state, last, &filter.transactions)?;
    let ready = VecDeque::from([RETRY.to_owned(), filter.text(&start)]);
    let stream = unfold(Stream { filter, news, ready, _slot: slot }, |mut stream| async move {
        loop {
            if let Some(text) = stream.ready.pop_front().filter(|text| !text.is_empty()) {
                return Some((Ok::<_, Infallible>(Bytes::from(text)), stream));
            }
            if stream.ready.is_empty() {
                // Too slow, or the node stops: either way this stream ends.
                let news = stream.news.recv().await.ok()?;
                stream.ready.push_back(stream.filter.text(&news));
            }
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        // Reverse proxies would otherwise keep events back until they have a block of them.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(stream))
}
