//! How urgent the threads of a node are: answers to clients first, then the chain and the network, then signatures;
//! hashing last ([`crate::Hasher`]).
//!
//! A process may only make its threads less urgent than they began, so those that answer stay as they are.

use rustix::process::nice;
use tracing::warn;

/// What a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Decides and relays: work of milliseconds, for which a client that asks meanwhile would wait. When answers want
    /// the whole core it still gets a fifth of it.
    Node,
    /// Checks signatures: work of seconds, with half the right of the rest of the node.
    Signatures,
}

impl Urgency {
    /// From now on the calling thread, and each that it starts, is as urgent as this. Once for each thread.
    pub fn take(self) {
        let steps = match self {
            Self::Node => 3,
            Self::Signatures => 6,
        };
        if let Err(error) = nice(steps) {
            warn!(%error, urgency = ?self, "a thread cannot lower its priority and will slow down HTTP");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn threads_that_answer_are_the_most_urgent_and_signatures_the_least() {
        let of = |urgency: Option<Urgency>| {
            let thread = thread::spawn(move || {
                if let Some(urgency) = urgency {
                    urgency.take();
                }
                getpriority_process(None).unwrap()
            });
            thread.join().unwrap()
        };
        let (answers, node, signatures) = (of(None), of(Some(Urgency::Node)), of(Some(Urgency::Signatures)));
        assert!(answers < node && node < signatures, "{answers} {node} {signatures}");
        assert_eq!(of(None), answers, "one thread's urgency is not another's");
    }
}
