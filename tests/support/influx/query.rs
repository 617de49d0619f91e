//! `POST /api/v2/query`: from a request in JSON to the text of a response.
//!
//! Knows Flux and annotated CSV by their modules; knows no connection.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::answer::{self, Reply};
use super::csv::{self, Annotation, Column, Dialect, Writer};
use super::exchange::Exchange;
use super::flux::{self, Answer, Predicate, Query};
use super::points::{Fields, Series, Type, Value};
use super::settings::Settings;
use super::store::{Bucket, Store};

/// Where queries go.
pub(super) const PATH: &str = "/api/v2/query";

/// How a query that can be answered ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    Whole,
    /// After the first table, with this message.
    Failed(&'static str),
    /// Without its last row, as if it were whole.
    WithoutLastRow,
}

/// Answers a query.
pub(super) fn answer(
    exchange: &Exchange,
    store: &Store,
    settings: &Settings,
    ending: Ending,
) -> Reply {
    let request = match decode(exchange) {
        Ok(request) => request,
        Err(message) => {
            return answer::query_refused(400, "invalid", &message);
        }
    };
    if let (Some(org), Some(asked)) = (&settings.org, exchange.parameter("org"))
        && asked != *org
    {
        let message =
            format!("failed to decode request body: organization name {asked:?} not found");
        return answer::query_undecoded(&message);
    }
    let queries = match flux::parse(&request.script) {
        Ok(queries) => queries,
        Err(message) => {
            return answer::query_refused(
                400,
                "invalid",
                &format!("compilation failed: {message}"),
            );
        }
    };
    let found = checked(&queries).and_then(|()| {
        let writers = queries.iter().map(|query| written(query, store, &request.dialect));
        writers.collect::<Result<Vec<_>, _>>()
    });
    let mut writers = match found {
        Ok(writers) => writers,
        Err(refusal) => return refusal,
    };
    // The server takes results from a map of Go, which begins anywhere, each time anew: the first
    // query is never the first that is answered here.
    writers.rotate_left(1);
    let text = match ending {
        Ending::Whole => writers.into_iter().map(Writer::finish).collect(),
        Ending::WithoutLastRow => {
            writers.into_iter().map(Writer::finish_without_last_row).collect()
        }
        Ending::Failed(message) => writers.swap_remove(0).fail(message),
    };
    answer::query_answered(text.into_bytes())
}

/// Whether each result has a name of its own.
fn checked(queries: &[Query]) -> Result<(), Reply> {
    let mut names = BTreeSet::new();
    let Some(twice) = queries.iter().find(|query| !names.insert(&query.result)) else {
        return Ok(());
    };
    let name = &twice.result;
    let message = if name == "_result" {
        let fault = "failed to initialize execute state: tried to produce more than one result";
        format!("{fault} with the name {name:?}")
    } else {
        let fault = "error in building plan while starting program: found more than one call";
        format!("{fault} to yield() with the name {name:?}")
    };
    Err(answer::query_refused(400, "invalid", &message))
}

/// The answer to a query, to be ended.
fn written(query: &Query, store: &Store, dialect: &Dialect) -> Result<Writer, Reply> {
    let stop = query.stop.unwrap_or_else(answer::now);
    if query.start >= stop {
        let message = "error in building plan while starting program: cannot query an empty range";
        return Err(answer::query_refused(400, "invalid", message));
    }
    let Some(bucket) = store.bucket(&query.bucket) else {
        let name = &query.bucket;
        let message = format!("failed to initialize execute state: could not find bucket {name:?}");
        return Err(answer::query_refused(404, "not found", &message));
    };
    Ok(response(query, stop, bucket, dialect.clone()))
}

struct Request {
    script: String,
    dialect: Dialect,
}

/// Reads `{"query": …, "type": "flux", "dialect": {"annotations": […], "header": true}}`.
fn decode(exchange: &Exchange) -> Result<Request, String> {
    let undecoded = |reason: String| format!("failed to decode request body: {reason}");
    let request: Json =
        serde_json::from_slice(&exchange.body).map_err(|error| undecoded(error.to_string()))?;
    let script = request["query"].as_str();
    let script =
        script.ok_or_else(|| undecoded("request body requires either query or AST".into()))?;
    if !matches!(request["type"].as_str(), None | Some("flux")) {
        return Err(undecoded(format!("unknown query type: {}", request["type"])));
    }
    let dialect = &request["dialect"];
    if !matches!(dialect["delimiter"].as_str(), None | Some(",")) {
        return Err(undecoded("the fake knows no delimiter but the comma".into()));
    }
    let annotations = dialect["annotations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let annotations = annotations.iter().map(|annotation| match annotation.as_str() {
        Some("datatype") => Ok(Annotation::Datatype),
        Some("group") => Ok(Annotation::Group),
        Some("default") => Ok(Annotation::Default),
        _ => Err(undecoded(format!("unknown dialect annotation type: {annotation}"))),
    });
    let annotations = annotations.collect::<Result<_, _>>()?;
    let header = dialect["header"].as_bool().unwrap_or(true);
    Ok(Request { script: script.to_owned(), dialect: Dialect { annotations, header } })
}

fn response(query: &Query, stop: i64, bucket: &Bucket, dialect: Dialect) -> Writer {
    let mut tables = Tables { bucket, query, stop, types: HashMap::new() };
    let mut writer = Writer::new(dialect, &query.result);
    match &query.answer {
        Answer::Points => {
            for (series, times) in bucket.points.series() {
                tables.write_series(series, times, &mut writer);
            }
        }
        Answer::Earliest | Answer::Latest => {
            let series = bucket.points.series();
            let ends = series.filter_map(|(series, times)| tables.ends(series, times));
            let time = match query.answer {
                Answer::Latest => ends.map(|(_, last)| last).max(),
                _ => ends.map(|(first, _)| first).min(),
            };
            if let Some(time) = time {
                let label = "_time".to_owned();
                writer.table(vec![Column { label, datatype: TIME, group: false }]);
                writer.row([csv::time_text(time).as_str()].into_iter());
            }
        }
        Answer::Counts(columns) => tables.write_counts(columns, &mut writer),
        Answer::Count => {
            let series = bucket.points.series();
            let counts = series.map(|(series, times)| tables.count(series, times));
            let count: usize = counts.sum();
            // Where nothing is, there is no table to be summed.
            if count > 0 {
                let label = "_value".to_owned();
                writer.table(vec![Column { label, datatype: "long", group: false }]);
                writer.row([count.to_string().as_str()].into_iter());
            }
        }
        Answer::Measurements => {
            // The index knows no times.
            let names = bucket.points.series().map(|(series, _)| series.measurement.as_str());
            let names = names.collect::<BTreeSet<_>>();
            if !names.is_empty() {
                let label = "_value".to_owned();
                writer.table(vec![Column { label, datatype: "string", group: false }]);
                names.into_iter().for_each(|name| writer.row([name].into_iter()));
            }
        }
    }
    writer
}

/// The type of a column of times.
const TIME: &str = "dateTime:RFC3339";

/// What a query reads of a bucket.
struct Tables<'a> {
    bucket: &'a Bucket,
    query: &'a Query,
    stop: i64,
    /// The type in which each field of a measurement is read.
    types: HashMap<(String, String), Option<Type>>,
}

/// The values of a field of a series, all of one type.
struct Rows<'a> {
    value_type: Type,
    values: Vec<(i64, &'a Value)>,
}

impl<'a> Tables<'a> {
    fn write_series(
        &mut self,
        series: &Series,
        times: &'a BTreeMap<i64, Fields>,
        writer: &mut Writer,
    ) {
        let bounds = [csv::time_text(self.query.start), csv::time_text(self.stop)];
        for (field, Rows { value_type, values }) in self.fields(series, times) {
            // The columns of tags, and these two among them, are sorted by their names.
            let mut tags = series.tags().to_vec();
            tags.push(("_field".to_owned(), field.to_owned()));
            tags.push(("_measurement".to_owned(), series.measurement.clone()));
            tags.sort();
            writer.table(columns(value_type, &tags));
            for (time, value) in values {
                let cells = [csv::time_text(time), csv::value_text(value)];
                let cells = bounds.iter().chain(&cells).chain(tags.iter().map(|(_, value)| value));
                writer.row(cells.map(String::as_str));
            }
        }
    }

    /// A table for each group, of one row.
    fn write_counts(&mut self, columns: &[String], writer: &mut Writer) {
        let mut groups: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
        for (series, times) in self.bucket.points.series() {
            for (field, rows) in self.fields(series, times) {
                let value = |column: &String| match column.as_str() {
                    "_field" => field,
                    _ => series.measurement.as_str(),
                };
                *groups.entry(columns.iter().map(value).collect()).or_default() +=
                    rows.values.len();
            }
        }
        let column =
            |label: &str, datatype, group| Column { label: label.to_owned(), datatype, group };
        let bounds = [csv::time_text(self.query.start), csv::time_text(self.stop)];
        for (group, count) in groups {
            let mut described = vec![
                column("_start", TIME, true),
                column("_stop", TIME, true),
                column("_value", "long", false),
            ];
            described.extend(columns.iter().map(|label| column(label, "string", true)));
            writer.table(described);
            let count = count.to_string();
            let cells = bounds.iter().map(String::as_str).chain([count.as_str()]).chain(group);
            writer.row(cells);
        }
    }

    /// The first and the last time of a series, of all its fields.
    fn ends(&mut self, series: &Series, times: &'a BTreeMap<i64, Fields>) -> Option<(i64, i64)> {
        let fields = self.fields(series, times);
        let first = fields.values().filter_map(|rows| Some(rows.values.first()?.0)).min();
        let last = fields.values().filter_map(|rows| Some(rows.values.last()?.0)).max();
        first.zip(last)
    }

    /// How many values a series has, of all its fields.
    fn count(&mut self, series: &Series, times: &'a BTreeMap<i64, Fields>) -> usize {
        self.fields(series, times).values().map(|rows| rows.values.len()).sum()
    }

    /// The rows of a series by field, as far as the query wants them and the engine reads them.
    fn fields(
        &mut self,
        series: &Series,
        times: &'a BTreeMap<i64, Fields>,
    ) -> BTreeMap<&'a str, Rows<'a>> {
        // Whether and in which type a field is read is asked once, not for every value.
        let mut types: HashMap<&str, Option<Type>> = HashMap::new();
        let mut fields: BTreeMap<&str, Rows<'_>> = BTreeMap::new();
        for (time, values) in times.range(self.query.start..self.stop) {
            for (field, value) in values {
                let read = *types.entry(field).or_insert_with(|| self.type_read(series, field));
                if let Some(read) = read
                    && read == value.value_type()
                {
                    let empty = || Rows { value_type: read, values: Vec::new() };
                    fields.entry(field).or_insert_with(empty).values.push((*time, value));
                }
            }
        }
        fields
    }

    fn type_read(&mut self, series: &Series, field: &str) -> Option<Type> {
        let wants = |filter: &Predicate| filter.holds(series, field) == Some(true);
        if !self.query.filters.iter().all(wants) {
            return None;
        }
        let key = (series.measurement.clone(), field.to_owned());
        if let Some(known) = self.types.get(&key) {
            return *known;
        }
        let value_type = self.bucket.type_read(&key.0, field, self.query.start, self.stop);
        self.types.insert(key, value_type);
        value_type
    }
}

fn columns(value_type: Type, tags: &[(String, String)]) -> Vec<Column> {
    let column = |label: &str, datatype, group| Column { label: label.to_owned(), datatype, group };
    let mut columns = vec![
        column("_start", TIME, true),
        column("_stop", TIME, true),
        column("_time", TIME, false),
        column("_value", csv::datatype(value_type), false),
    ];
    columns.extend(tags.iter().map(|(label, _)| column(label, "string", true)));
    columns
}
