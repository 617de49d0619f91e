//! Points to annotated CSV, as `from |> range` of Flux answers on InfluxDB 2.9.1.
//!
//! ```text
//! #datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string
//! #group,false,false,true,true,false,false,true,true,true
//! #default,_result,,,,,,,,
//! ,result,table,_start,_stop,_time,_value,_field,_measurement,host
//! ,,0,2022-01-01T00:00:00Z,2022-01-02T00:00:00Z,2022-01-01T00:00:10Z,83.2287,usage_user,cpu,server00
//! ```
//!
//! A field of a series is a table; a block of annotations stands where types or columns change.

use std::borrow::Cow;
use std::io::Write as _;

use chrono::{DateTime, SecondsFormat};

use crate::points::{Field, Series, Value};

/// A response in the course of being written.
#[derive(Debug)]
pub(crate) struct Annotated {
    /// `_start` and `_stop`, as each row has them.
    range: String,
    /// Number of the next table.
    table: u64,
    /// The annotations and the header of the last table.
    head: String,
}

impl Annotated {
    /// A response to a query of this range.
    pub(crate) fn new(start: i64, stop: i64) -> Self {
        let range = format!("{},{}", time(start), time(stop));
        Self { range, table: 0, head: String::new() }
    }

    /// Appends the tables of a series.
    pub(crate) fn push(&mut self, response: &mut Vec<u8>, series: &Series) {
        let times: Vec<_> = series.times.iter().map(|nanoseconds| time(*nanoseconds)).collect();
        for field in &series.fields {
            let head = head(series, field);
            if head != self.head {
                if !self.head.is_empty() {
                    response.extend_from_slice(b"\r\n");
                }
                response.extend_from_slice(head.as_bytes());
                self.head = head;
            }
            self.push_rows(response, series, field, &times);
            self.table += 1;
        }
    }

    fn push_rows(&self, response: &mut Vec<u8>, series: &Series, field: &Field, times: &[String]) {
        let before = format!(",,{},{},", self.table, self.range);
        let mut after = format!(",{},{}", cell(field.key), cell(series.measurement));
        for (_, value) in &series.tags {
            after.push(',');
            after.push_str(&cell(value));
        }
        after.push_str("\r\n");
        for (time, value) in times.iter().zip(&field.values) {
            response.extend_from_slice(before.as_bytes());
            response.extend_from_slice(time.as_bytes());
            response.push(b',');
            push_value(response, value);
            response.extend_from_slice(after.as_bytes());
        }
    }

    /// Ends it: with an empty line, of which one without any table consists.
    pub(crate) fn end(self, response: &mut Vec<u8>) {
        response.extend_from_slice(b"\r\n");
    }
}

fn head(series: &Series, field: &Field) -> String {
    let data_type = match field.values.first() {
        Some(Value::Float(_)) => "double",
        Some(Value::Integer(_)) => "long",
        Some(Value::Unsigned(_)) => "unsignedLong",
        Some(Value::Boolean(_)) => "boolean",
        Some(Value::String(_)) => "string",
        None => unreachable!("a series without points is none"),
    };
    let tags = series.tags.len();
    let keys: Vec<_> = series.tags.iter().map(|(key, _)| cell(key)).collect();
    let time = "dateTime:RFC3339";
    format!(
        "#datatype,string,long,{time},{time},{time},{data_type},string,string{}\r\n\
         #group,false,false,true,true,false,false,true,true{}\r\n\
         #default,_result,,,,,,,{}\r\n\
         ,result,table,_start,_stop,_time,_value,_field,_measurement,{}\r\n",
        ",string".repeat(tags),
        ",true".repeat(tags),
        ",".repeat(tags),
        keys.join(","),
    )
}

fn push_value(response: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Float(value) => write!(response, "{value}"),
        Value::Integer(value) => write!(response, "{value}"),
        Value::Unsigned(value) => write!(response, "{value}"),
        Value::Boolean(value) => write!(response, "{value}"),
        Value::String(value) => write!(response, "{}", cell(value)),
    }
    .expect("a vector takes all");
}

/// A text in quotes where it must be.
fn cell(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

fn time(nanoseconds: i64) -> String {
    DateTime::from_timestamp_nanos(nanoseconds).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
