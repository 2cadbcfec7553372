//! What will happen, in order of time. What is due at the same moment happens in the order in which it was planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Happenings to come.
pub struct Queue<T> {
    heap: BinaryHeap<Due<T>>,
    planned: u64,
}

struct Due<T> {
    at: u64,
    number: u64,
    what: T,
}

impl<T> Queue<T> {
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), planned: 0 }
    }

    pub fn plan(&mut self, at: u64, what: T) {
        self.planned += 1;
        self.heap.push(Due { at, number: self.planned, what });
    }

    /// The next happening, if it is due by `end`.
    pub fn next(&mut self, end: u64) -> Option<(u64, T)> {
        if self.heap.peek()?.at > end {
            return None;
        }
        self.heap.pop().map(|due| (due.at, due.what))
    }
}

impl<T> Ord for Due<T> {
    /// The heap gives its greatest first, so the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Due<T> {}
