//! Asking InfluxDB 3 Core and Enterprise by SQL: `/api/v3/query_sql`.
//!
//! Answers are asked for as a JSON array, whose end is marked. Does not know what they mean for a
//! migration. Names are quoted, and times are texts in UTC.

use serde_json::{Map, Value, json};

use super::{Call, Kind, json};
use crate::error::{Endpoint, Error, Fault};
use crate::settings;
use crate::time::{TimeRange, Timestamp};

/// As for other queries: servers set limits of their own.
const QUERY_SECONDS: u32 = 300;

/// All columns of all tables of a database, each with the name and the type of it.
pub(crate) fn columns(place: &settings::Place) -> Call {
    call(
        place,
        "SELECT table_name, column_name, data_type FROM information_schema.columns \
         WHERE table_schema = 'iox' ORDER BY table_name, column_name",
    )
}

/// How many values these columns of a table have in each slice, as `c0`, `c1` …; `slice` is its
/// beginning. Slices are so many nanoseconds long and begin with 1970.
pub(crate) fn counts(
    place: &settings::Place,
    table: &str,
    columns: &[String],
    range: TimeRange,
    slice: u64,
) -> Call {
    let count = |(at, column): (usize, &String)| format!("count({}) AS c{at}", identifier(column));
    let counts: Vec<_> = columns.iter().enumerate().map(count).collect();
    let (interval, counts, within) = (interval(slice), counts.join(", "), within(table, range));
    call(
        place,
        &format!(
            "SELECT date_bin(INTERVAL '{interval}', time) AS slice, {counts} FROM {within} \
             GROUP BY 1 ORDER BY 1"
        ),
    )
}

/// All rows of a table in a range.
pub(crate) fn points(place: &settings::Place, table: &str, range: TimeRange) -> Call {
    call(place, &format!("SELECT * FROM {}", within(table, range)))
}

/// The time of one row of it, if there is one.
pub(crate) fn one(place: &settings::Place, table: &str, range: TimeRange) -> Call {
    call(place, &format!("SELECT time FROM {} LIMIT 1", within(table, range)))
}

/// The rows of a small response.
pub(crate) fn rows(response: &[u8]) -> Result<Vec<Map<String, Value>>, Error> {
    json(response, "rows")
}

/// The rows of a response that comes in pieces, one by one: all of them at once are several times as large.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    place: Place,
    /// A row, as far as it has come.
    row: Vec<u8>,
}

/// A row has 500 columns at most, of 64 KiB each.
const ROW_BYTES_MAX: usize = 64 << 20;

/// What comes next in the array of rows. Rows are flat: only texts can have a brace in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    /// The first row, or the end.
    FirstRow,
    Row,
    InRow,
    InText,
    /// What follows a `\`.
    InEscape,
    AfterRow,
    End,
}

impl Rows {
    /// Takes the next piece of the response, and gives away each row that it completes.
    pub(crate) fn feed(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(Map<String, Value>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for &byte in piece {
            let is_inside = matches!(self.place, Place::InRow | Place::InText | Place::InEscape);
            if !is_inside && byte.is_ascii_whitespace() {
                continue;
            }
            self.place = match (self.place, byte) {
                (Place::Start, b'[') => Place::FirstRow,
                (Place::FirstRow | Place::Row, b'{') => Place::InRow,
                (Place::FirstRow | Place::AfterRow, b']') => Place::End,
                (Place::AfterRow, b',') => Place::Row,
                (Place::InRow, b'"') => Place::InText,
                (Place::InRow, b'}') => Place::AfterRow,
                (Place::InText, b'"') => Place::InRow,
                (Place::InText, b'\\') => Place::InEscape,
                (Place::InEscape, _) => Place::InText,
                (place @ (Place::InRow | Place::InText), _) => place,
                (_, byte) => {
                    let found = char::from(byte).escape_default();
                    let message = format!("expected rows as JSON, found `{found}` between them");
                    return Err(Error::new(Fault::Malformed, message));
                }
            };
            match self.place {
                Place::InRow | Place::InText | Place::InEscape
                    if self.row.len() < ROW_BYTES_MAX =>
                {
                    self.row.push(byte);
                }
                Place::InRow | Place::InText | Place::InEscape => {
                    return Err(Error::new(Fault::TooLarge, "a row is too long"));
                }
                Place::AfterRow if byte == b'}' => {
                    self.row.push(byte);
                    take(json(&self.row, "a row")?)?;
                    self.row.clear();
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends the response.
    ///
    /// # Errors
    /// `Truncated` if rows are still to come.
    pub(crate) fn end(&self) -> Result<(), Error> {
        match self.place {
            Place::End => Ok(()),
            _ => Err(Error::new(Fault::Truncated, "expected the end of the rows, found none")),
        }
    }
}

/// Without a bound that no point is beyond: Core breaks off its answer where one is before
/// 1677-09-21T00:12:44Z (observed on InfluxDB 3 Core 3.6.0).
fn within(table: &str, range: TimeRange) -> String {
    let start = match range.start() < EARLIEST_LITERAL {
        true => String::new(),
        false => format!("time >= '{}' AND ", range.start().nine_digits()),
    };
    format!("{} WHERE {start}time < '{}'", identifier(table), range.stop().nine_digits())
}

/// 1677-09-21T00:12:44Z.
const EARLIEST_LITERAL: Timestamp = Timestamp(-9_223_372_036_000_000_000);

fn interval(nanoseconds: u64) -> String {
    match nanoseconds % SECOND {
        0 => format!("{} seconds", nanoseconds / SECOND),
        _ => format!("{nanoseconds} nanoseconds"),
    }
}

const SECOND: u64 = 1_000_000_000;

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn call(place: &settings::Place, query: &str) -> Call {
    Call {
        endpoint: Endpoint::Destination,
        method: "POST",
        path: "/api/v3/query_sql".to_owned(),
        headers: vec![
            ("content-type", "application/json".into()),
            ("accept", "application/json".into()),
        ],
        body: json!({ "db": place.bucket, "q": query, "format": "json" }).to_string(),
        timeout: QUERY_SECONDS,
        kind: Kind::Query,
        name: place.bucket.clone(),
    }
}
