//! `wallet`: making, listing, showing, importing, exporting and removing keys. Needs no node.

use std::io::{IsTerminal, Read};
use std::path::Path;

use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::{ExportForm, WalletArgs, WalletCommand};
use crate::commands::confirm::confirm;
use crate::commands::print::{self, Out};
use crate::commands::sign;
use crate::failure::Failure;
use crate::key_forms;
use crate::keyfile::{Cost, KeyFile};
use crate::passphrase::{Passphrase, Source};
use crate::private_file;
use crate::secret::Secret;
use crate::wallet::{Kept, Wallet};
use crate::words::Words;

/// Longer than a key in any form.
const MAX_KEY_TEXT: u64 = 64 * 1024;

/// Does what was asked of the wallet.
pub fn perform(command: WalletCommand, out: Out) -> Result<(), Failure> {
    match command {
        WalletCommand::New { alias, wallet } => new(&alias, &wallet, out),
        WalletCommand::List { wallet } => list(&Wallet::of(&wallet.data_dir), out),
        WalletCommand::Show { alias, wallet } => show(&alias, &Wallet::of(&wallet.data_dir), out),
        WalletCommand::Import { alias, from, wallet } => import(&alias, from.as_deref(), &wallet, out),
        WalletCommand::Export { alias, form, to, wallet } => export(&alias, form, to.as_deref(), &wallet, out),
        WalletCommand::Words { alias, wallet } => words(&alias, &wallet, out),
        WalletCommand::Alias { alias, to, wallet } => {
            Wallet::of(&wallet.data_dir).rename(&alias, &to)?;
            out.answer(&json!({ "alias": to, "was": alias }), || format!("'{alias}' is now '{to}'"))
        }
        WalletCommand::Passphrase { alias, new_passphrase_file, new_passphrase_fd, wallet } => {
            let new = WalletCommand::new_passphrase(&new_passphrase_file, new_passphrase_fd);
            change_passphrase(&alias, &wallet, &new, out)
        }
        WalletCommand::Remove { alias, yes, wallet } => remove(&alias, yes, &Wallet::of(&wallet.data_dir), out),
        WalletCommand::Sign(args) => sign::sign(&args, out),
    }
}

/// Opens a key of the wallet.
pub fn open(alias: &str, file: &KeyFile, source: &Source) -> Result<Secret, Failure> {
    let name = format!("'{alias}'");
    source.open(&name, |passphrase| file.open(passphrase).map_err(|error| Failure::from(error).about(&name)))
}

fn new(alias: &str, args: &WalletArgs, out: Out) -> Result<(), Failure> {
    let wallet = Wallet::of(&args.data_dir);
    wallet.check_free(alias)?;
    let passphrase = args.passphrase().new_passphrase(&format!("'{alias}'"))?;
    let secret = Secret::from_words(Words::random()).map_err(Failure::internal)?;
    let file = KeyFile::seal(&secret, &passphrase, Cost::default())?;
    keep(alias, &wallet, &file, out)?;
    out.note(format!("write its backup words on paper: barreleye wallet words {alias}"));
    Ok(())
}

/// Keeps a key that exists elsewhere. A key file keeps its passphrase, which must open it; every other form gets one.
fn import(alias: &str, from: Option<&Path>, args: &WalletArgs, out: Out) -> Result<(), Failure> {
    let wallet = Wallet::of(&args.data_dir);
    wallet.check_free(alias)?;
    let text = given_key(from)?;
    if is_key_file(&text) {
        let file = KeyFile::from_json(&text)?;
        open(alias, &file, &args.passphrase())?;
        return keep(alias, &wallet, &file, out);
    }
    let secret = key_forms::parse(&text).map_err(Failure::usage)?;
    let passphrase: Passphrase = args.passphrase().new_passphrase(&format!("'{alias}'"))?;
    keep(alias, &wallet, &KeyFile::seal(&secret, &passphrase, Cost::default())?, out)
}

fn is_key_file(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// A key from a file, from whoever types it unseen, or from whoever pipes it in.
fn given_key(from: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = from {
        return Ok(private_file::read_unless_exposed(path, |text| !is_key_file(text))?);
    }
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("The key or its words (not shown): ");
        return typed.map(Zeroizing::new).map_err(Failure::usage);
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_KEY_TEXT as usize));
    std::io::stdin().lock().take(MAX_KEY_TEXT).read_to_string(&mut text).map_err(Failure::usage)?;
    Ok(text)
}

fn keep(alias: &str, wallet: &Wallet, file: &KeyFile, out: Out) -> Result<(), Failure> {
    let path = wallet.add(alias, file)?;
    let answer = json!({ "alias": alias, "address": file.address(), "file": path });
    out.answer(&answer, || format!("{alias}  {}  in {}", file.address(), path.display()))
}

/// One line for each key. One that cannot be read has its reason in the place of its address.
fn list(wallet: &Wallet, out: Out) -> Result<(), Failure> {
    let keys = wallet.list()?;
    let as_json = |Kept { alias, file }: &Kept| match file {
        Ok(file) => json!({ "alias": alias, "address": file.address(), "words": file.has_words(), "error": null }),
        Err(error) => json!({ "alias": alias, "address": null, "words": null, "error": error.to_string() }),
    };
    let as_row = |Kept { alias, file }: &Kept| {
        vec![alias.clone(), file.as_ref().map_or_else(ToString::to_string, |file| file.address().to_string())]
    };
    let answer = json!({ "keys": keys.iter().map(as_json).collect::<Vec<_>>() });
    out.answer(&answer, || match keys.is_empty() {
        true => "there is no key yet: make one with barreleye wallet new NAME".into(),
        false => print::table(&["name", "address"], &keys.iter().map(as_row).collect::<Vec<_>>()),
    })
}

fn show(alias: &str, wallet: &Wallet, out: Out) -> Result<(), Failure> {
    let (file, path) = (wallet.get(alias)?, wallet.path(alias)?);
    let (address, public_key, has_words) = (file.address(), file.public_key(), file.has_words());
    let answer = json!({
        "alias": alias, "address": address, "public_key": public_key, "words": has_words, "file": path,
    });
    out.answer(&answer, || {
        print::list(&[
            ("name", alias.into()),
            ("address", address.to_string()),
            ("public key", public_key.to_string()),
            ("backup words", if has_words { "yes" } else { "no" }.into()),
            ("file", path.display().to_string()),
        ])
    })
}

fn export(alias: &str, form: ExportForm, to: Option<&Path>, args: &WalletArgs, out: Out) -> Result<(), Failure> {
    let file = Wallet::of(&args.data_dir).get(alias)?;
    let (name, text) = match form {
        ExportForm::KeyFile => ("key_file", Zeroizing::new(file.to_json()?)),
        ExportForm::SecretKey => {
            let secret = open(alias, &file, &args.passphrase())?;
            ("secret_key", Zeroizing::new(hex::encode(&Zeroizing::new(secret.key.to_bytes())[..]) + "\n"))
        }
    };
    let Some(path) = to else {
        // The key file is JSON by itself.
        return match form {
            ExportForm::KeyFile => print::line(text.trim_end()),
            ExportForm::SecretKey => {
                out.answer(&json!({ "alias": alias, name: text.trim_end() }), || text.trim_end().into())
            }
        };
    };
    private_file::create(path, text.as_bytes())?;
    out.answer(&json!({ "alias": alias, "form": name, "file": path }), || format!("written to {}", path.display()))
}

fn words(alias: &str, args: &WalletArgs, out: Out) -> Result<(), Failure> {
    let file = Wallet::of(&args.data_dir).get(alias)?;
    if !file.has_words() {
        return Err(Failure::Missing(format!(
            "'{alias}' was made from a secret key and has no words: back it up with barreleye wallet export {alias}"
        )));
    }
    let words = open(alias, &file, &args.passphrase())?.words;
    let phrase = words.map(|words| words.phrase()).ok_or_else(|| Failure::internal("the words are gone"))?;
    out.answer(&json!({ "alias": alias, "words": &*phrase }), || phrase.to_string())
}

fn change_passphrase(alias: &str, args: &WalletArgs, new: &Source, out: Out) -> Result<(), Failure> {
    let wallet = Wallet::of(&args.data_dir);
    let secret = open(alias, &wallet.get(alias)?, &args.passphrase())?;
    let passphrase = new.new_passphrase(&format!("'{alias}'"))?;
    wallet.seal_again(alias, &secret, &passphrase, Cost::default())?;
    let address = secret.key.address();
    out.answer(&json!({ "alias": alias, "address": address }), || {
        format!("'{alias}' has a new passphrase; copies of its old file still open with the old one")
    })
}

fn remove(alias: &str, yes: bool, wallet: &Wallet, out: Out) -> Result<(), Failure> {
    // A file that is damaged can be removed too, but nobody knows whose it was.
    let address = match wallet.get(alias) {
        Ok(file) => Some(file.address()),
        Err(missing @ Failure::Missing(_)) => return Err(missing),
        Err(_) => None,
    };
    let whose = address.map_or_else(|| "whose file is damaged".into(), |address| address.to_string());
    confirm(&format!("Remove '{alias}', {whose}? Without a backup its coins are lost."), yes)?;
    wallet.remove(alias)?;
    out.answer(&json!({ "alias": alias, "address": address }), || format!("'{alias}' is removed"))
}
