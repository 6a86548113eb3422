//! Our Reed-Solomon against fixed vectors and against the reed-solomon-erasure crate.

use blockframe::{erasure, field};
use reed_solomon_erasure::galois_8::ReedSolomon;

/// Computes shards `to` from shards `from` (their numbers in the block, and their bytes).
fn compute(from: &[u8], sources: &[&[u8]], to: &[u8], bytes: usize) -> Vec<Vec<u8>> {
    let mut matrix = vec![0; from.len() * to.len()];
    let mut tables = vec![0; erasure::tables_bytes(from.len(), to.len())];
    let mut targets = vec![vec![0xa5; bytes]; to.len()];
    let sources: Vec<*const u8> = sources.iter().map(|source| source.as_ptr()).collect();
    let places: Vec<*mut u8> = targets.iter_mut().map(|target| target.as_mut_ptr()).collect();
    let (k, n) = (from.len(), to.len());
    unsafe {
        field::coefficients(from.as_ptr(), k, to.as_ptr(), n, matrix.as_mut_ptr());
        erasure::expand_tables(matrix.as_ptr(), k, n, tables.as_mut_ptr());
        erasure::apply(tables.as_ptr(), sources.as_ptr(), k, places.as_ptr(), n, bytes);
        assert!(erasure::matches(tables.as_ptr(), sources.as_ptr(), k, places.as_ptr(), n, bytes));
    }
    if n > 0 && bytes > 0 {
        targets[n - 1][bytes / 2] ^= 1;
        let tables = tables.as_ptr();
        let equal =
            unsafe { erasure::matches(tables, sources.as_ptr(), k, places.as_ptr(), n, bytes) };
        assert!(!equal, "one flipped bit goes unnoticed");
        targets[n - 1][bytes / 2] ^= 1;
    }
    targets
}

fn numbers(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(|number| number as u8).collect()
}

fn encode(data: &[Vec<u8>], parity: usize) -> Vec<Vec<u8>> {
    let sources: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    let k = data.len();
    compute(&numbers(0, k), &sources, &numbers(k, k + parity), data[0].len())
}

/// Numbers that repeat from run to run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}

fn reference(data: &[Vec<u8>], parity: usize) -> Vec<Vec<u8>> {
    let mut shards = data.to_vec();
    shards.resize(data.len() + parity, vec![0; data[0].len()]);
    ReedSolomon::new(data.len(), parity).unwrap().encode(&mut shards).unwrap();
    shards
}

fn assert_rebuilds(shards: &[Vec<u8>], data: usize, lost: &[u8]) {
    let all = numbers(0, shards.len());
    let from: Vec<u8> =
        all.into_iter().filter(|number| !lost.contains(number)).take(data).collect();
    let sources: Vec<&[u8]> =
        from.iter().map(|number| shards[*number as usize].as_slice()).collect();
    let rebuilt = compute(&from, &sources, lost, shards[0].len());
    for (number, bytes) in lost.iter().zip(rebuilt) {
        assert!(bytes == shards[*number as usize], "shard {number} of {data}+, lost {lost:?}");
    }
}

#[test]
fn encode_agrees_with_the_fixed_vectors() {
    let text = include_str!("../../tests/vectors/reed_solomon.txt");
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut blocks = 0;
    while let Some(head) = lines.next() {
        let numbers: Vec<usize> =
            head.strip_prefix("block: ").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
        let (data, parity) = (numbers[0], numbers[1]);
        let shards: Vec<Vec<u8>> = (&mut lines).take(data + parity).map(parse_hex).collect();
        assert_eq!(encode(&shards[..data], parity), shards[data..], "{head}");
        blocks += 1;
    }
    assert_eq!(blocks, 12);
}

fn parse_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn encode_agrees_with_the_crate_for_random_blocks() {
    let mut random = Random(1);
    for _ in 0..300 {
        let data = 1 + random.below(60);
        let parity = 1 + random.below(20);
        let bytes = 1 + random.below(300);
        let shards: Vec<Vec<u8>> = (0..data).map(|_| random.bytes(bytes)).collect();
        assert_eq!(encode(&shards, parity), reference(&shards, parity)[data..], "{data}+{parity}");
    }
}

#[test]
fn encode_agrees_with_the_crate_across_strips() {
    let mut random = Random(2);
    for (data, parity, bytes) in
        [(3, 2, 4096), (10, 4, 4097), (30, 3, 8191), (12, 7, 12345), (26, 8, 4111)]
    {
        let shards: Vec<Vec<u8>> = (0..data).map(|_| random.bytes(bytes)).collect();
        assert_eq!(encode(&shards, parity), reference(&shards, parity)[data..], "{data}+{parity}");
    }
}

#[test]
fn rebuild_undoes_every_loss_of_small_blocks() {
    let mut random = Random(3);
    for count in 2..=9usize {
        for data in 1..count {
            let bytes = 1 + random.below(70);
            let contents: Vec<Vec<u8>> = (0..data).map(|_| random.bytes(bytes)).collect();
            let shards = reference(&contents, count - data);
            for pattern in 1u32..1 << count {
                if pattern.count_ones() as usize <= count - data {
                    let lost: Vec<u8> =
                        (0..count as u8).filter(|number| pattern >> number & 1 == 1).collect();
                    assert_rebuilds(&shards, data, &lost);
                }
            }
        }
    }
}

#[test]
fn rebuild_undoes_random_losses_of_large_blocks() {
    let mut random = Random(4);
    for _ in 0..60 {
        let count = 2 + random.below(255);
        let data = 1 + random.below(count - 1);
        let contents: Vec<Vec<u8>> = (0..data).map(|_| random.bytes(40)).collect();
        let shards = reference(&contents, count - data);
        let mut all = numbers(0, count);
        let mut lost: Vec<u8> = (0..1 + random.below(count - data))
            .map(|_| all.swap_remove(random.below(all.len())))
            .collect();
        lost.sort_unstable();
        assert_rebuilds(&shards, data, &lost);
    }
}
