//! Asking InfluxDB 3 Core and Enterprise by SQL: `/api/v3/query_sql`.
//!
//! Answers are asked for as a JSON array, whose end is marked. Does not know what they mean for a
//! migration. Names are quoted, and times are texts in UTC.

use serde_json::{Map, Value, json};

use super::{Call, Kind, json};
use crate::error::{Endpoint, Error};
use crate::settings::Place;
use crate::time::TimeRange;

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

/// The rows of a response.
pub(crate) fn rows(response: &[u8]) -> Result<Vec<Map<String, Value>>, Error> {
    json(response, "rows")
}

fn within(table: &str, range: TimeRange) -> String {
    let [start, stop] = [range.start(), range.stop()].map(|time| time.nine_digits());
    format!("{} WHERE time >= '{start}' AND time < '{stop}'", identifier(table))
}

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
