//! Migrations into real servers, over HTTP, and every point read back. Each test runs where its
//! server is installed, as it is in CI.

use std::collections::BTreeMap;

use serde_json::Value;
use support::servers::RealServer;

use crate::run::{Host, Migration, points, talk};

/// A migration of one recorded response.
fn config(response: &str, api: &str, url: &str, bucket: &str) -> String {
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/recorded");
    format!(
        "[migration]\n[source]\napi = \"csv\"\npath = \"{recorded}/{response}\"\n\
         [destination]\napi = \"{api}\"\nurl = \"{url}\"\nbucket = \"{bucket}\"\n\
         [schema]\nline_breaks = \"accept\"\n"
    )
}

fn tests_file(name: &str) -> String {
    let path = format!("{}/../tests/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("it is in the repository")
}

#[test]
fn every_point_arrives_in_influxdb_1() {
    let Some(server) = RealServer::influxdb_1() else { return };
    for database in ["arrived", "written"] {
        server.create_database(database);
    }
    // 1.6.7 has no unsigned integers, and refuses a line for one: they are integers here, and
    // the largest is left out.
    let response = tests_file("recorded/tricky.csv")
        .replace("18446744073709551615", "1")
        .replace(",unsignedLong,", ",long,");
    let migration = Migration::new(Host::Binary, "");
    std::fs::write(migration.path("signed.csv"), response).expect("a folder takes a file");
    let config = config("x", "v1", server.url(), "arrived");
    let source = migration.path("signed.csv");
    let line = config.lines().find(|line| line.starts_with("path")).expect("there is a path");
    let config = config.replace(line, &format!("path = \"{}\"", source.display()));
    std::fs::write(migration.path("migration.toml"), config).expect("a folder takes a file");
    migration.complete();

    // What the same points are when they are written as they were written at the source.
    let points = tests_file("recorded/tricky.points.lp")
        .replace("18446744073709551615u", "1i")
        .replace("u=4u", "u=4i")
        // It is a float, so this is what was stored.
        .replace("9007199254740993", "9007199254740992")
        + "we\\ ird\\,meas,ta\\ g\\,k\\=1=v fi\\ el\\,d\\=k=5 1640995310000000000\n";
    assert_eq!(server.post("/write?db=written&precision=ns", &points).status, 204);
    let arrived = server.values("arrived");
    assert_eq!(arrived, server.values("written"));
    assert_eq!(arrived.len(), 25, "{arrived:#?}");
}

#[test]
fn what_influxdb_1_refuses_is_named_and_all_else_arrives() {
    let Some(server) = RealServer::influxdb_1() else { return };
    for database in ["arrived", "written"] {
        server.create_database(database);
    }
    // `idle` is a float, and 1.6.7 has no unsigned integers such as `seen`. It only counts the lines
    // with the one, and quotes those with the other where there is nothing to count.
    let other = "cpu,host=z idle=1i 1640995200000000000\n";
    let hour = 1_640_995_200_000_000_000_i64 + 60 * 60_000_000_000;
    let is_early = |line: &&str| {
        let time = line.rsplit(' ').next().and_then(|time| time.parse::<i64>().ok());
        time.is_some_and(|time| time < hour)
    };
    let points = points();
    let lines: String = points.lines().filter(is_early).map(|line| format!("{line}\n")).collect();
    let config = format!(
        "[source]\napi = \"lp\"\npath = \"in.lp\"\n\
         [destination]\napi = \"v1\"\nurl = \"{}\"\nbucket = \"arrived\"\n",
        server.url()
    );
    assert_eq!(server.post("/write?db=arrived&precision=ns", other).status, 204);
    let migration = Migration::new(Host::Binary, &config);
    std::fs::write(migration.path("in.lp"), &lines).expect("a folder takes a file");
    let output = migration.run();
    assert_eq!(
        talk(&output),
        "error: the destination `arrived` refused 90 of 120 points (400), the first: `cpu,host=a,\
         zone=north idle=0.05 1640995200000000000`: partial write: field type conflict: input field \
         \"idle\" on measurement \"cpu\" is type float, already exists as type integer dropped=1; \
         another: `cpu,host=a,zone=north seen=0u 1640995200000000000`: invalid number\n\n\
         hint: all other values of this batch have arrived; mend what the reason says (a type by \
         `schema.types`, a name by `schema.rename`), or set them aside with `rejected.max`\n\
         once that is mended, run the same command again\n"
    );
    assert_eq!(output.status.code(), Some(2));

    let good = |line: &str| -> String {
        let is_good = |field: &&str| !field.starts_with("idle=") && !field.starts_with("seen=");
        match line.strip_prefix("cpu") {
            Some(_) => line
                .split(' ')
                .map(|part| part.split(',').filter(is_good).collect::<Vec<_>>().join(","))
                .collect::<Vec<_>>()
                .join(" "),
            None => line.to_owned(),
        }
    };
    let written: String =
        lines.lines().map(|line| good(line) + "\n").chain([other.to_owned()]).collect();
    assert_eq!(server.post("/write?db=written&precision=ns", &written).status, 204);
    assert_eq!(server.values("arrived"), server.values("written"));
}

#[test]
fn every_number_arrives_in_victoria_metrics() {
    let Some(server) = RealServer::victoria_metrics() else { return };
    let lines = tests_file("corpus/one_minute/lines.lp");
    // It has no buckets: the name is ignored here.
    let config = config("one_minute.csv", "v2", server.url(), "any");
    Migration::new(Host::Binary, &config).complete();
    // Numbers are visible once they are flushed.
    assert_eq!(server.get("/internal/force_flush").status, 200);
    let export = "/api/v1/export?match[]=%7B__name__!=%22%22%7D&start=2021-12-31T00:00:00Z&end=2022-01-02T00:00:00Z";
    let reply = server.get(export);
    let text = String::from_utf8(reply.body).expect("it answers JSON");
    let mut arrived = BTreeMap::new();
    for line in text.lines() {
        let series: Value = serde_json::from_str(line).expect("a series is a line of JSON");
        let list = |key: &str| series[key].as_array().cloned().unwrap_or_default();
        for (time, value) in list("timestamps").iter().zip(list("values")) {
            let name = series["metric"].as_object().cloned().unwrap_or_default();
            arrived.insert((format!("{name:?}"), time.as_i64()), value.as_f64());
        }
    }
    // It keeps numbers and booleans at milliseconds, with about 14 digits; a string becomes 0.
    let mut expected = BTreeMap::new();
    for line in influxdb_line_protocol::parse_lines(&lines) {
        let line = line.expect("the corpus is line protocol");
        let tags = line.series.tag_set.clone().unwrap_or_default();
        for (field, value) in &line.field_set {
            let mut name = serde_json::Map::new();
            let metric = format!("{}_{field}", line.series.measurement);
            name.insert("__name__".to_owned(), metric.into());
            name.extend(
                tags.iter().map(|(key, value)| (key.to_string(), value.to_string().into())),
            );
            let number = number(value);
            let time = line.timestamp.map(|time| time / 1_000_000);
            expected.insert((format!("{name:?}"), time), Some(number));
        }
    }
    assert_eq!(arrived.len(), expected.len());
    for ((name, arrived), (expected_name, expected)) in arrived.iter().zip(&expected) {
        assert_eq!(name, expected_name);
        let (arrived, expected) = (arrived.expect("a number"), expected.expect("a number"));
        assert!((arrived - expected).abs() <= expected.abs() * 1e-12, "{name:?}: {arrived}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "VictoriaMetrics keeps all numbers as floats")]
fn number(value: &influxdb_line_protocol::FieldValue<'_>) -> f64 {
    use influxdb_line_protocol::FieldValue;
    match value {
        FieldValue::F64(number) => *number,
        FieldValue::I64(number) => *number as f64,
        FieldValue::U64(number) => *number as f64,
        FieldValue::Boolean(fact) => f64::from(u8::from(*fact)),
        FieldValue::String(_) => 0.0,
    }
}
