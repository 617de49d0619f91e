//! The types of annotated CSV, and how their values are written in line protocol.
//!
//! A number is passed on as it was written, never through a machine number and back: Flux writes
//! floats in full decimals, `1e300` with 301 digits (observed on InfluxDB 2.9.1).

use super::error::{ErrorKind, quoted};
use super::lines::push_string;

/// The type of a column. `duration` and `base64Binary` are types of Flux too, but no field can
/// be of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    Boolean,
    Double,
    Long,
    String,
    Time,
    UnsignedLong,
}

/// Why a text is no value of a type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unfit {
    Empty,
    Not(&'static str),
    NotInLineProtocol(&'static str),
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
}

/// Appends a field's value.
pub(crate) fn push_value(line: &mut String, data_type: DataType, text: &str) -> Result<(), Unfit> {
    // Only a string may be empty: for it, null and "" look the same, and a row of an unpivoted
    // response is never null.
    if text.is_empty() && data_type != DataType::String {
        return Err(Unfit::Empty);
    }
    match data_type {
        DataType::Boolean if matches!(text, "true" | "false") => line.push_str(text),
        DataType::Boolean => return Err(Unfit::Not("`true` or `false`")),
        DataType::Double if is_decimal(text) => line.push_str(text),
        DataType::Double if matches!(text, "NaN" | "+Inf" | "-Inf" | "Inf") => {
            return Err(Unfit::NotInLineProtocol("a float must be finite"));
        }
        DataType::Double => return Err(Unfit::Not("a double")),
        DataType::Long if text.parse::<i64>().is_ok() => push_suffixed(line, text, 'i'),
        DataType::Long => return Err(Unfit::Not("a long")),
        DataType::UnsignedLong if text.parse::<u64>().is_ok() => push_suffixed(line, text, 'u'),
        DataType::UnsignedLong => return Err(Unfit::Not("an unsignedLong")),
        // The CSV of Flux has `\r\n` for each `\n` in a string, and `\r` only there.
        DataType::String if text.contains("\r\n") => push_string(line, &text.replace("\r\n", "\n")),
        DataType::String => push_string(line, text),
        DataType::Time => return Err(Unfit::NotInLineProtocol("a field cannot be a time")),
    }
    Ok(())
}

fn push_suffixed(line: &mut String, digits: &str, suffix: char) {
    // A sign that `parse` takes but InfluxDB may not.
    line.push_str(digits.strip_prefix('+').unwrap_or(digits));
    line.push(suffix);
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
