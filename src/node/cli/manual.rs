//! The manual page, deploy/barreleye.1: made of the commands themselves, and held to them.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Cli;

const FILES: [(&str, &str); 5] = [
    ("./barreleye-data", "The data directory of a node that was started by hand, if nothing else is said."),
    ("/etc/barreleye/barreleye.toml", "The configuration of the service; every setting is explained there."),
    ("/etc/barreleye/keys", "Keys that are given to the service: miner.key, faucet.key, passphrase."),
    ("/var/lib/barreleye", "Chain, peers and keys of the service."),
    ("/usr/share/doc/barreleye/operating.md", "The operator's guide."),
];

/// Every command that does something, with its full name.
fn leaves(command: &Command, name: &str) -> Vec<(String, Command)> {
    let below = command.get_subcommands().filter(|sub| sub.get_name() != "help");
    let below: Vec<_> = below.flat_map(|sub| leaves(sub, &format!("{name} {}", sub.get_name()))).collect();
    if below.is_empty() { vec![(name.into(), command.clone())] } else { below }
}

fn page() -> Vec<u8> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    let mut more = Roff::new();
    more.control("SH", ["COMMANDS"]);
    for (name, mut command) in leaves(&command, "barreleye") {
        let usage = command.render_usage().to_string();
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        more.control("SS", [name.as_str()]);
        more.text([roman(command.get_about().map(ToString::to_string).unwrap_or_default())]);
        more.control("PP", []).text([roman(usage.split_whitespace().collect::<Vec<_>>().join(" "))]);
        more.control("PP", []).control("nf", []);
        for line in after.lines() {
            more.text([roman(line)]);
        }
        more.control("fi", []);
    }
    more.control("PP", []).text([roman("All flags of a command: "), bold("barreleye help COMMAND"), roman(".")]);
    more.to_writer(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    man.render_extra_section(&mut page).unwrap();
    let mut files = Roff::new();
    files.control("SH", ["FILES"]);
    for (path, what) in FILES {
        files.control("TP", []).text([bold(path)]).text([roman(what)]);
    }
    files.to_writer(&mut page).unwrap();
    page
}

#[test]
fn the_manual_page_is_what_the_commands_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/barreleye.1");
    let page = page();
    if std::env::var_os("BARRELEYE_WRITE_MANUAL").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let kept = std::fs::read(&file).unwrap_or_default();
    assert!(kept == page, "deploy/barreleye.1 is old: BARRELEYE_WRITE_MANUAL=1 cargo test --lib manual");
}
