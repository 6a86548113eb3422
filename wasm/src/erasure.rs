//! Erasure: one pass over k source runs computes up to four target runs at once.
//!
//! A product by a constant is linear over the bits of a byte, so it is the exclusive or of two
//! look-ups of sixteen entries, one per nibble (Plank, Greenan and Miller, "Screaming Fast Galois
//! Field Arithmetic Using Intel SIMD Instructions", FAST 2013). The sums stay in registers over
//! all sources; nothing is read back. More than four targets are taken in groups, strip by strip,
//! so that a strip of every source is still in the first-level cache for the next group.

use crate::field::multiply;
use crate::lanes::Lanes;

/// Bytes of one coefficient's two look-up tables: low nibbles, then high nibbles.
pub const TABLE_BYTES: usize = 32;

/// Targets computed by one pass. With five, the sums of two vectors no longer fit in the sixteen
/// registers of x86-64.
const GROUP_MAX: usize = 4;

const VECTOR_BYTES: usize = 16;

/// What all sources of one strip may take of the first-level cache.
const STRIP_TOTAL_BYTES: usize = 32 * 1024;

/// What to do with a finished sum.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sink {
    Write,
    Compare,
}

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
    let groups = left.div_ceil(GROUP_MAX);
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
    let job = Job {
        tables,
        sources,
        source_count,
        targets,
        target_count,
        bytes,
    };
    unsafe { job.run::<{ Sink::Write as u8 }>() };
}

/// Whether the targets hold what `apply` would write; stops at the first step that does not.
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
    let job = Job {
        tables,
        sources,
        source_count,
        targets,
        target_count,
        bytes,
    };
    unsafe { job.run::<{ Sink::Compare as u8 }>() }
}

/// Whether every table of a one-source matrix is that of the factor 1.
unsafe fn copies_only(tables: *const u8, target_count: usize) -> bool {
    (0..target_count).all(|target| unsafe { *tables.add(target * TABLE_BYTES + 1) } == 1)
}

#[derive(Clone, Copy)]
struct Job {
    tables: *const u8,
    sources: *const *const u8,
    source_count: usize,
    targets: *const *mut u8,
    target_count: usize,
    bytes: usize,
}

impl Job {
    unsafe fn run<const SINK: u8>(self) -> bool {
        let strip_bytes = if self.target_count <= GROUP_MAX {
            self.bytes
        } else {
            (STRIP_TOTAL_BYTES / self.source_count).max(512) & !63
        };
        let mut at = 0;
        while at < self.bytes {
            let end = self.bytes.min(at + strip_bytes);
            if !unsafe { self.strip::<SINK>(at, end) } {
                return false;
            }
            at = end;
        }
        true
    }

    /// All groups of the bytes from `at` to `end`.
    unsafe fn strip<const SINK: u8>(self, at: usize, end: usize) -> bool {
        let mut rest = self;
        while rest.target_count > 0 {
            let group = group_size(rest.target_count);
            let same = unsafe {
                match group {
                    1 => rest.group::<SINK, 1, 4>(at, end),
                    2 => rest.group::<SINK, 2, 4>(at, end),
                    3 => rest.group::<SINK, 3, 2>(at, end),
                    _ => rest.group::<SINK, 4, 2>(at, end),
                }
            };
            if !same {
                return false;
            }
            rest.tables = unsafe { rest.tables.add(rest.source_count * group * TABLE_BYTES) };
            rest.targets = unsafe { rest.targets.add(group) };
            rest.target_count -= group;
        }
        true
    }

    /// The first `GROUP` targets, in steps of `WIDTH` vectors, then of one vector, then of the last
    /// sixteen bytes again (the same bytes come out of the same bytes), then bytewise if there are
    /// fewer than sixteen in all.
    #[inline(always)]
    unsafe fn group<const SINK: u8, const GROUP: usize, const WIDTH: usize>(
        self,
        start: usize,
        end: usize,
    ) -> bool {
        let mut at = start;
        while end - at >= WIDTH * VECTOR_BYTES {
            if !unsafe { self.step::<SINK, GROUP, WIDTH>(at) } {
                return false;
            }
            at += WIDTH * VECTOR_BYTES;
        }
        while end - at >= VECTOR_BYTES {
            if !unsafe { self.step::<SINK, GROUP, 1>(at) } {
                return false;
            }
            at += VECTOR_BYTES;
        }
        if at == end {
            true
        } else if end >= VECTOR_BYTES {
            unsafe { self.step::<SINK, GROUP, 1>(end - VECTOR_BYTES) }
        } else {
            unsafe { self.bytewise::<SINK, GROUP>(at, end) }
        }
    }

    #[inline(always)]
    unsafe fn step<const SINK: u8, const GROUP: usize, const WIDTH: usize>(
        self,
        at: usize,
    ) -> bool {
        let low_nibbles = Lanes::splat_byte(0x0f);
        let mut sums = [[Lanes::splat_byte(0); WIDTH]; GROUP];
        let mut table = self.tables;
        for source in 0..self.source_count {
            let data = unsafe { (*self.sources.add(source)).add(at) };
            let mut low = [Lanes::splat_byte(0); WIDTH];
            let mut high = low;
            for lane in 0..WIDTH {
                let bytes = unsafe { Lanes::load(data.add(lane * VECTOR_BYTES)) };
                low[lane] = bytes.and(low_nibbles);
                high[lane] = bytes.shift_nibbles_down().and(low_nibbles);
            }
            for sum in &mut sums {
                let low_table = unsafe { Lanes::load(table) };
                let high_table = unsafe { Lanes::load(table.add(16)) };
                for lane in 0..WIDTH {
                    sum[lane] = sum[lane]
                        .xor(low_table.look_up(low[lane]))
                        .xor(high_table.look_up(high[lane]));
                }
                table = unsafe { table.add(TABLE_BYTES) };
            }
        }
        unsafe { self.deliver::<SINK, GROUP, WIDTH>(at, &sums) }
    }

    #[inline(always)]
    unsafe fn deliver<const SINK: u8, const GROUP: usize, const WIDTH: usize>(
        self,
        at: usize,
        sums: &[[Lanes; WIDTH]; GROUP],
    ) -> bool {
        let mut differences = Lanes::splat_byte(0);
        for (group, sum) in sums.iter().enumerate() {
            let target = unsafe { (*self.targets.add(group)).add(at) };
            for (lane, value) in sum.iter().enumerate() {
                let place = unsafe { target.add(lane * VECTOR_BYTES) };
                if SINK == Sink::Write as u8 {
                    unsafe { value.store(place) };
                } else {
                    let there = unsafe { Lanes::load(place) };
                    differences = differences.or(there.xor(*value));
                }
            }
        }
        differences.is_zero()
    }

    unsafe fn bytewise<const SINK: u8, const GROUP: usize>(self, start: usize, end: usize) -> bool {
        for at in start..end {
            for group in 0..GROUP {
                let mut sum = 0;
                for source in 0..self.source_count {
                    let table = unsafe { self.tables.add((source * GROUP + group) * TABLE_BYTES) };
                    let byte = usize::from(unsafe { *(*self.sources.add(source)).add(at) });
                    sum ^= unsafe { *table.add(byte & 15) ^ *table.add(16 + (byte >> 4)) };
                }
                let place = unsafe { (*self.targets.add(group)).add(at) };
                if SINK == Sink::Write as u8 {
                    unsafe { place.write(sum) };
                } else if unsafe { *place } != sum {
                    return false;
                }
            }
        }
        true
    }
}
