//! Reading by InfluxQL: what to ask `/query` of InfluxDB 1.x and 2.x.
//!
//! Answers are asked for as MessagePack: it alone tells `1` from `1.0`, and an empty string from
//! none (observed on InfluxDB 2.9.1). Names are quoted; an expression is made only for the values of a tag
//! that bound a section. Does not know what answers mean.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Call, Kind, encoded};
use crate::error::Endpoint;
use crate::section::{Dimension, Section};
use crate::time::{TimeRange, Timestamp};

/// As for Flux: servers set limits of their own.
const QUERY_SECONDS: u32 = 300;

/// So many rows of a series come in one part of a response, which a server holds in its memory.
const CHUNK_ROWS: u32 = 10_000;

/// So many statements go into one request. Each costs the server little; an error in one ends all
/// that follow it.
pub(crate) const STATEMENTS_MAX: usize = 200;

/// So many bytes of statements: 2.9.1 answers a form of more than 10 MB with nothing, and 200.
const STATEMENT_BYTES_MAX: usize = 1_000_000;

/// What a statement is about: a measurement in a range of time, and a condition on its points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) database: &'a str,
    pub(crate) policy: &'a str,
    pub(crate) measurement: &'a str,
    pub(crate) range: TimeRange,
    /// Which values of its tags; what else bounds a section is said otherwise.
    pub(crate) section: &'a Section,
    /// `migration.where`.
    pub(crate) condition: Option<&'a str>,
}

/// Asks for the answers to some statements.
pub(crate) fn call(database: &str, statements: &[String], name: &str) -> Call {
    let statements = statements.join(";\n");
    Call {
        endpoint: Endpoint::Source,
        method: "POST",
        path: format!(
            "/query?db={}&epoch=ns&chunked=true&chunk_size={CHUNK_ROWS}",
            encoded(database)
        ),
        headers: vec![
            ("content-type", "application/x-www-form-urlencoded".into()),
            ("accept", "application/x-msgpack".into()),
        ],
        // As a form: a path cannot be as long as statements are.
        body: format!("q={}", utf8_percent_encode(&statements, NON_ALPHANUMERIC)),
        timeout: QUERY_SECONDS,
        kind: Kind::Query,
        name: name.to_owned(),
    }
}

/// As `call`, where a statement that names no retention policy means this one.
pub(crate) fn call_on_policy(
    database: &str,
    policy: &str,
    statements: &[String],
    name: &str,
) -> Call {
    let call = call(database, statements, name);
    Call { path: format!("{}&rp={}", call.path, encoded(policy)), ..call }
}

/// As `call_on_policy`, and the answer comes as one: in chunks, `SHOW TAG KEYS` has a result for each
/// measurement, and none says that it is the last (observed on InfluxDB 1.6.7 and 2.9.1).
pub(crate) fn call_at_once(
    database: &str,
    policy: &str,
    statements: &[String],
    name: &str,
) -> Call {
    let call = call(database, statements, name);
    let (database, policy) = (encoded(database), encoded(policy));
    Call { path: format!("/query?db={database}&epoch=ns&rp={policy}"), ..call }
}

/// The retention policies of a database.
pub(crate) fn retention_policies(database: &str) -> String {
    format!("SHOW RETENTION POLICIES ON {}", identifier(database))
}

/// All shards, with their bounds. Needs the rights of an administrator; 2.x does not have it.
pub(crate) fn shards() -> String {
    "SHOW SHARDS".to_owned()
}

/// The fields of measurements with all types that they have, a statement for each; of all that the
/// retention policy of the request has, if none are named.
pub(crate) fn field_keys(database: &str, policy: &str, measurements: &[String]) -> Vec<String> {
    let of = |name: &String| fields(database, policy, name);
    match measurements {
        [] => vec![format!("SHOW FIELD KEYS ON {}", identifier(database))],
        names => names.iter().map(of).collect(),
    }
}

/// The first of these statements, as many as fit into a request, but at least one.
pub(crate) fn first_that_fit(statements: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut first, mut bytes) = (Vec::new(), 0);
    for statement in statements.into_iter().take(STATEMENTS_MAX) {
        bytes += statement.len();
        if bytes > STATEMENT_BYTES_MAX && !first.is_empty() {
            break;
        }
        first.push(statement);
    }
    first
}

/// All points: series by series, and in them row by row. `columns` are of fields, with their types.
pub(crate) fn points(columns: &[String], scope: Scope<'_>) -> String {
    format!("SELECT {} FROM {} GROUP BY *", columns.join(", "), scope.to_text())
}

/// How many values each of these columns has; a row for them, or none where all of them have none.
pub(crate) fn counts(columns: &[String], scope: Scope<'_>) -> String {
    let counts: Vec<_> = columns.iter().map(|column| format!("count({column})")).collect();
    format!("SELECT {} FROM {}", counts.join(", "), scope.to_text())
}

/// The same, in slices of so many nanoseconds, which begin with 1970; those without a value are left out.
pub(crate) fn counts_by_time(columns: &[String], scope: Scope<'_>, slice: u64) -> String {
    format!("{} GROUP BY time({}) fill(none)", counts(columns, scope), duration(slice))
}

/// So many nanoseconds.
pub(crate) fn duration(nanoseconds: u64) -> String {
    match nanoseconds % SECOND {
        0 => format!("{}s", nanoseconds / SECOND),
        _ => format!("{nanoseconds}ns"),
    }
}

const SECOND: u64 = 1_000_000_000;

/// A number of the field's own type, and too large to be one of those that look alike.
pub(crate) fn kind(field: &str, scope: Scope<'_>) -> String {
    format!("SELECT first({}) * 0 + 1000 FROM {}", identifier(field), scope.to_text())
}

/// The first of these columns: the row with the earliest time.
pub(crate) fn first(column: &str, scope: Scope<'_>) -> String {
    format!("SELECT {column} FROM {} LIMIT 1", scope.to_text())
}

/// The last of them.
pub(crate) fn last(column: &str, scope: Scope<'_>) -> String {
    format!("SELECT {column} FROM {} ORDER BY time DESC LIMIT 1", scope.to_text())
}

/// How many values of a field of strings hold a carriage return.
pub(crate) fn carriage_returns(field: &str, scope: Scope<'_>) -> String {
    let field = identifier(field);
    format!("SELECT count({field}) FROM {} AND {field} =~ /\\r/", scope.to_text())
}

/// The queries that 1.x runs by itself, and which write what they find. 2.x has tasks instead.
pub(crate) fn continuous_queries() -> String {
    "SHOW CONTINUOUS QUERIES".to_owned()
}

/// The keys of the tags of these measurements, a statement for each; of all, if none are named.
pub(crate) fn all_tag_keys(database: &str, policy: &str, measurements: &[String]) -> Vec<String> {
    match measurements {
        [] => vec![format!("SHOW TAG KEYS ON {}", identifier(database))],
        names => names.iter().map(|name| tag_keys(database, policy, name)).collect(),
    }
}

impl Scope<'_> {
    fn to_text(self) -> String {
        let Self { database, policy, measurement, range, section, condition } = self;
        let from = from(database, policy, measurement);
        // With the very first time as a bound, InfluxDB finds nothing at all, without an error
        // (observed on 1.6.7 and 2.9.1).
        let (start, stop) = (range.start().max(Timestamp::FIRST).0, range.stop().0);
        let mut text = format!("{from} WHERE time >= {start} AND time < {stop}");
        for condition in of_section(section) {
            text += &format!(" AND {condition}");
        }
        if let Some(condition) = condition {
            // On lines of its own: a comment at its end must not hide what follows.
            text += &format!(" AND (\n{condition}\n)");
        }
        text
    }
}

/// The measurements of a database, whatever their retention policies.
pub(crate) fn measurements(database: &str) -> String {
    format!("SHOW MEASUREMENTS ON {}", identifier(database))
}

/// How many series each measurement has.
pub(crate) fn series(database: &str) -> String {
    format!("SHOW SERIES EXACT CARDINALITY ON {}", identifier(database))
}

/// How many series of a measurement are in a section.
pub(crate) fn series_of(database: &str, measurement: &str, section: &Section) -> String {
    let mut text = format!("{} FROM {}", series(database), identifier(measurement));
    for (place, condition) in of_section(section).enumerate() {
        text += if place == 0 { " WHERE " } else { " AND " };
        text += &condition;
    }
    text
}

/// The keys of the tags of a measurement.
pub(crate) fn tag_keys(database: &str, policy: &str, measurement: &str) -> String {
    show("TAG KEYS", database, policy, measurement)
}

/// The values of one of its tags, as far as they are in a section.
pub(crate) fn tag_values(
    database: &str,
    policy: &str,
    measurement: &str,
    key: &str,
    section: &Section,
) -> String {
    let show = show("TAG VALUES", database, policy, measurement);
    let mut text = format!("{show} WITH KEY = {}", identifier(key));
    for (place, condition) in of_section(section).enumerate() {
        text += if place == 0 { " WHERE " } else { " AND " };
        text += &condition;
    }
    text + &format!(" LIMIT {NAMES_MAX}")
}

/// So many values of a tag are asked for: to be cut into some parts, the first of many are enough.
pub(crate) const NAMES_MAX: usize = 100_000;

/// Its fields.
pub(crate) fn fields(database: &str, policy: &str, measurement: &str) -> String {
    show("FIELD KEYS", database, policy, measurement)
}

fn show(what: &str, database: &str, policy: &str, measurement: &str) -> String {
    let [on, policy, measurement] = [database, policy, measurement].map(identifier);
    format!("SHOW {what} ON {on} FROM {policy}.{measurement}")
}

fn from(database: &str, policy: &str, measurement: &str) -> String {
    [database, policy, measurement].map(identifier).join(".")
}

/// A condition for each tag that bounds a section.
///
/// `::tag`: where a field has the name of the tag, the condition would be about that, and hold for no
/// point (observed on InfluxDB 1.6.7 and 2.9.1).
fn of_section(section: &Section) -> impl Iterator<Item = String> {
    section.bounds().iter().filter_map(|names| match &names.of {
        Dimension::Tag(key) => {
            Some(format!("{}::tag =~ /{}/", identifier(key), names.expression()))
        }
        Dimension::Measurement | Dimension::Field => None,
    })
}

/// A name in quotes.
pub(crate) fn identifier(name: &str) -> String {
    let mut quoted = String::from("\"");
    for character in name.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
