//! When the first point is: what to ask, by either language. Does not know batches.

use std::collections::VecDeque;

use super::Answer;
use super::collect::Collect;
use super::exchange::{Ids, Want};
use super::fields::Fields;
use super::road::Road;
use super::schema::Measurement;
use crate::converter::{Cell, first_time, tables};
use crate::error::{Error, Fault};
use crate::protocol::flux;
use crate::protocol::influxql::{self, Scope};
use crate::section::Section;
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// The time of the first point, while it is looked for.
#[derive(Debug)]
pub(crate) struct Earliest {
    bucket: String,
    condition: Option<String>,
    attempts_max: u32,
    stage: Stage,
    first: Option<Timestamp>,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum First {
    Point(Timestamp),
    /// There is none.
    Nothing,
}

#[derive(Debug)]
enum Stage {
    Flux(Collect),
    /// Which fields are there?
    Fields {
        database: String,
        fields: Box<Fields>,
    },
    /// When is the first row of each?
    Rows {
        database: String,
        asking: Collect,
        asked: usize,
        left: VecDeque<String>,
    },
}

impl Earliest {
    pub(crate) fn new(settings: &Settings, road: &Road) -> Self {
        let (place, selection) = (settings.source.place(), &settings.selection);
        let attempts_max = settings.limits.attempts_max;
        let stage = match road {
            Road::Flux => Stage::Flux(Collect::new(flux::earliest(place, selection), attempts_max)),
            Road::InfluxQl(database) => {
                let names = &selection.measurements;
                let fields =
                    Fields::new(settings.reads, database, names, &place.bucket, attempts_max);
                Stage::Fields { database: database.name.clone(), fields: fields.into() }
            }
        };
        let (bucket, condition) = (place.bucket.clone(), selection.condition.clone());
        Self { bucket, condition, attempts_max, stage, first: None }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        match &mut self.stage {
            Stage::Flux(asking) | Stage::Rows { asking, .. } => asking.want(now, ids),
            Stage::Fields { fields, .. } => fields.want(now, ids),
        }
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        match &self.stage {
            Stage::Flux(asking) | Stage::Rows { asking, .. } => asking.owns(id),
            Stage::Fields { fields, .. } => fields.owns(id),
        }
    }

    /// Takes an answer; returns what was found, once that is known.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Option<First>, Error> {
        self.take(answer).map_err(Error::of_source)
    }

    fn take(&mut self, answer: Answer) -> Result<Option<First>, Error> {
        let (database, left) = match &mut self.stage {
            Stage::Flux(asking) => {
                let Some(body) = asking.answer(answer)? else { return Ok(None) };
                return Ok(Some(First::of(first_time(&body)?)));
            }
            Stage::Fields { database, fields } => {
                let Some(schema) = fields.answer(answer)? else { return Ok(None) };
                let condition = self.condition.as_deref();
                let firsts = |m: &Measurement| firsts(m, database, condition);
                (database.clone(), schema.iter().flat_map(firsts).collect())
            }
            Stage::Rows { database, asking, asked, left } => {
                let Some(body) = asking.answer(answer)? else { return Ok(None) };
                self.first = [self.first, first_row(&body, *asked)?].into_iter().flatten().min();
                (std::mem::take(database), std::mem::take(left))
            }
        };
        Ok(self.ask(database, left))
    }

    fn ask(&mut self, database: String, mut left: VecDeque<String>) -> Option<First> {
        let statements = influxql::first_that_fit(left.iter().cloned());
        if statements.is_empty() {
            return Some(First::of(self.first));
        }
        left.drain(..statements.len());
        let call = influxql::call(&database, &statements, &self.bucket);
        let asking = Collect::new(call, self.attempts_max);
        self.stage = Stage::Rows { database, asking, asked: statements.len(), left };
        None
    }
}

impl First {
    fn of(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Nothing, Self::Point)
    }
}

/// The statements that find the first row of a measurement. One for all fields does not see the
/// values of a weaker type, where a field has several.
fn firsts(measurement: &Measurement, database: &str, condition: Option<&str>) -> Vec<String> {
    let scope = Scope {
        database,
        policy: &measurement.policy,
        measurement: &measurement.name,
        range: TimeRange::ALL,
        section: &Section::ALL,
        // It may be about a field whose type changes, and would then not see all points. Without it
        // the first point is earlier, if anything.
        condition: condition.filter(|_| !measurement.has_changing_types()),
    };
    let mut statements = vec![influxql::first("*::field", scope)];
    for field in measurement.fields.iter().filter(|field| field.types.len() > 1) {
        let columns = field.typed_columns();
        statements.extend(columns.iter().map(|column| influxql::first(column, scope)));
    }
    statements
}

/// The earliest time in a response whose rows begin with theirs.
fn first_row(body: &[u8], statements: usize) -> Result<Option<Timestamp>, Error> {
    let tables = tables(body, statements)?;
    let time = |row: &Vec<Cell>| {
        let unfit = || Error::new(Fault::Malformed, "expected a row that begins with its time");
        row.first().and_then(Cell::integer).map(Timestamp).ok_or_else(unfit)
    };
    let times = tables.iter().flat_map(|table| &table.rows).map(time);
    times.collect::<Result<Vec<_>, _>>().map(|times| times.into_iter().min())
}
