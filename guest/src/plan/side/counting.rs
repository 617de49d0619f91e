//! How many values a table has in each slice of time, counted by the engine of its side.
//!
//! What is too much for a server at once is asked for in halves. Does not know what counts are compared with.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Side, Survey, Table, Way, asks_for_less};
use crate::converter::{Cell, flux_column, tables};
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::schema::{Class, Measurement};
use crate::protocol::{flux, influxql, iox, sql};
use crate::section::Section;
use crate::settings::Selection;
use crate::time::{TimeRange, Timestamp};

/// So many columns are counted by one statement: as many as Serverless takes in a table.
const COLUMNS_MAX: usize = 200;
/// So many slices are counted by one request of Flux, which has a query for each.
const FLUX_SLICES_MAX: usize = 50;
/// No question is about less: a file of InfluxDB 3 Core is of ten minutes, mostly.
const SHORTEST: u64 = 60 * 1_000_000_000;

/// What is counted of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Column {
    pub(crate) field: String,
    /// `None` where it has but one type.
    pub(crate) class: Option<Class>,
}

/// How many values columns have, by the beginning of the slice; none are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts(pub(crate) BTreeMap<Column, BTreeMap<Timestamp, u64>>);

impl Counts {
    pub(super) fn add(&mut self, column: &Column, slice: Timestamp, count: u64) {
        if count > 0 {
            let slices = self.0.entry(column.clone()).or_default();
            let sum = slices.entry(slice).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

/// The beginning of the slice of so many nanoseconds that a time is in; the first one is cut where time begins.
pub(crate) fn slice_of(time: Timestamp, slice: u64) -> Timestamp {
    slice_around(time, slice).map_or(time, TimeRange::start)
}

/// The slice of so many nanoseconds that a time is in, cut where time begins and ends.
pub(crate) fn slice_around(time: Timestamp, slice: u64) -> Option<TimeRange> {
    let (time, length) = (i128::from(time.0), i128::from(slice.max(1)));
    let start = time - time.rem_euclid(length);
    let at = |time: i128| {
        let within = time.clamp(i64::MIN.into(), i64::MAX.into());
        Timestamp(i64::try_from(within).unwrap_or(i64::MAX))
    };
    TimeRange::new(at(start), at(start + length))
}

/// The slice that a server says a count is of, of those that were asked for. Of a single one, servers tell
/// whatever time they can: 1.6.7 and 2.9.1 say 1970 of one that begins before time does, and Core a time in
/// 2261 (observed).
fn slice_told(time: Timestamp, range: TimeRange, slice: u64) -> Result<Timestamp, Error> {
    let first = slice_of(range.start(), slice);
    if slice_around(range.start(), slice).is_some_and(|one| one.stop() >= range.stop()) {
        return Ok(first);
    }
    let start = slice_of(time, slice);
    let is_asked = start == time && first <= start && start < range.stop();
    is_asked.then_some(start).ok_or_else(|| {
        Error::new(Fault::Malformed, format!("expected counts in {range}, found one at {time}"))
    })
}

impl Table {
    /// Whether two lists tell the same of it; how many series there are may be another number each time.
    pub(crate) fn is_listed_as(&self, other: &Self) -> bool {
        (&self.name, &self.parts, &self.tags) == (&other.name, &other.parts, &other.tags)
    }

    /// Whether it has all tags and fields of another one.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let columns = self.columns();
        other.columns().iter().all(|column| columns.contains(column))
            && other.tags.iter().all(|tag| self.tags.contains(tag))
    }

    /// All that can be counted of it.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let mut all: Vec<_> = self.parts.iter().flat_map(columns).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What is counted of a part of a table.
fn columns(part: &Measurement) -> Vec<Column> {
    let mut all = Vec::new();
    for field in &part.fields {
        let column = |class| Column { field: field.name.clone(), class };
        match field.types.len() {
            0 | 1 => all.push(column(None)),
            _ => all.extend(Class::ALL.map(|class| column(Some(class)))),
        }
    }
    all
}

impl Column {
    /// As InfluxQL names it. Numbers of all types are counted as floats, cast to which they all are.
    fn to_influxql(&self) -> String {
        let name = influxql::identifier(&self.field);
        match self.class {
            None => name,
            Some(class) => format!("{name}::{}", class.counted_as()),
        }
    }
}

impl Side {
    /// Counts a table. Slices begin with 1970; the first and the last one may be cut by the range.
    pub(crate) async fn count(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
        slice: u64,
    ) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        let mut left = vec![range];
        // The first slice by itself, where it begins before time does.
        if let Some(first) = slice_around(range.start(), slice)
            && first.start() == Timestamp::MIN
            && let Some(rest) = TimeRange::new(first.stop(), range.stop())
        {
            left = vec![rest];
            left.extend(TimeRange::new(range.start(), first.stop()));
        }
        while let Some(range) = left.pop() {
            let longest = self.longest.get();
            if range.nanoseconds() > longest {
                left.extend(halves(range, slice).into_iter().rev());
                continue;
            }
            match self.count_at_once(asker, table, range, slice, &mut counts).await {
                Ok(()) => {}
                // A smaller question may do.
                Err(error) if asks_for_less(&error) && range.nanoseconds() > SHORTEST => {
                    self.longest.set(range.nanoseconds() / 2 + 1);
                    left.push(range);
                }
                Err(error) => return Err(error.of_side(self.which)),
            }
        }
        Ok(counts)
    }

    async fn count_at_once(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
        slice: u64,
        counts: &mut Counts,
    ) -> Result<(), Error> {
        // What came of a question that failed midway is void.
        let mut found = Counts::default();
        match &self.way {
            Way::InfluxQl(_) => {
                for section in self.sections(asker, table, range).await? {
                    for part in &table.parts {
                        self.count_part(asker, part, &section, range, slice, &mut found).await?;
                    }
                }
            }
            Way::Flux => self.count_by_flux(asker, table, range, slice, &mut found).await?,
            Way::Sql | Way::Iox => {
                let columns = table.columns();
                for some in columns.chunks(COLUMNS_MAX) {
                    self.count_iox(asker, table, some, range, slice, &mut found).await?;
                }
            }
            Way::File => {
                let is_known = |survey: &&Survey| survey.range == range && survey.slice == slice;
                let known =
                    self.surveyed.borrow().as_ref().filter(is_known).map(|s| s.of(&table.name));
                found = match known {
                    Some(known) => known,
                    None => self.survey(asker, range, slice).await?.of(&table.name),
                };
            }
        }
        for (column, slices) in found.0 {
            slices.into_iter().for_each(|(slice, count)| counts.add(&column, slice, count));
        }
        Ok(())
    }

    async fn count_part(
        &self,
        asker: &Asker,
        part: &Measurement,
        section: &Section,
        range: TimeRange,
        slice: u64,
        found: &mut Counts,
    ) -> Result<(), Error> {
        let Some(scope) = self.scope(part, range, section) else { return Ok(()) };
        for some in columns(part).chunks(COLUMNS_MAX) {
            let names: Vec<_> = some.iter().map(Column::to_influxql).collect();
            let statements = [influxql::counts_by_time(&names, scope, slice)];
            let call = influxql::call(scope.database, &statements, &self.place().bucket);
            let body = asker.body_soon(call.at(self.which), self.attempts_max()).await?;
            for table in tables(&body, 1)? {
                for row in &table.rows {
                    push_cells(found, some, row, (range, slice))?;
                }
            }
        }
        Ok(())
    }

    async fn count_by_flux(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
        slice: u64,
        found: &mut Counts,
    ) -> Result<(), Error> {
        let measurements = vec![table.name.clone()];
        let selection = Selection { measurements, ..self.settings.selection.clone() };
        let mut slices = slices(range, slice).peekable();
        while slices.peek().is_some() {
            let some: Vec<_> = slices.by_ref().take(FLUX_SLICES_MAX).collect();
            let call = flux::counts(self.place(), &some, &selection, &Section::ALL);
            let body = asker.body_soon(call.at(self.which), self.attempts_max()).await?;
            let [starts, fields, counts] = [
                flux_column(&body, "_start")?,
                flux_column(&body, "_field")?,
                flux_column(&body, "_value")?,
            ];
            for ((start, field), count) in starts.iter().zip(fields).zip(counts) {
                let (Ok(start), Ok(count)) = (Timestamp::parse(start), count.parse()) else {
                    return Err(unfit());
                };
                let column = Column { field, class: None };
                found.add(&column, slice_of(start, slice), count);
            }
        }
        Ok(())
    }

    async fn count_iox(
        &self,
        asker: &Asker,
        table: &Table,
        columns: &[Column],
        range: TimeRange,
        slice: u64,
        found: &mut Counts,
    ) -> Result<(), Error> {
        let names: Vec<_> = columns.iter().map(|column| column.field.clone()).collect();
        let (place, name, attempts_max) = (self.place(), &table.name, self.attempts_max());
        if let Way::Iox = self.way {
            let call = iox::counts(place, name, &names, range, slice);
            let body = asker.body_soon(call, attempts_max).await?;
            for series in iox::series(&body)? {
                let times = series.column("time")?;
                let times: Option<Vec<_>> = times.map(Value::as_i64).collect();
                let times = times.ok_or_else(unfit)?;
                for (at, column) in columns.iter().enumerate() {
                    for (time, count) in times.iter().zip(series.column(&format!("c{at}"))?) {
                        let start = slice_told(Timestamp(*time), range, slice)?;
                        found.add(column, start, number(count)?);
                    }
                }
            }
            return Ok(());
        }
        let call = sql::counts(place, name, &names, range, slice);
        let body = asker.body_soon(call, attempts_max).await?;
        for row in sql::rows(&body)? {
            let start = time_of(row.get("slice").unwrap_or(&Value::Null))?;
            let start = slice_told(start, range, slice)?;
            for (at, column) in columns.iter().enumerate() {
                let count = row.get(&format!("c{at}")).unwrap_or(&Value::Null);
                found.add(column, start, number(count)?);
            }
        }
        Ok(())
    }
}

/// The parts of a range that are in one slice each.
pub(super) fn slices(range: TimeRange, slice: u64) -> impl Iterator<Item = TimeRange> {
    let mut start = Some(range.start());
    std::iter::from_fn(move || {
        let begin = start.take()?;
        let stop =
            slice_around(begin, slice).map_or(range.stop(), TimeRange::stop).min(range.stop());
        start = (stop < range.stop()).then_some(stop);
        TimeRange::new(begin, stop)
    })
}

/// Both halves of a range, cut where slices are if it has several.
pub(crate) fn halves(range: TimeRange, slice: u64) -> Vec<TimeRange> {
    let middle = range.start().saturating_add(range.nanoseconds() / 2);
    let at_slice = slice_of(middle, slice);
    let cut = if at_slice > range.start() { at_slice } else { middle };
    let parts = [TimeRange::new(range.start(), cut), TimeRange::new(cut, range.stop())];
    parts.into_iter().flatten().collect()
}

/// A row of InfluxQL: the time, and the counts of some columns.
fn push_cells(
    found: &mut Counts,
    columns: &[Column],
    row: &[Cell],
    (range, slice): (TimeRange, u64),
) -> Result<(), Error> {
    let (Some(time), cells) = (row.first().and_then(Cell::integer), row.get(1..)) else {
        return Err(unfit());
    };
    let cells = cells.filter(|cells| cells.len() == columns.len()).ok_or_else(unfit)?;
    let start = slice_told(Timestamp(time), range, slice)?;
    for (column, cell) in columns.iter().zip(cells) {
        let count = match cell {
            Cell::Nil => 0,
            cell => cell.integer().and_then(|count| u64::try_from(count).ok()).ok_or_else(unfit)?,
        };
        found.add(column, start, count);
    }
    Ok(())
}

fn number(value: &Value) -> Result<u64, Error> {
    if value.is_null() { Ok(0) } else { value.as_u64().ok_or_else(unfit) }
}

/// A time in an answer of InfluxDB 3, which is in UTC and does not say so.
pub(super) fn time_of(value: &Value) -> Result<Timestamp, Error> {
    let text = value.as_str().ok_or_else(unfit)?;
    let zoned = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
    Timestamp::parse(&zoned).map_err(|_| unfit())
}

fn unfit() -> Error {
    Error::new(Fault::Malformed, "expected rows with their times, found something else")
}

#[cfg(test)]
mod tests {
    use super::{slice_around, slice_of, slice_told};
    use crate::time::{TimeRange, Timestamp};

    const HOUR: u64 = 3_600_000_000_000;

    #[test]
    fn slices_are_cut_where_time_begins_and_ends() {
        let first = slice_around(Timestamp::MIN, HOUR).expect("there is one");
        assert_eq!(first.start(), Timestamp::MIN);
        assert_eq!(first.stop().0.rem_euclid(3_600_000_000_000), 0);
        assert_eq!(slice_of(first.stop().saturating_sub(1), HOUR), Timestamp::MIN);
        assert_eq!(slice_of(first.stop(), HOUR), first.stop());
        let last = slice_around(Timestamp(i64::MAX - 1), HOUR).expect("there is one");
        assert_eq!(last.stop(), Timestamp::MAX);
    }

    #[test]
    fn a_slice_that_was_not_asked_for_is_malformed() {
        let range = |start, stop| TimeRange::new(Timestamp(start), Timestamp(stop));
        let range = range(5, 35).expect("it is not empty");
        for start in [0, 10, 20, 30] {
            assert_eq!(slice_told(Timestamp(start), range, 10), Ok(Timestamp(start)));
        }
        for start in [-10, 40, 11] {
            assert!(slice_told(Timestamp(start), range, 10).is_err(), "{start}");
        }
        // Of one slice it can be of no other.
        assert_eq!(slice_told(Timestamp(0), range, 100), Ok(Timestamp(0)));
        assert_eq!(slice_told(Timestamp(700), range, 100), Ok(Timestamp(0)));
    }
}
