//! A migration on Apache Beam, by its direct runners, from and to a fake InfluxDB.

use std::process::Output;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use support::influx::{FakeInflux, Fault, Moment, Settings};
use support::python::has_modules;

use crate::run::{FLUX, Host, INFLUXQL, Migration, Road, talk};
use crate::{expected, sides_of};

/// Each worker in a process of its own.
const PROCESSES: [&str; 4] =
    ["--direct_num_workers", "4", "--direct_running_mode", "multi_processing"];
/// Each in a thread.
const THREADS: [&str; 4] =
    ["--direct_num_workers", "4", "--direct_running_mode", "multi_threading"];
/// A runner that tries bundles again.
const RETRIES: [&str; 2] = ["--runner", "BundleBasedDirectRunner"];

/// Batches of the migration.
const BATCHES: usize = 7;

fn of(config: &str) -> Migration {
    Migration::new(Host::Python, config)
}

fn on_beam(migration: &Migration, options: &[&str]) -> Output {
    let process = migration.start_on_beam(options);
    process.wait_with_output().expect("it ends")
}

fn config(road: &Road, source: &FakeInflux, destination: &FakeInflux, limits: &str) -> String {
    road.config(source, destination) + "concurrency = 4\n" + limits
}

/// Everything has arrived, is on record once, and nothing is left.
#[track_caller]
fn check(migration: &Migration, destination: &FakeInflux, output: &Output) {
    let said = talk(output);
    assert!(output.status.success(), "{said}");
    destination.points("dst").assert_same(&expected());
    let records = migration.read("migration.checkpoint.lp");
    let records: Vec<_> = records.lines().filter(|line| line.starts_with("batches,")).collect();
    assert_eq!(records.len(), BATCHES, "{records:#?}");
    let status = migration.does("status", &["--json"]);
    let status = String::from_utf8(status.stdout).expect("JSON is text");
    assert!(status.contains("\"is_complete\": true"), "{status}");
    let bodies = destination.written("dst").len();
    let again = migration.does("run", &[]);
    assert!(talk(&again).contains("there was nothing to move"), "{}", talk(&again));
    assert_eq!(destination.written("dst").len(), bodies);
}

#[test]
fn an_engine_moves_the_same_and_records_it() {
    if !has_modules("apache_beam") {
        return;
    }
    for (road, workers) in [(INFLUXQL, PROCESSES), (FLUX, THREADS)] {
        let (source, destination) = sides_of(&road);
        let migration = of(&config(&road, &source, &destination, ""));
        check(&migration, &destination, &on_beam(&migration, &workers));
        let verified = migration.does("verify", &["--deep"]);
        assert!(verified.status.success(), "{}", talk(&verified));
    }
}

/// As workers on several machines have it.
#[test]
fn records_may_be_in_a_bucket() {
    if !has_modules("apache_beam") {
        return;
    }
    let (source, destination) = sides_of(&FLUX);
    source.create("cp");
    let checkpoint = "[checkpoint]\nbucket = \"cp\"\n";
    let migration = of(&config(&FLUX, &source, &destination, checkpoint));
    let output = on_beam(&migration, &PROCESSES);
    assert!(output.status.success(), "{}", talk(&output));
    destination.points("dst").assert_same(&expected());
    let records = source.lines("cp");
    let batches = records.iter().filter(|line| line.starts_with("batches,")).count();
    assert_eq!((batches, records.len()), (BATCHES, BATCHES), "{records:#?}");
    let again = migration.does("run", &[]);
    assert!(talk(&again).contains("there was nothing to move"), "{}", talk(&again));
}

/// What each plan meets by itself: nothing of it is for the engine.
#[test]
fn an_engine_loses_and_doubles_nothing() {
    if !has_modules("apache_beam") {
        return;
    }
    let (source, destination) = sides_of(&INFLUXQL);
    source.break_request("/query", 5, Fault::CutChunks);
    source.break_request("/query", 9, Fault::Unavailable(None));
    source.break_request("/query", 14, Fault::RowLost);
    let write = "/api/v3/write_lp";
    for (nth, fault) in
        [(1, Fault::Unanswered), (3, Fault::TooManyRequests(Some(1))), (5, Fault::Reset)]
    {
        destination.break_request(write, nth, fault);
    }
    let migration = of(&config(&INFLUXQL, &source, &destination, ""));
    check(&migration, &destination, &on_beam(&migration, &PROCESSES));
    assert!(source.strikes() + destination.strikes() >= 5, "faults have struck");
}

/// Five batches in a row that come to no end fail their bundle, and the runner tries that again.
#[test]
fn a_bundle_that_is_tried_again_does_what_is_left() {
    if !has_modules("apache_beam") {
        return;
    }
    let (source, destination) = sides_of(&FLUX);
    let config = FLUX.config(&source, &destination).replace("attempts = 3", "attempts = 1");
    // The first batch is done.
    for nth in FLUX.each + 1..=FLUX.each + 5 {
        source.break_request(FLUX.path, nth, Fault::Internal);
    }
    let migration = of(&config);
    let output = on_beam(&migration, &RETRIES);
    check(&migration, &destination, &output);
    assert!(talk(&output).contains("Incomplete"), "{}", talk(&output));
    assert_eq!(source.strikes(), 5);
}

#[test]
fn an_engine_that_is_killed_goes_on() {
    if !has_modules("apache_beam") {
        return;
    }
    let (source, destination) = sides_of(&FLUX);
    let migration = of(&config(&FLUX, &source, &destination, ""));
    // A query and a count are a batch.
    let hold = source.hold(Moment::Arrived, FLUX.path, 4 * FLUX.each);
    let mut process = migration.start_on_beam(&THREADS);
    hold.wait();
    process.kill().expect("it runs");
    process.wait().expect("it has been killed");
    hold.release();
    check(&migration, &destination, &on_beam(&migration, &THREADS));
}

/// Four workers, each in a process of its own, write together what one may.
#[test]
fn workers_share_a_quota() {
    if !has_modules("apache_beam") {
        return;
    }
    let (source, destination) = sides_of(&FLUX);
    // Four of the six bodies that there are fit into the half that is ours.
    let (quota, window) = (40_000, Duration::from_secs(3));
    let migration = of(&config(&FLUX, &source, &destination, "write_mb = 0.08\nwindow = \"3s\"\n"));
    let (tell, told) = mpsc::channel();
    // A body may be cut to what is left of a window.
    for nth in 1..=50 {
        let tell = tell.clone();
        destination.on_request(Moment::Arrived, "/api/v3/write_lp", nth, move |exchange| {
            tell.send((Instant::now(), exchange.body.len())).expect("somebody listens");
        });
    }
    check(&migration, &destination, &on_beam(&migration, &PROCESSES));
    let bodies: Vec<_> = told.try_iter().collect();
    let sum: usize = bodies.iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(sum, destination.written("dst").concat().len());
    assert!(sum > quota, "one window takes all: {sum}");
    for (begin, _) in &bodies {
        let in_window = |(at, _): &&(Instant, usize)| (*begin..*begin + window).contains(at);
        let sum: usize = bodies.iter().filter(in_window).map(|(_, bytes)| bytes).sum();
        assert!(sum <= quota, "{sum} bytes in a window: {bodies:?}");
    }
}

#[test]
fn what_a_person_has_to_change_is_said() {
    if !has_modules("apache_beam") {
        return;
    }
    let (source, destination) = sides_of(&FLUX);
    for (limits, said) in [
        ("write_mb = \"auto\"\n", "error: `limits.write_mb` cannot be \"auto\" here"),
        ("window = \"soon\"\n", "error: `limits.window`"),
    ] {
        let migration = of(&config(&FLUX, &source, &destination, limits));
        let output = on_beam(&migration, &THREADS);
        assert_eq!(output.status.code(), Some(2));
        assert!(talk(&output).contains(said), "{}", talk(&output));
    }
    for (time, word, said) in [
        ("stop = 2022-01-01T06:30:00Z", "stop = \"now\"", "`migration.stop` cannot be \"now\""),
        ("start = 2022-01-01T00:00:00Z", "start = \"earliest\"", "`migration.start` cannot be"),
    ] {
        let migration = of(&config(&FLUX, &source, &destination, "").replace(time, word));
        let output = on_beam(&migration, &THREADS);
        assert_eq!(output.status.code(), Some(2));
        assert!(talk(&output).contains(said), "{}", talk(&output));
    }
    // No worker is let in: each batch is left out, and why.
    let token = Some("another".to_owned());
    let source = FakeInflux::with(Settings { token, ..Settings::default() });
    let migration = of(&config(&FLUX, &source, &destination, ""));
    let output = on_beam(&migration, &THREADS);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("does not accept the credentials (401)"), "{}", talk(&output));
    assert!(!talk(&output).contains("secret"));
}
