//! BlockFrame's kernels: Reed-Solomon, BLAKE3 and CRC32C over bytes that lie in the module's own
//! memory. Everything that the module exports is in this file; src/codec/arena.ts hands out the
//! memory, and src/codec/ is the only caller. Nothing here allocates, keeps state between calls
//! (CRC32C's constant tables aside) or checks its arguments: the caller asserts them.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod compression;
pub mod crc32c;
pub mod digest;
pub mod erasure;
pub mod field;
mod fixed;
mod lanes;
mod passes;

#[cfg(target_arch = "wasm32")]
mod exports {
    use crate::{crc32c, digest, erasure, field};

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo) -> ! {
        core::arch::wasm32::unreachable()
    }

    unsafe extern "C" {
        /// Set by the linker: the first byte after the module's own data and stack.
        static __heap_base: u8;
    }

    /// The first offset that the caller may use.
    #[unsafe(no_mangle)]
    pub extern "C" fn arena_start() -> *const u8 {
        &raw const __heap_base
    }

    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn coefficients(
        from: *const u8,
        from_count: usize,
        to: *const u8,
        to_count: usize,
        target: *mut u8,
    ) {
        unsafe { field::coefficients(from, from_count, to, to_count, target) }
    }

    /// How many bytes `expand_tables` writes.
    #[unsafe(no_mangle)]
    pub extern "C" fn tables_bytes(source_count: usize, target_count: usize) -> usize {
        erasure::tables_bytes(source_count, target_count)
    }

    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn expand_tables(
        matrix: *const u8,
        source_count: usize,
        target_count: usize,
        tables: *mut u8,
    ) {
        unsafe { erasure::expand_tables(matrix, source_count, target_count, tables) }
    }

    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn apply(
        tables: *const u8,
        sources: *const *const u8,
        source_count: usize,
        targets: *const *mut u8,
        target_count: usize,
        bytes: usize,
    ) {
        unsafe { erasure::apply(tables, sources, source_count, targets, target_count, bytes) }
    }

    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn matches(
        tables: *const u8,
        sources: *const *const u8,
        source_count: usize,
        targets: *const *mut u8,
        target_count: usize,
        bytes: usize,
    ) -> bool {
        unsafe { erasure::matches(tables, sources, source_count, targets, target_count, bytes) }
    }

    /// The chunk number comes in two halves, so that the caller needs no BigInt.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn digest_leaves(
        source: *const u8,
        bytes: usize,
        leaf_bytes: usize,
        first_chunk_low: u32,
        first_chunk_high: u32,
        target: *mut u8,
        whole_stream: bool,
    ) {
        let first_chunk = u64::from(first_chunk_high) << 32 | u64::from(first_chunk_low);
        unsafe {
            digest::digest_leaves(source, bytes, leaf_bytes, first_chunk, target, whole_stream)
        }
    }

    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn merge(values: *mut u8, count: usize, root: bool) {
        unsafe { digest::merge(values, count, root) }
    }

    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn crc32c(source: *const u8, length: usize, seed: u32) -> u32 {
        unsafe { crc32c::checksum(source, length, seed) }
    }
}
