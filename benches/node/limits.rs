//! What the machine can do at best: hashes and signature checks without a node around them.

use std::thread;
use std::time::{Duration, Instant};

use ledger::pow::Search;
use ledger::{BlockId, CompactTarget, Digest, Header, PublicKey};
use secp256k1::{Message, SecretKey, ecdsa};
use sha2::block_api::compress256;

const SPAN: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

/// Double SHA-256 of one block each, raw and by a miner's search: the median of a few rounds, taken in turn so that
/// both see the same machine.
pub fn hashes() -> (f64, f64) {
    let mut raw: Vec<_> = Vec::new();
    let mut searched: Vec<_> = Vec::new();
    for _ in 0..ROUNDS {
        raw.push(rate(raw_hashes));
        searched.push(rate(search_hashes));
    }
    (median(raw), median(searched))
}

/// ECDSA verifications a second on `cores` threads, keys and signatures parsed already.
pub fn signatures(cores: usize) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let threads: Vec<_> = (0..cores).map(|_| thread::spawn(|| rate(verify_some))).collect();
        threads.into_iter().map(|thread| thread.join().expect("verifying does not panic")).sum()
    });
    median(rounds.collect())
}

/// Work items a second.
fn rate(some: fn() -> u64) -> f64 {
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < SPAN / ROUNDS as u32 {
        done += some();
    }
    done as f64 / began.elapsed().as_secs_f64()
}

fn raw_hashes() -> u64 {
    let mut block = [0; 64];
    for i in 0..100_000u64 {
        block[..8].copy_from_slice(&i.to_le_bytes());
        let mut state = [1; 8];
        compress256(&mut state, &[block]);
        compress256(&mut state, &[block]);
        std::hint::black_box(state);
    }
    100_000
}

fn search_hashes() -> u64 {
    let header = Header {
        version: 1,
        height: 1,
        previous: BlockId([1; 32]),
        root: Digest([2; 32]),
        time: 3,
        // One try in 2²⁵⁵ meets it.
        target: CompactTarget(0x0100_0100 | 0x0001_0000),
        miner: PublicKey([4; 33]),
        nonce: 0,
    };
    let search = Search::new(&header).expect("the target is valid");
    std::hint::black_box(search.run(0, 100_000));
    100_000
}

fn verify_some() -> u64 {
    let key = SecretKey::from_secret_bytes([7; 32]).expect("7 is a key");
    let message = Message::from_digest([9; 32]);
    let (signature, public) = (ecdsa::sign(message, &key), key.public_key());
    for _ in 0..1_000 {
        ecdsa::verify(&signature, message, &public).expect("the signature is valid");
    }
    1_000
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
