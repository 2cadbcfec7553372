//! JSON that keeps the order of its fields, and the comparison of two answers by their form.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordered {
    Nothing,
    Switch,
    Number(i128),
    Text(String),
    List(Vec<Ordered>),
    Object(Vec<(String, Ordered)>),
}

/// Fields with hashes, addresses, and numbers in whole hex bytes.
const HASHES: [&str; 3] = ["hash", "dataHash", "prevBlockHash"];
const ADDRESSES: [&str; 3] = ["from", "to", "address"];
const BYTES: [&str; 2] = ["nonce", "balance"];

/// Whether two answers have the same fields in the same order, of the same types, written the same way.
/// Lists are compared by their first entries.
pub fn same_form(ours: &Ordered, theirs: &Ordered, place: &str) -> Result<(), String> {
    match (ours, theirs) {
        (Ordered::Object(ours), Ordered::Object(theirs)) => {
            let names = |fields: &[(String, Ordered)]| fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            if names(ours) != names(theirs) {
                return Err(format!("{place}: {:?} instead of {:?}", names(ours), names(theirs)));
            }
            let mut pairs = ours.iter().zip(theirs);
            pairs.try_for_each(|((name, ours), (_, theirs))| same_form(ours, theirs, name))
        }
        (Ordered::List(ours), Ordered::List(theirs)) => match (ours.first(), theirs.first()) {
            (Some(ours), Some(theirs)) => same_form(ours, theirs, place),
            (None, Some(_)) => Err(format!("{place}: an empty list")),
            _ => Ok(()),
        },
        (Ordered::Text(ours), Ordered::Text(theirs)) => same_writing(ours, theirs, place),
        (Ordered::Number(ours), Ordered::Number(theirs)) => match place {
            // Nanoseconds of this century, or none.
            "timestamp" if (*ours > 1_000_000_000_000_000_000) != (*theirs > 1_000_000_000_000_000_000) => {
                Err(format!("{place}: {ours} is not written like {theirs}"))
            }
            _ => Ok(()),
        },
        (ours, theirs) if std::mem::discriminant(ours) == std::mem::discriminant(theirs) => Ok(()),
        (ours, theirs) => Err(format!("{place}: {ours:?} instead of {theirs:?}")),
    }
}

fn same_writing(ours: &str, theirs: &str, place: &str) -> Result<(), String> {
    let hex = |text: &str| text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    let same_length = HASHES.contains(&place) || ADDRESSES.contains(&place) || place == "signer";
    if hex(theirs) && !hex(ours) {
        return Err(format!("{place}: {ours} is not lower-case hex"));
    }
    if same_length && ours.len() != theirs.len() {
        return Err(format!("{place}: {ours} has another length than {theirs}"));
    }
    if BYTES.contains(&place) && !ours.len().is_multiple_of(2) {
        return Err(format!("{place}: {ours} is not whole bytes"));
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Ordered;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Ordered, E> {
        Ok(Ordered::Switch)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Ordered, E> {
        Ok(Ordered::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Ordered, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = seq.next_element()? {
            list.push(entry);
        }
        Ok(Ordered::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Ordered::Object(fields))
    }
}
