//! Queries in InfluxQL break where and how a test says.

use support::client::{Client, Reply};
use support::influx::{FakeInflux, Fault, Version};

use super::influxql::{check_maps, recorded, recorded_text, server};
use super::{FORM, INFLUXQL, ask_influxql, influxql_form, query_body};

/// Two statements: three series, then one.
const STATEMENTS: &str = r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 10 GROUP BY *;
SELECT *::field FROM "fake"."autogen"."n" WHERE time >= 0 AND time < 10 GROUP BY *"#;

fn influx(version: Version) -> FakeInflux {
    let influx = server(version);
    influx.load("fake", "m,t=a f=1 1\nm,t=b f=1 1\nm,t=c f=1 1\nn,t=d f=1 1\n");
    influx
}

/// What comes while this fault is planned, and whether it is whole.
pub(crate) fn ask_under(fault: Fault) -> (Reply, bool) {
    let influx = influx(Version::V2);
    influx.break_exchange(1, fault);
    let mut client = Client::connect(&influx.url());
    let body = influxql_form(STATEMENTS);
    let headers = FORM.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let head = format!(
        "POST {INFLUXQL} HTTP/1.1\r\nhost: h\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    client.send(&[head.as_bytes(), &body].concat()).expect("it listens");
    let (reply, end) = client.receive_part();
    assert!(influx.struck());
    (reply, end.is_ok())
}

/// The maps of the whole answer.
pub(crate) fn whole_maps() -> Vec<Vec<u8>> {
    let body = ask_influxql(&influx(Version::V2), INFLUXQL, STATEMENTS).body;
    let starts = body.windows(9).enumerate().filter(|(_, window)| *window == b"\x81\xa7results");
    let starts = starts.map(|(start, _)| start).collect::<Vec<_>>();
    let ends = starts.iter().skip(1).copied().chain([body.len()]);
    starts.iter().zip(ends).map(|(start, end)| body[*start..end].to_vec()).collect()
}

fn error(message: &str) -> Vec<u8> {
    let length = u8::try_from(message.len()).expect("a short one");
    let head = &b"\x81\xa7results\x91\x81\xa5error"[..];
    [head, &[0xa0 | length], message.as_bytes()].concat()
}

#[test]
fn a_statement_fails_inside_a_200() {
    let whole = whole_maps();
    assert_eq!(whole.len(), 4);
    let (failed, not_executed) = (error("query-timeout limit exceeded"), error("not executed"));
    let (reply, is_whole) = ask_under(Fault::StatementError(1));
    assert!(is_whole && reply.status == 200);
    assert_eq!(reply.body, [&whole[..2].concat(), &failed[..], &not_executed].concat());
    let (reply, is_whole) = ask_under(Fault::StatementError(2));
    assert!(is_whole && reply.status == 200);
    assert_eq!(reply.body, [&whole[..3].concat(), &failed[..]].concat());
}

#[test]
fn rows_are_cut_off_at_a_limit_as_recorded() {
    for case in ["row_limit_in_a_series", "row_limit_in_a_later_series", "row_limit_at_an_end"] {
        let influx = server(Version::V1_6);
        influx.load("fake", &recorded_text("row_limit.lp"));
        influx.break_exchange(1, Fault::RowLimit(5));
        let statements = recorded_text(&format!("{case}.influxql"));
        let reply = ask_influxql(&influx, INFLUXQL, &statements);
        check_maps(&reply.body, &recorded(&format!("{case}_v1.msgpack")));
    }
}

#[test]
fn an_answer_ends_between_two_maps() {
    let whole = whole_maps();
    let (reply, is_whole) = ask_under(Fault::TruncatedBetweenMaps);
    assert!(is_whole && reply.status == 200);
    assert_eq!(reply.body, whole[..2].concat());
    assert!(reply.body.ends_with(b"\xa7partial\xc3"));
}

#[test]
fn an_answer_loses_the_last_row_of_all_and_nothing_shows_it() {
    let whole = whole_maps();
    let (reply, is_whole) = ask_under(Fault::RowLost);
    assert!(is_whole && reply.status == 200);
    // It was the only one of its statement.
    let nothing = b"\x81\xa7results\x91\x82\xacstatement_id\x01\xa6series\x90";
    assert_eq!(reply.body, [&whole[..3].concat(), &nothing[..]].concat());
}

#[test]
fn an_answer_ends_in_the_middle_of_a_map() {
    let whole = whole_maps().concat();
    let (reply, is_whole) = ask_under(Fault::Truncated);
    assert!(is_whole);
    assert_eq!(reply.body, whole[..whole.len() / 2]);
    for fault in [Fault::CutLength, Fault::CutChunks] {
        let (reply, is_whole) = ask_under(fault.clone());
        assert_eq!((reply.status, is_whole), (200, false), "{fault:?}");
        assert!(whole.starts_with(&reply.body) && reply.body.len() < whole.len());
    }
}

#[test]
fn refusals_on_version_1_are_in_message_pack() {
    let influx = influx(Version::V1_6);
    influx.break_exchange(1, Fault::Unavailable(Some(7)));
    let reply = ask_influxql(&influx, INFLUXQL, STATEMENTS);
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("7")));
    assert_eq!(reply.body, b"\x81\xa5error\xb3service unavailable");
}

#[test]
fn faults_of_one_language_make_the_other_fail() {
    let influx = influx(Version::V2);
    for fault in [Fault::StatementError(1), Fault::RowLimit(1), Fault::TruncatedBetweenMaps] {
        influx.break_exchange(1, fault);
        let script = query_body(r#"from(bucket: "fake") |> range(start: 1970-01-01T00:00:00Z)"#);
        let mut client = Client::connect(&influx.url());
        let reply = client.exchange("POST", "/api/v2/query?org=o", &[], &script).unwrap();
        assert_eq!(reply.status, 500);
    }
    influx.break_exchange(1, Fault::ErrorTable);
    assert_eq!(ask_influxql(&influx, INFLUXQL, STATEMENTS).status, 500);
}
