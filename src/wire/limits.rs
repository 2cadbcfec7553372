//! Every cap of the wire, each beside its reason. Nothing that a stranger can make grow is without one.
//!
//! The limits of messages are exact: the largest valid message of a kind has exactly that many bytes.

use std::time::Duration;

use ledger::{MAX_BLOCK_BYTES, MAX_DATA_BYTES};

/// Bytes before each message on a stream: its length, little-endian.
pub const FRAME_PREFIX_BYTES: usize = 4;

/// Ids in a locator: 10 single steps and doubling reach genesis from any height with fewer than 64.
pub const MAX_LOCATOR_IDS: usize = 64;

/// Headers in one answer: 274 KB, and few enough that their work is checked in milliseconds.
pub const MAX_HEADERS: usize = 2_000;

/// Blocks asked for at once: a window of empty blocks; full ones end at [`BLOCKS_FILL_BYTES`] long before.
pub const MAX_BLOCK_IDS: usize = 256;

/// Transactions of one block asked for at once: when a pool lacks more, the whole block is better asked for.
pub const MAX_MISSING_TRANSACTIONS: usize = 1_000;

/// The place of a transaction in a block, as it travels: below 2^14.
pub const MAX_INDEX_BYTES: usize = 2;

/// Addresses in one answer: enough to fill the outbound slots several times over.
pub const MAX_ADDRESSES: usize = 32;

/// Length of one address as text: an IPv6 address with port and peer id has 110.
pub const MAX_ADDRESS_BYTES: usize = 256;

/// Length of the name that a node gives itself.
pub const MAX_AGENT_BYTES: usize = 128;

/// Length of the reason of a refusal.
pub const MAX_REFUSAL_BYTES: usize = 256;

/// Usable addresses that are kept for one peer: honest nodes have one or two.
pub const MAX_ADDRESSES_PER_PEER: usize = 10;

/// The smallest transaction as rule B4 counts it: a native transfer without data.
pub const MIN_TRANSACTION_BYTES: usize = 146;

/// Transactions in a block: as many of the smallest as fit into the largest.
pub const MAX_BLOCK_TRANSACTIONS: usize = MAX_BLOCK_BYTES as usize / MIN_TRANSACTION_BYTES;

/// An encoded header: 32 + 32 + 33 bytes of hashes and key, and integers of at most 5 and 10 bytes.
pub const MAX_HEADER_BYTES: usize = 5 + 10 + 32 + 32 + 10 + 5 + 33 + 10;

/// An encoded transaction: kind, key, address, three integers, data with its length, signature.
pub const MAX_TRANSACTION_BYTES: usize = 1 + 33 + 20 + 30 + 2 + MAX_DATA_BYTES + 64;

/// An encoded block. Integers take at most 4 bytes more per transaction here than as rule B4 counts them.
pub const MAX_RAW_BLOCK_BYTES: usize =
    MAX_BLOCK_BYTES as usize + 4 * MAX_BLOCK_TRANSACTIONS + MAX_HEADER_BYTES - ledger::HEADER_BYTES + 3;

/// What a node puts into one answer to `Blocks`: two of the largest blocks nearly, many small ones, and an answer that
/// a slow line carries within its deadline.
pub const BLOCKS_FILL_BYTES: usize = 4 << 20;

/// The largest answer to `Blocks` that is read, with its prefix: twice what is filled, so that an honest answer that
/// ends with a block beyond the mark still passes.
pub const MAX_BLOCKS_RESPONSE_BYTES: usize = 8 << 20;

/// A status: version, chain, tip, agent with its length, one flag.
pub const MAX_STATUS_BYTES: usize = 5 + 32 + (32 + 10 + 32 + 10) + 2 + MAX_AGENT_BYTES + 1;

/// An announced block: header, signature, short ids with their count.
pub const MAX_ANNOUNCE_BYTES: usize = MAX_HEADER_BYTES + 64 + 3 + 8 * MAX_BLOCK_TRANSACTIONS;

/// A batch of transactions by gossip: 2 100 small ones, a fifth of a full block.
pub const MAX_GOSSIP_TRANSACTIONS_BYTES: usize = 256 << 10;

/// What gossip adds around a payload: topic, field tags.
pub const GOSSIP_OVERHEAD_BYTES: usize = 1 << 10;

/// Gossip messages waiting for one slow peer: 64 × 257 KiB = 16 MiB at worst (the default of 5 000 allows 1.3 GB).
pub const GOSSIP_QUEUE: usize = 64;

/// Gossip messages of one peer that may wait for a verdict: beyond it they are ignored, so that a flood costs its
/// sender's own messages only.
pub const MAX_UNJUDGED_PER_PEER: usize = 64;

/// How long gossip keeps a message that waits for its verdict. Five heartbeats: later there is nothing to forward.
pub const VERDICT_DEADLINE: Duration = Duration::from_secs(5);

/// Requests under way to one peer; further ones wait. Half of what the other side serves, so that a second connection
/// of the same peer does not reach its cap.
pub const MAX_REQUESTS_IN_FLIGHT: usize = 16;

/// Requests that wait for their turn with one peer; the next is refused.
pub const MAX_REQUESTS_WAITING: usize = 256;

/// Requests of one peer that may be unanswered; further ones are refused.
pub const MAX_UNANSWERED_PER_PEER: usize = 32;

/// Bytes of answers that are being sent, over all peers: what slow readers can make a node hold.
pub const MAX_SERVING_BYTES: usize = 64 << 20;

/// Streams of the sync protocol on one connection: [`MAX_REQUESTS_IN_FLIGHT`] out, [`MAX_UNANSWERED_PER_PEER`] in.
pub const MAX_SYNC_STREAMS: usize = MAX_REQUESTS_IN_FLIGHT + MAX_UNANSWERED_PER_PEER;

/// Streams of all protocols on one connection. Each may hold 256 KiB of unread data and more when it is tuned up.
pub const MAX_STREAMS: usize = 64;

/// Connections of one peer. Not 1: of two nodes that dial one another at the same moment each would refuse the
/// connection that the other one keeps. The second one is closed a moment later.
pub const MAX_CONNECTIONS_PER_PEER: u32 = 2;

/// Handshakes under way in each direction: a stranger who only opens sockets gets no more.
pub const MAX_PENDING_CONNECTIONS: u32 = 16;

/// Outbound connections beyond the wanted ones: rendezvous queries dial by themselves.
pub const QUERY_CONNECTIONS: u32 = 8;

/// Peers that are refused by id. The set cannot grow beyond; who is refused in addition is only disconnected.
pub const MAX_BLOCKED: usize = 10_000;

/// Commands that wait for the network task. It handles one in microseconds; full means that it has stalled.
pub const COMMAND_QUEUE: usize = 1_024;

/// Commands handled before the swarm is looked at again.
pub const COMMANDS_PER_TURN: usize = 64;

/// Providers that are kept for the rendezvous key: the network's reachable nodes, or that many of them. The default
/// of 20 is filled by a few restarts with new keys.
pub const MAX_PROVIDERS: usize = 64;

/// Providers that one lookup may report; the answers of strangers are cut there.
pub const MAX_PROVIDERS_PER_ANSWER: usize = 64;

/// How long a provider record lives without being renewed: a node that is gone is forgotten soon.
pub const PROVIDER_TTL: Duration = Duration::from_secs(20 * 60);

/// How often the own provider record is renewed: five chances within its life.
pub const PROVIDER_RENEWAL: Duration = Duration::from_secs(4 * 60);

/// The shortest time between two announcements that newly met peers cause.
pub const ANNOUNCE_PAUSE: Duration = Duration::from_secs(1);

/// A rendezvous query ends after that, however far it came.
pub const QUERY_DEADLINE: Duration = Duration::from_secs(20);

/// How often the routing table is refreshed: a node that lost its peers recovers within a minute.
pub const REFRESH: Duration = Duration::from_secs(60);

/// A connection is set up within that time or given up.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// A request is read within that time or its stream is dropped: one byte a second gets nobody far.
pub const READ_DEADLINE: Duration = Duration::from_secs(10);

/// Every stream of the sync protocol ends after that, also when nobody answered: longer than any request's deadline.
pub const STREAM_DEADLINE: Duration = Duration::from_secs(25);

/// Time between pings, and how long an answer may take. Two failures in a row close the connection: a black hole is
/// noticed within 50 s.
pub const PING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(20));

/// Failed pings in a row that close a connection.
pub const MAX_PING_FAILURES: u32 = 2;

/// How long two connections of one peer may stay, so that both sides know both before one is closed.
pub const TWIN_GRACE: Duration = Duration::from_secs(1);

/// Closing takes no longer than that.
pub const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// How often deadlines are looked at.
pub const TICK: Duration = Duration::from_millis(100);
