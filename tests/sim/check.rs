//! What must hold when everything was quiet for a while.

use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::{ChainSource, check};
use machines::{chain, discovery, miner, syncer};

use super::node::Node;
use super::world::{Figures, World};

impl World {
    /// One tip, equal state, one network; everybody mines, nobody waits for anything.
    pub fn check(&mut self) -> Result<Figures, String> {
        let islands = self.islands();
        if islands.len() != 1 {
            let stands = |node: &usize| {
                let live = self.nodes[*node].live.as_ref()?;
                Some(format!("{node}: {:?} {:?}", live.discovery.state(), live.discovery.figures()))
            };
            let alone: Vec<_> = islands.iter().filter(|island| island.len() < 3).flatten().filter_map(stands).collect();
            return Err(format!("the network fell apart: {islands:?}, {alone:#?}"));
        }
        let first = &self.nodes[islands[0][0]].store;
        let replayed = replay(first)?;
        let (mut reorganisations, mut deepest) = (0, 0);
        for node in self.running() {
            check_node(node, first, &replayed).map_err(|what| format!("node {}: {what}", node.index))?;
            if let Some(live) = &node.live {
                let figures = live.chain.figures();
                reorganisations += figures.reorganisations;
                deepest = figures.deepest_reorganisation.max(deepest);
            }
        }
        self.figures.height = first.tip().unwrap().height;
        Ok(Figures { reorganisations, deepest, ..self.figures })
    }
}

fn check_node(node: &Node, first: &MemoryChain, replayed: &MemoryChain) -> Result<(), String> {
    let (tip, wanted_tip) = (node.store.tip().unwrap(), first.tip().unwrap());
    let live = node.live.as_ref().ok_or("it does not run")?;
    let claim = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_string()) };
    claim(tip == wanted_tip, &format!("its tip {tip:?} is not {wanted_tip:?}, its syncer {:?}", live.syncer.state()))?;
    claim(live.chain.tip() == tip, "machine and store have different tips")?;
    claim(node.store.accounts() == first.accounts(), "its accounts are others")?;
    claim(node.store.accounts() == replayed.accounts(), "its accounts are not those of a replay")?;
    // B30: nothing but rewards creates money.
    claim(node.store.supply() == node.network.supply_at(tip.height), "its accounts hold more or less than was made")?;
    for tx in live.chain.pool().transactions() {
        let nonce = node.store.accounts().get(&tx.sender()).map_or(node.network.nonce_base, |account| account.nonce);
        claim(tx.transaction().nonce() >= nonce, "its pool holds a transaction whose nonce is used")?;
    }
    let settled = matches!(live.chain.state(), chain::State::Settled { .. });
    claim(settled, &format!("its chain is {:?}", live.chain.state()))?;
    let following = live.syncer.state() == &syncer::State::Following && !live.syncer.is_syncing();
    claim(following, &format!("its syncer is {:?}", live.syncer.state()))?;
    let connected = match live.discovery.state() {
        discovery::State::Connected { .. } => true,
        // Where there are fewer slots than all want, somebody always looks on.
        discovery::State::Searching { .. } => node.slots_are_scarce(),
        discovery::State::Lonely { .. } => false,
    };
    claim(connected, &format!("it is {:?}", live.discovery.state()))?;
    let mines = matches!(live.miner.state(), miner::State::Mining { .. }) && live.job.is_some();
    claim(mines, &format!("its miner is {:?}", live.miner.state()))
}

/// The chain of `store` from genesis on, by all rules.
fn replay(store: &MemoryChain) -> Result<MemoryChain, String> {
    let network = store.network();
    let mut fresh = MemoryChain::new(network.clone());
    for id in &store.main_chain()[1..] {
        let block = store.block(id).unwrap().ok_or(format!("the body of block {id} is missing"))?;
        let block = check::block_alone(block, network, |_| None).map_err(|error| format!("block {id}: {error}"))?;
        fresh.connect(Arc::new(block)).map_err(|error| format!("block {id}: {error}"))?;
    }
    Ok(fresh)
}
