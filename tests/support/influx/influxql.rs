//! `/query`: InfluxQL as 1.6.7 and 2.9.1 answer it, in MessagePack, and as InfluxDB 3 does, in JSON.
//!
//! From a form to a sequence of maps: `q=SHOW SHARDS` gives `{"results":[…]}`, `{"results":[…]}`.
//! Knows no connection.

mod databases;
mod form;
mod outcome;
mod parse;
mod select;
mod show;
mod tables;
mod token;

use super::answer::{self, Face, Reply};
use super::exchange::Exchange;
use super::settings::{Settings, Version};
use super::store::Store;
use form::Form;
use outcome::{Found, Joined, Outcome, Rows, drop_last_row, gathered, limited, map};
use parse::{Counted, Defaults, Select, Statement, statements};

pub(super) use databases::{Policy, Wanted, bucket_id, policies};

/// Where InfluxQL goes.
pub(super) const PATH: &str = "/query";

/// How many rows of a series come at once, unless it is said (`DefaultChunkSize`).
const CHUNK_ROWS: usize = 10_000;

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// In its nth statement, counted from 1, before the last part of what that finds.
    Failed(usize),
    /// As if no chunks were asked for, at so many rows.
    Limited(usize),
    /// After half of the maps.
    HalfOfTheMaps,
    /// Without the last row that a `SELECT` finds, as if it were whole.
    WithoutLastRow,
}

/// Why the nth statement fails (`ErrQueryTimeoutLimitExceeded`, which a server configured with a
/// `query-timeout` says).
const FAILURE: &str = "query-timeout limit exceeded";

/// Answers a request.
pub(super) fn answer(
    exchange: &Exchange,
    face: Face,
    store: &Store,
    settings: &Settings,
    ending: Ending,
) -> Reply {
    let form = Form::of(exchange);
    if face == Face::V3 {
        return tables::answer(exchange, &form, store, settings, ending);
    }
    // Not of the server, but what a migration asks for; without it, it would be answered otherwise.
    if exchange.header("accept") != Some("application/x-msgpack") {
        return face.query_refused("the fake answers InfluxQL with application/x-msgpack alone");
    }
    if form.value("epoch") != Some("ns") {
        return face.query_refused("the fake answers InfluxQL with epoch=ns alone");
    }
    let script = form.value("q").unwrap_or_default().trim();
    if script.is_empty() {
        return match face {
            Face::V2 if exchange.header("content-type").is_none() => {
                face.query_refused("mime: no media type")
            }
            // Not even an empty map (observed on 2.9.1).
            Face::V2 => answer::influxql_answered(face, Vec::new()),
            _ => face.query_refused("missing required parameter \"q\""),
        };
    }
    let statements = match statements(script, defaults(&form)) {
        Ok(statements) => statements,
        Err(message) => {
            let fault = if face == Face::V2 { "failed to parse" } else { "error parsing" };
            return face.query_refused(&format!("{fault} query: {message}"));
        }
    };
    if face != Face::V2 && !settings.is_admin && statements.contains(&Statement::ShowShards) {
        let user = settings.token.as_deref().unwrap_or_default();
        let user = user.split_once(':').map_or(user, |(user, _)| user);
        return face.refused(
            403,
            "forbidden",
            &format!(
                "error authorizing query: {user} not authorized to execute statement \
                 'SHOW SHARDS', requires admin privilege"
            ),
        );
    }
    let maps = maps(&statements, &form, store, settings, ending);
    answer::influxql_answered(face, maps.concat())
}

/// The database and the retention policy that the request names, or the default one.
fn defaults(form: &Form) -> Defaults {
    let policy = form.value("rp").filter(|policy| !policy.is_empty()).unwrap_or("autogen");
    let database = form.value("db").unwrap_or_default();
    Defaults { database: database.to_owned(), policy: policy.to_owned() }
}

/// The maps of an answer, each as it is sent.
fn maps(
    statements: &[Statement],
    form: &Form,
    store: &Store,
    settings: &Settings,
    ending: Ending,
) -> Vec<Vec<u8>> {
    let is_chunked = form.value("chunked") == Some("true");
    let asked = form.value("chunk_size").and_then(|size| size.parse().ok());
    let chunk_rows = asked.filter(|size| is_chunked && *size > 0).unwrap_or(CHUNK_ROWS);
    let mut outcomes = executed(statements, store, settings, chunk_rows, ending);
    if ending == Ending::WithoutLastRow {
        let selects = |number: usize| matches!(statements[number], Statement::Select(_));
        drop_last_row(&mut outcomes, selects);
    }
    let joined =
        if settings.version == Version::V2 { Joined::IsWhole } else { Joined::StaysPartial };
    let mut maps = match ending {
        Ending::Limited(rows_max) => vec![map(0, &gathered(limited(outcomes, rows_max), joined))],
        _ if !is_chunked => vec![map(0, &gathered(outcomes, joined))],
        _ => {
            let parts = outcomes.chunks(1).enumerate();
            parts.map(|(number, part)| map(number, part)).collect()
        }
    };
    if ending == Ending::HalfOfTheMaps {
        maps.truncate(maps.len() / 2);
    }
    maps
}

/// What the statements find, in parts. After one that fails the others are not executed.
fn executed(
    statements: &[Statement],
    store: &Store,
    settings: &Settings,
    chunk_rows: usize,
    ending: Ending,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        let mut failure = None;
        match found(statement, store, settings, chunk_rows) {
            Ok(parts) => {
                let count = parts.len();
                // Its lists are results of their own, which are never partial (recorded).
                let has_parts = !matches!(statement, Statement::ShowTagKeys { .. });
                outcomes.extend(parts.into_iter().enumerate().map(|(index, series)| {
                    let is_partial = has_parts && index + 1 < count;
                    Outcome::Found(Found { statement: number, series, is_partial })
                }));
                if ending == Ending::Failed(number + 1) {
                    outcomes.pop();
                    failure = Some(FAILURE.to_owned());
                }
            }
            Err(message) => failure = Some(message),
        }
        if let Some(message) = failure {
            outcomes.push(Outcome::Failed { statement: number, message });
            // Numbered by those before them, as in `executeQuery`.
            let others = number..statements.len() - 1;
            outcomes.extend(others.map(|statement| Outcome::Failed {
                statement,
                message: "not executed".to_owned(),
            }));
            break;
        }
    }
    outcomes
}

/// What a statement finds, part by part; there is at least one.
fn found(
    statement: &Statement,
    store: &Store,
    settings: &Settings,
    chunk_rows: usize,
) -> Result<Vec<Vec<Rows>>, String> {
    let of = |database: &str| {
        policies(store, settings, Wanted { database: Some(database), bucket_id: None })
    };
    let known = |database: &str| match of(database) {
        policies if policies.is_empty() => Err(format!("database not found: {database}")),
        policies => Ok(policies),
    };
    match statement {
        Statement::ShowRetentionPolicies { database } => {
            let policies = match settings.version {
                // One that nobody knows has no policies.
                Version::V2 => of(database),
                Version::V1_6 => known(database)?,
            };
            Ok(vec![vec![show::retention_policies(&policies, settings.version)]])
        }
        Statement::ShowTagKeys { database } => {
            let policies = match settings.version {
                // One index for all policies of a database.
                Version::V1_6 => known(database)?,
                Version::V2 => {
                    let default = of(database).into_iter().find(|policy| policy.is_default);
                    let missing = || format!("default retention policy not set for: {database}");
                    vec![default.ok_or_else(missing)?]
                }
            };
            Ok(each_alone(show::tag_keys(&policies)))
        }
        other
            if settings.version == Version::V2
                && let Some(name) = unknown_to_2(other) =>
        {
            Err(format!("not implemented: SHOW {name}"))
        }
        Statement::ShowCardinality { of: counted, database } => {
            Ok(vec![vec![show::cardinality(&of(database), *counted)]])
        }
        Statement::ShowExactCardinality { database } => {
            Ok(each_alone(show::exact_cardinality(&known(database)?)))
        }
        Statement::ShowContinuousQueries => {
            let policies = policies(store, settings, Wanted::default());
            Ok(vec![show::continuous_queries(&policies, &settings.continuous_queries)])
        }
        Statement::ShowShards => {
            Ok(vec![show::shards(&policies(store, settings, Wanted::default()))])
        }
        Statement::ShowFieldKeys { database, sources } => {
            Ok(chunks(show::field_keys(&known(database)?, sources)?, chunk_rows))
        }
        Statement::Select(select) => {
            let rows = selected(select, &known(&select.database)?, settings.version)?;
            Ok(chunks(rows, chunk_rows))
        }
    }
}

/// What version 2 calls a statement that it does not execute.
fn unknown_to_2(statement: &Statement) -> Option<&'static str> {
    match statement {
        Statement::ShowShards => Some("SHARDS"),
        Statement::ShowContinuousQueries => Some("CONTINUOUS QUERIES"),
        Statement::ShowCardinality { of: Counted::Series, .. } => Some("SERIES CARDINALITY"),
        Statement::ShowCardinality { of: Counted::Measurements, .. } => {
            Some("MEASUREMENT CARDINALITY")
        }
        _ => None,
    }
}

/// Each list alone. Nothing is one empty part.
fn each_alone(lists: Vec<Rows>) -> Vec<Vec<Rows>> {
    let parts = lists.into_iter().map(|rows| vec![rows]).collect::<Vec<_>>();
    if parts.is_empty() { vec![Vec::new()] } else { parts }
}

fn selected(
    select: &Select,
    policies: &[Policy<'_>],
    version: Version,
) -> Result<Vec<Rows>, String> {
    let policy = policies.iter().find(|policy| policy.name == select.policy);
    let missing = || format!("retention policy not found: {}", select.policy);
    let policy = policy.ok_or_else(missing)?;
    let buckets = policies.iter().map(|policy| policy.bucket).collect::<Vec<_>>();
    select::rows(select, policy.bucket, &buckets, version)
}

/// Each series alone, and no more rows than these at once. Nothing is one empty part.
fn chunks(series: Vec<Rows>, rows_max: usize) -> Vec<Vec<Rows>> {
    let mut parts = Vec::new();
    for rows in series {
        let Rows { name, tags, columns, values, .. } = rows;
        let count = values.len().div_ceil(rows_max);
        for (index, values) in values.chunks(rows_max).enumerate() {
            let (name, tags, columns) = (name.clone(), tags.clone(), columns.clone());
            let is_partial = index + 1 < count;
            parts.push(vec![Rows { name, tags, columns, values: values.to_vec(), is_partial }]);
        }
    }
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    parts
}
