//! From when on a field has which type, where it has several.
//!
//! A query over several shard groups reads the strongest of their types, so a type is asked for within an hour:
//! no group is shorter. Looks at some times, and then between two that differ: a type that comes and goes
//! between two of them is not seen. Does not know what follows from it.

use std::collections::BTreeMap;

use super::counting::slice_of;
use super::{Side, Table, Way};
use crate::converter::Cell;
use crate::error::Error;
use crate::plan::inquiry::Asker;
use crate::plan::schema::{Class, Field, Measurement};
use crate::protocol::influxql;
use crate::rules::Type;
use crate::section::Section;
use crate::time::{TimeRange, Timestamp};

/// So many fields are looked at: with more, nobody reads on.
const FIELDS_MAX: usize = 20;
/// At so many times each.
const LOOKS: u64 = 64;
/// So many changes of each are narrowed down.
const CHANGES_MAX: usize = 16;
/// In so many steps at most: half a century in 64 parts is two to the thirteenth hours each.
const STEPS_MAX: usize = 16;
const HOUR: u64 = 3600 * 1_000_000_000;

/// By measurement and field: the times of the first value of each type that follows another one.
pub(crate) type Changes = BTreeMap<(String, String), Vec<(Timestamp, Type)>>;

/// Two values of different types that follow one another, as far as is known.
struct Gap {
    before: (Timestamp, Type),
    after: (Timestamp, Type),
    /// From here to `after` there is no value.
    silent_from: Timestamp,
}

impl Side {
    /// Where the types of fields change. Nothing of a measurement of very many series.
    pub(crate) async fn changes(
        &self,
        asker: &Asker,
        all: &BTreeMap<String, Table>,
        range: TimeRange,
    ) -> Result<Changes, Error> {
        let mut changes = Changes::new();
        let Way::InfluxQl(_) = &self.way else { return Ok(changes) };
        for table in all.values().filter(|t| t.parts.iter().any(Measurement::has_changing_types)) {
            if self.sections(asker, table, range).await?.len() > 1 {
                continue;
            }
            for part in &table.parts {
                for field in part.fields.iter().filter(|field| field.types.len() > 1) {
                    let key = (part.name.clone(), field.name.clone());
                    if changes.len() == FIELDS_MAX && !changes.contains_key(&key) {
                        return Ok(changes);
                    }
                    let found = self.changes_of(asker, part, field, range).await?;
                    // Another retention policy may have it too.
                    let all = changes.entry(key).or_default();
                    all.extend(found);
                    all.sort_by_key(|(time, _)| *time);
                }
            }
        }
        Ok(changes)
    }

    async fn changes_of(
        &self,
        asker: &Asker,
        part: &Measurement,
        field: &Field,
        range: TimeRange,
    ) -> Result<Vec<(Timestamp, Type)>, Error> {
        let step = (range.nanoseconds() / LOOKS).max(1);
        let times: Vec<_> = (0..LOOKS)
            .map(|nth| range.start().saturating_add(nth.saturating_mul(step)))
            .filter(|time| *time < range.stop())
            .collect();
        let found = self.types_from(asker, part, field, &times, range).await?;
        let mut seen: Vec<_> = found.into_iter().flatten().collect();
        seen.sort_unstable_by_key(|(time, _)| *time);
        seen.dedup_by_key(|(time, _)| *time);
        let differ = |pair: &&[(Timestamp, Type)]| pair[0].1 != pair[1].1;
        let mut gaps: Vec<_> = seen.windows(2).filter(differ).map(Gap::new).collect();
        gaps.truncate(CHANGES_MAX);
        for _ in 0..STEPS_MAX {
            let mut wide: Vec<_> = gaps.iter_mut().filter(|gap| gap.is_wide()).collect();
            let middles: Vec<_> = wide.iter().map(|gap| gap.middle()).collect();
            if middles.is_empty() {
                break;
            }
            let found = self.types_from(asker, part, field, &middles, range).await?;
            for ((gap, middle), found) in wide.iter_mut().zip(middles).zip(found) {
                gap.learn(middle, found);
            }
        }
        // Mostly it changes where an hour begins.
        let hours: Vec<_> = gaps.iter().map(|gap| slice_of(gap.after.0, HOUR)).collect();
        let found = self.types_from(asker, part, field, &hours, range).await?;
        for ((gap, hour), found) in gaps.iter_mut().zip(hours).zip(found) {
            if gap.before.0 < hour {
                gap.learn(hour, found);
            }
        }
        Ok(seen.first().copied().into_iter().chain(gaps.iter().map(|gap| gap.after)).collect())
    }

    /// The first value at each of these times or later: its time, and its type.
    async fn types_from(
        &self,
        asker: &Asker,
        part: &Measurement,
        field: &Field,
        times: &[Timestamp],
        range: TimeRange,
    ) -> Result<Vec<Option<(Timestamp, Type)>>, Error> {
        let (mut firsts, typed, all) = (Vec::new(), field.typed_columns(), Section::ALL);
        for time in times {
            let rest = TimeRange::new(*time, range.stop()).unwrap_or(range);
            let Some(scope) = self.scope(part, rest, &all) else { return Ok(Vec::new()) };
            firsts.extend(typed.iter().map(|column| influxql::first(column, scope)));
        }
        let rows = self.first_rows(asker, firsts).await?;
        let time = |row: &Option<Vec<Cell>>| row.as_ref()?.first()?.integer().map(Timestamp);
        let first = |rows: &[Option<Vec<Cell>>]| {
            let times =
                rows.iter().zip(Class::ALL).filter_map(|(row, class)| Some((time(row)?, class)));
            times.min_by_key(|(time, _)| *time)
        };
        let firsts: Vec<_> = rows.chunks(typed.len()).map(first).collect();
        let numbers = |first: &(Timestamp, Class)| (first.1 == Class::Numbers).then_some(first.0);
        let mut statements = Vec::new();
        for first in firsts.iter().flatten().filter_map(numbers) {
            let stop = slice_of(first, HOUR).saturating_add(HOUR);
            let hour = TimeRange::new(first, stop).unwrap_or(range);
            let Some(scope) = self.scope(part, hour, &all) else { return Ok(Vec::new()) };
            statements.push(influxql::kind(&field.name, scope));
        }
        let mut kinds = self.first_rows(asker, statements).await?.into_iter();
        let found = firsts.into_iter().map(|first| {
            let (time, class) = first?;
            let of = match class {
                Class::Strings => Type::String,
                Class::Booleans => Type::Boolean,
                Class::Numbers => type_of(kinds.next()??.get(1)?)?,
            };
            Some((time, of))
        });
        Ok(found.collect())
    }
}

impl Gap {
    fn new(pair: &[(Timestamp, Type)]) -> Self {
        Self { before: pair[0], after: pair[1], silent_from: pair[1].0 }
    }

    fn is_wide(&self) -> bool {
        self.before.0.saturating_add(HOUR) < self.silent_from
    }

    fn middle(&self) -> Timestamp {
        let range = TimeRange::new(self.before.0, self.silent_from);
        self.before.0.saturating_add(range.map_or(0, |range| range.nanoseconds() / 2))
    }

    /// Takes the first value at a time between both, or later.
    fn learn(&mut self, time: Timestamp, found: Option<(Timestamp, Type)>) {
        match found {
            Some(value) if value.0 < self.silent_from && value.1 == self.before.1 => {
                self.before = value;
            }
            Some(value) if value.0 < self.silent_from => {
                (self.after, self.silent_from) = (value, time);
            }
            Some(_) | None => self.silent_from = time,
        }
    }
}

/// The type of a number that is asked for as a kind.
fn type_of(cell: &Cell) -> Option<Type> {
    match cell {
        Cell::Float => Some(Type::Float),
        Cell::Integer(_) => Some(Type::Integer),
        Cell::Unsigned(_) => Some(Type::Unsigned),
        Cell::Nil | Cell::Text(_) | Cell::Other => None,
    }
}
