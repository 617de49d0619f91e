//! The fake InfluxDB answers as the servers did that `tests/recorded` was taken from, counts,
//! breaks and holds exchanges as it is told, and the real servers start and end.

mod faults;
mod queries;
mod servers;
mod writes;

use serde_json::json;
use support::client::Reply;

/// The body of a query that wants all annotations.
fn query_body(script: &str) -> Vec<u8> {
    let annotations = ["datatype", "group", "default"];
    let dialect = json!({"annotations": annotations, "header": true, "delimiter": ","});
    json!({"query": script, "type": "flux", "dialect": dialect}).to_string().into_bytes()
}

/// Compares a whole answer with a recorded one, but for what differs with each request.
#[track_caller]
fn check_answer(reply: &Reply, recorded: &str) {
    let answer = format!("{}{}", reply.head, reply.text());
    assert_eq!(undated(&answer), undated(recorded));
}

/// An answer without its time and its number.
fn undated(answer: &str) -> String {
    let varies = |line: &str| {
        let names = ["date: ", "request-id: ", "x-request-id: "];
        let line = line.to_lowercase();
        names.into_iter().any(|name| line.starts_with(name))
    };
    let lines = answer.split_inclusive('\n');
    lines.map(|line| if varies(line) { "…\n" } else { line }).collect()
}
