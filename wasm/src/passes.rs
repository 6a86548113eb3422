//! Passes: the loops that Reed-Solomon spends its time in. A pass adds to each target what some
//! sources contribute to a strip of it; the sums stay in registers over the sources of a pass.
//!
//! The shape follows from what a WebAssembly engine makes of a load. Where the engine has no trap
//! handler (Deno has none), each load compares its address with the memory's size, unless the
//! address is a constant. So a pass copies its look-up tables to a fixed place, is unrolled over its
//! sources, and keeps their addresses in locals: the data are all that is still compared. Leaving
//! the unrolled code early, after as many sources as there are, also keeps LLVM from moving all work
//! for one target before all work for the next, which would need many more registers.

#![allow(clippy::needless_range_loop, reason = "an index names a target or a vector in two arrays")]

use crate::fixed::fixed;
use crate::lanes::{Held, Lanes};

/// Bytes of one factor's two look-up tables: low nibbles, then high nibbles.
pub const TABLE_BYTES: usize = 32;

pub const VECTOR_BYTES: usize = 16;

/// Targets of one pass. With five, the sums of two vectors no longer fit in the sixteen registers
/// of x86-64.
pub const TARGETS_MAX: usize = 4;

/// Sources of a plain pass. Reading and writing back the sums takes a twentieth of a pass of ten, so
/// more would gain little.
pub const SOURCES_MAX: usize = 10;

/// Pairs of sources of a paired pass, which comes back to a cache line for each of its vectors. Where
/// shards lie a power of two apart, lines compete for the places of one set, often twelve.
pub const PAIRS_MAX: usize = 5;

/// Tables of one pair: its distance from the first pair of targets, and r for each pair of targets.
pub const PAIR_TABLES: usize = 3;

const PASS_TABLES: usize = SOURCES_MAX * TARGETS_MAX;

#[repr(align(64))]
struct PassTables(#[expect(dead_code)] [u8; PASS_TABLES * TABLE_BYTES]);

fixed!(
    /// The tables of the pass at work.
    pass_tables: PassTables = PassTables([0; PASS_TABLES * TABLE_BYTES])
);

static LOW_NIBBLES: Held = Held::new([0x0f; 16]);

/// Where each target goes; a pass of fewer than four does not look at the rest.
pub type Places = [*mut u8; TARGETS_MAX];

/// What both kinds of pass need to know. `from` and `to` count from all addresses alike.
pub struct Pass<const DATA: usize> {
    pub tables: *const u8,
    pub data: [*const u8; DATA],
    pub places: Places,
    pub from: usize,
    pub to: usize,
    /// Whether this is the first pass, which starts the sums at zero.
    pub begins: bool,
}

/// Copies the tables of the pass to where constant addresses find them.
unsafe fn fix_tables(tables: *const u8, count: usize) {
    let bytes = count * TABLE_BYTES;
    unsafe { core::ptr::copy_nonoverlapping(tables, pass_tables().cast::<u8>(), bytes) }
}

/// The fixed tables number `index`. Read volatile, or LLVM would read all tables before the loop
/// and keep them on the stack.
#[inline(always)]
unsafe fn fixed_tables(index: usize) -> [Lanes; 2] {
    let tables = pass_tables().cast::<Lanes>();
    unsafe { [tables.add(index * 2).read_volatile(), tables.add(index * 2 + 1).read_volatile()] }
}

/// The nibbles of each byte, low ones and high ones.
#[inline(always)]
fn nibbles(bytes: Lanes, mask: Lanes) -> [Lanes; 2] {
    [bytes.and(mask), bytes.shift_nibbles_down().and(mask)]
}

/// `sum` and the product of the tables' factor with the bytes that have these nibbles.
#[inline(always)]
fn add_product(sum: Lanes, tables: [Lanes; 2], nibbles: [Lanes; 2]) -> Lanes {
    sum.xor(tables[0].look_up(nibbles[0])).xor(tables[1].look_up(nibbles[1]))
}

/// Adds what each of `count` sources contributes to each target, `WIDTH` vectors a step.
///
/// # Safety
/// The tables are those of `count` sources for `TARGETS` targets; `from` to `to` are whole steps
/// that are readable in all sources and writable in all places.
#[inline(never)]
pub unsafe fn run_plain<const TARGETS: usize, const WIDTH: usize>(
    pass: &Pass<SOURCES_MAX>,
    count: usize,
) {
    let Pass { tables, data, places, from, to, begins } = *pass;
    unsafe { fix_tables(tables, count * TARGETS) };
    let mask = LOW_NIBBLES.get();
    let mut at = from;
    while at < to {
        let mut sums = [[Lanes::splat_byte(0); WIDTH]; TARGETS];
        if !begins {
            for target in 0..TARGETS {
                for lane in 0..WIDTH {
                    let place = unsafe { places[target].add(at + lane * VECTOR_BYTES) };
                    sums[target][lane] = unsafe { Lanes::load(place) };
                }
            }
        }
        macro_rules! add_sources {
            ($($index:literal)*) => { 'all: { $(
                unsafe { add_source::<TARGETS, WIDTH, $index>(&mut sums, data[$index].add(at), mask) };
                if count == $index + 1 {
                    break 'all;
                }
            )* } };
        }
        add_sources!(0 1 2 3 4 5 6 7 8 9);
        for target in 0..TARGETS {
            for lane in 0..WIDTH {
                let place = unsafe { places[target].add(at + lane * VECTOR_BYTES) };
                unsafe { sums[target][lane].store(place) };
            }
        }
        at += WIDTH * VECTOR_BYTES;
    }
}

#[inline(always)]
unsafe fn add_source<const TARGETS: usize, const WIDTH: usize, const INDEX: usize>(
    sums: &mut [[Lanes; WIDTH]; TARGETS],
    data: *const u8,
    mask: Lanes,
) {
    let bytes: [Lanes; WIDTH] =
        core::array::from_fn(|lane| unsafe { Lanes::load(data.add(lane * VECTOR_BYTES)) });
    let nibbles = bytes.map(|bytes| nibbles(bytes, mask));
    for target in 0..TARGETS {
        let tables = unsafe { fixed_tables(INDEX * TARGETS + target) };
        for lane in 0..WIDTH {
            sums[target][lane] = add_product(sums[target][lane], tables, nibbles[lane]);
        }
    }
}

/// Adds what each of `count` pairs of sources contributes to two pairs of targets, one vector a step
/// (erasure.rs has the algebra). Between passes the first target of a pair holds the sum of r u and
/// the second one the sum of r s. The last pass is given the table of h, and makes targets of them.
///
/// # Safety
/// As `run_plain`; the tables are those of `count` pairs.
#[inline(never)]
pub unsafe fn run_paired(
    pass: &Pass<{ 2 * PAIRS_MAX }>,
    count: usize,
    offset_table: Option<*const u8>,
) {
    let Pass { tables, data, places, from, to, begins } = *pass;
    unsafe { fix_tables(tables, count * PAIR_TABLES) };
    let mask = LOW_NIBBLES.get();
    let zero = Lanes::splat_byte(0);
    let mut at = from;
    while at < to {
        let targets = places.map(|place| unsafe { place.add(at) });
        let mut sums = PairedSums { of_u: [zero; 2], of_s: [zero; 2] };
        if !begins {
            unsafe {
                sums.of_u = [Lanes::load(targets[0]), Lanes::load(targets[2])];
                sums.of_s = [Lanes::load(targets[1]), Lanes::load(targets[3])];
            }
        }
        macro_rules! add_pairs {
            ($($index:literal)*) => { 'all: { $(
                unsafe {
                    let a = Lanes::load(data[2 * $index].add(at));
                    let b = Lanes::load(data[2 * $index + 1].add(at));
                    sums = add_pair::<$index>(sums, a, b, mask);
                }
                if count == $index + 1 {
                    break 'all;
                }
            )* } };
        }
        add_pairs!(0 1 2 3 4);
        if let Some(table) = offset_table {
            sums = unsafe { sums.finished(table, mask) };
        }
        unsafe {
            sums.of_u[0].store(targets[0]);
            sums.of_s[0].store(targets[1]);
            sums.of_u[1].store(targets[2]);
            sums.of_s[1].store(targets[3]);
        }
        at += VECTOR_BYTES;
    }
}

/// For each of two pairs of targets.
#[derive(Clone, Copy)]
struct PairedSums {
    of_u: [Lanes; 2],
    of_s: [Lanes; 2],
}

impl PairedSums {
    /// The targets themselves.
    #[inline(always)]
    unsafe fn finished(self, offset_table: *const u8, mask: Lanes) -> Self {
        let low = unsafe { Lanes::load(offset_table) };
        let high = unsafe { Lanes::load(offset_table.add(VECTOR_BYTES)) };
        let second = add_product(self.of_u[1], [low, high], nibbles(self.of_s[1], mask));
        PairedSums {
            of_u: [self.of_u[0], second],
            of_s: [self.of_u[0].xor(self.of_s[0]), second.xor(self.of_s[1])],
        }
    }
}

#[inline(always)]
unsafe fn add_pair<const INDEX: usize>(
    sums: PairedSums,
    a: Lanes,
    b: Lanes,
    mask: Lanes,
) -> PairedSums {
    let tables = |index: usize| unsafe { fixed_tables(INDEX * PAIR_TABLES + index) };
    let s = nibbles(a.xor(b), mask);
    let u = nibbles(add_product(a, tables(0), s), mask);
    let (first, second) = (tables(1), tables(2));
    PairedSums {
        of_u: [add_product(sums.of_u[0], first, u), add_product(sums.of_u[1], second, u)],
        of_s: [add_product(sums.of_s[0], first, s), add_product(sums.of_s[1], second, s)],
    }
}
