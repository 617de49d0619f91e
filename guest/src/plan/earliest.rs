//! When the first point is: what to ask, by either language. Does not know batches.

use std::collections::VecDeque;

use super::Answer;
use super::collect::Collect;
use super::exchange::{Ids, Want};
use super::road::{Database, Road};
use super::schema::{Measurement, schema};
use crate::converter::{Cell, first_time, tables};
use crate::error::{Endpoint, Error};
use crate::protocol::flux;
use crate::protocol::influxql::{self, STATEMENTS_MAX, Scope};
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// The time of the first point, while it is looked for.
#[derive(Debug)]
pub(crate) struct Earliest {
    bucket: String,
    condition: Option<String>,
    attempts_max: u32,
    stage: Stage,
    asking: Collect,
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
    Flux,
    /// Which fields are there?
    Fields(Database),
    /// When is the first row of each?
    Rows {
        database: String,
        asked: usize,
        left: VecDeque<String>,
    },
}

impl Earliest {
    pub(crate) fn new(settings: &Settings, road: &Road) -> Self {
        let (place, selection) = (settings.source.place(), &settings.selection);
        let (stage, call) = match road {
            Road::Flux => (Stage::Flux, flux::earliest(place, selection)),
            Road::InfluxQl(database) => {
                let Database { name, policies, .. } = database;
                let statements = influxql::field_keys(name, policies, &selection.measurements);
                let call = influxql::call(name, &statements, &place.bucket);
                (Stage::Fields(database.clone()), call)
            }
        };
        Self {
            bucket: place.bucket.clone(),
            condition: selection.condition.clone(),
            attempts_max: settings.attempts_max,
            stage,
            asking: Collect::new(call, settings.attempts_max),
            first: None,
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.asking.want(now, ids)
    }

    /// Takes an answer; returns what was found, once that is known.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Option<First>, Error> {
        let Some(body) = self.asking.answer(answer)? else { return Ok(None) };
        let taken = self.take(&body);
        taken.map_err(|error| error.within("the response of the source").at(Endpoint::Source))
    }

    fn take(&mut self, body: &[u8]) -> Result<Option<First>, Error> {
        let (database, left) = match &mut self.stage {
            Stage::Flux => return Ok(Some(First::of(first_time(body)?))),
            Stage::Fields(database) => {
                let condition = self.condition.as_deref();
                let schema = schema(body, &database.policies)?;
                let firsts = |m: &Measurement| firsts(m, &database.name, condition);
                (database.name.clone(), schema.iter().flat_map(firsts).collect())
            }
            Stage::Rows { database, asked, left } => {
                let first = first_row(body, *asked)?;
                self.first = [self.first, first].into_iter().flatten().min();
                (std::mem::take(database), std::mem::take(left))
            }
        };
        Ok(self.ask(database, left))
    }

    fn ask(&mut self, database: String, mut left: VecDeque<String>) -> Option<First> {
        if left.is_empty() {
            return Some(First::of(self.first));
        }
        let statements: Vec<_> = left.drain(..left.len().min(STATEMENTS_MAX)).collect();
        let call = influxql::call(&database, &statements, &self.bucket);
        self.asking = Collect::new(call, self.attempts_max);
        self.stage = Stage::Rows { database, asked: statements.len(), left };
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
        condition,
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
    let times = tables.iter().flat_map(|table| &table.rows).filter_map(|row| match row.first() {
        Some(Cell::Integer(time)) => Some(Timestamp(*time)),
        _ => None,
    });
    Ok(times.min())
}
