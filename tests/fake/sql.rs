//! `/api/v3/query_sql` against what InfluxDB 3 Core 3.10.1 answers by its sources: `http.rs`,
//! `write_buffer/mod.rs`, and the snapshots beside its own tests. No server of that release was asked;
//! what 3.6.0 was recorded to answer is in `v3.rs`.

use serde_json::json;
use support::client::{self, Reply};
use support::influx::{Engine, FakeInflux, Settings, Sql};

use super::check_answer;

const SQL: &str = "/api/v3/query_sql";
const COLUMNS: &str = "SELECT table_name, column_name, data_type FROM information_schema.columns \
     WHERE table_schema = 'iox' ORDER BY table_name, column_name";
/// The first of January 2022.
const WHERE: &str = "WHERE time >= '2022-01-01T00:00:00.000000000Z' \
     AND time < '2022-01-02T00:00:00.000000000Z'";

fn server() -> FakeInflux {
    FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() })
}

/// Asks in lines of JSON.
fn ask(influx: &FakeInflux, query: &str) -> Reply {
    let body = json!({"db": "b", "q": query, "format": "jsonl"}).to_string();
    client::request(&influx.url(), "POST", SQL, &[], body.as_bytes())
}

#[track_caller]
fn check(influx: &FakeInflux, query: &str, status: u16, expected: &str) {
    let reply = ask(influx, query);
    assert_eq!((reply.status, reply.text()), (status, expected));
}

#[test]
fn columns_are_listed_with_their_types() {
    let influx = server();
    influx.create("b");
    check(&influx, COLUMNS, 200, "");
    let lines = "n,t=a f=1 0\nm,normal_tag=v,tag\\ with=w u=1u,b=t,s=\"x\",i=1i,F=1 0\n";
    let target = "/api/v3/write_lp?db=b&precision=nanosecond";
    let reply = client::request(&influx.url(), "POST", target, &[], lines.as_bytes());
    assert_eq!(reply.status, 204);
    let row = |table: &str, column: &str, data_type: &str| {
        let (table, column) = (json!(table), json!(column));
        format!(r#"{{"table_name":{table},"column_name":{column},"data_type":"{data_type}"}}"#)
            + "\n"
    };
    let tag = "Dictionary(Int32, Utf8)";
    let expected = [
        row("m", "F", "Float64"),
        row("m", "b", "Boolean"),
        row("m", "i", "Int64"),
        row("m", "normal_tag", tag),
        row("m", "s", "Utf8"),
        row("m", "tag with", tag),
        row("m", "time", "Timestamp(ns)"),
        row("m", "u", "UInt64"),
        row("n", "f", "Float64"),
        row("n", "t", tag),
        row("n", "time", "Timestamp(ns)"),
    ];
    check(&influx, COLUMNS, 200, &expected.concat());
}

#[test]
fn values_are_counted_in_slices_that_hold_rows() {
    let influx = server();
    influx.load(
        "b",
        "m,t=a f=1 1640995199999999999\nm,t=a f=1,g=1 1640995200000000000\n\
         m f=2 1640995200000000001\nm,t=b g=3 1641038400000000000\nm f=4 1641081600000000000\n\
         o\"dd c\"d=1 1640995200000000000",
    );
    let query = |stride: &str| {
        format!(
            "SELECT date_bin(INTERVAL '{stride}', time) AS slice, count(\"f\") AS c0, \
             count(\"g\") AS c1, count(\"t\") AS c2 FROM \"m\" {WHERE} GROUP BY 1 ORDER BY 1"
        )
    };
    let day = r#"{"slice":"2022-01-01T00:00:00","c0":2,"c1":2,"c2":2}"#;
    check(&influx, &query("86400 seconds"), 200, &format!("{day}\n"));
    let halves = r#"{"slice":"2022-01-01T00:00:00","c0":2,"c1":1,"c2":1}
{"slice":"2022-01-01T12:00:00","c0":0,"c1":1,"c2":1}
"#;
    check(&influx, &query("43200 seconds"), 200, halves);
    let nanoseconds = r#"{"slice":"2022-01-01T00:00:00","c0":1,"c1":1,"c2":1}
{"slice":"2022-01-01T00:00:00.000000001","c0":1,"c1":0,"c2":0}
{"slice":"2022-01-01T12:00:00","c0":0,"c1":1,"c2":1}
"#;
    check(&influx, &query("1 nanoseconds"), 200, nanoseconds);
    let odd = query("1 second").replace("\"m\"", r#""o""dd""#);
    let odd = odd.replace(r#", count("g") AS c1, count("t") AS c2"#, "");
    let slice = "{\"slice\":\"2022-01-01T00:00:00\",\"c0\":1}\n";
    check(&influx, &odd.replace(r#""f""#, r#""c""d""#), 200, slice);
    // A year before, nothing is.
    check(&influx, &query("1 second").replace("2022", "2021"), 200, "");
}

#[test]
fn slices_before_1970_are_counted_from_there_too() {
    let influx = server();
    influx.load("b", "m f=1 -1");
    let query = "SELECT date_bin(INTERVAL '86400 seconds', time) AS slice, count(\"f\") AS c0 \
         FROM m WHERE time >= '1969-12-31T00:00:00Z' AND time < '1970-01-01T00:00:00Z' \
         GROUP BY 1 ORDER BY 1";
    check(&influx, query, 200, "{\"slice\":\"1969-12-31T00:00:00\",\"c0\":1}\n");
}

#[test]
fn rows_have_their_columns_in_order_and_nothing_for_nothing() {
    let influx = server();
    influx.load(
        "b",
        "m,host=a,region=u usage=0.9,system=0.1 1640995200000000000\n\
         m,host=b s=\"a\\\"b\\\\\r\nc\tü\",i=-9223372036854775808i,u=18446744073709551615u,ok=t \
         1640995200120000000\n\
         m,host=b usage=1 1640995200000001000\nm,host=b usage=1 1641081600000000000",
    );
    let rows = [
        r#"{"host":"a","region":"u","system":0.1,"time":"2022-01-01T00:00:00","usage":0.9}"#,
        r#"{"host":"b","time":"2022-01-01T00:00:00.000001","usage":1.0}"#,
        r#"{"host":"b","i":-9223372036854775808,"ok":true,"s":"a\"b\\\r\nc\tü","time":"2022-01-01T00:00:00.120","u":18446744073709551615}"#,
    ];
    let query = format!("SELECT * FROM \"m\" {WHERE}");
    check(&influx, &query, 200, &rows.map(|row| format!("{row}\n")).concat());
    let target = format!("{SQL}?db=b&q={}", query.replace(' ', "+").replace('"', "%22"));
    let reply = client::request(&influx.url(), "GET", &target, &[], &[]);
    assert_eq!(reply.text(), format!("[{}]", rows.join(",")));
    let none = client::request(&influx.url(), "GET", &target.replace("2022", "2021"), &[], &[]);
    assert_eq!(none.text(), "[]");
}

#[test]
fn floats_have_the_digits_of_lexical() {
    let influx = server();
    let floats = ["0", "-0.0", "1", "1e-5", "9.9e-6", "1e-7", "9999999999", "1e10", "1.5e300"];
    let lines = floats.iter().enumerate();
    let lines = lines.map(|(index, float)| format!("m f={float} {}\n", 1_640_995_200 + index));
    let target = "/api/v3/write_lp?db=b&precision=second";
    let lines = lines.collect::<String>();
    assert_eq!(client::request(&influx.url(), "POST", target, &[], lines.as_bytes()).status, 204);
    let reply = ask(&influx, &format!("SELECT * FROM m {WHERE}"));
    let digits = |row: &str| row.split([':', ',']).nth(1).map(str::to_owned);
    let digits = reply.text().lines().filter_map(digits).collect::<Vec<_>>();
    let expected =
        ["0.0", "-0.0", "1.0", "0.00001", "9.9e-6", "1.0e-7", "9999999999.0", "1.0e10", "1.5e300"];
    assert_eq!(digits, expected);
}

#[test]
fn one_time_can_be_asked_for() {
    let influx = server();
    influx.load("b", "m,t=a f=1 1640995200000000002\nm,t=b f=1 1640995200000000001\n");
    // It need not be the first.
    let one = "{\"time\":\"2022-01-01T00:00:00.000000002\"}\n";
    check(&influx, &format!("SELECT time FROM \"m\" {WHERE} LIMIT 1"), 200, one);
    let later = WHERE.replace("2022", "2023");
    check(&influx, &format!("SELECT time FROM \"m\" {later} LIMIT 1"), 200, "");
}

#[test]
fn what_is_not_there_is_said() {
    let influx = server();
    let rows = format!("SELECT * FROM \"m\" {WHERE}");
    check(&influx, &rows, 404, r#"{"error":"query error: database not found: b"}"#);
    influx.load("b", "m,T=a f=1 0");
    let missing = "Error during planning: table 'public.iox.M' not found";
    check(&influx, &rows.replace("\"m\"", "\"M\""), 400, missing);
    let counts = format!(
        "SELECT date_bin(INTERVAL '1 seconds', time) AS slice, count(\"nosuch\") AS c0 FROM \"m\" \
         {WHERE} GROUP BY 1 ORDER BY 1"
    );
    let missing = r#"Schema error: No field named nosuch. Valid fields are m."T", m.f, m.time."#;
    check(&influx, &counts, 500, missing);
}

#[test]
fn what_is_not_understood_is_refused() {
    let influx = server();
    influx.load("b", "m f=1 0");
    let check = |query: &str, expected: &str| {
        check(&influx, query, 400, &format!("SQL error: ParserError({expected:?})"));
    };
    check("SELEC", "Expected: an SQL statement, found: SELEC at Line: 1, Column: 1");
    check("SELECT\n  f", "Expected: *, found: f at Line: 2, Column: 3");
    check("SELECT * FROM m", "Expected: WHERE, found: EOF");
    let rows = format!("SELECT * FROM m {WHERE} ORDER");
    check(&rows, "Expected: end of statement, found: ORDER at Line: 1, Column: 108");
    let minutes = "SELECT date_bin(INTERVAL '1 minutes', time)";
    check(
        minutes,
        "Expected: an interval of seconds or nanoseconds, found: '1 minutes' at Line: 1, Column: 26",
    );
    let reply = client::request(&influx.url(), "POST", SQL, &[], b"{\"db\":\"b\"}");
    assert_eq!(
        (reply.status, reply.text()),
        (400, "serde json error: missing field `q` at line 1 column 10")
    );
    let reply = client::request(&influx.url(), "GET", SQL, &[], &[]);
    assert_eq!((reply.status, reply.text()), (400, "missing query parameters 'db' and 'q'"));
}

#[test]
fn a_query_of_too_many_files_fails() {
    let sql = Sql::Answered { days_max: Some(2) };
    let influx = FakeInflux::with(Settings { engine: Engine::Iox, sql, ..Settings::default() });
    let days = (1..=4).map(|day| format!("m f=1 {}\n", day * 86_400_000_000_000_i64));
    influx.load("b", &days.collect::<String>());
    let query = |start: u8, stop: u8| {
        format!(
            "SELECT time FROM m WHERE time >= '1970-01-0{start}T00:00:00Z' \
             AND time < '1970-01-0{stop}T00:00:00Z' LIMIT 1"
        )
    };
    check(&influx, &query(1, 4), 200, "{\"time\":\"1970-01-02T00:00:00\"}\n");
    let too_many = "External error: Query would scan 2 Parquet files, exceeding the file limit. \
         InfluxDB 3 Core caps file access to prevent performance degradation and memory issues. Use \
         a narrower time range, or increase the limit with --query-file-limit (this may cause slower \
         queries or instability).\n\nTo remove this limitation, upgrade to InfluxDB 3 Enterprise, \
         which automatically compacts files for efficient querying across any time range. Free for \
         non-commercial and home use, and free trials for commercial evaluation: \
         https://www.influxdata.com/downloads";
    check(&influx, &query(1, 5), 500, too_many);
    assert_eq!(ask(&influx, COLUMNS).status, 200);
}

#[test]
fn answers_have_the_heads_of_that_server() {
    let influx = server();
    influx.load("b", "m f=1 1640995200000000000");
    let reply = ask(&influx, &format!("SELECT time FROM m {WHERE} LIMIT 1"));
    let expected = "HTTP/1.1 200 OK\r\ncontent-type: application/jsonl\r\n\
         access-control-allow-origin: *\r\ncluster-uuid: 62870a32-d799-4244-a2dd-6ec131b21a0e\r\ntransfer-encoding: chunked\r\n\
         date: \r\n\r\n{\"time\":\"2022-01-01T00:00:00\"}\n";
    check_answer(&reply, expected);
    let settings = Settings { token: Some("t".into()), ..Settings::default() };
    let influx = FakeInflux::with(settings);
    assert_eq!(ask(&influx, COLUMNS).status, 401);
    let influx = FakeInflux::with(Settings { sql: Sql::Absent, ..Settings::default() });
    assert_eq!(ask(&influx, COLUMNS).status, 404);
}
