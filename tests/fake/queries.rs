//! `/api/v2/query` against what InfluxDB OSS 2.9.1 answered.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use support::client::{self, Client, Reply};
use support::influx::{FakeInflux, Points, Settings};

use super::influxql::{DAY, recorded_text};
use super::{check_answer, query_body};

const QUERY: &str = "/api/v2/query?org=o";

/// `tricky.csv` holds this point too, which its `.lp` does not.
const TRICKY_MORE: &str = r"we\ ird\,meas,ta\ g\,k\=1=v fi\ el\,d\=k=5 1640995310000000000";

fn ask(influx: &FakeInflux, script: &str) -> Reply {
    client::request(&influx.url(), "POST", QUERY, &[], &query_body(script))
}

#[track_caller]
fn check_points(points: &str, script: &str, expected: &str) {
    let influx = FakeInflux::start();
    influx.load("b", points);
    let reply = ask(&influx, script);
    assert_eq!((reply.status, reply.text()), (200, expected));
}

pub(super) fn tricky() -> String {
    format!("{}{TRICKY_MORE}\n", include_str!("../recorded/tricky.points.lp"))
}

#[test]
fn tricky_points_come_back_as_recorded() {
    check_points(
        &tricky(),
        r#"from(bucket: "b") |> range(start: 1677-09-22T00:00:00Z, stop: 2262-01-01T00:00:00Z)"#,
        include_str!("../recorded/tricky.csv"),
    );
}

#[test]
fn one_minute_of_two_measurements_comes_back_as_recorded() {
    check_points(
        include_str!("../recorded/one_minute.points.lp"),
        r#"from(bucket: "b") |> range(start: 2022-01-01T00:00:00Z, stop: 2022-01-01T00:01:00Z)"#,
        include_str!("../recorded/one_minute.csv"),
    );
}

#[test]
fn line_ends_in_strings_change_as_recorded() {
    check_points(
        "m,tag=a s=\"a\r\nb\" 1640995200000000000\n\
         m,tag=a s=\"lone\rcr\" 1640995201000000000\n\
         m,tag=a s=\"lf\nonly\" 1640995202000000000\n",
        r#"from(bucket: "b") |> range(start: 2022-01-01T00:00:00Z, stop: 2022-01-02T00:00:00Z)"#,
        include_str!("../recorded/line_ends.csv"),
    );
}

#[test]
fn a_field_of_several_types_is_read_by_shard_group_as_recorded() {
    let check = |start: &str, stop: &str, expected: &str| {
        let script = format!(r#"from(bucket: "b") |> range(start: {start}, stop: {stop})"#);
        check_points(include_str!("../recorded/type_conflict/points.lp"), &script, expected);
    };
    let (january, april) = ("2022-01-01T00:00:00Z", "2022-04-01T00:00:00Z");
    check(january, april, include_str!("../recorded/type_conflict/whole.csv"));
    let (start, stop) = ("2021-12-27T00:00:00Z", "2022-01-03T00:00:00Z");
    check(start, stop, include_str!("../recorded/type_conflict/first_week.csv"));
    let (start, stop) = ("2022-01-31T00:00:00Z", "2022-02-07T00:00:00Z");
    check(start, stop, include_str!("../recorded/type_conflict/second.csv"));
    let (start, stop) = ("2022-02-28T00:00:00Z", "2022-03-07T00:00:00Z");
    check(start, stop, include_str!("../recorded/type_conflict/third.csv"));
}

#[test]
fn the_bucket_of_the_guide_comes_back_as_recorded() {
    let batches = [
        ("00:00:00", "01T07:00:00", "29.166666666666668", 1_795_360_464),
        ("07:00:00", "01T14:00:00", "58.333333333333336", 1_795_360_476),
        ("14:00:00", "01T21:00:00", "87.5", 1_795_360_488),
        ("21:00:00", "02T04:00:00", "116.66666666666667", 1_795_360_500),
    ];
    let lines = batches.map(|(start, stop, percent, second)| {
        format!(
            "batches,srcBucket=src,dstOrg=o,dstBucket=dst rows=258300i,percent_complete={percent},\
             batch_start=\"2022-01-01T{start}.000000000Z\",\
             batch_stop=\"2022-01-{stop}.000000000Z\" {second}000000000\n"
        )
    });
    let script = r#"from(bucket: "b")
        |> range(start: 2022-01-01T00:00:00Z, stop: 2026-11-22T15:15:29.158785707Z)
        |> filter(fn: (r) => r._measurement == "batches")
        |> filter(fn: (r) => r["dstOrg"] == "o" and (r.dstBucket == "dst" or r.x == "y"))"#;
    check_points(&lines.concat(), script, include_str!("../recorded/guide_batches.csv"));
}

#[test]
fn a_query_that_matches_nothing_answers_as_recorded() {
    let empty = include_str!("../recorded/empty.csv");
    let day = "range(start: 2022-01-01T00:00:00Z, stop: 2022-01-02T00:00:00Z)";
    check_points("m f=1 0", &format!(r#"from(bucket: "b") |> {day}"#), empty);
    let filter = r#"filter(fn: (r) => not r._field == "f")"#;
    check_points(
        "m f=1 1640995200000000000",
        &format!(r#"from(bucket: "b") |> {day} |> {filter}"#),
        empty,
    );
}

#[test]
fn values_are_counted_as_recorded() {
    let script = |day: &str| {
        format!(
            r#"from(bucket: "b") |> range(start: {day}T00:00:00Z, stop: {day}T00:01:00Z)
            |> group(columns: ["_measurement", "_field"]) |> count() |> group() |> sum()
            |> keep(columns: ["_value"])"#
        )
    };
    let points = include_str!("../recorded/one_minute.points.lp");
    check_points(points, &script("2022-01-01"), include_str!("../recorded/count.csv"));
    check_points(points, &script("2021-01-01"), include_str!("../recorded/empty.csv"));
}

#[test]
fn the_earliest_point_is_found_as_recorded() {
    check_points(
        &tricky(),
        r#"from(bucket: "b") |> range(start: 1677-09-22T00:00:00Z) |> first()
            |> keep(columns: ["_time"]) |> min(column: "_time")"#,
        include_str!("../recorded/earliest.csv"),
    );
    let nothing = r#"from(bucket: "b") |> range(start: 1677-09-22T00:00:00Z) |> first()
            |> keep(columns: ["_time"]) |> min(column: "_time")"#;
    check_points("", nothing, include_str!("../recorded/empty.csv"));
}

/// The shard groups of a day that counts were asked of.
fn with_counts() -> FakeInflux {
    let influx = FakeInflux::start();
    influx.set_shard_group("fake", DAY);
    influx.load("fake", &recorded_text("counts.lp"));
    influx
}

/// The counts of a measurement, or of all of them.
fn counts(measurement: Option<&str>) -> String {
    let filter =
        measurement.map(|name| format!(r#"|> filter(fn: (r) => r._measurement == "{name}")"#));
    format!(
        r#"from(bucket: "fake") |> range(start: 2022-01-01T00:00:00Z, stop: 2022-01-08T00:00:00Z)
            {} |> group(columns: ["_measurement", "_field"]) |> count()"#,
        filter.unwrap_or_default()
    )
}

#[test]
fn values_are_counted_by_field_as_recorded() {
    let reply = ask(&with_counts(), &counts(Some("s")));
    assert_eq!((reply.status, reply.text()), (200, include_str!("../recorded/counts.csv")));
}

#[test]
fn results_of_one_script_come_by_their_names_in_any_order_as_recorded() {
    let influx = with_counts();
    let queries = [counts(Some("c")), counts(Some("nope")), counts(None)];
    let script = |names: [&str; 3]| {
        let queries = queries.iter().zip(names);
        let queries = queries.map(|(query, name)| format!("{query} |> yield(name: {name:?})\n"));
        queries.collect::<String>()
    };
    let reply = ask(&influx, &script(["0", "1", "2"]));
    assert_eq!((reply.status, reply.text()), (200, include_str!("../recorded/yields.csv")));
    let check = |script: &str, status: u16, code: &str, message: &str| {
        let reply = ask(&influx, script);
        let expected = serde_json::json!({"code": code, "message": message});
        assert_eq!((reply.status, reply.text()), (status, expected.to_string().as_str()));
    };
    // Observed.
    let twice = "error in building plan while starting program: found more than one call to \
         yield() with the name \"0\"";
    check(&script(["0", "0", "1"]), 400, "invalid", twice);
    let twice = "failed to initialize execute state: tried to produce more than one result with \
         the name \"_result\"";
    check(&queries.join("\n"), 400, "invalid", twice);
    let missing = "failed to initialize execute state: could not find bucket \"nope\"";
    let script = script(["0", "1", "2"]).replacen("fake", "nope", 1);
    check(&script, 404, "not found", missing);
}

#[test]
fn a_range_begins_with_its_start_and_ends_before_its_stop() {
    let influx = FakeInflux::start();
    influx.load("b", "m f=1 10\nm f=2 20\nm f=3 30\n");
    let reply = ask(
        &influx,
        r#"from(bucket: "b") |> range(start: 1970-01-01T00:00:00.00000001Z, stop: 1970-01-01T00:00:00.00000003Z)"#,
    );
    let rows = reply.text().lines().filter(|line| line.starts_with(",,0"));
    let times = rows.filter_map(|row| row.split(',').nth(5)).collect::<Vec<_>>();
    assert_eq!(times, ["1970-01-01T00:00:00.00000001Z", "1970-01-01T00:00:00.00000002Z"]);
}

#[test]
fn a_range_without_a_stop_ends_now() {
    let influx = FakeInflux::start();
    influx.load("b", "m f=1 0\nm f=2 9000000000000000000\n");
    let reply = ask(&influx, r#"from(bucket: "b") |> range(start: 1970-01-01T00:00:00Z)"#);
    assert_eq!(reply.text().lines().filter(|line| line.starts_with(",,0")).count(), 1);
}

#[test]
fn names_are_escaped_as_flux_wants_it() {
    let influx = FakeInflux::start();
    influx.load("a \"b\" \\ ${c}\n", "m f=1 0");
    let range = "range(start: 1970-01-01T00:00:00Z)";
    let reply = ask(&influx, &format!(r#"from(bucket: "a \"b\" \\ \${{c}}\n") |> {range}"#));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let reply = ask(&influx, &format!(r#"from(bucket: "${{c}}") |> {range}"#));
    assert_eq!(reply.status, 400, "{}", reply.text());
}

#[test]
fn without_annotations_each_row_says_its_result() {
    let influx = FakeInflux::start();
    influx.load("b", "m f=1 0\n");
    let body = r#"{"query": "from(bucket: \"b\") |> range(start: 1970-01-01T00:00:00Z, stop: 1970-01-02T00:00:00Z)"}"#;
    let reply = client::request(&influx.url(), "POST", QUERY, &[], body.as_bytes());
    let expected = ",result,table,_start,_stop,_time,_value,_field,_measurement\r\n\
        ,_result,0,1970-01-01T00:00:00Z,1970-01-02T00:00:00Z,1970-01-01T00:00:00Z,1,f,m\r\n\r\n";
    assert_eq!(reply.text(), expected);
}

#[test]
fn refused_queries_are_answered_as_recorded() {
    let token = "Token t";
    let settings =
        Settings { token: Some("t".into()), org: Some("o".into()), ..Settings::default() };
    let influx = FakeInflux::with(settings);
    influx.create("src");
    let whole = |bucket: &str| {
        query_body(&format!(r#"from(bucket:"{bucket}") |> range(start: 2022-01-01T00:00:00Z)"#))
    };
    let check = |target: &str, token: &str, body: &[u8], recorded: &str| {
        let headers = [("authorization", token)];
        check_answer(&client::request(&influx.url(), "POST", target, &headers, body), recorded);
    };
    let unauthorized = include_str!("../recorded/http/query_unauth.http");
    check(QUERY, "Token other", &whole("src"), unauthorized);
    check(QUERY, "Bearer t", &whole("src"), unauthorized);
    let bad_org = include_str!("../recorded/http/query_badorg.http");
    check("/api/v2/query?org=nosuchorg", token, &whole("src"), bad_org);
    let no_bucket = include_str!("../recorded/http/query_nobucket.http");
    check(QUERY, token, &whole("nosuch"), no_bucket);
    let cut = query_body(r#"from(bucket:"src") |> range(start: 2022-01-01T00:00:00Z"#);
    check(QUERY, token, &cut, include_str!("../recorded/http/query_compile.http"));
}

#[test]
fn what_is_not_understood_is_refused() {
    let influx = FakeInflux::start();
    influx.load("b", "m f=1 0");
    let range = r#"from(bucket: "b") |> range(start: 2022-01-01T00:00:00Z)"#;
    for stage in
        ["pivot()", "first()", r#"filter(fn: (r) => r._value == "1")"#, "keep(columns: [])"]
    {
        let reply = ask(&influx, &format!("{range} |> {stage}"));
        assert_eq!(reply.status, 400, "{stage}: {}", reply.text());
    }
    assert_eq!(ask(&influx, r#"from(bucket: "b")"#).status, 400);
}

#[test]
fn a_response_comes_in_pieces_of_the_size_that_is_set() {
    let influx = FakeInflux::with(Settings { piece_bytes: 7, ..Settings::default() });
    influx.insert("b", &Points::parse("m f=1 0"));
    let mut client = Client::connect(&influx.url());
    let script = r#"from(bucket: "b") |> range(start: 1970-01-01T00:00:00Z)"#;
    let reply = client.exchange("POST", QUERY, &[], &query_body(script)).unwrap();
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert!(reply.text().ends_with("m\r\n\r\n"));
    // The same connection goes on.
    let again = client.exchange("POST", QUERY, &[], &query_body(script)).unwrap();
    assert_eq!(again.status, 200);
}

#[test]
fn a_large_response_is_compressed_if_the_client_wants_it() {
    let influx = FakeInflux::start();
    influx.load("b", include_str!("../recorded/one_minute.points.lp"));
    let script =
        r#"from(bucket: "b") |> range(start: 2022-01-01T00:00:00Z, stop: 2022-01-01T00:01:00Z)"#;
    let headers = [("accept-encoding", "gzip")];
    let reply = client::request(&influx.url(), "POST", QUERY, &headers, &query_body(script));
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    MultiGzDecoder::new(reply.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, include_str!("../recorded/one_minute.csv"));
}
