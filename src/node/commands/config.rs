//! `config`: what a node would be told, and where each value is from.

use serde_json::json;
use toml::Value;

use crate::cli::{ConfigCommand, RunArgs};
use crate::commands::print::{self, Out};
use crate::config::Config;
use crate::failure::Failure;
use crate::node_keys;

/// Checks or shows a configuration.
pub fn perform(command: &ConfigCommand, out: Out) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(args, out),
        ConfigCommand::Show(args) => show(args, out),
    }
}

/// Reads everything as a node would that starts now. Keys are looked at but not opened.
fn check(args: &RunArgs, out: Out) -> Result<(), Failure> {
    let config = args.source(false).of_a_node().load()?;
    crate::logging::check(&config.log).map_err(Failure::usage)?;
    for path in [&config.key, &config.faucet_key, &config.passphrase_file].into_iter().flatten() {
        node_keys::check(path)?;
    }
    let Config { warnings, network, data_dir, .. } = &config;
    let answer = json!({ "network": network.spec.name, "data_dir": data_dir, "warnings": warnings });
    out.answer(&answer, || {
        let good = format!("a node of {} can start with this in {}", network.spec.name, data_dir.display());
        warnings.iter().map(|warning| format!("warning: {warning}\n")).collect::<String>() + &good
    })
}

fn show(args: &RunArgs, out: Out) -> Result<(), Failure> {
    let settings = args.source(false).of_a_node().load()?.settings();
    out.answer(&json!({ "settings": settings }), || {
        let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".into(), Value::to_string);
        let rows: Vec<_> = settings
            .iter()
            .map(|setting| vec![setting.name.into(), value(&setting.value), setting.from.clone()])
            .collect();
        print::table(&["setting", "value", "from"], &rows)
    })
}
