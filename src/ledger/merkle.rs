//! The Merkle tree over the transactions of a block (rule B3).
//!
//! Leaves and nodes have tags of their own, an odd node is promoted, and the root binds the number of leaves: no two
//! lists have the same root, and no leaf looks like a node.

use crate::Digest;
use crate::encode::{sha256, tag};

/// The root over `leaves`.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => sha256(&[tag::NODE, &left.0, &right.0]),
                promoted => promoted[0],
            })
            .collect();
    }
    let top = level.first().map_or(&[][..], |digest| &digest.0);
    sha256(&[tag::ROOT, &(leaves.len() as u32).to_le_bytes(), top])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u8) -> Vec<Digest> {
        (0..n).map(|i| Digest([i; 32])).collect()
    }

    #[test]
    fn b05_a_list_with_its_end_repeated_has_another_root() {
        for n in 1..20 {
            let list = leaves(n);
            for repeated in 1..=list.len() {
                let longer = [&list[..], &list[list.len() - repeated..]].concat();
                assert_ne!(root(&list), root(&longer), "{n} leaves, the last {repeated} repeated");
            }
        }
    }

    #[test]
    fn b06_a_node_is_never_a_leaf() {
        let list = leaves(2);
        let node = sha256(&[tag::NODE, &list[0].0, &list[1].0]);
        assert_ne!(root(&list), root(&[node]));
    }

    #[test]
    fn the_order_counts() {
        let mut list = leaves(5);
        let before = root(&list);
        list.swap(1, 3);
        assert_ne!(root(&list), before);
    }
}
