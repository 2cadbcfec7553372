//! File descriptors: each connection is one, and peers and the database need theirs whatever the public does.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For peers, the database, the log, and what the libraries open.
const RESERVED: u64 = 512;

/// Makes room for `wanted` connections as far as this process may, and gives how many there can be: at least a few.
pub fn for_connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let needed = RESERVED + wanted as u64;
    let current = limit.current.unwrap_or(u64::MAX);
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    let mut open = current;
    if current < needed {
        let raised = Rlimit { current: Some(needed.min(allowed)), maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => open = needed.min(allowed),
            Err(error) => tracing::warn!(%error, current, needed, "the limit of open files cannot be raised"),
        }
    }
    let connections = room(open, wanted);
    if connections < wanted {
        tracing::warn!(connections, open, "few files may be open: raise the limit (ulimit -n) to serve more clients");
    }
    connections
}

/// Connections that fit into a limit, beside what is reserved; a quarter of it where that is not there.
fn room(open: u64, wanted: usize) -> usize {
    let left = open.saturating_sub(RESERVED).max(open / 4).max(16);
    usize::try_from(left).unwrap_or(usize::MAX).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a04_peers_keep_their_descriptors_whatever_the_public_opens() {
        for (open, connections) in
            [(u64::MAX, 1_024), (4_096, 1_024), (1_536, 1_024), (1_024, 512), (256, 64), (20, 16)]
        {
            assert_eq!(room(open, 1_024), connections, "{open}");
        }
        assert_eq!(for_connections(64), 64);
    }
}
