//! `balance` and `account`: what an account has, and where its nonces stand.

use client::Account;

use crate::cli::AccountArgs;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::failure::Failure;
use crate::wallet::Wallet;

/// Prints the exact balance.
pub fn balance(args: &AccountArgs, out: Out) -> Result<(), Failure> {
    let account = read(args)?;
    out.answer(&account, || format!("{} Barrel", account.balance.0))
}

/// Prints all that the node knows.
pub fn account(args: &AccountArgs, out: Out) -> Result<(), Failure> {
    let account = read(args)?;
    out.answer(&account, || {
        print::list(&[
            ("address", account.address.to_string()),
            ("balance", format!("{} Barrel", account.balance.0)),
            ("sent", format!("{} transactions", account.sequence)),
            ("waiting", format!("{} transactions", account.waiting)),
            ("next nonce", account.next_nonce.to_string()),
        ])
    })
}

fn read(args: &AccountArgs) -> Result<Account, Failure> {
    let address = Wallet::of(&args.wallet.data_dir).resolve(&args.account)?;
    Ok(node::public(&args.client).account(&address)?)
}
