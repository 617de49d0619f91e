//! The benchmark of other hosts: what the examples in Python and Node take for a response beside this program's own
//! host, and how much faster several workers of Apache Beam are than one.
//!
//! Figures are printed and never a failure; lines that are not those of the points are one. Who is not installed is
//! left out, but in CI.

mod convert;
mod beam;

use std::io::Write;

/// How much is converted and moved.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// Of the points that are converted.
    seconds: i64,
    /// Batches that Beam does, of an hour each.
    batches: u16,
}

/// 10 MB of annotated CSV, and four days.
pub(crate) const WHOLE: Sizes = Sizes { seconds: 9_600, batches: 96 };

/// Enough to see that all of it works.
pub(crate) const QUICK: Sizes = Sizes { seconds: 600, batches: 4 };

/// Runs both parts and prints their tables.
///
/// # Errors
/// If lines are not those of the points, or a host fails that is there.
pub(crate) fn run(sizes: &Sizes, rounds: u32, out: &mut impl Write) -> anyhow::Result<()> {
    convert::run(sizes.seconds, rounds, out)?;
    beam::run(sizes.batches, out)
}
