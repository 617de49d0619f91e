//! How long it takes from the start of the program to its first request, and what of that is the
//! component's.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use serde_json::json;
use tempfile::TempDir;
use tsm2iox::component::{Component, Plan};
use tsm2iox_guest::plan::Purpose;

use super::runs::to;
use crate::table::{Bound, Goal, write_goals};

/// A person does not notice what is shorter, and a task that runs every minute does not either.
const FIRST_REQUEST_MILLISECONDS: f64 = 50.0;
/// An odd number, of which one is in the middle.
const STARTS: usize = 21;
/// A program that has asked nothing by then has ended.
const START_MAX: Duration = Duration::from_secs(10);
/// How precise a start is measured.
const LOOK_AGAIN: Duration = Duration::from_micros(100);

/// Measures and prints.
///
/// # Errors
/// If the program does not start, or nothing can be printed.
pub(crate) fn run(program: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "\nStart, median of {STARTS}, with the component compiled before")?;
    let first_request = median(|| first_request(program))?;
    let (at_first, _) = timed(Component::embedded)?;
    let loaded = median(|| timed(Component::embedded).map(|(took, _)| took))?;
    let component = Component::embedded()?;
    let settings = json!({
        "migration": { "start": "2022-01-01T00:00:00Z", "stop": "2022-02-01T00:00:00Z" },
        "source": { "api": "v1", "url": "http://s", "bucket": "s" },
        "destination": { "api": "v3", "url": "http://d", "bucket": "d" },
    })
    .to_string();
    let opened = median(|| {
        let (took, plan) = timed(|| Plan::open(&component, Purpose::Migrate, &settings))?;
        plan.map_err(|error| anyhow!("{error}"))?;
        Ok(took)
    })?;
    for (what, took) in [
        ("from the start of the program to its first request", first_request),
        ("loading the component, in this process, the first time", at_first),
        ("loading it again", loaded),
        ("opening a plan, in an instance of its own", opened),
    ] {
        writeln!(out, "  {what:<56}{:>8.2} ms", milliseconds(took))?;
    }
    let found = Some(milliseconds(first_request));
    let goals = [Goal {
        what: "ms to the first request",
        bound: Bound::AtMost(FIRST_REQUEST_MILLISECONDS),
        found,
    }];
    Ok(write_goals(out, &goals)?)
}

fn first_request(program: &Path) -> anyhow::Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let folder = TempDir::new()?;
    let config = folder.path().join("migration.toml");
    fs::write(
        &config,
        format!(
            "[migration]\nstart = 2022-01-01T00:00:00Z\nstop = 2022-02-01T00:00:00Z\n\
             [source]\napi = \"v1\"\nurl = \"{url}\"\nbucket = \"source\"\n[destination]\n{}",
            to(&url)
        ),
    )?;
    let mut command = Command::new(program);
    command.arg("run").arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let mut process = command.spawn()?;
    let connection = accept(&listener, began);
    let took = began.elapsed();
    process.kill()?;
    process.wait()?;
    connection.map(|_| took)
}

/// Waits for the first byte of a connection.
fn accept(listener: &TcpListener, began: Instant) -> anyhow::Result<TcpStream> {
    loop {
        match listener.accept() {
            Ok((mut connection, _)) => {
                connection.set_nonblocking(false)?;
                connection.set_read_timeout(Some(START_MAX))?;
                connection.read_exact(&mut [0; 1])?;
                return Ok(connection);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                ensure!(began.elapsed() < START_MAX, "the program does not ask anything");
                thread::sleep(LOOK_AGAIN);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn timed<T, E: Into<anyhow::Error>>(
    work: impl FnOnce() -> Result<T, E>,
) -> anyhow::Result<(Duration, T)> {
    let began = Instant::now();
    let result = work().map_err(Into::into)?;
    Ok((began.elapsed(), result))
}

fn median(run: impl Fn() -> anyhow::Result<Duration>) -> anyhow::Result<Duration> {
    let times: Result<Vec<_>, _> = (0..STARTS).map(|_| run()).collect();
    let mut times = times?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
