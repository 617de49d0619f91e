//! Both sides compared after something has happened to one of them: exactly that is found, and a repair mends
//! exactly what it says.

use serde_json::{Value, json};
use support::influx::{Engine, FakeInflux, Points, Settings, Version};

use crate::run::{FLUX, Host, INFLUXDB_1, INFLUXQL, Migration, Road, talk};
use crate::{expected, sides_of};

/// What a comparison says, as its exit status and its report.
#[track_caller]
fn verify(migration: &Migration, options: &[&str]) -> (Option<i32>, Value) {
    let output = migration.does("verify", &[options, &["--json"]].concat());
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", talk(&output)));
    assert_eq!(
        serde_json::from_str::<Value>(&migration.read("migration.verify.json")).ok().as_ref(),
        Some(&report)
    );
    (output.status.code(), report)
}

/// How many values of each kind a report has.
fn kinds(report: &Value) -> [u64; 5] {
    ["missing", "different", "extra", "known", "repaired"]
        .map(|kind| report["kinds"][kind].as_u64().expect("each kind is counted"))
}

/// The values that a report shows of a kind, each as a line with what both sides have.
fn examples(report: &Value, kind: &str) -> Vec<String> {
    let all = report["examples"].as_array().expect("there is a list");
    let mut all: Vec<_> = all
        .iter()
        .filter(|example| example["kind"] == kind)
        .map(|example| {
            let text = |key: &str| example[key].as_str().unwrap_or("-").to_owned();
            let [series, field, time] = ["series", "field", "time"].map(text);
            let [source, destination] = ["source", "destination"].map(text);
            format!("{series} {field} {time} {source} {destination}")
        })
        .collect();
    all.sort();
    all
}

/// The destinations that can be asked, and what the configuration says of each.
fn destinations() -> Vec<(FakeInflux, &'static str)> {
    let with = |engine, version| {
        let token = Some("secret".to_owned());
        let destination =
            FakeInflux::with(Settings { token, engine, version, ..Settings::default() });
        destination.create("dst");
        destination
    };
    vec![
        (with(Engine::Iox, Version::V2), "api = \"v3\""),
        (with(Engine::Iox, Version::V2), "api = \"v2\"\nproduct = \"dedicated\""),
        (with(Engine::Tsm, Version::V2), "api = \"v2\"\norg = \"o\"\nproduct = \"oss\""),
    ]
}

fn migrated(road: &Road, destination: &FakeInflux, keys: &str) -> (FakeInflux, Migration) {
    let (source, _) = sides_of(road);
    let config = road.config(&source, destination).replace("api = \"v3\"", keys);
    let migration = Migration::new(Host::Binary, &config);
    migration.complete();
    destination.points("dst").assert_same(&expected());
    (source, migration)
}

#[test]
fn an_intact_migration_is_the_same_by_every_road_to_every_destination() {
    for road in [FLUX, INFLUXQL, INFLUXDB_1] {
        for (destination, keys) in destinations() {
            let (source, migration) = migrated(&road, &destination, keys);
            for options in [&[][..], &["--deep"]] {
                let (status, report) = verify(&migration, options);
                assert_eq!(status, Some(0), "{keys}: {report:#}");
                assert_eq!(kinds(&report), [0; 5]);
                let values = json!(expected().rows());
                assert_eq!(report["source"]["values"], values, "{keys}");
                assert_eq!(report["destination"]["values"], values, "{keys}");
                assert_eq!(report["level"], if options.is_empty() { "counts" } else { "content" });
            }
            let text = migration.read("migration.verify.txt");
            assert!(text.contains("both sides are the same"), "{text}");
            drop(source);
        }
    }
}

#[test]
fn what_was_removed_added_or_altered_is_found_and_what_is_missing_is_repaired() {
    for road in [FLUX, INFLUXQL, INFLUXDB_1] {
        for (destination, keys) in destinations() {
            let (_source, migration) = migrated(&road, &destination, keys);
            let time = 1_640_995_200_000_000_000_i64 + 4 * 60 * 60_000_000_000;
            destination.remove("dst", &format!("cpu,host=a,zone=north load=240i {time}"));
            destination.load("dst", &format!("cpu,host=a,zone=north idle=7 {}", time + 5));
            let (status, report) = verify(&migration, &[]);
            assert_eq!(status, Some(3), "{keys}: {report:#}");
            assert_eq!(kinds(&report), [1, 0, 1, 0, 0], "{keys}: {report:#}");
            let at = "2022-01-01T04:00:00Z";
            let missing = format!("cpu,host=a,zone=north load {at} 240i -");
            assert_eq!(examples(&report, "missing"), [missing.as_str()]);
            let extra = "cpu,host=a,zone=north idle 2022-01-01T04:00:00.000000005Z - 7";
            assert_eq!(examples(&report, "extra"), [extra]);

            // A value that is another one counts as much: only a look at all of them shows it.
            destination.alter("dst", &format!("log text=\"other\" {}", time + 1));
            assert_eq!(kinds(&verify(&migration, &[]).1), [1, 0, 1, 0, 0], "{keys}");
            let (status, report) = verify(&migration, &["--deep"]);
            assert_eq!((status, kinds(&report)), (Some(3), [1, 1, 1, 0, 0]), "{keys}");
            let different = "log text 2022-01-01T04:00:00.000000001Z \"line 240, with \\\"quotes\\\"\" \"other\"";
            assert_eq!(examples(&report, "different"), [different]);

            let before = destination.lines("dst").len();
            let (status, report) = verify(&migration, &["--repair"]);
            assert_eq!((status, kinds(&report)), (Some(3), [0, 0, 1, 0, 1]), "{keys}: {report:#}");
            let written = destination.lines("dst").split_off(before);
            assert_eq!(written, [format!("cpu,host=a,zone=north load=240i {time}")], "{keys}");
            assert_eq!(examples(&report, "repaired"), [missing.as_str()]);
        }
    }
}

#[test]
fn a_whole_type_that_is_missing_is_found_without_reading_it_and_repaired_without_a_checkpoint() {
    for (destination, keys) in destinations() {
        let (_source, migration) = migrated(&INFLUXQL, &destination, keys);
        let removed = destination.retain("dst", |_, _, field, _| field != "up");
        assert!(removed > 100);
        // Another program has migrated it: there is no record of this one.
        std::fs::remove_file(migration.path("migration.checkpoint.lp")).expect("it was there");
        let (status, report) = verify(&migration, &[]);
        let all = removed as u64;
        assert_eq!((status, kinds(&report)), (Some(3), [all, 0, 0, 0, 0]), "{keys}: {report:#}");
        let (status, report) = verify(&migration, &["--repair"]);
        assert_eq!((status, kinds(&report)), (Some(0), [0, 0, 0, 0, all]), "{keys}: {report:#}");
        destination.points("dst").assert_same(&expected());
        assert_eq!(kinds(&verify(&migration, &["--deep"]).1), [0; 5]);
    }
}

#[test]
fn nothing_at_the_destination_is_all_missing_and_all_repaired() {
    for (destination, keys) in destinations() {
        let (source, _) = sides_of(&INFLUXQL);
        let config = INFLUXQL.config(&source, &destination).replace("api = \"v3\"", keys);
        let migration = Migration::new(Host::Binary, &config);
        let all = expected().rows() as u64;
        let (status, report) = verify(&migration, &[]);
        assert_eq!((status, kinds(&report)), (Some(3), [all, 0, 0, 0, 0]), "{keys}: {report:#}");
        let (status, report) = verify(&migration, &["--repair"]);
        assert_eq!((status, kinds(&report)), (Some(0), [0, 0, 0, 0, all]), "{keys}: {report:#}");
        destination.points("dst").assert_same(&expected());
        drop(source);
    }
}

#[test]
fn a_report_that_is_old_is_not_taken_for_a_new_one() {
    let (destination, keys) = destinations().remove(0);
    let (source, migration) = migrated(&INFLUXQL, &destination, keys);
    assert_eq!(verify(&migration, &[]).0, Some(0));
    drop(source);
    let output = migration.does("verify", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    let is_there = |name: &str| migration.path(name).exists();
    assert!(!is_there("migration.verify.txt") && !is_there("migration.verify.json"));
    assert!(migration.read("migration.verify.txt.old").contains("both sides are the same"));
}

#[test]
fn what_is_too_young_is_left_out_and_said() {
    let (source, destination) = sides_of(&INFLUXQL);
    let config = INFLUXQL.config(&source, &destination);
    let migration = Migration::new(Host::Binary, &config);
    migration.complete();
    let config = config.replace("stop = 2022-01-01T06:30:00Z", "stop = 2222-01-01T00:00:00Z");
    std::fs::write(migration.path("migration.toml"), config).expect("a folder takes a file");
    let (status, report) = verify(&migration, &[]);
    // Half an hour of the source was not moved.
    assert_eq!(status, Some(3));
    assert_eq!(report["left_out"][1], "2222-01-01T00:00:00Z", "{report:#}");
    let rest = Points::parse(&crate::run::points()).rows() - expected().rows();
    assert_eq!(kinds(&report)[0], rest as u64);
}

#[test]
fn a_file_is_compared_with_what_it_was_made_of() {
    for road in [FLUX, INFLUXQL, INFLUXDB_1] {
        let (source, destination) = sides_of(&road);
        let config = road.config(&source, &destination);
        let (head, _) = config.split_once("[destination]").expect("there is one");
        let migration = Migration::new(
            Host::Binary,
            &format!("{head}[destination]\napi = \"lp\"\npath = \"out.lp\"\n"),
        );
        migration.complete();
        assert_eq!(verify(&migration, &["--deep"]).0, Some(0));
        let lines = migration.read("out.lp");
        let (first, rest) = lines.split_once('\n').expect("there are lines");
        std::fs::write(migration.path("out.lp"), rest).expect("it can be written");
        let (status, report) = verify(&migration, &[]);
        let count = Points::parse(first).rows() as u64;
        assert_eq!((status, kinds(&report)), (Some(3), [count, 0, 0, 0, 0]), "{report:#}");
        let output = migration.does("verify", &["--repair"]);
        assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
        assert_eq!(migration.read("out.lp"), rest);
    }
}
