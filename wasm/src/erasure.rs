//! Erasure: every target run is a sum of k source runs, each times a constant of GF(2^8). This file
//! cuts the work into passes and lays out their look-up tables; the loops are in passes.rs.
//!
//! A product by a constant is linear over the bits of a byte, so it is the exclusive or of two
//! look-ups of sixteen entries, one per nibble (Plank, Greenan and Miller, "Screaming Fast Galois
//! Field Arithmetic Using Intel SIMD Instructions", FAST 2013). A *plain* pass does that for each
//! source and each target.
//!
//! A *paired* pass needs less. Let sources a, b be the shards x, x+1 and targets o, n the shards
//! y, y+1, with x and y even, and let every source have its partner. Then the matrix has
//!   o = sum of p a + q b,   n = sum of q a + p b,   and q / (p + q) = x + y,
//! because the differences of points, which Lagrange's formula multiplies, are those of pairs. With
//! r = p + q, s = a + b, u = a + (x + y) s this is
//!   o = sum of r u,   n - o = sum of r s,
//! so that a pair of sources costs one product for u and two per pair of targets, instead of four
//! per pair of targets; and both of the two take the same tables. A second pair of targets y', with
//! h = y + y', has o' = sum of r' u + h times the sum of r' s, where h is taken once at the end.
//! Encoding an even number of data shards is of this form; rebuilding seldom is. Nothing here knows
//! which it is: `expand_tables` looks whether the matrix has the form. Per pair of sources and vector
//! a paired pass for four targets has 27 vector operations where a plain one has 38; for three
//! targets it would be 27 for 30, which the shorter steps eat up, so only groups of four are paired.

#![allow(clippy::needless_range_loop, reason = "an index names a target or a vector in two arrays")]

use crate::field::{divide, multiply};
use crate::fixed::fixed;
use crate::lanes::Lanes;
use crate::passes::{
    PAIR_TABLES, PAIRS_MAX, Pass, Places, SOURCES_MAX, TABLE_BYTES, TARGETS_MAX, VECTOR_BYTES,
    run_paired, run_plain,
};

/// Bytes at the start of the tables: for each group of targets, whether its passes are paired.
const HEADER_BYTES: usize = 64;

const SHARDS_MAX: usize = 256;
const STEP_BYTES_MAX: usize = 4 * VECTOR_BYTES;

/// A pass leaves its sums in the targets, for the next pass to add to: this much of each, so that
/// they are still in the first-level cache.
const STRIP_BYTES: usize = 4096;

#[repr(align(64))]
struct Strips(#[expect(dead_code)] [u8; TARGETS_MAX * STRIP_BYTES]);

fixed!(
    /// What `matches` computes.
    expected_strips: Strips = Strips([0; TARGETS_MAX * STRIP_BYTES])
);

#[repr(align(64))]
struct ShortSources(#[expect(dead_code)] [u8; SHARDS_MAX * STEP_BYTES_MAX]);

fixed!(
    /// Copies of sources shorter than a step.
    short_sources: ShortSources = ShortSources([0; SHARDS_MAX * STEP_BYTES_MAX])
);

/// How many bytes the tables of a matrix take.
pub const fn tables_bytes(source_count: usize, target_count: usize) -> usize {
    HEADER_BYTES + source_count * target_count * TABLE_BYTES
}

/// Writes the look-up tables of a `target_count` x `source_count` matrix, group by group of targets.
///
/// # Safety
/// `matrix` holds the product of the counts, which are at most 255; `tables` has room for
/// `tables_bytes`.
pub unsafe fn expand_tables(
    matrix: *const u8,
    source_count: usize,
    target_count: usize,
    tables: *mut u8,
) {
    let mut group = TargetGroup::first(target_count);
    while group.count > 0 {
        unsafe {
            let rows = Rows { matrix: matrix.add(group.first * source_count), source_count };
            let writer = TableWriter(tables.add(group.tables_at));
            let paired = rows.are_paired(group.count);
            tables.add(group.index).write(u8::from(paired));
            if paired {
                rows.write_paired(writer);
            } else {
                rows.write_plain(group.count, writer);
            }
        }
        group = group.next(source_count, target_count);
    }
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
        let places = core::array::from_fn(|index| {
            (*targets.add(group.first + index.min(group.count - 1))).add(at)
        });
        Strip::new(tables, group, sources, source_count, at, length).compute(places);
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
    for_each_group(source_count, target_count, bytes, |group, at, length| unsafe {
        let places: Places =
            core::array::from_fn(|index| expected_strips().cast::<u8>().add(index * STRIP_BYTES));
        Strip::new(tables, group, sources, source_count, at, length).compute(places);
        (0..group.count).all(|index| {
            let target = (*targets.add(group.first + index)).add(at);
            equal(target, places[index & 3], length)
        })
    })
}

/// Whether every table of a one-source matrix is that of the factor 1.
unsafe fn copies_only(tables: *const u8, target_count: usize) -> bool {
    let tables = unsafe { tables.add(HEADER_BYTES) };
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

/// Up to four neighbouring targets, the work of one series of passes.
#[derive(Clone, Copy)]
struct TargetGroup {
    index: usize,
    first: usize,
    count: usize,
    /// Where its tables begin.
    tables_at: usize,
}

impl TargetGroup {
    fn first(target_count: usize) -> Self {
        TargetGroup { index: 0, first: 0, count: 0, tables_at: HEADER_BYTES }.sized(target_count)
    }

    /// The group after this one; of no targets if there are no more.
    fn next(self, source_count: usize, target_count: usize) -> Self {
        TargetGroup {
            index: self.index + 1,
            first: self.first + self.count,
            count: 0,
            tables_at: self.tables_at + self.count * source_count * TABLE_BYTES,
        }
        .sized(target_count)
    }

    fn sized(self, target_count: usize) -> Self {
        TargetGroup { count: TARGETS_MAX.min(target_count - self.first), ..self }
    }
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
        let mut group = TargetGroup::first(target_count);
        while group.count > 0 {
            if !visit(group, at, length) {
                return false;
            }
            group = group.next(source_count, target_count);
        }
        at += length;
    }
    true
}

/// The matrix's rows of one group.
#[derive(Clone, Copy)]
struct Rows {
    matrix: *const u8,
    source_count: usize,
}

impl Rows {
    fn entry(self, target: usize, source: usize) -> u8 {
        // SAFETY: callers stay within the group and the sources.
        unsafe { *self.matrix.add(target * self.source_count + source) }
    }

    /// r of a pair of sources for a pair of targets.
    fn sum(self, target_pair: usize, pair: usize) -> u8 {
        self.entry(target_pair * 2, pair * 2) ^ self.entry(target_pair * 2, pair * 2 + 1)
    }

    /// x + y of a pair of sources for a pair of targets; `sum` is not zero.
    #[inline(never)]
    fn distance(self, target_pair: usize, pair: usize) -> u8 {
        divide(self.entry(target_pair * 2, pair * 2 + 1), self.sum(target_pair, pair))
    }

    /// h of a pair of targets: its distance from the first pair.
    fn offset(self, target_pair: usize) -> u8 {
        self.distance(target_pair, 0) ^ self.distance(0, 0)
    }

    /// Whether the group has the form of the paired pass, and gains by it.
    fn are_paired(self, target_count: usize) -> bool {
        if target_count < TARGETS_MAX || !self.source_count.is_multiple_of(2) {
            return false;
        }
        (0..target_count).all(|target| {
            (0..self.source_count / 2).all(|pair| {
                if self.sum(target / 2, pair) == 0 {
                    return false;
                }
                let mirrored = target % 2 == 0
                    || (self.entry(target, pair * 2) == self.entry(target - 1, pair * 2 + 1)
                        && self.entry(target, pair * 2 + 1) == self.entry(target - 1, pair * 2));
                let apart = self.distance(target / 2, pair) ^ self.distance(0, pair);
                mirrored && apart == self.offset(target / 2)
            })
        })
    }

    /// The tables of each pair of sources, then h.
    fn write_paired(self, mut writer: TableWriter) {
        for pair in 0..self.source_count / 2 {
            writer.write(self.distance(0, pair));
            writer.write(self.sum(0, pair));
            writer.write(self.sum(1, pair));
        }
        writer.write(self.offset(1));
    }

    /// Source by source, within it target by target.
    fn write_plain(self, target_count: usize, mut writer: TableWriter) {
        for source in 0..self.source_count {
            for target in 0..target_count {
                writer.write(self.entry(target, source));
            }
        }
    }
}

struct TableWriter(*mut u8);

impl TableWriter {
    /// The products of `factor` with all low nibbles, then with all high ones.
    #[inline(never)]
    fn write(&mut self, factor: u8) {
        for nibble in 0..16u8 {
            // SAFETY: `expand_tables` is given room for a table per entry of the matrix, and the
            // paired form takes no more than the plain one.
            unsafe {
                self.0.write(multiply(factor, nibble));
                self.0.add(16).write(multiply(factor, nibble << 4));
                self.0 = self.0.add(1);
            }
        }
        self.0 = unsafe { self.0.add(16) };
    }
}

/// One strip of all sources, for one group of targets.
#[derive(Clone, Copy)]
struct Strip {
    tables: *const u8,
    paired: bool,
    target_count: usize,
    sources: *const *const u8,
    source_count: usize,
    /// Where the strip begins in each source.
    at: usize,
    length: usize,
}

impl Strip {
    #[inline(always)]
    unsafe fn new(
        tables: *const u8,
        group: TargetGroup,
        sources: *const *const u8,
        source_count: usize,
        at: usize,
        length: usize,
    ) -> Self {
        let paired = unsafe { *tables.add(group.index) } != 0;
        let tables = unsafe { tables.add(group.tables_at) };
        Strip { tables, paired, target_count: group.count, sources, source_count, at, length }
    }

    /// Whole steps; then, for a rest that is no whole step, the last step's worth again, overlapping:
    /// the same bytes come out of the same bytes.
    #[inline(never)]
    unsafe fn compute(self, places: Places) {
        let step = self.step_bytes();
        if self.length < step {
            return unsafe { self.compute_short(places, step) };
        }
        let rest = self.length % step;
        unsafe {
            self.sum(places, 0, self.length - rest);
            if rest != 0 {
                self.sum(places, self.length - step, self.length);
            }
        }
    }

    /// Does a whole step on copies, where the strip is shorter than one.
    #[inline(never)]
    unsafe fn compute_short(self, places: Places, step: usize) {
        let copies = short_sources().cast::<u8>();
        let mut sources = [core::ptr::null(); SHARDS_MAX];
        let mut targets = [[0u8; STEP_BYTES_MAX]; TARGETS_MAX];
        let target_places = core::array::from_fn(|target| targets[target].as_mut_ptr());
        unsafe {
            for source in 0..self.source_count {
                let copy = copies.add(source * STEP_BYTES_MAX);
                let original = (*self.sources.add(source)).add(self.at);
                core::ptr::copy_nonoverlapping(original, copy, self.length);
                sources[source & (SHARDS_MAX - 1)] = copy.cast_const();
            }
            Strip { sources: sources.as_ptr(), at: 0, ..self }.sum(target_places, 0, step);
            for target in 0..self.target_count {
                let target = target & (TARGETS_MAX - 1);
                core::ptr::copy_nonoverlapping(target_places[target], places[target], self.length);
            }
        }
    }

    fn step_bytes(self) -> usize {
        let width = match (self.paired, self.target_count) {
            (true, _) => 1,
            (false, 1) => 4,
            (false, _) => 2,
        };
        width * VECTOR_BYTES
    }

    /// Computes the bytes `from` to `to` of the strip, which are whole steps.
    #[inline(never)]
    unsafe fn sum(self, places: Places, from: usize, to: usize) {
        unsafe {
            match (self.paired, self.target_count) {
                (true, _) => self.sum_pairs(places, from, to),
                (false, 1) => self.sum_sources::<1, 4>(places, from, to),
                (false, 2) => self.sum_sources::<2, 2>(places, from, to),
                (false, 3) => self.sum_sources::<3, 2>(places, from, to),
                (false, _) => self.sum_sources::<4, 2>(places, from, to),
            }
        }
    }

    unsafe fn sum_sources<const TARGETS: usize, const WIDTH: usize>(
        self,
        places: Places,
        from: usize,
        to: usize,
    ) {
        let mut first = 0;
        while first < self.source_count {
            let count = SOURCES_MAX.min(self.source_count - first);
            unsafe {
                let tables = self.tables.add(first * TARGETS * TABLE_BYTES);
                let data = self.addresses(first, count);
                let pass = Pass { tables, data, places, from, to, begins: first == 0 };
                run_plain::<TARGETS, WIDTH>(&pass, count);
            }
            first += count;
        }
    }

    unsafe fn sum_pairs(self, places: Places, from: usize, to: usize) {
        let pair_count = self.source_count / 2;
        let pair_tables_bytes = PAIR_TABLES * TABLE_BYTES;
        let mut first = 0;
        while first < pair_count {
            let count = PAIRS_MAX.min(pair_count - first);
            unsafe {
                let tables = self.tables.add(first * pair_tables_bytes);
                let data = self.addresses(first * 2, count * 2);
                let pass = Pass { tables, data, places, from, to, begins: first == 0 };
                let offset_table = self.tables.add(pair_count * pair_tables_bytes);
                let ends = first + count == pair_count;
                run_paired(&pass, count, ends.then_some(offset_table));
            }
            first += count;
        }
    }

    /// Where the strip of each of `count` sources begins; the last one's is repeated.
    #[inline(always)]
    unsafe fn addresses<const MAX: usize>(self, first: usize, count: usize) -> [*const u8; MAX] {
        core::array::from_fn(|index| unsafe {
            (*self.sources.add(first + index.min(count - 1))).add(self.at)
        })
    }
}
