//! Bytes, cut anywhere, to the tokens of MessagePack.
//!
//! Does not know what a token means. `rmp` knows the markers; here are the buffer for a token that
//! is cut, and what InfluxDB makes of numbers: `05` may be the integer 5 or the unsigned 5, `d1`
//! to `d3` are integers only, `cc` to `cf` unsigned only (observed on InfluxDB 2.9.1).

use rmp::Marker;

use super::error::ErrorKind;

/// A text without end must not fill the memory. InfluxDB 2.9 takes strings of 64 KiB, older ones
/// of any size.
const TEXT_BYTES_MAX: usize = 32 << 20;

/// Reads tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// The beginning of a token of which the rest has not come; after that, all of it.
    cut: Vec<u8>,
    /// Whether `cut` was handed out as a token.
    is_done: bool,
    /// Bytes of all tokens that were handed out.
    read: u64,
}

/// The smallest part of MessagePack: a value, or the beginning of a list or map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Nil,
    Boolean(bool),
    /// 0 to 127, of a field with integers or of one with unsigned integers.
    Small(u8),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    /// Perhaps not UTF-8: InfluxDB keeps any bytes.
    Text(&'a [u8]),
    /// So many items follow.
    List(u32),
    /// So many keys follow, each with its value.
    Map(u32),
    /// What InfluxDB does not send where it is asked for `epoch=ns`.
    Extension,
}

impl Tokens {
    /// The next token of `bytes`, which loses what has been read of it; `None` once it is empty.
    pub(crate) fn next<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<Token<'a>>, ErrorKind> {
        if std::mem::take(&mut self.is_done) {
            self.cut.clear();
        }
        if self.cut.is_empty() {
            if let Some((token, length)) = decode(bytes)? {
                *bytes = &bytes[length..];
                self.read += length as u64;
                return Ok(Some(token));
            }
            self.cut.extend_from_slice(bytes);
            *bytes = &[];
            return Ok(None);
        }
        let length = loop {
            let needed = needed(&self.cut)?;
            if needed <= self.cut.len() {
                break needed;
            }
            let missing = (needed - self.cut.len()).min(bytes.len());
            if missing == 0 {
                return Ok(None);
            }
            self.cut.extend_from_slice(&bytes[..missing]);
            *bytes = &bytes[missing..];
        };
        self.is_done = true;
        self.read += length as u64;
        Ok(decode(&self.cut)?.map(|(token, _)| token))
    }

    /// Whether a token has begun and not ended.
    pub(crate) fn is_inside(&self) -> bool {
        !self.is_done && !self.cut.is_empty()
    }

    /// The place of the last token's end, in bytes from the beginning.
    pub(crate) fn position(&self) -> u64 {
        self.read
    }
}

/// How many bytes the token has that begins here; one more than there are, if that is not known.
fn needed(bytes: &[u8]) -> Result<usize, ErrorKind> {
    let Some((first, rest)) = bytes.split_first() else { return Ok(1) };
    let (header, length) = match Marker::from_u8(*first) {
        Marker::Str8 | Marker::Bin8 => (2, unsigned(rest, 1)),
        Marker::Str16 | Marker::Bin16 => (3, unsigned(rest, 2)),
        Marker::Str32 | Marker::Bin32 => (5, unsigned(rest, 4)),
        Marker::Ext8 => (3, unsigned(rest, 1)),
        Marker::Ext16 => (4, unsigned(rest, 2)),
        Marker::Ext32 => (6, unsigned(rest, 4)),
        Marker::FixStr(length) => (1, Some(length.into())),
        Marker::U8 | Marker::I8 => (2, Some(0)),
        Marker::U16 | Marker::I16 | Marker::Array16 | Marker::Map16 | Marker::FixExt1 => {
            (3, Some(0))
        }
        Marker::U32 | Marker::I32 | Marker::F32 | Marker::Array32 | Marker::Map32 => (5, Some(0)),
        Marker::U64 | Marker::I64 | Marker::F64 => (9, Some(0)),
        Marker::FixExt2 => (4, Some(0)),
        Marker::FixExt4 => (6, Some(0)),
        Marker::FixExt8 => (10, Some(0)),
        Marker::FixExt16 => (18, Some(0)),
        Marker::FixPos(_)
        | Marker::FixNeg(_)
        | Marker::FixMap(_)
        | Marker::FixArray(_)
        | Marker::Null
        | Marker::True
        | Marker::False
        | Marker::Reserved => (1, Some(0)),
    };
    match length {
        None => Ok(bytes.len() + 1),
        Some(length) if length > TEXT_BYTES_MAX => {
            Err(ErrorKind::TextTooLong { limit: TEXT_BYTES_MAX })
        }
        Some(length) => Ok(header + length),
    }
}

/// A big-endian number of so many bytes, as far as they are here.
fn unsigned(bytes: &[u8], length: usize) -> Option<usize> {
    let bytes = bytes.get(..length)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

/// The token that begins here, and its length in bytes; `None` if it is cut.
fn decode(bytes: &[u8]) -> Result<Option<(Token<'_>, usize)>, ErrorKind> {
    let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
    Ok(match Marker::from_u8(*first) {
        Marker::FixPos(number) => Some((Token::Small(number), 1)),
        Marker::FixNeg(number) => Some((Token::Integer(number.into()), 1)),
        Marker::Null => Some((Token::Nil, 1)),
        Marker::True => Some((Token::Boolean(true), 1)),
        Marker::False => Some((Token::Boolean(false), 1)),
        Marker::F64 => number(rest, |bytes| Token::Float(f64::from_be_bytes(bytes))),
        Marker::F32 => number(rest, |bytes| Token::Float(f32::from_be_bytes(bytes).into())),
        Marker::I8 => number(rest, |bytes| Token::Integer(i8::from_be_bytes(bytes).into())),
        Marker::I16 => number(rest, |bytes| Token::Integer(i16::from_be_bytes(bytes).into())),
        Marker::I32 => number(rest, |bytes| Token::Integer(i32::from_be_bytes(bytes).into())),
        Marker::I64 => number(rest, |bytes| Token::Integer(i64::from_be_bytes(bytes))),
        Marker::U8 => number(rest, |bytes| Token::Unsigned(u8::from_be_bytes(bytes).into())),
        Marker::U16 => number(rest, |bytes| Token::Unsigned(u16::from_be_bytes(bytes).into())),
        Marker::U32 => number(rest, |bytes| Token::Unsigned(u32::from_be_bytes(bytes).into())),
        Marker::U64 => number(rest, |bytes| Token::Unsigned(u64::from_be_bytes(bytes))),
        Marker::FixArray(length) => Some((Token::List(length.into()), 1)),
        Marker::Array16 => number(rest, |bytes| Token::List(u16::from_be_bytes(bytes).into())),
        Marker::Array32 => number(rest, |bytes| Token::List(u32::from_be_bytes(bytes))),
        Marker::FixMap(length) => Some((Token::Map(length.into()), 1)),
        Marker::Map16 => number(rest, |bytes| Token::Map(u16::from_be_bytes(bytes).into())),
        Marker::Map32 => number(rest, |bytes| Token::Map(u32::from_be_bytes(bytes))),
        Marker::FixStr(_) => text(bytes, 1)?,
        Marker::Str8 | Marker::Bin8 => text(bytes, 2)?,
        Marker::Str16 | Marker::Bin16 => text(bytes, 3)?,
        Marker::Str32 | Marker::Bin32 => text(bytes, 5)?,
        Marker::Ext8
        | Marker::Ext16
        | Marker::Ext32
        | Marker::FixExt1
        | Marker::FixExt2
        | Marker::FixExt4
        | Marker::FixExt8
        | Marker::FixExt16 => {
            let needed = needed(bytes)?;
            (needed <= bytes.len()).then_some((Token::Extension, needed))
        }
        Marker::Reserved => {
            return Err(ErrorKind::Unexpected { expected: "MessagePack", found: "the byte c1" });
        }
    })
}

fn number<const N: usize>(
    rest: &[u8],
    token: impl FnOnce([u8; N]) -> Token<'static>,
) -> Option<(Token<'static>, usize)> {
    rest.first_chunk().map(|bytes| (token(*bytes), 1 + N))
}

fn text(bytes: &[u8], header: usize) -> Result<Option<(Token<'_>, usize)>, ErrorKind> {
    let needed = needed(bytes)?;
    Ok(bytes.get(header..needed).map(|text| (Token::Text(text), needed)))
}

impl Token<'_> {
    /// What it is, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Boolean(_) => "a boolean",
            Self::Small(_) | Self::Integer(_) => "an integer",
            Self::Unsigned(_) => "an unsigned integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Extension => "an extension",
        }
    }
}
