//! Crc32c: the Castagnoli checksum (RFC 3720, appendix B.4), reflected polynomial 0x82F63B78.
//!
//! WebAssembly has no instruction for it, so sixteen bytes are folded per step through sixteen
//! tables of 1 KiB each (Kounavis and Berry, "slicing"). The tables are filled on first use, which
//! keeps them out of the module file.

use crate::fixed::fixed;

const POLYNOMIAL: u32 = 0x82F6_3B78;
const SLICES: usize = 16;

type Tables = [[u32; 256]; SLICES];

fixed!(
    /// `[s][b]`: what byte `b` contributes when `s` more bytes follow it in its step.
    tables: Tables = [[0; 256]; SLICES]
);

/// The checksum of `length` bytes that follow a run whose checksum is `seed` (0 for none).
///
/// # Safety
/// `length` bytes must be readable at `source`.
pub unsafe fn checksum(source: *const u8, length: usize, seed: u32) -> u32 {
    let tables = unsafe { filled_tables() };
    let mut state = !seed;
    let mut at = 0;
    while length - at >= SLICES {
        state = unsafe { fold(tables, source.add(at), state) };
        at += SLICES;
    }
    while at < length {
        let byte = unsafe { *source.add(at) };
        state = tables[0][usize::from(state as u8 ^ byte)] ^ state >> 8;
        at += 1;
    }
    !state
}

#[inline(always)]
unsafe fn fold(tables: &Tables, source: *const u8, state: u32) -> u32 {
    let mut folded = 0;
    for quarter in 0..4 {
        let mut word = unsafe { source.add(quarter * 4).cast::<u32>().read_unaligned() }.to_le();
        if quarter == 0 {
            word ^= state;
        }
        for byte in 0..4 {
            let slice = SLICES - 1 - (quarter * 4 + byte);
            folded ^= tables[slice][usize::from((word >> (8 * byte)) as u8)];
        }
    }
    folded
}

unsafe fn filled_tables() -> &'static Tables {
    let tables = unsafe { &mut *tables() };
    if tables[0][1] == 0 {
        fill(tables);
    }
    tables
}

fn fill(tables: &mut Tables) {
    for byte in 0..256u32 {
        let mut state = byte;
        for _ in 0..8 {
            state = if state & 1 != 0 { state >> 1 ^ POLYNOMIAL } else { state >> 1 };
        }
        tables[0][byte as usize] = state;
    }
    for slice in 1..SLICES {
        for byte in 0..256 {
            let before = tables[slice - 1][byte];
            tables[slice][byte] = tables[0][usize::from(before as u8)] ^ before >> 8;
        }
    }
}
