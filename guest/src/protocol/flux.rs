//! Reading by Flux: what to ask `/api/v2/query`.
//!
//! The dialect asks for all annotations: without it a response has no types at all (observed on
//! InfluxDB 2.9.1). Does not know what answers mean.

use serde_json::json;

use super::influxql::NAMES_MAX;
use super::{Call, Kind, encoded};
use crate::error::Endpoint;
use crate::section::{Dimension, Section};
use crate::settings::{Place, Selection};
use crate::time::{TimeRange, Timestamp};

/// InfluxDB Cloud ends a query after 90 s; OSS has no limit, and takes its time before the first
/// byte where there are many series (16 s for a million, observed on InfluxDB 2.9.1).
const QUERY_SECONDS: u32 = 300;

/// All points of a bucket in a range.
///
/// Nothing is dropped or pivoted: tables then come series by series, so that fields can be
/// merged, and the server holds none of them back (observed on InfluxDB 2.9.1).
pub(crate) fn points(
    place: &Place,
    range: TimeRange,
    selection: &Selection,
    section: &Section,
) -> Call {
    let query = selected(place, range, selection, section);
    call(Endpoint::Source, place, &query)
}

/// The same, with the fields of a series and time in one row: a response of four to six times fewer bytes
/// (observed on InfluxDB 2.9.1). A server holds back all of it, so it is only for few series.
pub(crate) fn pivoted(
    place: &Place,
    range: TimeRange,
    selection: &Selection,
    section: &Section,
) -> Call {
    let query = selected(place, range, selection, section);
    let pivot = "pivot(rowKey: [\"_time\"], columnKey: [\"_field\"], valueColumn: \"_value\")";
    call(Endpoint::Source, place, &format!("{query} |> {pivot}"))
}

/// How many values that must give, in a column `_value`. The engine itself counts what is grouped so; by
/// measurement and field, for it groups no values of several types. Without a group, a million series took
/// 13 GB of the server's memory (observed on InfluxDB 2.9.1).
pub(crate) fn count(
    place: &Place,
    range: TimeRange,
    selection: &Selection,
    section: &Section,
) -> Call {
    let query = selected(place, range, selection, section);
    let group = "group(columns: [\"_measurement\", \"_field\"])";
    let sum = "group() |> sum() |> keep(columns: [\"_value\"])";
    call(Endpoint::Source, place, &format!("{query} |> {group} |> count() |> {sum}"))
}

/// How many values each field of a measurement has in each of these ranges, in columns `_field` and `_value`;
/// `_start` is that of the range. Of a field with several types in a range only one is counted (observed
/// on InfluxDB 2.9.1). The engine counts: grouped before, for else it holds a table of each series.
pub(crate) fn counts(
    place: &Place,
    ranges: &[TimeRange],
    selection: &Selection,
    section: &Section,
) -> Call {
    let count = |range: &TimeRange| {
        let (query, start) = (selected(place, *range, selection, section), range.start().0);
        format!("{query} |> group(columns: [\"_field\"]) |> count() |> yield(name: \"{start}\")")
    };
    let counts: Vec<_> = ranges.iter().map(count).collect();
    call(Endpoint::Source, place, &counts.join("\n"))
}

/// The values that a column has in a section, in a column `_value`; without a name, the names of all
/// columns. A server looks them up in its index where no predicate is about values.
pub(crate) fn names(
    place: &Place,
    range: TimeRange,
    selection: &Selection,
    section: &Section,
    column: Option<&str>,
) -> Call {
    let names = match column.map(string) {
        Some(column) => {
            let distinct =
                format!("group() |> distinct(column: {column}) |> limit(n: {NAMES_MAX})");
            format!("keep(columns: [{column}]) |> {distinct}")
        }
        None => "keys() |> keep(columns: [\"_value\"]) |> distinct()".to_owned(),
    };
    let of = Selection { filter: None, ..selection.clone() };
    let query = selected(place, range, &of, section);
    call(Endpoint::Source, place, &format!("{query} |> {names}"))
}

/// The points of a section and a selection, as they are.
fn selected(place: &Place, range: TimeRange, selection: &Selection, section: &Section) -> String {
    from_range(place, range) + &of_section(section) + &select(selection)
}

fn from_range(place: &Place, range: TimeRange) -> String {
    let (start, stop) = (range.start(), range.stop());
    format!("{} |> range(start: {start}, stop: {stop})", from(place))
}

/// Directly after `range()`: there it is left to the engine, for which a series without a tag has the
/// empty value. After a predicate that Flux itself evaluates, such a series would be in no section at all
/// (observed on InfluxDB 2.9.1).
fn of_section(section: &Section) -> String {
    let mut conditions = Vec::new();
    for names in section.bounds() {
        let column = match &names.of {
            Dimension::Measurement => "r._measurement".to_owned(),
            Dimension::Field => "r._field".to_owned(),
            Dimension::Tag(key) => format!("r[{}]", string(key)),
        };
        // What `\x` means in a literal, Flux itself takes first (observed on InfluxDB 2.9.1).
        let expression = names.expression().replace(r"\x", r"\x5cx");
        conditions.push(format!("{column} =~ /{expression}/"));
    }
    match conditions.is_empty() {
        true => String::new(),
        false => filter(&conditions.join(" and ")),
    }
}

/// Predicates on lines of their own: a comment at the end of one must not hide what follows.
fn select(selection: &Selection) -> String {
    let mut query = String::new();
    if !selection.measurements.is_empty() {
        let any: Vec<_> = selection
            .measurements
            .iter()
            .map(|name| format!("r._measurement == {}", string(name)))
            .collect();
        query += &filter(&any.join(" or "));
    }
    if let Some(predicate) = &selection.filter {
        query += &filter(predicate);
    }
    query
}

/// The time of the first point of a selection.
///
/// The guide's own query for it fails on a bucket with fields of several types, and misses points
/// before 1970; without a `stop` it would miss those after now, and with the very first time as
/// `start`, `first()` finds nothing at all (all observed on InfluxDB 2.9.1).
pub(crate) fn earliest(place: &Place, selection: &Selection) -> Call {
    let query = format!(
        "{} |> range(start: {}, stop: {}){} |> first() \
         |> keep(columns: [\"_time\"]) |> min(column: \"_time\")",
        from(place),
        Timestamp::FIRST,
        Timestamp::MAX,
        select(selection)
    );
    call(Endpoint::Source, place, &query)
}

/// The time of its last point.
pub(crate) fn latest(place: &Place, selection: &Selection) -> Call {
    let query = format!(
        "{} |> range(start: {}, stop: {}){} |> last() \
         |> keep(columns: [\"_time\"]) |> max(column: \"_time\")",
        from(place),
        Timestamp::FIRST,
        Timestamp::MAX,
        select(selection)
    );
    call(Endpoint::Source, place, &query)
}

/// The records of all batches.
pub(crate) fn records(place: &Place) -> Call {
    // A record has the time at which it was made, by a clock that may be wrong.
    let range = "range(start: 1970-01-01T00:00:00Z, stop: 2262-01-01T00:00:00Z)";
    let query = format!("{} |> {range}", from(place));
    let query =
        query + &filter("r._measurement == \"migrations\" or r._measurement == \"batches\"");
    call(Endpoint::Checkpoint, place, &query)
}

fn from(place: &Place) -> String {
    format!("from(bucket: {})", string(&place.bucket))
}

fn filter(predicate: &str) -> String {
    format!(" |> filter(fn: (r) => (\n{predicate}\n))")
}

/// A string literal of Flux.
fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            // `${` would begin an expression.
            '$' => literal.push_str("\\x24"),
            _ => literal.push(character),
        }
    }
    literal.push('"');
    literal
}

fn call(endpoint: Endpoint, place: &Place, query: &str) -> Call {
    let body = json!({
        "query": query,
        "type": "flux",
        "dialect": {
            "header": true,
            "delimiter": ",",
            "annotations": ["datatype", "group", "default"],
        },
    });
    Call {
        endpoint,
        method: "POST",
        path: format!("/api/v2/query?org={}", encoded(&place.org)),
        headers: vec![
            ("content-type", "application/json".into()),
            ("accept", "application/csv".into()),
        ],
        body: body.to_string(),
        timeout: QUERY_SECONDS,
        kind: Kind::Query,
        name: place.bucket.clone(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(super::string("a\"b\\c${d}\n"), r#""a\"b\\c\x24{d}\n""#);
    }
}
