//! What it costs to prove a migration, beside the migration itself: from the source to a real InfluxDB 1.6.7,
//! which `verify` can ask, both by counts and value by value.
//!
//! Does not know how sides are compared.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;
use support::client::request;
use support::servers::RealServer;

use super::runs::{Migration, Migrator, Part};
use crate::table::{Bound, Goal, write_goals};

/// Of an intact migration.
const TIME_PART_MAX: f64 = 0.25;
const BYTES_PART_MAX: f64 = 0.01;
/// In nanoseconds.
const DAY: i64 = 86_400_000_000_000;
/// The database of the destination.
const DATABASE: &str = "proof";

/// What a comparison took.
#[derive(Clone, Copy, Debug)]
struct Proof {
    took: Duration,
    read: f64,
}

/// Measures and prints.
///
/// # Errors
/// If both sides are not the same, or nothing can be printed.
pub(crate) fn run(migrator: Migrator<'_>, part: Part, out: &mut impl Write) -> anyhow::Result<()> {
    let Some(destination) = RealServer::influxdb_1() else {
        return Ok(writeln!(out, "proofs are left out: there is no InfluxDB 1.x to prove")?);
    };
    let create = format!("/query?q=CREATE%20DATABASE%20{DATABASE}");
    ensure!(request(destination.url(), "POST", &create, &[], &[]).status == 200);
    let keys = format!("api = \"v1\"\nurl = \"{}\"\nbucket = \"{DATABASE}\"\n", destination.url());
    let migration = migrator.migration(part, migrator.source.url(), &keys)?;
    let began = Instant::now();
    migration.run()?;
    let (took, read) = (began.elapsed(), migration.read()?);
    let counts = verify(migrator, &migration, &[], part)?;
    let deep = verify(migrator, &migration, &["--deep"], part)?;
    writeln!(out, "\nProof of {} values, to InfluxDB 1.6.7", part.content.values)?;
    for (what, took, read) in [
        ("the migration", took, read),
        ("verify", counts.took, counts.read),
        ("verify --deep", deep.took, deep.read),
    ] {
        let (seconds, megabytes) = (took.as_secs_f64(), read / 1e6);
        writeln!(out, "  {what:<28}{seconds:>10.2} s{megabytes:>12.3} MB read")?;
    }
    // Of less than a day, figures say little.
    if part.stop - part.start < DAY {
        return Ok(());
    }
    let part_of = |one: f64, other: f64| Some(one / other);
    let goals = [
        Goal {
            what: "verify, of the migration's time",
            bound: Bound::AtMost(TIME_PART_MAX),
            found: part_of(counts.took.as_secs_f64(), took.as_secs_f64()),
        },
        Goal {
            what: "verify, of the bytes that it read",
            bound: Bound::AtMost(BYTES_PART_MAX),
            found: part_of(counts.read, read),
        },
    ];
    Ok(write_goals(out, &goals)?)
}

fn verify(
    migrator: Migrator<'_>,
    migration: &Migration<'_>,
    options: &[&str],
    part: Part,
) -> anyhow::Result<Proof> {
    let mut command = Command::new(migrator.program);
    command.arg("verify").arg(migration.config()).arg("--json").args(options);
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    let talk = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "both sides differ: {talk}");
    let report: Value = serde_json::from_slice(&output.stdout).context("no report")?;
    let values = report["destination"]["values"].as_u64();
    ensure!(values == Some(part.content.values), "{values:?} values were compared");
    let read = report["read_bytes"].as_f64().context("the report does not say what was read")?;
    Ok(Proof { took, read })
}
