//! The configuration of a running node, read again at SIGHUP: what can change at runtime does, all else is named.
//!
//! A configuration that cannot be used changes nothing.

use actors::Handle;
use machines::faucet::Terms;
use tracing::{error, info, warn};

use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::logging::LogControl;
use crate::service;

/// What a node runs by, and where it can be read again.
pub struct Reload {
    source: Source,
    /// What holds now.
    config: Config,
    log: LogControl,
    node: Handle,
}

impl Reload {
    /// A node that was started with `config` from `source`.
    pub fn new(source: Source, config: Config, log: LogControl, node: Handle) -> Self {
        Self { source, config, log, node }
    }

    /// Reads everything again.
    pub fn again(&mut self) {
        service::reloading();
        match self.source.load() {
            Ok(new) => self.apply(new),
            Err(error) => error!(%error, "the configuration cannot be used: nothing changes"),
        }
        service::ready();
    }

    fn apply(&mut self, new: Config) {
        for warning in &new.warnings {
            warn!("{warning}");
        }
        let (mut done, mut later) = (Vec::new(), Vec::new());
        for name in self.config.changes(&new) {
            match self.change(name, &new) {
                None => later.push(name),
                Some(Ok(())) => done.push(name),
                Some(Err(error)) => error!(setting = name, %error, "this setting stays as it was"),
            }
        }
        if !later.is_empty() {
            warn!(settings = later.join(", "), "these settings need a restart");
        }
        info!(changed = done.join(", "), "the configuration was read again");
    }

    /// Lets a changed setting take effect; none if it cannot without a restart.
    fn change(&mut self, name: &str, new: &Config) -> Option<Result<(), Failure>> {
        let now = &mut self.config;
        Some(match name {
            "log" => self.log.set(&new.log).map_err(Failure::usage).map(|()| now.log.clone_from(&new.log)),
            "peers" => {
                self.node.fix_peers(&new.peers).map_err(Failure::internal).map(|()| now.peers.clone_from(&new.peers))
            }
            "hash_duty" => {
                self.node.set_hash_duty(new.hash_duty);
                now.hash_duty = new.hash_duty;
                Ok(())
            }
            "faucet_amount" | "faucet_interval_s" | "faucet_account_limit" => {
                let set = self.node.set_faucet_terms(terms(new)).map_err(Failure::internal);
                set.map(|()| {
                    now.faucet_amount = new.faucet_amount;
                    now.faucet_interval_s = new.faucet_interval_s;
                    now.faucet_account_limit = new.faucet_account_limit;
                })
            }
            _ => return None,
        })
    }
}

/// How the faucet pays by this configuration.
pub fn terms(config: &Config) -> Terms {
    Terms {
        amount: config.faucet_amount,
        account_limit: config.faucet_account_limit,
        interval_ms: config.faucet_interval_s.saturating_mul(1_000),
    }
}
