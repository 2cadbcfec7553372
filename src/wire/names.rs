//! The names under which the protocols of one chain are spoken. They carry the chain's id, so nodes of two chains that
//! meet have no protocol in common.

use ledger::ChainId;
use libp2p::StreamProtocol;
use libp2p::gossipsub::IdentTopic;
use libp2p::kad::RecordKey;
use sha2::{Digest, Sha256};

/// Hex digits of the chain id in a name: 64 bits tell chains apart; the handshake compares the whole id.
const CHAIN_DIGITS: usize = 16;

/// All names of one chain.
#[derive(Debug, Clone)]
pub struct Names {
    prefix: String,
    /// The topic of block announcements.
    pub blocks: IdentTopic,
    /// The topic of transactions.
    pub transactions: IdentTopic,
}

impl Names {
    /// The names of `chain`.
    pub fn new(chain: &ChainId) -> Self {
        let prefix = format!("/barreleye/{}", &chain.to_hex()[..CHAIN_DIGITS]);
        Self {
            blocks: IdentTopic::new(format!("{prefix}/blocks/1")),
            transactions: IdentTopic::new(format!("{prefix}/transactions/1")),
            prefix,
        }
    }

    /// Requests and responses.
    pub fn sync(&self) -> StreamProtocol {
        self.protocol("sync/1")
    }

    /// Rendezvous over Kademlia.
    pub fn kad(&self) -> StreamProtocol {
        self.protocol("kad/1")
    }

    /// The prefix that gossip puts before its own version.
    pub fn gossip_prefix(&self) -> String {
        format!("{}/gossip", self.prefix)
    }

    /// The family that identify tells.
    pub fn family(&self) -> String {
        format!("{}/1", self.prefix)
    }

    fn protocol(&self, name: &str) -> StreamProtocol {
        StreamProtocol::try_from_owned(format!("{}/{name}", self.prefix)).expect("the name starts with a slash")
    }
}

/// The key under which the nodes of a chain find one another: SHA-256(rendezvous name ‖ chain id).
pub fn rendezvous_key(rendezvous: &str, chain: &ChainId) -> RecordKey {
    let digest = Sha256::new().chain_update(rendezvous.as_bytes()).chain_update(chain.0).finalize();
    RecordKey::new(&digest.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_chains_share_no_name() {
        let (one, two) = (ChainId::from_hex_of(1), ChainId::from_hex_of(2));
        let (a, b) = (Names::new(&one), Names::new(&two));
        assert_eq!(a.sync().as_ref(), "/barreleye/0101010101010101/sync/1");
        assert_ne!(a.sync(), b.sync());
        assert_ne!(a.kad(), b.kad());
        assert_ne!(a.blocks.hash(), b.blocks.hash());
        assert_ne!(a.transactions.hash(), a.blocks.hash());
        assert_ne!(a.gossip_prefix(), b.gossip_prefix());
        assert_ne!(rendezvous_key("x", &one), rendezvous_key("x", &two));
        assert_ne!(rendezvous_key("x", &one), rendezvous_key("y", &one));
    }

    trait Repeated {
        fn from_hex_of(byte: u8) -> Self;
    }

    impl Repeated for ChainId {
        fn from_hex_of(byte: u8) -> Self {
            ledger::BlockId([byte; 32])
        }
    }
}
