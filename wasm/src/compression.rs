//! Compression: the compression function of BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020,
//! section 2.2) on four or eight inputs side by side.
//!
//! Word i of four states lies in one vector, so one run of the function takes a block of each of
//! four inputs. Eight inputs are two such sets, half a round of one and half a round of the other in
//! turn: while one set waits for its results, the processor works on the other.

use crate::lanes::{Fence, Held, Lanes};

/// Bytes of a chaining value or digest.
pub const VALUE_BYTES: usize = 32;
pub const BLOCK_BYTES: usize = 64;

/// Inputs of one set, and of the most sets.
const SET_WAYS: usize = 4;
pub const WAYS_MAX: usize = 8;

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

/// Inputs of equal length, `stride` bytes apart.
#[derive(Clone, Copy)]
pub struct Batch {
    pub first: *const u8,
    pub stride: usize,
    /// 1 to `WAYS_MAX`. What is missing to a full set is made up by the last one again.
    pub count: usize,
    pub blocks: usize,
    /// The first input's chunk number, and the distance to the next one's.
    pub chunk: u64,
    pub chunk_step: u64,
    /// Flags of every block, of the first and of the last.
    pub flags: [u32; 3],
}

/// Takes all blocks of each input, and writes each input's chaining value.
///
/// # Safety
/// `batch.blocks` blocks are readable at each input; `target` has room for `batch.count` values,
/// and may overlap the inputs.
#[inline(never)]
pub unsafe fn digest_batch(batch: Batch, target: *mut u8) {
    unsafe {
        if batch.count > SET_WAYS {
            digest_sets::<2>(batch, target);
        } else {
            digest_sets::<1>(batch, target);
        }
    }
}

/// Takes a chunk of fewer than 1024 bytes, perhaps of none, and writes its chaining value.
///
/// # Safety
/// `bytes` are readable at `source`, a value is writable at `target`.
pub unsafe fn digest_short_chunk(
    source: *const u8,
    bytes: usize,
    chunk: u64,
    flags: [u32; 3],
    target: *mut u8,
) {
    let whole_blocks = bytes.saturating_sub(1) / BLOCK_BYTES;
    let rest = bytes - whole_blocks * BLOCK_BYTES;
    let mut last_block = [0u8; BLOCK_BYTES];
    let mut states = [INITIAL.map(Lanes::splat_word)];
    let [always, first, last] = flags;
    let place = Place { chunk, chunk_step: 0, block_bytes: BLOCK_BYTES as u32 };
    unsafe {
        absorb(&mut states, &[[source; SET_WAYS]], whole_blocks, place, [always, first, 0]);
        let tail = source.add(whole_blocks * BLOCK_BYTES);
        core::ptr::copy_nonoverlapping(tail, last_block.as_mut_ptr(), rest);
        let place = Place { block_bytes: rest as u32, ..place };
        let first = if whole_blocks == 0 { first } else { 0 };
        let flags = [always | first | last, 0, 0];
        absorb(&mut states, &[[last_block.as_ptr(); SET_WAYS]], 1, place, flags);
        store_values(states[0], target, 1);
    }
}

#[inline(always)]
unsafe fn digest_sets<const SETS: usize>(batch: Batch, target: *mut u8) {
    let inputs: Inputs<SETS> = core::array::from_fn(|set| {
        core::array::from_fn(|way| {
            let index = (set * SET_WAYS + way).min(batch.count - 1);
            unsafe { batch.first.add(index * batch.stride) }
        })
    });
    let place =
        Place { chunk: batch.chunk, chunk_step: batch.chunk_step, block_bytes: BLOCK_BYTES as u32 };
    let mut states = [INITIAL.map(Lanes::splat_word); SETS];
    unsafe {
        absorb(&mut states, &inputs, batch.blocks, place, batch.flags);
        for (set, state) in states.into_iter().enumerate() {
            let ways = SET_WAYS.min(batch.count - set * SET_WAYS);
            store_values(state, target.add(set * SET_WAYS * VALUE_BYTES), ways);
        }
    }
}

/// What a compression takes besides state and message.
#[derive(Clone, Copy)]
struct Place {
    chunk: u64,
    chunk_step: u64,
    block_bytes: u32,
}

type Inputs<const SETS: usize> = [[*const u8; SET_WAYS]; SETS];
type States<const SETS: usize> = [[Lanes; 8]; SETS];

/// Takes `blocks` blocks of each input into `states`. The flags are for every block, for the first
/// and for the last.
#[inline(never)]
unsafe fn absorb<const SETS: usize>(
    states: &mut States<SETS>,
    inputs: &Inputs<SETS>,
    blocks: usize,
    place: Place,
    flags: [u32; 3],
) {
    // The first and the last set: one and the same if there is one only. Loops over sets would be
    // shorter to write, but the compiler does not unroll bodies of this size.
    const { assert!(SETS == 1 || SETS == 2) };
    let (a_inputs, b_inputs) = (inputs[0], inputs[SETS - 1]);
    let (a_chunks, b_chunks) = (number_chunks(place, 0), number_chunks(place, SETS - 1));
    let (mut a_chain, mut b_chain) = (states[0], states[SETS - 1]);
    let block_bytes = Lanes::splat_word(place.block_bytes);
    let turns = Turns { by_16: BY_16.get(), by_8: BY_8.get() };
    let fence = Fence::new();
    let [always, first, last] = flags;
    let mut block_flags = always | first;
    for block in 0..blocks {
        if block == blocks - 1 {
            block_flags |= last;
        }
        let offset = block * BLOCK_BYTES;
        let flags = Lanes::splat_word(block_flags);
        let a_message = unsafe { load_message(a_inputs, offset) };
        fence.at(20);
        let b_message =
            if SETS > 1 { unsafe { load_message(b_inputs, offset) } } else { a_message };
        let mut a = begin(a_chain, [a_chunks[0], a_chunks[1], block_bytes, flags]);
        let mut b = begin(b_chain, [b_chunks[0], b_chunks[1], block_bytes, flags]);
        macro_rules! half_rounds {
            ($($index:literal)*) => { $(
                fence.at($index);
                half_round::<$index>(&mut a, &a_message, turns);
                if SETS > 1 {
                    half_round::<$index>(&mut b, &b_message, turns);
                }
            )* };
        }
        half_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13);
        a_chain = finish(a);
        b_chain = finish(b);
        block_flags = always;
    }
    states[0] = a_chain;
    if SETS > 1 {
        states[SETS - 1] = b_chain;
    }
}

/// The low and the high words of the chunk numbers of one set.
#[inline(always)]
fn number_chunks(place: Place, set: usize) -> [Lanes; 2] {
    let first = place.chunk + (set * SET_WAYS) as u64 * place.chunk_step;
    let [a, b, c, d] = [0, 1, 2, 3].map(|way: u64| first + way * place.chunk_step);
    [
        Lanes::from_words([a as u32, b as u32, c as u32, d as u32]),
        Lanes::from_words([a, b, c, d].map(|chunk| (chunk >> 32) as u32)),
    ]
}

/// Word i of each input's block, for all sixteen i.
#[inline(always)]
unsafe fn load_message(inputs: [*const u8; SET_WAYS], offset: usize) -> [Lanes; 16] {
    let quarter = |index: usize| {
        let at = offset + index * 16;
        Lanes::transpose(inputs.map(|input| unsafe { Lanes::load(input.add(at)) }))
    };
    let [a, b, c, d] = quarter(0);
    let [e, f, g, h] = quarter(1);
    let [i, j, k, l] = quarter(2);
    let [m, n, o, p] = quarter(3);
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

#[inline(always)]
fn begin(chain: [Lanes; 8], tail: [Lanes; 4]) -> [Lanes; 16] {
    let [a, b, c, d, e, f, g, h] = chain;
    let [i, j, k, l] = [0, 1, 2, 3].map(|word| Lanes::splat_word(INITIAL[word]));
    let [m, n, o, p] = tail;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

#[inline(always)]
fn finish(v: [Lanes; 16]) -> [Lanes; 8] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = v;
    let front = [a.xor(i), b.xor(j), c.xor(k), d.xor(l)];
    let back = [e.xor(m), f.xor(n), g.xor(o), h.xor(p)];
    [front[0], front[1], front[2], front[3], back[0], back[1], back[2], back[3]]
}

/// Byte orders that rotate each word right by 16 and by 8 bits: one look-up instead of two shifts
/// and an or.
#[derive(Clone, Copy)]
struct Turns {
    by_16: Lanes,
    by_8: Lanes,
}

static BY_16: Held = Held::new([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]);
static BY_8: Held = Held::new([1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12]);

const COLUMNS: [[usize; 4]; 4] = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]];
const DIAGONALS: [[usize; 4]; 4] = [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

#[inline(always)]
fn half_round<const HALF: usize>(v: &mut [Lanes; 16], message: &[Lanes; 16], turns: Turns) {
    let quarters = if HALF.is_multiple_of(2) { COLUMNS } else { DIAGONALS };
    let word = |index: usize| message[SCHEDULE[HALF / 2][HALF % 2 * 8 + index]];
    mix(v, quarters[0], word(0), word(1), turns);
    mix(v, quarters[1], word(2), word(3), turns);
    mix(v, quarters[2], word(4), word(5), turns);
    mix(v, quarters[3], word(6), word(7), turns);
}

/// The quarter round G (section 2.2).
#[inline(always)]
fn mix(v: &mut [Lanes; 16], [a, b, c, d]: [usize; 4], x: Lanes, y: Lanes, turns: Turns) {
    v[a] = v[a].add_words(x).add_words(v[b]);
    v[d] = v[d].xor(v[a]).look_up(turns.by_16);
    v[c] = v[c].add_words(v[d]);
    v[b] = v[b].xor(v[c]).rotate_words::<12>();
    v[a] = v[a].add_words(y).add_words(v[b]);
    v[d] = v[d].xor(v[a]).look_up(turns.by_8);
    v[c] = v[c].add_words(v[d]);
    v[b] = v[b].xor(v[c]).rotate_words::<7>();
}

/// Writes the first `ways` of the four chaining values.
#[inline(never)]
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
