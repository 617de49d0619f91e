//! Asking InfluxDB 3 by InfluxQL: `/query` of Cloud Serverless, Dedicated and Clustered.
//!
//! One statement a request: that is all that InfluxDB 3 takes (`InfluxqlSingleStatement`). It answers with
//! JSON, which does not tell `1` from `1.0`: types are asked for. Does not know what answers mean for a
//! migration.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::influxql::{duration, identifier};
use super::{Call, Kind, encoded, json};
use crate::converter::fault_of_query;
use crate::error::{Endpoint, Error, Fault};
use crate::settings::Place;
use crate::time::{TimeRange, Timestamp};

/// As for other queries: servers set limits of their own.
const QUERY_SECONDS: u32 = 300;

/// Rows of one measurement and, where they are grouped by it, one set of tags.
#[derive(Debug, Deserialize)]
pub(crate) struct Series {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) tags: Map<String, Value>,
    pub(crate) columns: Vec<String>,
    #[serde(default)]
    pub(crate) values: Vec<Vec<Value>>,
    #[serde(default)]
    partial: bool,
}

#[derive(Deserialize)]
struct Response {
    /// Absent where there is an error.
    results: Option<Vec<Answer>>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    series: Vec<Series>,
    /// More follows, which is not there.
    #[serde(default)]
    partial: bool,
    error: Option<String>,
}

/// The fields of all measurements, with their types.
pub(crate) fn field_keys(place: &Place) -> Call {
    call(place, "SHOW FIELD KEYS")
}

/// The tags of all measurements.
pub(crate) fn tag_keys(place: &Place) -> Call {
    call(place, "SHOW TAG KEYS")
}

/// How many values these fields of a measurement have in each slice, as `c0`, `c1` …; the time of a row is
/// the beginning of its slice. Slices are so many nanoseconds long and begin with 1970.
pub(crate) fn counts(
    place: &Place,
    measurement: &str,
    fields: &[String],
    range: TimeRange,
    slice: u64,
) -> Call {
    let count =
        |(at, field): (usize, &String)| format!("count({}) AS \"c{at}\"", identifier(field));
    let counts: Vec<_> = fields.iter().enumerate().map(count).collect();
    let (counts, within, slice) = (counts.join(", "), within(measurement, range), duration(slice));
    call(place, &format!("SELECT {counts} FROM {within} GROUP BY time({slice}) fill(none)"))
}

/// All points of a measurement in a range.
pub(crate) fn points(place: &Place, measurement: &str, range: TimeRange) -> Call {
    call(place, &format!("SELECT * FROM {} GROUP BY *", within(measurement, range)))
}

/// One point of it, if there is one.
pub(crate) fn one(place: &Place, measurement: &str, range: TimeRange) -> Call {
    call(place, &format!("SELECT * FROM {} LIMIT 1", within(measurement, range)))
}

/// The series of a response.
pub(crate) fn series(response: &[u8]) -> Result<Vec<Series>, Error> {
    let Response { results, error } = json(response, "results of InfluxQL")?;
    let (mut series, mut error, mut is_partial) = (Vec::new(), error, results.is_none());
    for answer in results.into_iter().flatten() {
        is_partial |= answer.partial || answer.series.iter().any(|series| series.partial);
        series.extend(answer.series);
        error = error.or(answer.error);
    }
    match error {
        Some(message) => {
            let fault = fault_of_query(&message);
            Err(Error::new(fault, format!("the query failed: {message}")))
        }
        None if is_partial => Err(Error::new(Fault::Truncated, "the response has a part alone")),
        None => Ok(series),
    }
}

impl Series {
    /// What its rows have in a column.
    ///
    /// # Errors
    /// `Malformed` if there is no such column, or a row without it.
    pub(crate) fn column(&self, name: &str) -> Result<impl Iterator<Item = &Value>, Error> {
        let place = self.columns.iter().position(|column| column == name);
        let unfit = || Error::new(Fault::Malformed, format!("expected a column `{name}`"));
        let place = place.ok_or_else(unfit)?;
        if self.values.iter().any(|row| row.len() <= place) {
            return Err(unfit());
        }
        Ok(self.values.iter().map(move |row| &row[place]))
    }
}

fn within(measurement: &str, range: TimeRange) -> String {
    let (start, stop) = (range.start().max(Timestamp::FIRST).0, range.stop().0);
    format!("{} WHERE time >= {start} AND time < {stop}", identifier(measurement))
}

fn call(place: &Place, statement: &str) -> Call {
    Call {
        endpoint: Endpoint::Destination,
        method: "POST",
        path: format!("/query?db={}&epoch=ns", encoded(&place.bucket)),
        headers: vec![
            ("content-type", "application/x-www-form-urlencoded".into()),
            ("accept", "application/json".into()),
        ],
        body: format!("q={}", utf8_percent_encode(statement, NON_ALPHANUMERIC)),
        timeout: QUERY_SECONDS,
        kind: Kind::Query,
        name: place.bucket.clone(),
    }
}
