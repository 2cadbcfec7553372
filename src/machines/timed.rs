//! A bounded map whose entries end by themselves: bans, points, refused addresses, waits. When it is full, the entry that
//! would end soonest makes room.

use std::collections::{BTreeMap, BTreeSet};

/// At most `cap` entries, each until its end on the monotonic clock.
#[derive(Debug)]
pub(crate) struct Timed<K, V> {
    entries: BTreeMap<K, (u64, V)>,
    ends: BTreeSet<(u64, K)>,
    cap: usize,
}

impl<K: Clone + Ord, V> Timed<K, V> {
    pub fn new(cap: usize) -> Self {
        Self { entries: BTreeMap::new(), ends: BTreeSet::new(), cap }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What is kept, and until when.
    pub fn get(&self, key: &K) -> Option<(u64, &V)> {
        self.entries.get(key).map(|(end, value)| (*end, value))
    }

    pub fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// Keeps or replaces an entry. Gives the one that made room.
    pub fn insert(&mut self, key: K, end: u64, value: V) -> Option<K> {
        self.remove(&key);
        let full = self.entries.len() >= self.cap;
        let dropped = if full { self.ends.pop_first().map(|(_, key)| key) } else { None };
        if let Some(dropped) = &dropped {
            self.entries.remove(dropped);
        }
        self.ends.insert((end, key.clone()));
        self.entries.insert(key, (end, value));
        dropped
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (end, value) = self.entries.remove(key)?;
        self.ends.remove(&(end, key.clone()));
        Some(value)
    }

    /// Takes out what has ended.
    pub fn expire(&mut self, mono: u64) -> Vec<K> {
        let mut ended = Vec::new();
        while self.ends.first().is_some_and(|(end, _)| *end <= mono)
            && let Some((_, key)) = self.ends.pop_first()
        {
            self.entries.remove(&key);
            ended.push(key);
        }
        ended
    }

    /// The end of the entry that ends first.
    pub fn first_end(&self) -> Option<u64> {
        self.ends.first().map(|(end, _)| *end)
    }

    pub fn is_full(&self) -> bool {
        self.entries.len() >= self.cap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_in_their_order_and_the_soonest_makes_room_at_the_cap() {
        let mut timed = Timed::new(2);
        assert_eq!(timed.insert("a", 30, 1), None);
        assert_eq!(timed.insert("b", 20, 2), None);
        assert_eq!(timed.insert("b", 40, 3), None, "replaced, not added");
        assert_eq!(timed.insert("c", 50, 4), Some("a"));
        assert_eq!(timed.get(&"b"), Some((40, &3)));
        assert_eq!(timed.expire(39), Vec::<&str>::new());
        assert_eq!(timed.expire(50), ["b", "c"]);
        assert_eq!(timed.len(), 0);
    }
}
