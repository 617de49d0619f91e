//! What was measured of migrations, and how a person reads it.

use std::io::Write;
use std::time::Duration;

use super::data::Sizes;
use super::duration;
use super::relay::Exchange;
use super::runs::{Migrator, Part};
use super::stand_in::Counts;
use crate::memory::mebibytes;
use crate::table::{Bound, Goal, write_goals};
use crate::usage::Usage;

/// Bodies that a migration has with its destination at a time: `WRITES_IN_FLIGHT_MAX` of
/// `guest/src/plan/writer.rs`.
const BODIES_IN_FLIGHT: u64 = 2;
/// Of each: `BODY_BYTES_MAX` of `guest/src/protocol/write.rs`.
const BODY_BYTES: u64 = 10_000_000;
/// What is held of a series, `merge_bytes_max`.
const HELD_BYTES: u64 = 16 * 1024 * 1024;
/// Of an answer to some queries in a row, this much of the time of curl may be added.
const BESIDE_CURL_MAX: f64 = 1.3;
/// The last bodies of a migration wait up to a second, and so may those of the first batch.
const ACKNOWLEDGEMENTS: Duration = Duration::from_secs(2);

/// Of one language.
pub(crate) struct Figures<'a> {
    migrator: Migrator<'a>,
    all: Part,
    to_file: Trace,
    pub(crate) to_stand_in: Trace,
    pub(crate) curl: Vec<Usage>,
    pub(crate) file: Vec<Usage>,
    pub(crate) stand_in: Vec<(Usage, Counts)>,
    pub(crate) third: Vec<(Usage, Counts)>,
    pub(crate) one: Vec<(Usage, Counts)>,
    /// The peak of a migration that is complete.
    pub(crate) idle: Option<u64>,
}

/// How the source was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trace {
    requests: usize,
    pub(crate) bytes: u64,
    /// While the source was not asked anything.
    pauses: Duration,
    longest: Duration,
}

/// The medians of a kind of run.
#[derive(Clone, Copy, Debug)]
struct Median {
    wall: f64,
    cpu: f64,
    peak_bytes: u64,
}

impl Trace {
    /// What these exchanges were.
    pub(crate) fn of(exchanges: &[Exchange]) -> Self {
        let mut trace = Self { requests: exchanges.len(), ..Self::default() };
        let mut until = None;
        for exchange in exchanges {
            trace.bytes += exchange.bytes;
            let pause = until.map(|until| exchange.asked.saturating_duration_since(until));
            trace.pauses += pause.unwrap_or_default();
            trace.longest = trace.longest.max(pause.unwrap_or_default());
            until = until.max(Some(exchange.answered));
        }
        trace
    }
}

impl<'a> Figures<'a> {
    pub(crate) fn new(migrator: Migrator<'a>, all: Part, to_file: Trace) -> Self {
        Self {
            migrator,
            all,
            to_file,
            to_stand_in: Trace::default(),
            curl: Vec::new(),
            file: Vec::new(),
            stand_in: Vec::new(),
            third: Vec::new(),
            one: Vec::new(),
            idle: None,
        }
    }

    /// Prints them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn write(&self, sizes: Sizes, out: &mut impl Write) -> anyhow::Result<()> {
        let of = |runs: &[(Usage, Counts)]| {
            median(&runs.iter().map(|(usage, _)| *usage).collect::<Vec<_>>())
        };
        let (curl, file, stand_in) = (median(&self.curl), median(&self.file), of(&self.stand_in));
        let (third, one) = (of(&self.third), of(&self.one));
        let (language, millions) = (self.migrator.language, self.all.content.values as f64 / 1e6);
        let name = |stretches: u32| duration(i64::from(stretches) * sizes.seconds);
        let all = name(sizes.stretches);
        writeln!(out, "\n{all} from {} by {language}", self.migrator.source)?;
        let (wall, cpu, peak) = ("wall s", "CPU s", "MiB");
        writeln!(out, "  {:<34}{wall:>9}{cpu:>9}{:>12}{peak:>8}", "", "a million")?;
        let per_stretch = millions / f64::from(sizes.stretches);
        let third_stretches = sizes.stretches.div_ceil(3);
        for (what, median, millions) in [
            ("curl, the same queries".to_owned(), curl, millions),
            ("tsm2iox to a file".to_owned(), file, millions),
            ("tsm2iox to the stand-in".to_owned(), stand_in, millions),
            (
                format!("the same, {}", name(third_stretches)),
                third,
                per_stretch * f64::from(third_stretches),
            ),
            (format!("the same, {}", name(1)), one, per_stretch),
        ] {
            let Median { wall, cpu, peak_bytes } = median;
            let (per_million, peak) = (cpu / millions, mebibytes(peak_bytes));
            writeln!(out, "  {what:<34}{wall:>9.2}{cpu:>9.2}{per_million:>12.3}{peak:>8.1}")?;
        }
        self.write_traces(out)?;
        let mut goals = speed_goals(curl, file, stand_in, one);
        goals.extend(self.memory_goals(stand_in, third));
        Ok(write_goals(out, &goals)?)
    }

    fn write_traces(&self, out: &mut impl Write) -> anyhow::Result<()> {
        for (what, trace) in [("file", self.to_file), ("stand-in", self.to_stand_in)] {
            let Trace { requests, bytes, pauses, longest } = trace;
            writeln!(
                out,
                "  to the {what}: {requests} requests, {:.1} MB of answers; nothing asked for \
                 {:.2} s, at most {:.0} ms at a time",
                bytes as f64 / 1e6,
                pauses.as_secs_f64(),
                longest.as_secs_f64() * 1e3,
            )?;
        }
        if let Some((_, counts)) = self.stand_in.last() {
            writeln!(
                out,
                "  the stand-in took {} bodies of {:.1} MB, {:.1} MB as sent, on {} connections, \
                 {} at once at most, in {} flushes, with {:.1} s of CPU",
                counts.bodies,
                counts.lines.bytes as f64 / 1e6,
                counts.bytes_sent as f64 / 1e6,
                counts.connections,
                counts.bodies_at_once,
                counts.flushes,
                counts.cpu.as_secs_f64(),
            )?;
        }
        Ok(())
    }

    fn memory_goals(&self, all: Median, third: Median) -> Vec<Goal> {
        let above = |peak: u64| Some(mebibytes(peak.saturating_sub(self.idle?)));
        let bound = mebibytes(HELD_BYTES + BODIES_IN_FLIGHT * BODY_BYTES);
        let ratio = all.peak_bytes as f64 / third.peak_bytes as f64;
        vec![
            Goal {
                what: "MiB above idle",
                bound: Bound::AtMost(bound.round()),
                found: above(all.peak_bytes),
            },
            Goal { what: "peak / that of a third", bound: Bound::AtMost(1.1), found: Some(ratio) },
        ]
    }
}

fn speed_goals(curl: Median, file: Median, stand_in: Median, one: Median) -> Vec<Goal> {
    let beside_curl = Bound::AtMost(BESIDE_CURL_MAX);
    let less = (stand_in.wall - ACKNOWLEDGEMENTS.as_secs_f64()) / curl.wall;
    vec![
        Goal { what: "to a file / curl", bound: beside_curl, found: Some(file.wall / curl.wall) },
        Goal { what: "(to the stand-in - 2 s) / curl", bound: beside_curl, found: Some(less) },
        Goal { what: "s of one to the stand-in", bound: Bound::AtMost(3.0), found: Some(one.wall) },
    ]
}

fn median(runs: &[Usage]) -> Median {
    let of = |figure: fn(&Usage) -> f64| {
        let mut figures: Vec<_> = runs.iter().map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        let middle = figures.len() / 2;
        // Of an even number, what is between the two in the middle.
        f64::midpoint(figures[(figures.len() - 1) / 2], figures[middle])
    };
    Median {
        wall: of(|usage| usage.wall.as_secs_f64()),
        cpu: of(|usage| usage.cpu.as_secs_f64()),
        peak_bytes: runs.iter().map(|usage| usage.peak_bytes).max().unwrap_or_default(),
    }
}
