//! Reading the rows of a table of InfluxDB 3 Core or Enterprise, as they come.
//!
//! Does not know what they are compared with.

use serde_json::Value;

use super::counting::time_of;
use super::{Side, Table, Values};
use crate::error::Error;
use crate::plan::Answer;
use crate::plan::exchange::{Event, Exchange, Ids, Want};
use crate::plan::inquiry::Question;
use crate::protocol::sql::{self, Rows};
use crate::time::{TimeRange, Timestamp};

/// A response in the course of being read.
pub(super) struct Reading<'a> {
    side: &'a Side,
    table: &'a Table,
    range: TimeRange,
    exchange: Exchange,
    rows: Rows,
    values: Values,
}

impl<'a> Reading<'a> {
    /// `values` says which of them are held.
    pub(super) fn new(side: &'a Side, table: &'a Table, range: TimeRange, values: Values) -> Self {
        let call = sql::points(side.place(), &table.name, range);
        let exchange = Exchange::restarting(call, side.attempts_max()).ending_late();
        Self { side, table, range, exchange, rows: Rows::default(), values }
    }
}

impl Question for Reading<'_> {
    type Found = Values;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.exchange.want(now, ids, true)
    }

    fn owns(&self, id: u64) -> bool {
        self.exchange.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Values>, Error> {
        match self.exchange.answer(answer) {
            Event::Nothing => {}
            // If it broke off before, it begins anew: what came is void.
            Event::Begun(_) => {
                self.rows = Rows::default();
                self.values = self.values.emptied();
            }
            Event::Piece(piece) => self.rows.feed(&piece, |row| {
                let time = time_of(row.get("time").unwrap_or(&Value::Null))?;
                // Of the first second that there is, the bound before it cannot be said.
                match self.range.contains(time) {
                    true => self.values.push_row(self.side, self.table, &row, &row, time),
                    false => Ok(()),
                }
            })?,
            Event::Ended => {
                self.rows.end()?;
                return Ok(Some(std::mem::take(&mut self.values)));
            }
            Event::Failed(error) => return Err(error),
        }
        Ok(None)
    }
}
