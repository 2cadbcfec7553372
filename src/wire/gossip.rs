//! Announcements by gossip: settings, and the messages that wait for a verdict.
//!
//! A message travels on only when it was accepted. Its id is its content, so the same content travels once whoever
//! sends it. It carries no author: what it says proves itself, and nobody learns where it started. Gossip is a hint;
//! everything that it tells can also be asked for.
//!
//! A peer's score here only decides whether gossip is exchanged with it: it falls by invalid messages and by messages
//! that are announced and never delivered. Whether the peer is banned is decided elsewhere. Being slow is no fault.

use std::collections::{HashMap, HashSet, VecDeque};

use libp2p::PeerId;
use libp2p::gossipsub::{
    self, ConfigBuilder, IdentityTransform, MaxCountSubscriptionFilter, MessageAuthenticity, MessageId,
    PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::limits::*;
use crate::names::Names;
use crate::{CodecError, Gossip};

/// Gossip that knows two topics.
pub(crate) type Behaviour =
    gossipsub::Behaviour<IdentityTransform, MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>>;

/// A received gossip message: what it is, and who passed it on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GossipId {
    pub(crate) message: MessageId,
    pub(crate) source: PeerId,
}

impl GossipId {
    /// The message with this content hash, passed on by `source`.
    pub fn from_parts(content: [u8; 32], source: PeerId) -> Self {
        Self { message: MessageId::new(&content), source }
    }

    /// The hash of its content; none for an id that this crate did not make.
    pub fn message_hash(&self) -> Option<[u8; 32]> {
        self.message.0.as_slice().try_into().ok()
    }

    /// Who passed it on.
    pub fn source(&self) -> PeerId {
        self.source
    }
}

/// Makes the behaviour and subscribes to both topics. Of more than `per_ip` peers at one IP address all lose score.
pub(crate) fn behaviour(
    names: &Names,
    per_ip: Option<u32>,
) -> Result<Behaviour, Box<dyn std::error::Error + Send + Sync>> {
    let topics = [&names.blocks, &names.transactions];
    let config = ConfigBuilder::default()
        .protocol_id_prefix(names.gossip_prefix())
        .validate_messages()
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message| id_of(&message.topic, &message.data))
        .max_transmit_size(MAX_GOSSIP_TRANSACTIONS_BYTES + GOSSIP_OVERHEAD_BYTES + GOSSIP_READ_AHEAD_BYTES)
        .max_transmit_size_for_topic(MAX_ANNOUNCE_BYTES + GOSSIP_OVERHEAD_BYTES, names.blocks.hash())
        .connection_handler_queue_len(GOSSIP_QUEUE)
        .max_publish_messages(GOSSIP_QUEUE)
        .max_control_message_size(GOSSIP_CONTROL_BYTES)
        .max_ihave_messages_heartbeat(MAX_IHAVE_PER_HEARTBEAT)
        .max_control_messages_sent(MAX_IWANT_PER_HEARTBEAT)
        .duplicate_cache_time(GOSSIP_MEMORY)
        .build()?;
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(topics.iter().map(|topic| topic.hash()).collect::<HashSet<_>>()),
        max_subscribed_topics: topics.len(),
        // Subscribing, leaving and subscribing again at once is all that makes sense.
        max_subscriptions_per_request: 4 * topics.len(),
    };
    let mut behaviour = Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    behaviour.with_peer_score(score(&topics.map(|topic| topic.hash()), per_ip), thresholds())?;
    for topic in topics {
        behaviour.subscribe(topic)?;
    }
    Ok(behaviour)
}

/// What costs a peer its score. Nothing raises it: whoever only behaves stays at zero.
fn score(topics: &[TopicHash], per_ip: Option<u32>) -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        // Blocks are rare: that a peer delivered none for a while says nothing.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // The square of their number counts; a tenth is left after 230 s.
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: 0.99,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: topics.iter().map(|hash| (hash.clone(), topic.clone())).collect(),
        app_specific_weight: 0.0,
        ip_colocation_factor_weight: if per_ip.is_some() { -10.0 } else { 0.0 },
        ip_colocation_factor_threshold: f64::from(per_ip.unwrap_or(1).max(1)),
        // Announced and not delivered. A busy honest node breaks a few such promises.
        behaviour_penalty_weight: -1.0,
        behaviour_penalty_threshold: 10.0,
        behaviour_penalty_decay: 0.99,
        slow_peer_weight: 0.0,
        retain_score: SCORE_MEMORY,
        ..PeerScoreParams::default()
    }
}

/// Two invalid messages within a few minutes end gossip of ids with a peer, three publishing to it, and from the fourth
/// on nothing of it is read.
fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -30.0,
        publish_threshold: -80.0,
        graylist_threshold: -150.0,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 0.0,
    }
}

/// Reads what came under `topic`.
pub(crate) fn decode(names: &Names, topic: &TopicHash, data: &[u8]) -> Result<Gossip, CodecError> {
    if *topic == names.blocks.hash() { Gossip::decode_block(data) } else { Gossip::decode_transactions(data) }
}

/// The id of a message: the hash of its content.
pub(crate) fn id_of(topic: &TopicHash, data: &[u8]) -> MessageId {
    let digest = Sha256::new().chain_update(topic.as_str()).chain_update([0]).chain_update(data).finalize();
    MessageId::new(digest.as_slice())
}

/// Messages that wait for their verdict: bounded for each peer, and none waits for ever.
#[derive(Default)]
pub(crate) struct Unjudged {
    order: VecDeque<(Instant, GossipId)>,
    waiting: HashMap<GossipId, Instant>,
    per_peer: HashMap<PeerId, usize>,
}

impl Unjudged {
    /// Takes a message; `false` when its sender has too many waiting.
    pub(crate) fn add(&mut self, now: Instant, id: &GossipId) -> bool {
        let count = self.per_peer.entry(id.source).or_default();
        if *count >= MAX_UNJUDGED_PER_PEER {
            return false;
        }
        if self.waiting.insert(id.clone(), now).is_none() {
            *count += 1;
            self.order.push_back((now, id.clone()));
        }
        true
    }

    /// The verdict has come; `false` when it is too late.
    pub(crate) fn judge(&mut self, id: &GossipId) -> bool {
        let known = self.waiting.remove(id).is_some();
        if known && let Some(count) = self.per_peer.get_mut(&id.source) {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&id.source);
            }
        }
        known
    }

    /// Those whose time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<GossipId> {
        let mut expired = Vec::new();
        let is_over = |since: &Instant| *since + VERDICT_DEADLINE <= now;
        while self.order.front().is_some_and(|(since, _)| is_over(since))
            && let Some((_, id)) = self.order.pop_front()
        {
            // A message that was judged and came again waits under a later time.
            if self.waiting.get(&id).is_some_and(is_over) && self.judge(&id) {
                expired.push(id);
            }
        }
        expired
    }

    /// Whether nothing is kept of anybody.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.per_peer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(source: PeerId, n: usize) -> GossipId {
        GossipId { message: MessageId::new(&n.to_le_bytes()), source }
    }

    #[test]
    fn t08_one_peer_cannot_have_more_than_64_messages_waiting_and_another_is_not_touched_by_that() {
        let mut unjudged = Unjudged::default();
        let (now, loud, quiet) = (Instant::now(), PeerId::random(), PeerId::random());
        for n in 0..MAX_UNJUDGED_PER_PEER {
            assert!(unjudged.add(now, &id(loud, n)));
        }
        assert!(!unjudged.add(now, &id(loud, 1000)));
        assert!(unjudged.add(now, &id(quiet, 0)));
        assert!(unjudged.judge(&id(loud, 3)));
        assert!(!unjudged.judge(&id(loud, 3)), "a second verdict changes nothing");
        assert!(unjudged.add(now, &id(loud, 1000)));
    }

    #[test]
    fn what_gets_no_verdict_expires_and_nothing_is_kept() {
        let mut unjudged = Unjudged::default();
        let (start, peer) = (Instant::now(), PeerId::random());
        unjudged.add(start, &id(peer, 1));
        unjudged.add(start, &id(peer, 2));
        assert!(unjudged.judge(&id(peer, 2)));
        assert!(unjudged.expire(start).is_empty());
        assert_eq!(unjudged.expire(start + VERDICT_DEADLINE), vec![id(peer, 1)]);
        assert!(unjudged.order.is_empty() && unjudged.waiting.is_empty() && unjudged.per_peer.is_empty());
    }

    #[test]
    fn w24_the_id_is_the_content() {
        let (a, b) = (TopicHash::from_raw("a"), TopicHash::from_raw("b"));
        assert_eq!(id_of(&a, b"x"), id_of(&a, b"x"));
        assert_ne!(id_of(&a, b"x"), id_of(&b, b"x"));
        assert_ne!(id_of(&a, b"x"), id_of(&a, b"y"));
    }
}
