//! Destinations that refuse a field of many points: what a person reads, and that all else is there.

use support::client::request;
use support::influx::{Engine, FakeInflux, Points, Settings};

use crate::bad_input::{AGAIN, BY_FLUX};
use crate::run::{Host, Migration, config, points, talk};
use crate::sides;

const HOUR: i64 = 60 * 60_000_000_000;
const NEW_YEAR: i64 = 1_640_995_200_000_000_000;

/// A point at the destination in whose measurement `load` is a float, and not an integer.
pub(crate) const OTHER: &str = "cpu,host=z load=1.5 1640995200000000000\n";

/// What should arrive of the first hour: all but `load`.
pub(crate) fn expected() -> String {
    let points = points();
    let lines = points.lines().filter(|line| {
        let time = line.rsplit(' ').next().and_then(|time| time.parse::<i64>().ok());
        time.expect("each line ends with its time") < NEW_YEAR + HOUR
    });
    let without_load = |line: &str| match line.split_once(" load=") {
        Some((series, rest)) => {
            let (_, fields) = rest.split_once(',').expect("other fields follow");
            format!("{series} {fields}\n")
        }
        None => format!("{line}\n"),
    };
    lines.map(without_load).collect::<String>() + OTHER
}

/// A destination of an engine that is written by an API: how it tells of refused points, and how
/// many requests it takes at most to find them.
#[track_caller]
fn check(engine: Engine, keys: &str, path: &str, told: &str, requests_max: usize) {
    let (source, _) = sides();
    let destination = FakeInflux::with(Settings { engine, ..Settings::default() });
    destination.create("dst");
    let reply = request(&destination.url(), "POST", path, &[], OTHER.as_bytes());
    assert_eq!(reply.status, 204);
    let config = config(&source, &destination)
        .replace("api = \"v3\"", keys)
        .replace("bucket = \"dst\"", "bucket = \"dst\"\nholds_data = true");
    let migration = Migration::new(Host::Binary, &config);
    let output = migration.run();
    // Some of them cannot be read, which is said between.
    let talk = talk(&output);
    let said = talk.strip_prefix(BY_FLUX).unwrap_or_else(|| panic!("{talk}"));
    assert_eq!(
        &said[said.find("error: ").unwrap_or(0)..],
        format!(
            "error: batch 2022-01-01T00:00:00Z/2022-01-01T01:00:00Z could not be moved\n  \
             caused by: the destination `dst` refused 90 of 120 points {told}\n\n\
             hint: all other values of this batch have arrived; mend what the reason says (a type by \
             `schema.types`, a name by `schema.rename`), or set them aside with `rejected.max`\n{AGAIN}"
        )
    );
    assert_eq!(output.status.code(), Some(2));
    destination.points("dst").assert_same(&Points::parse(&expected()));
    let records = migration.read("migration.checkpoint.lp");
    assert_eq!(records.lines().count(), 1, "only that it has begun is recorded");
    let exchanges = destination.exchanges();
    let requests = exchanges.iter().filter(|exchange| exchange.target.contains("write"));
    let requests = requests.count() - 1;
    assert!(requests <= requests_max, "{requests}");
}

const FIRST: &str = "the first: `cpu,host=a,zone=north load=0i 1640995200000000000`";
const TYPES: &str = "invalid column type for column 'load', expected iox::column_type::field::float, \
                     got iox::column_type::field::integer";
const CONFLICT: &str = "partial write: field type conflict: input field \"load\" on measurement \
                        \"cpu\" is type integer, already exists as type float dropped=1";

#[test]
fn all_but_the_refused_field_arrives_in_influxdb_3() {
    let told = format!("(400), {FIRST}: {TYPES}");
    check(Engine::Iox, "api = \"v3\"", "/api/v3/write_lp?db=dst&precision=ns", &told, 2);
}

#[test]
fn all_but_the_refused_field_arrives_in_influxdb_3_by_its_older_paths() {
    let told = format!("(400), {FIRST}: {TYPES}");
    check(Engine::Iox, "api = \"v1\"", "/write?db=dst&precision=ns", &told, 91);
    let told = format!("(400), {FIRST}: write buffer error: line protocol parse failed: {TYPES}");
    let api = "api = \"v2\"\norg = \"o\"";
    check(Engine::Iox, api, "/api/v2/write?org=o&bucket=dst&precision=ns", &told, 300);
}

#[test]
fn all_but_the_refused_field_arrives_in_influxdb_2() {
    let told = format!("(422), {FIRST}: failure writing points to database: {CONFLICT}");
    let api = "api = \"v2\"\norg = \"o\"";
    check(Engine::Tsm, api, "/api/v2/write?org=o&bucket=dst&precision=ns", &told, 300);
}
