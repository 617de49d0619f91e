//! SQL and InfluxQL against what InfluxDB 3 Core 3.6.0 answered, byte for byte but for the order of
//! tags, which is that of a map without one.

use std::fs;

use serde_json::json;
use support::client::{self, Reply};
use support::influx::{Engine, FakeInflux, Release, Settings, Sql};

use super::{check_answer, influxql_form};

const SQL: &str = "/api/v3/query_sql";
const INFLUXQL: &str = "/query?db=fake&epoch=ns";
const HEADERS: [(&str, &str); 2] =
    [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];

fn recorded(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../recorded/v3/");
    fs::read(format!("{folder}{name}")).expect("it is recorded")
}

fn recorded_text(name: &str) -> String {
    String::from_utf8(recorded(name)).expect("it is a text")
}

fn server() -> FakeInflux {
    let (engine, release) = (Engine::Iox, Release::V3_6);
    let influx = FakeInflux::with(Settings { engine, release, ..Settings::default() });
    influx.load("fake", &recorded_text("points.lp"));
    influx
}

fn post(influx: &FakeInflux, body: &serde_json::Value) -> Reply {
    client::request(&influx.url(), "POST", SQL, &[], body.to_string().as_bytes())
}

fn ask(influx: &FakeInflux, target: &str, statements: &str) -> Reply {
    client::request(&influx.url(), "POST", target, &HEADERS, &influxql_form(statements))
}

#[test]
fn sql_is_answered_as_recorded() {
    let influx = server();
    let cases = [
        "columns",
        "counts_by_day",
        "counts_by_half_a_day",
        "counts_by_nanosecond",
        "counts_before_1970",
        "counts_of_odd_names",
        "counts_of_nothing",
        "rows",
        "rows_of_floats",
        "rows_of_odd_names",
        "one_time",
        "one_time_of_none",
        "error_table",
        "error_column",
        "error_statement",
        "error_end",
        "error_token",
    ];
    for case in cases {
        let query = recorded_text(&format!("sql_{case}.sql"));
        let reply = post(&influx, &json!({"db": "fake", "q": query.trim_end(), "format": "jsonl"}));
        check_answer(&reply, recorded(&format!("sql_{case}.http")));
    }
}

#[test]
fn sql_may_be_in_the_url_and_its_answer_an_array_as_recorded() {
    let influx = server();
    let check = |query: &str, recorded_as: &str| {
        let query = influxql_form(recorded_text(query).trim_end());
        let target = format!("{SQL}?db=fake&{}", String::from_utf8(query).unwrap());
        let reply = client::request(&influx.url(), "GET", &target, &[], &[]);
        check_answer(&reply, recorded(recorded_as));
    };
    check("sql_rows.sql", "sql_json_rows.http");
    check("sql_one_time_of_none.sql", "sql_json_none.http");
    let none = client::request(&influx.url(), "GET", SQL, &[], &[]);
    check_answer(&none, recorded("sql_error_no_parameters.http"));
    check_answer(&post(&influx, &json!({"db": "fake"})), recorded("sql_error_no_query.http"));
    let nope = post(&influx, &json!({"db": "nope", "q": "SELECT 1", "format": "jsonl"}));
    check_answer(&nope, recorded("sql_error_database.http"));
}

#[test]
fn influxql_is_answered_as_recorded() {
    let influx = server();
    let cases = [
        "field_keys",
        "tag_keys",
        "rows",
        "rows_of_floats",
        "counts",
        "counts_of_what_is_not_there",
        "counts_of_nothing",
        "no_table",
        "error_statements",
        "error_two_databases",
    ];
    let statement = |case: &str| recorded_text(&format!("influxql_{case}.influxql"));
    for case in cases {
        let reply = ask(&influx, INFLUXQL, statement(case).trim_end());
        check_answer(&reply, recorded(&format!("influxql_{case}.http")));
    }
    let chunked = format!("{INFLUXQL}&chunked=true");
    for case in ["rows", "no_table", "tag_keys"] {
        let reply = ask(&influx, &chunked, &statement(case));
        check_answer(&reply, recorded(&format!("influxql_{case}_chunked.http")));
    }
    let reply = ask(&influx, &format!("{chunked}&chunk_size=1"), &statement("rows"));
    check_answer(&reply, recorded("influxql_rows_chunked_one_by_one.http"));
    let reply = ask(&influx, &INFLUXQL.replace("fake", "nope"), "SHOW TAG KEYS");
    check_answer(&reply, recorded("influxql_error_database.http"));
    let headers = [HEADERS[0], ("accept", "application/x-msgpack")];
    let form = influxql_form(&statement("rows"));
    let reply = client::request(&influx.url(), "POST", INFLUXQL, &headers, &form);
    check_answer(&reply, recorded("influxql_error_mime.http"));
}

#[test]
fn series_of_several_tags_come_as_recorded_but_for_the_order_of_tags() {
    let influx = server();
    let objects = |body: &str| {
        let lines = body.lines().filter(|line| line.starts_with('{'));
        let objects = lines.map(|line| serde_json::from_str(line).expect("it is JSON"));
        objects.collect::<Vec<serde_json::Value>>()
    };
    let statement = recorded_text("influxql_rows_of_several_tags.influxql");
    for (target, suffix) in [(INFLUXQL, ""), ("/query?db=fake&epoch=ns&chunked=true", "_chunked")] {
        let reply = ask(&influx, target, &statement);
        let recorded = recorded_text(&format!("influxql_rows_of_several_tags{suffix}.http"));
        assert_eq!(objects(reply.text()), objects(&recorded));
    }
}

#[test]
fn too_many_files_are_refused_as_recorded() {
    let (engine, release) = (Engine::Iox, Release::V3_6);
    let sql = Sql::Answered { days_max: Some(2) };
    let influx = FakeInflux::with(Settings { engine, release, sql, ..Settings::default() });
    let points = (1..=3).map(|day| format!("m f=1 {}\n", day * 86_400_000_000_000_i64));
    influx.load("fake", &points.collect::<String>());
    let query = "SELECT time FROM \"m\" WHERE time >= '1970-01-01T00:00:00Z' AND time < \
         '1980-01-01T00:00:00Z' LIMIT 1";
    let reply = post(&influx, &json!({"db": "fake", "q": query, "format": "jsonl"}));
    check_answer(&reply, recorded("sql_error_files.http"));
    let statement = "SELECT * FROM \"m\" WHERE time >= 0 AND time < 900000000000000000 GROUP BY *";
    check_answer(&ask(&influx, INFLUXQL, statement), recorded("influxql_error_files.http"));
}
