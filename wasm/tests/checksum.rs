//! Our CRC32C against published values and the crc32c crate.

use blockframe::crc32c::checksum;

fn ours(bytes: &[u8], seed: u32) -> u32 {
    unsafe { checksum(bytes.as_ptr(), bytes.len(), seed) }
}

#[test]
fn checksum_agrees_with_published_values() {
    // RFC 3720, appendix B.4, and the check value that catalogues of CRCs give.
    assert_eq!(ours(b"123456789", 0), 0xe306_9283);
    assert_eq!(ours(&[0; 32], 0), 0x8a91_36aa);
    assert_eq!(ours(&[0xff; 32], 0), 0x62a8_ab43);
    assert_eq!(ours(&(0..32).collect::<Vec<u8>>(), 0), 0x46dd_794e);
    assert_eq!(ours(&(0..32).rev().collect::<Vec<u8>>(), 0), 0x113f_db5c);
}

#[test]
fn checksum_continues_from_a_seed_at_any_cut() {
    let bytes: Vec<u8> = (0..300u32).map(|index| (index * 7 + index / 256) as u8).collect();
    for cut in 0..bytes.len() {
        let (front, back) = bytes.split_at(cut);
        assert_eq!(ours(back, ours(front, 0)), crc32c::crc32c(&bytes));
    }
}
