//! Digest: BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020), four inputs side by side.
//!
//! Word i of four states lies in one vector, so one pass of the compression function hashes four
//! blocks: of four neighbouring chunks, or four neighbouring parent nodes. Where fewer than four
//! are left, the last one is repeated and its copies are thrown away; one chunk alone costs about
//! what plain code would, as that waits for results most of the time. Nothing here holds a state
//! between calls: a chunk's place in its stream is a parameter, so any leaf can be hashed alone.

use crate::lanes::Lanes;

/// Bytes of a chaining value or digest.
pub const VALUE_BYTES: usize = 32;
/// Bytes of a chunk, the smallest subtree.
pub const CHUNK_BYTES: usize = 1024;
/// The largest leaf, and what is hashed before its values are merged.
pub const LEAF_BYTES_MAX: usize = 64 * 1024;

const BLOCK_BYTES: usize = 64;
const PIECE_CHUNKS: usize = LEAF_BYTES_MAX / CHUNK_BYTES;
const WAYS: usize = 4;

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;

const INITIAL: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// Row r is the order in which round r takes the message words: each row is the one before it put
/// through the fixed permutation (section 2.2, table 2).
const SCHEDULE: [[usize; 16]; 7] = schedule();

const fn schedule() -> [[usize; 16]; 7] {
    const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut rows = [[0; 16]; 7];
    let mut word = 0;
    while word < 16 {
        rows[0][word] = word;
        word += 1;
    }
    let mut row = 1;
    while row < 7 {
        word = 0;
        while word < 16 {
            rows[row][word] = rows[row - 1][PERMUTATION[word]];
            word += 1;
        }
        row += 1;
    }
    rows
}

/// Writes the digest of each leaf of a run that starts at chunk `first_chunk` of its stream: the
/// chaining value of the leaf's subtree, or, when the run is the `whole_stream` and one leaf, the
/// root hash. A stream of no bytes is one empty leaf.
///
/// # Safety
/// `bytes` are readable at `source`; `leaf_bytes` is a power of two from `CHUNK_BYTES` to
/// `LEAF_BYTES_MAX`; `target` has room for a value per leaf; `first_chunk` starts a leaf.
pub unsafe fn digest_leaves(
    source: *const u8,
    bytes: usize,
    leaf_bytes: usize,
    first_chunk: u64,
    target: *mut u8,
    whole_stream: bool,
) {
    let root = whole_stream && bytes <= leaf_bytes;
    let mut values = [0u8; PIECE_CHUNKS * VALUE_BYTES];
    let mut target = target;
    let mut at = 0;
    loop {
        let piece_bytes = (bytes - at).min(LEAF_BYTES_MAX);
        let chunk = first_chunk + (at / CHUNK_BYTES) as u64;
        let end_flags = if root && bytes <= CHUNK_BYTES {
            ROOT
        } else {
            0
        };
        let values = values.as_mut_ptr();
        let mut count =
            unsafe { digest_chunks(source.add(at), piece_bytes, chunk, values, end_flags) };
        if root {
            unsafe { merge(values, count, true) };
            count = 1;
        } else {
            let mut width = CHUNK_BYTES;
            while width < leaf_bytes && count > 1 {
                count = unsafe { merge_level(values, count, PARENT) };
                width *= 2;
            }
        }
        unsafe {
            core::ptr::copy_nonoverlapping(values, target, count * VALUE_BYTES);
            target = target.add(count * VALUE_BYTES);
        }
        at += piece_bytes;
        if at >= bytes {
            return;
        }
    }
}

/// Merges `count` neighbouring values, in place, into the one of the tree above them; `root` says
/// whether that tree is the whole. One value alone stays as it is.
///
/// # Safety
/// `values` holds `count` values.
pub unsafe fn merge(values: *mut u8, count: usize, root: bool) {
    let mut count = count;
    while count > 2 {
        count = unsafe { merge_level(values, count, PARENT) };
    }
    if count == 2 {
        unsafe { merge_level(values, 2, if root { PARENT | ROOT } else { PARENT }) };
    }
}

/// Replaces neighbouring pairs by their parents, in place; an odd one at the end goes up as it is,
/// which makes the same tree as BLAKE3's rule "the left side is the largest full tree".
unsafe fn merge_level(values: *mut u8, count: usize, flags: u32) -> usize {
    let pairs = count / 2;
    let mut pair = 0;
    while pair < pairs {
        let ways = WAYS.min(pairs - pair);
        let inputs = unsafe { side_by_side(values.add(pair * BLOCK_BYTES), BLOCK_BYTES, ways) };
        let mut state = INITIAL.map(Lanes::splat_word);
        unsafe {
            absorb(
                &mut state,
                inputs,
                1,
                Place {
                    chunk: 0,
                    step: 0,
                    block_bytes: 64,
                },
                [flags, 0, 0],
            );
            store_values(state, values.add(pair * VALUE_BYTES), ways);
        }
        pair += ways;
    }
    if count % 2 == 1 {
        unsafe {
            let last = values.add((count - 1) * VALUE_BYTES);
            core::ptr::copy(last, values.add(pairs * VALUE_BYTES), VALUE_BYTES);
        }
    }
    count - pairs
}

/// Writes the chaining value of each chunk, and returns how many; `end_flags` go to each last block.
unsafe fn digest_chunks(
    source: *const u8,
    bytes: usize,
    first_chunk: u64,
    target: *mut u8,
    end_flags: u32,
) -> usize {
    let whole = bytes / CHUNK_BYTES;
    let flags = [0, CHUNK_START, CHUNK_END | end_flags];
    let mut chunk = 0;
    while chunk < whole {
        let ways = WAYS.min(whole - chunk);
        let inputs = unsafe { side_by_side(source.add(chunk * CHUNK_BYTES), CHUNK_BYTES, ways) };
        let place = Place {
            chunk: first_chunk + chunk as u64,
            step: 1,
            block_bytes: 64,
        };
        let mut state = INITIAL.map(Lanes::splat_word);
        unsafe {
            absorb(&mut state, inputs, CHUNK_BYTES / BLOCK_BYTES, place, flags);
            store_values(state, target.add(chunk * VALUE_BYTES), ways);
        }
        chunk += ways;
    }
    let rest = bytes % CHUNK_BYTES;
    if rest == 0 && whole > 0 {
        return whole;
    }
    unsafe {
        let short = source.add(whole * CHUNK_BYTES);
        let state = absorb_short_chunk(short, rest, first_chunk + whole as u64, flags);
        store_values(state, target.add(whole * VALUE_BYTES), 1);
    }
    whole + 1
}

/// The state after a chunk of fewer than `CHUNK_BYTES` bytes, perhaps of none.
unsafe fn absorb_short_chunk(
    source: *const u8,
    bytes: usize,
    chunk: u64,
    flags: [u32; 3],
) -> [Lanes; 8] {
    let whole_blocks = bytes.saturating_sub(1) / BLOCK_BYTES;
    let rest = bytes - whole_blocks * BLOCK_BYTES;
    let mut last_block = [0u8; BLOCK_BYTES];
    let mut state = INITIAL.map(Lanes::splat_word);
    let [always, first, last] = flags;
    unsafe {
        let tail = source.add(whole_blocks * BLOCK_BYTES);
        core::ptr::copy_nonoverlapping(tail, last_block.as_mut_ptr(), rest);
        let place = Place {
            chunk,
            step: 0,
            block_bytes: 64,
        };
        absorb(
            &mut state,
            [source; WAYS],
            whole_blocks,
            place,
            [always, first, 0],
        );
        let place = Place {
            chunk,
            step: 0,
            block_bytes: rest as u32,
        };
        let first = if whole_blocks == 0 { first } else { 0 };
        absorb(
            &mut state,
            [last_block.as_ptr(); WAYS],
            1,
            place,
            [always | first | last, 0, 0],
        );
    }
    state
}

/// The addresses of `ways` (1 to 4) inputs `stride` bytes apart, the last one repeated.
#[inline(always)]
unsafe fn side_by_side(first: *const u8, stride: usize, ways: usize) -> [*const u8; WAYS] {
    core::array::from_fn(|way| unsafe { first.add(way.min(ways - 1) * stride) })
}

/// Where the four inputs stand: the first one's chunk number and the distance to the next one's.
#[derive(Clone, Copy)]
struct Place {
    chunk: u64,
    step: u64,
    block_bytes: u32,
}

/// Takes `blocks` blocks of each input into `state`. The flags are for every block, for the first
/// and for the last.
#[inline(never)]
unsafe fn absorb(
    state: &mut [Lanes; 8],
    inputs: [*const u8; WAYS],
    blocks: usize,
    place: Place,
    flags: [u32; 3],
) {
    let chunks: [u64; WAYS] = core::array::from_fn(|way| place.chunk + way as u64 * place.step);
    let chunk_low = Lanes::from_words(chunks.map(|chunk| chunk as u32));
    let chunk_high = Lanes::from_words(chunks.map(|chunk| (chunk >> 32) as u32));
    let block_bytes = Lanes::splat_word(place.block_bytes);
    let [always, first, last] = flags;
    let mut chain = *state;
    let mut block_flags = always | first;
    for block in 0..blocks {
        if block == blocks - 1 {
            block_flags |= last;
        }
        let message = unsafe { load_message(inputs, block * BLOCK_BYTES) };
        let tail = [
            chunk_low,
            chunk_high,
            block_bytes,
            Lanes::splat_word(block_flags),
        ];
        chain = compress(chain, &message, tail);
        block_flags = always;
    }
    *state = chain;
}

/// Word i of each input's block, for all sixteen i.
#[inline(always)]
unsafe fn load_message(inputs: [*const u8; WAYS], offset: usize) -> [Lanes; 16] {
    let mut message = [Lanes::splat_byte(0); 16];
    for quarter in 0..4 {
        let at = offset + quarter * 16;
        let rows = inputs.map(|input| unsafe { Lanes::load(input.add(at)) });
        let columns = Lanes::transpose(rows);
        message[quarter * 4..quarter * 4 + 4].copy_from_slice(&columns);
    }
    message
}

#[inline(always)]
fn compress(chain: [Lanes; 8], message: &[Lanes; 16], tail: [Lanes; 4]) -> [Lanes; 8] {
    let [a, b, c, d, e, f, g, h] = chain;
    let [i, j, k, l] = [0, 1, 2, 3].map(|word| Lanes::splat_word(INITIAL[word]));
    let [m, n, o, p] = tail;
    let mut v = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
    for order in SCHEDULE {
        let word = |index: usize| message[order[index]];
        mix(&mut v, [0, 4, 8, 12], word(0), word(1));
        mix(&mut v, [1, 5, 9, 13], word(2), word(3));
        mix(&mut v, [2, 6, 10, 14], word(4), word(5));
        mix(&mut v, [3, 7, 11, 15], word(6), word(7));
        mix(&mut v, [0, 5, 10, 15], word(8), word(9));
        mix(&mut v, [1, 6, 11, 12], word(10), word(11));
        mix(&mut v, [2, 7, 8, 13], word(12), word(13));
        mix(&mut v, [3, 4, 9, 14], word(14), word(15));
    }
    core::array::from_fn(|word| v[word].xor(v[word + 8]))
}

/// The quarter round G (section 2.2).
#[inline(always)]
fn mix(v: &mut [Lanes; 16], [a, b, c, d]: [usize; 4], x: Lanes, y: Lanes) {
    v[a] = v[a].add_words(v[b]).add_words(x);
    v[d] = v[d].xor(v[a]).rotate_words::<16>();
    v[c] = v[c].add_words(v[d]);
    v[b] = v[b].xor(v[c]).rotate_words::<12>();
    v[a] = v[a].add_words(v[b]).add_words(y);
    v[d] = v[d].xor(v[a]).rotate_words::<8>();
    v[c] = v[c].add_words(v[d]);
    v[b] = v[b].xor(v[c]).rotate_words::<7>();
}

/// Writes the first `ways` of the four chaining values.
#[inline(always)]
unsafe fn store_values(state: [Lanes; 8], target: *mut u8, ways: usize) {
    let [a, b, c, d, e, f, g, h] = state;
    let front = Lanes::transpose([a, b, c, d]);
    let back = Lanes::transpose([e, f, g, h]);
    for way in 0..ways {
        unsafe {
            front[way & 3].store(target.add(way * VALUE_BYTES));
            back[way & 3].store(target.add(way * VALUE_BYTES + 16));
        }
    }
}
