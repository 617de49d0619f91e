//! `/api/v3/query_sql`: SQL as InfluxDB 3 Core answers it, in JSON.
//!
//! From `{"db":"b","q":"SELECT time FROM \"m\" …","format":"jsonl"}` to `{"time":"2022-…"}`. What is
//! not understood is refused, never left out. As 3.6.0 was recorded; what 3.10.1 does otherwise is
//! from its `influxdb3_server/src/http.rs`. Knows no connection.

mod json;
mod parse;
mod token;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::answer::{self, Reply, v3};
use super::exchange::Exchange;
use super::schema::Column;
use super::settings::{Release, Settings};
use super::store::{Bucket, Store};
use super::table::{Cell, Table};
use json::Format;
use parse::{Counts, Query, Range, Rows};

/// Where SQL goes.
pub(super) const PATH: &str = "/api/v3/query_sql";

/// A query that cannot be answered: its status, and why.
#[derive(Debug)]
struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    /// One of a query that cannot be planned, whose fault is known to the newer release.
    fn planning(status: u16, message: &str, release: Release) -> Self {
        match release {
            Release::V3_6 => {
                let message = format!("query error: error while planning query: {message}");
                Self { status: 500, message }
            }
            Release::V3_10 => Self { status, message: message.to_owned() },
        }
    }
}

/// A row of an answer: names and JSON. What a row does not have is left out of it.
type Found = Vec<(String, String)>;

/// Answers a request.
pub(super) fn answer(exchange: &Exchange, store: &Store, settings: &Settings) -> Reply {
    let found = request(exchange).and_then(|request| {
        let missing = || {
            let name = &request.database;
            let message = format!("query error: database not found: {name}");
            Refusal { status: 404, message: serde_json::json!({ "error": message }).to_string() }
        };
        let bucket = store.bucket(&request.database).ok_or_else(missing)?;
        let query = parse::query(&request.script);
        let query = query.map_err(|error| {
            let message = format!("SQL error: {error}");
            Refusal::planning(400, &message, settings.release)
        })?;
        let rows = rows(&query, bucket, settings)?;
        Ok((request.format, json::text(&rows, request.format)))
    });
    let reply = match found {
        Ok((format, text)) => answer::v3_answered(format.content_type(), text.into_bytes()),
        Err(Refusal { status, message }) => v3(status, message.into_bytes()),
    };
    reply.of(settings.release)
}

/// What is asked.
#[derive(Debug)]
struct Request {
    database: String,
    script: String,
    format: Format,
}

fn request(exchange: &Exchange) -> Result<Request, Refusal> {
    let refusal = |message: String| Refusal { status: 400, message };
    let is_get = exchange.method == "GET";
    if is_get && !exchange.target.contains('?') {
        return Err(refusal("missing query parameters 'db' and 'q'".to_owned()));
    }
    let body = if is_get {
        Json::Null
    } else {
        let body = serde_json::from_slice(&exchange.body);
        body.map_err(|error| refusal(format!("serde json error: {error}")))?
    };
    let value = |key: &str| {
        if is_get { exchange.parameter(key) } else { body[key].as_str().map(str::to_owned) }
    };
    let required = |key: &str| {
        let missing = || {
            let length = exchange.body.len();
            refusal(if is_get {
                format!("serde error: missing field `{key}`")
            } else {
                format!("serde json error: missing field `{key}` at line 1 column {length}")
            })
        };
        value(key).ok_or_else(missing)
    };
    let format = match value("format") {
        Some(format) => format,
        None => match exchange.header("accept") {
            None | Some("*/*" | "application/json") => "json".to_owned(),
            Some(other) => other.to_owned(),
        },
    };
    let format = Format::of(&format).ok_or_else(|| {
        refusal(format!("the fake answers SQL as `json` and `jsonl` alone, not as `{format}`"))
    })?;
    Ok(Request { database: required("db")?, script: required("q")?, format })
}

fn rows(query: &Query, bucket: &Bucket, settings: &Settings) -> Result<Vec<Found>, Refusal> {
    match query {
        Query::Columns => Ok(columns(bucket, settings.release)),
        Query::Counts(counts) => {
            let table = table(bucket, &counts.table, counts.range, settings.release)?;
            check_columns(counts, &table, settings.release)?;
            check_days(&table, settings)?;
            Ok(counted(counts, &table))
        }
        Query::Rows(rows) => {
            let table = table(bucket, &rows.table, rows.range, settings.release)?;
            check_days(&table, settings)?;
            Ok(selected(rows, &table, &bucket.left_out))
        }
    }
}

fn table<'a>(
    bucket: &'a Bucket,
    name: &str,
    range: Range,
    release: Release,
) -> Result<Table<'a>, Refusal> {
    let missing = || {
        let message = format!("Error during planning: table 'public.iox.{name}' not found");
        Refusal::planning(400, &message, release)
    };
    Table::of(bucket, name, range.start, range.stop).ok_or_else(missing)
}

/// `DataFusion` may say another word of a column whose name is much like one that is there.
fn check_columns(counts: &Counts, table: &Table<'_>, release: Release) -> Result<(), Refusal> {
    let mut wanted = counts.columns.iter().map(|(column, _)| column);
    let Some(unknown) = wanted.find(|column| !table.columns.contains_key(*column)) else {
        return Ok(());
    };
    let known = table.columns.keys();
    let known = known.map(|name| format!("{}.{}", parse::quoted(table.name), parse::quoted(name)));
    let known = known.collect::<Vec<_>>().join(", ");
    let unknown = parse::quoted(unknown);
    // That it is the client's fault is not known to the server: the status is 500.
    let message = format!("Schema error: No field named {unknown}. Valid fields are {known}.");
    Err(Refusal::planning(500, &message, release))
}

fn check_days(table: &Table<'_>, settings: &Settings) -> Result<(), Refusal> {
    let too_many = |message: String| Refusal::planning(500, &message, settings.release);
    table.too_many_files(settings).map_or(Ok(()), |message| Err(too_many(message)))
}

/// `information_schema.columns`
fn columns(bucket: &Bucket, release: Release) -> Vec<Found> {
    let text = |text: &str| Json::from(text).to_string();
    let row = |table: &str, name: &str, column: Column| {
        vec![
            ("table_name".to_owned(), text(table)),
            ("column_name".to_owned(), text(name)),
            ("data_type".to_owned(), text(column.sql_type(release))),
        ]
    };
    let tables = bucket.schema.tables();
    let rows = tables.flat_map(|(table, columns)| {
        columns.iter().map(move |(name, column)| row(table, name, *column))
    });
    rows.collect()
}

/// One row for each slice that holds rows, in the order of time.
fn counted(counts: &Counts, table: &Table<'_>) -> Vec<Found> {
    let columns = counts.columns.iter();
    let columns = columns.map(|(name, _)| (name, table.columns[name])).collect::<Vec<_>>();
    let mut slices: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for row in table.rows() {
        let slice = row.time - row.time.rem_euclid(counts.stride);
        let tally = slices.entry(slice).or_insert_with(|| vec![0; columns.len()]);
        for (count, (name, column)) in tally.iter_mut().zip(&columns) {
            *count += u64::from(row.cell(name, *column).is_some());
        }
    }
    let found = slices.into_iter().map(|(slice, tally)| {
        let aliases = counts.columns.iter().map(|(_, alias)| alias.clone());
        let tally = aliases.zip(tally.iter().map(u64::to_string));
        let slice = (counts.slice.clone(), json::cell(Cell::Time(slice)));
        [slice].into_iter().chain(tally).collect()
    });
    found.collect()
}

fn selected(wanted: &Rows, table: &Table<'_>, left_out: &BTreeSet<i64>) -> Vec<Found> {
    let is_wanted = |column: Column| !wanted.time_alone || column == Column::Time;
    let rows = table.rows().filter(|row| !left_out.contains(&row.time));
    let row = rows.take(wanted.limit.unwrap_or(usize::MAX)).map(|row| {
        let columns = table.columns.iter().filter(|(_, column)| is_wanted(**column));
        let cells = columns.filter_map(|(name, column)| {
            Some((name.clone(), json::cell(row.cell(name, *column)?)))
        });
        cells.collect()
    });
    row.collect()
}
