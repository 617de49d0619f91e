//! The values of fields, in which all roads meet, and how they are written in line protocol.
//!
//! Knows the types of annotated CSV by name. A float of CSV is passed on as it was written, never
//! through a machine number and back: Flux writes them in full decimals, `1e300` with 301 digits
//! (observed on InfluxDB 2.9.1).

use std::borrow::Cow;

use super::error::{ErrorKind, quoted};
use super::lines::push_string;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Boolean(bool),
    Float(f64),
    /// A float, as the source wrote it.
    Decimal(&'a str),
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
}

const NOT_FINITE: Unfit = Unfit::NotInLineProtocol("a float must be finite");

impl Value<'_> {
    /// Appends it.
    pub(crate) fn push(&self, line: &mut String) -> Result<(), Unfit> {
        match self {
            Self::Boolean(value) => line.push_str(if *value { "true" } else { "false" }),
            Self::Float(value) if value.is_finite() => {
                // The shortest text that is this float. `1` is a float without a suffix, as Flux
                // writes it too, and costs less of a quota than `1.0`.
                let mut buffer = zmij::Buffer::new();
                let text = buffer.format_finite(*value);
                line.push_str(text.strip_suffix(".0").unwrap_or(text));
            }
            Self::Float(_) => return Err(NOT_FINITE),
            Self::Decimal(text) => line.push_str(text),
            Self::Integer(value) => push_integer(line, *value, "i"),
            Self::Unsigned(value) => push_integer(line, *value, "u"),
            Self::String(text) => push_string(line, text),
        }
        Ok(())
    }

    /// It, for a message: only a float can be unfit.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Float(value) => value.to_string(),
            _ => format!("{self:?}"),
        }
    }
}

fn push_integer(line: &mut String, value: impl itoa::Integer, suffix: &str) {
    line.push_str(itoa::Buffer::new().format(value));
    line.push_str(suffix);
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
            Self::Double if is_decimal(text) => Ok(Value::Decimal(text)),
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

/// Whether a text is a float that every parser of line protocol takes as it is: a sign, digits,
/// a fraction, an exponent. Digits must be on both sides of a point.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let whole = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    whole
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

impl Unfit {
    /// The error, for a value in a column.
    pub(crate) fn of(self, column: &str, text: &str) -> ErrorKind {
        let (column, found) = (column.to_owned(), quoted(text));
        match self {
            Self::Empty => ErrorKind::Empty { column },
            Self::Not(expected) => ErrorKind::Value { column, expected, found },
            Self::NotInLineProtocol(reason) => {
                ErrorKind::NotInLineProtocol { what: "value", found, reason }
            }
        }
    }
}
