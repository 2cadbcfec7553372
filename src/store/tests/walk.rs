//! Reading the whole chain in parts while it moves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use common::{Tree, network, open};
use store::{Walk, Write};

#[test]
fn a_walk_goes_on_where_the_branches_part_and_ends_with_the_records_of_the_moment_of_the_tip() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = Tree::new(&network("walk"));
    let payments: Vec<_> = (0..4).map(|i| (1 + i, 5, 100 + u64::from(i))).collect();
    let mut store = open(dir.path(), &tree.network);
    let (first, second) = (tree.mine(0, 5, &payments), 2);
    assert_eq!(tree.mine(first, 5, &payments), second);
    store.commit(&tree.commit(&[first, second], 0, second)).unwrap();
    let mut walk = Walk::new(store.reader()).unwrap();
    let bytes = |node| postcard::to_stdvec(&tree.block(node)).unwrap();
    let part = walk.next_part().unwrap();
    assert_eq!((part.blocks, part.height, part.tip), (vec![bytes(first), bytes(second)], 2, tree.tip(second)));
    assert_eq!(part.records, Some(vec![]));

    // The second block leaves; two others join.
    let other = tree.mine(first, 6, &[]);
    let third = tree.mine(other, 6, &payments);
    store.commit(&tree.commit(&[other, third], second, third)).unwrap();
    let record = Write::PutPeer { id: [7; 32], value: vec![1, 2, 3] };
    store.write(std::slice::from_ref(&record)).unwrap();
    let bytes = |node| postcard::to_stdvec(&tree.block(node)).unwrap();
    let part = walk.next_part().unwrap();
    assert_eq!((part.blocks, part.height, part.tip), (vec![bytes(other), bytes(third)], 3, tree.tip(third)));
    assert_eq!(part.records, Some(vec![record]));
}

#[test]
fn a_part_has_a_megabyte_of_blocks_and_only_the_last_has_records() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = Tree::new(&network("parts"));
    let mut store = open(dir.path(), &tree.network);
    // Each with some 200 bytes of data.
    let payments: Vec<_> = (0..700).map(|i| (1 + (i % 4) as u8, 5, 199 + 600 * i)).collect();
    let mut tip = 0;
    for _ in 0..8 {
        let next = tree.mine(tip, 5, &payments);
        store.commit(&tree.commit(&[next], tip, next)).unwrap();
        tip = next;
    }
    let mut walk = Walk::new(store.reader()).unwrap();
    let (mut parts, mut blocks) = (0, 0);
    loop {
        let part = walk.next_part().unwrap();
        let size: usize = part.blocks.iter().map(Vec::len).sum();
        let largest = part.blocks.iter().map(Vec::len).max().unwrap_or(0);
        assert!(size < (1 << 20) + largest, "{size} bytes");
        (parts, blocks) = (parts + 1, blocks + part.blocks.len());
        assert_eq!(part.height as usize, blocks);
        if part.records.is_some() {
            break;
        }
    }
    assert!(parts >= 2, "{parts} parts");
    assert_eq!(blocks, 8);
}
