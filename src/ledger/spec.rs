//! What makes a network: its consensus numbers, its genesis block, and where to find others.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::difficulty::CLAMP_SPACINGS;
use crate::encode::{sha256, tag};
use crate::{
    Account, Address, Amount, BlockId, ChainId, CompactTarget, Digest, Header, PublicKey, Signature, TargetError, Tip,
    Work, merkle, nonce_base,
};

/// The most bytes that any network may allow for a block; the wire carries no larger message.
pub const MAX_BLOCK_BYTES: u32 = 2_000_000;

/// So many rewards and the opening balances fit in 64 bits together: 317 years of blocks at a spacing of 10 s. Until
/// then no balance can overflow, so no honest block is ever refused for what it pays.
pub const SUPPLY_BLOCKS: u64 = 1_000_000_000;

/// B2: a block may be ahead of a node's clock by so many spacings,
const FUTURE_SPACINGS: u64 = 3;
/// and always by so much, which is what clocks on good machines differ by.
const FUTURE_LEAST_MS: u64 = 2_000;

/// The shortest spacing whose clamp of rule D is above the future limit. With a shorter one a miner could forge a time
/// that counts in full, and the target would follow clocks instead of the hash rate.
const LEAST_SPACING_MS: u64 = FUTURE_LEAST_MS / CLAMP_SPACINGS + 1;
// For all longer spacings it is enough that the clamp has more of them.
const _: () = assert!(CLAMP_SPACINGS > FUTURE_SPACINGS);

/// The numbers of a network, as a TOML file has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Name, 1 to 32 of `a-z 0-9 -`.
    pub name: String,
    /// Time of the genesis block, unix milliseconds.
    pub genesis_time_ms: u64,
    /// Target of the first block after genesis.
    pub first_target: CompactTarget,
    /// No target is ever above this one.
    pub easiest_target: CompactTarget,
    /// T: the intended time between blocks.
    pub spacing_ms: u64,
    /// H: the time in which the difficulty follows a change of the hash rate.
    pub response_ms: u64,
    /// What each block pays its miner.
    pub reward: Amount,
    /// Limit of a block's size.
    pub max_block_bytes: u32,
    /// Limit of a block's transactions.
    pub max_block_transactions: u32,
    /// Limit of the bytes of compatible transfers in a block; 0 takes none.
    pub max_barreleye_bytes: u32,
    /// If not empty: only these keys may mine.
    #[serde(default)]
    pub miners: Vec<PublicKey>,
    /// Coins that exist from the start.
    #[serde(default)]
    pub balances: Vec<OpeningBalance>,
    /// Where the network's rules end and a node's own choice begins: nothing below is part of the chain's identity.
    #[serde(default)]
    pub hints: Hints,
}

/// Coins that an account has in the genesis block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningBalance {
    /// Whose.
    pub address: Address,
    /// How many.
    pub amount: Amount,
}

/// What helps a node, and what it may change without leaving the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hints {
    /// Peers to ask first, as multiaddresses.
    pub bootstrap: Vec<String>,
    /// Name under which nodes find one another.
    pub rendezvous: String,
    /// Connected peers that a node wants before it mines; 0 lets a node mine alone.
    pub peers_to_mine: usize,
    /// Blocks are made only on request.
    pub mint_only: bool,
}

impl Default for Hints {
    fn default() -> Self {
        Self { bootstrap: Vec::new(), rendezvous: "barreleye".into(), peers_to_mine: 1, mint_only: false }
    }
}

/// Why numbers do not make a network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// The name is not usable in protocol names.
    #[error("the network name '{0}' must be 1 to 32 of a-z, 0-9 and -")]
    Name(String),
    /// A target is not one.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// The first target is easier than the easiest.
    #[error("first_target is easier than easiest_target")]
    FirstTooEasy,
    /// A target that is not written as rule D would write it.
    #[error("target {0:08x} is not in its shortest form")]
    TargetForm(u32),
    /// No time between blocks, or a response that is shorter than it.
    #[error("spacing_ms must be at least 1 and at most response_ms")]
    Spacing,
    /// Blocks so close that a forged time would count in full.
    #[error(
        "spacing_ms is too short: {CLAMP_SPACINGS} spacings must be more than the {FUTURE_LEAST_MS} ms that a block \
         may be ahead of a clock; set it to at least {LEAST_SPACING_MS}, or for tests set first_target and \
         easiest_target both to 207fffff"
    )]
    SpacingBelowClocks,
    /// Limits that no block could meet, or that no message can carry.
    #[error("max_block_bytes must be between 2000 and {MAX_BLOCK_BYTES}, max_block_transactions at least 1")]
    Limits,
    /// The opening balances do not fit.
    #[error("the opening balances are more than can exist")]
    Balances,
    /// The rewards do not fit.
    #[error(
        "reward is too high: {SUPPLY_BLOCKS} rewards must fit in 64 bits beside the opening balances; \
         set it to at most {most} Barrel, or lower the balances"
    )]
    Reward {
        /// The most that fits beside these opening balances.
        most: Amount,
    },
    /// An address has two opening balances.
    #[error("{0} has two opening balances")]
    TwoBalances(Address),
    /// A listed miner is not a key.
    #[error("{0} in miners is not a public key")]
    Miner(PublicKey),
    /// Not the text of a network file.
    #[error("{0}")]
    Toml(String),
    /// No built-in network has this name.
    #[error("there is no network '{0}': it is dev, test, main, regtest or the path of a network file")]
    Unknown(String),
}

impl NetworkSpec {
    /// The names of the networks that every node knows.
    pub const BUILT_IN: [&str; 4] = ["dev", "test", "main", "regtest"];

    /// A network that every node knows, so that it has its genesis block without asking anyone.
    pub fn built_in(name: &str) -> Result<Self, SpecError> {
        let main = Self {
            name: "main".into(),
            genesis_time_ms: 1_795_219_200_000,
            // 2²⁴ hashes: two seconds of one core with SHA instructions.
            first_target: CompactTarget(0x1e00_ffff),
            // 2²⁰ hashes: ten seconds at 100 000 hashes a second.
            easiest_target: CompactTarget(0x1e0f_ffff),
            spacing_ms: 10_000,
            response_ms: 600_000,
            reward: Amount::drops(10 * Amount::BARREL.as_drops()),
            max_block_bytes: MAX_BLOCK_BYTES,
            max_block_transactions: 10_000,
            max_barreleye_bytes: 200_000,
            miners: Vec::new(),
            balances: Vec::new(),
            hints: Hints { rendezvous: "barreleye-main".into(), ..Hints::default() },
        };
        match name {
            "main" => Ok(main),
            "test" => Ok(Self {
                name: "test".into(),
                hints: Hints { rendezvous: "barreleye-test".into(), ..Hints::default() },
                ..main
            }),
            "dev" => Ok(Self {
                name: "dev".into(),
                // 2¹⁹ hashes: a tenth of a second of one core, so that a new node has blocks at once.
                first_target: CompactTarget(0x1e1f_ffff),
                easiest_target: CompactTarget(0x1f00_ffff),
                spacing_ms: 1_000,
                response_ms: 60_000,
                hints: Hints { rendezvous: "barreleye-dev".into(), peers_to_mine: 0, ..Hints::default() },
                ..main
            }),
            "regtest" => Ok(Self {
                name: "regtest".into(),
                genesis_time_ms: 1_700_000_000_000,
                first_target: CompactTarget(0x207f_ffff),
                easiest_target: CompactTarget(0x207f_ffff),
                // No block can come sooner than 1 ms after its parent, so the target never leaves the easiest.
                spacing_ms: 1,
                response_ms: 60,
                hints: Hints {
                    rendezvous: "barreleye-regtest".into(),
                    peers_to_mine: 0,
                    mint_only: true,
                    ..Hints::default()
                },
                ..main
            }),
            other => Err(SpecError::Unknown(other.into())),
        }
    }

    /// Reads the text of a network file.
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        toml::from_str(text).map_err(|error| SpecError::Toml(error.to_string()))
    }

    /// The text of a network file.
    pub fn to_toml(&self) -> Result<String, SpecError> {
        toml::to_string_pretty(self).map_err(|error| SpecError::Toml(error.to_string()))
    }

    fn validate(&self) -> Result<(), SpecError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 32 || !self.name.chars().all(allowed) {
            return Err(SpecError::Name(self.name.clone()));
        }
        for target in [self.first_target, self.easiest_target] {
            if CompactTarget::floor(target.expand()?) != target {
                return Err(SpecError::TargetForm(target.0));
            }
        }
        if self.first_target.expand()? > self.easiest_target.expand()? {
            return Err(SpecError::FirstTooEasy);
        }
        if self.spacing_ms == 0 || self.spacing_ms > self.response_ms {
            return Err(SpecError::Spacing);
        }
        if self.spacing_ms < LEAST_SPACING_MS && !self.needs_no_work()? {
            return Err(SpecError::SpacingBelowClocks);
        }
        if !(2_000..=MAX_BLOCK_BYTES).contains(&self.max_block_bytes) || self.max_block_transactions == 0 {
            return Err(SpecError::Limits);
        }
        let mut sum = Amount::ZERO;
        for (i, balance) in self.balances.iter().enumerate() {
            sum = sum.checked_add(balance.amount).ok_or(SpecError::Balances)?;
            if self.balances[..i].iter().any(|other| other.address == balance.address) {
                return Err(SpecError::TwoBalances(balance.address));
            }
        }
        let most = Amount::drops((u64::MAX - sum.as_drops()) / SUPPLY_BLOCKS);
        if self.reward > most {
            return Err(SpecError::Reward { most });
        }
        match self.miners.iter().find(|key| key.address().is_err()) {
            Some(bad) => Err(SpecError::Miner(*bad)),
            None => Ok(()),
        }
    }

    /// Whether blocks are for the asking, as on regtest: from the start at two hashes each, and never more than that
    /// while they come no faster than the spacing. Only for tests: where work is worth nothing, so is a forged time.
    fn needs_no_work(&self) -> Result<bool, SpecError> {
        let two = Work(ruint::aliases::U256::from(2));
        Ok(self.first_target == self.easiest_target && self.easiest_target.work()? <= two)
    }

    /// Digest of every consensus number: what the genesis header commits to.
    fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        let numbers = [
            self.name.len() as u64,
            self.genesis_time_ms,
            u64::from(self.first_target.0),
            u64::from(self.easiest_target.0),
            self.spacing_ms,
            self.response_ms,
            self.reward.as_drops(),
            u64::from(self.max_block_bytes),
            u64::from(self.max_block_transactions),
            u64::from(self.max_barreleye_bytes),
            self.miners.len() as u64,
            self.balances.len() as u64,
        ];
        for number in numbers {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(self.name.as_bytes());
        for miner in &self.miners {
            bytes.extend_from_slice(&miner.0);
        }
        for balance in &self.balances {
            bytes.extend_from_slice(&balance.address.0);
            bytes.extend_from_slice(&balance.amount.as_drops().to_le_bytes());
        }
        sha256(&[tag::GENESIS, &bytes])
    }
}

/// A network whose numbers are valid, with its genesis block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The numbers.
    pub spec: NetworkSpec,
    /// The genesis header. It needs no work and no signature: every node makes it itself.
    pub genesis: Header,
    /// The chain's identity: the id of the genesis block.
    pub chain: ChainId,
    /// Where the nonces of every account start (rule T7).
    pub nonce_base: u64,
}

impl Network {
    /// Checks the numbers and makes the genesis block.
    pub fn new(spec: NetworkSpec) -> Result<Self, SpecError> {
        spec.validate()?;
        let genesis = Header {
            version: 1,
            height: 0,
            previous: BlockId(spec.digest().0),
            root: merkle::root(&[]),
            time: spec.genesis_time_ms,
            target: spec.first_target,
            miner: PublicKey::ZERO,
            nonce: 0,
        };
        let chain = genesis.id();
        Ok(Self { nonce_base: nonce_base(&chain), genesis, chain, spec })
    }

    /// A built-in network.
    pub fn built_in(name: &str) -> Result<Self, SpecError> {
        Self::new(NetworkSpec::built_in(name)?)
    }

    /// The chain that consists of genesis.
    pub fn genesis_tip(&self) -> Tip {
        Tip { id: self.chain, height: 0, work: crate::Work::ZERO, time: self.genesis.time }
    }

    /// The genesis block as it travels; its signature is all zero.
    pub fn genesis_block(&self) -> crate::Block {
        crate::Block { header: self.genesis.clone(), signature: Signature::ZERO, transactions: Vec::new() }
    }

    /// The accounts that exist from the start.
    pub fn genesis_accounts(&self) -> impl Iterator<Item = (Address, Account)> + '_ {
        let account = |b: &OpeningBalance| (b.address, Account { balance: b.amount, nonce: self.nonce_base });
        self.spec.balances.iter().map(account)
    }

    /// B5: whether the network lets this key mine.
    pub fn may_mine(&self, key: &PublicKey) -> bool {
        self.spec.miners.is_empty() || self.spec.miners.contains(key)
    }

    /// B2: how far ahead of a node's clock a block may be: 3 T, and never less than two seconds.
    pub fn future_limit_ms(&self) -> u64 {
        self.spec.spacing_ms.saturating_mul(FUTURE_SPACINGS).max(FUTURE_LEAST_MS)
    }

    /// All money that exists at `height`: opening balances and one reward for each block.
    pub fn supply_at(&self, height: u64) -> u128 {
        let opening: u128 = self.spec.balances.iter().map(|b| u128::from(b.amount.as_drops())).sum();
        opening + u128::from(height) * u128::from(self.spec.reward.as_drops())
    }
}
