//! `send` and `submit`: posting a transfer, signed now or before, and waiting for it.

use std::io::Read;

use client::transfer;
use client::{Account, Client, Drops, Fee, InBlock, Posted, State, TransferJson};
use ledger::{Amount, ChainId, Signature, Transaction, Transfer, TxId};
use serde::Serialize;

use crate::cli::{SendArgs, SubmitArgs, WaitArgs};
use crate::commands::confirm::confirm;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::commands::sign::receiver;
use crate::commands::wait::Wait;
use crate::commands::wallet;
use crate::failure::Failure;
use crate::private_file;
use crate::wallet::Wallet;

/// Longer than any transfer.
const MAX_TEXT: u64 = 64 * 1024;

/// What became of a transfer.
#[derive(Serialize)]
struct Sent {
    id: TxId,
    amount: Drops,
    fee: Drops,
    state: State,
    confirmations: u64,
    block: Option<InBlock>,
}

/// Signs and posts.
pub fn send(args: &SendArgs, out: Out) -> Result<(), Failure> {
    let wallet = Wallet::of(&args.wallet.data_dir);
    let file = wallet.get(&args.alias)?;
    let (to, data) = receiver(&wallet, &args.transfer)?;
    let client = node::public(&args.client);
    let chain = client.status()?.chain;
    let account = client.account(&file.address())?;
    let mut tx = Transfer {
        from: file.public_key(),
        to,
        amount: args.transfer.amount,
        fee: Amount::ZERO,
        nonce: args.nonce.unwrap_or(account.next_nonce.0),
        data,
        signature: Signature::ZERO,
    };
    tx.fee = match args.fee {
        Some(fee) => fee,
        None => estimate(&client.fees()?.next_block, &tx)?,
    };
    let left = remaining(&account, &tx, &args.alias)?;
    let question = format!(
        "Send {} Barrel to {to}, fee {} Barrel? {left} Barrel of '{}' are left then.",
        tx.amount, tx.fee, args.alias
    );
    confirm(&question, args.yes)?;
    let key = wallet::open(&args.alias, &file, &args.wallet.passphrase())?.key;
    let tx = Transfer::sign(&key, &chain, tx.to, tx.amount, tx.fee, tx.nonce, tx.data);
    post(&client, &chain, &tx, &args.wait, out)
}

/// What the next block asks of a transfer of this size, rounded up.
fn estimate(fee: &Fee, tx: &Transfer) -> Result<Amount, Failure> {
    if tx.data.is_empty() {
        return Ok(fee.transfer.0);
    }
    let size = Transaction::Transfer(tx.clone()).size() as u128;
    let drops = (u128::from(fee.per_1000_bytes.0.as_drops()) * size).div_ceil(1000);
    let fits =
        u64::try_from(drops).map_err(|_| Failure::refused("the node asks for an absurd fee: give one with --fee"));
    Ok(Amount::drops(fits?))
}

fn remaining(account: &Account, tx: &Transfer, alias: &str) -> Result<Amount, Failure> {
    let left = tx.amount.checked_add(tx.fee).and_then(|takes| account.balance.0.checked_sub(takes));
    left.ok_or_else(|| {
        let (has, amount, fee) = (account.balance.0, tx.amount, tx.fee);
        Failure::refused(format!("'{alias}' has {has} Barrel, not {amount} Barrel and {fee} Barrel for the fee"))
    })
}

/// Posts what was signed before.
pub fn submit(args: &SubmitArgs, out: Out) -> Result<(), Failure> {
    let text = match &args.file {
        Some(path) => private_file::read_unless_exposed(path, |_| false)?.to_string(),
        None => {
            let mut text = String::new();
            std::io::stdin().lock().take(MAX_TEXT).read_to_string(&mut text).map_err(Failure::usage)?;
            text
        }
    };
    let tx = signed(text.trim())?;
    let client = node::public(&args.client);
    let chain = client.status()?.chain;
    if tx.from.verify(&tx.signing_digest(&chain), &tx.signature).is_err() {
        return Err(Failure::refused(
            "the signature does not hold on this node's chain: it was changed, or signed for another chain",
        ));
    }
    post(&client, &chain, &tx, &args.wait, out)
}

fn signed(text: &str) -> Result<Transfer, Failure> {
    let tx = match text.starts_with('{') {
        true => serde_json::from_str::<TransferJson>(text)
            .map_err(|error| error.to_string())
            .and_then(|json| Transfer::try_from(json).map_err(|error| error.to_string())),
        false => transfer::from_hex(text).map_err(|error| error.to_string()),
    };
    tx.map_err(|why| Failure::refused(format!("this is no signed transfer: {why}; make one with barreleye sign")))
}

/// The id is printed as soon as the transaction is posted: whoever stops waiting must know it.
fn post(client: &Client, chain: &ChainId, tx: &Transfer, wait: &WaitArgs, out: Out) -> Result<(), Failure> {
    let json = TransferJson::from(tx);
    let id = client.submit(&Posted::Json(json.clone()))?;
    if id != tx.id(chain) {
        return Err(Failure::internal(format!("the node calls the transaction {id}, it is {}", tx.id(chain))));
    }
    let (amount, fee) = (tx.amount.into(), tx.fee.into());
    let Some(wanted) = wait.wait else {
        let sent = Sent { id, amount, fee, state: State::Pool, confirmations: 0, block: None };
        return out.answer(&sent, || id.to_string());
    };
    out.note(format!("transaction {id} is posted"));
    let seen = Wait { client, id, wanted, transfer: Some(&json) }.until_confirmed(wait, out)?;
    let text = format!("{id} is {}", print::state(&seen));
    out.answer(
        &Sent { id, amount, fee, state: seen.state, confirmations: seen.confirmations, block: seen.block },
        || text,
    )
}

#[cfg(test)]
mod tests {
    use ledger::{Address, SecretKey};

    use super::*;

    fn transfer(data: Vec<u8>) -> Transfer {
        let key = SecretKey::from_bytes([9; 32]).unwrap();
        Transfer::sign(&key, &ChainId::ZERO, Address([2; 20]), Amount::BARREL, Amount::drops(1), 0, data)
    }

    #[test]
    fn the_fee_follows_the_size_and_is_rounded_up() {
        let fee = Fee { per_1000_bytes: Amount::drops(1001).into(), transfer: Amount::drops(147).into() };
        assert_eq!(estimate(&fee, &transfer(vec![])).unwrap(), Amount::drops(147));
        let tx = transfer(vec![7; 100]);
        let size = Transaction::Transfer(tx.clone()).size() as u64;
        assert_eq!(estimate(&fee, &tx).unwrap(), Amount::drops((1001 * size).div_ceil(1000)));
        let absurd = Fee { per_1000_bytes: Amount::drops(u64::MAX).into(), ..fee };
        assert_eq!(estimate(&absurd, &transfer(vec![7; 1024])).unwrap_err().exit_code(), 65);
    }

    #[test]
    fn a_signed_transfer_is_read_in_both_forms_and_nothing_else_is() {
        let tx = transfer(vec![1, 2]);
        assert_eq!(signed(&serde_json::to_string(&TransferJson::from(&tx)).unwrap()).unwrap(), tx);
        assert_eq!(signed(&client::transfer::to_hex(&tx)).unwrap(), tx);
        for bad in ["", "{}", "00", "hello"] {
            assert!(signed(bad).unwrap_err().to_string().contains("make one with barreleye sign"), "{bad}");
        }
    }
}
