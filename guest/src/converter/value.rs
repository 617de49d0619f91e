//! The values of fields, in which all roads meet, and how they are written in line protocol.
//!
//! Knows the types of annotated CSV by name. A float of CSV is passed on as it was written, never
//! through a machine number and back: Flux writes them in full decimals, `1e300` with 301 digits
//! (observed on InfluxDB 2.9.1).

use std::borrow::Cow;

use super::error::{ErrorKind, quoted};
use super::lines::push_string;
use super::text::{append, digits};
use crate::rules::Type;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Boolean(bool),
    Float(f64),
    /// A float, as the source wrote it: ASCII.
    Decimal(&'a [u8]),
    /// An integer, as the source wrote it: `-` and digits, without zeros before them.
    Digits(&'a [u8]),
    /// The same, unsigned.
    UnsignedDigits(&'a [u8]),
    Integer(i64),
    Unsigned(u64),
    String(Cow<'a, str>),
}

/// The type of a column of annotated CSV. `duration` and `base64Binary` are types of Flux too, but
/// no field can be of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    Boolean,
    Double,
    Long,
    String,
    Time,
    UnsignedLong,
}

/// Why something is no value of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unfit {
    Empty,
    Not(&'static str),
    NotInLineProtocol(&'static str),
    /// An integer that is to become a float, and is between two of them.
    Inexact,
}

const TOO_LARGE: Unfit = Unfit::NotInLineProtocol("no float is so large");
const NOT_FINITE: Unfit = Unfit::NotInLineProtocol("a float must be finite");

impl Value<'_> {
    /// Appends it.
    #[inline]
    pub(crate) fn push(&self, line: &mut Vec<u8>) -> Result<(), Unfit> {
        match self {
            Self::Boolean(true) => line.extend(b"true"),
            Self::Boolean(false) => line.extend(b"false"),
            Self::Float(value) if value.is_finite() => {
                // The shortest text that is this float. `1` is a float without a suffix, as Flux
                // writes it too, and costs less of a quota than `1.0`.
                let mut buffer = zmij::Buffer::new();
                let text = buffer.format_finite(*value);
                append(line, text.strip_suffix(".0").unwrap_or(text).as_bytes());
            }
            Self::Float(_) => return Err(NOT_FINITE),
            Self::Decimal(text) => append(line, text),
            Self::Digits(text) => {
                append(line, text);
                line.push(b'i');
            }
            Self::UnsignedDigits(text) => {
                append(line, text);
                line.push(b'u');
            }
            Self::Integer(value) => push_integer(line, *value, b'i'),
            Self::Unsigned(value) => push_integer(line, *value, b'u'),
            Self::String(text) => push_string(line, text.as_bytes()),
        }
        Ok(())
    }

    /// It, for a message: only a number can be unfit.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Float(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            _ => format!("{self:?}"),
        }
    }
}

fn push_integer(line: &mut Vec<u8>, value: impl itoa::Integer, suffix: u8) {
    append(line, itoa::Buffer::new().format(value).as_bytes());
    line.push(suffix);
}

impl DataType {
    /// Reads a cell of `#datatype`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "boolean" => Some(Self::Boolean),
            "double" => Some(Self::Double),
            "long" => Some(Self::Long),
            "string" => Some(Self::String),
            "dateTime:RFC3339" | "dateTime:RFC3339Nano" => Some(Self::Time),
            "unsignedLong" => Some(Self::UnsignedLong),
            _ => None,
        }
    }

    /// That of the fields whose values are of it.
    pub(crate) fn of_field(self) -> Option<Type> {
        match self {
            Self::Boolean => Some(Type::Boolean),
            Self::Double => Some(Type::Float),
            Self::Long => Some(Type::Integer),
            Self::String => Some(Type::String),
            Self::Time => None,
            Self::UnsignedLong => Some(Type::Unsigned),
        }
    }

    /// Its name in `#datatype`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Double => "double",
            Self::Long => "long",
            Self::String => "string",
            Self::Time => "dateTime:RFC3339",
            Self::UnsignedLong => "unsignedLong",
        }
    }

    /// Reads a cell of a column of this type.
    pub(crate) fn value(self, text: &str) -> Result<Value<'_>, Unfit> {
        // Only a string may be empty: for it, null and "" look the same, and a row of an unpivoted
        // response is never null.
        if text.is_empty() && self != Self::String {
            return Err(Unfit::Empty);
        }
        match self {
            Self::Boolean => match text {
                "true" => Ok(Value::Boolean(true)),
                "false" => Ok(Value::Boolean(false)),
                _ => Err(Unfit::Not("`true` or `false`")),
            },
            Self::Double if number_length(text.as_bytes()) == Some(text.len()) => decimal(text),
            Self::Double if matches!(text, "NaN" | "+Inf" | "-Inf" | "Inf") => Err(NOT_FINITE),
            Self::Double => Err(Unfit::Not("a double")),
            Self::Long => text.parse().map(Value::Integer).map_err(|_| Unfit::Not("a long")),
            Self::UnsignedLong => {
                text.parse().map(Value::Unsigned).map_err(|_| Unfit::Not("an unsignedLong"))
            }
            // The CSV of Flux has `\r\n` for each `\n` in a string, and `\r` only there.
            Self::String if text.contains("\r\n") => {
                Ok(Value::String(text.replace("\r\n", "\n").into()))
            }
            Self::String => Ok(Value::String(text.into())),
            Self::Time => Err(Unfit::NotInLineProtocol("a field cannot be a time")),
        }
    }
}

/// A float that is written so. Beyond the largest there is, 1.6.7 and 2.9.1 refuse it (observed),
/// and the parser of InfluxDB 3 makes infinity of it.
fn decimal(text: &str) -> Result<Value<'_>, Unfit> {
    let is_finite = text.parse().is_ok_and(f64::is_finite);
    if is_finite { Ok(Value::Decimal(text.as_bytes())) } else { Err(TOO_LARGE) }
}

/// How many bytes at the beginning of a text are a float that every parser of line protocol takes
/// as it is: a sign, digits, a fraction, an exponent. Digits must be on both sides of a point.
fn number_length(text: &[u8]) -> Option<usize> {
    let length = decimal_length(text)?;
    match text.get(length) {
        Some(b'e' | b'E') => {
            let sign = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
            end_of_digits(text, length + 1 + sign)
        }
        _ => Some(length),
    }
}

/// The same, up to the exponent.
#[inline(always)]
pub(super) fn decimal_length(text: &[u8]) -> Option<usize> {
    let length = end_of_digits(text, usize::from(text.first() == Some(&b'-')))?;
    if text.get(length) == Some(&b'.') { end_of_digits(text, length + 1) } else { Some(length) }
}

/// Where the digits end that begin here, if there are any.
#[inline(always)]
fn end_of_digits(text: &[u8], start: usize) -> Option<usize> {
    let count = digits(text.get(start..)?);
    (count > 0).then_some(start + count)
}

impl Unfit {
    /// The error, for a value in a column.
    pub(crate) fn of(self, column: &str, text: &str) -> ErrorKind {
        let (column, found) = (quoted(column), quoted(text));
        match self {
            Self::Empty => ErrorKind::Empty { column },
            Self::Not(expected) => ErrorKind::Value { column, expected, found },
            Self::NotInLineProtocol(reason) => {
                ErrorKind::NotInLineProtocol { what: "value", found, of: String::new(), reason }
            }
            Self::Inexact => ErrorKind::Inexact { found, of: String::new() },
        }
    }
}
