//! One example of each message, byte by byte. Other programs compare themselves with `vectors.txt`, which was not made
//! by this code: a change that breaks it breaks them, and needs another protocol version.

use ledger::{
    Address, Amount, BarreleyeTransfer, Block, BlockId, CompactTarget, Digest, Header, PublicKey, Signature, Tip,
    Transaction, Transfer, Work,
};

use crate::codec::frame;
use crate::names::{Names, rendezvous_key};
use crate::{BlockAnnounce, Gossip, RawBlock, Request, Response, Status, canonical, gossip};

const VECTORS: &str = include_str!("vectors.txt");

fn header() -> Header {
    Header {
        version: 1,
        height: 300,
        previous: BlockId([1; 32]),
        root: Digest([2; 32]),
        time: 1_700_000_000_000,
        target: CompactTarget(0x1d00_ffff),
        miner: PublicKey([3; 33]),
        nonce: 5,
    }
}

fn transactions() -> Vec<Transaction> {
    let native = Transfer {
        from: PublicKey([2; 33]),
        to: Address([3; 20]),
        amount: Amount::drops(100_000_000),
        fee: Amount::drops(1_000),
        nonce: 9,
        data: b"hi".to_vec(),
        signature: Signature([5; 64]),
    };
    let compatible = BarreleyeTransfer {
        nonce: 7,
        from: Address([1; 20]),
        to: Address([2; 20]),
        value: 3,
        data: 0xab,
        signer: PublicKey([2; 33]),
        signature: Signature([9; 64]),
    };
    vec![Transaction::Transfer(native), Transaction::Barreleye(compatible)]
}

fn status() -> Status {
    let mut work = [0; 32];
    work[29] = 1;
    let tip = Tip { id: BlockId([5; 32]), height: 300, work: Work::from_bytes(work), time: 1_700_000_000_000 };
    let agent = "barreleye/0.1.0".into();
    Status { version: 1, chain: BlockId([0xab; 32]), tip, agent, syncing: false }
}

fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let chain = BlockId([0xab; 32]);
    let id = BlockId([6; 32]);
    let block = Block { header: header(), signature: Signature([6; 64]), transactions: transactions() };
    let raw = RawBlock(canonical::encode(&block).unwrap());
    let address = "/ip4/8.8.8.8/tcp/4100/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
    let announce =
        BlockAnnounce { header: header(), signature: Signature([6; 64]), transactions: vec![[10; 8], [11; 8]] };
    let batch = Gossip::Transactions(transactions()).encode().unwrap();
    let ask = |request: Request| frame(&request).unwrap();
    let answer = |response: Response| frame(&response).unwrap();
    let topic = Names::new(&chain).transactions.hash();
    vec![
        ("status request", ask(Request::Status(status()))),
        ("headers request", ask(Request::Headers { locator: vec![id, BlockId([7; 32])], limit: 2_000 })),
        ("blocks request", ask(Request::Blocks { ids: vec![id] })),
        ("block transactions request", ask(Request::BlockTransactions { block: id, indexes: vec![0, 7, 300] })),
        ("addresses request", ask(Request::Addresses)),
        ("status response", answer(Response::Status(status()))),
        ("headers response", answer(Response::Headers(vec![header()]))),
        ("blocks response", answer(Response::Blocks(vec![raw]))),
        ("transactions response", answer(Response::Transactions(transactions()))),
        ("addresses response", answer(Response::Addresses(vec![address.into()]))),
        ("refused response", answer(Response::Refused("busy".into()))),
        ("block announcement", Gossip::Block(announce).encode().unwrap()),
        ("message id of the batch", gossip::id_of(&topic, &batch).0),
        ("transaction batch", batch),
        ("rendezvous key", rendezvous_key("barreleye", &chain).to_vec()),
    ]
}

#[test]
fn every_message_has_the_bytes_that_are_written_down() {
    let examples = examples();
    assert_eq!(VECTORS.lines().count(), examples.len());
    for (name, bytes) in examples {
        let written = VECTORS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, Some(hex.as_str()), "{name}");
    }
}

#[test]
fn the_names_are_those_that_are_written_down() {
    let names = Names::new(&BlockId([0xab; 32]));
    let prefix = "/barreleye/abababababababab";
    assert_eq!(names.sync().as_ref(), format!("{prefix}/sync/1"));
    assert_eq!(names.kad().as_ref(), format!("{prefix}/kad/1"));
    assert_eq!(names.gossip_prefix(), format!("{prefix}/gossip"));
    assert_eq!(names.family(), format!("{prefix}/1"));
    assert_eq!(names.blocks.hash().as_str(), format!("{prefix}/blocks/1"));
    assert_eq!(names.transactions.hash().as_str(), format!("{prefix}/transactions/1"));
}
