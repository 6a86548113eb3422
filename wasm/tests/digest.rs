//! Our BLAKE3 against the blake3 crate and its published vectors.

use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_root};
use blockframe::digest::{digest_leaves, merge};

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// The digests of all leaves, whole stream or not.
fn leaves(bytes: &[u8], leaf_bytes: usize, first_chunk: u64, whole: bool) -> Vec<[u8; 32]> {
    let count = bytes.len().div_ceil(leaf_bytes).max(1);
    let mut digests = vec![[0; 32]; count];
    let target = digests.as_mut_ptr().cast();
    unsafe { digest_leaves(bytes.as_ptr(), bytes.len(), leaf_bytes, first_chunk, target, whole) };
    digests
}

fn root(mut digests: Vec<[u8; 32]>) -> [u8; 32] {
    unsafe { merge(digests.as_mut_ptr().cast(), digests.len(), true) };
    digests[0]
}

fn oracle_leaf(bytes: &[u8], offset: u64) -> ChainingValue {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(offset).update(bytes);
    hasher.finalize_non_root()
}

#[test]
fn digest_leaves_agrees_with_the_fixed_vectors() {
    let text = include_str!("../../tests/vectors/blake3.txt");
    let mut count = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (kind, rest) = line.split_once(": ").unwrap();
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |index: usize| fields[index].parse::<u64>().unwrap();
        let digest = match kind {
            "hash" => root(leaves(&pattern(number(0) as usize), 65536, 0, true)),
            "leaf" => {
                let chunk = number(1) * number(0) / 1024;
                leaves(&pattern(number(2) as usize), number(0) as usize, chunk, false)[0]
            }
            _ => panic!("unknown vector {line}"),
        };
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&hex, fields.last().unwrap(), "{line}");
        count += 1;
    }
    assert_eq!(count, 35 + 14);
}

#[test]
fn leaf_digests_merge_to_the_plain_hash() {
    for length in (0..5000).step_by(61).chain([65536, 65537, 131072, 200_000, 263_168]) {
        let bytes = pattern(length);
        for leaf_bytes in [1024, 2048, 4096, 16384, 65536] {
            let digests = leaves(&bytes, leaf_bytes, 0, true);
            assert_eq!(root(digests), *blake3::hash(&bytes).as_bytes(), "{length} {leaf_bytes}");
        }
    }
}

#[test]
fn digest_leaves_agrees_with_the_crate_at_any_offset() {
    let bytes = pattern(300_000);
    for leaf_bytes in [1024usize, 8192, 65536] {
        for first_leaf in [0u64, 1, 5, 1 << 20, 1 << 40] {
            let offset = first_leaf * leaf_bytes as u64;
            let ours = leaves(&bytes, leaf_bytes, offset / 1024, false);
            for (index, leaf) in bytes.chunks(leaf_bytes).enumerate() {
                let at = offset + (index * leaf_bytes) as u64;
                // The crate refuses a subtree that its place in the tree does not allow.
                if at != 0 || bytes.len() > leaf_bytes {
                    assert_eq!(
                        ours[index],
                        oracle_leaf(leaf, at),
                        "{leaf_bytes} {first_leaf} {index}"
                    );
                }
            }
        }
    }
}

#[test]
fn merge_agrees_with_the_crate() {
    let values = [[1; 32], [2; 32]];
    assert_eq!(
        root(values.to_vec()),
        *merge_subtrees_root(&values[0], &values[1], Mode::Hash).as_bytes()
    );
    assert_eq!(root(vec![[7; 32]]), [7; 32]);
}
