//! Proof of work for claims: made and checked without remembering anything.
//!
//! A challenge is a text that holds its difficulty and its end, and a code over these, the account and the client's
//! range that only this node can make. So it cannot be computed ahead, handed on, changed or kept for later. That it is
//! used once, the claims themselves remember: a claim that was kept holds the code of its challenge.

use hmac::{Hmac, KeyInit, Mac};
use ledger::{Address, ChainId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::client::Client;

/// How long somebody may work on a challenge.
pub const LIFE_S: u64 = 300;
/// Work may have become so many bits harder since the challenge was given: its bits still count.
const GRACE_BITS: u8 = 4;
/// Bytes of the code: nobody guesses 16.
const CODE: usize = 16;
const TAG: &[u8] = b"barreleye/faucet-challenge/1";

/// The code of a challenge, by which a claim remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Code([u8; CODE]);

/// A challenge for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What to work on: 44 characters, so that ten digits of a solution fit into one block of SHA-256.
    pub text: String,
    /// Leading zero bits that SHA-256 of `text.solution` must have.
    pub bits: u8,
    /// Milliseconds until it ends.
    pub left_ms: u64,
}

/// What somebody hands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The text of the challenge.
    pub challenge: String,
    /// Leading zero bits that the solution has.
    pub done: u32,
}

impl Work {
    /// What was found for a challenge; nothing for one of no bits.
    pub fn new(challenge: String, solution: Option<u64>) -> Self {
        let done = solution.map_or(0, |solution| zero_bits(&challenge, solution));
        Self { challenge, done }
    }
}

/// Why work does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not a challenge of this node for this account and client, or over.
    Challenge,
    /// Not enough work for now.
    TooLittle,
}

/// Makes and checks challenges.
pub struct Challenges {
    key: [u8; 32],
    chain: ChainId,
}

impl Challenges {
    /// Challenges under `key`, which nobody else knows and which is another one after each start.
    pub fn new(key: [u8; 32], chain: ChainId) -> Self {
        Self { key, chain }
    }

    /// A challenge for `to` and `client`.
    pub fn issue(&self, to: &Address, client: Client, bits: u8, mono: u64) -> Challenge {
        let end = mono / 1000 + LIFE_S;
        let code = self.code(to, client, bits, end);
        let text = format!("{bits:02}-{end:08x}-{}", hex::encode(code.0));
        Challenge { text, bits, left_ms: (end * 1000).saturating_sub(mono) }
    }

    /// Whether `work` is enough for a claim of `to` by `client` that needs `needed` bits now.
    pub fn check(&self, work: &Work, to: &Address, client: Client, needed: u8, mono: u64) -> Result<Code, Fault> {
        let (bits, end, code) = parse(&work.challenge).ok_or(Fault::Challenge)?;
        let mac = self.mac(to, client, bits, end);
        if mac.verify_truncated_left(&code.0).is_err() || end.saturating_mul(1000) <= mono {
            return Err(Fault::Challenge);
        }
        if bits.saturating_add(GRACE_BITS) < needed {
            return Err(Fault::TooLittle);
        }
        if work.done < u32::from(bits) { Err(Fault::TooLittle) } else { Ok(code) }
    }

    fn code(&self, to: &Address, client: Client, bits: u8, end: u64) -> Code {
        let whole = self.mac(to, client, bits, end).finalize().into_bytes();
        let mut code = [0; CODE];
        code.copy_from_slice(&whole[..CODE]);
        Code(code)
    }

    fn mac(&self, to: &Address, client: Client, bits: u8, end: u64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        let range = client.to_string();
        for part in [TAG, &self.chain.0, &to.0, &[bits], &end.to_be_bytes(), range.as_bytes()] {
            mac.update(part);
        }
        mac
    }
}

/// The code in the text of a challenge, whoever made it.
pub fn code_in(text: &str) -> Option<Code> {
    parse(text).map(|(_, _, code)| code)
}

/// Bits, end and code. There is one text for each: digits of one case in fixed places.
fn parse(text: &str) -> Option<(u8, u64, Code)> {
    let mut parts = text.split('-');
    let (bits, end, code) = (parts.next()?, parts.next()?, parts.next()?);
    let canonical = |digits: &str| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if parts.next().is_some() || bits.len() != 2 || end.len() != 8 || !canonical(bits) || !canonical(end) {
        return None;
    }
    let mut bytes = [0; CODE];
    if !canonical(code) {
        return None;
    }
    hex::decode_to_slice(code, &mut bytes).ok()?;
    Some((bits.parse().ok()?, u64::from_str_radix(end, 16).ok()?, Code(bytes)))
}

/// Leading zero bits of SHA-256 of `text.solution`.
pub fn zero_bits(text: &str, solution: u64) -> u32 {
    let hash = Sha256::digest(format!("{text}.{solution}").as_bytes());
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    zeros as u32 * 8 + hash.get(zeros).map_or(0, |byte| byte.leading_zeros())
}

/// The first solution of a challenge: what a browser does.
pub fn solve(text: &str, bits: u8) -> Option<u64> {
    (0..u64::MAX).find(|solution| zero_bits(text, *solution) >= u32::from(bits))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const TO: Address = Address([7; 20]);

    fn client(text: &str) -> Client {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn challenges() -> Challenges {
        Challenges::new([1; 32], ledger::BlockId([2; 32]))
    }

    fn solved(challenge: &Challenge) -> Work {
        Work::new(challenge.text.clone(), solve(&challenge.text, challenge.bits))
    }

    #[test]
    fn f08_a_solved_challenge_counts_for_its_account_and_range_until_it_ends_and_for_nothing_else() {
        let (all, us) = (challenges(), client("2001:db8:1:2::1"));
        let challenge = all.issue(&TO, us, 8, 5_000);
        assert_eq!((challenge.bits, challenge.left_ms), (8, LIFE_S * 1000));
        assert!(challenge.text.len() + 1 + 10 <= 55, "one block of SHA-256");
        let work = solved(&challenge);
        assert!(all.check(&work, &TO, us, 8, 5_000).is_ok());
        assert!(all.check(&work, &TO, client("2001:db8:1:2::99"), 8, 304_999).is_ok(), "the same /64");
        let refused = |work: &Work, to, client, mono| all.check(work, to, client, 8, mono).unwrap_err();
        assert_eq!(refused(&work, &Address([8; 20]), us, 5_000), Fault::Challenge, "stolen for another account");
        assert_eq!(refused(&work, &TO, client("2001:db8:1:3::1"), 5_000), Fault::Challenge, "from another range");
        assert_eq!(refused(&work, &TO, us, 305_000), Fault::Challenge, "expired");
        let restarted = Challenges::new([3; 32], ledger::BlockId([2; 32]));
        assert_eq!(restarted.check(&work, &TO, us, 8, 5_000), Err(Fault::Challenge), "of another start");
        let other = (0..).find(|solution| zero_bits(&work.challenge, *solution) < 8);
        assert_eq!(refused(&Work::new(work.challenge.clone(), other), &TO, us, 5_000), Fault::TooLittle);
        assert_eq!(refused(&Work::new(work.challenge, None), &TO, us, 5_000), Fault::TooLittle);
    }

    #[test]
    fn f08_nobody_can_make_or_change_a_challenge() {
        let (all, us) = (challenges(), client("192.0.2.1"));
        let good = all.issue(&TO, us, 8, 0).text;
        let later = good.replacen("0000012c", "ffffffff", 1);
        let easier = good.replacen("08", "00", 1);
        let upper = good.to_uppercase();
        let precomputed = format!("00-0000012c-{}", "0".repeat(32));
        for text in [later, easier, upper, precomputed, format!("{good}-"), format!("{good} "), String::new()] {
            let work = Work::new(text.clone(), Some(0));
            assert_eq!(all.check(&work, &TO, us, 0, 0), Err(Fault::Challenge), "{text}");
        }
    }

    #[test]
    fn work_that_became_a_little_harder_meanwhile_counts_and_an_old_easy_one_does_not() {
        let (all, us) = (challenges(), client("192.0.2.1"));
        let work = solved(&all.issue(&TO, us, 0, 0));
        assert!(all.check(&work, &TO, us, GRACE_BITS, 0).is_ok());
        assert_eq!(all.check(&work, &TO, us, GRACE_BITS + 1, 0), Err(Fault::TooLittle));
    }
}
