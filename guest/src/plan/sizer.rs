//! How long the next batch of a section is to be: learnt from those before it.
//!
//! Begins small, grows while there is room in what a batch may take, and shrinks on what really
//! happened. Does not know where batches begin, nor what is asked of a source.

use super::Totals;

/// A batch aims at so much of the source's time: InfluxDB Cloud ends a query after 90 s, and where
/// points are ten times as dense as they were, this is still heard of in time.
const SOURCE_NANOSECONDS: u64 = 8 * SECOND;
/// And at so many bytes of response: what is lost if it breaks off.
const READ_BYTES: u64 = 256_000_000;
/// And at so many bytes of lines: some bodies.
const WRITTEN_BYTES: u64 = 100_000_000;

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

/// A batch of half the length that takes more of the time than this is not made faster by time.
const STAYS: f64 = 0.7;
/// A section is cut into at most so many at once.
const SECTIONS_MAX: usize = 16;
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
    /// What is expected of a nanosecond, as the last batch was.
    read: f64,
    written: f64,
    /// The last batch that took longer than it should: its length and its time.
    slow: Option<(u64, u64)>,
    /// What no batch may be longer than: half of one that was too long.
    cap: Option<u64>,
    /// How often in a row a batch ended for its size, each shorter than the one before.
    halved: u32,
}

/// What is to be done about a batch that is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Make it shorter.
    Shorten,
    /// Its time does not fall with its length, or it cannot be shorter: cut the section into so many.
    Divide(usize),
}

impl Sizer {
    /// The length of the next batch in nanoseconds, where it may write so many bytes.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length is a guess; a float out of range is cut by `as`"
    )]
    pub(crate) fn length(&self, room: u64) -> u64 {
        let length = if self.length == 0 { FIRST } else { self.length };
        let fits = match self.written > 0.0 {
            true => (room as f64 / self.written) as u64,
            false => u64::MAX,
        };
        length.min(fits).max(SHORTEST)
    }

    /// How long a batch may be at most, where a person says how long they are.
    pub(crate) fn longest(&self) -> u64 {
        self.cap.unwrap_or(u64::MAX)
    }

    /// How many bytes a batch of this length will read, if it is like the last one.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a guess"
    )]
    pub(crate) fn expected_read(&self, length: u64) -> u64 {
        (self.read * length as f64) as u64
    }

    /// A batch of this length is done. What is to be done about those that follow, if it took too
    /// long whatever its length; `quota` is what a window may write.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are guesses; a float out of range is cut by `as`"
    )]
    pub(crate) fn done(
        &mut self,
        length: u64,
        took: u64,
        totals: &Totals,
        quota: u64,
    ) -> Option<Remedy> {
        let length = length.max(1);
        self.halved = 0;
        // What was too much once may be much less later.
        self.cap = self.cap.map(|cap| cap.saturating_mul(2)).filter(|cap| *cap < LONGEST);
        self.read = totals.read as f64 / length as f64;
        self.written = totals.written as f64 / length as f64;
        let share = |amount: u64, of: u64| amount as f64 / of.max(1) as f64;
        let used = share(took, SOURCE_NANOSECONDS)
            .max(share(totals.read, READ_BYTES))
            .max(share(totals.written, WRITTEN_BYTES.min(quota)));
        let fits = (length as f64 / used.max(f64::MIN_POSITIVE)) as u64;
        let grown = match totals.rows == 0 {
            true => {
                let dense = self.dense.map_or(u64::MAX, |dense| dense.saturating_mul(EMPTY_BEYOND_DENSE));
                length.saturating_mul(EMPTY_GROWTH).min(dense)
            }
            false => {
                self.dense = Some(self.dense.map_or(fits, |dense| dense.min(fits)));
                length.saturating_mul(GROWTH)
            }
        };
        self.length = grown.min(fits).clamp(SHORTEST, LONGEST);
        self.remedy(length, took)
    }

    /// Whether a batch that took so long is one of those that no length makes short.
    #[expect(clippy::cast_precision_loss, reason = "times are compared roughly")]
    fn remedy(&mut self, length: u64, took: u64) -> Option<Remedy> {
        if took <= SOURCE_NANOSECONDS {
            self.slow = None;
            return None;
        }
        let stays = match self.slow {
            Some((longer, _)) if length > longer / 2 => return None,
            Some((_, slow)) => took as f64 > STAYS * slow as f64,
            None => false,
        };
        self.slow = Some((length, took));
        if !stays && length > SHORTEST {
            return None;
        }
        self.slow = None;
        let sections = usize::try_from(took / SOURCE_NANOSECONDS + 1).unwrap_or(SECTIONS_MAX);
        Some(Remedy::Divide(sections.min(SECTIONS_MAX)))
    }

    /// A batch of this length has ended for its size. Where time does not help, neither does less of
    /// it: after a second one that was half as long, the section is cut.
    pub(crate) fn too_large(&mut self, length: u64) -> Remedy {
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
