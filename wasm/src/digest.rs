//! Digest: BLAKE3's tree over the leaves of a stream. Holds no state between calls: a leaf's place in
//! its stream is a parameter, so any run of leaves can be hashed alone, and the values of all leaves
//! merge to the hash of the stream.

use crate::compression::{
    BLOCK_BYTES, Batch, VALUE_BYTES, WAYS_MAX, digest_batch, digest_short_chunk,
};

/// Bytes of a chunk, the smallest subtree.
pub const CHUNK_BYTES: usize = 1024;
/// The largest leaf, and what is hashed before its values are merged.
pub const LEAF_BYTES_MAX: usize = 64 * 1024;

const PIECE_CHUNKS: usize = LEAF_BYTES_MAX / CHUNK_BYTES;

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;

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
        let end_flags = if root && bytes <= CHUNK_BYTES { ROOT } else { 0 };
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
#[inline(never)]
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
#[inline(never)]
unsafe fn merge_level(values: *mut u8, count: usize, flags: u32) -> usize {
    let pairs = count / 2;
    let mut pair = 0;
    while pair < pairs {
        let batch = Batch {
            first: unsafe { values.add(pair * BLOCK_BYTES) },
            stride: BLOCK_BYTES,
            count: WAYS_MAX.min(pairs - pair),
            blocks: 1,
            chunk: 0,
            chunk_step: 0,
            flags: [flags, 0, 0],
        };
        unsafe { digest_batch(batch, values.add(pair * VALUE_BYTES)) };
        pair += batch.count;
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
#[inline(never)]
unsafe fn digest_chunks(
    source: *const u8,
    bytes: usize,
    first_chunk: u64,
    target: *mut u8,
    end_flags: u32,
) -> usize {
    let whole = bytes / CHUNK_BYTES;
    let flags = [0, CHUNK_START, CHUNK_END | end_flags];
    let mut done = 0;
    while done < whole {
        let batch = Batch {
            first: unsafe { source.add(done * CHUNK_BYTES) },
            stride: CHUNK_BYTES,
            count: WAYS_MAX.min(whole - done),
            blocks: CHUNK_BYTES / BLOCK_BYTES,
            chunk: first_chunk + done as u64,
            chunk_step: 1,
            flags,
        };
        unsafe { digest_batch(batch, target.add(done * VALUE_BYTES)) };
        done += batch.count;
    }
    let rest = bytes % CHUNK_BYTES;
    if rest == 0 && whole > 0 {
        return whole;
    }
    unsafe {
        let short = source.add(whole * CHUNK_BYTES);
        let target = target.add(whole * VALUE_BYTES);
        digest_short_chunk(short, rest, first_chunk + whole as u64, flags, target);
    }
    whole + 1
}
