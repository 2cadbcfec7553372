//! `tx`: a transaction, pending or in a block.

use ledger::TxId;

use crate::cli::TxArgs;
use crate::client::Client;
use crate::commands::print;
use crate::failure::Failure;

/// Prints the transaction.
pub fn tx(args: &TxArgs) -> Result<(), Failure> {
    let id: TxId =
        args.id.parse().map_err(|error| Failure::usage(format!("'{}' is no transaction id: {error}", args.id)))?;
    let tx = Client::public(&args.client).get(&format!("/v1/transactions/{}", id.to_hex()))?.ok()?;
    if args.client.json {
        return print::json(&tx);
    }
    let text = |place| print::text(&tx, place);
    print::line(format!("transaction  {}", text("/id")))?;
    let state = match tx["block"].is_object() {
        true => format!("in block {}, {} confirmations", text("/block/height"), text("/confirmations")),
        false => "pending".into(),
    };
    print::line(format!("state        {state}"))?;
    print::line(format!("from         {}", text("/from")))?;
    print::line(format!("to           {}", text("/to")))?;
    print::line(format!("amount       {} Barrel", print::barrels(&tx, "/amount")))?;
    print::line(format!("fee          {} Barrel", print::barrels(&tx, "/fee")))?;
    print::line(format!("nonce        {}", text("/nonce")))?;
    print::line(format!("data         {}", text("/data")))
}
