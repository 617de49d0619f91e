//! Reading a batch by InfluxQL: its fields, how many values there are and where types change, and then
//! all points, some measurements a request.
//!
//! Does not know where points go.

use std::collections::VecDeque;

use super::Answer;
use super::collect::Collect;
use super::exchange::{Event, Exchange, Ids, Want};
use super::fields::Fields;
use super::road::Database;
use super::schema::Measurement;
use super::slices::{Groups, Slice, Slices};
use crate::converter::{Cell, Conversion, Expected, Table, tables};
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::influxql::{self, STATEMENTS_MAX, Scope};
use crate::section::{Dimension, Section};
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// A batch in the course of being read by InfluxQL.
#[derive(Debug)]
pub(crate) struct InfluxQlReader {
    side: Endpoint,
    /// Of messages.
    bucket: String,
    database: Database,
    condition: Option<String>,
    batch: TimeRange,
    section: Section,
    attempts_max: u32,
    /// Nobody should still write into its times: all that is read is counted.
    pub(crate) is_settled: bool,
    stage: Stage,
    /// The question of the stage, until the points are read.
    asking: Option<Collect>,
}

#[derive(Debug)]
enum Stage {
    /// Which fields are there, of which types?
    Fields(Box<Fields>),
    /// Where are shard groups?
    Shards(Slices),
    /// How many values are there of each type?
    Counts {
        asked: Vec<Slice>,
        slices: Slices,
    },
    /// Are small numbers integers or unsigned? Of `all`, these are asked now, and those later.
    Kinds {
        asked: Vec<Kind>,
        later: VecDeque<Kind>,
        all: Vec<Slice>,
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

/// A field of which it is to be found out, and its slice.
#[derive(Debug)]
struct Kind {
    slice: usize,
    field: String,
}

impl InfluxQlReader {
    pub(crate) fn new(
        settings: &Settings,
        database: Database,
        batch: TimeRange,
        section: &Section,
    ) -> Self {
        let bucket = settings.source.place().bucket.clone();
        let attempts_max = settings.limits.attempts_max;
        let side = settings.reads;
        let fields =
            Fields::new(side, &database, &settings.selection.measurements, &bucket, attempts_max);
        let condition = settings.selection.condition.clone();
        let stage = Stage::Fields(fields.into());
        let section = section.clone();
        Self {
            side,
            bucket,
            database,
            condition,
            batch,
            section,
            attempts_max,
            is_settled: false,
            stage,
            asking: None,
        }
    }

    fn ask(&mut self, statements: &[String]) {
        let call = influxql::call(&self.database.name, statements, &self.bucket);
        self.asking = Some(Collect::ending_late(call.at(self.side), self.attempts_max));
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, may_read: bool) -> Want {
        match (&mut self.asking, &mut self.stage) {
            (Some(asking), _) => asking.want(now, ids),
            (None, Stage::Fields(fields)) => fields.want(now, ids),
            (None, Stage::Points { exchange, .. }) => exchange.want(now, ids, may_read),
            (None, _) => Want::Nothing,
        }
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        match (&self.asking, &self.stage) {
            (Some(asking), _) => asking.owns(id),
            (None, Stage::Fields(fields)) => fields.owns(id),
            (None, Stage::Points { exchange, .. }) => exchange.owns(id),
            (None, _) => false,
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
        if let Some(asking) = &mut self.asking {
            let Some(body) = asking.answer(answer)? else { return Ok(()) };
            self.asking = None;
            return self.take(&body, conversion);
        }
        if let Stage::Fields(fields) = &mut self.stage {
            if let Some(schema) = fields.answer(answer)? {
                self.find_slices(schema, conversion);
            }
            return Ok(());
        }
        let Stage::Points { exchange, .. } = &mut self.stage else { return Ok(()) };
        match exchange.answer(answer) {
            Event::Nothing | Event::Begun(_) => Ok(()),
            Event::Piece(piece) => conversion.feed(&piece),
            Event::Ended => {
                conversion.end()?;
                if let Stage::Points { left, slices, .. } = self.leave_stage() {
                    self.read(left, slices, conversion);
                }
                Ok(())
            }
            Event::Failed(error) => Err(error),
        }
    }

    /// The next stage is to be set.
    fn leave_stage(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Done)
    }

    /// Takes the whole answer to the question of the stage.
    fn take(&mut self, body: &[u8], conversion: &mut Conversion) -> Result<(), Error> {
        match self.leave_stage() {
            Stage::Shards(mut slices) => {
                slices.set_groups(self.groups(body)?);
                self.count(slices, conversion);
            }
            Stage::Counts { asked, mut slices } => {
                let tables = tables(body, asked.len())?;
                for (place, slice) in asked.into_iter().enumerate() {
                    slices.settle(slice, &counts(&tables, place)?)?;
                }
                self.count(slices, conversion);
            }
            Stage::Kinds { asked, later, mut all, slices } => {
                let tables = tables(body, asked.len())?;
                for (place, Kind { slice, field }) in asked.into_iter().enumerate() {
                    if is_unsigned(&tables, place) {
                        all[slice].unsigned.push(field);
                    }
                }
                self.ask_kinds(later, all, slices, conversion);
            }
            Stage::Fields(_) | Stage::Points { .. } | Stage::Done => {}
        }
        Ok(())
    }

    fn find_slices(&mut self, schema: Vec<Measurement>, conversion: &mut Conversion) {
        let cell = self.database.cell_seconds * 1_000_000_000;
        let schema = of_section(schema, &self.section);
        let has_all_fields = self.section.names(&Dimension::Field).is_none();
        let mut slices =
            Slices::new(schema, self.batch, cell, self.condition.is_some(), has_all_fields);
        let are_unsure = slices.are_unsure();
        if self.is_settled {
            slices.count_all();
        }
        if are_unsure && self.database.shows_shards {
            self.stage = Stage::Shards(slices);
            self.ask(&[influxql::shards()]);
        } else {
            self.count(slices, conversion);
        }
    }

    fn count(&mut self, mut slices: Slices, conversion: &mut Conversion) {
        let mut asked: Vec<_> =
            std::iter::from_fn(|| slices.take_unsure()).take(STATEMENTS_MAX).collect();
        if asked.is_empty() {
            let all = slices.take_sure();
            let kinds_of = |(slice, of): (usize, &Slice)| {
                of.ambiguous.clone().into_iter().map(move |field| Kind { slice, field })
            };
            let kinds = all.iter().enumerate().flat_map(kinds_of).collect();
            return self.ask_kinds(kinds, all, slices, conversion);
        }
        let count = |slice: &Slice| {
            influxql::counts(&slices.columns_to_count(slice), self.scope(slice, &slices))
        };
        let statements = influxql::first_that_fit(asked.iter().map(count));
        asked.drain(statements.len()..).rev().for_each(|slice| slices.put_back(slice));
        self.stage = Stage::Counts { asked, slices };
        self.ask(&statements);
    }

    /// Small integers and small unsigned integers come as the same bytes. Where a field has both,
    /// a larger number tells which they are in a slice.
    fn ask_kinds(
        &mut self,
        mut later: VecDeque<Kind>,
        all: Vec<Slice>,
        slices: Slices,
        conversion: &mut Conversion,
    ) {
        if later.is_empty() {
            return self.read(all.into(), slices, conversion);
        }
        let kind =
            |Kind { slice, field }: &Kind| influxql::kind(field, self.scope(&all[*slice], &slices));
        let statements = influxql::first_that_fit(later.iter().map(kind));
        let asked = later.drain(..statements.len()).collect();
        self.stage = Stage::Kinds { asked, later, all, slices };
        self.ask(&statements);
    }

    fn read(&mut self, mut left: VecDeque<Slice>, slices: Slices, conversion: &mut Conversion) {
        if left.is_empty() {
            self.stage = Stage::Done;
            return;
        }
        let points = |slice: &Slice| influxql::points(&slice.columns, self.scope(slice, &slices));
        let statements = influxql::first_that_fit(left.iter().map(points));
        let asked: Vec<_> = left.drain(..statements.len()).collect();
        let known = |slice: Slice| {
            let Measurement { policy, name, .. } = slices.measurement(&slice);
            let (measurement, policy) = (name.clone(), policy);
            let policy = self.database.policies.iter().position(|other| other == policy);
            let Slice { values, unsigned, shared, .. } = slice;
            Expected { measurement, values, unsigned, policy: policy.unwrap_or(0), shared }
        };
        conversion.begin_statements(self.batch, asked.into_iter().map(known).collect());
        let call = influxql::call(&self.database.name, &statements, &self.bucket);
        let exchange = Exchange::new(call.at(self.side), self.attempts_max).ending_late().into();
        self.stage = Stage::Points { exchange, left, slices };
    }

    fn scope<'a>(&'a self, slice: &Slice, slices: &'a Slices) -> Scope<'a> {
        let measurement = slices.measurement(slice);
        Scope {
            database: &self.database.name,
            policy: &measurement.policy,
            measurement: &measurement.name,
            range: slice.range,
            section: &self.section,
            condition: self.condition.as_deref(),
        }
    }

    /// Reads the response to `SHOW SHARDS`.
    fn groups(&self, body: &[u8]) -> Result<Groups, Error> {
        let mut groups = Groups::new();
        let names = ["database", "retention_policy", "start_time", "end_time"];
        for table in tables(body, 1)? {
            for [database, policy, start, end] in table.texts(names)? {
                if database == self.database.name {
                    let group = group(start, end)?;
                    groups.entry(policy.to_owned()).or_default().push(group);
                }
            }
        }
        Ok(groups)
    }
}

/// The measurements and fields that are in a section.
fn of_section(mut schema: Vec<Measurement>, section: &Section) -> Vec<Measurement> {
    schema.retain_mut(|Measurement { name, fields, .. }| {
        fields.retain(|field| section.contains_name(&Dimension::Field, &field.name));
        section.contains_name(&Dimension::Measurement, name) && !fields.is_empty()
    });
    schema
}

/// The times of a shard group. The first and the last one that there are reach beyond what points
/// can have: from 1677-09-20 on.
fn group(start: &str, end: &str) -> Result<TimeRange, Error> {
    let range = match (Timestamp::parse(start), Timestamp::parse(end)) {
        (Ok(start), Ok(end)) => TimeRange::new(start, end),
        (Err(_), Ok(end)) => TimeRange::new(Timestamp::MIN, end),
        (Ok(start), Err(_)) => TimeRange::new(start, Timestamp::MAX),
        (Err(_), Err(_)) => None,
    };
    range.ok_or_else(|| {
        let message = format!("expected the times of a shard group, found `{start}` and `{end}`");
        Error::new(Fault::Malformed, message)
    })
}

/// The counts that a statement gave; none if it gave no row, and all of them are 0 then.
fn counts(tables: &[Table], statement: usize) -> Result<Vec<u64>, Error> {
    let unfit = || Error::new(Fault::Malformed, "expected counts, found something else");
    let mut of_statement = tables.iter().filter(|table| table.statement == statement);
    let Some(table) = of_statement.next() else {
        return Ok(Vec::new());
    };
    // The first column is the time.
    let row = table.rows.first().and_then(|row| row.get(1..)).ok_or_else(unfit)?;
    let count = |cell: &Cell| match cell {
        Cell::Nil => Ok(0),
        cell => cell.integer().and_then(|count| u64::try_from(count).ok()).ok_or_else(unfit),
    };
    let is_one = table.rows.len() == 1 && of_statement.next().is_none();
    if !is_one || row.is_empty() {
        return Err(unfit());
    }
    row.iter().map(count).collect()
}

fn is_unsigned(tables: &[Table], statement: usize) -> bool {
    let mut of_statement = tables.iter().filter(|table| table.statement == statement);
    let row = of_statement.next().and_then(|table| table.rows.first());
    matches!(row.and_then(|row| row.get(1)), Some(Cell::Unsigned(_)))
}
