//! What work takes: CPU time of this thread; wall and CPU time and memory of another program.
//!
//! Another program is started and measured by this one, begun anew (`measure`): the peak of memory
//! that the system tells of a program counts what the program that started it had (Linux,
//! `setmax_mm_hiwater_rss` at `exec`), and the one with the responses has hundreds of megabytes.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

/// What a program took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// From its start to its end.
    pub(crate) wall: Duration,
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

/// Runs a command and says what it took. `feed` writes its standard input; what it says is lost.
///
/// # Errors
/// If it cannot be run, fails, or does not read what it is fed.
pub(crate) fn of_command(
    command: &Command,
    feed: impl FnOnce(&mut ChildStdin) -> io::Result<()>,
) -> anyhow::Result<Usage> {
    let name = command.get_program().display();
    let mut measuring = Command::new(env::current_exe()?);
    measuring.arg("measure").arg("--").arg(command.get_program()).args(command.get_args());
    measuring.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    measuring.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut measuring = measuring.spawn()?;
    // Closed at the end of the statement, which tells the program that this was all.
    feed(&mut measuring.stdin.take().expect("it was piped"))
        .with_context(|| format!("{name} did not read its input"))?;
    let output = measuring.wait_with_output()?;
    if !output.status.success() {
        let talk = String::from_utf8_lossy(&output.stderr);
        bail!("{name} could not be measured: {}", talk.trim_end());
    }
    let figures = String::from_utf8(output.stdout)?;
    let figures: Result<Vec<u64>, _> = figures.split_whitespace().map(str::parse).collect();
    match figures?[..] {
        [wall, cpu, peak_bytes] => Ok(Usage {
            wall: Duration::from_micros(wall),
            cpu: Duration::from_micros(cpu),
            peak_bytes,
        }),
        _ => bail!("{name} was not measured"),
    }
}

/// The other side of `of_command`: runs a command, whose output is lost, and says what it took.
///
/// # Errors
/// If the command cannot be run, or fails.
pub(crate) fn measure(command: &[OsString], out: &mut impl Write) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let began = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall = began.elapsed();
    ensure!(status.success(), "{} ended with {status}", program.display());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time() + usage.system_time();
    // Linux counts kibibytes.
    let unit = if cfg!(target_os = "linux") { 1024 } else { 1 };
    writeln!(out, "{} {} {}", wall.as_micros(), cpu.num_microseconds(), usage.max_rss() * unit)?;
    Ok(())
}
