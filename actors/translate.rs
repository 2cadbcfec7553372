//! Names and messages of the wire, as the machines know them, and back.

use ledger::CheckedBlock;
use machines::PeerId;
use machines::chain::{Announcement, GossipTicket, Verdict, announcement};
use machines::peer::{Event, Greeting, Message, Offence, Question};
use wire::{BlockAnnounce, CodecError, Gossip, GossipId, Request, Status};

/// None for a peer whose key is not ed25519; the wire lets none in.
pub fn peer_id(peer: &wire::PeerId) -> Option<PeerId> {
    PeerId::from_multihash(&peer.to_bytes())
}

/// None cannot happen for an id that came from the wire or was read from text.
pub fn wire_peer(peer: PeerId) -> Option<wire::PeerId> {
    wire::PeerId::from_bytes(&peer.to_multihash()).ok()
}

pub fn greeting(status: Status) -> Greeting {
    Greeting { version: status.version, chain: status.chain, tip: status.tip, agent: status.agent }
}

pub fn question(request: &Request) -> Question {
    match request {
        Request::Status(status) => Question::Status(greeting(status.clone())),
        Request::Headers { .. } => Question::Headers,
        Request::Blocks { ids } => Question::Blocks { count: ids.len() },
        Request::BlockTransactions { .. } => Question::BlockTransactions,
        Request::Addresses => Question::Addresses,
    }
}

pub fn message(gossip: &Gossip) -> Message {
    match gossip {
        Gossip::Block(_) => Message::Block,
        Gossip::Transactions(transactions) => Message::Transactions { count: transactions.len() },
    }
}

/// What a peer did that sent this; nothing, if it may only be newer than this node.
pub fn offence(what: &CodecError) -> Option<Event> {
    let offence = || Event::Offence { offence: Offence::Malformed, what: what.to_string() };
    (!what.may_be_newer()).then(offence)
}

pub fn announced(announce: BlockAnnounce) -> Announcement {
    Announcement { header: announce.header, signature: announce.signature, short_ids: announce.transactions }
}

pub fn announce(block: &CheckedBlock) -> Gossip {
    let Announcement { header, signature, short_ids } = announcement(block);
    Gossip::Block(BlockAnnounce { header, signature, transactions: short_ids })
}

pub fn verdict(verdict: Verdict) -> wire::Verdict {
    match verdict {
        Verdict::Accept => wire::Verdict::Accept,
        Verdict::Ignore => wire::Verdict::Ignore,
        Verdict::Reject => wire::Verdict::Reject,
    }
}

pub fn ticket(id: &GossipId) -> Option<GossipTicket> {
    Some(GossipTicket { message: id.message_hash()?, source: peer_id(&id.source())? })
}

pub fn gossip_id(ticket: GossipTicket) -> Option<GossipId> {
    Some(GossipId::from_parts(ticket.message, wire_peer(ticket.source)?))
}

/// What a request is for: its ticket says who gets the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The peer's greeting.
    Greeting,
    /// A question of the syncer.
    Sync(u64),
    /// A block that was announced: the chain's question.
    Fetch(u64),
    /// Transactions of a block that was announced: the chain's question.
    Missing(u64),
    /// Addresses of others.
    Addresses,
}

impl Purpose {
    pub fn ticket(self) -> u64 {
        let (kind, question) = match self {
            Self::Greeting => (0, 0),
            Self::Addresses => (1, 0),
            Self::Sync(ask) => (2, ask),
            Self::Fetch(ask) => (3, ask),
            Self::Missing(ask) => (4, ask),
        };
        question << 3 | kind
    }

    /// None for a ticket that [`Self::ticket`] did not make.
    pub fn of(ticket: u64) -> Option<Self> {
        let question = ticket >> 3;
        Some(match ticket & 7 {
            0 => Self::Greeting,
            1 => Self::Addresses,
            2 => Self::Sync(question),
            3 => Self::Fetch(question),
            4 => Self::Missing(question),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_says_what_its_question_was_for() {
        let purposes = [
            Purpose::Greeting,
            Purpose::Addresses,
            Purpose::Sync(0),
            Purpose::Sync(1 << 40),
            Purpose::Fetch(7),
            Purpose::Missing(7),
        ];
        for purpose in purposes {
            assert_eq!(Purpose::of(purpose.ticket()), Some(purpose));
        }
        assert_eq!(Purpose::of(7), None);
    }

    #[test]
    fn w09_a_kind_of_message_that_is_not_known_yet_is_no_offence_and_anything_else_is() {
        assert!(offence(&CodecError::UnknownKind(200)).is_none());
        let faults = [
            CodecError::TooLong { length: 2, limit: 1 },
            CodecError::TooMany { what: "blocks", got: 257, limit: 256 },
            CodecError::Malformed("short".into()),
            CodecError::Trailing(1),
            CodecError::NotCanonical,
            CodecError::NotAsked { asked: 1, got: 2 },
        ];
        for fault in faults {
            assert!(matches!(offence(&fault), Some(Event::Offence { offence: Offence::Malformed, .. })), "{fault}");
        }
    }
}
