//! Runs a host on a configuration, as a person would, in a folder of its own.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::influx::{FakeInflux, Version};
use support::python::{examples, has_modules, python};
use tempfile::TempDir;

/// Records are made at once, on a busy machine too.
const RECORDS_WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Which host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// The binary.
    Binary,
    /// `examples/python/migrate.py`.
    Python,
}

/// A configuration in a folder of its own, with all that a run leaves there.
#[derive(Debug)]
pub(crate) struct Migration {
    folder: TempDir,
    host: Host,
}

/// The hosts that are here. In CI, all must be.
pub(crate) fn hosts() -> Vec<Host> {
    match has_modules("wasmtime.component, urllib3") {
        true => vec![Host::Binary, Host::Python],
        false => vec![Host::Binary],
    }
}

impl Migration {
    pub(crate) fn new(host: Host, config: &str) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        fs::write(folder.path().join("migration.toml"), config).expect("a folder takes a file");
        if host == Host::Python {
            fs::write(folder.path().join("component.wasm"), tsm2iox_guest::COMPONENT)
                .expect("a folder takes a file");
        }
        Self { folder, host }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = match self.host {
            Host::Binary => {
                let mut command = binary();
                command.arg("run");
                command
            }
            Host::Python => self.script("python/migrate.py"),
        };
        command.arg(self.path("migration.toml")).env("TOKEN", "secret");
        command
    }

    /// A host in Python, before its arguments.
    fn script(&self, name: &str) -> Command {
        let mut command = python();
        command.arg(examples().join(name)).env("COMPONENT", self.path("component.wasm"));
        command
    }

    /// Starts `examples/beam/migrate_beam.py` with options of a runner.
    pub(crate) fn start_on_beam(&self, options: &[&str]) -> Child {
        let mut command = self.script("beam/migrate_beam.py");
        command.arg(self.path("migration.toml")).args(options).env("TOKEN", "secret");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("Python starts")
    }

    /// Runs to the end.
    pub(crate) fn run(&self) -> Output {
        self.command().stdin(Stdio::null()).output().expect("the host starts")
    }

    /// Runs another command of the binary on the configuration, to the end.
    pub(crate) fn does(&self, command: &str, options: &[&str]) -> Output {
        let mut binary = binary();
        binary.arg(command).arg(self.path("migration.toml")).args(options).env("TOKEN", "secret");
        binary.stdin(Stdio::null()).output().expect("the binary starts")
    }

    /// Runs to the end, which is to be a complete migration.
    #[track_caller]
    pub(crate) fn complete(&self) {
        let output = self.run();
        assert!(output.status.success(), "{:?}: {}", self.host, talk(&output));
    }

    /// Waits until so many records are there: a run that goes on makes them while it does other things.
    #[track_caller]
    pub(crate) fn wait_for_records(&self, count: usize) {
        let end = Instant::now() + RECORDS_WITHIN;
        let records =
            || fs::read_to_string(self.path("migration.checkpoint.lp")).unwrap_or_default();
        while records().lines().count() < count && Instant::now() < end {
            thread::sleep(LOOK_AGAIN);
        }
        assert_eq!(records().lines().count(), count, "{:?}: {}", self.host, records());
    }

    /// Starts a run, which says less than a pipe holds.
    pub(crate) fn start(&self) -> Child {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("the host starts")
    }
}

/// The binary, with nothing of this process's tokens.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tsm2iox"));
    command.env_remove("TOKEN");
    command
}

/// What a run said.
pub(crate) fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Seven hours of two measurements with fields of all types, every two minutes, in line protocol;
/// none in the third hour. In the last hour, half is beyond the stop of `config`.
pub(crate) fn points() -> String {
    let mut lines = String::new();
    for minute in (0..7 * 60).step_by(2).filter(|minute| minute / 60 != 2) {
        let time = 1_640_995_200_000_000_000_i64 + minute * 60_000_000_000;
        for host in ["a", "b c", "ü"] {
            let host = host.replace(' ', "\\ ");
            writeln!(
                lines,
                "cpu,host={host},zone=north load={minute}i,idle=0.{minute}5,up={},seen={minute}u {time}",
                minute % 4 == 0,
            )
            .expect("a string takes all that is written");
        }
        writeln!(lines, "log text=\"line {minute}, with \\\"quotes\\\"\" {}", time + 1)
            .expect("a string takes all that is written");
    }
    lines
}

/// A way to read a source.
#[derive(Debug)]
pub(crate) struct Road {
    /// What the source is.
    pub(crate) version: Version,
    /// What the configuration says of it beside its URL.
    keys: &'static str,
    /// Where its queries go.
    pub(crate) path: &'static str,
    /// How many of them come before the first batch.
    pub(crate) before: usize,
    /// How many more before the first batch of all: fields, series and tags.
    pub(crate) looks: usize,
    /// How many come for each batch.
    pub(crate) each: usize,
}

/// InfluxDB 2 in Flux: each batch is a query, and a count.
pub(crate) const FLUX: Road = Road {
    version: Version::V2,
    keys: r#"api = "v2"
language = "flux"
org = "o"
bucket = "src"
token_env = "TOKEN""#,
    path: "/api/v2/query",
    before: 0,
    looks: 0,
    each: 2,
};

/// InfluxDB 2 in InfluxQL: its retention policies, and for each batch its fields, a count and its points.
pub(crate) const INFLUXQL: Road = Road {
    version: Version::V2,
    keys: r#"api = "v2"
language = "influxql"
org = "o"
bucket = "src"
token_env = "TOKEN""#,
    path: "/query",
    before: 1,
    looks: 3,
    each: 3,
};

/// InfluxDB 1: the same, and after the retention policies the shards.
pub(crate) const INFLUXDB_1: Road = Road {
    version: Version::V1_6,
    keys: r#"api = "v1"
bucket = "src"
user = "reader"
password_env = "TOKEN""#,
    path: "/query",
    before: 2,
    looks: 3,
    each: 3,
};

/// A migration of these points in batches of an hour, but for the last half; in Flux.
pub(crate) fn config(source: &FakeInflux, destination: &FakeInflux) -> String {
    FLUX.config(source, destination)
}

impl Road {
    /// The only credentials that a source lets in.
    pub(crate) fn token(&self) -> String {
        let user = if self.version == Version::V2 { "" } else { "reader:" };
        format!("{user}secret")
    }

    /// The table of a source that it leads to.
    pub(crate) fn source(&self, url: &str) -> String {
        format!("[source]\n{}\nurl = \"{url}\"\n", self.keys)
    }

    /// The same migration by this road.
    pub(crate) fn config(&self, source: &FakeInflux, destination: &FakeInflux) -> String {
        let (source, destination) = (self.source(&source.url()), destination.url());
        format!(
            r#"
[migration]
start = 2022-01-01T00:00:00Z
stop = 2022-01-01T06:30:00Z
batch_interval = "1h"

{source}
[destination]
api = "v3"
url = "{destination}"
bucket = "dst"
token_env = "TOKEN"

[limits]
attempts = 3
"#
        )
    }
}
