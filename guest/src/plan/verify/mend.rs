//! What is missing of a table: reported, or, if that is wanted, written first and looked for once more.
//!
//! What is missing in many pieces is written together: each acknowledgement takes its time. Does not know how
//! it was found to be missing.

use super::Pair;
use super::compare::{Comparison, PIECE_VALUES, Piece};
use super::known::Known;
use super::report::Kind;
use crate::error::Error;
use crate::plan::side::{Held, Key, is_same};
use crate::time::TimeRange;

/// Values of a piece that only the source has.
#[derive(Debug)]
pub(super) struct Missing {
    piece: Piece,
    /// Those among which they were found.
    which: Held,
    values: Vec<(Key, String)>,
}

impl Comparison<'_> {
    /// Takes what is missing of a piece.
    pub(super) async fn miss(
        &mut self,
        key: &str,
        pair: &mut Pair,
        piece: &Piece,
        which: &Held,
        values: Vec<(Key, String)>,
    ) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        self.pending.push(Missing { piece: piece.clone(), which: which.clone(), values });
        let count: usize = self.pending.iter().map(|missing| missing.values.len()).sum();
        match self.repair.is_none() || count as u64 >= PIECE_VALUES {
            true => self.mend(key, pair).await,
            false => Ok(()),
        }
    }

    /// Writes what is missing so far, if that is wanted; reports what has arrived, and what has not.
    pub(super) async fn mend(&mut self, key: &str, pair: &mut Pair) -> Result<(), Error> {
        let mut pending = std::mem::take(&mut self.pending);
        let mended = self.write(key, pair, &mut pending).await;
        for (at, value) in pending.iter().flat_map(|missing| &missing.values) {
            let is_known = self.known.has(at, value);
            let kind = if is_known { Kind::Known } else { Kind::Missing };
            self.report.find(kind, key, at, Some(value), None);
        }
        mended
    }

    async fn write(
        &mut self,
        key: &str,
        pair: &mut Pair,
        pending: &mut [Missing],
    ) -> Result<(), Error> {
        let Some(repair) = self.repair.as_mut().filter(|_| !pending.is_empty()) else {
            return Ok(());
        };
        let mut values: Vec<_> = pending.iter().flat_map(|missing| &missing.values).collect();
        // Those of a point follow one another.
        values.sort_unstable();
        let (Some(first), Some(last)) = (values.first(), values.last()) else { return Ok(()) };
        let stop = last.0.time.saturating_add(1);
        let range = TimeRange::new(first.0.time, stop).unwrap_or(TimeRange::ALL);
        let written = repair.write(self.asker, range, &values).await;
        // Also where it has failed, some may have arrived.
        let found = self.find_repaired(key, pair, pending).await;
        if let Ok(refused @ 1..) = written {
            self.report.refused += refused;
            self.known = Known::read(self.asker, self.settings).await?;
        }
        written.and(found)
    }

    async fn find_repaired(
        &mut self,
        key: &str,
        pair: &mut Pair,
        pending: &mut [Missing],
    ) -> Result<(), Error> {
        if pair.destination.is_some() {
            self.look_for(key, pair, pending).await?;
        }
        // The table may be new, or have new columns.
        let is_more_missing = pending.iter().any(|missing| !missing.values.is_empty());
        if is_more_missing && self.list_again(key, pair).await? {
            self.look_for(key, pair, pending).await?;
        }
        Ok(())
    }

    /// What has arrived is missing no more.
    async fn look_for(
        &mut self,
        key: &str,
        pair: &Pair,
        pending: &mut [Missing],
    ) -> Result<(), Error> {
        for Missing { piece, which, values } in pending.iter_mut().filter(|m| !m.values.is_empty())
        {
            let there = self.of_destination(&pair.destination, piece, which).await?;
            values.retain(|(at, value)| {
                let is_there = there.held.get(at).is_some_and(|other| is_same(value, other));
                if is_there {
                    self.report.find(Kind::Repaired, key, at, Some(value), None);
                }
                !is_there
            });
        }
        Ok(())
    }

    /// Asks for the table of the destination after something was written to it; whether there is more of it
    /// than was known. An answer that leaves out some of it must not pass for less.
    async fn list_again(&self, key: &str, pair: &mut Pair) -> Result<bool, Error> {
        let tables = self.destination.tables(self.asker, TimeRange::ALL, u64::MAX).await?;
        let mut tables = tables.into_values();
        let table = tables.find(|table| self.destination.key_of(&table.name) == key);
        let known = pair.destination.as_ref();
        let Some(table) = table.filter(|table| known.is_none_or(|known| table.covers(known)))
        else {
            return Ok(false);
        };
        let is_more = known != Some(&table);
        pair.destination = Some(table);
        Ok(is_more)
    }
}
