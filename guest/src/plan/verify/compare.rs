//! One table of both sides: counted by slice, and where that differs, read and compared value by value.
//!
//! Does not know how a side is asked, nor what becomes of the findings.

use std::collections::BTreeSet;

use super::Pair;
use super::groups::{Group, groups};
use super::known::Known;
use super::repair::Repair;
use super::report::{Kind, Report};
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::side::{
    Counts, Key, Side, Table, VALUES_MAX, Values, asks_for_less, halves, is_same,
};
use crate::settings::{Settings, UnfitValues};
use crate::time::TimeRange;

/// So many values are read of a side at once: below what it may hold, for counts may be those of an earlier
/// moment.
const PIECE_VALUES: u64 = VALUES_MAX as u64 / 4;
/// What has more is counted anew, in so many parts of a slice.
const PARTS: u64 = 24;

/// Both sides, and what was found so far.
pub(super) struct Comparison<'a> {
    pub(super) asker: &'a Asker,
    pub(super) settings: &'a Settings,
    pub(super) source: &'a Side,
    pub(super) destination: &'a Side,
    pub(super) known: &'a Known,
    /// What writes what is missing, if that is wanted.
    pub(super) repair: Option<Repair>,
    pub(super) report: Report,
}

/// Times to be looked at more closely.
#[derive(Clone, Debug)]
struct Piece {
    range: TimeRange,
    /// Nanoseconds: slices of this length were counted.
    slice: u64,
    /// Values of both sides, as they were counted; 0 where they were not.
    source: u64,
    destination: u64,
    counted: Counted,
}

/// Whether the values of a piece were counted, or only those of one that it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Itself,
    AsAPart,
}

impl Comparison<'_> {
    pub(super) async fn compare(
        &mut self,
        key: &str,
        pair: &Pair,
        range: TimeRange,
        slice: u64,
    ) -> Result<(), Error> {
        let counted = self.count(pair, range, slice).await?;
        for group in &counted {
            self.report.count(key, group);
        }
        let mut left = self.pieces(key, &counted, range, slice);
        left.reverse();
        while let Some(piece) = left.pop() {
            if piece.values() > PIECE_VALUES && piece.slice > 1 {
                let finer = (piece.slice / PARTS).max(1);
                let counted = self.count(pair, piece.range, finer).await?;
                let mut pieces = self.pieces(key, &counted, piece.range, finer);
                // Counted once more, both sides are the same: somebody writes there.
                let is_same = counted.iter().all(|group| group.source == group.destination);
                if is_same && piece.source != piece.destination {
                    self.report.unexplained(key, piece.range, piece.source, piece.destination);
                }
                pieces.reverse();
                left.extend(pieces);
                continue;
            }
            match self.read(pair, piece.range).await {
                Ok((source, destination)) => {
                    if self.are_all(pair, &piece, &destination).await? {
                        self.judge(key, pair, &piece, &source, &destination).await?;
                    } else {
                        let why = "the destination gives other values than it counts";
                        self.report.not_compared(key, piece.range, why);
                    }
                }
                // Less may do.
                Err(error) if asks_for_less(&error) && piece.range.nanoseconds() > 1 => {
                    left.extend(piece.halves().into_iter().rev());
                }
                Err(error) if error.fault == Fault::TooLarge => {
                    self.report.not_compared(key, piece.range, &error.message);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
    fn pieces(&mut self, key: &str, groups: &[Group], range: TimeRange, slice: u64) -> Vec<Piece> {
        let starts: BTreeSet<_> = groups.iter().flat_map(Group::slices).collect();
        let mut pieces: Vec<Piece> = Vec::new();
        for start in starts {
            let of = |slices: &super::groups::Slices| slices.get(&start).copied().unwrap_or(0);
            let differs = |group: &Group| of(&group.source) != of(&group.destination);
            // Under a condition counts prove nothing: the destination's are of all of its points.
            let by_counts = !self.settings.verify.deep && self.settings.selection.is_by_name();
            if by_counts && !groups.iter().any(differs) {
                continue;
            }
            let sum = |all: u64, count: u64| all.saturating_add(count);
            let source = groups.iter().map(|group| of(&group.source)).fold(0, sum);
            let destination = groups.iter().map(|group| of(&group.destination)).fold(0, sum);
            let whole = TimeRange::new(start, start.saturating_add(slice));
            let Some(range) = whole.and_then(|whole| whole.intersection(range)) else { continue };
            let counted = Counted::Itself;
            let piece = Piece { range, slice, source, destination, counted };
            // What a condition leaves out of the source may be at the destination all the same.
            if piece.source == 0 && !self.settings.selection.is_by_name() {
                continue;
            }
            if self.is_plain(&piece) {
                groups.iter().for_each(|group| self.report.one_sided(key, group, start));
                continue;
            }
            match pieces.last_mut() {
                Some(last) if last.meets(&piece) => last.extend(&piece),
                _ => pieces.push(piece),
            }
        }
        pieces
    }

    /// Whether counts say all there is to say.
    fn is_plain(&self, piece: &Piece) -> bool {
        // What was set aside before it could be written is in no file that could be compared with.
        let none_is_known =
            self.known.values.all.is_empty() && self.settings.unfit == UnfitValues::Refuse;
        let is_missing = piece.destination == 0 && self.repair.is_none() && none_is_known;
        !self.settings.verify.deep && (is_missing || piece.source == 0)
    }

    /// All values of a piece, of both sides.
    async fn read(&self, pair: &Pair, range: TimeRange) -> Result<(Values, Values), Error> {
        let of_source = async {
            let mut all = Values::default();
            for table in &pair.source {
                all.absorb(self.source.values(self.asker, table, range).await?)?;
            }
            Ok(all)
        };
        self.asker.both(of_source, self.of_destination(&pair.destination, range)).await
    }

    /// Whether the destination has given as many values as it counts: what it leaves out must not pass for
    /// missing. Counted once more where they differ, for somebody may write there.
    async fn are_all(
        &self,
        pair: &Pair,
        piece: &Piece,
        destination: &Values,
    ) -> Result<bool, Error> {
        let found = destination.all.len() as u64 + destination.set_aside;
        let Some(table) = &pair.destination else { return Ok(true) };
        let is_as_counted = piece.counted == Counted::Itself && found == piece.destination;
        // Several policies may have one point; of a file, what is read is what is counted.
        if is_as_counted || table.parts.len() > 1 || self.destination.is_file() {
            return Ok(true);
        }
        let counts =
            self.destination.count(self.asker, table, piece.range, piece.slice.max(1)).await?;
        let all = counts.0.values().flat_map(|slices| slices.values());
        Ok(found == all.fold(0, |sum: u64, count| sum.saturating_add(*count)))
    }

    async fn of_destination(
        &self,
        table: &Option<Table>,
        range: TimeRange,
    ) -> Result<Values, Error> {
        match table {
            Some(table) => self.destination.values(self.asker, table, range).await,
            None => Ok(Values::default()),
        }
    }

    async fn judge(
        &mut self,
        key: &str,
        pair: &Pair,
        piece: &Piece,
        source: &Values,
        destination: &Values,
    ) -> Result<(), Error> {
        if self.settings.verify.deep {
            self.report.digest(source, destination);
        }
        let (mut missing, mut found) = (Vec::new(), 0);
        for (at, value) in &source.all {
            match destination.all.get(at) {
                Some(other) if is_same(value, other) => {}
                Some(other) => {
                    found += 1;
                    self.report.find(Kind::Different, key, at, Some(value), Some(other));
                }
                None if self.is_known(at, value) => {
                    found += 1;
                    self.report.find(Kind::Known, key, at, Some(value), None);
                }
                None => missing.push((at, value.as_str())),
            }
        }
        for (at, value) in &destination.all {
            if !source.all.contains_key(at) && self.settings.selection.is_by_name() {
                found += 1;
                self.report.find(Kind::Extra, key, at, None, Some(value));
            }
        }
        found += missing.len() + usize::try_from(source.set_aside).unwrap_or(usize::MAX);
        // Known is only what stands in the file.
        let is_lost = |text: &&String| !self.known.aside.contains(*text);
        let lost = source.aside.iter().filter(is_lost).count() as u64;
        self.report.set_aside(key, piece.range, source.set_aside.saturating_sub(lost), lost);
        self.miss(key, piece, missing).await?;
        // A point that several retention policies have arrives once.
        let is_one =
            pair.source.len() == 1 && pair.source.iter().all(|table| table.parts.len() < 2);
        let is_whole = self.settings.selection.is_by_name();
        if found == 0 && is_one && is_whole && piece.source != piece.destination {
            self.report.unexplained(key, piece.range, piece.source, piece.destination);
        }
        Ok(())
    }

    fn is_known(&self, key: &Key, value: &str) -> bool {
        self.known.values.all.get(key).is_some_and(|known| is_same(known, value))
    }

    /// Reports what is missing, and if that is wanted, writes it and looks whether it has arrived.
    async fn miss(
        &mut self,
        key: &str,
        piece: &Piece,
        mut missing: Vec<(&Key, &str)>,
    ) -> Result<(), Error> {
        if let Some(repair) = &mut self.repair
            && !missing.is_empty()
        {
            // Those of a point follow one another.
            missing.sort_unstable();
            self.report.refused += repair.write(self.asker, piece.range, &missing).await?;
            let now = self.table_now(key).await?;
            let there = self.of_destination(&now, piece.range).await?;
            missing.retain(|(at, value)| {
                let is_there = there.all.get(at).is_some_and(|other| is_same(value, other));
                if is_there {
                    self.report.find(Kind::Repaired, key, at, Some(value), None);
                }
                !is_there
            });
        }
        for (at, value) in missing {
            self.report.find(Kind::Missing, key, at, Some(value), None);
        }
        Ok(())
    }

    /// The table of the destination after something was written to it: it may be new, or have new columns.
    async fn table_now(&self, key: &str) -> Result<Option<Table>, Error> {
        let tables = self.destination.tables(self.asker, TimeRange::ALL, u64::MAX).await?;
        let mut tables = tables.into_values();
        Ok(tables.find(|table| self.destination.key_of(&table.name) == key))
    }
}

impl Piece {
    fn values(&self) -> u64 {
        self.source.max(self.destination)
    }

    /// Whether another one follows it, and both together are no more than is read at once.
    fn meets(&self, next: &Self) -> bool {
        self.range.stop() == next.range.start()
            && self.slice == next.slice
            && self.values().saturating_add(next.values()) <= PIECE_VALUES
    }

    fn extend(&mut self, next: &Self) {
        if let Some(range) = TimeRange::new(self.range.start(), next.range.stop()) {
            self.range = range;
        }
        self.source = self.source.saturating_add(next.source);
        self.destination = self.destination.saturating_add(next.destination);
    }

    fn halves(&self) -> Vec<Self> {
        let counted = Counted::AsAPart;
        let half = |range| Self { range, source: 0, destination: 0, counted, ..self.clone() };
        halves(self.range, self.slice).into_iter().map(half).collect()
    }
}
