//! `/query` on an IOx engine against what InfluxDB 3 Core 3.10.1 answers by its sources:
//! `core/iox_v1_query_api`, and the snapshots of `influxdb3/tests/server/query.rs`. No server of
//! that release was asked; what 3.6.0 was recorded to answer is in `v3.rs`.

use support::client::{self, Reply};
use support::influx::{Engine, FakeInflux, Fault, Settings, Sql};

use super::{check_answer, influxql_form};

/// What is asked for, beside the query.
const TARGET: &str = "/query?db=foo&epoch=ns";
const CHUNKED: &str = "/query?db=foo&epoch=ns&chunked=true";
const HEADERS: [(&str, &str); 2] =
    [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];

fn with(lines: &str) -> FakeInflux {
    let influx = FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() });
    influx.load("foo", lines);
    influx
}

fn ask(influx: &FakeInflux, target: &str, statements: &str) -> Reply {
    client::request(&influx.url(), "POST", target, &HEADERS, &influxql_form(statements))
}

/// Compares the answer to statements, without what is around each result.
#[track_caller]
fn check(influx: &FakeInflux, statements: &str, results: &str) {
    let reply = ask(influx, TARGET, statements);
    assert_eq!(
        (reply.status, reply.text()),
        (200, format!(r#"{{"results":[{results}]}}"#).as_str())
    );
}

const GROUPS: &str = "bar,t1=a,t2=aa val=1 1\nbar,t1=b,t2=aa val=2 2\nbar,t1=a,t2=bb val=3 3\n\
     bar,t1=b,t2=bb val=4 4\n";
const SELECT: &str = r#"SELECT * FROM "bar" WHERE time >= 0 AND time < 10 GROUP BY *"#;

#[test]
fn series_come_by_all_tags_as_in_the_snapshots() {
    let series = |t1: &str, t2: &str, time: u8| {
        let tags = format!(r#""tags":{{"t1":"{t1}","t2":"{t2}"}}"#);
        format!(r#"{{"name":"bar",{tags},"columns":["time","val"],"values":[[{time},{time}]]}}"#)
    };
    let series =
        [series("a", "aa", 1), series("a", "bb", 3), series("b", "aa", 2), series("b", "bb", 4)];
    let influx = with(GROUPS);
    check(&influx, SELECT, &format!(r#"{{"statement_id":0,"series":[{}]}}"#, series.join(",")));
    let chunks =
        series.iter().zip([",\"partial\":true", ",\"partial\":true", ",\"partial\":true", ""]);
    let chunks = chunks.map(|(series, partial)| {
        format!(r#"{{"results":[{{"statement_id":0,"series":[{series}]{partial}}}]}}"#)
    });
    assert_eq!(ask(&influx, CHUNKED, SELECT).text(), chunks.collect::<String>());
}

#[test]
fn a_series_without_the_tag_comes_last_as_in_the_snapshots() {
    let influx = with("bar,t1=a val=1 1\nbar val=2 2\nbar,t1=a val=3 3\n");
    let series = r#"{"statement_id":0,"series":[{"name":"bar","tags":{"t1":"a"},"columns":["time","val"],"values":[[1,1],[3,3]]},{"name":"bar","tags":{"t1":""},"columns":["time","val"],"values":[[2,2]]}]}"#;
    check(&influx, SELECT, series);
}

#[test]
fn a_long_series_comes_in_chunks_as_in_the_tests_of_the_server() {
    let influx = with("bar val=0.9 1\nbar val=0.89 2\nbar val=0.85 3\n");
    let expected = concat!(
        r#"{"results":[{"statement_id":0,"series":[{"name":"bar","columns":["time","val"],"values":[[1,0.9],[2,0.89]],"partial":true}],"partial":true}]}"#,
        r#"{"results":[{"statement_id":0,"series":[{"name":"bar","columns":["time","val"],"values":[[3,0.85]]}]}]}"#,
    );
    assert_eq!(ask(&influx, &format!("{CHUNKED}&chunk_size=2"), SELECT).text(), expected);
}

#[test]
fn values_are_converted_and_absent_ones_are_null() {
    let influx = with(
        "bar s=\"too \\\"warm\\\"\r\n\",b=t,i=-9223372036854775808i,u=18446744073709551615u 1\n\
         bar f=82 2\nbar f=-0.0 3\nbar f=1e300 4\nbar f=0.1 5\nbar f=9223372036854775807 6\n",
    );
    let rows = [
        r#"[1,true,null,-9223372036854775808,"too \"warm\"\r\n",18446744073709551615]"#,
        "[2,null,82,null,null,null]",
        "[3,null,0,null,null,null]",
        "[4,null,1e300,null,null,null]",
        "[5,null,0.1,null,null,null]",
        "[6,null,9.223372036854776e18,null,null,null]",
    ];
    let series = format!(
        r#"{{"statement_id":0,"series":[{{"name":"bar","columns":["time","b","f","i","s","u"],"values":[{}]}}]}}"#,
        rows.join(",")
    );
    check(&influx, SELECT, &series);
}

#[test]
fn values_are_counted_in_slices_and_none_is_zero() {
    let influx = with(
        "m,t=a a=1,b=1 0\nm a=1 86399999999999\nm b=2 86400000000000\nm c=1 172800000000000\nm a=1 -1\n",
    );
    let count = r#"SELECT count("a") AS "c0", count("b") AS "c1" FROM "m" WHERE time >= -5 AND time < 259200000000000 GROUP BY time(86400s) fill(none)"#;
    let rows = "[-86400000000000,1,0],[0,2,1],[86400000000000,0,1]";
    let series = |columns: &str, rows: &str| {
        format!(
            r#"{{"statement_id":0,"series":[{{"name":"m","columns":["time",{columns}],"values":[{rows}]}}]}}"#
        )
    };
    check(&influx, count, &series(r#""c0","c1""#, rows));
    let missing = count.replace(r#"count("b") AS "c1""#, r#"count("nope")"#);
    let rows = "[-86400000000000,1,null],[0,2,null]";
    check(&influx, &missing, &series(r#""c0","count""#, rows));
    check(&influx, &count.replace("259200000000000", "-4"), r#"{"statement_id":0}"#);
}

#[test]
fn keys_are_shown_table_by_table() {
    let influx = with("cpu,host=a,region=b usage=1,i=1i,u=1u,s=\"\",b=t 1\nmem free=1 1\n");
    let fields = r#"{"name":"cpu","columns":["fieldKey","fieldType"],"values":[["b","boolean"],["i","integer"],["s","string"],["u","unsigned"],["usage","float"]]},{"name":"mem","columns":["fieldKey","fieldType"],"values":[["free","float"]]}"#;
    let tags = r#"{"name":"cpu","columns":["tagKey"],"values":[["host"],["region"]]}"#;
    let results = format!(
        r#"{{"statement_id":0,"series":[{fields}]}},{{"statement_id":1,"series":[{tags}]}}"#
    );
    check(&influx, "SHOW FIELD KEYS; SHOW TAG KEYS", &results);
    check(&influx, "SHOW FIELD KEYS ON \"foo\"; SHOW TAG KEYS ON \"foo\"", &results);
}

#[test]
fn nothing_is_an_empty_result_or_no_object_at_all() {
    let influx = with(GROUPS);
    let missing = SELECT.replace("bar", "nope");
    check(&influx, &missing, r#"{"statement_id":0}"#);
    assert_eq!(ask(&influx, CHUNKED, &missing).text(), "");
}

#[test]
fn a_statement_fails_alone_and_under_200() {
    let influx = with(GROUPS);
    let missing = r#"{"statement_id":0,"error":"Cannot retrieve database: External error: database not found: nope"}"#;
    let tags = r#"{"statement_id":1,"series":[{"name":"bar","columns":["tagKey"],"values":[["t1"],["t2"]]}]}"#;
    check(&influx, "SHOW TAG KEYS ON \"nope\"; SHOW TAG KEYS", &format!("{missing},{tags}"));
    let missing = missing.replace("nope", "foo/rp");
    check(&influx, &SELECT.replace("\"bar\"", "\"rp\".\"bar\""), &missing);
    let reply = ask(&influx, TARGET, "SELEC");
    let error =
        r#"{"results":[{"statement_id":0,"error":"error in InfluxQL statement: parsing error: "#;
    assert!(reply.status == 200 && reply.text().starts_with(error), "{}", reply.text());
    influx.break_request("/query", 1, Fault::StatementError(1));
    let failed = r#""partial":true,"error":"query-timeout limit exceeded"}]}"#;
    assert!(ask(&influx, CHUNKED, SELECT).text().ends_with(failed));
    influx.break_request("/query", 1, Fault::TruncatedBetweenMaps);
    assert_eq!(ask(&influx, CHUNKED, SELECT).text().matches("results").count(), 2);
}

#[test]
fn a_query_of_too_many_files_fails() {
    let sql = Sql::Answered { days_max: Some(1) };
    let influx = FakeInflux::with(Settings { engine: Engine::Iox, sql, ..Settings::default() });
    influx.load("foo", "bar f=1 1\nbar f=1 86400000000001\n");
    let reply = ask(&influx, TARGET, &SELECT.replace("10", "172800000000000"));
    let error = r#"{"results":[{"statement_id":0,"error":"datafusion error: External error: Query would scan 1 Parquet files, "#;
    assert!(reply.status == 200 && reply.text().starts_with(error), "{}", reply.text());
    assert!(!ask(&influx, TARGET, SELECT).text().contains("error"));
}

#[test]
fn answers_have_the_heads_of_that_server() {
    let influx = with("bar f=1 1\n");
    let expected = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
         access-control-allow-origin: *\r\ncluster-uuid: 62870a32-d799-4244-a2dd-6ec131b21a0e\r\ntransfer-encoding: chunked\r\n\
         date: \r\n\r\n{\"results\":[{\"statement_id\":0}]}";
    check_answer(&ask(&influx, TARGET, &SELECT.replace("bar", "nope")), expected);
    let reply = ask(&influx, "/query?db=foo", SELECT);
    assert_eq!(reply.status, 400, "{}", reply.text());
    let reply = client::request(&influx.url(), "GET", TARGET, &HEADERS[1..], &[]);
    let missing = r#"{"error":"expected a query to be provided in the query string or body"}"#;
    assert_eq!((reply.status, reply.text()), (400, missing));
    let headers = [("accept", "application/x-msgpack")];
    let reply = client::request(&influx.url(), "GET", TARGET, &headers, &[]);
    assert_eq!(
        (reply.status, reply.text()),
        (400, r#"{"error":"invalid mime type (application/x-msgpack)"}"#)
    );
}

#[test]
fn a_token_is_taken_as_a_password_too() {
    let (token, engine) = (Some("tok".to_owned()), Engine::Iox);
    let influx = FakeInflux::with(Settings { token, engine, ..Settings::default() });
    influx.create("foo");
    let ask = |authorization: &str| {
        let headers = [HEADERS[0], HEADERS[1], ("authorization", authorization)];
        client::request(&influx.url(), "POST", TARGET, &headers, &influxql_form(SELECT)).status
    };
    // The last are `any:tok` and `tok:any`.
    let answers = ["Token tok", "Bearer tok", "Basic YW55OnRvaw==", "Basic dG9rOmFueQ=="].map(ask);
    assert_eq!(answers, [200, 200, 200, 401]);
}
