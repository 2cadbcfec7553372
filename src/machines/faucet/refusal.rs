//! Why a claim is refused: for people a sentence, for programs a word that never changes, and how long to wait.

use ipnet::IpNet;
use ledger::{Address, Amount};
use thiserror::Error;

/// Why a claim is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimError {
    /// This node has no faucet.
    #[error("this node has no faucet")]
    Off,
    /// The operator paused it.
    #[error("the faucet is paused by its operator, try again later")]
    Paused,
    /// This node is behind the network.
    #[error("the node is catching up with the network, try again in a minute")]
    Syncing,
    /// C6: as many claims as are kept.
    #[error("the faucet is busy, try again later")]
    Busy,
    /// The faucet's own account has too little.
    #[error("the faucet has no coins at the moment, try again later")]
    NoFunds,
    /// C3: this hour's share of what mining created is paid.
    #[error("the faucet has paid what it may for now: new blocks bring more")]
    Budget {
        /// Seconds until a claim may be paid.
        retry_after_s: u64,
    },
    /// F11: nobody can use coins there.
    #[error("the faucet does not pay to this address")]
    BadAddress,
    /// C1, C2: too early.
    #[error("faucet time limit")]
    TimeLimit {
        /// Seconds until the next claim.
        retry_after_s: u64,
    },
    /// C1: a range around the client has had its share.
    #[error("the faucet has paid as many claims from {range} as it may for now")]
    RangeLimit {
        /// The range.
        range: IpNet,
        /// Seconds until the next claim.
        retry_after_s: u64,
    },
    /// C2: rich enough.
    #[error("The account already has sufficient balance of 10 Barrel or more.")]
    SufficientBalance,
    /// C4: the account had all that it may ever get.
    #[error("the faucet has paid {received} Barrel to this account, which is all that one account gets")]
    ReceivedEnough {
        /// What it got.
        received: Amount,
    },
    /// The operator's list.
    #[error("the faucet's operator excluded this account or address range")]
    Denied,
    /// C4: coins of several accounts went to one collector.
    #[error(
        "coins that the faucet paid to several accounts, this one or some of this address range, were all forwarded to \
         {collector}: ask the faucet's operator if that is a mistake"
    )]
    Collector {
        /// Where the coins went.
        collector: Address,
    },
    /// Work is needed, more than was done.
    #[error(
        "many claim now, so the faucet asks for proof of work of {bits} bits: claim through the web page of this node"
    )]
    Work {
        /// Bits that are needed now.
        bits: u8,
    },
    /// Not a challenge that counts.
    #[error("the challenge is not for this account and client, or it is over: get a new one")]
    Challenge,
    /// The claim could not be kept.
    #[error("the faucet cannot keep the claim: {0}")]
    NotKept(String),
}

impl ClaimError {
    /// All words of [`Self::reason`].
    pub const REASONS: [&str; 16] = [
        "off",
        "paused",
        "syncing",
        "busy",
        "no_funds",
        "budget",
        "bad_address",
        "time_limit",
        "range_limit",
        "sufficient_balance",
        "received_enough",
        "denied",
        "collector",
        "work",
        "challenge",
        "not_kept",
    ];

    /// The word for it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Paused => "paused",
            Self::Syncing => "syncing",
            Self::Busy => "busy",
            Self::NoFunds => "no_funds",
            Self::Budget { .. } => "budget",
            Self::BadAddress => "bad_address",
            Self::TimeLimit { .. } => "time_limit",
            Self::RangeLimit { .. } => "range_limit",
            Self::SufficientBalance => "sufficient_balance",
            Self::ReceivedEnough { .. } => "received_enough",
            Self::Denied => "denied",
            Self::Collector { .. } => "collector",
            Self::Work { .. } => "work",
            Self::Challenge => "challenge",
            Self::NotKept(_) => "not_kept",
        }
    }

    /// Seconds after which the same claim may be paid, if waiting helps and it is known how long.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Budget { retry_after_s }
            | Self::TimeLimit { retry_after_s }
            | Self::RangeLimit { retry_after_s, .. } => Some(*retry_after_s),
            Self::Paused | Self::Syncing | Self::Busy | Self::NoFunds => Some(60),
            Self::Off
            | Self::BadAddress
            | Self::SufficientBalance
            | Self::ReceivedEnough { .. }
            | Self::Denied
            | Self::Collector { .. }
            | Self::Work { .. }
            | Self::Challenge
            | Self::NotKept(_) => None,
        }
    }
}
