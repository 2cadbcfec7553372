//! The settings: which exist, what they are called in the file and in the environment, and how their text is read.
//!
//! A [`Layer`] holds those that one source gives. What they mean, and what they are when nobody says anything, stands in
//! [`super::Config`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use ledger::Amount;
use libp2p::Multiaddr;
use serde::Deserialize;

use super::values::{Listener, LogFormat, parse_switch};
use crate::failure::Failure;

/// Environment variables with other meanings than a setting.
const OTHER_VARIABLES: [&str; 4] = ["CONFIG", "NODE", "PASSPHRASE_FILE", "BIN"];

/// Makes the layer of all settings: name, type, and how a text becomes that type.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $read:ident;)*) => {
        /// Settings of one source; those that it does not have are left to the one below.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Layer {
            $($(#[$doc])* pub $name: Option<$type>,)*
        }

        /// The names of all settings, as the file has them.
        pub const KEYS: &[&str] = &[$(stringify!($name)),*];

        impl Layer {
            /// These settings, and those of `below` where there are none.
            pub fn over(self, below: Self) -> Self {
                Self { $($name: self.$name.or(below.$name),)* }
            }

            /// The names of the settings that this layer has.
            pub fn given(&self) -> Vec<&'static str> {
                let all = [$((stringify!($name), self.$name.is_some())),*];
                all.into_iter().filter_map(|(name, given)| given.then_some(name)).collect()
            }

            /// Sets `key` from a text; none if there is no such setting.
            fn set(&mut self, key: &str, text: &str) -> Option<Result<(), String>> {
                Some(match key {
                    $(stringify!($name) => $read(text).map(|value| self.$name = Some(value)),)*
                    _ => return None,
                })
            }
        }
    };
}

settings! {
    /// A built-in network or the path of a network file.
    network: String = one;
    /// See [`super::Config::data_dir`].
    data_dir: PathBuf = one;
    /// See [`super::Config::listen`].
    listen: Vec<Multiaddr> = list;
    /// See [`super::Config::external`].
    external: Vec<Multiaddr> = list;
    /// See [`super::Config::peers`].
    peers: Vec<Multiaddr> = list;
    /// See [`super::Config::rendezvous`].
    rendezvous: String = one;
    /// See [`super::Config::mine`].
    mine: bool = parse_switch;
    /// See [`super::Config::key`].
    key: PathBuf = one;
    /// See [`super::Config::faucet`].
    faucet: bool = parse_switch;
    /// See [`super::Config::faucet_key`].
    faucet_key: PathBuf = one;
    /// See [`super::Config::passphrase_file`].
    passphrase_file: PathBuf = one;
    /// See [`super::Config::http`].
    http: Listener = one;
    /// See [`super::Config::admin`].
    admin: Listener = one;
    /// See [`super::Config::trusted_proxies`].
    trusted_proxies: Vec<IpNet> = list;
    /// See [`super::Config::log_format`].
    log_format: LogFormat = one;
    /// See [`super::Config::log`].
    log: String = one;
    /// See [`super::Config::hash_duty`].
    hash_duty: u8 = one;
    /// See [`super::Config::faucet_amount`].
    faucet_amount: Amount = one;
    /// See [`super::Config::faucet_interval_s`].
    faucet_interval_s: u64 = one;
    /// See [`super::Config::faucet_account_limit`].
    faucet_account_limit: Amount = one;
    /// See [`super::Config::faucet_share`].
    faucet_share: u8 = one;
    /// See [`super::Config::forget_peers_s`].
    forget_peers_s: u64 = one;
    /// See [`super::Config::mdns`].
    mdns: bool = parse_switch;
    /// See [`super::Config::upnp`].
    upnp: bool = parse_switch;
    /// See [`super::Config::wanted_peers`].
    wanted_peers: usize = one;
    /// See [`super::Config::max_inbound`].
    max_inbound: u32 = one;
}

impl Layer {
    /// The settings in the text of a configuration file.
    pub fn from_toml(text: &str, name: &str) -> Result<Self, Failure> {
        let bad = |error: toml::de::Error| Failure::usage(format!("{name}: {error}"));
        let table: toml::Table = text.parse().map_err(bad)?;
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Failure::usage(format!(
                "{name}: unknown setting '{unknown}': did you mean '{}'?",
                nearest(unknown)
            )));
        }
        toml::from_str(text).map_err(bad)
    }

    /// The settings in the environment, and what looked like one but is not.
    pub fn from_environment(variables: &BTreeMap<String, String>) -> Result<(Self, Vec<String>), Failure> {
        let (mut layer, mut warnings) = (Self::default(), Vec::new());
        for (name, value) in variables {
            let Some(suffix) = name.strip_prefix("BARRELEYE_") else { continue };
            let key = suffix.to_ascii_lowercase();
            match layer.set(&key, value) {
                Some(Ok(())) => {}
                Some(Err(why)) => return Err(Failure::usage(format!("environment variable {name}: {why}"))),
                None if OTHER_VARIABLES.contains(&suffix) => {}
                None => warnings.push(format!(
                    "the environment variable {name} is no setting: did you mean BARRELEYE_{}?",
                    nearest(&key).to_ascii_uppercase()
                )),
            }
        }
        Ok((layer, warnings))
    }
}

/// A value in one text.
fn one<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| format!("'{text}': {}", error.to_string()))
}

/// Values between commas.
fn list<T: FromStr<Err: ToString>>(text: &str) -> Result<Vec<T>, String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
}

/// The setting whose name needs the fewest changes to become `typed`.
fn nearest(typed: &str) -> &'static str {
    KEYS.iter().copied().min_by_key(|key| distance(&typed.replace('-', "_"), key)).unwrap_or(KEYS[0])
}

/// Edit distance: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_be_set_by_the_environment() {
        for key in KEYS {
            assert!(Layer::default().set(key, "").is_some(), "{key} cannot be set by the environment");
        }
    }
}
