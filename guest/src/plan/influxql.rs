//! Reading a batch by InfluxQL: its fields, where types change, and then all points, some
//! measurements a request.
//!
//! Does not know where points go.

use std::collections::VecDeque;

use super::Answer;
use super::collect::Collect;
use super::exchange::{Event, Exchange, Ids, Want};
use super::road::Database;
use super::schema::schema;
use super::slices::{Groups, Slice, Slices};
use crate::converter::{Cell, Conversion, Statement, Table, tables};
use crate::error::{Error, Fault};
use crate::protocol::influxql::{self, From};
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// So many statements go into one request. Each costs the server little; an error in one ends all
/// that follow it.
pub(crate) const STATEMENTS_MAX: usize = 200;

/// A batch in the course of being read.
#[derive(Debug)]
pub(crate) struct InfluxQl {
    /// Of messages.
    bucket: String,
    database: Database,
    measurements: Vec<String>,
    condition: Option<String>,
    batch: TimeRange,
    attempts_max: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Which fields are there, of which types?
    Fields(Collect),
    /// Where do shard groups begin?
    Shards(Collect, Slices),
    /// How many values are there of each type?
    Counts {
        asking: Collect,
        asked: Vec<Slice>,
        slices: Slices,
    },
    /// Are small numbers integers or unsigned?
    Kinds {
        asking: Collect,
        asked: Vec<(usize, String)>,
        slices: Slices,
    },
    /// The points of some slices.
    Points {
        exchange: Box<Exchange>,
        left: VecDeque<Slice>,
        slices: Slices,
    },
    Done,
}

impl InfluxQl {
    pub(crate) fn new(settings: &Settings, database: Database, batch: TimeRange) -> Self {
        let mut reading = Self {
            bucket: settings.source.place().bucket.clone(),
            database,
            measurements: settings.selection.measurements.clone(),
            condition: settings.selection.condition.clone(),
            batch,
            attempts_max: settings.attempts_max,
            stage: Stage::Done,
        };
        let Database { name, policies, .. } = &reading.database;
        let statements = influxql::field_keys(name, policies, &reading.measurements);
        reading.stage = Stage::Fields(reading.ask(&statements));
        reading
    }

    fn ask(&self, statements: &[String]) -> Collect {
        let call = influxql::call(&self.database.name, statements, &self.bucket);
        Collect::new(call, self.attempts_max)
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, may_read: bool) -> Want {
        match &mut self.stage {
            Stage::Fields(asking)
            | Stage::Shards(asking, _)
            | Stage::Counts { asking, .. }
            | Stage::Kinds { asking, .. } => asking.want(now, ids),
            Stage::Points { exchange, .. } => exchange.want(now, ids, may_read),
            Stage::Done => Want::Nothing,
        }
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        match &self.stage {
            Stage::Fields(asking)
            | Stage::Shards(asking, _)
            | Stage::Counts { asking, .. }
            | Stage::Kinds { asking, .. } => asking.owns(id),
            Stage::Points { exchange, .. } => exchange.owns(id),
            Stage::Done => false,
        }
    }

    /// Whether all points have been read.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    pub(crate) fn answer(
        &mut self,
        answer: Answer,
        conversion: &mut Conversion,
    ) -> Result<(), Error> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Fields(mut asking) => match asking.answer(answer)? {
                None => self.stage = Stage::Fields(asking),
                Some(body) => {
                    let schema = schema(&body, &self.database.policies)?;
                    self.find_slices(Slices::new(schema, self.batch), conversion);
                }
            },
            Stage::Shards(mut asking, mut slices) => match asking.answer(answer)? {
                None => self.stage = Stage::Shards(asking, slices),
                Some(body) => {
                    slices.know(self.groups(&body)?);
                    self.count(slices, conversion);
                }
            },
            Stage::Counts { mut asking, asked, mut slices } => match asking.answer(answer)? {
                None => self.stage = Stage::Counts { asking, asked, slices },
                Some(body) => {
                    let tables = tables(&body, asked.len())?;
                    for (place, slice) in asked.into_iter().enumerate() {
                        let columns = slices.measurement(&slice).columns_to_count().len();
                        slices.settle(slice, &counts(&tables, place, columns)?)?;
                    }
                    self.count(slices, conversion);
                }
            },
            Stage::Kinds { mut asking, asked, mut slices } => match asking.answer(answer)? {
                None => self.stage = Stage::Kinds { asking, asked, slices },
                Some(body) => {
                    let tables = tables(&body, asked.len())?;
                    for (place, (slice, field)) in asked.into_iter().enumerate() {
                        if is_unsigned(&tables, place) {
                            slices.sure()[slice].unsigned.push(field);
                        }
                    }
                    self.read(slices, conversion);
                }
            },
            Stage::Points { mut exchange, left, slices } => {
                match exchange.answer(answer) {
                    Event::Nothing | Event::Begun(_) => {}
                    Event::Piece(piece) => conversion.feed(&piece)?,
                    Event::Ended => {
                        conversion.end()?;
                        self.read_on(left, slices, conversion);
                        return Ok(());
                    }
                    Event::Failed(error) => return Err(error),
                }
                self.stage = Stage::Points { exchange, left, slices };
            }
            Stage::Done => {}
        }
        Ok(())
    }

    /// Where types change, slices are needed; elsewhere the batch is one.
    fn find_slices(&mut self, slices: Slices, conversion: &mut Conversion) {
        if slices.are_unsure() && self.database.shows_shards {
            self.stage = Stage::Shards(self.ask(&[influxql::shards()]), slices);
        } else {
            self.count(slices, conversion);
        }
    }

    fn count(&mut self, mut slices: Slices, conversion: &mut Conversion) {
        let asked = slices.take_unsure(STATEMENTS_MAX);
        if asked.is_empty() {
            return self.ask_kinds(slices, conversion);
        }
        let count = |slice: &Slice| {
            let columns = slices.measurement(slice).columns_to_count();
            influxql::counts(&columns, self.from(slice, &slices))
        };
        let statements: Vec<_> = asked.iter().map(count).collect();
        self.stage = Stage::Counts { asking: self.ask(&statements), asked, slices };
    }

    /// Small integers and small unsigned integers come as the same bytes. Where a field has both,
    /// a larger number tells which they are in this slice.
    fn ask_kinds(&mut self, mut slices: Slices, conversion: &mut Conversion) {
        let sure = slices.sure().clone();
        let (mut asked, mut statements) = (Vec::new(), Vec::new());
        for (place, slice) in sure.iter().enumerate() {
            for field in &slice.ambiguous {
                statements.push(influxql::kind(field, self.from(slice, &slices)));
                asked.push((place, field.clone()));
            }
        }
        match asked.is_empty() {
            true => self.read(slices, conversion),
            false => self.stage = Stage::Kinds { asking: self.ask(&statements), asked, slices },
        }
    }

    fn read(&mut self, mut slices: Slices, conversion: &mut Conversion) {
        let left = std::mem::take(slices.sure()).into();
        self.read_on(left, slices, conversion);
    }

    fn read_on(&mut self, mut left: VecDeque<Slice>, slices: Slices, conversion: &mut Conversion) {
        if left.is_empty() {
            self.stage = Stage::Done;
            return;
        }
        let asked: Vec<_> = left.drain(..left.len().min(STATEMENTS_MAX)).collect();
        let points = |slice: &Slice| influxql::points(&slice.columns, self.from(slice, &slices));
        let statements: Vec<_> = asked.iter().map(points).collect();
        let known = |slice: Slice| {
            let policy = &slices.measurement(&slice).policy;
            let policy = self.database.policies.iter().position(|other| other == policy);
            let Slice { values, unsigned, shared, .. } = slice;
            Statement { values, unsigned, policy: policy.unwrap_or(0), shared }
        };
        conversion.begin_statements(self.batch, asked.into_iter().map(known).collect());
        let call = influxql::call(&self.database.name, &statements, &self.bucket);
        let exchange = Exchange::new(call, self.attempts_max).into();
        self.stage = Stage::Points { exchange, left, slices };
    }

    fn from<'a>(&'a self, slice: &Slice, slices: &'a Slices) -> From<'a> {
        let measurement = slices.measurement(slice);
        From {
            database: &self.database.name,
            policy: &measurement.policy,
            measurement: &measurement.name,
            range: slice.range,
            condition: self.condition.as_deref(),
        }
    }

    /// Reads the answer to `SHOW SHARDS`.
    fn groups(&self, body: &[u8]) -> Result<Groups, Error> {
        let mut groups = Groups::new();
        let tables = tables(body, 1)?;
        let names = ["database", "retention_policy", "start_time", "end_time"];
        let rows = tables.iter().flat_map(|table| table.texts(names));
        for [_, policy, start, end] in rows.filter(|[name, ..]| *name == self.database.name) {
            let [start, end] = [start, end].map(Timestamp::parse);
            let unfit = |_| Error::new(Fault::Malformed, "a shard group has no bounds");
            // The last group ends with time itself, to the second: 2262-04-11T23:47:16Z.
            let end = end.or_else(|why| if start.is_ok() { Ok(Timestamp::MAX) } else { Err(why) });
            let (start, end) = (start.unwrap_or(Timestamp::MIN), end.map_err(unfit)?);
            groups.entry(policy.to_owned()).or_default().extend(TimeRange::new(start, end));
        }
        Ok(groups)
    }
}

/// The counts that a statement gave; all 0 if it gave no row.
fn counts(tables: &[Table], statement: usize, columns: usize) -> Result<Vec<u64>, Error> {
    let unfit = || Error::new(Fault::Malformed, "expected counts, found something else");
    let mut of_statement = tables.iter().filter(|table| table.statement == statement);
    let Some(table) = of_statement.next() else {
        return Ok(vec![0; columns]);
    };
    // The first column is the time.
    let row = table.rows.first().and_then(|row| row.get(1..)).ok_or_else(unfit)?;
    let count = |cell: &Cell| match cell {
        Cell::Nil => Ok(0),
        Cell::Integer(count) => u64::try_from(*count).map_err(|_| unfit()),
        Cell::Unsigned(count) => Ok(*count),
        Cell::Text(_) | Cell::Other => Err(unfit()),
    };
    let is_one = table.rows.len() == 1 && of_statement.next().is_none();
    if !is_one || row.len() != columns {
        return Err(unfit());
    }
    row.iter().map(count).collect()
}

fn is_unsigned(tables: &[Table], statement: usize) -> bool {
    let mut of_statement = tables.iter().filter(|table| table.statement == statement);
    let row = of_statement.next().and_then(|table| table.rows.first());
    matches!(row.and_then(|row| row.get(1)), Some(Cell::Unsigned(_)))
}
