//! What work takes: CPU time of this thread, CPU time and memory of another program.
//!
//! Another program is started and measured by this one, begun anew (`measure`): the peak of memory
//! that the system tells of a program counts what the program that started it had (Linux,
//! `setmax_mm_hiwater_rss` at `exec`), and the one with the responses has hundreds of megabytes.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

/// What a program took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// The most memory that it had at a time.
    pub(crate) peak_bytes: u64,
}

/// Does something, and says what CPU time of this thread it took.
///
/// # Errors
/// Those of what it does.
pub(crate) fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Duration> {
    let thread_time = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    let began = thread_time()?;
    work()?;
    Ok(thread_time()? - began)
}

/// Runs a program and says what it took. `feed` writes its standard input.
///
/// # Errors
/// If it cannot be run, fails, or does not read what it is fed.
pub(crate) fn of_program(
    program: &OsStr,
    arguments: &[&OsStr],
    feed: impl FnOnce(&mut ChildStdin) -> io::Result<()>,
) -> anyhow::Result<Usage> {
    let name = program.display();
    let mut measuring = Command::new(env::current_exe()?)
        .arg("measure")
        .arg("--")
        .arg(program)
        .args(arguments)
        // One thread, as the others have.
        .env("GOMAXPROCS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    // Closed at the end of the statement, which tells the program that this was all.
    feed(&mut measuring.stdin.take().expect("it was piped"))
        .with_context(|| format!("{name} did not read its input"))?;
    let output = measuring.wait_with_output()?;
    ensure!(output.status.success(), "{name} could not be measured");
    let figures = String::from_utf8(output.stdout)?;
    let figures: Result<Vec<u64>, _> = figures.split_whitespace().map(str::parse).collect();
    match figures?[..] {
        [cpu, peak_bytes] => Ok(Usage { cpu: Duration::from_micros(cpu), peak_bytes }),
        _ => bail!("{name} was not measured"),
    }
}

/// The other side of `of_program`: runs a command, whose output is lost, and says what it took.
///
/// # Errors
/// If the command cannot be run, or fails.
pub(crate) fn measure(command: &[OsString], out: &mut impl Write) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{} ended with {status}", program.display());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time() + usage.system_time();
    // Linux counts kibibytes.
    let unit = if cfg!(target_os = "linux") { 1024 } else { 1 };
    writeln!(out, "{} {}", cpu.num_microseconds(), usage.max_rss() * unit)?;
    Ok(())
}
