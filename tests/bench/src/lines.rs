//! Points to the line protocol that they are: the fields of a point in one line.
//!
//! ```text
//! air\ quality,city=San\ José hum=78u,temp=18.5 1640995200123456789
//! ```
//!
//! By hand, and for the names and values of these benchmarks alone: conversions are compared with
//! it, so it shares nothing with them.

use std::fmt::Write as _;

use crate::points::{Series, Value};

/// Appends the points of a series.
pub(crate) fn push_series(lines: &mut String, series: &Series) {
    let Series { measurement, tags, times, fields } = series;
    let mut key = escaped(measurement);
    for (tag, value) in tags {
        key += &format!(",{}={}", escaped(tag), escaped(value));
    }
    let fields: Vec<_> = fields.iter().map(|field| (escaped(field.key), &field.values)).collect();
    for (row, time) in times.iter().enumerate() {
        lines.push_str(&key);
        for (place, (field, values)) in fields.iter().enumerate() {
            lines.push(if place == 0 { ' ' } else { ',' });
            lines.push_str(field);
            lines.push('=');
            push_value(lines, &values[row]);
        }
        writeln!(lines, " {time}").expect("a text takes all");
    }
}

fn push_value(lines: &mut String, value: &Value) {
    match value {
        Value::Float(value) => write!(lines, "{value}"),
        Value::Integer(value) => write!(lines, "{value}i"),
        Value::Unsigned(value) => write!(lines, "{value}u"),
        Value::Boolean(value) => write!(lines, "{value}"),
        Value::String(value) => write!(lines, "\"{}\"", value.replace('"', "\\\"")),
    }
    .expect("a text takes all");
}

fn escaped(name: &str) -> String {
    name.replace(' ', "\\ ")
}
