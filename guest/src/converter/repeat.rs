//! Rows that differ from the row before in time and value alone, as nearly all do: read without
//! taking the others of their columns apart.
//!
//! BE ADVISED: what is read here must be what `records` and `annotated` would have read, only
//! faster. Whatever is not as plain as below is left to them.
//!
//! ```csv
//! ,,0,2022-01-01T00:00:00Z,2022-01-02T00:00:00Z,2022-01-01T00:00:00Z,18.5,temp,air quality,Lima
//! ^^^^^^^^^^^^^^^^^^^^^ head ^^^^^^^^^^^^^^^^^^                          ^^^^^^^ tail ^^^^^^^^^^
//! ```

use super::quotes::is_needless;
use super::records::RECORD_BYTES_MAX;
use super::text::{begins_with, digits, without_line_end};
use super::value::{DataType, Value, decimal_length};
use crate::time::{Clock, Timestamp};

/// What the rows of a table have in common.
#[derive(Debug, Default)]
pub(super) struct Repeat {
    /// The bytes of a row before its time and after its value, without the line's end.
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Whether they are those of the row before.
    is_known: bool,
}

impl Repeat {
    /// Nothing is known of the rows that follow.
    pub(super) fn forget(&mut self) {
        self.is_known = false;
    }

    /// Takes a row as an example of those that follow: what it has before its time and after its
    /// value.
    pub(super) fn learn(&mut self, head: &[u8], tail: &[u8]) {
        self.is_known = true;
        self.head.clear();
        self.head.extend_from_slice(head);
        self.tail.clear();
        self.tail.extend_from_slice(tail);
    }

    /// Takes a row that has quotes. Its time is at this place, counted from 0, and its value after
    /// that. None of its other columns may hold a line feed: the rows that follow would count as
    /// one line each.
    pub(super) fn learn_quoted(&mut self, row: &[u8], place: usize) {
        let row = without_line_end(row);
        let parts = (|| {
            let time =
                (0..place).try_fold(0, |at, _| Some(at + field_length(row.get(at..)?)? + 1))?;
            let value = time + field_length(row.get(time..)?)? + 1;
            let tail = value + field_length(row.get(value..)?)?;
            Some((&row[..time], row.get(tail..)?))
        })();
        if let Some((head, tail)) = parts
            && !head.contains(&b'\n')
            && !tail.contains(&b'\n')
        {
            self.learn(head, tail);
        }
    }

    /// Reads the row that begins here, if it is all here and like the one before: its time, its
    /// value, and how many bytes it has with the line's end.
    #[inline(always)]
    pub(super) fn read<'a>(
        &self,
        bytes: &'a [u8],
        data_type: DataType,
        clock: &mut Clock,
    ) -> Option<(Timestamp, Value<'a>, usize)> {
        if !self.is_known || !begins_with(bytes, &self.head) {
            return None;
        }
        let text = &bytes[self.head.len()..];
        let (time, length) = clock.read(text)?;
        let text = text.get(length..)?.strip_prefix(b",")?;
        let (value, length) = cell(text, data_type)?;
        let text = &text[length..];
        if !begins_with(text, &self.tail) {
            return None;
        }
        let text = &text[self.tail.len()..];
        let rest = text.strip_prefix(b"\r\n").or_else(|| text.strip_prefix(b"\n"))?;
        let length = bytes.len() - rest.len();
        // A longer one is an error, however it was cut.
        (length <= RECORD_BYTES_MAX).then_some((time, value, length))
    }
}

/// So many bytes has the field that begins here.
pub(super) fn field_length(row: &[u8]) -> Option<usize> {
    if row.first() != Some(&b'"') {
        return Some(memchr::memchr(b',', row).unwrap_or(row.len()));
    }
    let mut at = 1;
    loop {
        at += memchr::memchr(b'"', &row[at..])? + 1;
        match row.get(at) {
            Some(b'"') => at += 1,
            Some(b',') | None => return Some(at),
            Some(_) => return None,
        }
    }
}

/// The value at the beginning of a text, and its length there; `None` if it is not plain.
#[inline(always)]
fn cell(text: &[u8], data_type: DataType) -> Option<(Value<'_>, usize)> {
    match data_type {
        DataType::Double => {
            // An exponent is left to others, and so is what may be too large.
            let length = decimal_length(text)?;
            (length < 300).then_some((Value::Decimal(&text[..length]), length))
        }
        DataType::Long => {
            let sign = usize::from(text.first() == Some(&b'-'));
            let number = integer(text, sign)?;
            Some((Value::Digits(number), number.len()))
        }
        DataType::UnsignedLong => {
            let number = integer(text, 0)?;
            Some((Value::UnsignedDigits(number), number.len()))
        }
        DataType::Boolean if text.starts_with(b"true") => Some((Value::Boolean(true), 4)),
        DataType::Boolean if text.starts_with(b"false") => Some((Value::Boolean(false), 5)),
        DataType::Boolean | DataType::Time => None,
        DataType::String => string(text),
    }
}

/// An integer of so few digits that it is one of 64 bits, without zeros before it.
#[inline(always)]
fn integer(text: &[u8], sign: usize) -> Option<&[u8]> {
    let count = digits(&text[sign..]);
    let is_plain = (1..=18).contains(&count) && (text[sign] != b'0' || count + sign == 1);
    is_plain.then_some(&text[..sign + count])
}

fn string(text: &[u8]) -> Option<(Value<'_>, usize)> {
    let (cell, length) = match text.strip_prefix(b"\"") {
        None => {
            let length = memchr::memchr3(b',', b'\r', b'\n', text)?;
            (&text[..length], length)
        }
        Some(inside) => {
            // Line breaks, which are counted, are for others; so are quotes, of which this is then
            // the first of two, and the row does not go on after it as it should.
            let end = memchr::memchr3(b'"', b'\r', b'\n', inside)?;
            // Quotes without need are for others too.
            if inside[end] != b'"' || is_needless(&text[..end + 2]) {
                return None;
            }
            (&inside[..end], end + 2)
        }
    };
    Some((Value::String(str::from_utf8(cell).ok()?.into()), length))
}
