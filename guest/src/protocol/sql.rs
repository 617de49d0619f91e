//! Asking InfluxDB 3 Core and Enterprise by SQL: `/api/v3/query_sql`.
//!
//! Answers are asked for as a JSON array, whose end is marked. Does not know what they mean for a
//! migration. Names are quoted, and times are texts in UTC.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::{Call, Kind, json, unfit_json};
use crate::error::{Endpoint, Error};
use crate::settings::Place;
use crate::time::{TimeRange, Timestamp};

/// As for other queries: servers set limits of their own.
const QUERY_SECONDS: u32 = 300;

/// All columns of all tables of a database, each with the name and the type of it.
pub(crate) fn columns(place: &Place) -> Call {
    call(
        place,
        "SELECT table_name, column_name, data_type FROM information_schema.columns \
         WHERE table_schema = 'iox' ORDER BY table_name, column_name",
    )
}

/// How many values these columns of a table have in each slice, as `c0`, `c1` …; `slice` is its
/// beginning. Slices are so many nanoseconds long and begin with 1970.
pub(crate) fn counts(
    place: &Place,
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
pub(crate) fn points(place: &Place, table: &str, range: TimeRange) -> Call {
    call(place, &format!("SELECT * FROM {}", within(table, range)))
}

/// The time of one row of it, if there is one.
pub(crate) fn one(place: &Place, table: &str, range: TimeRange) -> Call {
    call(place, &format!("SELECT time FROM {} LIMIT 1", within(table, range)))
}

/// The rows of a small response.
pub(crate) fn rows(response: &[u8]) -> Result<Vec<Map<String, Value>>, Error> {
    json(response, "rows")
}

/// Takes the rows of a response one by one: all of them at once are several times as large as it.
pub(crate) fn each_row(
    response: &[u8],
    take: impl FnMut(Map<String, Value>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut rows = Rows { take, failed: None };
    let mut reader = serde_json::Deserializer::from_slice(response);
    let read = reader.deserialize_seq(&mut rows).and_then(|()| reader.end());
    match (rows.failed, read) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => Err(unfit_json("rows", &error)),
    }
}

struct Rows<F> {
    take: F,
    /// What `take` had against a row.
    failed: Option<Error>,
}

impl<'de, F: FnMut(Map<String, Value>) -> Result<(), Error>> Visitor<'de> for &mut Rows<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element()? {
            if let Err(error) = (self.take)(row) {
                self.failed = Some(error);
                return Err(A::Error::custom("a row is unfit"));
            }
        }
        Ok(())
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

fn call(place: &Place, query: &str) -> Call {
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
