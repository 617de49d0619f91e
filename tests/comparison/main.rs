//! Both sides compared natively, over HTTP with fake servers: exactly what has happened to one of them is
//! found, and a repair mends exactly what it says.

mod drive;
mod faults;
mod selections;
mod untrue;

use std::time::Duration;

use drive::{Files, Sides, drive};
use serde_json::{Value, json};
use support::influx::{Engine, FakeInflux, Points, Settings, Sql, Version};
use tsm2iox_guest::plan::{Ending, Purpose};

/// Midnight of 2022-01-01.
const START: i64 = 1_640_995_200_000_000_000;
const HOUR: i64 = 3_600_000_000_000;

/// A source as it can be asked, and the tables that say so.
fn sources() -> Vec<(FakeInflux, Value)> {
    let source = |version| {
        let source = FakeInflux::with(Settings { version, ..Settings::default() });
        source.create("src");
        source
    };
    let v2 = |language| json!({ "api": "v2", "org": "o", "bucket": "src", "language": language });
    vec![
        (source(Version::V2), v2("influxql")),
        (source(Version::V2), v2("flux")),
        (source(Version::V1_6), json!({ "api": "v1", "bucket": "src" })),
    ]
}

fn destinations() -> Vec<(FakeInflux, Value)> {
    let destination = |engine, version| {
        let destination = FakeInflux::with(Settings { engine, version, ..Settings::default() });
        destination.create("dst");
        destination
    };
    vec![
        (destination(Engine::Iox, Version::V2), json!({ "api": "v3", "bucket": "dst" })),
        (
            destination(Engine::Iox, Version::V2),
            json!({ "api": "v2", "bucket": "dst", "product": "dedicated" }),
        ),
        (
            destination(Engine::Tsm, Version::V2),
            json!({ "api": "v2", "bucket": "dst", "org": "o", "product": "oss" }),
        ),
        (destination(Engine::Tsm, Version::V1_6), json!({ "api": "v1", "bucket": "dst" })),
    ]
}

/// The settings of a comparison of ten days.
fn settings(
    source: &(FakeInflux, Value),
    destination: &(FakeInflux, Value),
    more: &Value,
) -> Value {
    let mut settings = json!({
        "migration": { "start": "2022-01-01T00:00:00Z", "stop": "2022-01-11T00:00:00Z" },
        "source": source.1,
        "destination": destination.1,
    });
    settings["source"]["url"] = json!(source.0.url());
    settings["destination"]["url"] = json!(destination.0.url());
    for (table, keys) in more.as_object().expect("more are tables") {
        for (key, value) in keys.as_object().expect("a table has keys") {
            settings[table][key] = value.clone();
        }
    }
    settings
}

/// Compares, and returns how it ended and what it found.
#[track_caller]
fn compare(
    source: &(FakeInflux, Value),
    destination: &(FakeInflux, Value),
    more: &Value,
) -> (Ending, Value) {
    compare_with(source, destination, more, &mut Files::default())
}

#[track_caller]
fn compare_with(
    source: &(FakeInflux, Value),
    destination: &(FakeInflux, Value),
    more: &Value,
    files: &mut Files,
) -> (Ending, Value) {
    let settings = settings(source, destination, more).to_string();
    let sides = Sides { source: source.0.url(), destination: destination.0.url() };
    let outcome = drive(Purpose::Verify, &settings, &sides, files);
    let report = serde_json::from_str(&outcome.report).unwrap_or(Value::Null);
    (outcome.ending, report)
}

/// Missing, different, extra, known, repaired.
#[track_caller]
fn kinds(report: &Value) -> [u64; 5] {
    ["missing", "different", "extra", "known", "repaired"]
        .map(|kind| report["kinds"][kind].as_u64().unwrap_or_else(|| panic!("{report:#}")))
}

/// Ten days of two measurements with all types that both engines take, every ten minutes.
fn points() -> String {
    let mut lines = String::new();
    for step in 0..10 * 24 * 6_i64 {
        let time = START + step * HOUR / 6;
        for host in ["a", "b\\ c"] {
            lines += &format!(
                "cpu,host={host} load={step}i,idle=0.{step}5,up={} {time}\n",
                step % 4 == 0
            );
        }
        lines += &format!("log\\ s text=\"line {step}, \\\"q\\\"\" {}\n", time + 1);
    }
    lines
}

#[test]
fn the_same_points_are_the_same_by_every_road() {
    let lines = points();
    for source in sources() {
        source.0.load("src", &lines);
        for destination in destinations() {
            destination.0.load("dst", &lines);
            for deep in [false, true] {
                let (ending, report) =
                    compare(&source, &destination, &json!({ "verify": { "deep": deep } }));
                assert_eq!(ending, Ending::Complete, "{}: {report:#}", destination.1);
                assert_eq!(kinds(&report), [0; 5]);
                let rows = json!(Points::parse(&lines).rows());
                assert_eq!(report["source"]["values"], rows);
                assert_eq!(report["destination"]["values"], rows);
                let slices = report["slices"].as_array().expect("there are slices");
                assert_eq!(slices.len(), 240);
                if deep {
                    let is_same = |slice: &Value| {
                        slice["source_hash"] == slice["destination_hash"]
                            && slice["source_hash"] != json!("0".repeat(32))
                    };
                    assert!(slices.iter().all(is_same), "{report:#}");
                }
            }
        }
    }
}

#[test]
fn what_was_removed_added_or_altered_is_found_and_what_is_missing_is_repaired() {
    let lines = points();
    for source in sources() {
        source.0.load("src", &lines);
        for destination in destinations() {
            destination.0.load("dst", &lines);
            let time = START + 100 * HOUR;
            destination.0.remove("dst", &format!("cpu,host=a load=600i {time}"));
            destination.0.load("dst", &format!("cpu,host=a idle=7 {}", time + 5 * HOUR + 1));
            let (ending, report) = compare(&source, &destination, &json!({}));
            assert_eq!(ending, Ending::Different);
            assert_eq!(kinds(&report), [1, 0, 1, 0, 0], "{}: {report:#}", destination.1);

            // As much, but another value: only a look at all of them shows it.
            let altered = format!("log\\ s text=\"other\" {}", START + 30 * HOUR + 1);
            destination.0.alter("dst", &altered);
            assert_eq!(kinds(&compare(&source, &destination, &json!({})).1), [1, 0, 1, 0, 0]);
            let deep = json!({ "verify": { "deep": true } });
            let (_, report) = compare(&source, &destination, &deep);
            assert_eq!(kinds(&report), [1, 1, 1, 0, 0], "{}: {report:#}", destination.1);

            let before = destination.0.lines("dst").len();
            let repair = json!({ "verify": { "repair": true } });
            let (ending, report) = compare(&source, &destination, &repair);
            assert_eq!(ending, Ending::Different, "the extra one stays");
            assert_eq!(kinds(&report), [0, 0, 1, 0, 1], "{}: {report:#}", destination.1);
            let written = destination.0.lines("dst").split_off(before);
            assert_eq!(written, [format!("cpu,host=a load=600i {time}")]);
            let (_, report) = compare(&source, &destination, &deep);
            assert_eq!(kinds(&report), [0, 1, 1, 0, 0], "what differs stays as it is");
        }
    }
}

#[test]
fn a_whole_field_and_a_whole_measurement_are_missing_and_repaired() {
    let lines = points();
    for source in sources() {
        source.0.load("src", &lines);
        for destination in destinations() {
            let cpu: String =
                lines.lines().filter(|l| l.starts_with("cpu")).collect::<Vec<_>>().join("\n");
            destination.0.load("dst", &cpu);
            let removed = destination.0.retain("dst", |_, _, field, _| field != "up");
            let all = (removed + 10 * 24 * 6) as u64;
            let (ending, report) = compare(&source, &destination, &json!({}));
            assert_eq!(ending, Ending::Different);
            assert_eq!(kinds(&report), [all, 0, 0, 0, 0], "{}: {report:#}", destination.1);
            let repair = json!({ "verify": { "repair": true } });
            let (ending, report) = compare(&source, &destination, &repair);
            assert_eq!(kinds(&report), [0, 0, 0, 0, all], "{}: {report:#}", destination.1);
            assert_eq!(ending, Ending::Complete);
            destination.0.points("dst").assert_same(&Points::parse(&lines));
        }
    }
}

#[test]
fn extra_measurements_count_only_where_all_are_compared() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    source.0.load("src", &points());
    destination.0.load("dst", &points());
    destination
        .0
        .load("dst", &format!("other f=1,g=2 {START}\nother f=1 {}", START + 20 * 24 * HOUR));
    let (_, report) = compare(&source, &destination, &json!({}));
    assert_eq!(kinds(&report), [0, 0, 2, 0, 0], "what is outside of the range is not compared");
    let selected = json!({ "migration": { "measurements": ["cpu", "log s"] } });
    let (ending, report) = compare(&source, &destination, &selected);
    assert_eq!((ending, kinds(&report)), (Ending::Complete, [0; 5]));
    let some = json!({ "migration": { "where": "host = 'a'" } });
    let (ending, report) = compare(&source, &destination, &some);
    assert_eq!((ending, kinds(&report)), (Ending::Complete, [0; 5]), "{report:#}");
    destination.0.remove("dst", &format!("cpu,host=a load=600i {}", START + 100 * HOUR));
    assert_eq!(kinds(&compare(&source, &destination, &some).1), [1, 0, 0, 0, 0]);
}

#[test]
fn what_was_set_aside_is_known() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    source.0.load("src", &points());
    destination.0.load("dst", &points());
    let line = format!("cpu,host=a load=600i {}", START + 100 * HOUR);
    destination.0.remove("dst", &line);
    let mut files = Files {
        rejected: Some(format!("# \"a batch\" point 1 (400): no\n{line}\n")),
        ..Files::default()
    };
    let (ending, report) = compare_with(&source, &destination, &json!({}), &mut files);
    assert_eq!((ending, kinds(&report)), (Ending::Complete, [0, 0, 0, 1, 0]), "{report:#}");
    // It is not written again.
    let repair = json!({ "verify": { "repair": true } });
    compare_with(&source, &destination, &repair, &mut files);
    assert_eq!(destination.0.lines("dst").len(), 0);
}

#[test]
fn types_that_change_are_compared_as_the_policies_make_them() {
    let day = 24 * HOUR;
    let source = sources().remove(0);
    source.0.set_shard_group("src", Duration::from_secs(24 * 60 * 60));
    source.0.load(
        "src",
        &format!("m f=1.5 {START}\nm f=2i {}\nm f=\"three\" {}", START + 3 * day, START + 6 * day),
    );
    for (policy, arrived) in [
        ("float", ["f=1.5", "f=2", "f_string=\"three\""]),
        ("suffix", ["f_float=1.5", "f_integer=2i", "f_string=\"three\""]),
    ] {
        let destination = destinations().remove(0);
        let lines: String = arrived
            .iter()
            .zip(0..)
            .map(|(field, at)| format!("m {field} {}\n", START + at * 3 * day))
            .collect();
        destination.0.load("dst", &lines);
        let types = json!([{ "measurement": "m", "field": "f", "as": policy }]);
        for deep in [false, true] {
            let more = json!({ "schema": { "types": types }, "verify": { "deep": deep } });
            let (ending, report) = compare(&source, &destination, &more);
            assert_eq!((ending, kinds(&report)), (Ending::Complete, [0; 5]), "{report:#}");
        }
        // Without a policy, it is one field of the source with three types, and nothing of it is hidden.
        let other = destinations().remove(0);
        other.0.load("dst", &format!("m f=1.5 {START}"));
        let (ending, report) = compare(&source, &other, &json!({}));
        assert_eq!((ending, kinds(&report)), (Ending::Different, [2, 0, 0, 0, 0]), "{report:#}");
    }
}

#[test]
fn what_is_asked_of_core_is_halved_where_it_is_too_much() {
    let source = sources().remove(0);
    source.0.load("src", &points());
    let sql = Sql::Answered { days_max: Some(2) };
    let settings = Settings { engine: Engine::Iox, sql, ..Settings::default() };
    let destination = (FakeInflux::with(settings), json!({ "api": "v3", "bucket": "dst" }));
    destination.0.load("dst", &points());
    for deep in [false, true] {
        let more = json!({ "verify": { "deep": deep } });
        let (ending, report) = compare(&source, &destination, &more);
        assert_eq!((ending, kinds(&report)), (Ending::Complete, [0; 5]), "{report:#}");
    }
}

#[test]
fn with_many_series_at_one_time_exactly_what_differs_is_found_and_repaired() {
    let (source, destination) = (sources().remove(1), destinations().remove(0));
    let line = |series: usize| format!("m,s={series} f={series}i {START}\n");
    let all: String = (0..110_000).map(line).collect();
    source.0.load("src", &all);
    destination.0.load("dst", &all);
    destination.0.remove("dst", &line(77));
    destination.0.remove("dst", &line(100_000));
    destination.0.alter("dst", &line(5).replace("f=5i", "f=6i"));
    destination.0.load("dst", &format!("m,s=other f=1i {START}"));
    let repair = json!({ "verify": { "repair": true } });
    let before = destination.0.lines("dst").len();
    let (ending, report) = compare(&source, &destination, &repair);
    assert_eq!((ending, kinds(&report)), (Ending::Different, [0, 1, 1, 0, 2]), "{report:#}");
    let mut written = destination.0.lines("dst").split_off(before);
    written.sort();
    assert_eq!(written, [100_000, 77].map(|series| line(series).trim_end().to_owned()));
}

#[test]
fn what_is_too_young_is_left_out() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    source.0.load("src", &points());
    let more = json!({
        "migration": { "start": "2022-01-01T00:00:00Z", "stop": "2222-01-11T00:00:00Z" },
    });
    let (_, report) = compare(&source, &destination, &more);
    // The clock of these tests stands at noon of 2022-02-01.
    assert_eq!(report["left_out"], json!(["2022-02-01T11:00:00Z", "2222-01-11T00:00:00Z"]));
    assert_eq!(report["range"][1], "2022-02-01T11:00:00Z");
}

#[test]
fn a_destination_that_nobody_knows_is_asked_for_its_product() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    let more = json!({ "destination": { "api": "v2" } });
    let (ending, _) = compare(&source, &destination, &more);
    let Ending::Failed(error) = ending else { panic!("{ending:?}") };
    assert_eq!(error.hint.as_deref(), Some("say `destination.product`"));
}

#[test]
fn under_a_condition_as_many_values_prove_nothing() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    let of = |host: &str| -> String {
        (0..100).map(|nth| format!("m,host={host} f={nth} {}\n", START + nth)).collect()
    };
    source.0.load("src", &(of("a") + &of("b")));
    destination.0.load("dst", &of("b"));
    let some = json!({ "migration": { "where": "host = 'a'" } });
    let (ending, report) = compare(&source, &destination, &some);
    assert_eq!((ending, kinds(&report)), (Ending::Different, [100, 0, 0, 0, 0]), "{report:#}");
}

#[test]
fn what_cannot_be_written_is_known_only_where_it_stands_in_the_file() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    // A field with the name of a tag, which InfluxDB 3 does not take.
    source.0.load("src", &format!("m,host=a host=\"x\",f=1 {START}"));
    destination.0.load("dst", &format!("m,host=a f=1 {START}"));
    let more = json!({ "schema": { "unfit": "set_aside" }, "rejected": { "max": 10 } });
    let (ending, report) = compare(&source, &destination, &more);
    assert_eq!((ending, kinds(&report)), (Ending::Different, [1, 0, 0, 0, 0]), "{report:#}");
    let entry = format!("# \"a batch\" unfit: no\n# set aside: m,host=a host=\"x\" {START}\n");
    let mut files = Files { rejected: Some(entry), ..Files::default() };
    let (ending, report) = compare_with(&source, &destination, &more, &mut files);
    assert_eq!((ending, kinds(&report)), (Ending::Complete, [0, 0, 0, 1, 0]), "{report:#}");
}

#[test]
fn nothing_on_both_sides_is_no_proof() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    source.0.load("src", &points());
    let more = json!({ "migration": { "measurements": ["misspelt"] } });
    let (ending, _) = compare(&source, &destination, &more);
    let Ending::Failed(error) = ending else { panic!("{ending:?}") };
    assert!(error.message.starts_with("nothing was compared"), "{error}");
}
