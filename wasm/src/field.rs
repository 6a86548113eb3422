//! Field: GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11D) and generator 2, and the
//! coefficients that turn k shards of a block into any other of its shards.
//!
//! The Vandermonde row of shard r is (r^0, r^1, ..., r^(k-1)), so a block's shards are the values
//! at the points 0, 1, 2, ... of one polynomial of degree below k. Multiplying by the inverse of
//! the top square (Backblaze's construction) makes the first k values the data themselves. Encoding
//! and rebuilding are therefore the same thing: interpolation through k known points, evaluated at
//! others. Lagrange's formula gives its coefficients without inverting a matrix.

const POLYNOMIAL: u16 = 0x11D;

/// `EXP[i]` is 2^i; twice as long as the group's order, so that sums of logarithms need no modulo.
static EXP: [u8; 512] = powers();
/// `LOG[x]` is the i with 2^i = x; `LOG[0]` is never used.
static LOG: [u8; 256] = logarithms();

const fn powers() -> [u8; 512] {
    let mut table = [0; 512];
    let mut power: u16 = 1;
    let mut exponent = 0;
    while exponent < 255 {
        table[exponent] = power as u8;
        table[exponent + 255] = power as u8;
        power <<= 1;
        if power & 0x100 != 0 {
            power ^= POLYNOMIAL;
        }
        exponent += 1;
    }
    table
}

const fn logarithms() -> [u8; 256] {
    let powers = powers();
    let mut table = [0; 256];
    let mut exponent = 0;
    while exponent < 255 {
        table[powers[exponent] as usize] = exponent as u8;
        exponent += 1;
    }
    table
}

#[inline]
pub fn multiply(left: u8, right: u8) -> u8 {
    if left == 0 || right == 0 {
        return 0;
    }
    let exponent = usize::from(log(left)) + usize::from(log(right));
    exp(exponent)
}

/// `left` over `right`, which is not zero.
#[inline]
pub fn divide(left: u8, right: u8) -> u8 {
    if left == 0 {
        return 0;
    }
    exp(usize::from(log(left)) + 255 - usize::from(log(right)))
}

#[inline]
fn log(value: u8) -> u8 {
    LOG[usize::from(value)]
}

/// 2^`exponent`, for `exponent` below 510.
#[inline]
fn exp(exponent: usize) -> u8 {
    // The mask keeps the index inside the table, so that no bounds check and no panic is compiled.
    EXP[exponent & 511]
}

/// Writes the `to_count` x `from_count` matrix, row by row, that computes the shards `to` from the
/// shards `from`: entry (t, f) is the product over all other o in `from` of
/// (to[t] - from[o]) / (from[f] - from[o]). Subtraction is exclusive or.
///
/// # Safety
/// `from` holds `from_count` (at most 256) and `to` holds `to_count` different bytes; `target` has
/// room for their product.
pub unsafe fn coefficients(
    from: *const u8,
    from_count: usize,
    to: *const u8,
    to_count: usize,
    target: *mut u8,
) {
    let from = unsafe { core::slice::from_raw_parts(from, from_count) };
    let to = unsafe { core::slice::from_raw_parts(to, to_count) };
    let mut divisors = [0; 256];
    for (divisor, point) in divisors.iter_mut().zip(from) {
        *divisor = log_of_differences(from, *point);
    }
    let mut next = target;
    for wanted in to {
        let all = log_of_differences(from, *wanted);
        let known = from.contains(wanted);
        for (point, divisor) in from.iter().zip(divisors) {
            let entry = if wanted == point {
                1
            } else if known {
                0 // one of the factors is the difference of `wanted` and itself
            } else {
                let own = usize::from(log(wanted ^ point));
                exp((all + 2 * 255 - own - divisor) % 255)
            };
            unsafe {
                next.write(entry);
                next = next.add(1);
            }
        }
    }
}

/// The logarithm, modulo 255, of the product of (point - o) over all o in `from` but `point`.
fn log_of_differences(from: &[u8], point: u8) -> usize {
    let differences = from.iter().map(|other| point ^ other);
    let logs = differences.filter(|difference| *difference != 0);
    logs.map(|difference| usize::from(log(difference))).sum::<usize>() % 255
}
