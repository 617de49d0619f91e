//! Writes as InfluxDB 3 Core 3.10 judges them: line by line against the columns of the table.
//!
//! Knows no request. The order in which a line is judged follows Core's `validator.rs`.

use influxdb_line_protocol::{ParsedLine, parse_lines, split_lines};
use serde_json::json;

use super::answer::{Face, Reply, v3};
use super::points::Point;
use super::store::Bucket;
use super::write::Lines;

/// Of a refused line Core shows no more bytes than these.
const ORIGINAL_LINE_BYTES_MAX: usize = 20;

/// What is taken of a body that has bad lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// `accept_partial=true`
    GoodLines,
    /// `accept_partial=false`, and what the older paths do.
    AllOrNothing,
}

/// A line that is refused.
pub(super) struct LineError {
    pub(super) message: String,
    /// Counted from 1: parsed points, not physical lines.
    pub(super) number: usize,
    pub(super) original: String,
}

impl LineError {
    fn json(&self) -> String {
        let end = self.original.floor_char_boundary(ORIGINAL_LINE_BYTES_MAX);
        let (message, original) = (json!(self.message), json!(self.original[..end]));
        let number = self.number;
        format!(
            r#"{{"error_message":{message},"line_number":{number},"original_line":{original}}}"#
        )
    }
}

/// Writes what may be written, and answers.
pub(super) fn write(bucket: &mut Bucket, lines: &Lines<'_>, taken: Taken, face: Face) -> Reply {
    // A transaction: if the body is refused as a whole, its columns are forgotten.
    let mut schema = bucket.schema.clone();
    let mut points = Vec::new();
    let mut good = String::new();
    let mut errors = Vec::new();
    // As in Core: the text that is shown of a line that cannot be parsed is the physical line of
    // this number, which is another one where strings hold line ends.
    let mut physical_lines = lines.text.lines();
    let parsed = split_lines(lines.text).flat_map(|text| parse_lines(text).map(move |l| (text, l)));
    for (index, (text, line)) in parsed.enumerate() {
        let physical_line = physical_lines.next().unwrap_or_default();
        let judged = match line {
            Ok(line) => schema
                .admit(&line)
                .and_then(|()| point(&line, lines))
                .map_err(|message| (message, line.to_string())),
            Err(error) => Err((error.to_string(), physical_line.to_owned())),
        };
        match judged {
            Ok(point) => {
                points.push(point);
                good.push_str(text);
                good.push('\n');
            }
            Err((message, original)) => {
                let error = LineError { message, number: index + 1, original };
                if taken == Taken::AllOrNothing {
                    return refused_whole(&error, face);
                }
                errors.push(error);
            }
        }
    }
    bucket.schema = schema;
    points.into_iter().for_each(|point| bucket.insert(point));
    if errors.is_empty() {
        bucket.written.push(lines.text.to_owned());
        return face.accepted();
    }
    if !good.is_empty() {
        bucket.written.push(good);
    }
    taken_but_for(&errors)
}

/// The answer to a body of which all but these lines are taken.
pub(super) fn taken_but_for(errors: &[LineError]) -> Reply {
    let data = errors.iter().map(LineError::json).collect::<Vec<_>>().join(",");
    let body = format!(r#"{{"error":"partial write of line protocol occurred","data":[{data}]}}"#);
    v3(400, body.into_bytes())
}

fn point(line: &ParsedLine<'_>, lines: &Lines<'_>) -> Result<Point, String> {
    let unit = match lines.unit {
        0 => guessed_unit(line.timestamp.unwrap_or(lines.now)),
        unit => unit,
    };
    let out_of_range = || format!("timestamp, {}, out of range", line.timestamp.unwrap_or(0));
    Point::of(line, unit, lines.now).ok_or_else(out_of_range)
}

/// The unit that `precision=auto` takes a time-stamp to be in, which is wrong for nanoseconds
/// near 1970.
fn guessed_unit(timestamp: i64) -> i64 {
    match timestamp.unsigned_abs() / 1_000_000_000 {
        0..5 => 1_000_000_000,
        5..5_000 => 1_000_000,
        5_000..5_000_000 => 1_000,
        _ => 1,
    }
}

fn refused_whole(error: &LineError, face: Face) -> Reply {
    if face == Face::V2OnV3 {
        let message = &error.message;
        let message = format!("write buffer error: line protocol parse failed: {message}");
        return face.refused(400, "invalid", &message);
    }
    let body = format!(r#"{{"error":"line protocol parsing error","data":{}}}"#, error.json());
    v3(400, body.into_bytes())
}
