//! Bytes in pieces of a few: appended, compared and counted. All lines are made of such pieces.
//!
//! Does not know what the bytes mean.
//!
//! BE ADVISED: this is here for speed alone, and does what `extend_from_slice`, `starts_with` and
//! `is_ascii_digit` do; where those become as fast, take them instead. A component copies a piece
//! whose length is only known when it runs by a call out of its code, which for the few bytes of a
//! value costs more than all else that is done with it; pieces of a fixed length become one load
//! and one store. And each call and each turn of a loop asks whether the component has run for too
//! long (`host/src/component.rs`): so what is done for each value is `#[inline]`, and does without
//! loops where it can.

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
#[inline]
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
#[inline]
pub(super) fn digits(text: &[u8]) -> usize {
    match text.first_chunk::<8>().map(|block| digits_of(*block)) {
        Some(count) if count < 8 => count,
        _ => text.iter().take_while(|byte| byte.is_ascii_digit()).count(),
    }
}

/// The same, of eight bytes at once: less the bits of `0`, a digit is below 10, and stays below 128
/// with 118 more.
#[inline]
fn digits_of(block: [u8; 8]) -> usize {
    let block = u64::from_le_bytes(block) ^ 0x3030_3030_3030_3030;
    let sums = (block & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676;
    ((block | sums) & 0x8080_8080_8080_8080).trailing_zeros() as usize / 8
}

/// Whether `text` begins with `beginning`.
#[inline]
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
#[inline]
fn same_ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<N>() == other.first_chunk::<N>()
        && one.last_chunk::<N>() == other.last_chunk::<N>()
}

/// A record without the end of its line: blanks before it are a part of the last field.
pub(super) fn without_line_end(record: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b'\r' | b'\n');
    record.iter().rposition(is_text).map_or(&[], |last| &record[..=last])
}
