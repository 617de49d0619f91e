//! A migration on Apache Beam by one worker, two and four, from a source that takes the same time for each answer.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use support::influx::{Engine, FakeInflux, Fault, Moment, Points, Settings};
use support::python::{examples, has_modules, python};

use crate::points::{SECOND, START};
use crate::table::{Bound, Goal, write_goals};

/// What each query waits for its answer.
const LATENCY: Duration = Duration::from_millis(500);
const QUERIES: &str = "/api/v2/query";
const WRITES: &str = "/api/v3/write_lp";
const HOUR: i64 = 3600 * SECOND;

pub(super) fn run(batches: u16, out: &mut impl Write) -> anyhow::Result<()> {
    if !has_modules("apache_beam") {
        return Ok(());
    }
    writeln!(out, "\n{batches} batches on Apache Beam, {LATENCY:?} for each answer of the source")?;
    let mut times = Vec::new();
    for workers in [1, 2, 4] {
        let time = migrate(batches, workers)?;
        writeln!(out, "  workers: {workers}{:>12.2} s", time.as_secs_f64())?;
        times.push(time.as_secs_f64());
    }
    let goal = |what, bound, found| Goal { what, bound: Bound::AtLeast(bound), found: Some(found) };
    let goals = [
        goal("2 workers / 1, speed", 1.8, times[0] / times[1]),
        goal("4 workers / 1, speed", 3.2, times[0] / times[2]),
    ];
    Ok(write_goals(out, &goals)?)
}

/// From the first query to the last write: how long a runner takes to begin is its own affair.
fn migrate(batches: u16, workers: usize) -> anyhow::Result<Duration> {
    let source = FakeInflux::start();
    let destination = FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() });
    let lines = points(batches);
    source.load("src", &lines);
    source.break_from(QUERIES, 1, Fault::Delayed(LATENCY));
    let (tell, told) = mpsc::channel();
    let watch = |server: &FakeInflux, path, nth| {
        let tell = tell.clone();
        server.on_request(Moment::Arrived, path, nth, move |_| {
            // Whoever waits for it may have given up.
            let _ = tell.send(Instant::now());
        });
    };
    watch(&source, QUERIES, 1);
    watch(&destination, WRITES, batches.into());

    let folder = tempfile::tempdir()?;
    let (config, component) = (folder.path().join("migration.toml"), folder.path().join("c.wasm"));
    fs::write(&config, configuration(&source, &destination, batches, workers))?;
    fs::write(&component, tsm2iox_guest::COMPONENT)?;
    let mut beam = python();
    beam.arg(examples().join("beam/migrate_beam.py")).arg(&config).env("COMPONENT", &component);
    beam.args(["--direct_num_workers", &workers.to_string()]);
    beam.args(["--direct_running_mode", "multi_processing"]);
    let output = beam.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    destination.points("dst").assert_same(&Points::parse(&lines));
    let (first, last) = (told.try_recv().ok(), told.try_recv().ok());
    last.zip(first).map(|(last, first)| last - first).context("neither query nor write was seen")
}

/// A point a minute, as many hours as there are batches.
fn points(batches: u16) -> String {
    let mut lines = String::new();
    for minute in 0..i64::from(batches) * 60 {
        let time = START + minute * 60 * SECOND;
        writeln!(lines, "cpu,host=a load={minute}i,idle=0.5 {time}").expect("a string takes all");
    }
    lines
}

fn configuration(
    source: &FakeInflux,
    destination: &FakeInflux,
    batches: u16,
    workers: usize,
) -> String {
    let (source, destination) = (source.url(), destination.url());
    let time = |nanoseconds| chrono::DateTime::from_timestamp_nanos(nanoseconds).to_rfc3339();
    let stop = START + i64::from(batches) * HOUR;
    let (start, stop) = (time(START), time(stop));
    format!(
        "[migration]\nstart = \"{start}\"\nstop = \"{stop}\"\nbatch_interval = \"1h\"\n\
         [source]\napi = \"v2\"\nlanguage = \"flux\"\nurl = \"{source}\"\norg = \"o\"\nbucket = \"src\"\n\
         [destination]\napi = \"v3\"\nurl = \"{destination}\"\nbucket = \"dst\"\n\
         [limits]\nconcurrency = {workers}\n"
    )
}
