//! What a person reads when a server refuses: each recorded answer, in the words of the plan.

use std::fs;

use serde_json::json;
use tsm2iox_guest::error::Endpoint;
use tsm2iox_guest::plan::{Answer, Ending, Plan, Purpose, Step};
use tsm2iox_guest::protocol::Response;
use tsm2iox_guest::time::Timestamp;

use crate::{first_order, settings};

const ONE_ROW: &str = "#datatype,string,long,dateTime:RFC3339,double,string,string\r\n\
    #default,_result,,,,,\r\n,result,table,_time,_value,_field,_measurement\r\n\
    ,,0,1970-01-01T00:00:00Z,1,f,m\r\n\r\n";

/// A recorded answer: its head and its body.
fn recorded(name: &str) -> (Response, Vec<u8>) {
    let path = format!("{}/../tests/recorded/http/{name}.http", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).expect("it is recorded").replace("\r\n", "\n");
    let text = text.strip_prefix("HTTP/1.1 100 Continue\n\n").unwrap_or(&text);
    let (head, body) = text.split_once("\n\n").expect("a blank line ends the head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header has a name");
        (name.to_owned(), value.to_owned())
    };
    let headers = lines.map(header).collect();
    let status = status.expect("the first line has the status");
    (Response { status, headers }, body.trim_end().as_bytes().to_vec())
}

/// Runs one batch whose query, or whose write, is answered so; returns how it ends.
fn ending(path: &str, answered: (Response, Vec<u8>)) -> Ending {
    let settings = settings(&json!({ "limits": { "attempts": 1 } }));
    let order = first_order(&settings);
    let mut plan = Plan::open(Purpose::Batch, &order).expect("an order is fit");
    let mut bodies = std::collections::HashMap::new();
    let mut sent = std::collections::HashMap::new();
    loop {
        match plan.next(Timestamp(0)) {
            Step::Send(request) => {
                let (response, body) = if request.path.starts_with(path) {
                    answered.clone()
                } else if request.endpoint == Endpoint::Checkpoint {
                    (Response { status: 204, headers: Vec::new() }, Vec::new())
                } else {
                    let headers = vec![("Content-Length".to_owned(), ONE_ROW.len().to_string())];
                    (Response { status: 200, headers }, ONE_ROW.as_bytes().to_vec())
                };
                bodies.insert(request.id, vec![Answer::End, Answer::Bytes(body)]);
                plan.answer(request.id, Answer::Response(response));
                sent.insert(request.id, request.body);
            }
            Step::Recall(id) => {
                let body = sent.remove(&id).expect("it was sent, and not given back");
                plan.answer(id, Answer::Body(body));
            }
            Step::Read(id) => {
                let body = bodies.get_mut(&id).and_then(Vec::pop);
                plan.answer(id, body.expect("a body is read to its end, and no further"));
            }
            Step::Wait(_) => panic!("it waits for more"),
            Step::Done(outcome) => return outcome.ending,
            Step::Note(_) | Step::Report(_) | Step::Batch(_) => {}
        }
    }
}

#[track_caller]
fn check(path: &str, name: &str, expected: &str) {
    let (Ending::Failed(error) | Ending::Stopped(error)) = ending(path, recorded(name)) else {
        panic!("{name} passes for a success")
    };
    assert_eq!(error.message, expected);
}

#[test]
fn a_refused_query_says_why() {
    let check = |name, expected| check("/api/v2/query", name, expected);
    check(
        "query_unauth",
        "the source `src` does not accept the credentials (401): unauthorized access",
    );
    check(
        "query_nobucket",
        "the source `src` does not exist (404): failed to initialize execute state: could not find \
         bucket \"nosuch\"",
    );
    check(
        "query_badorg",
        "the source `src` refused the query (400): failed to decode request body: organization name \
         \"nosuchorg\" not found",
    );
    check(
        "query_compile",
        "the source `src` refused the query (400): compilation failed: error @1:23-1:56: expected \
         RPAREN, got EOF",
    );
}

#[test]
fn a_refused_write_says_why() {
    let check = |name, expected| check("/api/v3/write_lp", name, expected);
    check(
        "write_v3_partial",
        "the destination `dst` refused 1 of 1 point (400): `m f=1 0`: invalid column type for column \
         'f', expected iox::column_type::field::float, got iox::column_type::field::integer",
    );
    check(
        "write_v3_refused_whole",
        "the destination `dst` refused 1 of 1 point (400): `m f=1 0`: invalid column type for column \
         'f', expected iox::column_type::field::float, got iox::column_type::field::integer",
    );
    check(
        "write_v3_too_large",
        "the destination `dst` takes less at once (413): max request size (10485760 bytes) exceeded",
    );
    check(
        "write_v2_conflict",
        "the destination `dst` refused 1 of 1 point (422): `m f=1 0`: failure writing points to database: partial write: \
         field type conflict: input field \"f\" on measurement \"w\" is type integer, already \
         exists as type float dropped=1",
    );
    check(
        "write_v2_parse",
        "the destination `dst` refused 1 of 1 point (400): `m f=1 0`: unable to parse 'broken line here': invalid field \
         format\\nunable to parse 'w f= 3': missing field value",
    );
    check(
        "write_v2_auth",
        "the destination `dst` does not accept the credentials (401): unauthorized access",
    );
    check(
        "write_v2_nobucket",
        "the destination `dst` does not exist (404): bucket \"nosuch\" not found",
    );
    check(
        "write_v1_auth",
        "the destination `dst` does not accept the credentials (401): unable to parse authentication \
         credentials",
    );
    check(
        "write_v1_conflict",
        "the destination `dst` refused 1 of 1 point (400): `m f=1 0`: partial write: field type conflict: input \
         field \"f\" on measurement \"w\" is type integer, already exists as type float dropped=1",
    );
    check(
        "write_v1_nodb",
        "the destination `dst` does not exist (404): database not found: \"nosuch\"",
    );
    check(
        "write_v1_parse",
        "the destination `dst` refused 1 of 1 point (400): `m f=1 0`: partial write: unable to parse 'broken line \
         here': invalid field format\\nunable to parse 'w f= 3': missing field value dropped=0",
    );
    check(
        "write_v1_too_large",
        "the destination `dst` takes less at once (413): Request Entity Too Large",
    );
    check(
        "write_v2_on_v3_core",
        "the destination `dst` refused 1 of 1 point (400): `m f=1 0`: write buffer error: line protocol parse failed: \
         invalid column type for column 'f', expected iox::column_type::field::float, got \
         iox::column_type::field::integer",
    );
}

/// As the sources of InfluxDB 3 word it; no server here has as many columns.
#[test]
fn a_limit_of_the_destination_is_no_fault_of_a_point() {
    let said = "Update to schema would exceed number of columns per table limit of 500 columns";
    let body = json!({ "error": said }).to_string().into_bytes();
    let answered = (Response { status: 422, headers: Vec::new() }, body);
    let ending = ending("/api/v3/write_lp", answered);
    let (Ending::Failed(error) | Ending::Stopped(error)) = ending else {
        panic!("it passes for a success")
    };
    assert_eq!(error.message, format!("the destination `dst` is at a limit (422): {said}"));
    assert!(error.hint.is_some());
}

#[test]
fn a_taken_write_is_complete() {
    for name in ["write_v3_ok", "write_v2_ok"] {
        assert_eq!(ending("/api/v3/write_lp", recorded(name)), Ending::Complete);
    }
}

#[test]
fn a_status_that_is_no_success_is_none() {
    for status in [200, 201, 202, 302, 418] {
        let response = Response { status, headers: Vec::new() };
        let ending = ending("/api/v3/write_lp", (response, Vec::new()));
        assert!(matches!(ending, Ending::Failed(_)), "{status}: {ending:?}");
    }
}
