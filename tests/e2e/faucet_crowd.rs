//! A crowd at the faucet: many claims at once from many addresses of this machine, and the node dies in the middle.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ledger::Address;
use serde_json::{Value, json};

use super::faucet::{PAYOUT, faucet, fresh, network};
use crate::harness::from::connect_from;
use crate::harness::wait::holds;
use crate::harness::{Node, eventually};

/// Accounts, each with a client address of its own.
const CLAIMERS: u64 = 200;
/// Claims of each at once.
const EACH: u64 = 5;
/// The node dies when so many claims were answered.
const KILLED_AFTER: usize = 150;

/// What a claim heard: the transaction that pays it, why not, or nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    Paid(String),
    Refused(u16, String),
    Nothing,
}

/// Claims for `to` from a socket of this client address: whose claim it is, only the socket says.
fn claim(node: &SocketAddr, from: Ipv4Addr, to: &Address) -> Heard {
    let ask = || -> Result<String, std::io::Error> {
        let mut stream = connect_from(from, node)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let body = json!({ "address": to }).to_string();
        write!(
            stream,
            "POST /v1/faucet/claims HTTP/1.1\r\nHost: {node}\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let Ok(answer) = ask() else { return Heard::Nothing };
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split("\r\n\r\n").nth(1).and_then(|body| serde_json::from_str::<Value>(body).ok());
    match (status, body) {
        (Some(202), Some(body)) => Heard::Paid(body["transaction"].as_str().unwrap_or_default().to_owned()),
        (Some(status), Some(body)) => Heard::Refused(status, body["reason"].as_str().unwrap_or_default().to_owned()),
        _ => Heard::Nothing,
    }
}

fn client(number: u64) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, number as u8 + 1)
}

/// Everybody claims at once, each `EACH` times; gives what each heard. `meanwhile` hears of each answer.
fn all_claim(node: &Node, all: &[Address], meanwhile: impl FnOnce(&Receiver<()>)) -> BTreeMap<u64, Vec<Heard>> {
    let at: SocketAddr = node.api().url().trim_start_matches("http://").parse().unwrap();
    let (answer, answered) = channel();
    std::thread::scope(|scope| {
        let one = move |n: u64| {
            let (to, answer) = (all[(n % CLAIMERS) as usize], answer.clone());
            scope.spawn(move || {
                let heard = claim(&at, client(n % CLAIMERS), &to);
                if heard != Heard::Nothing {
                    // Whoever counts may have counted enough.
                    let _ = answer.send(());
                }
                (n % CLAIMERS, heard)
            })
        };
        // The last ones come while the first are answered.
        let claims = scope.spawn(move || (0..CLAIMERS * EACH).map(one).collect::<Vec<_>>());
        meanwhile(&answered);
        let mut heard: BTreeMap<u64, Vec<Heard>> = BTreeMap::new();
        for claim in claims.join().unwrap() {
            let (number, answer) = claim.join().unwrap();
            heard.entry(number).or_default().push(answer);
        }
        heard
    })
}

#[test]
fn f04_of_1000_claims_at_once_by_200_clients_for_200_accounts_each_is_paid_once_through_a_crash_in_the_middle() {
    let net = network();
    let node = faucet(&net);
    let all: Vec<_> = (0..CLAIMERS).map(|number| fresh(&net, number)).collect();
    let before = all_claim(&node, &all, |answered| {
        for _ in 0..KILLED_AFTER {
            answered.recv_timeout(Duration::from_secs(60)).expect("claims are answered");
        }
        node.crash();
    });
    node.restart();
    // Whoever heard nothing claims again, and so does everybody else.
    let after = all_claim(&node, &all, |_| {});
    let silent = before.values().flatten().filter(|heard| **heard == Heard::Nothing).count();
    println!("{silent} of {} claims heard nothing before the crash", CLAIMERS * EACH);
    assert!(silent > 0, "the node died after all was answered");
    assert!(after.values().flatten().all(|heard| *heard != Heard::Nothing), "{after:?}");

    // Whoever heard only that the node is busy asks again.
    let at: SocketAddr = node.api().url().trim_start_matches("http://").parse().unwrap();
    let paid = |heard: &[Heard]| heard.iter().any(|heard| matches!(heard, Heard::Paid(_)));
    let mut late = BTreeMap::new();
    for number in after.iter().filter(|(_, heard)| !paid(heard)).map(|(number, _)| *number) {
        eventually("the node is not busy any more", 60, || {
            let heard = claim(&at, client(number), &all[number as usize]);
            let done = !matches!(heard, Heard::Nothing | Heard::Refused(503, _));
            let told = format!("{heard:?}");
            late.entry(number).or_insert_with(Vec::new).push(heard);
            holds(done, || told)
        });
    }
    println!("{} of {CLAIMERS} heard only that the node is busy", late.len());

    let mut payouts = BTreeMap::new();
    for (number, heard) in before.iter().chain(&after).chain(&late) {
        for answer in heard {
            match answer {
                Heard::Paid(id) => {
                    let other = payouts.insert(*number, id.clone());
                    assert!(other.is_none_or(|other| other == *id), "claimer {number} was promised two payouts");
                }
                Heard::Nothing | Heard::Refused(503, _) => {}
                refused => panic!("claimer {number} heard {refused:?}"),
            }
        }
    }
    assert_eq!(payouts.len() as u64, CLAIMERS, "somebody was forgotten");
    for id in payouts.values() {
        eventually(id, 60, || {
            if node.confirmed(id).is_err() {
                node.mint(1);
            }
            node.confirmed(id)
        });
    }
    node.mint(13);
    for to in &all {
        assert_eq!(node.balance(to), PAYOUT, "{to}");
    }
    assert!(net.verify(&node).contains("all as they must be"));
}
