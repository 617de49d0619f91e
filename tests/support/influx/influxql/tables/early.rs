//! InfluxQL as InfluxDB 3 Core answers it up to 3.7, recorded of 3.6.0.
//!
//! One statement alone, whose faults have a status. Objects end their lines, nothing says that a
//! series goes on, and without chunks the last series is the first.

use std::slice;

use serde_json::json;

use super::json::object;
use super::{Outcome, found};
use crate::influx::answer::{self, Reply};
use crate::influx::influxql::form::Form;
use crate::influx::influxql::outcome::Rows;
use crate::influx::influxql::parse::{Select, Statement, statements};
use crate::influx::influxql::{chunks, defaults};
use crate::influx::settings::Settings;
use crate::influx::store::Store;

/// Answers a request.
pub(super) fn answer(
    script: &str,
    form: &Form,
    store: &Store,
    settings: &Settings,
    chunk_rows: Option<usize>,
) -> Reply {
    let refused =
        |status, message: String| answer::v3(status, message.into_bytes()).of(settings.release);
    let statements = match statements(script, defaults(form)) {
        Ok(statements) => statements,
        Err(message) => {
            return refused(500, format!("error in InfluxQL statement: parsing error: {message}"));
        }
    };
    let [statement] = &statements[..] else {
        return refused(500, "must provide only one InfluxQl statement per query".to_owned());
    };
    let (asked, named) = (form.value("db").unwrap_or_default(), database(statement));
    if !asked.is_empty() && asked != named {
        return refused(
            500,
            format!(
                "provided a database in both the parameters ({asked}) and query string ({named}) \
                 that do not match, if providing a query that specifies the database, you can omit \
                 the 'database' parameter from your request"
            ),
        );
    }
    let mut series = match found(statement, store, settings) {
        Ok(series) => series,
        Err(message) => {
            let missing = message.strip_prefix("Cannot retrieve database: External error: ");
            if let Some(missing) = missing {
                let error = format!("query error: {missing}");
                return refused(404, json!({ "error": error }).to_string());
            }
            let message = message.trim_start_matches("datafusion error: ");
            return refused(500, format!("query error: error while planning query: {message}"));
        }
    };
    let parts = match chunk_rows {
        None => {
            series.reverse();
            vec![series]
        }
        Some(rows_max) => chunks(series, rows_max),
    };
    let whole = |rows: Rows| Rows { is_partial: false, ..rows };
    let objects = parts.into_iter().map(|part| {
        let series = part.into_iter().map(whole).collect();
        let outcome = Outcome { statement: 0, series, is_partial: false, error: None };
        object(slice::from_ref(&outcome), settings.release) + "\r\n"
    });
    let body = objects.collect::<String>().into_bytes();
    answer::v3_answered("application/json", body).of(settings.release)
}

/// The database of a statement, be it that of the request.
fn database(statement: &Statement) -> &str {
    match statement {
        Statement::ShowRetentionPolicies { database }
        | Statement::ShowFieldKeys { database, .. }
        | Statement::ShowTagKeys { database }
        | Statement::ShowExactCardinality { database }
        | Statement::ShowCardinality { database, .. }
        | Statement::Select(Select { database, .. }) => database,
        Statement::ShowShards | Statement::ShowContinuousQueries => "",
    }
}
