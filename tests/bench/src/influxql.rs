//! Points to MessagePack, as `/query?epoch=ns&chunked=true&chunk_size=10000` of InfluxDB 2.9.1
//! answers `SELECT *::field FROM … GROUP BY *`, with a statement for each measurement.
//!
//! ```text
//! {"results": [{"statement_id": 0, "series": [{"name": "cpu", "tags": {"host": "server00"},
//!  "columns": ["time", "load"], "values": [[1640995200000000000, 9]]}], "partial": true}]}
//! ```

use std::ops::Range;

use rmp::encode::{
    write_array_len, write_bool, write_f64, write_i16, write_i32, write_i64, write_map_len,
    write_pfix, write_sint, write_str, write_uint,
};

use crate::points::{Series, Value};

/// Rows of a map at most.
const CHUNK_SIZE: usize = 10_000;

/// Where a series is in its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// More series of the same measurement follow.
    Within,
    /// It is the last one of its measurement.
    Last,
}

/// Appends the maps of a series.
pub(crate) fn push_series(response: &mut Vec<u8>, statement: u32, series: &Series, place: Place) {
    let mut from = 0;
    while from < series.times.len() {
        let to = (from + CHUNK_SIZE).min(series.times.len());
        let goes_on = to < series.times.len();
        let is_partial = goes_on || place == Place::Within;
        push_map(response, 1);
        push_text(response, "results");
        push_array(response, 1);
        push_map(response, 2 + u32::from(is_partial));
        push_text(response, "statement_id");
        push_integer(response, statement.into());
        push_text(response, "series");
        push_array(response, 1);
        push_map(response, 4 + u32::from(goes_on));
        push_head(response, series);
        push_rows(response, series, from..to);
        if goes_on {
            push_partial(response); // The series.
        }
        if is_partial {
            push_partial(response); // The statement.
        }
        from = to;
    }
}

const TAKES_ALL: &str = "a vector takes all";

/// What comes before the rows.
fn push_head(response: &mut Vec<u8>, series: &Series) {
    push_text(response, "name");
    push_text(response, series.measurement);
    push_text(response, "tags");
    push_map(response, u32::try_from(series.tags.len()).expect("a series has few tags"));
    for (key, value) in &series.tags {
        push_text(response, key);
        push_text(response, value);
    }
    push_text(response, "columns");
    push_array(response, 1 + series.fields.len());
    push_text(response, "time");
    series.fields.iter().for_each(|field| push_text(response, field.key));
}

fn push_rows(response: &mut Vec<u8>, series: &Series, rows: Range<usize>) {
    push_text(response, "values");
    push_array(response, rows.len());
    for row in rows {
        push_array(response, 1 + series.fields.len());
        push_integer(response, series.times[row]);
        for field in &series.fields {
            push_value(response, &field.values[row]);
        }
    }
}

fn push_value(response: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Float(value) => write_f64(response, *value).expect(TAKES_ALL),
        Value::Integer(value) => push_integer(response, *value),
        Value::Unsigned(value) => {
            write_uint(response, *value).expect(TAKES_ALL);
        }
        Value::Boolean(value) => write_bool(response, *value).expect(TAKES_ALL),
        Value::String(value) => push_text(response, value),
    }
}

/// The shortest signed form: a server never takes one of the unsigned ones for an integer, as
/// `rmp` would (recorded in `tests/recorded/influxql/encodings_v2.msgpack`).
fn push_integer(response: &mut Vec<u8>, value: i64) {
    if let 0..128 = value {
        write_pfix(response, u8::try_from(value).expect("it is below 128")).expect(TAKES_ALL);
    } else if value < 0 {
        write_sint(response, value).expect(TAKES_ALL);
    } else if let Ok(value) = i16::try_from(value) {
        write_i16(response, value).expect(TAKES_ALL);
    } else if let Ok(value) = i32::try_from(value) {
        write_i32(response, value).expect(TAKES_ALL);
    } else {
        write_i64(response, value).expect(TAKES_ALL);
    }
}

fn push_text(response: &mut Vec<u8>, text: &str) {
    write_str(response, text).expect(TAKES_ALL);
}

fn push_map(response: &mut Vec<u8>, pairs: u32) {
    write_map_len(response, pairs).expect(TAKES_ALL);
}

fn push_array(response: &mut Vec<u8>, elements: usize) {
    let elements = u32::try_from(elements).expect("a chunk has ten thousand rows at most");
    write_array_len(response, elements).expect(TAKES_ALL);
}

/// Says that more of it follows, which is left out where it is not so.
fn push_partial(response: &mut Vec<u8>) {
    push_text(response, "partial");
    write_bool(response, true).expect(TAKES_ALL);
}
