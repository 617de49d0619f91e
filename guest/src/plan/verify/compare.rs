//! One table of both sides: counted by slice, and where that differs, or on request everywhere, looked at more
//! closely.
//!
//! Does not know how a side is asked, nor how values are compared.

use std::collections::BTreeSet;

use super::Pair;
use super::groups::{Group, Slices, groups};
use super::known::Known;
use super::look::Looked;
use super::mend::Missing;
use super::repair::Repair;
use super::report::Report;
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::side::{Counts, Side, VALUES_MAX, halves, slice_around};
use crate::settings::{Settings, UnfitValues};
use crate::time::TimeRange;

/// So many values of a side are held at once: below what it may hold, for counts may be those of an earlier
/// moment.
pub(super) const PIECE_VALUES: u64 = VALUES_MAX as u64 / 4;
/// And of so many at once, a digest is made: that is some seconds of a server's time.
const DIGEST_VALUES: u64 = 2_000_000;
/// What has more is counted anew, in so many parts of a slice …
const PARTS: u64 = 24;
/// … but not in parts of less than this, in nanoseconds: with a million series, all may have one time.
const SLICE_MIN: u64 = 1_000_000_000;

/// So often a table is counted until two answers are the same.
const COUNT_ATTEMPTS_MAX: u32 = 4;
const UNSTEADY: &str = "each time that it is counted, it has other values";

/// Both sides, and what was found so far.
pub(super) struct Comparison<'a> {
    pub(super) asker: &'a Asker,
    pub(super) settings: &'a Settings,
    pub(super) source: &'a Side,
    pub(super) destination: &'a Side,
    pub(super) known: Known,
    /// What writes what is missing, if that is wanted.
    pub(super) repair: Option<Repair>,
    /// What it is to write of this table.
    pub(super) pending: Vec<Missing>,
    pub(super) report: Report,
}

/// Times to be looked at more closely.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) range: TimeRange,
    /// Nanoseconds: slices of this length were counted.
    pub(super) slice: u64,
    /// How many values the source and the destination have; `None` where they were not counted, but those of a
    /// piece that this is a part of.
    pub(super) counted: Option<[u64; 2]>,
    /// A side has no more values than these.
    pub(super) values_max: u64,
    /// Whether digests are compared first, however few values there are.
    is_by_digest: bool,
}

impl Comparison<'_> {
    pub(super) async fn compare(
        &mut self,
        key: &str,
        mut pair: Pair,
        range: TimeRange,
        slice: u64,
    ) -> Result<(), Error> {
        let Some(counted) = self.count_surely(&pair, range, slice).await? else {
            self.report.not_compared(key, range, UNSTEADY);
            return Ok(());
        };
        for group in &counted {
            self.report.count(key, group);
        }
        let mut left = self.pieces(key, &pair, &counted, range, slice);
        left.reverse();
        let looked = self.look_at(key, &mut pair, left).await;
        // Whatever came between: what is missing is reported.
        let mended = self.mend(key, &mut pair).await;
        looked.and(mended)?;
        self.balance(key, &pair, counted, range, slice).await
    }

    /// Counts once more where what was found is not the difference of what was counted: somebody writes there,
    /// or a count was not true.
    async fn balance(
        &mut self,
        key: &str,
        pair: &Pair,
        counted: Vec<Group>,
        range: TimeRange,
        slice: u64,
    ) -> Result<(), Error> {
        let is_even = |report: &Report, counted: &[Group]| {
            let [source, destination] = Group::sums(counted);
            report.found(key) == i128::from(source) - i128::from(destination)
        };
        // What was not compared is said; what is repaired is no part of these counts.
        if self.may_repeat(pair) || self.report.is_open_at(key) || is_even(&self.report, &counted) {
            return Ok(());
        }
        let now = self.count(pair, range, slice).await?;
        self.report.uncount(key, &counted);
        now.iter().for_each(|group| self.report.count(key, group));
        let repaired = self.report.repaired(key);
        let [source, destination] = Group::sums(&now);
        let before = i128::from(destination) - i128::from(repaired);
        if self.report.found(key) != i128::from(source) - before {
            self.report.unexplained(key, range, Group::sums(&now));
        }
        Ok(())
    }

    /// Looks at pieces, the last one first, until there is no reason for a closer look.
    async fn look_at(
        &mut self,
        key: &str,
        pair: &mut Pair,
        mut left: Vec<Piece>,
    ) -> Result<(), Error> {
        while let Some(piece) = left.pop() {
            if piece.values_max > self.values_max(pair) && piece.slice > SLICE_MIN {
                let finer = (piece.slice / PARTS).max(1);
                let Some(counted) = self.count_surely(pair, piece.range, finer).await? else {
                    self.report.not_compared(key, piece.range, UNSTEADY);
                    continue;
                };
                let mut pieces = self.pieces(key, pair, &counted, piece.range, finer);
                // Counted once more, both sides are the same: somebody writes there.
                let is_same = counted.iter().all(|group| group.source == group.destination);
                if let Some(values) = piece.counted.filter(|_| is_same)
                    && values[0] != values[1]
                {
                    self.report.unexplained(key, piece.range, values);
                }
                pieces.reverse();
                left.extend(pieces);
                continue;
            }
            match self.look(key, pair, &piece).await? {
                Looked::AtAll => {}
                Looked::AtNothing(_) if piece.range.nanoseconds() > 1 => {
                    left.extend(piece.halves().into_iter().rev());
                }
                // So few, but too long.
                Looked::AtNothing(_) if !piece.is_by_digest => {
                    left.push(Piece { is_by_digest: true, ..piece });
                }
                Looked::AtNothing(error) if error.fault == Fault::TooLarge => {
                    self.report.not_compared(key, piece.range, &error.message);
                }
                Looked::AtNothing(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What one side alone seems to have somewhere is counted until two answers are the same: what an answer
    /// leaves out must not pass for a difference. `None` if no two are.
    async fn count_surely(
        &self,
        pair: &Pair,
        range: TimeRange,
        slice: u64,
    ) -> Result<Option<Vec<Group>>, Error> {
        let mut counted = self.count(pair, range, slice).await?;
        for _ in 1..COUNT_ATTEMPTS_MAX {
            if !counted.iter().any(Group::is_one_sided) {
                return Ok(Some(counted));
            }
            let before = std::mem::replace(&mut counted, self.count(pair, range, slice).await?);
            if counted == before {
                return Ok(Some(counted));
            }
        }
        Ok(None)
    }

    async fn count(&self, pair: &Pair, range: TimeRange, slice: u64) -> Result<Vec<Group>, Error> {
        let Self { asker, source, destination, .. } = self;
        let of_source = async {
            let mut all = Vec::new();
            for table in &pair.source {
                all.push((table, source.count(asker, table, range, slice).await?));
            }
            Ok(all)
        };
        let of_destination = async {
            match &pair.destination {
                Some(table) => destination.count(asker, table, range, slice).await,
                None => Ok(Counts::default()),
            }
        };
        let (of_source, of_destination) = asker.both(of_source, of_destination).await?;
        let of_destination = pair.destination.as_ref().map(|table| (table, &of_destination));
        Ok(groups(source, &of_source, destination, of_destination))
    }

    /// The slices that are to be looked at more closely: where counts differ, or all. What is of one side
    /// alone needs no look.
    fn pieces(
        &mut self,
        key: &str,
        pair: &Pair,
        groups: &[Group],
        range: TimeRange,
        slice: u64,
    ) -> Vec<Piece> {
        let starts: BTreeSet<_> = groups.iter().flat_map(Group::slices).collect();
        let mut pieces: Vec<Piece> = Vec::new();
        for start in starts {
            let of = |slices: &Slices| slices.get(&start).copied().unwrap_or(0);
            let differs = |group: &Group| of(&group.source) != of(&group.destination);
            // Counts prove nothing where the destination's are of more points than a condition selects, and where
            // a point may come from two retention policies.
            let by_counts =
                !self.settings.verify.deep && self.settings.selection.is_by_name() && pair.is_one();
            if by_counts && !groups.iter().any(differs) {
                continue;
            }
            let sum = |all: u64, count: u64| all.saturating_add(count);
            let source = groups.iter().map(|group| of(&group.source)).fold(0, sum);
            let destination = groups.iter().map(|group| of(&group.destination)).fold(0, sum);
            let whole = slice_around(start, slice);
            // Each slice was asked for.
            let Some(range) = whole.and_then(|whole| whole.intersection(range)) else { continue };
            // What a condition leaves out of the source may be at the destination all the same.
            if source == 0 && !self.settings.selection.is_by_name() {
                continue;
            }
            if self.is_plain(source, destination) && !self.may_repeat(pair) {
                groups.iter().for_each(|group| self.report.one_sided(key, group, start));
                continue;
            }
            let values_max = source.max(destination);
            let counted = Some([source, destination]);
            let piece = Piece { range, slice, counted, values_max, is_by_digest: false };
            match pieces.last_mut() {
                Some(last) if last.meets(&piece, self.values_max(pair)) => last.extend(&piece),
                _ => pieces.push(piece),
            }
        }
        pieces
    }

    /// Whether counts say all there is to say.
    fn is_plain(&self, source: u64, destination: u64) -> bool {
        // What was set aside before it could be written is in no file that could be compared with.
        let none_is_known = self.known.is_empty() && self.settings.unfit == UnfitValues::Refuse;
        let is_missing = destination == 0 && self.repair.is_none() && none_is_known;
        !self.settings.verify.deep && (is_missing || source == 0)
    }

    /// What has more values is counted in smaller slices.
    fn values_max(&self, pair: &Pair) -> u64 {
        if self.is_by_digest(pair) { DIGEST_VALUES } else { PIECE_VALUES }
    }

    /// Whether all values are compared by digests first: mostly they are the same.
    fn is_by_digest(&self, pair: &Pair) -> bool {
        self.settings.verify.deep && !self.may_repeat(pair)
    }

    /// Whether digests may differ where values do not: a value may come twice, or a condition leave out some.
    pub(super) fn may_repeat(&self, pair: &Pair) -> bool {
        let is_of_file = self.source.is_file() || self.destination.is_file();
        !pair.is_one() || is_of_file || !self.settings.selection.is_by_name()
    }

    /// Whether all values of a piece are held at once: if they are few, and need no digest.
    pub(super) fn holds_all(&self, pair: &Pair, piece: &Piece) -> bool {
        piece.values_max <= PIECE_VALUES && !piece.is_by_digest && !self.is_by_digest(pair)
    }
}

impl Piece {
    /// Whether another one follows it, and both together have no more values than these.
    fn meets(&self, next: &Self, values_max: u64) -> bool {
        self.range.stop() == next.range.start()
            && self.slice == next.slice
            && self.values_max.saturating_add(next.values_max) <= values_max
    }

    fn extend(&mut self, next: &Self) {
        if let Some(range) = TimeRange::new(self.range.start(), next.range.stop()) {
            self.range = range;
        }
        self.counted = self
            .counted
            .zip(next.counted)
            .map(|(one, other)| [one[0].saturating_add(other[0]), one[1].saturating_add(other[1])]);
        self.values_max = self.values_max.saturating_add(next.values_max);
    }

    fn halves(&self) -> Vec<Self> {
        let half = |range| Self { range, counted: None, ..self.clone() };
        halves(self.range, self.slice).into_iter().map(half).collect()
    }
}
