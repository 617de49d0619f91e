//! How long the next batch of a section is to be: learnt from those before it.
//!
//! Begins small, grows while there is room in what a batch may take, and shrinks on what really
//! happened. What a query takes has two parts: one for the series that it looks at, however short it is,
//! and one for the rows. Does not know where batches begin, nor what is asked of a source.

use super::Totals;

/// The rows of a batch aim at so much of the source's time, or at as much as it takes in any case:
/// InfluxDB Cloud ends a query after 90 s, and where points are ten times as dense as they were, this is
/// still heard of in time.
const ROWS_SECONDS: f64 = 8.0;
/// They get at least this, however long the rest takes.
const ROWS_SECONDS_MIN: f64 = 1.0;
/// All of a batch aims at no more.
const BATCH_SECONDS: f64 = 45.0;
/// What takes longer for no rows at all is too many series for one query.
const FIXED_SECONDS_MAX: f64 = 20.0;
/// After a division a section should take so much for no rows.
const FIXED_SECONDS: f64 = 10.0;
/// A batch aims at so many bytes of response: what is lost if it breaks off.
pub(super) const READ_BYTES: u64 = 256_000_000;
/// Or at such a part of a window, which may be exceeded by one batch.
pub(super) const READ_PARTS: u64 = 4;
/// And at so many bytes of lines, which are written again if it breaks off: at 120 MB a second, what fits
/// into `ROWS_SECONDS`.
pub(super) const WRITTEN_BYTES: u64 = 1_000_000_000;

/// The first batch: small for any bucket, but for those that no length makes small.
const FIRST: u64 = 60 * SECOND;
/// What is shorter is not cut by time any more, but by names.
pub(super) const SHORTEST: u64 = SECOND;
/// A batch is at most so many times as long as the one before it.
const GROWTH: u64 = 4;
/// Over empty time it grows by this, and up to so many times what dense time took: there may be
/// dense time behind it.
const EMPTY_GROWTH: u64 = 8;
const EMPTY_BEYOND_DENSE: u64 = 16;
/// A year: more is gained by nothing.
const LONGEST: u64 = 366 * 86_400 * SECOND;
/// A section is cut into at most so many at once: how much that helps shows before the next cut.
const CUT_INTO_MAX: f64 = 16.0;
/// A cap rises by such a part with each batch that is done.
const CAP_PARTS: u64 = 4;
/// So often in a row a batch is made shorter before its section is cut.
const HALVED_MAX: u32 = 3;

const SECOND: u64 = 1_000_000_000;

/// What the batches of a section took so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizer {
    /// The length of the next batch, in nanoseconds; 0 before the first.
    length: u64,
    /// The longest that fits the densest time so far.
    dense: Option<u64>,
    /// What no batch may be longer than, whoever says how long they are.
    cap: Option<u64>,
    /// What a nanosecond of the last batch read and wrote, in bytes.
    read: f64,
    written: f64,
    costs: Costs,
    /// Whether it cannot be cut by names.
    is_whole: bool,
    /// How often in a row a batch ended for its size, each shorter than the one before.
    halved: u32,
}

/// What a window may read and write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quotas {
    pub(crate) read: u64,
    pub(crate) write: u64,
}

/// What is to be done about a batch that is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Make it shorter.
    Shorten,
    /// Its time does not fall with its length, or it cannot be shorter: cut the section into so many.
    Divide(usize),
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths and costs are guesses; a float out of range is cut by `as`"
)]
impl Sizer {
    /// The length of the next batch in nanoseconds, where it may write so many bytes.
    pub(crate) fn length(&self, room: u64) -> u64 {
        let length = self.proposed();
        let fits = match self.written > 0.0 {
            true => (room as f64 / self.written) as u64,
            false => u64::MAX,
        };
        length.min(fits).max(SHORTEST)
    }

    fn proposed(&self) -> u64 {
        if self.length == 0 { FIRST } else { self.length }
    }

    /// How long a batch may be at most, where a person says how long they are.
    pub(crate) fn longest(&self) -> u64 {
        self.cap.unwrap_or(u64::MAX)
    }

    /// How many bytes a batch of this length will read, if it is like the last one.
    pub(crate) fn expected_read(&self, length: u64) -> u64 {
        (self.read * length as f64) as u64
    }

    /// Whether anything is known of what a batch reads.
    pub(crate) fn has_learnt(&self) -> bool {
        self.length > 0
    }

    /// It cannot be cut: nothing is asked for that.
    pub(crate) fn keep_whole(&mut self) {
        self.is_whole = true;
    }

    /// For a section that was cut out of this one's.
    pub(crate) fn of_part(&self) -> Self {
        Self { length: self.length.max(FIRST), ..Self::default() }
    }

    /// A batch is done: its length, and for how long it kept the source busy, in nanoseconds. Says
    /// whether the section is too large, however short a batch is.
    pub(crate) fn done(
        &mut self,
        length: u64,
        took: u64,
        totals: &Totals,
        quotas: Quotas,
    ) -> Option<Remedy> {
        let length = length.max(1);
        self.halved = 0;
        // What was too much once may be much less later.
        self.cap =
            self.cap.map(|cap| cap.saturating_add(cap / CAP_PARTS)).filter(|cap| *cap < LONGEST);
        self.read = totals.read as f64 / length as f64;
        self.written = totals.written as f64 / length as f64;
        self.costs.count(totals.rows as f64, took as f64 / SECOND as f64);
        let share = |amount: u64, of: u64| amount as f64 / of.max(1) as f64;
        let used = (totals.rows as f64 / self.costs.rows_that_fit())
            .max(share(totals.read, READ_BYTES.min(quotas.read / READ_PARTS)))
            .max(share(totals.written, WRITTEN_BYTES.min(quotas.write)));
        let fits = (length as f64 / used.max(f64::MIN_POSITIVE)) as u64;
        let grown = if totals.rows == 0 {
            let beyond = |dense: u64| dense.saturating_mul(EMPTY_BEYOND_DENSE);
            length.saturating_mul(EMPTY_GROWTH).min(self.dense.map_or(u64::MAX, beyond))
        } else {
            self.dense = Some(self.dense.map_or(fits, |dense| dense.min(fits)));
            length.saturating_mul(GROWTH)
        };
        // One that ended early, with the day or a gap, says nothing against what it should have been.
        let grown = grown.max(self.proposed());
        self.length = grown.min(fits).min(self.longest()).clamp(SHORTEST, LONGEST);
        let fixed = self.costs.fixed();
        let sections = (fixed / FIXED_SECONDS).ceil().clamp(2.0, CUT_INTO_MAX);
        (fixed > FIXED_SECONDS_MAX && !self.is_whole).then_some(Remedy::Divide(sections as usize))
    }

    /// A batch of this length has ended for its size. Where time does not help, neither does less of
    /// it: after some that were half as long each, the section is cut.
    pub(crate) fn too_large(&mut self, length: u64) -> Remedy {
        // Several in flight may end together, of which all but one say nothing new.
        if self.cap.is_some_and(|cap| length > cap.max(SHORTEST)) {
            return Remedy::Shorten;
        }
        self.halved += 1;
        self.length = (length / 2).max(SHORTEST);
        self.cap = Some(self.length);
        self.dense = Some(self.dense.map_or(self.length, |dense| dense.min(self.length)));
        if self.halved > HALVED_MAX || length <= SHORTEST {
            self.halved = 0;
            return Remedy::Divide(2);
        }
        Remedy::Shorten
    }
}

/// What a batch costs the source: seconds in any case, and seconds for each row. The least squares of
/// the last batches, of which older ones count less.
#[derive(Clone, Debug, Default)]
struct Costs {
    weight: f64,
    rows: f64,
    seconds: f64,
    rows_squared: f64,
    rows_seconds: f64,
    /// Of the last batch.
    last: (f64, f64),
}

/// Below this spread of their rows, batches count as equally large.
const SPREAD_MIN: f64 = 1e-3;
/// How much less a batch counts than the one after it.
const FADING: f64 = 0.7;

impl Costs {
    fn count(&mut self, rows: f64, seconds: f64) {
        for (sum, new) in [
            (&mut self.weight, 1.0),
            (&mut self.rows, rows),
            (&mut self.seconds, seconds),
            (&mut self.rows_squared, rows * rows),
            (&mut self.rows_seconds, rows * seconds),
        ] {
            *sum = *sum * FADING + new;
        }
        self.last = (rows, seconds);
    }

    /// Seconds for a row; where all batches had as many rows, all of their time is that of rows.
    fn of_row(&self) -> f64 {
        let Self { weight, rows, seconds, rows_squared, rows_seconds, .. } = *self;
        let spread = weight * rows_squared - rows * rows;
        if spread <= SPREAD_MIN * rows * rows {
            return if rows > 0.0 { seconds / rows } else { 0.0 };
        }
        ((weight * rows_seconds - rows * seconds) / spread).max(0.0)
    }

    /// Seconds in any case. Not more than the last batch took.
    fn fixed(&self) -> f64 {
        let fixed = (self.seconds - self.of_row() * self.rows) / self.weight;
        fixed.clamp(0.0, self.last.1)
    }

    /// How many rows a batch should have.
    fn rows_that_fit(&self) -> f64 {
        let fixed = self.fixed();
        let seconds = ROWS_SECONDS.max(fixed).min((BATCH_SECONDS - fixed).max(ROWS_SECONDS_MIN));
        match self.of_row() {
            0.0 => f64::INFINITY,
            of_row => seconds / of_row,
        }
    }
}
