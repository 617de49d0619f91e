//! Some time of one table, value by value: few values are held of both sides and compared; of many, digests
//! are, and only what differs is held.
//!
//! Does not know which times are worth a look.

use super::Pair;
use super::compare::{Comparison, PIECE_VALUES, Piece};
use super::report::Kind;
use crate::error::Error;
use crate::plan::side::{BYTES_MAX, Held, Key, Side, Table, Values, asks_for_less, is_same};
use crate::time::TimeRange;

/// Of so many bytes are the texts of values that are held at once, which take more than that in memory.
const HELD_BYTES: u64 = BYTES_MAX as u64 / 4;

/// So often a piece is read where a side gives other values than it counts.
const READ_ATTEMPTS_MAX: u32 = 2;

/// What came of it.
pub(super) enum Looked {
    AtAll,
    /// It was too much, and less may do. Nothing is reported.
    AtNothing(Error),
}

impl Comparison<'_> {
    /// Reads a piece of both sides, and reports what differs.
    pub(super) async fn look(
        &mut self,
        key: &str,
        pair: &mut Pair,
        piece: &Piece,
    ) -> Result<Looked, Error> {
        let which = if self.holds_all(pair, piece) { Held::All } else { Held::Nothing };
        let mut attempts = 0;
        let (source, destination) = loop {
            let (source, destination) = match self.read(pair, piece, &which).await {
                Ok(both) => both,
                Err(error) if asks_for_less(&error) => return Ok(Looked::AtNothing(error)),
                Err(error) => return Err(error),
            };
            let Some(side) = self.leaves_out(pair, piece, &source, &destination).await? else {
                break (source, destination);
            };
            attempts += 1;
            if attempts == READ_ATTEMPTS_MAX {
                let why = format!("the {side} gives other values than it counts");
                self.report.not_compared(key, piece.range, &why);
                return Ok(Looked::AtAll);
            }
        };
        if self.settings.verify.deep {
            self.report.digest(&source.digest, &destination.digest);
        }
        let unfit = self.report_unfit(key, piece, &source);
        let differing = source.digest.differing(&destination.digest, PIECE_VALUES, HELD_BYTES);
        let counted = [source.count(), destination.count()];
        match which {
            Held::All => {
                self.judge(key, pair, piece, &which, &source, &destination).await?;
            }
            Held::Nothing | Held::Some(_) => {
                let (mut found, differs) = (unfit, !differing.is_empty());
                for which in differing {
                    let (source, destination) = self.read(pair, piece, &which).await?;
                    found += self.judge(key, pair, piece, &which, &source, &destination).await?;
                }
                // It does not when it is read once more: somebody writes there.
                if found == 0 && differs && !self.may_repeat(pair) {
                    self.report.unexplained(key, piece.range, counted);
                }
            }
        }
        Ok(Looked::AtAll)
    }

    /// The values of a piece, of both sides.
    async fn read(
        &self,
        pair: &Pair,
        piece: &Piece,
        which: &Held,
    ) -> Result<(Values, Values), Error> {
        let of_source = async {
            let mut all = self.none_of(which);
            for table in &pair.source {
                let values = self.none_of(which);
                all.absorb(self.source.values(self.asker, table, piece.range, values).await?)?;
            }
            Ok(all)
        };
        let of_destination = self.of_destination(&pair.destination, piece, which);
        self.asker.both(of_source, of_destination).await
    }

    async fn of_destination(
        &self,
        table: &Option<Table>,
        piece: &Piece,
        which: &Held,
    ) -> Result<Values, Error> {
        let values = self.none_of(which);
        match table {
            Some(table) => self.destination.values(self.asker, table, piece.range, values).await,
            None => Ok(values),
        }
    }

    fn none_of(&self, which: &Held) -> Values {
        Values::holding(which.clone(), self.report.slice())
    }

    /// The side that has not given as many values as it counts, if there is one: what it leaves out must not
    /// pass for missing, nor for extra. Counted once more where they differ, for somebody may write there.
    async fn leaves_out(
        &self,
        pair: &Pair,
        piece: &Piece,
        source: &Values,
        destination: &Values,
    ) -> Result<Option<&'static str>, Error> {
        let [of_source, of_destination] = match piece.counted {
            Some(counted) => counted.map(Some),
            None => [None; 2],
        };
        if let ([table], true) = (&pair.source[..], pair.is_one())
            && !self.is_counted(self.source, table, piece, source.count(), of_source).await?
        {
            return Ok(Some("source"));
        }
        if let Some(table) = &pair.destination
            && !self
                .is_counted(self.destination, table, piece, destination.count(), of_destination)
                .await?
        {
            return Ok(Some("destination"));
        }
        Ok(None)
    }

    async fn is_counted(
        &self,
        side: &Side,
        table: &Table,
        piece: &Piece,
        found: u64,
        counted: Option<u64>,
    ) -> Result<bool, Error> {
        // Several policies may have one point; of a file, what is read is what is counted.
        if counted == Some(found) || table.parts.len() > 1 || side.is_file() {
            return Ok(true);
        }
        let counts = side.count(self.asker, table, piece.range, piece.slice).await?;
        let all = counts.0.values().flat_map(|slices| slices.values());
        Ok(found == all.fold(0, |sum: u64, count| sum.saturating_add(*count)))
    }

    /// Reports what cannot arrive; returns how much that is. Known is only what stands in the file.
    fn report_unfit(&mut self, key: &str, piece: &Piece, source: &Values) -> u64 {
        let is_lost = |text: &&String| !self.known.aside.contains(*text);
        let lost = source.aside.iter().filter(is_lost).count() as u64;
        let known = source.set_aside.saturating_sub(lost);
        self.report.set_aside(key, piece.range, known, lost);
        source.set_aside
    }

    /// Reports how the values differ that are held of both sides; returns how many do.
    async fn judge(
        &mut self,
        key: &str,
        pair: &mut Pair,
        piece: &Piece,
        which: &Held,
        source: &Values,
        destination: &Values,
    ) -> Result<u64, Error> {
        let (mut missing, mut found) = (Vec::new(), 0);
        for (at, value) in &source.held {
            match destination.held.get(at) {
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
        for (at, value) in &destination.held {
            if !source.held.contains_key(at) && self.settings.selection.is_by_name() {
                found += 1;
                self.report.find(Kind::Extra, key, at, None, Some(value));
            }
        }
        found += missing.len() as u64;
        let repaired = self.repair(key, pair, piece, which, &mut missing).await;
        for (at, value) in missing {
            self.report.find(Kind::Missing, key, at, Some(value), None);
        }
        repaired.map(|()| found)
    }

    fn is_known(&self, key: &Key, value: &str) -> bool {
        self.known.values.held.get(key).is_some_and(|known| is_same(known, value))
    }

    /// Writes what is missing, if that is wanted, and looks whether it has arrived: that is missing no more.
    async fn repair(
        &mut self,
        key: &str,
        pair: &mut Pair,
        piece: &Piece,
        which: &Held,
        missing: &mut Vec<(&Key, &str)>,
    ) -> Result<(), Error> {
        let Some(repair) = self.repair.as_mut().filter(|_| !missing.is_empty()) else {
            return Ok(());
        };
        // Those of a point follow one another.
        missing.sort_unstable();
        self.report.refused += repair.write(self.asker, piece.range, missing).await?;
        if pair.destination.is_some() {
            self.find_repaired(key, pair, piece, which, missing).await?;
        }
        // The table may be new, or have new columns.
        if !missing.is_empty() && self.list_again(key, pair).await? {
            self.find_repaired(key, pair, piece, which, missing).await?;
        }
        Ok(())
    }

    async fn find_repaired(
        &mut self,
        key: &str,
        pair: &Pair,
        piece: &Piece,
        which: &Held,
        missing: &mut Vec<(&Key, &str)>,
    ) -> Result<(), Error> {
        let there = self.of_destination(&pair.destination, piece, which).await?;
        missing.retain(|(at, value)| {
            let is_there = there.held.get(at).is_some_and(|other| is_same(value, other));
            if is_there {
                self.report.find(Kind::Repaired, key, at, Some(value), None);
            }
            !is_there
        });
        Ok(())
    }

    /// Asks for the table of the destination after something was written to it; whether that is another one.
    async fn list_again(&self, key: &str, pair: &mut Pair) -> Result<bool, Error> {
        let range = TimeRange::ALL;
        let tables = self.destination.tables(self.asker, range, u64::MAX).await?;
        let mut tables = tables.into_values();
        let table = tables.find(|table| self.destination.key_of(&table.name) == key);
        let is_other = table != pair.destination;
        pair.destination = table;
        Ok(is_other)
    }
}
