//! Both sides looked at before anything is moved: what `check` says, and that a run does as it says.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use support::influx::{ContinuousQuery, Engine, FakeInflux, Points, Settings, Task, Version};
use support::servers::RealServer;

use crate::influxdb_1::{BUCKET, NEW_YEAR, create, execute, write};
use crate::run::{FLUX, Host, INFLUXDB_1, INFLUXQL, Migration, Road, points, talk};
use crate::{expected, sides, sides_of};

/// What a look says, as its exit status and its report.
#[track_caller]
fn check(migration: &Migration) -> (Option<i32>, Value) {
    let output = migration.does("check", &["--json"]);
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|error| panic!("{error}: {}", talk(&output))))
}

/// The messages of a severity and a topic.
fn said(report: &Value, severity: &str, topic: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("there is a list");
    findings
        .iter()
        .filter(|finding| finding["severity"] == severity && finding["topic"] == topic)
        .map(|finding| finding["message"].as_str().expect("it says something").to_owned())
        .collect()
}

/// The lines of the configuration that would settle what stops it.
fn lines(report: &Value) -> String {
    let findings = report["findings"].as_array().expect("there is a list");
    let stops = findings.iter().filter(|finding| finding["severity"] == "stop");
    let lines = stops.flat_map(|finding| finding["lines"].as_array().expect("there is a list"));
    lines.map(|line| format!("{}\n", line.as_str().expect("it is a text"))).collect()
}

/// Appends to a configuration.
fn append(migration: &Migration, text: &str) {
    let path = migration.path("migration.toml");
    let config = fs::read_to_string(&path).expect("it is there");
    fs::write(path, format!("{config}\n{text}")).expect("it can be written");
}

fn with(source: &FakeInflux, destination: &FakeInflux, road: &Road) -> Migration {
    Migration::new(Host::Binary, &road.config(source, destination))
}

#[test]
fn a_look_writes_nothing_and_tells_what_a_run_would_move() {
    for road in [INFLUXQL, INFLUXDB_1, FLUX] {
        let (source, destination) = sides_of(&road);
        let migration = with(&source, &destination, &road);
        let (code, report) = check(&migration);
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(report["would_start"], true);
        let of_line = |line: &str| if line.starts_with("cpu") { 4 } else { 1 };
        let values: u64 = points().lines().map(of_line).sum();
        let beyond = 15 * (3 * 4 + 1);
        assert_eq!(report["forecast"]["values"], values - beyond, "{report:#}");
        assert_eq!(report["values_are_exact"], true);
        assert_eq!(
            report["points"],
            serde_json::json!(["2022-01-01T00:00:00Z", "2022-01-01T06:58:00.000000001Z"])
        );
        if road.path == "/query" {
            assert_eq!(report["series_max"], 4);
            let cpu = &report["measurements"][0];
            assert_eq!(cpu["tags"], serde_json::json!(["host", "zone"]));
            assert_eq!(cpu["fields"][0]["field"], "idle");
            assert_eq!(cpu["fields"][0]["types"], serde_json::json!(["float"]));
        }
        let new = "the destination `dst` does not exist yet: the first write makes it";
        assert_eq!(said(&report, "info", "destination"), [new]);
        // Nothing is written, here or there.
        assert!(destination.written("dst").is_empty());
        let names = fs::read_dir(migration.path("")).expect("a folder").count();
        assert_eq!(names, 1, "the configuration alone");
        // And a run takes about what was said.
        migration.complete();
        destination.points("dst").assert_same(&expected());
        let written: usize = destination.written("dst").iter().map(String::len).sum();
        let said = report["forecast"]["write_megabytes"].as_f64().expect("a number") * 1e6;
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let written = written as f64;
        assert!((0.8..1.25).contains(&(said / written)), "{said} of {written}");
    }
}

#[test]
fn what_is_known_not_to_arrive_stops_it_until_the_lines_it_shows_are_pasted() {
    for road in [INFLUXQL, INFLUXDB_1] {
        let (source, destination) = sides_of(&road);
        // `load` was an integer; and there is a tag and a field of one name.
        let other = NEW_YEAR - 7 * 86_400_000_000_000;
        source.load("src", &format!("cpu,host=a,zone=north load=0.5 {other}\n"));
        source.load("src", &format!("log,level=x level=1i,text=\"a\rb\" {NEW_YEAR}\n"));
        let config = road.config(&source, &destination).replace("2022-01-01T00", "2021-12-25T00");
        let migration = Migration::new(Host::Binary, &config);
        let (code, report) = check(&migration);
        assert_eq!(code, Some(2), "{report:#}");
        let types = "field `load` of `cpu` has several types (float, integer), and InfluxDB 3 takes \
                     one: float from 2021-12-25T00:00:00Z, integer from 2022-01-01T00:00:00Z";
        assert_eq!(said(&report, "stop", "types"), [types], "{report:#}");
        let names =
            "a tag and a field of `log` are called `level`, and InfluxDB 3 takes one of both";
        assert_eq!(said(&report, "stop", "names"), [names]);
        let returns = "1 string holds a carriage return in `text` of `log`";
        assert_eq!(said(&report, "info", "strings"), [returns]);
        let text = migration.does("check", &[]);
        let text = String::from_utf8(text.stdout).expect("it is a text");
        assert!(
            text.starts_with("a run would not start: 2 findings stop it; 0 warnings\n"),
            "{text}"
        );
        assert!(text.contains("    [[schema.types]]\n    measurement = \"cpu\"\n"), "{text}");

        // A run does as it says.
        let output = migration.run();
        assert_eq!(output.status.code(), Some(2));
        let (types, _) = types.split_once(": ").expect("there are times");
        let error = format!("error: it is not begun: {types} (1 reason more)\n");
        assert!(talk(&output).contains(&error), "{}", talk(&output));
        assert!(destination.written("dst").is_empty());

        append(&migration, &lines(&report));
        let (code, report) = check(&migration);
        assert_eq!(code, Some(0), "{report:#}");
        migration.complete();
        let is_moved = |line: &&str| {
            let time = line.rsplit(' ').next().and_then(|time| time.parse::<i64>().ok());
            time.is_some_and(|time| time < NEW_YEAR + 390 * 60_000_000_000)
        };
        let points = points();
        let mut mended: String = points
            .lines()
            .filter(is_moved)
            .map(|line| line.replacen("i,idle", ",idle", 1) + "\n")
            .collect();
        mended += &format!("cpu,host=a,zone=north load=0.5 {other}\n");
        mended += &format!("log,level=x level_field=1i,text=\"a\rb\" {NEW_YEAR}\n");
        destination.points("dst").assert_same(&Points::parse(&mended));
    }
}

#[test]
fn what_the_destination_holds_stops_it_until_that_is_allowed() {
    let (source, destination) = sides();
    destination.load("dst", &format!("cpu,host=z load=1i {NEW_YEAR}\n"));
    let migration = with(&source, &destination, &FLUX);
    let (code, report) = check(&migration);
    assert_eq!(code, Some(2), "{report:#}");
    let holds =
        "the destination holds points of `cpu` in 2022-01-01T00:00:00Z/2022-01-01T06:30:00Z";
    assert_eq!(said(&report, "stop", "destination"), [holds]);
    let output = migration.run();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        talk(&output).contains(&format!("error: it is not begun: {holds}\n")),
        "{}",
        talk(&output)
    );
    let config = FLUX
        .config(&source, &destination)
        .replace("bucket = \"dst\"", "bucket = \"dst\"\nholds_data = true");
    let migration = Migration::new(Host::Binary, &config);
    assert_eq!(check(&migration).0, Some(0));
    migration.complete();
    // What it has begun is its own.
    let (code, report) = check(&migration);
    assert_eq!(code, Some(0));
    let begun = "all of it is on record: a run has nothing to move";
    assert_eq!(said(&report, "info", "destination"), [begun]);
}

#[test]
fn who_is_not_there_or_not_let_in_is_named() {
    let (source, destination) = sides();
    let gone = FakeInflux::start();
    let config = FLUX.config(&source, &destination);
    let nowhere = config.replace(&destination.url(), &gone.url());
    drop(gone);
    let (code, report) = check(&Migration::new(Host::Binary, &nowhere));
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(said(&report, "stop", "reach").len(), 1, "{report:#}");
    // The other side was looked at all the same.
    assert_eq!(report["values_are_exact"], true);

    let (token, engine) = (Some("other".to_owned()), Engine::Iox);
    let other = FakeInflux::with(Settings { token: token.clone(), engine, ..Settings::default() });
    let migration = with(&source, &other, &FLUX);
    let (code, report) = check(&migration);
    // It may be a token that only writes.
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(said(&report, "warning", "destination").len(), 1, "{report:#}");
    let other = FakeInflux::with(Settings { token, ..Settings::default() });
    let (code, report) = check(&with(&other, &destination, &FLUX));
    assert_eq!(code, Some(2), "{report:#}");
    assert!(!said(&report, "stop", "reach").is_empty(), "{report:#}");
}

#[test]
fn what_still_writes_into_the_bucket_is_named() {
    let task = |name: &str, bucket: &str, is_active| Task {
        name: name.to_owned(),
        flux: format!("from(bucket: \"x\") |> range(start: -1h) |> to(bucket: \"{bucket}\")"),
        is_active,
        ..Task::default()
    };
    let tasks = vec![task("mean", "src", true), task("old", "src", false), task("x", "y", true)];
    let query = "CREATE CONTINUOUS QUERY means ON src BEGIN SELECT 1 END".to_owned();
    let continuous_queries =
        vec![ContinuousQuery { database: "src".to_owned(), name: "means".to_owned(), query }];
    for (road, expected) in [
        (INFLUXQL, "1 active task writes into `src`: `mean`"),
        (INFLUXDB_1, "1 continuous query of this database may still write: `means`"),
    ] {
        let (version, token) = (road.version, Some(road.token()));
        let (tasks, continuous_queries) = (tasks.clone(), continuous_queries.clone());
        let settings =
            Settings { version, token, tasks, continuous_queries, ..Settings::default() };
        let source = FakeInflux::with(settings);
        source.load("src", &points());
        let (_, destination) = sides();
        let (code, report) = check(&with(&source, &destination, &road));
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(said(&report, "warning", "tasks"), [expected], "{report:#}");
    }
}

#[test]
fn a_retention_that_would_refuse_the_first_points_stops_it() {
    let (source, _) = sides();
    let (token, version) = (Some("secret".to_owned()), Version::V2);
    let destination = FakeInflux::with(Settings { token, version, ..Settings::default() });
    destination.create("dst");
    let keys = "api = \"v2\"\norg = \"o\"\nproduct = \"oss\"";
    let config = FLUX.config(&source, &destination).replace("api = \"v3\"", keys);
    let migration = Migration::new(Host::Binary, &config);
    let (code, report) = check(&migration);
    assert_eq!(code, Some(0), "{report:#}");
    let ever = ["the source keeps points for ever", "the destination keeps points for ever"];
    assert_eq!(said(&report, "info", "retention"), ever);
    destination.set_retention("dst", Duration::from_secs(30 * 86_400));
    source.set_retention("src", Duration::from_secs(20_000 * 86_400));
    let (code, report) = check(&migration);
    assert_eq!(code, Some(2), "{report:#}");
    let [stop] = &said(&report, "stop", "retention")[..] else { panic!("{report:#}") };
    assert!(stop.starts_with("the destination keeps points for 30 days: at the end"), "{stop}");
    assert_eq!(said(&report, "info", "retention"), ["the source keeps points for 20000 days"]);
}

#[test]
fn with_a_quota_and_prices_it_says_how_long_and_how_much() {
    let (source, destination) = sides_of(&INFLUXQL);
    let migration = with(&source, &destination, &INFLUXQL);
    append(
        &migration,
        "write_mb = 0.002\nread_mb = 1\nshare = 0.5\nwindow = \"5m\"\n\
         read_price_per_gb = 90\nwrite_price_per_gb = 1000\n",
    );
    let (code, report) = check(&migration);
    assert_eq!(code, Some(0), "{report:#}");
    let forecast = &report["forecast"];
    let of = |key: &str| forecast[key].as_f64().unwrap_or_else(|| panic!("{key}: {forecast:#}"));
    let windows = (of("write_megabytes") / 0.001).ceil();
    assert!((windows - of("windows")).abs() < 0.5, "{forecast:#}");
    assert!((of("days") - windows * 300.0 / 86_400.0).abs() < 1e-6, "{forecast:#}");
    assert!((of("write_price") - of("write_megabytes")).abs() < 1e-9, "{forecast:#}");
    assert!((of("read_price") - of("read_megabytes") * 0.09).abs() < 1e-9, "{forecast:#}");
}

#[test]
fn points_dated_beyond_now_are_counted() {
    let (source, destination) = sides_of(&INFLUXQL);
    // In 2100.
    source.load("src", "cpu,host=a,zone=north load=1i,idle=2 4102444800000000000\n");
    let (code, report) = check(&with(&source, &destination, &INFLUXQL));
    assert_eq!(code, Some(0), "{report:#}");
    let [warning] = &said(&report, "warning", "time")[..] else { panic!("{report:#}") };
    assert!(warning.starts_with("2 values are dated later than now, "), "{warning}");
}

#[test]
fn a_real_database_is_looked_at_and_a_run_does_as_was_said() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    let day = 86_400_000_000_000;
    let mut text = String::new();
    for hour in 0..48 {
        let (time, load) = (NEW_YEAR + hour * day / 24, if hour < 24 { "1.5" } else { "2i" });
        text +=
            &format!("cpu,host=a load={load},note=\"x\ry\" {time}\ncpu,host=b idle=1i {time}\n");
    }
    write(&server, BUCKET, &text);
    let query = "create continuous query means on db begin select mean(idle) into db.days.means from \
                 db.days.cpu group by time(1h) end";
    execute(&server, query);
    let (_, destination) = sides();
    let config = format!(
        "[migration]\nstart = \"earliest\"\nstop = 2022-01-03T00:00:00Z\n\
         [source]\napi = \"v1\"\nurl = \"{}\"\nbucket = \"{BUCKET}\"\n\
         [destination]\napi = \"v3\"\nurl = \"{}\"\nbucket = \"dst\"\ntoken_env = \"TOKEN\"\n",
        server.url(),
        destination.url()
    );
    let migration = Migration::new(Host::Binary, &config);
    let (code, report) = check(&migration);
    assert_eq!(code, Some(2), "{report:#}");
    let types = "field `load` of `cpu` has several types (float, integer), and InfluxDB 3 takes one: \
                 float from 2022-01-01T00:00:00Z, integer from 2022-01-02T00:00:00Z";
    assert_eq!(said(&report, "stop", "types"), [types]);
    assert_eq!(report["forecast"]["values"], 48 * 3);
    // 1.6.7 counts a series in each of two shards.
    assert_eq!(report["series_max"], 4);
    assert_eq!(
        report["points"],
        serde_json::json!(["2022-01-01T00:00:00Z", "2022-01-02T23:00:00Z"])
    );
    let returns = "48 strings hold a carriage return in `note` of `cpu`";
    assert_eq!(said(&report, "info", "strings"), [returns]);
    assert_eq!(said(&report, "warning", "tasks").len(), 1, "{report:#}");
    append(&migration, &lines(&report));
    assert_eq!(check(&migration).0, Some(0));
    migration.complete();
    let mended = text.replace("2i,note", "2,note");
    destination.points("dst").assert_same(&Points::parse(&mended));
}
