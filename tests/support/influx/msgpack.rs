//! MessagePack as InfluxDB writes it, by hand: the tests compare it with bytes of real servers, so
//! it is to share nothing with what decodes it.
//!
//! `tinylib/msgp`, which both versions use, takes the shortest form of its sort: an `int64` of 200
//! is `d1 00 c8`, never `cc c8` (recorded in `tests/recorded/influxql/encodings_*.msgpack`).

use super::points::Value;

/// A map of so many pairs.
pub(super) fn push_map(bytes: &mut Vec<u8>, pairs: usize) {
    push_length(bytes, pairs, Short { marker: 0x80, max: 15 }, &[(2, 0xde), (4, 0xdf)]);
}

/// An array of so many elements.
pub(super) fn push_array(bytes: &mut Vec<u8>, elements: usize) {
    push_length(bytes, elements, Short { marker: 0x90, max: 15 }, &[(2, 0xdc), (4, 0xdd)]);
}

/// A text.
pub(super) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let wide = [(1, 0xd9), (2, 0xda), (4, 0xdb)];
    push_length(bytes, text.len(), Short { marker: 0xa0, max: 31 }, &wide);
    bytes.extend_from_slice(text.as_bytes());
}

/// A truth.
pub(super) fn push_boolean(bytes: &mut Vec<u8>, value: bool) {
    bytes.push(0xc2 + u8::from(value));
}

/// A signed integer, never in one of the unsigned forms.
pub(super) fn push_integer(bytes: &mut Vec<u8>, value: i64) {
    if let Ok(value @ -32..) = i8::try_from(value) {
        bytes.extend(value.to_be_bytes());
    } else if let Ok(value) = i8::try_from(value) {
        push_number(bytes, 0xd0, &value.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        push_number(bytes, 0xd1, &value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        push_number(bytes, 0xd2, &value.to_be_bytes());
    } else {
        push_number(bytes, 0xd3, &value.to_be_bytes());
    }
}

/// An unsigned integer. Below 128 it looks like a signed one.
pub(super) fn push_unsigned(bytes: &mut Vec<u8>, value: u64) {
    if let Ok(value @ ..128) = u8::try_from(value) {
        bytes.push(value);
    } else if let Ok(value) = u8::try_from(value) {
        push_number(bytes, 0xcc, &[value]);
    } else if let Ok(value) = u16::try_from(value) {
        push_number(bytes, 0xcd, &value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        push_number(bytes, 0xce, &value.to_be_bytes());
    } else {
        push_number(bytes, 0xcf, &value.to_be_bytes());
    }
}

/// The value of a field, or nothing.
pub(super) fn push_value(bytes: &mut Vec<u8>, value: Option<&Value>) {
    match value {
        None => bytes.push(0xc0),
        Some(Value::Float(value)) => push_number(bytes, 0xcb, &value.to_be_bytes()),
        Some(Value::Integer(value)) => push_integer(bytes, *value),
        Some(Value::Unsigned(value)) => push_unsigned(bytes, *value),
        Some(Value::Boolean(value)) => push_boolean(bytes, *value),
        Some(Value::String(value)) => push_text(bytes, value),
    }
}

fn push_number(bytes: &mut Vec<u8>, marker: u8, digits: &[u8]) {
    bytes.push(marker);
    bytes.extend_from_slice(digits);
}

/// A form whose length is in its marker.
struct Short {
    marker: u8,
    max: u8,
}

/// A length in its marker, or after the first of the wider forms, each with its bytes, that holds
/// it.
fn push_length(bytes: &mut Vec<u8>, length: usize, short: Short, wide: &[(usize, u8)]) {
    if let Some(length) = u8::try_from(length).ok().filter(|length| *length <= short.max) {
        return bytes.push(short.marker | length);
    }
    let length = u32::try_from(length).expect("no answer of a test is that long");
    let digits = length.to_be_bytes();
    let holds = |width: usize| digits[..4 - width].iter().all(|digit| *digit == 0);
    let (width, marker) = wide.iter().find(|(width, _)| holds(*width)).expect("four bytes hold it");
    push_number(bytes, *marker, &digits[4 - width..]);
}
