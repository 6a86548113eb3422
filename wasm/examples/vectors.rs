//! Writes the fixed vectors of tests/vectors, with other people's implementations only:
//! `cargo run --release --example vectors` in wasm/. A changed file means that an oracle changed,
//! which must not happen; the tests compare our code with the files and never write them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use blake3::hazmat::HasherExt as _;
use reed_solomon_erasure::galois_8::ReedSolomon;

/// Data shards, parity shards, bytes of each.
const BLOCKS: [(usize, usize, usize); 12] = [
    (1, 1, 7),
    (1, 3, 33),
    (2, 1, 16),
    (2, 2, 1),
    (3, 2, 64),
    (5, 5, 31),
    (10, 4, 100),
    (17, 3, 48),
    (30, 3, 96),
    (6, 10, 40),
    (200, 56, 3),
    (128, 128, 2),
];

/// The lengths of BLAKE3's own test vectors.
const LENGTHS: [usize; 35] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2048, 2049, 3072, 3073,
    4096, 4097, 5120, 5121, 6144, 6145, 7168, 7169, 8192, 8193, 16384, 31744, 102400,
];

/// Leaf bytes, number of the leaf in its stream, bytes of the leaf.
const LEAVES: [(usize, u64, usize); 14] = [
    (1024, 0, 1),
    (1024, 0, 1024),
    (1024, 1, 1024),
    (1024, 3, 63),
    (2048, 5, 1025),
    (4096, 2, 4096),
    (16384, 7, 16384),
    (65536, 0, 65536),
    (65536, 0, 40000),
    (65536, 1, 65536),
    (65536, 9, 65535),
    (65536, 12, 1),
    (65536, 65537, 3 * 1024),
    (65536, 1 << 32, 65536),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Byte i of BLAKE3's test inputs.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// Bytes that look random, differ from shard to shard and need no library to make again.
fn shard_bytes(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn reed_solomon() -> String {
    let mut text = String::from(
        "# Reed-Solomon blocks encoded by the reed-solomon-erasure crate 6.0.0 (galois_8).\n\
         # block: data shards, parity shards, bytes; then every shard in hexadecimal, data first.\n",
    );
    for (data, parity, bytes) in BLOCKS {
        let seed = (data * 1000 + parity * 7) as u32;
        let mut shards: Vec<Vec<u8>> =
            (0..data).map(|index| shard_bytes(seed + index as u32, bytes)).collect();
        shards.resize(data + parity, vec![0; bytes]);
        ReedSolomon::new(data, parity).unwrap().encode(&mut shards).unwrap();
        let _ = writeln!(text, "block: {data} {parity} {bytes}");
        for shard in shards {
            let _ = writeln!(text, "{}", hex(&shard));
        }
    }
    text
}

fn blake3_digests() -> String {
    let mut text = String::from(
        "# BLAKE3 by the blake3 crate 1.8.7. Byte i of every input is i % 251.\n\
         # hash: bytes, digest. These are the official lengths and digests.\n",
    );
    for length in LENGTHS {
        let digest = blake3::hash(&pattern(length));
        let _ = writeln!(text, "hash: {length} {}", hex(digest.as_bytes()));
    }
    text.push_str(
        "# leaf: leaf bytes, leaf number in its stream, bytes, non-root chaining value.\n",
    );
    for (leaf_bytes, number, bytes) in LEAVES {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(number * leaf_bytes as u64).update(&pattern(bytes));
        let value = hasher.finalize_non_root();
        let _ = writeln!(text, "leaf: {leaf_bytes} {number} {bytes} {}", hex(&value));
    }
    text
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("reed_solomon.txt"), reed_solomon()).unwrap();
    fs::write(folder.join("blake3.txt"), blake3_digests()).unwrap();
}
