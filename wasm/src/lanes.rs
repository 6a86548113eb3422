//! Lanes: sixteen bytes that one instruction works on, and the few operations the kernels need.
//!
//! On wasm32 each function is one WebAssembly instruction (a shift by a constant aside). Elsewhere
//! it is plain Rust, so that `cargo test` runs the same kernels natively, slowly. Nothing here
//! knows Reed-Solomon or BLAKE3. Loads and stores need no alignment.

#[cfg(target_arch = "wasm32")]
mod simd {
    use core::arch::wasm32::*;

    /// Sixteen bytes, or four little-endian words.
    #[derive(Clone, Copy)]
    pub struct Lanes(v128);

    impl Lanes {
        /// # Safety
        /// Sixteen bytes must be readable at `source`.
        #[inline(always)]
        pub unsafe fn load(source: *const u8) -> Self {
            Lanes(unsafe { v128_load(source.cast()) })
        }

        /// # Safety
        /// Sixteen bytes must be writable at `target`.
        #[inline(always)]
        pub unsafe fn store(self, target: *mut u8) {
            unsafe { v128_store(target.cast(), self.0) }
        }

        #[inline(always)]
        pub fn splat_byte(byte: u8) -> Self {
            Lanes(u8x16_splat(byte))
        }

        #[inline(always)]
        pub fn splat_word(word: u32) -> Self {
            Lanes(u32x4_splat(word))
        }

        #[inline(always)]
        pub fn from_words(words: [u32; 4]) -> Self {
            Lanes(u32x4(words[0], words[1], words[2], words[3]))
        }

        #[inline(always)]
        pub fn xor(self, other: Self) -> Self {
            Lanes(v128_xor(self.0, other.0))
        }

        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            Lanes(v128_and(self.0, other.0))
        }

        /// The high nibble of each byte in the low four bits; the high four bits are rubbish.
        #[inline(always)]
        pub fn shift_nibbles_down(self) -> Self {
            Lanes(u16x8_shr(self.0, 4))
        }

        /// `self[index]` for each byte of `index`, all of which must be below 16: other values
        /// give different results on different processors.
        #[inline(always)]
        pub fn look_up(self, index: Self) -> Self {
            Lanes(i8x16_relaxed_swizzle(self.0, index.0))
        }

        #[inline(always)]
        pub fn is_zero(self) -> bool {
            !v128_any_true(self.0)
        }

        #[inline(always)]
        pub fn add_words(self, other: Self) -> Self {
            Lanes(u32x4_add(self.0, other.0))
        }

        /// Each word rotated right by `BITS`.
        #[inline(always)]
        pub fn rotate_words<const BITS: u32>(self) -> Self {
            Lanes(v128_or(u32x4_shr(self.0, BITS), u32x4_shl(self.0, 32 - BITS)))
        }

        /// Rows to columns: word `j` of result `i` is word `i` of `rows[j]`.
        #[inline(always)]
        pub fn transpose(rows: [Self; 4]) -> [Self; 4] {
            let [a, b, c, d] = [rows[0].0, rows[1].0, rows[2].0, rows[3].0];
            let ab_low = u32x4_shuffle::<0, 4, 1, 5>(a, b);
            let ab_high = u32x4_shuffle::<2, 6, 3, 7>(a, b);
            let cd_low = u32x4_shuffle::<0, 4, 1, 5>(c, d);
            let cd_high = u32x4_shuffle::<2, 6, 3, 7>(c, d);
            [
                Lanes(u64x2_shuffle::<0, 2>(ab_low, cd_low)),
                Lanes(u64x2_shuffle::<1, 3>(ab_low, cd_low)),
                Lanes(u64x2_shuffle::<0, 2>(ab_high, cd_high)),
                Lanes(u64x2_shuffle::<1, 3>(ab_high, cd_high)),
            ]
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod plain {
    /// Sixteen bytes, or four little-endian words.
    #[derive(Clone, Copy)]
    pub struct Lanes([u8; 16]);

    impl Lanes {
        /// # Safety
        /// Sixteen bytes must be readable at `source`.
        #[inline(always)]
        pub unsafe fn load(source: *const u8) -> Self {
            Lanes(unsafe { source.cast::<[u8; 16]>().read_unaligned() })
        }

        /// # Safety
        /// Sixteen bytes must be writable at `target`.
        #[inline(always)]
        pub unsafe fn store(self, target: *mut u8) {
            unsafe { target.cast::<[u8; 16]>().write_unaligned(self.0) }
        }

        #[inline(always)]
        pub fn splat_byte(byte: u8) -> Self {
            Lanes([byte; 16])
        }

        #[inline(always)]
        pub fn splat_word(word: u32) -> Self {
            Self::from_words([word; 4])
        }

        #[inline(always)]
        pub fn from_words(words: [u32; 4]) -> Self {
            let mut bytes = [0; 16];
            for (target, word) in bytes.chunks_exact_mut(4).zip(words) {
                target.copy_from_slice(&word.to_le_bytes());
            }
            Lanes(bytes)
        }

        fn words(self) -> [u32; 4] {
            core::array::from_fn(|lane| {
                let bytes = &self.0[lane * 4..lane * 4 + 4];
                u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
            })
        }

        #[inline(always)]
        pub fn xor(self, other: Self) -> Self {
            Lanes(core::array::from_fn(|lane| self.0[lane] ^ other.0[lane]))
        }

        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            Lanes(core::array::from_fn(|lane| self.0[lane] & other.0[lane]))
        }

        /// The high nibble of each byte in the low four bits; the high four bits are rubbish.
        #[inline(always)]
        pub fn shift_nibbles_down(self) -> Self {
            Lanes(core::array::from_fn(|lane| {
                let above = if lane % 2 == 0 { self.0[lane + 1] } else { 0 };
                self.0[lane] >> 4 | above << 4
            }))
        }

        /// `self[index]` for each byte of `index`, all of which must be below 16.
        #[inline(always)]
        pub fn look_up(self, index: Self) -> Self {
            Lanes(core::array::from_fn(|lane| self.0[usize::from(index.0[lane])]))
        }

        #[inline(always)]
        pub fn is_zero(self) -> bool {
            self.0 == [0; 16]
        }

        #[inline(always)]
        pub fn add_words(self, other: Self) -> Self {
            let (left, right) = (self.words(), other.words());
            Self::from_words(core::array::from_fn(|lane| left[lane].wrapping_add(right[lane])))
        }

        /// Each word rotated right by `BITS`.
        #[inline(always)]
        pub fn rotate_words<const BITS: u32>(self) -> Self {
            Self::from_words(self.words().map(|word| word.rotate_right(BITS)))
        }

        /// Rows to columns: word `j` of result `i` is word `i` of `rows[j]`.
        #[inline(always)]
        pub fn transpose(rows: [Self; 4]) -> [Self; 4] {
            core::array::from_fn(|column| {
                Self::from_words(core::array::from_fn(|row| rows[row].words()[column]))
            })
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub use plain::Lanes;
#[cfg(target_arch = "wasm32")]
pub use simd::Lanes;

/// A constant that stays in a register: engines build a plain one anew at each use, which takes
/// three instructions, but have to keep what was read from memory.
#[repr(C, align(16))]
pub struct Held([u8; 16]);

impl Held {
    pub const fn new(bytes: [u8; 16]) -> Self {
        Held(bytes)
    }

    /// Reads it as if somebody could have changed it.
    #[inline(always)]
    pub fn get(&'static self) -> Lanes {
        // SAFETY: `Lanes` is sixteen bytes of any value, and this is aligned to sixteen.
        unsafe { core::ptr::read_volatile((&raw const self.0).cast::<Lanes>()) }
    }
}

/// Places that the compiler moves no work across, without cost when run. Left alone, LLVM's
/// WebAssembly back end moves each operation down to its first use; over hundreds of operations
/// that undoes an order chosen to keep a processor's units busy and its registers few.
#[derive(Clone, Copy)]
pub struct Fence(u32);

/// No fence's number. The compiler does not see that it is constant, as it is read volatile.
static NOWHERE: u32 = u32::MAX;

impl Fence {
    #[inline(always)]
    pub fn new() -> Self {
        // SAFETY: reads a static.
        Fence(unsafe { core::ptr::read_volatile(&raw const NOWHERE) })
    }

    /// Ends what comes before. Each number may be used once, or the compiler knows the outcome.
    #[inline(always)]
    pub fn at(self, number: u32) {
        if self.0 == number {
            stop();
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn stop() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn stop() -> ! {
    unreachable!("no fence has the number of NOWHERE")
}
