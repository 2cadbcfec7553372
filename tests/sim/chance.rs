//! What goes wrong by chance, and what people do meanwhile.

use ledger::{Account, Amount, Transaction, Transfer};
use rand::RngExt;

use super::links::{Weather, exponential};
use super::node::Node;
use super::plan::{HOUR, MINUTE, SECOND};
use super::world::{Happening, World};

impl World {
    /// Crashes, partitions, loss and payments, for as long as the longest partition may last.
    pub fn chaos(&mut self) -> Result<(), String> {
        self.chaos = true;
        self.links.weather = self.plan.weather;
        self.nodes.iter_mut().for_each(|node| node.loses_each = self.plan.loses_each);
        self.run(10 * MINUTE)?;
        if self.plan.partition_ms >= HOUR {
            self.links.part(2, &mut self.rng);
            self.part_connections();
            let ms = self.rng.random_range(10 * MINUTE..self.plan.partition_ms);
            self.run(ms)?;
            self.links.heal();
            self.run(MINUTE)?;
        }
        Ok(())
    }

    /// Nothing goes wrong any more: all nodes run, all links are up.
    pub fn quiet(&mut self) -> Result<(), String> {
        self.chaos = false;
        self.links.weather = Weather::FAIR;
        self.links.heal();
        for node in 0..self.nodes.len() {
            self.nodes[node].fuse = None;
            self.nodes[node].loses_each = 0;
            if self.nodes[node].live.is_none() {
                self.start(node);
            }
        }
        self.settle()
    }

    /// After a while one node finds the next blocks, which decides between branches of equal work; then nobody is lucky.
    pub fn settle(&mut self) -> Result<(), String> {
        self.run(2 * MINUTE)?;
        let one = self.running().next().ok_or("no node runs")?.index;
        self.mine(&[one]);
        let height = self.tip(one).height + 3;
        self.run_until(20 * MINUTE, "the only miner finds blocks", |world| world.tip(one).height >= height)?;
        self.mine(&[]);
        self.run(MINUTE)
    }

    fn crashes(&mut self) {
        let share = self.plan.crashes / 3_600.0;
        for node in 0..self.nodes.len() {
            if share > 0.0 && self.rng.random_bool(share) {
                // In the middle of whatever it does next.
                self.nodes[node].fuse = Some(self.rng.random_range(1..20));
            }
        }
    }

    pub(super) fn crashed(&mut self, node: usize) {
        self.figures.crashes += 1;
        self.stop(node);
        let ms = self.rng.random_range(500..MINUTE);
        self.later(ms, Happening::Restarts { node });
    }

    /// Once a second something may go wrong, and people pay.
    pub(super) fn chance(&mut self) {
        self.crashes();
        let share = self.plan.partitions / 3_600.0;
        if self.links.is_whole() && share > 0.0 && self.rng.random_bool(share) {
            let groups = self.rng.random_range(2..=4);
            self.links.part(groups, &mut self.rng);
            self.part_connections();
            let ms = SECOND + exponential(MINUTE as f64, &mut self.rng);
            self.later(ms, Happening::Heals);
        }
        if self.rng.random_bool(0.5) {
            self.pay();
        }
    }

    /// Somebody pays somebody through some node.
    pub fn pay(&mut self) {
        let node = self.rng.random_range(0..self.nodes.len());
        let mut anybody = || self.rng.random_range(0..self.people.len());
        let ((key, from), (_, to)) = (&self.people[anybody()], &self.people[anybody()]);
        let Some(live) = &self.nodes[node].live else { return };
        let network = &self.nodes[node].network;
        let account = self.nodes[node].store.accounts().get(from).copied();
        let account = account.unwrap_or(Account { balance: Amount::ZERO, nonce: network.nonce_base });
        let mut nonce = live.chain.pool().next_nonce(from).unwrap_or(account.nonce);
        // Now and then one that leaves a gap, or replaces one that waits.
        match self.rng.random_range(0..20) {
            0 => nonce += 1,
            1 => nonce = account.nonce,
            _ => {}
        }
        // Now and then nearly everything, so that branches differ in what can be paid.
        let all = account.balance.as_drops().max(2);
        let most = if self.rng.random_bool(0.1) { all } else { (all / 50).max(2) };
        let amount = Amount::drops(self.rng.random_range(1..most));
        let fee = Amount::drops(self.rng.random_range(0..100_000));
        let transfer = Transfer::sign(key, &network.chain, *to, amount, fee, nonce, Vec::new());
        self.hear(node, Node::submission(Transaction::Transfer(transfer)));
    }
}
