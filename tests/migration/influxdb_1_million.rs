//! A million points of InfluxDB 1.6.7, on their way to a file and to a second server. The runs are
//! killed and go on, and every value is compared with what was written.
//!
//! There is one way to say each value, so that they are compared as text:
//! `load,host=h10,zone=z1 count=60i,up=true,value=7.5 1640995230000000000`.

use std::fmt::Write;

use support::influx::{Points, Value};
use support::servers::RealServer;

use crate::influxdb_1::{NEW_YEAR, TO_FILE, execute, exported, table, write};
use crate::influxdb_1_relay::Relay;
use crate::run::{Host, Migration};

const POINTS: i64 = 1_000_000;
/// So many points of each time.
const HOSTS: i64 = 50;
/// 20 000 times are a week, but for an hour and some minutes.
const STEP: i64 = 30_000_000_000;
/// About four megabytes: what a client of 1.x would send.
const BODY_POINTS: i64 = 50_000;
const BUCKET: &str = "million/autogen";

/// These points, as lines with their fields in the order of their names.
fn lines(numbers: std::ops::Range<i64>) -> String {
    let mut lines = String::new();
    for number in numbers {
        let time = NEW_YEAR + number / HOSTS * STEP;
        lines += &series(number);
        lines.push(' ');
        if number % 4 == 0 {
            write!(lines, "count={number}i,").expect("a string takes all that is written");
        }
        if number % 7 == 0 {
            write!(lines, "state=\"s{number}\",").expect("a string takes all that is written");
        }
        if number % 5 == 0 {
            write!(lines, "up={},", number % 2 == 0).expect("a string takes all that is written");
        }
        // Eighths of what is less than a million are said in full by everybody.
        let (whole, rest) = (number / 8, [".125", ".25", ".375", ".5", ".625", ".75", ".875"]);
        let rest = usize::try_from(number % 8 - 1).map_or("", |eighths| rest[eighths]);
        writeln!(lines, "value={whole}{rest} {time}").expect("a string takes all that is written");
    }
    lines
}

/// The measurement and the tags of a point.
fn series(number: i64) -> String {
    let host = number % HOSTS;
    format!("load,host=h{host:02},zone=z{}", host % 3)
}

/// The number of the point of this series and time; `None` if there is no such point.
fn number(name: &str, time: &str) -> Option<i64> {
    let host: i64 = name.strip_prefix("load,host=h")?.get(..2)?.parse().ok()?;
    let time = time.parse::<i64>().ok()? - NEW_YEAR;
    let number = time / STEP * HOSTS + host;
    let is_one = time % STEP == 0 && (0..POINTS).contains(&number) && series(number) == name;
    is_one.then_some(number)
}

/// The fields of each point, in the order of the points and of their names, whether they came on
/// one line or on several. No name and no value here holds a blank or a comma.
#[track_caller]
fn fields(lines: &str) -> Vec<Vec<&str>> {
    let mut points = vec![Vec::new(); usize::try_from(POINTS).expect("a million")];
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split(' ');
        let [series, fields, time] = [parts.next(), parts.next(), parts.next()];
        let number = number(series.unwrap_or_default(), time.unwrap_or_default());
        let number = number.and_then(|number| usize::try_from(number).ok());
        let number = number.unwrap_or_else(|| panic!("not written: {line}"));
        points[number].extend(fields.unwrap_or_default().split(','));
    }
    for fields in &mut points {
        fields.sort_unstable();
        // A server may have a value in its log and, already, in its file.
        fields.dedup();
    }
    points
}

/// Compares all points, and shows the first that differs: a million would fill the screen.
#[track_caller]
fn check_same(lines: &str, expected: &[Vec<&str>]) {
    let arrived = fields(lines);
    if let Some(number) = (0..expected.len()).find(|at| arrived[*at] != expected[*at]) {
        assert_eq!(arrived[number], expected[number], "point {number}");
    }
}

/// Values and points, as the records of all batches count them.
fn totals(migration: &Migration) -> (i64, i64) {
    let records = Points::parse(&migration.read("migration.checkpoint.lp"));
    let mut totals = (0, 0);
    for fields in records.series().flat_map(|(_, times)| times.values()) {
        let count = |field| match fields.get(field) {
            Some(Value::Integer(count)) => *count,
            _ => 0,
        };
        totals = (totals.0 + count("rows"), totals.1 + count("points"));
    }
    totals
}

/// Kills a run in the middle of an answer, when so many bytes have been answered, and lets the
/// next one complete.
#[track_caller]
fn kill_and_resume(migration: &Migration, relay: &Relay, bytes: usize) {
    relay.hold_after(bytes);
    let mut process = migration.start();
    relay.wait();
    process.kill().expect("it runs");
    process.wait().expect("it has been killed");
    relay.release();
    // A line for the migration, and one for each batch.
    let records = migration.read("migration.checkpoint.lp").lines().count();
    assert!((3..12).contains(&records), "{records} records: it was not in the middle");
    migration.complete();
}

#[test]
fn a_million_points_arrive_although_the_runs_are_killed() {
    let Some(mut server) = RealServer::influxdb_1() else { return };
    let Some(mut second) = RealServer::influxdb_1() else { return };
    for server in [&server, &second] {
        execute(server, "create database million");
    }
    let mut written = String::new();
    for first in (0..POINTS).step_by(50_000) {
        let body = lines(first..first + BODY_POINTS);
        write(&server, BUCKET, &body);
        written += &body;
    }
    let expected = fields(&written);
    let rows = i64::try_from(expected.iter().map(Vec::len).sum::<usize>()).expect("some millions");

    let relay = Relay::to(server.url());
    let source = format!(
        "[migration]\nstart = 2022-01-01T00:00:00Z\nstop = 2022-01-08T00:00:00Z\n\
         batch_interval = \"12h\"\n{}",
        table("source", relay.url(), BUCKET)
    );
    let whole = Migration::new(Host::Binary, &format!("{source}{TO_FILE}"));
    whole.complete();
    let bytes = relay.bytes();
    assert_eq!(totals(&whole), (rows, POINTS));
    let file = whole.read("out.lp");
    assert_eq!(file.len(), written.len());
    check_same(&file, &expected);

    let killed = Migration::new(Host::Binary, &format!("{source}{TO_FILE}"));
    kill_and_resume(&killed, &relay, bytes / 2);
    // Not `assert_eq`: it would print both.
    assert!(killed.read("out.lp") == file, "the file of the killed run differs");

    let destination = table("destination", second.url(), BUCKET);
    let concurrent = "[limits]\nconcurrency = 2\n";
    let config = format!("{source}{destination}{concurrent}");
    let to_server = Migration::new(Host::Binary, &config);
    kill_and_resume(&to_server, &relay, bytes / 2);
    assert_eq!(totals(&to_server), (rows, POINTS));

    for server in [&mut server, &mut second] {
        let Some(exported) = exported(server, BUCKET) else { return };
        check_same(&exported, &expected);
    }
}
