//! What was measured of migrations, and how a person reads it. Does not know how it was measured.

use std::io::Write;
use std::time::Duration;

use super::runs::Run;
use super::stand_in::Counts;
use crate::memory::mebibytes;
use crate::table::{Bound, Goal, write_goals};
use crate::usage::Usage;

/// Bodies that a migration has with its destination at a time: `WRITES_IN_FLIGHT_MAX` of
/// `guest/src/plan/window.rs`, and one that is being made, of each of two batches.
const BODIES_IN_FLIGHT: u64 = 12 + 2;
/// Bytes of each: `BODY_BYTES_MAX` of `guest/src/protocol/write.rs`.
const BODY_BYTES: u64 = 10_000_000;
/// Bytes that are held of a series: `merge_bytes_max` of the converter.
const HELD_BYTES: u64 = 16 * 1024 * 1024;
/// So many times what curl takes for the same queries, which converts and writes nothing.
const BESIDE_CURL_MAX: f64 = 1.3;
/// What is added where each body waits up to a second: one for the first batch, which is alone, and
/// one for the last body.
const ACKNOWLEDGEMENTS: Duration = Duration::from_secs(2);
/// What a short migration may take, with these.
const ONE_SECONDS_MAX: f64 = 3.0;
/// So many bodies more may be there at the peak of a run that is three times as long: how many there are
/// is a matter of chance, of which the longer run has more.
const MORE_BODIES_MAX: u64 = 3;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Of one language. Each is of all points, if nothing else is said.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) curl: Vec<Usage>,
    pub(crate) file: Vec<Run>,
    /// These are to the stand-in, as are the next ones.
    pub(crate) stand_in: Vec<Run>,
    /// Of a third of the stretches, where that is more than one.
    pub(crate) third: Vec<Run>,
    /// Of one stretch.
    pub(crate) one: Vec<Run>,
    /// Of nothing, as it was migrated before.
    pub(crate) idle: Vec<Run>,
}

/// The median of some runs, of each figure by itself; no numbers, where there were none.
#[derive(Clone, Copy, Debug)]
struct Median {
    wall: f64,
    cpu: f64,
    peak_bytes: f64,
    /// Of the last run.
    batches: usize,
}

impl Figures {
    /// Prints what each took. `parts` are all points, a third and one stretch: how long they are,
    /// and how many values.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_times(
        &self,
        [all, third, one]: [(String, u64); 3],
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let (wall, cpu, per_million) = ("wall s", "CPU s", "per million");
        let (peak, batches) = ("MiB", "batches");
        writeln!(out, "  {:<32}{wall:>9}{cpu:>9}{per_million:>13}{peak:>8}{batches:>9}", "")?;
        for (what, median, values) in [
            ("curl, the same queries".to_owned(), of_usages(&self.curl), all.1),
            ("tsm2iox to a file".to_owned(), median(&self.file), all.1),
            ("tsm2iox to the stand-in".to_owned(), median(&self.stand_in), all.1),
            (format!("the same, {}", third.0), median(&self.third), third.1),
            (format!("the same, {}", one.0), median(&self.one), one.1),
            ("the same once more".to_owned(), median(&self.idle), 0),
        ] {
            if median.wall.is_nan() {
                continue;
            }
            let Median { wall, cpu, peak_bytes, batches } = median;
            let peak = peak_bytes / MEBIBYTE;
            write!(out, "  {what:<32}{wall:>9.2}{cpu:>9.2}")?;
            match values {
                0 => write!(out, "{:>13}", "")?,
                _ => write!(out, "{:>13.3}", cpu / (values as f64 / 1e6))?,
            }
            match batches {
                0 => writeln!(out, "{peak:>8.1}")?,
                _ => writeln!(out, "{peak:>8.1}{batches:>9}")?,
            }
        }
        Ok(())
    }

    /// Prints what came to the stand-in.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_bodies(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let Some(Run { counts, .. }) = self.stand_in.last() else { return Ok(()) };
        let (bodies, megabytes, sent) = ("bodies", "MB", "MB sent");
        let (connections, at_once, flushes, cpu) = ("connections", "at once", "flushes", "CPU s");
        writeln!(
            out,
            "  {:<20}{bodies:>9}{megabytes:>9}{sent:>9}{connections:>13}{at_once:>9}{flushes:>9}\
             {cpu:>9}",
            "the stand-in, taking"
        )?;
        let Counts { connections, bodies, bytes_sent, bodies_at_once, flushes, cpu, lines } =
            counts;
        let (megabytes, sent) = (lines.bytes as f64 / 1e6, *bytes_sent as f64 / 1e6);
        writeln!(
            out,
            "  {:<20}{bodies:>9}{megabytes:>9.1}{sent:>9.1}{connections:>13}{bodies_at_once:>9}\
             {flushes:>9}{:>9.2}",
            "",
            cpu.as_secs_f64(),
        )?;
        Ok(())
    }

    /// Prints whether they are what they should be.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_goals(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let (curl, file, stand_in) =
            (of_usages(&self.curl), median(&self.file), median(&self.stand_in));
        let (one, idle) = (median(&self.one), median(&self.idle));
        // Where it was not measured, this is no number.
        let more = (stand_in.peak_bytes - median(&self.third).peak_bytes) / MEBIBYTE;
        let less = (stand_in.wall - ACKNOWLEDGEMENTS.as_secs_f64()) / curl.wall;
        let above = (stand_in.peak_bytes - idle.peak_bytes) / MEBIBYTE;
        let bound = mebibytes(HELD_BYTES + BODIES_IN_FLIGHT * BODY_BYTES);
        let goals = [
            ("to a file / curl, wall", BESIDE_CURL_MAX, file.wall / curl.wall),
            ("(to the stand-in - 2 s) / curl, wall", BESIDE_CURL_MAX, less),
            ("s of the shortest to the stand-in", ONE_SECONDS_MAX, one.wall),
            ("MiB above the one without work", bound.round(), above),
            ("MiB more than for a third", mebibytes(MORE_BODIES_MAX * BODY_BYTES).round(), more),
        ];
        let goals = goals.map(|(what, bound, found)| Goal {
            what,
            bound: Bound::AtMost(bound),
            found: (!found.is_nan()).then_some(found),
        });
        Ok(write_goals(out, &goals)?)
    }
}

fn median(runs: &[Run]) -> Median {
    let usages: Vec<_> = runs.iter().map(|run| run.usage).collect();
    Median { batches: runs.last().map_or(0, |run| run.batches), ..of_usages(&usages) }
}

fn of_usages(usages: &[Usage]) -> Median {
    let of = |figure: fn(&Usage) -> f64| {
        let mut figures: Vec<_> = usages.iter().map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        // Of an even number, what is between the two in the middle.
        let middle = |length: usize| figures.get(length / 2).copied().unwrap_or(f64::NAN);
        f64::midpoint(middle(figures.len().saturating_sub(1)), middle(figures.len()))
    };
    Median {
        wall: of(|usage| usage.wall.as_secs_f64()),
        cpu: of(|usage| usage.cpu.as_secs_f64()),
        peak_bytes: of(|usage| usage.peak_bytes as f64),
        batches: 0,
    }
}
