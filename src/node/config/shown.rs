//! What a node is told, as its operator sees it: each setting with its value and the source that it is from.

use std::path::PathBuf;

use serde::Serialize;
use toml::Value;

use super::{Config, KEYS};

/// Settings that take effect when the configuration is read again; all others need a restart.
pub const LIVE: [&str; 6] = ["log", "peers", "hash_duty", "faucet_amount", "faucet_interval_s", "faucet_account_limit"];

/// The source of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody says anything.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment,
    /// A flag of the command line.
    Flag,
}

/// A setting.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// Its name in the file.
    pub name: &'static str,
    /// Its value; none where there is none, such as a key file that nobody named.
    pub value: Option<Value>,
    /// Where the value is from, in words.
    pub from: String,
    /// Whether a change takes effect without a restart.
    pub live: bool,
}

impl Config {
    /// All settings, in the order of their names in the code.
    pub fn settings(&self) -> Vec<Setting> {
        KEYS.iter().map(|name| self.setting(name)).collect()
    }

    /// The names of settings that are not the same in `other`.
    pub fn changes(&self, other: &Self) -> Vec<&'static str> {
        let different = |name: &&&str| self.value(name) != other.value(name);
        KEYS.iter().filter(different).copied().collect()
    }

    fn setting(&self, name: &'static str) -> Setting {
        let from = match self.origins.get(name).unwrap_or(&Origin::Default) {
            Origin::Default => "default".into(),
            Origin::File(path) => format!("file {}", path.display()),
            Origin::Environment => format!("environment BARRELEYE_{}", name.to_ascii_uppercase()),
            Origin::Flag => format!("flag --{}", if name == "peers" { "peer".into() } else { name.replace('_', "-") }),
        };
        Setting { name, value: self.value(name), from, live: LIVE.contains(&name) }
    }

    fn value(&self, name: &str) -> Option<Value> {
        let text = |value: &dyn ToString| Some(Value::String(value.to_string()));
        let number = |value: u64| Some(Value::Integer(i64::try_from(value).unwrap_or(i64::MAX)));
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| Value::String(path.display().to_string()));
        match name {
            "network" => text(&self.network.spec.name),
            "data_dir" => text(&self.data_dir.display()),
            "listen" => texts(&self.listen),
            "external" => texts(&self.external),
            "peers" => texts(&self.peers),
            "rendezvous" => text(&self.rendezvous),
            "mine" => Some(Value::Boolean(self.mine)),
            "key" => path(&self.key),
            "faucet" => Some(Value::Boolean(self.faucet)),
            "faucet_key" => path(&self.faucet_key),
            "passphrase_file" => path(&self.passphrase_file),
            "http" => text(&self.http),
            "admin" => text(&self.admin),
            "trusted_proxies" => texts(&self.trusted_proxies),
            "log_format" => text(&self.log_format),
            "log" => text(&self.log),
            "hash_duty" => number(self.hash_duty.into()),
            "faucet_amount" => text(&self.faucet_amount),
            "faucet_interval_s" => number(self.faucet_interval_s),
            "faucet_account_limit" => text(&self.faucet_account_limit),
            "faucet_share" => number(self.faucet_share.into()),
            "forget_peers_s" => number(self.forget_peers_s),
            "mdns" => Some(Value::Boolean(self.mdns)),
            "upnp" => Some(Value::Boolean(self.upnp)),
            "wanted_peers" => number(self.wanted_peers as u64),
            "max_inbound" => number(self.max_inbound.into()),
            _ => None,
        }
    }
}

fn texts(values: &[impl ToString]) -> Option<Value> {
    Some(Value::Array(values.iter().map(|value| Value::String(value.to_string())).collect()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::config::{Layer, load};

    #[test]
    fn each_setting_is_shown_with_its_value_and_where_that_is_from() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("node.toml");
        fs::write(&file, "log = \"warn\"\nhash_duty = 7\nwanted_peers = 3\n").unwrap();
        let variables = BTreeMap::from([("BARRELEYE_HASH_DUTY".to_owned(), "8".to_owned())]);
        let flags = Layer { data_dir: Some(dir.path().into()), wanted_peers: Some(4), ..Layer::default() };
        let config = load(flags, Some(&file), &variables, false).unwrap();
        let shown = |name: &str| {
            let all = config.settings();
            let setting = all.iter().find(|setting| setting.name == name).unwrap();
            (setting.value.as_ref().map(ToString::to_string), setting.from.clone())
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(shown("log"), (text("\"warn\""), format!("file {}", file.display())));
        assert_eq!(shown("hash_duty"), (text("8"), "environment BARRELEYE_HASH_DUTY".into()));
        assert_eq!(shown("wanted_peers"), (text("4"), "flag --wanted-peers".into()));
        assert_eq!(shown("network"), (text("\"dev\""), "default".into()));
        assert_eq!(shown("key"), (None, "default".into()));
    }

    #[test]
    fn no_setting_is_left_out_and_a_change_of_any_is_seen() {
        let config = load(Layer::default(), None, &BTreeMap::new(), false).unwrap();
        let without: Vec<_> = config
            .settings()
            .into_iter()
            .filter(|setting| setting.value.is_none())
            .map(|setting| setting.name)
            .collect();
        assert_eq!(without, ["key", "faucet_key", "passphrase_file"]);
        assert!(config.changes(&config).is_empty());
        let other = Config { log: "debug".into(), key: Some("k".into()), hash_duty: 3, ..config.clone() };
        assert_eq!(config.changes(&other), ["key", "log", "hash_duty"]);
    }
}
