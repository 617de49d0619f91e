//! Rows as `arrow-json` writes them: nulls left out, times without a zone, floats as `lexical`.
//!
//! `{"f":1.0,"time":"2022-01-01T00:00:00"}`

use chrono::DateTime;
use serde_json::Value as Json;

use super::Found;
use crate::influx::points::Value;
use crate::influx::table::Cell;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One array.
    Json,
    /// One object a line.
    JsonLines,
}

impl Format {
    /// The form of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "jsonl" | "json_lines" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// Its name in the head of an answer.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/jsonl",
        }
    }
}

/// Rows in this form; of none there is an empty array, or nothing.
pub(super) fn text(rows: &[Found], format: Format) -> String {
    let row = |row: &Found| {
        let cells = row.iter().map(|(name, value)| format!("{}:{value}", Json::from(&**name)));
        format!("{{{}}}", cells.collect::<Vec<_>>().join(","))
    };
    let rows = rows.iter().map(row);
    match format {
        Format::Json => format!("[{}]", rows.collect::<Vec<_>>().join(",")),
        Format::JsonLines => rows.map(|row| row + "\n").collect(),
    }
}

/// What a row has in a column.
pub(super) fn cell(cell: Cell<'_>) -> String {
    match cell {
        // As chrono shows it to programmers: with 0, 3, 6 or 9 digits of a second.
        Cell::Time(time) => format!("\"{:?}\"", DateTime::from_timestamp_nanos(time).naive_utc()),
        Cell::Tag(text) => Json::from(text).to_string(),
        Cell::Field(Value::Float(value)) => float(*value),
        Cell::Field(Value::Integer(value)) => value.to_string(),
        Cell::Field(Value::Unsigned(value)) => value.to_string(),
        Cell::Field(Value::Boolean(value)) => value.to_string(),
        Cell::Field(Value::String(text)) => Json::from(&**text).to_string(),
    }
}

/// The shortest digits, with an exponent below 1e-5 and from 1e10 on, and a digit after the point
/// everywhere (`lexical-write-float`, of which `arrow-json` takes the defaults).
fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("it was asked for");
    match exponent.parse::<i32>().expect("an exponent is a number") {
        -5..=9 if value.fract() == 0.0 => format!("{value}.0"),
        -5..=9 => value.to_string(),
        _ if digits.contains('.') => scientific,
        _ => format!("{digits}.0e{exponent}"),
    }
}
