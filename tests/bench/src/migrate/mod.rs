//! The benchmark of whole migrations: from a real server to a file and to a stand-in for InfluxDB 3
//! Core, beside the same queries by curl, and beside the writer that InfluxData offers.
//!
//! ```text
//! data ─▶ source ──▶ tsm2iox ──▶ a file, or the stand-in ─▶ digest: the lines of the points?
//!           │  └─ relay ─▶ curl: the same queries, answers thrown away
//!           └ 1.6.7, started here, or a 2.x that runs
//! ```
//!
//! Wall time counts, so nothing else should be at work; figures are printed and never a failure.
//! Does not know how tsm2iox works.

mod data;
mod digest;
mod http;
mod stand_in;
mod destination;
mod source;
mod relay;
mod curl;
mod runs;
mod influx;
mod start;
mod figures;

use std::env;
use std::io::Write;
use std::time::Instant;

use anyhow::Context;
use clap::Args;

use self::curl::Curl;
use self::data::{Content, Sizes};
use self::destination::StandIn;
use self::figures::{Figures, Trace};
use self::relay::Relay;
use self::runs::{Migrator, Part, to};
use self::source::{Bucket, Source};
use crate::points::START;
use crate::program::program;

pub(crate) use self::stand_in::serve;

/// A fraction of two hours, and of a day's CSV: enough to see that all of it works.
const QUICK: Sizes = Sizes { stretches: 3, seconds: 2_400, csv_seconds: 300 };
const DAY: i64 = 86_400;
/// Of a day as annotated CSV: each point of it is as many lines as it has fields, of which the rival
/// writes 5000 in a second.
const CSV_SECONDS: i64 = 3_600;

/// What is migrated.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many days of points, of 885 600 values each
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
    days: u32,
    /// How often each runs; what counts is the median
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Take two hours: the figures say little then
    #[arg(long)]
    quick: bool,
    /// An InfluxDB 2.x that runs, instead of a 1.6.7 that is started: `http://127.0.0.1:8086`
    #[arg(long, requires_all = ["source_org", "source_bucket", "source_token_env"])]
    source_url: Option<String>,
    /// Its organization
    #[arg(long, requires = "source_url")]
    source_org: Option<String>,
    /// A bucket of it that is empty, or holds the points of a run before
    #[arg(long, requires = "source_url")]
    source_bucket: Option<String>,
    /// The variable that holds a token for it
    #[arg(long, requires = "source_url")]
    source_token_env: Option<String>,
}

/// Runs it and prints its tables.
///
/// # Errors
/// If lines that arrive are not those of the points, something that takes part fails, or nothing can
/// be printed.
pub(crate) fn run(options: Options, out: &mut impl Write) -> anyhow::Result<()> {
    let sizes = match options.quick {
        true => QUICK,
        false => Sizes { stretches: options.days, seconds: DAY, csv_seconds: CSV_SECONDS },
    };
    let rounds = options.rounds;
    let program = program()?;
    if let Err(error) = Curl::look() {
        return Ok(writeln!(out, "migrations are left out: {error:#}")?);
    }
    let Some(source) = open(options)? else {
        return Ok(writeln!(out, "migrations are left out: there is no InfluxDB 1.x")?);
    };
    let contents = fill(&source, sizes, out)?;
    for language in source.languages() {
        let migrator = Migrator { program: &program, source: &source, language: *language };
        measure(migrator, sizes, &contents, rounds, out)?;
    }
    influx::run(sizes, &contents, source.unsigned(), out)?;
    start::run(&program, out)
}

fn open(options: Options) -> anyhow::Result<Option<Source>> {
    let Some(url) = options.source_url else { return Source::start() };
    let token_env = options.source_token_env.context("clap requires it")?;
    let token =
        env::var(&token_env).with_context(|| format!("there is no variable {token_env}"))?;
    let (org, name) = (options.source_org, options.source_bucket);
    let (org, name) = (org.context("clap requires it")?, name.context("clap requires it")?);
    Source::at(&url, Bucket { org, name, token_env, token }).map(Some)
}

/// Writes the points to the source, and says what they are.
fn fill(source: &Source, sizes: Sizes, out: &mut impl Write) -> anyhow::Result<Vec<Content>> {
    let began = Instant::now();
    let stretches = (0..sizes.stretches).map(|nth| sizes.stretch(nth));
    let write = |stretch| data::write(stretch, source.unsigned(), |lines| source.write(lines));
    let contents: Vec<Content> = stretches.map(write).collect::<Result<_, _>>()?;
    let (all, written) = (data::sum(&contents, sizes.stretches), began.elapsed());
    let settled = source.settle()?;
    writeln!(
        out,
        "{source} with {} of points: {} values, {} lines of {:.1} MB; written in {:.1} s, at rest \
         after {:.1} s",
        duration(sizes.seconds * i64::from(sizes.stretches)),
        all.values,
        all.lines.lines,
        all.lines.bytes as f64 / 1e6,
        written.as_secs_f64(),
        settled.as_secs_f64(),
    )?;
    Ok(contents)
}

/// Measures all that is read in one language, and prints it.
fn measure(
    migrator: Migrator<'_>,
    sizes: Sizes,
    contents: &[Content],
    rounds: u32,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let part = |stretches: u32| Part {
        start: START,
        stop: sizes.stretch(stretches - 1).stop(),
        content: data::sum(contents, stretches),
    };
    let (all, third, one) = (part(sizes.stretches), part(sizes.stretches.div_ceil(3)), part(1));
    let url = migrator.source.url();
    let (curl, to_file) = record(migrator, all)?;
    let mut figures = Figures::new(migrator, all, to_file);
    for _ in 0..rounds {
        figures.curl.push(curl.run()?);
        figures.file.push(migrator.to_file(all, url)?);
        figures.curl.push(curl.run()?);
        figures.stand_in.push(migrator.to_stand_in(all, url)?);
        figures.third.push(migrator.to_stand_in(third, url)?);
        figures.one.push(migrator.to_stand_in(one, url)?);
    }
    let relay = Relay::to(url)?;
    migrator.to_stand_in(all, relay.url())?;
    figures.to_stand_in = Trace::of(&relay.exchanges());
    figures.idle = Some(idle(migrator, one)?);
    figures.write(sizes, out)
}

/// Migrates once with a witness. It also lets the component be compiled for the cache of this machine.
fn record(migrator: Migrator<'_>, all: Part) -> anyhow::Result<(Curl, Trace)> {
    let relay = Relay::to(migrator.source.url())?;
    migrator.to_file(all, relay.url())?;
    let exchanges = relay.exchanges();
    let trace = Trace::of(&exchanges);
    let curl = Curl::prepare(migrator.source, &exchanges)?;
    curl.check(trace.bytes)?;
    Ok((curl, trace))
}

/// The peak of a migration that has nothing left to do.
fn idle(migrator: Migrator<'_>, one: Part) -> anyhow::Result<u64> {
    let stand_in = StandIn::start()?;
    let migration = migrator.migration(one, migrator.source.url(), &to(stand_in.url()))?;
    migration.run()?;
    Ok(migration.run()?.peak_bytes)
}

/// For people.
fn duration(seconds: i64) -> String {
    match seconds {
        DAY => "one day".to_owned(),
        _ if seconds % DAY == 0 => format!("{} days", seconds / DAY),
        _ => format!("{} minutes", seconds / 60),
    }
}
