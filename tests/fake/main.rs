//! The fake InfluxDB answers as the servers did that `tests/recorded` was taken from, counts,
//! breaks and holds exchanges as it is told, and the real servers start and end.

mod broken_answers;
mod databases;
mod faults;
mod influxql;
mod influxql_counts;
mod influxql_faults;
mod influxql_tables;
mod influxql_types;
mod queries;
mod servers;
mod sql;
mod tampering;
mod tasks;
mod v3;
mod writes;

use serde_json::json;
use support::client::{self, Reply};
use support::influx::FakeInflux;

/// The body of a query that wants all annotations.
fn query_body(script: &str) -> Vec<u8> {
    let annotations = ["datatype", "group", "default"];
    let dialect = json!({"annotations": annotations, "header": true, "delimiter": ","});
    json!({"query": script, "type": "flux", "dialect": dialect}).to_string().into_bytes()
}

/// Where InfluxQL goes, with the parameters that a migration sends.
const INFLUXQL: &str = "/query?db=fake&epoch=ns&chunked=true&chunk_size=10000";

/// The headers that a migration sends with it.
const FORM: [(&str, &str); 2] =
    [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/x-msgpack")];

/// Sends statements as a form.
fn ask_influxql(influx: &FakeInflux, target: &str, statements: &str) -> Reply {
    client::request(&influx.url(), "POST", target, &FORM, &influxql_form(statements))
}

/// Statements as a form.
fn influxql_form(statements: &str) -> Vec<u8> {
    let escaped = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    format!("q={}", statements.bytes().map(escaped).collect::<String>()).into_bytes()
}

/// Compares a whole answer with a recorded one, but for what differs with each request.
#[track_caller]
fn check_answer(reply: &Reply, recorded: impl AsRef<[u8]>) {
    let answer = [reply.head.as_bytes(), &reply.body].concat();
    assert_eq!(undated(&answer), undated(recorded.as_ref()));
}

/// An answer without its time and its number, byte by byte.
fn undated(answer: &[u8]) -> String {
    let varies = |line: &str| {
        // Two builds of version 2 were recorded, which call themselves differently.
        let names = ["date: ", "request-id: ", "x-request-id: ", "x-influxdb-version: "];
        let line = line.to_lowercase();
        names.into_iter().any(|name| line.starts_with(name))
    };
    let answer = answer.iter().copied().map(char::from).collect::<String>();
    let lines = answer.split_inclusive('\n');
    lines.map(|line| if varies(line) { "…\n" } else { line }).collect()
}
