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

/// How many headers are asked for, as it travels: below 2^14.
pub const MAX_LIMIT_BYTES: usize = 2;

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

/// What the library may have read of the next frames when it compares what it has read with the limit of one: without
/// room for that, one of two large messages in a row would end the stream.
pub const GOSSIP_READ_AHEAD_BYTES: usize = 8 << 10;

/// Gossip messages waiting for one slow peer: 64 × 257 KiB = 16 MiB at worst (the default of 5 000 allows 1.3 GB).
pub const GOSSIP_QUEUE: usize = 64;

/// Control messages (grafts, prunes, ids that are had or wanted) in one frame.
pub const GOSSIP_CONTROL_BYTES: usize = 16 << 10;

/// Messages with ids that a peer has, in one heartbeat of a second; further ones are not looked at.
pub const MAX_IHAVE_PER_HEARTBEAT: usize = 10;

/// Ids that are asked of one peer in one heartbeat.
pub const MAX_IWANT_PER_HEARTBEAT: usize = 512;

/// How long the ids of messages are remembered, so that each is delivered once.
pub const GOSSIP_MEMORY: Duration = Duration::from_secs(60);

/// How long the score of a peer that has left is remembered. Every peer that connected takes a place that long, and
/// thousands can in a minute. Whoever leaves to lose a bad score is refused by then: invalid messages are offences too.
pub const SCORE_MEMORY: Duration = Duration::from_secs(2);

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

/// Peers that are refused by id, and as many by IP address. Neither set can grow beyond; who is refused in addition is
/// only disconnected.
pub const MAX_BLOCKED: usize = 10_000;

/// Commands that wait for the network task. It handles one in microseconds; full means that it has stalled.
pub const COMMAND_QUEUE: usize = 1_024;

/// Commands handled before the swarm is looked at again.
pub const COMMANDS_PER_TURN: usize = 64;

/// Providers that are kept for the rendezvous key: the network's reachable nodes, or that many of them, and always
/// this node itself. The default of 20 is filled by a few restarts with new keys.
pub const MAX_PROVIDERS: usize = 64;

/// Providers that announced themselves from one range of addresses (/24, /64), except where private addresses are
/// usable: who has one range cannot fill the table. It counts from where they came; what they claim costs them nothing.
pub const MAX_PROVIDERS_PER_RANGE: usize = 8;

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

/// A connection is set up within that time or given up: who connects and says nothing holds a place no longer.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// A request is read within that time or its stream is dropped: one byte a second gets nobody far.
pub const READ_DEADLINE: Duration = Duration::from_secs(10);

/// Every stream of the sync protocol ends after that, also when nobody answered: longer than any request's deadline.
pub const STREAM_DEADLINE: Duration = Duration::from_secs(25);

/// Time between two pings.
pub const PING_PAUSE: Duration = Duration::from_secs(5);

/// An answer to a ping. The second failure in a row closes the connection (the library keeps the first to itself), so a
/// black hole is noticed within twice this and twice [`PING_PAUSE`]: 50 s.
pub const PING_DEADLINE: Duration = Duration::from_secs(20);

/// What was sent to a peer arrives there within that time, or the connection is over. Without it a connection in a black
/// hole could not even be closed while anything waits to be sent, and one that was in it for a while would stay silent
/// for as long again: TCP waits twice as long before each next try. Longer than a wait of [`PING_DEADLINE`].
pub const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// How often peers say again what they are and where they see this node.
pub const IDENTIFY_AGAIN: Duration = Duration::from_secs(5 * 60);

/// Peers that must have seen this node at an address before others are told of it: one liar is not enough, nor two.
pub const CONFIRMATIONS: usize = 3;

/// How long what a peer saw counts: several times [`IDENTIFY_AGAIN`].
pub const CONFIRMATION_LIFE: Duration = Duration::from_secs(30 * 60);

/// Observations that are kept, one for each peer: more than there are outbound connections.
pub const MAX_OBSERVATIONS: usize = 64;

/// Addresses that only peers confirm: an IPv4 and an IPv6 address, and each once more while it changes.
pub const MAX_CONFIRMED: usize = 4;

/// Nodes of the LAN that are listened to: a LAN of more needs no help in finding one.
pub const MAX_LOCAL_PEERS: usize = 64;

/// How long an announcement on the LAN is believed.
pub const LAN_TTL: Duration = Duration::from_secs(6 * 60);

/// How often the LAN is asked again.
pub const LAN_QUERY: Duration = Duration::from_secs(60);

/// Addresses that one DNS seed may give: enough to fill the outbound slots several times over.
pub const MAX_SEED_ADDRESSES: usize = 32;

/// DNS seeds that are asked at the same time: a configuration has a few.
pub const MAX_SEED_LOOKUPS: usize = 8;

/// A DNS seed answers within that time or counts as unreachable.
pub const SEED_DEADLINE: Duration = Duration::from_secs(10);

/// How long two connections of one peer may stay, so that both sides know both before one is closed.
pub const TWIN_GRACE: Duration = Duration::from_secs(1);

/// How long the side that does not decide about two connections waits for the one that does: a second connection would
/// take an inbound slot of its own for ever.
pub const TWIN_PATIENCE: Duration = Duration::from_secs(5);

/// Closing takes no longer than that.
pub const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// How often deadlines are looked at.
pub const TICK: Duration = Duration::from_millis(100);
