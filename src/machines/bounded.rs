//! A set that forgets its oldest members, so that no stranger can make it grow.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// At most `cap` members; a new one pushes the oldest out.
#[derive(Debug)]
pub(crate) struct BoundedSet<T> {
    members: HashSet<T>,
    order: VecDeque<T>,
    cap: usize,
}

impl<T: Copy + Eq + Hash> BoundedSet<T> {
    pub fn new(cap: usize) -> Self {
        Self { members: HashSet::new(), order: VecDeque::new(), cap }
    }

    pub fn insert(&mut self, member: T) {
        if !self.members.insert(member) {
            return;
        }
        self.order.push_back(member);
        if self.order.len() > self.cap
            && let Some(oldest) = self.order.pop_front()
        {
            self.members.remove(&oldest);
        }
    }

    pub fn contains(&self, member: &T) -> bool {
        self.members.contains(member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_member_makes_room_at_the_cap() {
        let mut set = BoundedSet::new(2);
        for member in [1, 2, 2, 3] {
            set.insert(member);
        }
        assert!(!set.contains(&1) && set.contains(&2) && set.contains(&3));
    }
}
