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
mod trace;
mod curl;
mod runs;
mod influx;
mod proof;
mod start;
mod figures;

use std::env;
use std::io::Write;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use support::missing;

use self::curl::Curl;
use self::data::{Content, Sizes};
use self::figures::Figures;
use self::relay::{Exchange, Relay};
use self::runs::{Migrator, Part, Run};
use self::source::{Bucket, Source};
use self::trace::Trace;
use crate::points::START;
use crate::program::program;

pub(crate) use self::stand_in::serve;

/// Two hours: enough to see that all of it works.
const QUICK: Sizes = Sizes { stretches: 3, seconds: 2_400, lines_seconds: 300, csv_seconds: 300 };
const DAY: i64 = 86_400;
/// Of a day as annotated CSV: each value of it becomes a line, of which the rival writes half a
/// megabyte in a second. A day would take two minutes.
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
    #[arg(long, conflicts_with = "days")]
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
        false => Sizes {
            stretches: options.days,
            seconds: DAY,
            lines_seconds: DAY,
            csv_seconds: CSV_SECONDS,
        },
    };
    let rounds = options.rounds;
    let program = program()?;
    if !Curl::is_installed() {
        missing("curl");
        return Ok(writeln!(
            out,
            "migrations are left out: there is no curl to compare them with"
        )?);
    }
    let Some(source) = open(options)? else {
        return Ok(writeln!(out, "migrations are left out: there is no InfluxDB 1.x")?);
    };
    let contents = fill(&source, sizes, out)?;
    for language in source.languages() {
        let migrator = Migrator { program: &program, source: &source, language: *language };
        measure(migrator, sizes, &contents, rounds, out)?;
    }
    let migrator = Migrator { program: &program, source: &source, language: source.languages()[0] };
    proof::run(migrator, whole(sizes, &contents), out)?;
    influx::run(sizes, out)?;
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

/// All of the points.
fn whole(sizes: Sizes, contents: &[Content]) -> Part {
    Part {
        stretches: sizes.stretches,
        start: START,
        stop: sizes.stretch(sizes.stretches - 1).stop(),
        content: data::sum(contents, sizes.stretches),
    }
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
        stretches,
        start: START,
        stop: sizes.stretch(stretches - 1).stop(),
        content: data::sum(contents, stretches),
    };
    let (all, third, one) = (part(sizes.stretches), part(sizes.stretches.div_ceil(3)), part(1));
    let url = migrator.source.url();
    let (exchanges, of_file) = witnessed(migrator, |url| migrator.to_file(all, url))?;
    let curl = Curl::prepare(migrator.source, &exchanges)?;
    curl.check(of_file.bytes)?;
    let (_, of_stand_in) = witnessed(migrator, |url| migrator.to_stand_in(all, url))?;

    let mut figures = Figures::default();
    for _ in 0..rounds {
        // In pairs: what disturbs the machine for a while disturbs both.
        figures.curl.push(curl.run()?);
        figures.file.push(migrator.to_file(all, url)?);
        figures.curl.push(curl.run()?);
        figures.stand_in.push(migrator.to_stand_in(all, url)?);
        // Of two or three days, a third is the shortest already.
        if third.stretches > one.stretches {
            figures.third.push(migrator.to_stand_in(third, url)?);
        }
        let (run, again) = migrator.to_stand_in_twice(one, url)?;
        figures.one.push(run);
        figures.idle.push(again);
    }
    let of = |part: Part| duration(sizes.seconds * i64::from(part.stretches));
    writeln!(out, "\n{} from {} by {}", of(all), migrator.source, migrator.language)?;
    figures.write_times([all, third, one].map(|part| (of(part), part.content.values)), out)?;
    figures.write_bodies(out)?;
    trace::write(&[("for a file", of_file), ("for the stand-in", of_stand_in)], out)?;
    // Of less than a day, figures say little.
    if sizes.seconds < DAY {
        return Ok(());
    }
    figures.write_goals(out)
}

/// Migrates with a witness at the source, who tells what it was asked. The first time it also lets
/// the component be compiled for the cache of this machine.
fn witnessed(
    migrator: Migrator<'_>,
    migrate: impl FnOnce(&str) -> anyhow::Result<Run>,
) -> anyhow::Result<(Vec<Exchange>, Trace)> {
    let relay = Relay::to(migrator.source.url())?;
    migrate(relay.url())?;
    let exchanges = relay.exchanges();
    let trace = Trace::of(&exchanges);
    Ok((exchanges, trace))
}

/// For people.
fn duration(seconds: i64) -> String {
    match seconds {
        DAY => "one day".to_owned(),
        _ if seconds % DAY == 0 => format!("{} days", seconds / DAY),
        _ => format!("{} minutes", seconds / 60),
    }
}
