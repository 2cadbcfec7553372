//! Golden values of everything that is hashed or signed. A change of one byte of a layout fails here, and would split
//! the network. The values were computed apart from this code, from the layouts in `docs/rules.md`.

#![allow(clippy::unwrap_used, reason = "only tests")]

use ledger::{
    Address, Amount, BarreleyeTransfer, BlockId, CompactTarget, Digest, Header, Network, NetworkSpec, OpeningBalance,
    PublicKey, SecretKey, Signature, TargetError, Transaction, Transfer, Work, barreleye_hash, merkle, nonce_base, pow,
};
use ruint::aliases::U256;
use sha2::Digest as _;

/// The generator of the curve: the public key of the secret key 1.
const G: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn generator() -> PublicKey {
    G.parse().unwrap()
}

fn header() -> Header {
    Header {
        version: 1,
        height: 0x0102_0304_0506_0708,
        previous: BlockId([0x11; 32]),
        root: Digest([0x22; 32]),
        time: 0x1122_3344_5566_7788,
        target: CompactTarget(0x1e0f_ffff),
        miner: generator(),
        nonce: 0xa1a2_a3a4_a5a6_a7a8,
    }
}

fn transfer() -> Transfer {
    Transfer {
        from: generator(),
        to: Address([0x44; 20]),
        amount: Amount::drops(0x0102_0304_0506_0708),
        fee: Amount::drops(0x1112_1314_1516_1718),
        nonce: 0x2122_2324_2526_2728,
        data: b"abc".to_vec(),
        signature: Signature([0x55; 64]),
    }
}

fn barreleye() -> BarreleyeTransfer {
    BarreleyeTransfer {
        nonce: 0x01_0203_0405,
        from: Address([0x66; 20]),
        to: Address([0x44; 20]),
        value: 300,
        data: 0xab,
        signer: generator(),
        signature: Signature([0x55; 64]),
    }
}

const CHAIN: BlockId = BlockId([0x33; 32]);

#[test]
fn a_header_has_its_golden_bytes_and_id() {
    let preimage = concat!(
        "62726c2f686431",
        "01000000",
        "0807060504030201",
        "1111111111111111111111111111111111111111111111111111111111111111",
        "2222222222222222222222222222222222222222222222222222222222222222",
        "8877665544332211",
        "ffff0f1e",
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "a8a7a6a5a4a3a2a1",
    );
    assert_eq!(hex::encode(header().preimage()), preimage);
    assert_eq!(preimage.len() / 2, pow::PREIMAGE_BYTES);
    assert_eq!(pow::PREIMAGE_BYTES, 7 + ledger::HEADER_BYTES);
    assert_eq!(header().id().to_hex(), "dc25cde0e2296f9c0b76f70b372532e7ba632976937c039b06b55dc0d16a531b");
}

#[test]
fn an_id_is_always_recomputed_from_the_header() {
    // No type carries a header together with an id from outside, so an id cannot be forged: it is this hash.
    let once = sha2::Sha256::digest(header().preimage());
    assert_eq!(header().id().0[..], sha2::Sha256::digest(once)[..]);
    assert_eq!(pow::Search::new(&header()).unwrap().id(header().nonce), header().id());
}

#[test]
fn what_a_miner_signs_has_its_golden_digest() {
    assert_eq!(
        header().id().signing_digest().to_hex(),
        "6e557bf182bbf6aa45d9532910180b5ae4163e676da08cedd7bc740b6e056f15"
    );
}

#[test]
fn a_transfer_has_its_golden_digest_bytes_and_leaf() {
    let digest = "89153dce134e7e5eac924aadf031cbbe0b0268c589772b85fb5b17c26cb3698c";
    assert_eq!(transfer().signing_digest(&CHAIN).to_hex(), digest);
    assert_eq!(transfer().id(&CHAIN).to_hex(), digest);
    let tx = Transaction::Transfer(transfer());
    assert_eq!(tx.id(&CHAIN).to_hex(), digest);
    let encoded = concat!(
        "00",
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "4444444444444444444444444444444444444444",
        "0807060504030201",
        "1817161514131211",
        "2827262524232221",
        "03000000",
        "616263",
        "5555555555555555555555555555555555555555555555555555555555555555",
        "5555555555555555555555555555555555555555555555555555555555555555",
    );
    assert_eq!(hex::encode(tx.encode()), encoded);
    assert_eq!(tx.leaf().to_hex(), "f45d82f8bb1b27aa193ec572b4d07046d8d4a2fb2da51af2bbf370ac6cc8e491");
}

#[test]
fn a_compatible_transfer_has_its_golden_digest_bytes_and_leaf() {
    let digest = "4028e2cd8a3be24643010941525627eabe6143e95ac85aaf0f9d1b16c2fbd4be";
    let tx = barreleye();
    assert_eq!(tx.signing_digest().to_hex(), digest);
    assert_eq!(tx.id().to_hex(), digest);
    assert_eq!(barreleye_hash(tx.nonce, &tx.from, &tx.to, tx.value, &[tx.data]).to_hex(), digest);
    let tx = Transaction::Barreleye(tx);
    assert_eq!(tx.id(&CHAIN).to_hex(), digest);
    let encoded = concat!(
        "01",
        "0504030201000000",
        "6666666666666666666666666666666666666666",
        "4444444444444444444444444444444444444444",
        "2c01000000000000",
        "ab",
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "5555555555555555555555555555555555555555555555555555555555555555",
        "5555555555555555555555555555555555555555555555555555555555555555",
    );
    assert_eq!(hex::encode(tx.encode()), encoded);
    assert_eq!(tx.leaf().to_hex(), "ef8e3cb79617394065e6d234afc3032d19e772476a3d18e0f7984b6b6725fcf1");
}

#[test]
fn b3_merkle_roots_are_golden() {
    for (leaves, root) in [
        (0, "9075fcdc3a214ab940e8453aabce619326fb99e2b981df46276e4a8482fd1426"),
        (1, "14256438b1f7fdef532ba76209c3bd1c924948702345e404071fb2a7f3632858"),
        (2, "3d57ba6ead03e209b9c8d0d8c3c3860e229a0459f05e5b5f10426eea3e8a717f"),
        (3, "adf71447b31f752a5fe807414762652cd711f31f7fa0124a74252d5fc3d67fe7"),
        (5, "9af95a0e16c9e187ed42e598be8f4817dca4079429a27023e0cc1be7697a7878"),
    ] {
        let list: Vec<_> = (0..leaves).map(|i| Digest([i; 32])).collect();
        assert_eq!(merkle::root(&list).to_hex(), root, "{leaves} leaves");
    }
}

#[test]
fn the_built_in_networks_have_their_golden_genesis() {
    for (name, id, base) in [
        ("main", "3122ce205c843e3186b35f252040f4b8ac131cc0ab963cc60a77b99a68349e95", 1_728_817_819_287_552),
        ("test", "790f83fbc5f9e232f7afe75a955b8074cc843ab72c51f7d998afc44a0ae580e5", 4_259_441_457_233_920),
        ("dev", "f63765a092f030c01484140888d57e0a03ad42281a5ad2595852554812159756", 8_662_969_235_800_064),
        ("regtest", "ae25c77555a1df733d7423b9a4ccbaf1970ca7c6a1e932654162695810ba24f1", 6_127_273_056_927_744),
    ] {
        let network = Network::built_in(name).unwrap();
        assert_eq!(network.chain.to_hex(), id, "{name}");
        assert_eq!(network.genesis.id(), network.chain, "{name}");
        assert_eq!(network.genesis_block().header.id(), network.chain, "{name}");
        assert_eq!(network.nonce_base, base, "{name}");
        assert_eq!(nonce_base(&network.chain), base, "{name}");
    }
}

#[test]
fn a_private_network_with_miners_and_balances_has_its_golden_genesis() {
    let balance = |byte, drops| OpeningBalance { address: Address([byte; 20]), amount: Amount::drops(drops) };
    let network = Network::new(NetworkSpec {
        name: "my-coin-1".into(),
        genesis_time_ms: 1,
        reward: Amount::drops(5),
        max_block_bytes: 3000,
        max_block_transactions: 7,
        max_barreleye_bytes: 0,
        miners: vec![generator()],
        balances: vec![balance(0x44, 9), balance(0x66, 8)],
        ..NetworkSpec::built_in("main").unwrap()
    })
    .unwrap();
    assert_eq!(network.chain.to_hex(), "fee7508331bd43fae0615ccf42dd945f388c6111a5c17aeb0fb67abf256e5065");
    assert_eq!(network.nonce_base, 8_968_622_126_923_776);
}

#[test]
fn compact_targets_have_their_golden_values_and_work() {
    let work = |text: &str| Work(text.parse().unwrap());
    for (compact, mantissa, zeros, expected) in [
        (0x0101_0000, 1u32, 0, work("57896044618658097711785492504343953926634992332820282019728792003956564819968")),
        (0x0200_8000, 0x80, 0, work("897613094862916243593573527199131068629999881128996620460911503937311082480")),
        (0x0312_3456, 0x12_3456, 0, work("97055764975995241950711904064708186562029814974297378091104192884197462")),
        (0x0412_3456, 0x12_3456, 1, work("379124398474419013879284526518031960495046739116833825857510150719261")),
        (0x1e00_ffff, 0xffff, 27, work("16777472")),
        (0x1e0f_ffff, 0xf_ffff, 27, work("1048577")),
        (0x1f00_ffff, 0xffff, 28, work("65537")),
        (0x207f_ffff, 0x7f_ffff, 29, work("2")),
        (0x2100_ffff, 0xffff, 30, work("1")),
    ] {
        let target = CompactTarget(compact);
        assert_eq!(target.expand(), Ok(U256::from(mantissa) << (8 * zeros)), "{compact:08x}");
        assert_eq!(target.work(), Ok(expected), "{compact:08x}");
        assert_eq!(CompactTarget::floor(target.expand().unwrap()), target, "{compact:08x}");
    }
}

#[test]
fn a_target_is_rounded_down_to_the_golden_compact_form() {
    let full = |text: &str| U256::from_str_radix(text, 16).unwrap();
    for (target, compact) in [
        ("1", 0x0101_0000),
        ("7f", 0x017f_0000),
        ("80", 0x0200_8000),
        ("ff", 0x0200_ff00),
        ("100", 0x0201_0000),
        ("7fffff", 0x037f_ffff),
        ("800000", 0x0400_8000),
        ("ffffff", 0x0400_ffff),
        ("123456789a", 0x0512_3456),
        ("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0x207f_ffff),
        ("8000000000000000000000000000000000000000000000000000000000000000", 0x2100_8000),
        ("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0x2100_ffff),
    ] {
        let floor = CompactTarget::floor(full(target));
        assert_eq!(floor, CompactTarget(compact), "{target}");
        assert!(floor.expand().unwrap() <= full(target), "{target}");
    }
    // The first that does not fit, and none.
    assert_eq!(CompactTarget(0x2101_0000).expand(), Err(TargetError::Overflow));
    assert_eq!(CompactTarget(0x0100_ffff).expand(), Err(TargetError::Zero));
}

#[test]
fn signing_is_deterministic() {
    // RFC 6979 with SHA-256, low s: the same key and digest give the same bytes everywhere.
    let key = SecretKey::from_bytes([7; 32]).unwrap();
    let digest = Digest([9; 32]);
    assert_eq!(key.sign(&digest), key.sign(&digest));
    assert_ne!(key.sign(&digest), key.sign(&Digest([10; 32])));
    assert_eq!(key.sign(&digest).to_hex(), SIGNED);
    assert_eq!(key.public().verify(&digest, &key.sign(&digest)), Ok(()));
}

const SIGNED: &str = concat!(
    "7157050929571a762ab6e06207f74db146f165fead17acc7afe23000a091dc37",
    "7b5faa50c021f3f9613f20531b8fc1a38744203a2f391c15e7b1455c3a296e4e"
);
