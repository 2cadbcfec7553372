//! What makes a network: the rules N1 to N3.

use ledger::{Amount, CompactTarget, Network, NetworkSpec, OpeningBalance, PublicKey, SpecError, merkle};

use crate::common::{Chain, address, key, network, spec};

#[test]
fn n1_genesis_commits_to_every_number_and_to_no_hint() {
    // Spaced so that each of its targets may change by itself (N2).
    let spec = || NetworkSpec { spacing_ms: 1_000, response_ms: 60_000, ..spec() };
    let base = Network::new(spec()).unwrap().chain;
    let changes: [fn(&mut NetworkSpec); 16] = [
        |s| s.name.push('x'),
        |s| s.genesis_time_ms += 1,
        |s| s.first_target = CompactTarget(0x207f_fffe),
        |s| s.easiest_target = CompactTarget(0x2100_ffff),
        |s| s.spacing_ms += 1,
        |s| s.response_ms += 1,
        |s| s.reward = Amount::drops(s.reward.as_drops() + 1),
        |s| s.max_block_bytes -= 1,
        |s| s.max_block_transactions -= 1,
        |s| s.max_barreleye_bytes -= 1,
        |s| s.miners.push(key(1).public()),
        |s| s.miners.extend([key(2).public(), key(1).public()]),
        |s| s.miners.extend([key(1).public(), key(2).public()]),
        |s| s.balances[0].amount = Amount::drops(1),
        |s| s.balances[0].address = address(9),
        |s| s.balances.truncate(3),
    ];
    let mut ids = vec![base];
    for (i, change) in changes.into_iter().enumerate() {
        let mut changed = spec();
        change(&mut changed);
        let id = Network::new(changed).unwrap().chain;
        assert!(!ids.contains(&id), "change {i} gives a chain that exists already");
        ids.push(id);
    }
    let mut hints = spec();
    hints.hints = ledger::Hints {
        bootstrap: vec!["/ip4/127.0.0.1/tcp/1".into()],
        rendezvous: "elsewhere".into(),
        peers_to_mine: 9,
        mint_only: false,
    };
    assert_eq!(Network::new(hints).unwrap().chain, base);
}

/// The text of the error that a change of [`spec`] makes, or nothing.
fn error(change: impl Fn(&mut NetworkSpec)) -> String {
    let mut changed = spec();
    change(&mut changed);
    Network::new(changed).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn n2_numbers_that_make_no_network_are_refused() {
    let name = |name: &str| format!("the network name '{name}' must be 1 to 32 of a-z, 0-9 and -");
    assert_eq!(error(|s| s.name = "a".repeat(32)), "");
    assert_eq!(error(|s| s.name = "a".repeat(33)), name(&"a".repeat(33)));
    assert_eq!(error(|s| s.name.clear()), name(""));
    assert_eq!(error(|s| s.name = "Main".into()), name("Main"));
    assert_eq!(error(|s| s.first_target = CompactTarget(0x2080_0001)), "the target is negative");
    assert_eq!(error(|s| s.easiest_target = CompactTarget(0x2101_0000)), "the target does not fit in 256 bits");
    assert_eq!(error(|s| s.first_target = CompactTarget(0)), "the target is zero");
    assert_eq!(error(|s| s.first_target = CompactTarget(0x2100_7fff)), "target 21007fff is not in its shortest form");
    assert_eq!(error(|s| s.easiest_target = CompactTarget(0x207f_fffe)), "first_target is easier than easiest_target");
    let spacing = "spacing_ms must be at least 1 and at most response_ms";
    assert_eq!(error(|s| s.spacing_ms = 0), spacing);
    assert_eq!(error(|s| s.spacing_ms = s.response_ms), "");
    assert_eq!(error(|s| s.spacing_ms = s.response_ms + 1), spacing);
    let limits = "max_block_bytes must be between 2000 and 2000000, max_block_transactions at least 1";
    assert_eq!(error(|s| s.max_block_bytes = 2_000), "");
    assert_eq!(error(|s| s.max_block_bytes = 1_999), limits);
    assert_eq!(error(|s| s.max_block_bytes = 2_000_001), limits);
    assert_eq!(error(|s| s.max_block_transactions = 0), limits);
    let first = |drops| {
        move |s: &mut NetworkSpec| {
            s.balances[0].amount = Amount::drops(drops);
            s.reward = Amount::ZERO;
        }
    };
    let rest = 3 * 100_000_000_000;
    assert_eq!(error(first(u64::MAX - rest)), "");
    assert_eq!(error(first(u64::MAX - rest + 1)), "the opening balances are more than can exist");
    let twice = format!("{} has two opening balances", address(1));
    assert_eq!(error(|s| s.balances[3].address = s.balances[0].address), twice);
    let no_key = format!("{} in miners is not a public key", PublicKey::ZERO);
    assert_eq!(error(|s| s.miners.push(PublicKey::ZERO)), no_key);
    assert_eq!(
        NetworkSpec::built_in("moon").unwrap_err().to_string(),
        "there is no network 'moon': it is dev, test, main, regtest or the path of a network file"
    );
}

#[test]
fn n2_a_thousand_million_rewards_fit_beside_the_opening_balances() {
    let with = |reward, balances: &[u64]| {
        let opening = |(n, drops): (u8, &u64)| OpeningBalance { address: address(n), amount: Amount::drops(*drops) };
        let opening: Vec<_> = (1..).zip(balances).map(opening).collect();
        error(|s| (s.reward, s.balances) = (Amount::drops(reward), opening.clone()))
    };
    let refused = |most| {
        format!(
            "reward is too high: 1000000000 rewards must fit in 64 bits beside the opening balances; \
             set it to at most {most} Barrel, or lower the balances"
        )
    };
    let most = 18_446_744_073;
    assert_eq!(with(most, &[]), "");
    assert_eq!(with(most + 1, &[]), refused("184.46744073"));
    assert_eq!(with(u64::MAX, &[]), refused("184.46744073"));
    // The opening balances take their share, to the drop.
    let left = u64::MAX - most * 1_000_000_000;
    assert_eq!(with(most, &[left - 1, 1]), "");
    assert_eq!(with(most, &[left, 1]), refused("184.46744072"));
    assert_eq!(with(most - 1, &[left, 1]), "");
    assert_eq!(with(1, &[u64::MAX - 1_000_000_000]), "");
    assert_eq!(with(1, &[u64::MAX - 1_000_000_000 + 1]), refused("0"));
    assert_eq!(with(0, &[u64::MAX]), "");
}

#[test]
fn n2_where_blocks_need_work_twelve_spacings_are_more_than_the_future_limit() {
    let with = |spacing_ms, first, easiest| {
        let targets = (CompactTarget(first), CompactTarget(easiest));
        let spaced = NetworkSpec { spacing_ms, response_ms: 60_000, ..spec() };
        let spec = NetworkSpec { first_target: targets.0, easiest_target: targets.1, ..spaced };
        Network::new(spec).map(|network| network.future_limit_ms()).map_err(|error| error.to_string())
    };
    let refused =
        Err("spacing_ms is too short: 12 spacings must be more than the 2000 ms that a block may be ahead of \
                       a clock; set it to at least 167, or for tests set first_target and easiest_target both to \
                       207fffff"
            .to_owned());
    // 12 · 166 = 1 992, 12 · 167 = 2 004.
    assert_eq!(with(166, 0x1e00_ffff, 0x1e0f_ffff), refused);
    assert_eq!(with(167, 0x1e00_ffff, 0x1e0f_ffff), Ok(2_000));
    // What needs two hashes from the start may be as quick as it likes; three are work.
    assert_eq!(with(1, 0x2100_ffff, 0x2100_ffff), Ok(2_000));
    assert_eq!(with(1, 0x207f_ffff, 0x207f_ffff), Ok(2_000));
    assert_eq!(with(1, 0x2055_5556, 0x2055_5556), Ok(2_000));
    assert_eq!(with(1, 0x2055_5555, 0x2055_5555), refused);
    assert_eq!(with(166, 0x2055_5555, 0x2055_5555), refused);
    assert_eq!(with(167, 0x2055_5555, 0x2055_5555), Ok(2_000));
    // A first target that is harder than the easiest is work too.
    assert_eq!(with(1, 0x207f_fffe, 0x207f_ffff), refused);
}

#[test]
fn n2_a_network_file_is_read_back_and_a_typing_error_is_found() {
    for name in NetworkSpec::BUILT_IN {
        let spec = NetworkSpec::built_in(name).unwrap();
        assert_eq!(NetworkSpec::from_toml(&spec.to_toml().unwrap()), Ok(spec));
    }
    let mut listed = spec();
    listed.miners = vec![key(1).public()];
    let text = listed.to_toml().unwrap();
    assert_eq!(NetworkSpec::from_toml(&text), Ok(listed));
    for (wrong, expected) in [
        (text.replace("207fffff", "207ffff"), "'207ffff' is not a compact target of 8 hex digits"),
        (text.replace("207fffff", "+07fffff"), "'+07fffff' is not a compact target of 8 hex digits"),
        (text.replace("spacing_ms", "spacing"), "unknown field `spacing`"),
        (text.replace("reward = \"10\"", "reward = \"-1\""), "'-1' is not a decimal amount of Barrel"),
    ] {
        match NetworkSpec::from_toml(&wrong) {
            Err(SpecError::Toml(error)) => assert!(error.contains(expected), "{error}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn n3_genesis_has_no_transactions_and_pays_the_opening_balances() {
    let network = network();
    assert_eq!(network.genesis.root, merkle::root(&[]));
    assert_eq!((network.genesis.height, network.genesis.time), (0, network.spec.genesis_time_ms));
    assert_eq!(network.genesis_block().transactions, []);
    assert_eq!((network.genesis_tip().id, network.genesis_tip().height), (network.chain, 0));
    assert_eq!(Chain::new(network.clone()).accounts.total(), network.supply_at(0));
    assert_eq!(network.supply_at(0), 4000 * 100_000_000);
    assert_eq!(network.supply_at(u64::MAX), 4000 * 100_000_000 + u128::from(u64::MAX) * 1_000_000_000);
}
