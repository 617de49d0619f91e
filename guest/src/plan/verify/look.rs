//! Some time of one table, value by value: few values are held of both sides and compared; of many, digests
//! are, and only what differs is held.
//!
//! Does not know which times are worth a look.

use super::Pair;
use super::compare::{Comparison, PIECE_VALUES, Piece};
use super::report::Kind;
use crate::error::Error;
use crate::plan::side::{BYTES_MAX, Held, Key, Side, Table, Values, asks_for_less, is_same};

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

/// Values of both sides.
enum Read {
    Both(Box<[Values; 2]>),
    /// One side gives other values than it counts, and which one.
    LeavesOut(&'static str),
    TooMuch(Error),
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
        let [source, destination] = match self.read_surely(pair, piece, &which).await? {
            Read::Both(both) => *both,
            Read::LeavesOut(side) => {
                self.not_compared(key, piece, side);
                return Ok(Looked::AtAll);
            }
            Read::TooMuch(error) => return Ok(Looked::AtNothing(error)),
        };
        if self.settings.verify.deep {
            self.report.digest(&source.digest, &destination.digest);
        }
        self.report_unfit(key, piece, &source);
        match which {
            Held::All => {
                self.judge(key, pair, piece, &which, &source, &destination).await?;
            }
            Held::Nothing | Held::Some(_) => {
                let differing =
                    source.digest.differing(&destination.digest, PIECE_VALUES, HELD_BYTES);
                let counted = [source.count(), destination.count()];
                let (mut found, differs) = (0, !differing.is_empty());
                for which in differing {
                    found += self.look_again(key, pair, piece, &which).await?;
                }
                // It does not when it is read once more: somebody writes there.
                if found == 0 && differs && !self.may_repeat(pair) {
                    self.report.unexplained(key, piece.range, counted);
                }
            }
        }
        Ok(Looked::AtAll)
    }

    /// Reads a piece once more, and reports how the values differ that are held of it; returns how many do, or
    /// one, where that is not known.
    async fn look_again(
        &mut self,
        key: &str,
        pair: &mut Pair,
        piece: &Piece,
        which: &Held,
    ) -> Result<u64, Error> {
        match self.read_surely(pair, piece, which).await? {
            Read::Both(both) => {
                let [source, destination] = *both;
                self.judge(key, pair, piece, which, &source, &destination).await
            }
            Read::LeavesOut(side) => {
                self.not_compared(key, piece, side);
                Ok(1)
            }
            Read::TooMuch(error) => {
                self.report.not_compared(key, piece.range, &error.message);
                Ok(1)
            }
        }
    }

    fn not_compared(&mut self, key: &str, piece: &Piece, side: &str) {
        let why = format!("the {side} gives other values than it counts");
        self.report.not_compared(key, piece.range, &why);
    }

    /// Reads a piece, once more where a side does not give what it counts.
    async fn read_surely(&self, pair: &Pair, piece: &Piece, which: &Held) -> Result<Read, Error> {
        let mut attempts = 0;
        loop {
            let (source, destination) = match self.read(pair, piece, which).await {
                Ok(both) => both,
                Err(error) if asks_for_less(&error) => return Ok(Read::TooMuch(error)),
                Err(error) => return Err(error),
            };
            attempts += 1;
            match self.leaves_out(pair, piece, &source, &destination).await? {
                None => return Ok(Read::Both(Box::new([source, destination]))),
                Some(side) if attempts == READ_ATTEMPTS_MAX => return Ok(Read::LeavesOut(side)),
                Some(_) => {}
            }
        }
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

    pub(super) async fn of_destination(
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
            && !self.source.counts_more(table)
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

    /// Reports what cannot arrive. Known is only what stands in the file.
    fn report_unfit(&mut self, key: &str, piece: &Piece, source: &Values) {
        let is_lost = |text: &&String| !self.known.has_unfit(text);
        let lost = source.aside.iter().filter(is_lost).count() as u64;
        let known = source.set_aside.saturating_sub(lost);
        self.report.set_aside(key, piece.range, known, lost);
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
        let (mut missing, mut found): (Vec<(Key, String)>, _) = (Vec::new(), 0);
        for (at, value) in &source.held {
            match destination.held.get(at) {
                Some(other) if is_same(value, other) => {}
                Some(other) => {
                    found += 1;
                    self.report.find(Kind::Different, key, at, Some(value), Some(other));
                }
                None if self.known.has(at, value) => {
                    found += 1;
                    self.report.find(Kind::Known, key, at, Some(value), None);
                }
                None => missing.push((at.clone(), value.clone())),
            }
        }
        for (at, value) in &destination.held {
            if !source.held.contains_key(at) && self.settings.selection.is_by_name() {
                found += 1;
                self.report.find(Kind::Extra, key, at, None, Some(value));
            }
        }
        found += missing.len() as u64;
        self.miss(key, pair, piece, which, missing).await?;
        Ok(found)
    }
}
