//! Results in JSON, written as `iox_v1_query_api` writes them.
//!
//! A float without a fraction looks like an integer: `1.0` is `1`, and `-0.0` is `0`. It did not in
//! earlier releases.

use serde_json::Value as Json;

use super::Outcome;
use crate::influx::influxql::outcome::Rows;
use crate::influx::points::Value;
use crate::influx::settings::Release;

/// From here on a float without a fraction is written as a float (`i64::MAX as f64`).
const WHOLE_MAX: f64 = 9_223_372_036_854_775_807.0;

/// One object with these elements.
pub(super) fn object(outcomes: &[Outcome], release: Release) -> String {
    let results =
        outcomes.iter().map(|outcome| result(outcome, release)).collect::<Vec<_>>().join(",");
    if results.is_empty() { "{}".to_owned() } else { format!(r#"{{"results":[{results}]}}"#) }
}

fn result(outcome: &Outcome, release: Release) -> String {
    let Outcome { statement, series, is_partial, error } = outcome;
    let mut result = format!(r#"{{"statement_id":{statement}"#);
    if !series.is_empty() {
        let series =
            series.iter().map(|series| rows(series, release)).collect::<Vec<_>>().join(",");
        result.push_str(&format!(r#","series":[{series}]"#));
    }
    if *is_partial {
        result.push_str(r#","partial":true"#);
    }
    if let Some(error) = error {
        result.push_str(&format!(r#","error":{}"#, text(error)));
    }
    result + "}"
}

fn rows(rows: &Rows, release: Release) -> String {
    let Rows { name, tags, columns, values, is_partial } = rows;
    let mut series = format!(r#"{{"name":{}"#, text(name));
    if !tags.is_empty() {
        let tags = tags.iter().map(|(key, value)| format!("{}:{}", text(key), text(value)));
        series.push_str(&format!(r#","tags":{{{}}}"#, tags.collect::<Vec<_>>().join(",")));
    }
    let columns = columns.iter().map(|column| text(column)).collect::<Vec<_>>().join(",");
    let row = |row: &Vec<Option<Value>>| {
        let cells = row
            .iter()
            .map(|value| value.as_ref().map_or("null".to_owned(), |value| cell(value, release)));
        format!("[{}]", cells.collect::<Vec<_>>().join(","))
    };
    let values = values.iter().map(row).collect::<Vec<_>>().join(",");
    series.push_str(&format!(r#","columns":[{columns}],"values":[{values}]"#));
    series + if *is_partial { r#","partial":true}"# } else { "}" }
}

fn cell(value: &Value, release: Release) -> String {
    match value {
        Value::Float(value)
            if release == Release::V3_10 && value.fract() == 0.0 && value.abs() < WHOLE_MAX =>
        {
            // Without the sign of zero.
            (value + 0.0).to_string()
        }
        // The server has an older `serde_json`, which sets no sign before an exponent.
        Value::Float(value) => Json::from(*value).to_string().replace("e+", "e"),
        Value::Integer(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::String(value) => text(value),
    }
}

fn text(text: &str) -> String {
    Json::from(text).to_string()
}
