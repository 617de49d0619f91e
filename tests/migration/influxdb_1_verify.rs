//! A million values between two real InfluxDB 1.6.7, of which one is taken away, one is altered and one is
//! added behind the back of the migration: exactly these are found, and exactly what is missing is repaired.

use std::fmt::Write;

use serde_json::Value;
use support::servers::RealServer;

use crate::influxdb_1::{NEW_YEAR, execute, execute_as, table, write};
use crate::run::{Host, Migration, talk};

/// Each has five values every two times: a million in all.
const POINTS: i64 = 400_000;
const HOSTS: i64 = 20;
/// 20 000 times are two days, but for some hours.
const STEP: i64 = 8_000_000_000;
const BUCKET: &str = "million/autogen";

fn lines(numbers: std::ops::Range<i64>) -> String {
    let mut lines = String::new();
    for number in numbers {
        let (host, time) = (number % HOSTS, NEW_YEAR + number / HOSTS * STEP);
        let text =
            if number / HOSTS % 2 == 0 { format!(",text=\"t {number}\"") } else { String::new() };
        writeln!(lines, "load,host=h{host:02} count={number}i,value={number}.5{text} {time}")
            .expect("a string takes all that is written");
    }
    lines
}

#[track_caller]
fn verify(migration: &Migration, options: &[&str]) -> (Option<i32>, Value) {
    let output = migration.does("verify", &[options, &["--json"]].concat());
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|error| panic!("{error}: {}", talk(&output))))
}

/// Missing, different, extra, repaired.
fn kinds(report: &Value) -> [u64; 4] {
    ["missing", "different", "extra", "repaired"]
        .map(|kind| report["kinds"][kind].as_u64().expect("each kind is counted"))
}

/// Bytes that the batches of a migration have read.
fn read(migration: &Migration) -> u64 {
    let records = migration.read("migration.checkpoint.lp");
    let read = records.lines().filter_map(|line| line.split_once(",read="));
    let read = read.filter_map(|(_, rest)| rest.split_once('i')?.0.parse::<u64>().ok());
    read.sum()
}

#[test]
fn one_value_in_a_million_is_found_and_repaired() {
    let Some(source) = RealServer::influxdb_1() else { return };
    let Some(destination) = RealServer::influxdb_1() else { return };
    for server in [&source, &destination] {
        execute(server, "create database million");
    }
    for first in (0..POINTS).step_by(50_000) {
        write(&source, BUCKET, &lines(first..first + 50_000));
    }
    let config = format!(
        "[migration]\nstart = 2022-01-01T00:00:00Z\nstop = 2022-01-08T00:00:00Z\n{}{}",
        table("source", source.url(), BUCKET),
        table("destination", destination.url(), BUCKET)
    );
    let migration = Migration::new(Host::Binary, &config);
    migration.complete();
    let (status, report) = verify(&migration, &[]);
    assert_eq!((status, kinds(&report)), (Some(0), [0; 4]), "{report:#}");
    assert_eq!(report["source"]["values"], 1_000_000);
    assert_eq!(report["destination"]["values"], 1_000_000);
    let bytes = report["read_bytes"].as_u64().expect("it is counted");
    // Of both sides together.
    assert!(bytes * 100 < read(&migration), "{bytes} of {}", read(&migration));

    // A whole point, an altered value, and one that nobody has written to the source.
    let time = NEW_YEAR + 12_345 * STEP;
    let delete = format!("delete from load where time = {time} and host = 'h07'");
    execute_as(&destination, "db=million&", &delete);
    write(&destination, BUCKET, &format!("load,host=h11 count=-1i {time}\n"));
    write(&destination, BUCKET, &format!("load,host=h12 count=5i {}\n", time + 1));
    let (status, report) = verify(&migration, &[]);
    assert_eq!((status, kinds(&report)), (Some(3), [2, 1, 1, 0]), "{report:#}");
    let (status, report) = verify(&migration, &["--deep", "--repair"]);
    assert_eq!((status, kinds(&report)), (Some(3), [0, 1, 1, 2]), "{report:#}");
    let (status, report) = verify(&migration, &["--deep"]);
    assert_eq!((status, kinds(&report)), (Some(3), [0, 1, 1, 0]), "{report:#}");
}
