//! The memory of `tsm2iox convert` at its peak: it must not depend on how long a response is.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::annotated::Annotated;
use crate::points::{SECOND, START, machines};
use crate::program::program;
use crate::table::{Bound, Goal, write_goals};
use crate::usage;

/// What a conversion may hold of a series: `merge_bytes_max`, by default.
const HELD_BYTES: u64 = 16 * 1024 * 1024;
/// What it may take beside that, more than when it has nothing to do.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;
/// Two peaks are the same if they differ by this at most: from run to run one does by a megabyte.
const SAME_BYTES: u64 = 2 * 1024 * 1024;

/// Responses, fed as they are made: whole series of so many points.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// Points of a series; a thousand are half a megabyte.
    pub(crate) points: i64,
    /// Series of the long response; the short one has one.
    pub(crate) series: usize,
    /// Points of a series that is more than may be held of one.
    pub(crate) points_of_a_long_series: i64,
}

/// What a response took.
struct Peak {
    read: usize,
    bytes: u64,
}

/// Measures and prints.
///
/// # Errors
/// If the program fails, or the table cannot be written.
pub(crate) fn run(sizes: &Sizes, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "\nMemory of `tsm2iox convert` at its peak, annotated CSV by standard input")?;
    let program = match program() {
        Ok(program) => program,
        Err(error) => return Ok(writeln!(out, "  left out: {error:#}")?),
    };
    // The first run of all may have to compile the component for the cache of this machine.
    peak(&program, 0, 0)?;
    let idle = peak(&program, 0, 0)?;
    let short = peak(&program, sizes.points, 1)?;
    let long = peak(&program, sizes.points, sizes.series)?;
    let one = peak(&program, sizes.points_of_a_long_series, 1)?;
    let rows = [
        ("an empty response", &idle),
        ("one series", &short),
        ("more such series", &long),
        ("one long series", &one),
    ];
    writeln!(out, "  {:<28}{:>10}{:>10}{:>22}", "", "MB read", "MiB", "above an empty one")?;
    for (what, Peak { read, bytes }) in rows {
        let (read, above) = (*read as f64 / 1e6, mebibytes(bytes.saturating_sub(idle.bytes)));
        writeln!(out, "  {what:<28}{read:>10.1}{:>10.1}{above:>22.1}", mebibytes(*bytes))?;
    }
    let above = |bytes: u64| Some(mebibytes(bytes.saturating_sub(idle.bytes)));
    let bound = Bound::AtMost(mebibytes(HELD_BYTES + SPARE_BYTES));
    let equal = short.bytes.max(long.bytes);
    let goals = [
        Goal { what: "MiB above, equal series", bound, found: above(equal) },
        Goal { what: "MiB above, a long series", bound, found: above(one.bytes) },
        Goal {
            what: "MiB between one and more series",
            bound: Bound::AtMost(mebibytes(SAME_BYTES)),
            found: Some(mebibytes(long.bytes.abs_diff(short.bytes))),
        },
    ];
    Ok(write_goals(out, &goals)?)
}

/// The peak of converting so many series of so many points.
fn peak(program: &Path, points: i64, series: usize) -> anyhow::Result<Peak> {
    let mut read = 0;
    let usage = usage::of_command(Command::new(program).arg("convert"), |input| {
        let mut annotated = Annotated::new(START, START + points * 10 * SECOND);
        let mut piece = Vec::new();
        for series in machines(points).take(series) {
            annotated.push(&mut piece, &series);
            input.write_all(&piece)?;
            read += piece.len();
            piece.clear();
        }
        annotated.end(&mut piece);
        read += piece.len();
        input.write_all(&piece)
    })?;
    Ok(Peak { read, bytes: usage.peak_bytes })
}

/// Mebibytes.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
