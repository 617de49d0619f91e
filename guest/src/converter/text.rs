//! Bytes in pieces of a few: appended, compared and counted. All lines are made of such pieces.
//!
//! Does not know what the bytes mean.
//!
//! BE ADVISED: this is here for speed alone, and does what `extend_from_slice`, `starts_with` and
//! `is_ascii_digit` do; where those become as fast, take them instead. A component copies a piece
//! whose length is only known when it runs by a call out of its code, which for the few bytes of a
//! value costs more than all else that is done with it; pieces of a fixed length become one load
//! and one store. And each call and each turn of a loop asks whether the component has run for too
//! long (`host/src/component.rs`), and each call whether there is stack left: so what is done for each
//! value is `#[inline]`, on the way of long responses of CSV `#[inline(always)]` (some 4 % of them;
//! where other ways share it, more made those slower), and does without loops where it can.

/// Appends a piece.
#[inline]
pub(super) fn append(to: &mut Vec<u8>, piece: &[u8]) {
    match piece.len() {
        8..=16 => append_ends::<8>(to, piece),
        4..8 => append_ends::<4>(to, piece),
        2..4 => append_ends::<2>(to, piece),
        1 => to.push(piece[0]),
        0 => {}
        _ => append_long(to, piece),
    }
}

/// Appends the first and the last bytes of a piece, which overlap unless it has twice as many.
#[inline]
fn append_ends<const N: usize>(to: &mut Vec<u8>, piece: &[u8]) {
    let (Some(first), Some(last)) = (piece.first_chunk::<N>(), piece.last_chunk::<N>()) else {
        return;
    };
    let end = to.len() + piece.len();
    to.extend_from_slice(first);
    to.truncate(end - N);
    to.extend_from_slice(last);
}

fn append_long(to: &mut Vec<u8>, piece: &[u8]) {
    let end = to.len() + piece.len();
    match (piece.as_chunks::<16>().0, piece.last_chunk::<16>()) {
        (blocks, Some(last)) if piece.len() <= 256 => {
            to.reserve(piece.len() + 16);
            for block in blocks {
                to.extend_from_slice(block);
            }
            // What is there already is written once more.
            to.truncate(end - 16);
            to.extend_from_slice(last);
        }
        _ => to.extend_from_slice(piece),
    }
}

/// What must follow the last piece of a text for `append_front` to be fast with it too; it becomes no
/// part of a line.
pub(super) const SLACK: [u8; 16] = [0; 16];

/// Appends so many of the first bytes of a text: fast where there are 16 or more.
#[inline(always)]
pub(super) fn append_front(to: &mut Vec<u8>, text: &[u8], length: usize) {
    match text.first_chunk::<16>() {
        Some(block) if length <= 16 => {
            let end = to.len() + length;
            to.extend_from_slice(block);
            to.truncate(end);
        }
        _ => append(to, &text[..length]),
    }
}

/// How many bytes at the beginning of a text are digits.
#[inline(always)]
pub(super) fn digits(text: &[u8]) -> usize {
    match text.first_chunk::<8>().map(|block| digits_of(*block)) {
        Some(count) if count < 8 => count,
        _ => text.iter().take_while(|byte| byte.is_ascii_digit()).count(),
    }
}

/// The same, of eight bytes at once: less the bits of `0`, a digit is below 10, and stays below 128
/// with 118 more.
#[inline(always)]
fn digits_of(block: [u8; 8]) -> usize {
    let block = u64::from_le_bytes(block) ^ 0x3030_3030_3030_3030;
    let sums = (block & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676;
    ((block | sums) & 0x8080_8080_8080_8080).trailing_zeros() as usize / 8
}

/// Whether `is` holds for any byte. It is asked of all of a block at once, so it must need no branches.
#[inline]
pub(super) fn any(text: &[u8], is: impl Fn(u8) -> bool) -> bool {
    let any_of = |block: &[u8]| block.iter().fold(false, |any, byte| any | is(*byte));
    match text.len() {
        0..4 => any_of(text),
        4..8 => ends::<4>(text).is_some_and(|ends| any_of(ends.as_flattened())),
        8..16 => ends::<8>(text).is_some_and(|ends| any_of(ends.as_flattened())),
        _ => {
            let last = text.last_chunk::<16>();
            let mut blocks = text.as_chunks::<16>().0.iter().chain(last);
            blocks.any(|block| any_of(block))
        }
    }
}

/// The first and the last bytes of a text, which overlap unless it has twice as many.
#[inline]
fn ends<const N: usize>(text: &[u8]) -> Option<[[u8; N]; 2]> {
    Some([*text.first_chunk()?, *text.last_chunk()?])
}

/// Whether `text` begins with `beginning`.
#[inline(always)]
pub(super) fn begins_with(text: &[u8], beginning: &[u8]) -> bool {
    let Some(text) = text.get(..beginning.len()) else { return false };
    match beginning.len() {
        0..16 => text == beginning,
        16..=32 => same_ends::<16>(text, beginning),
        33..=64 => same_ends::<32>(text, beginning),
        _ => {
            let (blocks, others) = (text.as_chunks::<32>().0, beginning.as_chunks::<32>().0);
            let mut pairs = blocks.iter().zip(others);
            pairs.all(|(one, other)| one == other) && same_ends::<32>(text, beginning)
        }
    }
}

/// Whether two texts of one length have the same first and last bytes.
#[inline(always)]
fn same_ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<N>() == other.first_chunk::<N>()
        && one.last_chunk::<N>() == other.last_chunk::<N>()
}

/// A record without the end of its line: blanks before it are a part of the last field.
pub(super) fn without_line_end(record: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b'\r' | b'\n');
    record.iter().rposition(is_text).map_or(&[], |last| &record[..=last])
}

#[cfg(test)]
mod tests {
    use super::{SLACK, any, append, append_front, begins_with, digits};

    /// Longer than any that has a way of its own.
    const LENGTH_MAX: usize = 300;

    /// All bytes of it differ from their neighbours.
    fn text(length: usize) -> Vec<u8> {
        (1..=250).cycle().take(length).collect()
    }

    #[test]
    fn pieces_of_all_lengths_are_appended() {
        for length in 0..LENGTH_MAX {
            let piece = text(length);
            let expected = [b"before".as_slice(), &piece].concat();
            let mut to = b"before".to_vec();
            append(&mut to, &piece);
            assert_eq!(to, expected);

            let followed = [&piece, SLACK.as_slice()].concat();
            for text in [&piece, &followed] {
                let mut to = b"before".to_vec();
                append_front(&mut to, text, length);
                assert_eq!(to, expected);
            }
        }
    }

    #[test]
    fn texts_of_all_lengths_are_compared() {
        for length in 0..LENGTH_MAX {
            let whole = text(length + 3);
            let beginning = &whole[..length];
            assert!(begins_with(&whole, beginning), "{length}");
            assert!(begins_with(beginning, beginning), "{length}");
            assert!(!begins_with(beginning, &whole), "{length}");
            for place in 0..length {
                let mut other = beginning.to_vec();
                other[place] ^= 1;
                assert!(!begins_with(&whole, &other), "{length} bytes, byte {place}");
            }
        }
    }

    #[test]
    fn digits_are_counted_up_to_any_other_byte() {
        for count in 0..40 {
            let number: Vec<_> = (b'0'..=b'9').cycle().take(count).collect();
            assert_eq!(digits(&number), count);
            for byte in (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()) {
                for rest in [b"".as_slice(), b"1234567890"] {
                    let text = [&number, [byte].as_slice(), rest].concat();
                    assert_eq!(digits(&text), count, "byte {byte}");
                }
            }
        }
    }

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        for length in 0..70 {
            let mut text = vec![b'a'; length];
            assert!(!any(&text, |byte| byte == b'b'), "{length}");
            for place in 0..length {
                text[place] = b'b';
                assert!(any(&text, |byte| byte == b'b'), "{length} bytes, byte {place}");
                text[place] = b'a';
            }
        }
    }
}
