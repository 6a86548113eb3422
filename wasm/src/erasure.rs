//! Erasure: every target run is a sum of k source runs, each times a constant of GF(2^8).
//!
//! A product by a constant is linear over the bits of a byte, so it is the exclusive or of two
//! look-ups of sixteen entries, one per nibble (Plank, Greenan and Miller, "Screaming Fast Galois
//! Field Arithmetic Using Intel SIMD Instructions", FAST 2013). A pass takes up to ten sources and
//! computes up to four targets; their sums stay in registers over those sources.
//!
//! The shape follows from what a WebAssembly engine makes of a load. Where the engine has no trap
//! handler (Deno has none), each load compares its address with the memory's size, unless the
//! address is a constant. So a pass copies its look-up tables to a fixed place, is unrolled over its
//! sources, and keeps their addresses in locals: the data are all that is still compared.

#![allow(clippy::needless_range_loop, reason = "an index names a target or a vector in two arrays")]

use crate::field::multiply;
use crate::fixed::fixed;
use crate::lanes::{Held, Lanes};

/// Bytes of one coefficient's two look-up tables: low nibbles, then high nibbles.
pub const TABLE_BYTES: usize = 32;

/// Targets of one pass. With five, the sums of two vectors no longer fit in the sixteen registers
/// of x86-64.
const TARGETS_MAX: usize = 4;

/// Sources of one pass. Reading and writing back the sums of a pass of ten takes a twentieth of its
/// time, so more would gain little.
const SOURCES_MAX: usize = 10;

const VECTOR_BYTES: usize = 16;

/// A pass leaves its sums in the targets, for the next pass to add to: this much of each, so that
/// they are still in the first-level cache.
const STRIP_BYTES: usize = 4096;

#[repr(align(64))]
struct PassTables(#[expect(dead_code)] [u8; SOURCES_MAX * TARGETS_MAX * TABLE_BYTES]);

fixed!(
    /// The tables of the pass at work: `[source][target][nibble]`.
    pass_tables: PassTables = PassTables([0; SOURCES_MAX * TARGETS_MAX * TABLE_BYTES])
);

#[repr(align(64))]
struct Expected(#[expect(dead_code)] [u8; TARGETS_MAX * STRIP_BYTES]);

fixed!(
    /// What `matches` computes, strip by strip.
    expected: Expected = Expected([0; TARGETS_MAX * STRIP_BYTES])
);

static LOW_NIBBLES: Held = Held::new([0x0f; 16]);

/// Writes the look-up tables of a `target_count` x `source_count` matrix: group by group of
/// targets, within it source by source, within it target by target.
///
/// # Safety
/// `matrix` holds the product of the counts, `tables` has room for `TABLE_BYTES` times that.
pub unsafe fn expand_tables(
    matrix: *const u8,
    source_count: usize,
    target_count: usize,
    tables: *mut u8,
) {
    let mut next = tables;
    let mut first = 0;
    while first < target_count {
        let group = group_size(target_count - first);
        for source in 0..source_count {
            for target in first..first + group {
                let factor = unsafe { *matrix.add(target * source_count + source) };
                for nibble in 0..16u8 {
                    unsafe {
                        next.write(multiply(factor, nibble));
                        next.add(16).write(multiply(factor, nibble << 4));
                        next = next.add(1);
                    }
                }
                next = unsafe { next.add(16) };
            }
        }
        first += group;
    }
}

/// The next group's size when `left` targets remain: even groups rather than a full one and a rest.
fn group_size(left: usize) -> usize {
    let groups = left.div_ceil(TARGETS_MAX);
    left.div_ceil(groups)
}

/// Computes `bytes` bytes of each target from those of all sources.
///
/// # Safety
/// `tables` comes from `expand_tables` with the same counts; `sources` and `targets` hold that
/// many addresses of `bytes` readable (writable) bytes; no target overlaps a source.
pub unsafe fn apply(
    tables: *const u8,
    sources: *const *const u8,
    source_count: usize,
    targets: *const *mut u8,
    target_count: usize,
    bytes: usize,
) {
    if source_count == 1 && unsafe { copies_only(tables, target_count) } {
        for target in 0..target_count {
            unsafe { core::ptr::copy_nonoverlapping(*sources, *targets.add(target), bytes) };
        }
        return;
    }
    for_each_group(source_count, target_count, bytes, |group, at, length| unsafe {
        let strip =
            Strip { tables: tables.add(group.tables_at), sources, source_count, at, length };
        let places = core::array::from_fn(|index| {
            (*targets.add(group.first + index.min(group.count - 1))).add(at)
        });
        strip.compute(group.count, places);
        true
    });
}

/// Whether the targets hold what `apply` would write; stops at the first strip that does not.
///
/// # Safety
/// As `apply`; the targets are only read.
pub unsafe fn matches(
    tables: *const u8,
    sources: *const *const u8,
    source_count: usize,
    targets: *const *mut u8,
    target_count: usize,
    bytes: usize,
) -> bool {
    let expected = expected().cast::<u8>();
    for_each_group(source_count, target_count, bytes, |group, at, length| unsafe {
        let strip =
            Strip { tables: tables.add(group.tables_at), sources, source_count, at, length };
        let places = core::array::from_fn(|index| expected.add(index * STRIP_BYTES));
        strip.compute(group.count, places);
        (0..group.count).all(|index| {
            let target = (*targets.add(group.first + index)).add(at);
            equal(target, expected.add(index * STRIP_BYTES), length)
        })
    })
}

/// Whether every table of a one-source matrix is that of the factor 1.
unsafe fn copies_only(tables: *const u8, target_count: usize) -> bool {
    (0..target_count).all(|target| unsafe { *tables.add(target * TABLE_BYTES + 1) } == 1)
}

unsafe fn equal(left: *const u8, right: *const u8, bytes: usize) -> bool {
    let mut at = 0;
    while bytes - at >= VECTOR_BYTES {
        let there = unsafe { Lanes::load(left.add(at)) };
        if !there.xor(unsafe { Lanes::load(right.add(at)) }).is_zero() {
            return false;
        }
        at += VECTOR_BYTES;
    }
    (at..bytes).all(|at| unsafe { *left.add(at) == *right.add(at) })
}

/// Up to four neighbouring targets.
#[derive(Clone, Copy)]
struct TargetGroup {
    first: usize,
    count: usize,
    tables_at: usize,
}

/// Calls `visit` with each group of targets for each strip (its offset and length), strip by
/// strip, until it returns false; returns whether it never did.
#[inline(always)]
fn for_each_group(
    source_count: usize,
    target_count: usize,
    bytes: usize,
    mut visit: impl FnMut(TargetGroup, usize, usize) -> bool,
) -> bool {
    let mut at = 0;
    while at < bytes {
        let length = STRIP_BYTES.min(bytes - at);
        let mut first = 0;
        while first < target_count {
            let count = group_size(target_count - first);
            let tables_at = first * source_count * TABLE_BYTES;
            if !visit(TargetGroup { first, count, tables_at }, at, length) {
                return false;
            }
            first += count;
        }
        at += length;
    }
    true
}

/// One strip of all sources, for one group of targets.
#[derive(Clone, Copy)]
struct Strip {
    /// The group's tables: `[source][target]`.
    tables: *const u8,
    sources: *const *const u8,
    source_count: usize,
    /// Where the strip begins in each source.
    at: usize,
    length: usize,
}

/// Where the strip of each target goes; a group of fewer than four repeats its last one.
type Places = [*mut u8; TARGETS_MAX];

impl Strip {
    unsafe fn compute(self, target_count: usize, places: Places) {
        unsafe {
            match target_count {
                1 => self.compute_targets::<1, 4>(places),
                2 => self.compute_targets::<2, 2>(places),
                3 => self.compute_targets::<3, 2>(places),
                _ => self.compute_targets::<4, 2>(places),
            }
        }
    }

    /// Whole steps of `WIDTH` vectors; then, for a rest that is no whole step, the last step's
    /// worth again, overlapping: the same bytes come out of the same bytes.
    #[inline(always)]
    unsafe fn compute_targets<const TARGETS: usize, const WIDTH: usize>(self, places: Places) {
        let step = WIDTH * VECTOR_BYTES;
        let rest = self.length % step;
        unsafe {
            if self.length < step {
                return self.compute_bytewise::<TARGETS>(places);
            }
            self.sum_sources::<TARGETS, WIDTH>(places, 0, self.length - rest);
            if rest != 0 {
                self.sum_sources::<TARGETS, WIDTH>(places, self.length - step, self.length);
            }
        }
    }

    #[inline(never)]
    unsafe fn sum_sources<const TARGETS: usize, const WIDTH: usize>(
        self,
        places: Places,
        from: usize,
        to: usize,
    ) {
        let mut first = 0;
        while first < self.source_count {
            let count = SOURCES_MAX.min(self.source_count - first);
            unsafe { self.pass::<TARGETS, WIDTH>(places, first, count, from, to) };
            first += count;
        }
    }

    /// Adds what `count` sources from `first` on contribute to the targets' bytes `from` to `to`,
    /// which are whole steps; the first source begins the sum.
    #[inline(always)]
    unsafe fn pass<const TARGETS: usize, const WIDTH: usize>(
        self,
        places: Places,
        first: usize,
        count: usize,
        from: usize,
        to: usize,
    ) {
        let data: [*const u8; SOURCES_MAX] = core::array::from_fn(|index| unsafe {
            (*self.sources.add(first + index.min(count - 1))).add(self.at)
        });
        let pass_tables = pass_tables().cast::<u8>();
        unsafe {
            let tables = self.tables.add(first * TARGETS * TABLE_BYTES);
            let bytes = count * TARGETS * TABLE_BYTES;
            core::ptr::copy_nonoverlapping(tables, pass_tables, bytes);
            run_pass::<TARGETS, WIDTH>(&data, count, places, from, to, first == 0);
        }
    }

    /// For strips shorter than a step.
    #[inline(never)]
    unsafe fn compute_bytewise<const TARGETS: usize>(self, places: Places) {
        for at in 0..self.length {
            for target in 0..TARGETS {
                let mut sum = 0;
                for source in 0..self.source_count {
                    unsafe {
                        let table = self.tables.add((source * TARGETS + target) * TABLE_BYTES);
                        let byte = usize::from(*(*self.sources.add(source)).add(self.at + at));
                        sum ^= *table.add(byte & 15) ^ *table.add(16 + (byte >> 4));
                    }
                }
                unsafe { places[target].add(at).write(sum) };
            }
        }
    }
}

/// The loop that everything else is for.
#[inline(never)]
unsafe fn run_pass<const TARGETS: usize, const WIDTH: usize>(
    data: &[*const u8; SOURCES_MAX],
    count: usize,
    places: Places,
    from: usize,
    to: usize,
    begins: bool,
) {
    let data = *data;
    let low_nibbles = LOW_NIBBLES.get();
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
                unsafe { add_source::<TARGETS, WIDTH, $index>(&mut sums, data[$index].add(at), low_nibbles) };
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
    low_nibbles: Lanes,
) {
    let tables = pass_tables().cast::<Lanes>();
    let bytes: [Lanes; WIDTH] =
        core::array::from_fn(|lane| unsafe { Lanes::load(data.add(lane * VECTOR_BYTES)) });
    let low = bytes.map(|bytes| bytes.and(low_nibbles));
    let high = bytes.map(|bytes| bytes.shift_nibbles_down().and(low_nibbles));
    for target in 0..TARGETS {
        let table = unsafe { tables.add((INDEX * TARGETS + target) * 2) };
        let low_table = unsafe { table.read_volatile() };
        let high_table = unsafe { table.add(1).read_volatile() };
        for lane in 0..WIDTH {
            sums[target][lane] = sums[target][lane]
                .xor(low_table.look_up(low[lane]))
                .xor(high_table.look_up(high[lane]));
        }
    }
}
