//! `init`: a data directory with a commented configuration and the node's keys.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::cli::InitArgs;
use crate::commands::print::{self, Out};
use crate::config;
use crate::failure::Failure;
use crate::node_keys;
use crate::private_file;

/// Writes what is not there yet; an existing configuration is an error, existing keys are kept.
pub fn init(args: &InitArgs, out: Out) -> Result<(), Failure> {
    config::network(&args.network)?;
    private_file::create_dir(&args.data_dir)?;
    let path = args.data_dir.join(config::FILE);
    private_file::create(&path, commented(&network_setting(&args.network)?).as_bytes())?;
    let key = node_keys::miner(&args.data_dir)?;
    let identity = node_keys::identity(&args.data_dir)?;
    let (key_path, peer) = (args.data_dir.join(node_keys::MINER_KEY), identity.public().to_peer_id());
    let answer = json!({
        "configuration": path,
        "miner_key": key_path,
        "address": key.address(),
        "peer": peer.to_string(),
        "data_dir": args.data_dir,
    });
    out.answer(&answer, || {
        print::list(&[
            ("configuration", path.display().to_string()),
            ("miner's key", format!("{}  address {}", key_path.display(), key.address())),
            ("identity", peer.to_string()),
            ("start it with", format!("barreleye run --data-dir {}", args.data_dir.display())),
        ])
    })
}

/// A file's path must hold from wherever the node is started.
fn network_setting(name: &str) -> Result<String, Failure> {
    match Path::new(name).is_file() {
        true => fs::canonicalize(name).map(|path| path.display().to_string()).map_err(Failure::usage),
        false => Ok(name.into()),
    }
}

/// The commented configuration, for this network.
fn commented(network: &str) -> String {
    config::COMMENTED.replacen("network = \"test\"", &format!("network = {network:?}"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{KEYS, Layer};

    #[test]
    fn the_commented_configuration_names_every_setting_and_each_is_valid() {
        let text = commented("dev");
        let open: String = text
            .lines()
            .filter(|line| !line.starts_with("# "))
            .map(|line| line.trim_start_matches('#').to_owned() + "\n")
            .collect();
        let layer = Layer::from_toml(&open, "open").unwrap();
        assert_eq!(layer.network.as_deref(), Some("dev"));
        for key in KEYS.iter().filter(|key| **key != "data_dir") {
            assert!(open.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key} is not explained");
        }
    }

    #[test]
    fn init_makes_a_directory_that_a_node_can_start_from_and_refuses_a_second_time() {
        let dir = tempfile::tempdir().unwrap();
        let args = InitArgs { network: "test".into(), data_dir: dir.path().join("node") };
        init(&args, Out::new(false)).unwrap();
        let flags = Layer { data_dir: Some(args.data_dir.clone()), ..Layer::default() };
        let config = config::load(flags, None, &Default::default(), false).unwrap();
        assert_eq!(config.network.spec.name, "test");
        let error = init(&args, Out::new(false)).unwrap_err().to_string();
        assert!(error.contains("exists already"), "{error}");
    }
}
