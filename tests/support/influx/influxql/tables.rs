//! InfluxQL as InfluxDB 3 answers it: in JSON, from tables whose columns have one type.
//!
//! `{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[0,1.5]]}]}]}`
//! Follows `core/iox_v1_query_api` of 3.10.1 (3.6.0 was recorded, see `early`), of which Serverless, Dedicated and Clustered have
//! their own copies; what differs there is not known here.

mod early;
mod json;

use std::collections::BTreeMap;
use std::slice;

use super::form::Form;
use super::outcome::Rows;
use super::parse::{Columns, Count, Fields, Select, Statement, statements};
use super::{Ending, FAILURE, chunks, defaults, select};
use crate::influx::answer::{self, Reply};
use crate::influx::exchange::Exchange;
use crate::influx::points::Value;
use crate::influx::schema::Column;
use crate::influx::settings::{Release, Settings};
use crate::influx::store::{Bucket, Store};
use crate::influx::table::{Cell, Row, Table};

/// How many rows of a series come at once, unless it is said (`DEFAULT_CHUNK_SIZE`).
const CHUNK_ROWS: usize = 10_000;

/// An element of `results`.
#[derive(Debug)]
struct Outcome {
    statement: usize,
    series: Vec<Rows>,
    is_partial: bool,
    error: Option<String>,
}

/// Answers a request.
pub(super) fn answer(
    exchange: &Exchange,
    form: &Form,
    store: &Store,
    settings: &Settings,
    ending: Ending,
) -> Reply {
    let refused = |message: &str| {
        let body = serde_json::json!({ "error": message }).to_string();
        answer::v3(400, body.into_bytes())
    };
    let is_early = settings.release == Release::V3_6;
    match exchange.header("accept") {
        None | Some("*/*" | "application/json") => {}
        Some(other) if is_early => {
            let message = format!("invalid mime type ({other})");
            return answer::v3(500, message.into_bytes()).of(settings.release);
        }
        // The server knows MessagePack and CSV as well.
        Some(other) => return refused(&format!("invalid mime type ({other})")),
    }
    if form.value("epoch") != Some("ns") {
        return refused("the fake answers InfluxQL with epoch=ns alone");
    }
    let Some(script) = form.value("q") else {
        return refused("expected a query to be provided in the query string or body");
    };
    let is_chunked = form.value("chunked") == Some("true");
    let asked = form.value("chunk_size").and_then(|size| size.parse().ok());
    let chunk_rows = is_chunked.then(|| asked.filter(|rows| *rows > 0).unwrap_or(CHUNK_ROWS));
    if is_early {
        return early::answer(script, form, store, settings, chunk_rows);
    }
    let outcomes = match statements(script, defaults(form)) {
        Ok(statements) => {
            let statements = statements.iter().enumerate();
            let outcomes = statements.flat_map(|(number, statement)| {
                let found = found(statement, store, settings);
                outcomes(number, found, chunk_rows, ending)
            });
            outcomes.collect()
        }
        // Not a refusal: the head says 200.
        Err(message) => {
            let error = Some(format!("error in InfluxQL statement: parsing error: {message}"));
            vec![Outcome { statement: 0, series: Vec::new(), is_partial: false, error }]
        }
    };
    let mut objects: Vec<String> = if is_chunked {
        // One follows the other without anything between them.
        outcomes
            .iter()
            .map(|outcome| json::object(slice::from_ref(outcome), settings.release))
            .collect()
    } else {
        vec![json::object(&outcomes, settings.release)]
    };
    if ending == Ending::HalfOfTheMaps {
        objects.truncate(objects.len() / 2);
    }
    answer::v3_answered("application/json", objects.concat().into_bytes())
}

/// What becomes of a statement; one that fails does not keep the others from being executed.
fn outcomes(
    statement: usize,
    found: Result<Vec<Rows>, String>,
    chunk_rows: Option<usize>,
    ending: Ending,
) -> Vec<Outcome> {
    let outcome = |series| Outcome { statement, series, is_partial: false, error: None };
    let series = match found {
        Ok(series) => series,
        Err(message) => return vec![Outcome { error: Some(message), ..outcome(Vec::new()) }],
    };
    let mut outcomes: Vec<_> = match chunk_rows {
        None => vec![outcome(series)],
        // Of nothing there is not even an empty object.
        Some(_) if series.is_empty() => Vec::new(),
        Some(rows) => chunks(series, rows).into_iter().map(outcome).collect(),
    };
    if ending == Ending::Failed(statement + 1) {
        if outcomes.is_empty() {
            outcomes.push(outcome(Vec::new()));
        }
        let last = outcomes.last_mut().expect("one has just been added");
        last.error = Some(FAILURE.to_owned());
    }
    let count = outcomes.len();
    let is_partial = |outcome: &Outcome, index| outcome.error.is_some() || index + 1 < count;
    for (index, outcome) in outcomes.iter_mut().enumerate() {
        outcome.is_partial = chunk_rows.is_some() && is_partial(outcome, index);
    }
    outcomes
}

fn found(statement: &Statement, store: &Store, settings: &Settings) -> Result<Vec<Rows>, String> {
    let bucket = |database: &str, policy: &str| {
        let name = match policy {
            "autogen" | "default" => database.to_owned(),
            policy => format!("{database}/{policy}"),
        };
        let missing =
            || format!("Cannot retrieve database: External error: database not found: {name}");
        store.bucket(&name).ok_or_else(missing)
    };
    match statement {
        Statement::ShowFieldKeys { database, sources } => match &sources[..] {
            [source] if source.measurement.is_none() => {
                Ok(field_keys(bucket(database, &source.policy)?))
            }
            _ => Err("the fake shows the field keys of all measurements alone".to_owned()),
        },
        Statement::ShowTagKeys { database } => Ok(tag_keys(bucket(database, "autogen")?)),
        Statement::Select(select) => {
            selected(select, bucket(&select.database, &select.policy)?, settings)
        }
        Statement::ShowRetentionPolicies { .. }
        | Statement::ShowShards
        | Statement::ShowCardinality { .. }
        | Statement::ShowExactCardinality { .. }
        | Statement::ShowContinuousQueries => {
            Err("the fake does not answer this statement on version 3".to_owned())
        }
    }
}

fn field_keys(bucket: &Bucket) -> Vec<Rows> {
    listed(bucket, &["fieldKey", "fieldType"], |name, column| match column {
        Column::Field(field_type) => Some(vec![text(name), text(field_type.name())]),
        Column::Tag | Column::Time => None,
    })
}

fn tag_keys(bucket: &Bucket) -> Vec<Rows> {
    listed(bucket, &["tagKey"], |name, column| (column == Column::Tag).then(|| vec![text(name)]))
}

/// A list for each table that has such columns.
fn listed(
    bucket: &Bucket,
    names: &[&str],
    row: impl Fn(&str, Column) -> Option<Vec<Option<Value>>>,
) -> Vec<Rows> {
    let lists = bucket.schema.tables().map(|(table, columns)| Rows {
        name: table.to_owned(),
        columns: names.iter().map(|name| (*name).to_owned()).collect(),
        values: columns.iter().filter_map(|(name, column)| row(name, *column)).collect(),
        ..Rows::default()
    });
    lists.filter(|rows| !rows.values.is_empty()).collect()
}

fn selected(select: &Select, bucket: &Bucket, settings: &Settings) -> Result<Vec<Rows>, String> {
    let bound = |time: i128| i64::try_from(time).map_err(|_| "timestamp out of range".to_owned());
    let (start, stop) = (bound(select.start)?, bound(select.stop)?);
    // As before, what is not there is nothing, and no fault.
    let Some(table) = Table::of(bucket, &select.measurement, start, stop) else {
        return Ok(Vec::new());
    };
    if let Some(message) = table.too_many_files(settings) {
        return Err(format!("datafusion error: {message}"));
    }
    match &select.columns {
        _ if !select.tags.is_empty() || !select.patterns.is_empty() => {
            Err("the fake compares times alone on version 3".to_owned())
        }
        Columns::Series(Fields::All) => Ok(series(&table)),
        Columns::Counts(counts, Some(slice)) if counts.iter().all(|count| count.read.is_none()) => {
            Ok(counted(counts, *slice, &table))
        }
        Columns::Counts(..)
        | Columns::Series(_)
        | Columns::First(_)
        | Columns::Last(_)
        | Columns::CountAll
        | Columns::Kind(_) => Err("the fake does not select this on version 3".to_owned()),
    }
}

/// `GROUP BY *`: by all tags of the table, those without one last, and by time.
fn series(table: &Table<'_>) -> Vec<Rows> {
    let columns_of = |wants: fn(&Column) -> bool| {
        let columns = table.columns.iter().filter(move |(_, column)| wants(column));
        columns.map(|(name, column)| (name.as_str(), *column)).collect::<Vec<_>>()
    };
    let tags = columns_of(|column| *column == Column::Tag);
    let fields = columns_of(|column| matches!(column, Column::Field(_)));
    let mut groups: BTreeMap<Vec<(bool, &str)>, Vec<Row<'_>>> = BTreeMap::new();
    for row in table.rows() {
        let value = |(name, _): &(&str, _)| {
            let value = row.series.tag(name);
            (value.is_none(), value.unwrap_or_default())
        };
        groups.entry(tags.iter().map(value).collect()).or_default().push(row);
    }
    let series = groups.into_iter().map(|(group, mut rows)| {
        rows.sort_by_key(|row| row.time);
        let cells = |row: &Row<'_>| {
            let cells = fields.iter().map(|(name, column)| match row.cell(name, *column) {
                Some(Cell::Field(value)) => Some(value.clone()),
                _ => None,
            });
            [Some(Value::Integer(row.time))].into_iter().chain(cells).collect()
        };
        let values = group.into_iter().map(|(_, value)| value.to_owned());
        Rows {
            name: table.name.to_owned(),
            tags: tags.iter().map(|(name, _)| (*name).to_owned()).zip(values).collect(),
            columns: with_time(fields.iter().map(|(name, _)| *name)),
            values: rows.iter().map(cells).collect(),
            is_partial: false,
        }
    });
    series.collect()
}

/// One row for each slice that holds a value of one of these fields. Unlike before, no value is 0.
fn counted(counts: &[Count], slice: i64, table: &Table<'_>) -> Vec<Rows> {
    let column = |count: &Count| {
        let column = table.columns.get(&count.field).copied();
        column.filter(|column| matches!(column, Column::Field(_)))
    };
    let columns = counts.iter().map(column).collect::<Vec<_>>();
    let mut slices: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for row in table.rows() {
        let has = |(count, column): (&Count, &Option<Column>)| {
            column.is_some_and(|column| row.cell(&count.field, column).is_some())
        };
        let has = counts.iter().zip(&columns).map(has).collect::<Vec<_>>();
        if has.contains(&true) {
            let time = row.time - row.time.rem_euclid(slice);
            let tally = slices.entry(time).or_insert_with(|| vec![0; counts.len()]);
            tally.iter_mut().zip(has).for_each(|(count, has)| *count += i64::from(has));
        }
    }
    if slices.is_empty() {
        return Vec::new();
    }
    let values = slices.into_iter().map(|(time, tally)| {
        let tally = tally.into_iter().zip(&columns);
        let tally = tally.map(|(count, column)| column.map(|_| Value::Integer(count)));
        [Some(Value::Integer(time))].into_iter().chain(tally).collect()
    });
    vec![Rows {
        name: table.name.to_owned(),
        columns: with_time(select::names(counts).iter().map(String::as_str)),
        values: values.collect(),
        ..Rows::default()
    }]
}

fn with_time<'a>(columns: impl Iterator<Item = &'a str>) -> Vec<String> {
    ["time"].into_iter().chain(columns).map(str::to_owned).collect()
}

fn text(text: &str) -> Option<Value> {
    Some(Value::String(text.to_owned()))
}
