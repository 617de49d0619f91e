//! InfluxDB 1.x as a source: what the tests of it share, and the way from a server to the lines
//! that it holds.
//!
//! What a server holds is told by `influx_inspect export`, InfluxData's own reader of its files.
//! It writes one line for each value: `m,tag=a f=1 1640995200000000000`.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use support::influx::Points;
use support::missing;
use support::servers::RealServer;

use crate::run::{Host, Migration, talk};

/// A day, in nanoseconds.
pub(crate) const DAY: i64 = 24 * HOUR;
/// An hour, in nanoseconds.
pub(crate) const HOUR: i64 = 3_600_000_000_000;
/// 2022-01-01T00:00:00Z, a Saturday.
pub(crate) const NEW_YEAR: i64 = 1_640_995_200_000_000_000;

/// What all migrations here begin with; the batches are longer than most shard groups.
pub(crate) const RANGE: &str = "[migration]\nstart = 2021-12-31T12:00:00Z\n\
     stop = 2022-02-01T00:00:00Z\nbatch_interval = \"4d\"\n";

/// Runs a statement that succeeds, as somebody who may do all.
#[track_caller]
pub(crate) fn execute(server: &RealServer, statement: &str) -> Value {
    execute_as(server, "", statement)
}

/// The same, with parameters that say who asks, such as `u=admin&p=secret&`.
#[track_caller]
pub(crate) fn execute_as(server: &RealServer, login: &str, statement: &str) -> Value {
    let target = format!("/query?{login}epoch=ns&q={}", encoded(statement));
    let reply = server.post(&target, "");
    let succeeds = reply.status == 200 && !reply.text().contains("\"error\"");
    assert!(succeeds, "{statement}: {}", reply.text());
    serde_json::from_slice(&reply.body).expect("it answers JSON")
}

/// Writes lines that are all taken to a bucket named `db/rp`.
#[track_caller]
pub(crate) fn write(server: &RealServer, bucket: &str, lines: &str) {
    write_as(server, "", bucket, lines);
}

/// The same, with parameters that say who writes.
#[track_caller]
pub(crate) fn write_as(server: &RealServer, login: &str, bucket: &str, lines: &str) {
    let (database, policy) = parts(bucket);
    let (database, policy) = (encoded(database), encoded(policy));
    let target = format!("/write?{login}db={database}&rp={policy}&precision=ns");
    let reply = server.post(&target, lines);
    assert_eq!(reply.status, 204, "{bucket}: {}", reply.text());
}

/// The database and retention policy of `create`.
pub(crate) const BUCKET: &str = "db/days";

/// Creates a database with a retention policy of one shard group a day.
#[track_caller]
pub(crate) fn create(server: &RealServer) {
    create_as(server, "");
}

/// The same, with parameters that say who asks.
#[track_caller]
pub(crate) fn create_as(server: &RealServer, login: &str) {
    execute_as(server, login, "create database db");
    let statement = "create retention policy days on db duration inf replication 1 \
                     shard duration 1d default";
    execute_as(server, login, statement);
}

/// A field that is a float, an integer, a string and a boolean, a day each, in so many series.
pub(crate) fn changing(series: usize) -> String {
    let mut lines = String::new();
    let values = ["1.5", "9007199254740993i", "\"text\"", "true", "2.5"];
    for (value, day) in values.iter().zip(0..) {
        for (host, time) in (0..series).flat_map(|host| [(host, 0), (host, HOUR), (host, DAY - 1)])
        {
            let time = NEW_YEAR + day * DAY + time;
            writeln!(lines, "c,host={host} f={value},n={host}i {time}")
                .expect("a string takes all that is written");
        }
    }
    lines
}

/// A name in quotes, as InfluxQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A name as TOML has it, which is as JSON has it.
fn toml(name: &str) -> String {
    Value::from(name).to_string()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Database and retention policy. Neither may hold a slash: 1.x makes folders of them.
fn parts(bucket: &str) -> (&str, &str) {
    bucket.split_once('/').expect("a database and a retention policy")
}

/// The table of a source, or of a destination, that is a server.
pub(crate) fn table(name: &str, url: &str, bucket: &str) -> String {
    format!("[{name}]\napi = \"v1\"\nurl = \"{url}\"\nbucket = {}\n", toml(bucket))
}

/// The table of a destination that is the file `out.lp`.
pub(crate) const TO_FILE: &str = "[destination]\napi = \"lp\"\npath = \"out.lp\"\n";

/// Migrates a bucket into a file, and returns what that then holds.
#[track_caller]
pub(crate) fn migrated(server: &RealServer, bucket: &str) -> Points {
    migrated_saying(server, bucket).0
}

/// The same, and what it said.
#[track_caller]
pub(crate) fn migrated_saying(server: &RealServer, bucket: &str) -> (Points, String) {
    let source = table("source", server.url(), bucket);
    let migration = Migration::new(Host::Binary, &format!("{RANGE}{source}{TO_FILE}"));
    let output = migration.run();
    let talk = talk(&output);
    assert!(output.status.success(), "{talk}");
    (Points::parse(&migration.read("out.lp")), talk)
}

/// Runs a migration that ends with this exit status, and returns what it said.
#[track_caller]
pub(crate) fn ended(config: &str, status: i32) -> String {
    let output = Migration::new(Host::Binary, config).run();
    let talk = talk(&output);
    assert_eq!(output.status.code(), Some(status), "{talk}");
    talk
}

/// What the files of a server hold of a bucket, in line protocol. Ends the server: what it still
/// has in memory is in its write-ahead log as well. `None`, and a line on standard error, where
/// `INFLUX_INSPECT` does not name the program `influx_inspect` of InfluxDB 1.x.
#[track_caller]
pub(crate) fn exported(server: &mut RealServer, bucket: &str) -> Option<String> {
    let Some(program) = env::var_os("INFLUX_INSPECT") else {
        missing("influx_inspect (named by the variable INFLUX_INSPECT)");
        return None;
    };
    Some(exported_by(Path::new(&program), server.stop(), bucket))
}

#[track_caller]
fn exported_by(program: &Path, folder: &Path, bucket: &str) -> String {
    let (database, policy) = parts(bucket);
    let out = folder.join("export.lp");
    let mut command = Command::new(program);
    command.arg("export").args(["-database", database, "-retention", policy]);
    command.arg("-datadir").arg(folder.join("data"));
    command.arg("-waldir").arg(folder.join("wal"));
    let output = command.arg("-out").arg(&out).output().expect("INFLUX_INSPECT names a program");
    // It goes on after a file that it cannot read, and ends well.
    assert!(output.status.success() && output.stderr.is_empty(), "{}", talk(&output));
    let text = fs::read_to_string(out).expect("it exports text");
    let (_, lines) = text.split_once("\n# DML\n").expect("data follow the definitions");
    lines.to_owned()
}

/// The points of an export.
#[track_caller]
pub(crate) fn exported_points(lines: &str) -> Points {
    // It writes a `\` before a quotation mark in the name of a field, which is none to a parser
    // (`escape.Bytes`; observed on influx_inspect 1.8.10).
    let lines = lines.replace("quo\\\"te=", "quo\"te=");
    Points::parse(&lines.replace("\\\"quoted\\\"=", "\"quoted\"="))
}
