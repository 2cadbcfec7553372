//! The wallet's commands on keys, as people and programs use them: none needs a node, and none loses a key.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::harness::Terminal;
use crate::harness::process::{command, run, run_ok};

const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
/// Where the words lead, by another implementation.
const ADDRESS_OF_WORDS: &str = "0x2a4496a36dab94acd168866d7d484035adbc648f";

/// A place with a file of each passphrase.
fn place() -> TempDir {
    let dir = tempdir().unwrap();
    secret_file(dir.path(), "first", "the first\n");
    secret_file(dir.path(), "second", "the second\n");
    dir
}

fn secret_file(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).unwrap();
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run_ok(dir, &[arguments, &["--json"]].concat())).unwrap()
}

/// What a command says when it fails, and its exit code.
#[track_caller]
fn fails(dir: &Path, arguments: &[&str]) -> (String, i32) {
    let output = run(dir, arguments);
    assert!(output.stdout.is_empty(), "{output:?}");
    (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
}

fn new(dir: &Path, alias: &str) -> Value {
    json(dir, &["wallet", "new", alias, "--passphrase-file", "first"])
}

#[test]
fn a_key_is_made_listed_renamed_and_removed_and_no_other_is_ever_replaced() {
    let dir = place();
    let at = dir.path();
    assert!(run_ok(at, &["wallet", "list"]).contains("no key yet"));
    let (alice, bob) = (new(at, "alice"), new(at, "bob"));
    assert_ne!(alice["address"], bob["address"]);
    let file = at.join(alice["file"].as_str().unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let before = fs::read(&file).unwrap();
    for taken in [
        &["wallet", "new", "alice", "--passphrase-file", "first"][..],
        &["wallet", "import", "alice", "--from", "first", "--passphrase-file", "first"],
        &["wallet", "alias", "bob", "alice"],
    ] {
        let (text, code) = fails(at, taken);
        assert_eq!((code, text.contains("there is a key 'alice' already")), (2, true), "{taken:?}: {text}");
    }
    assert_eq!(fs::read(&file).unwrap(), before);

    run_ok(at, &["wallet", "alias", "alice", "savings"]);
    let list = json(at, &["wallet", "list"]);
    let names: Vec<_> = list["keys"].as_array().unwrap().iter().map(|key| key["alias"].as_str().unwrap()).collect();
    assert_eq!(names, ["bob", "savings"]);
    assert_eq!(json(at, &["wallet", "show", "savings"])["address"], alice["address"]);

    let (text, code) = fails(at, &["wallet", "remove", "savings"]);
    assert_eq!((code, text.contains("add --yes")), (2, true), "{text}");
    run_ok(at, &["wallet", "remove", "savings", "--yes"]);
    let (text, code) = fails(at, &["wallet", "show", "savings"]);
    assert_eq!((code, text.contains("there is no key 'savings'")), (66, true), "{text}");
}

#[test]
fn words_bring_the_key_back_in_another_wallet() {
    let (dir, other) = (place(), place());
    let made = new(dir.path(), "alice");
    let words = run_ok(dir.path(), &["wallet", "words", "alice", "--passphrase-file", "first"]);
    assert_eq!(words.split_whitespace().count(), 12, "{words}");
    secret_file(other.path(), "paper", &words.to_uppercase());
    let import = ["wallet", "import", "again", "--from", "paper", "--passphrase-file", "second"];
    assert_eq!(json(other.path(), &import)["address"], made["address"]);
    let again = run_ok(other.path(), &["wallet", "words", "again", "--passphrase-file", "second"]);
    assert_eq!(again, words);
}

#[test]
fn every_form_of_a_key_is_told_apart_and_imported() {
    let dir = place();
    let at = dir.path();
    let hex = "33fa40f84e854b941c2b0436dd4a256e1df1cb41b9c1c0ccc8446408c19b8bf9";
    let scan = "73514296380120941568350742186093547829610358274619530487261950837465291038475";
    let same_as_scan = "0x941568350742186093e702df6f4d5f569df2871fc892261f5d274ce276f6de3";
    let forms =
        [("words", WORDS), ("hex", hex), ("prefixed", &format!("0x{hex}\n")), ("scan", scan), ("as-hex", same_as_scan)];
    for (name, text) in forms {
        secret_file(at, name, text);
        json(at, &["wallet", "import", name, "--from", name, "--passphrase-file", "first"]);
    }
    let address = |name: &str| json(at, &["wallet", "show", name])["address"].as_str().unwrap().to_owned();
    assert_eq!([address("words"), address("hex"), address("prefixed")], [ADDRESS_OF_WORDS; 3].map(String::from));
    assert_eq!(address("scan"), address("as-hex"));

    run_ok(at, &["wallet", "export", "hex", "--to", "hex.json"]);
    let (text, code) = fails(at, &["wallet", "export", "words", "--to", "hex.json"]);
    assert_eq!((code, text.contains("exists already")), (2, true), "{text}");
    let import = ["wallet", "import", "copy", "--from", "hex.json", "--passphrase-file"];
    let (text, code) = fails(at, &[&import[..], &["second"]].concat());
    assert_eq!((code, text.contains("wrong passphrase")), (77, true), "{text}");
    run_ok(at, &[&import[..], &["first"]].concat());
    assert_eq!(address("copy"), ADDRESS_OF_WORDS);
    let secret = run_ok(at, &["wallet", "export", "copy", "--form", "secret-key", "--passphrase-file", "first"]);
    assert_eq!(secret.trim(), hex);

    secret_file(at, "typo", &WORDS.replace("sausage", "sausages"));
    let (text, code) = fails(at, &["wallet", "import", "typo", "--from", "typo", "--passphrase-file", "first"]);
    assert_eq!(code, 2);
    assert!(text.contains("word 6 is not on the English list") && !text.contains("sausages"), "{text}");
}

#[test]
fn a_secret_that_everybody_can_read_is_refused_but_a_key_file_is_none() {
    let dir = place();
    let at = dir.path();
    new(at, "alice");
    run_ok(at, &["wallet", "export", "alice", "--to", "alice.json"]);
    secret_file(at, "key", "abc");
    for name in ["alice.json", "key"] {
        fs::set_permissions(at.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    run_ok(at, &["wallet", "import", "copy", "--from", "alice.json", "--passphrase-file", "first"]);
    let (text, code) = fails(at, &["wallet", "import", "key", "--from", "key", "--passphrase-file", "first"]);
    assert_eq!((code, text.contains("chmod 600")), (2, true), "{text}");
}

#[test]
fn after_a_change_only_the_new_passphrase_opens_the_key() {
    let dir = place();
    let at = dir.path();
    let made = new(at, "alice");
    let change = ["wallet", "passphrase", "alice", "--passphrase-file", "first", "--new-passphrase-file", "second"];
    assert_eq!(json(at, &change)["address"], made["address"]);
    assert_eq!(fails(at, &change).1, 77, "the first is not the passphrase any more");
    run_ok(at, &["wallet", "words", "alice", "--passphrase-file", "second"]);
    let names: Vec<_> =
        fs::read_dir(at.join("barreleye-data/wallet")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["alice.json"], "nothing is left behind");
}

#[test]
fn a_file_that_is_cut_or_newer_or_absurd_is_refused_for_its_reason_and_stays() {
    let dir = place();
    let at = dir.path();
    let made = new(at, "alice");
    let path = at.join(made["file"].as_str().unwrap());
    let good = fs::read_to_string(&path).unwrap();
    for (bad, reason) in [
        (good[..good.len() / 2].to_owned(), "damaged"),
        (good.replace("\"barreleye_key\": 1", "\"barreleye_key\": 9"), "install a newer Barreleye"),
        (good.replace("65536", "4000000000"), "at most 262144 KiB"),
        (good.replace("65536", "65537"), "the checksum does not match"),
    ] {
        fs::write(&path, &bad).unwrap();
        // Nobody is asked for a passphrase that cannot help: there is neither a file nor a terminal.
        let output = command(at, &["setsid".into()]).args(["wallet", "words", "alice"]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.contains(reason)), (Some(65), true), "{reason}: {text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        let list = json(at, &["wallet", "list"]);
        assert!(list["keys"][0]["error"].as_str().unwrap().contains(reason), "{list}");
    }
}

#[test]
fn a_passphrase_comes_from_a_descriptor_and_never_from_the_environment() {
    let dir = place();
    let at = dir.path();
    new(at, "alice");
    let through = ["sh", "-c", "exec \"$0\" \"$@\" 7<first"].map(String::from);
    let words = command(at, &through).args(["wallet", "words", "alice", "--passphrase-fd", "7"]).output().unwrap();
    assert_eq!(String::from_utf8(words.stdout).unwrap().split_whitespace().count(), 12);
    let mut ask = command(at, &["setsid".into()]);
    let output = ask.env("BARRELEYE_PASSPHRASE", "the first").args(["wallet", "words", "alice"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), text.contains("BARRELEYE_PASSPHRASE is not read")), (Some(2), true), "{text}");
}

#[test]
fn programs_get_one_json_error_and_nothing_else() {
    let dir = place();
    for wrong in [&["wallet", "show", "--json"][..], &["tx", "--json", "--wait", "payment.json"]] {
        let (text, code) = fails(dir.path(), wrong);
        let error: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &error["error"]["kind"]), (2, &"usage".into()), "{text}");
    }
    let (text, code) = fails(dir.path(), &["wallet", "show", "nobody", "--json"]);
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &error["error"]["kind"], &error["error"]["exit_code"]), (66, &"missing".into(), &66.into()));
    assert!(error["error"]["message"].as_str().unwrap().contains("there is no key 'nobody'"));
}

#[test]
fn a_person_types_a_passphrase_unseen_and_may_mistype_it() {
    let dir = place();
    let at = dir.path();
    let mut terminal = Terminal::run(at, &["wallet", "new", "alice"]);
    terminal.sees("New passphrase of 'alice': ");
    terminal.types("my secret");
    terminal.sees("Once more: ");
    terminal.types("my secret");
    let (said, code) = terminal.ends();
    assert_eq!((code, said.contains("my secret")), (0, false), "{said}");
    assert!(said.contains("barreleye wallet words alice"), "{said}");

    let mut terminal = Terminal::run(at, &["wallet", "words", "alice"]);
    for _ in 0..2 {
        terminal.sees("Passphrase of 'alice': ");
        terminal.types("mistyped");
        terminal.sees("wrong passphrase, try again");
    }
    terminal.sees("Passphrase of 'alice': ");
    terminal.types("my secret");
    let (words, code) = terminal.ends();
    assert_eq!((code, words.split_whitespace().count()), (0, 12), "{words}");

    let mut terminal = Terminal::run(at, &["wallet", "words", "alice"]);
    for _ in 0..3 {
        terminal.sees("Passphrase of 'alice': ");
        terminal.types("mistyped");
    }
    assert_eq!(terminal.ends().1, 77);

    let mut terminal = Terminal::run(at, &["wallet", "passphrase", "alice"]);
    terminal.sees("Passphrase of 'alice': ");
    terminal.types("my secret");
    terminal.sees("New passphrase of 'alice': ");
    terminal.types("one");
    terminal.sees("Once more: ");
    terminal.types("another");
    let (said, code) = terminal.ends();
    assert_eq!((code, said.contains("nothing was changed")), (2, true), "{said}");

    let mut terminal = Terminal::run(at, &["wallet", "import", "typed"]);
    terminal.sees("The key or its words");
    terminal.types(WORDS);
    terminal.sees("New passphrase of 'typed': ");
    terminal.types("p");
    terminal.sees("Once more: ");
    terminal.types("p");
    let (said, code) = terminal.ends();
    assert_eq!((code, said.contains(ADDRESS_OF_WORDS), said.contains("sausage")), (0, true, false), "{said}");
}

#[test]
fn a_key_is_removed_only_by_a_clear_yes() {
    let dir = place();
    let at = dir.path();
    new(at, "alice");
    for (answer, code) in [("", 2), ("n", 2), ("yes", 0)] {
        let mut terminal = Terminal::run(at, &["wallet", "remove", "alice"]);
        terminal.sees("Without a backup its coins are lost. [y/N] ");
        terminal.types(answer);
        assert_eq!(terminal.ends().1, code, "'{answer}'");
        assert_eq!(at.join("barreleye-data/wallet/alice.json").exists(), code != 0);
    }
}
