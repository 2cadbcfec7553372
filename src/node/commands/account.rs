//! `balance` and `faucet claim`: what an account has, and getting something into it.

use serde_json::json;

use crate::cli::BalanceArgs;
use crate::client::Client;
use crate::commands::print;
use crate::failure::Failure;
use crate::wallet::Wallet;

/// Prints the exact balance.
pub fn balance(args: &BalanceArgs) -> Result<(), Failure> {
    let address = Wallet::of(&args.data_dir).resolve(&args.account)?;
    let account = Client::public(&args.client).get(&format!("/v1/accounts/{address}"))?.ok()?;
    match args.client.json {
        true => print::json(&account),
        false => print::line(format!("{} Barrel", print::barrels(&account, "/balance"))),
    }
}

/// Asks the faucet to pay.
pub fn claim(args: &BalanceArgs) -> Result<(), Failure> {
    let address = Wallet::of(&args.data_dir).resolve(&args.account)?;
    let answer = Client::public(&args.client).post("/faucet", &json!({ "accountAddress": address.to_hex() }))?.ok()?;
    match args.client.json {
        true => print::json(&answer["data"]),
        false => print::line(format!(
            "the faucet pays {address} with transaction {}",
            print::text(&answer, "/data/transaction/hash")
        )),
    }
}
