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
        level = above(&level);
    }
    let top = level.first().map_or(&[][..], |digest| &digest.0);
    sha256(&[tag::ROOT, &(leaves.len() as u32).to_le_bytes(), top])
}

/// What a node is hashed with on the way up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sibling {
    /// It stands before.
    Left(Digest),
    /// It stands behind.
    Right(Digest),
}

/// What leads from the leaf at `index` up to the top; nothing if there is no such leaf. A promoted node has no sibling.
pub fn branch(leaves: &[Digest], index: usize) -> Vec<Sibling> {
    let (mut level, mut at, mut branch) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 && index < leaves.len() {
        branch.extend(match at % 2 {
            0 => level.get(at + 1).map(|right| Sibling::Right(*right)),
            _ => level.get(at - 1).map(|left| Sibling::Left(*left)),
        });
        level = above(&level);
        at /= 2;
    }
    branch
}

/// The root to which `leaf` belongs by `branch`, in a block of `count` transactions.
pub fn root_of(leaf: Digest, branch: &[Sibling], count: u32) -> Digest {
    let top = branch.iter().fold(leaf, |node, sibling| match sibling {
        Sibling::Left(left) => sha256(&[tag::NODE, &left.0, &node.0]),
        Sibling::Right(right) => sha256(&[tag::NODE, &node.0, &right.0]),
    });
    sha256(&[tag::ROOT, &count.to_le_bytes(), &top.0])
}

fn above(level: &[Digest]) -> Vec<Digest> {
    let parent = |pair: &[Digest]| match pair {
        [left, right] => sha256(&[tag::NODE, &left.0, &right.0]),
        promoted => promoted[0],
    };
    level.chunks(2).map(parent).collect()
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
    fn a_branch_leads_from_its_leaf_to_the_root_and_no_other_leaf_does() {
        for n in 1..20 {
            let list = leaves(n);
            for (index, leaf) in list.iter().enumerate() {
                let branch = branch(&list, index);
                assert_eq!(root_of(*leaf, &branch, n.into()), root(&list), "{index} of {n}");
                assert_ne!(root_of(Digest([99; 32]), &branch, n.into()), root(&list));
                assert_ne!(root_of(*leaf, &branch, u32::from(n) + 1), root(&list));
            }
            assert_eq!(branch(&list, n.into()), []);
        }
    }

    #[test]
    fn the_order_counts() {
        let mut list = leaves(5);
        let before = root(&list);
        list.swap(1, 3);
        assert_ne!(root(&list), before);
    }
}
