//! The values of a table in a range, one by one, as they are in line protocol for the destination.
//!
//! Does not know what they are compared with. Those of a source are read as a batch reads them, with the
//! policies of the schema applied.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::counting::slices;
use super::digest::{Digest, Held};
use super::{Side, Table, Way, rows};
use crate::converter::{Conversion, IoxPoint, Lines, Parts, key_and_value};
use crate::error::{Error, Fault};
use crate::plan::exchange::{Ids, Want};
use crate::plan::inquiry::{Asker, Question};
use crate::plan::reader::{self, Reader};
use crate::plan::set_aside::on_one_line;
use crate::plan::{Answer, Note};
use crate::protocol::iox;
use crate::rules::Type;
use crate::section::Section;
use crate::settings::{Selection, Settings};
use crate::time::{TimeRange, Timestamp};

/// So many values are held of a side. Whoever asks for more has to ask for parts.
pub(crate) const VALUES_MAX: usize = 400_000;

/// Types change where a day begins, if they do.
pub(crate) const DAY: u64 = 24 * 3600 * 1_000_000_000;
/// And so many bytes, at most.
pub(crate) const BYTES_MAX: usize = 96 << 20;
/// What a value takes beside its texts.
const VALUE_BYTES: usize = 120;

/// What tells a value from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) time: Timestamp,
    /// Measurement and tags, as line protocol.
    pub(crate) series: String,
    /// As line protocol.
    pub(crate) field: String,
}

/// Values as line protocol.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// Those that are held.
    pub(crate) held: BTreeMap<Key, String>,
    which: Held,
    /// Of all of them.
    pub(crate) digest: Digest,
    /// Values that cannot arrive, and that the settings allow to set aside. None of a file: what is counted
    /// of it has arrived.
    pub(crate) set_aside: u64,
    /// The points that they are of, as they would stand in the file.
    pub(crate) aside: Vec<String>,
    /// About so many they are in memory.
    bytes: usize,
}

/// Whether two values are one: floats may be written in several ways.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other
        || match (float(one), float(other)) {
            (Some(one), Some(other)) => one.to_bits() == other.to_bits(),
            _ => false,
        }
}

/// A float of line protocol: no suffix tells that it is something else.
pub(crate) fn float(text: &str) -> Option<f64> {
    let last = *text.as_bytes().last()?;
    let is_number = last.is_ascii_digit() || last == b'.';
    is_number.then(|| text.parse().ok()).flatten()
}

/// A table in the course of being read.
struct Reading {
    reader: Reader,
    conversion: Conversion,
    values: Values,
    /// The measurement as line protocol: lines of another one are none of it.
    measurement: Option<String>,
    /// Whether what is set aside is counted.
    counts_unfit: bool,
}

impl Side {
    /// Reads what a table has in a range; `values` says which of them are held, and is empty. `TooLarge` if
    /// those are more than `VALUES_MAX`, or if there is more than the side answers at once.
    pub(crate) async fn values(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
        values: Values,
    ) -> Result<Values, Error> {
        let found = match &self.way {
            Way::InfluxQl(_) | Way::Flux | Way::File => {
                self.read(asker, table, range, values).await
            }
            Way::Sql => {
                let mut reading = rows::Reading::new(self, table, range, values);
                asker.asked(&mut reading).await
            }
            Way::Iox => {
                let call = iox::points(self.place(), &table.name, range);
                match asker.body_soon(call, self.attempts_max()).await {
                    Ok(body) => self.of_series(table, &body, values),
                    Err(error) => Err(error),
                }
            }
        };
        found.map_err(|error| error.of_side(self.which))
    }

    /// Some of the values in a range: those of one section.
    pub(crate) async fn sample(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
    ) -> Result<Values, Error> {
        let mut sections = self.sections(asker, table, range).await?;
        let section = sections.swap_remove(sections.len() / 2);
        let values = Values::default();
        let found = self.read_section(asker, table, range, &section, &values).await;
        found.map_err(|error| error.of_side(self.which))
    }

    async fn read(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
        mut values: Values,
    ) -> Result<Values, Error> {
        let empty = values.emptied();
        for section in self.sections(asker, table, range).await? {
            for range in self.at_once(range) {
                values.absorb(self.read_section(asker, table, range, &section, &empty).await?)?;
            }
        }
        Ok(values)
    }

    /// What is read by one query: by Flux no more than a day, for types may change after it, and it would read
    /// but one.
    fn at_once(&self, range: TimeRange) -> Vec<TimeRange> {
        match self.way {
            Way::Flux => slices(range, DAY).collect(),
            Way::InfluxQl(_) | Way::Sql | Way::Iox | Way::File => vec![range],
        }
    }

    /// A response that breaks off is asked for again, as a batch would be.
    async fn read_section(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
        section: &Section,
        empty: &Values,
    ) -> Result<Values, Error> {
        let mut failed = 0;
        loop {
            let reading = Reading::new(self, table, range, section.clone(), empty.emptied());
            match asker.ask(reading).await {
                Err(error)
                    if error.fault == Fault::Truncated && failed + 1 < self.attempts_max() =>
                {
                    failed += 1;
                    asker.note(Note::warning(format!("{error}; it is read again")));
                    asker.pause(failed).await?;
                }
                found => return found,
            }
        }
    }

    fn of_series(&self, table: &Table, body: &[u8], mut values: Values) -> Result<Values, Error> {
        for series in iox::series(body)? {
            let times = series.column("time")?;
            for (time, cells) in times.zip(&series.values) {
                let unfit = || Error::new(Fault::Malformed, "expected a row with a time");
                let time = Timestamp(time.as_i64().ok_or_else(unfit)?);
                let cells = series.columns.iter().cloned().zip(cells.iter().cloned());
                values.push_row(self, table, &series.tags, &cells.collect(), time)?;
            }
        }
        Ok(values)
    }
}

impl Values {
    /// None yet: these are to be held, and all are to be counted in slices of so many nanoseconds.
    pub(crate) fn holding(which: Held, slice: u64) -> Self {
        Self { which, digest: Digest::new(slice), ..Self::default() }
    }

    /// None yet, of the same kind.
    pub(super) fn emptied(&self) -> Self {
        Self { which: self.which.clone(), digest: self.digest.emptied(), ..Self::default() }
    }

    /// How many there are, those among them that cannot arrive. Of those that are held, one that comes twice is
    /// one: a row that is repeated must not stand in for one that is left out.
    pub(crate) fn count(&self) -> u64 {
        let count = match self.which {
            Held::All => self.held.len() as u64,
            Held::Nothing | Held::Some(_) => self.digest.values,
        };
        count.saturating_add(self.set_aside)
    }

    fn push(
        &mut self,
        time: Timestamp,
        series: &str,
        field: &str,
        value: &str,
    ) -> Result<(), Error> {
        let parcel = self.digest.add(time, series, field, value);
        if !self.which.has(parcel) {
            return Ok(());
        }
        self.bytes += VALUE_BYTES + series.len() + field.len() + value.len();
        let key = Key { time, series: series.to_owned(), field: field.to_owned() };
        self.held.insert(key, value.to_owned());
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Error> {
        match self.held.len() > VALUES_MAX || self.bytes > BYTES_MAX {
            true => Err(Error::new(Fault::TooLarge, "more values than can be compared at once")),
            false => Ok(()),
        }
    }

    /// Takes those of another section, or table.
    pub(crate) fn absorb(&mut self, others: Self) -> Result<(), Error> {
        let Self { held, which: _, digest, set_aside, aside, bytes } = others;
        self.aside.extend(aside);
        self.held.extend(held);
        self.digest.absorb(digest);
        self.set_aside = self.set_aside.saturating_add(set_aside);
        self.bytes += bytes;
        self.check_size()
    }

    /// A row of InfluxDB 3, with the tags where they are.
    pub(super) fn push_row(
        &mut self,
        side: &Side,
        table: &Table,
        tags: &Map<String, Value>,
        row: &Map<String, Value>,
        time: Timestamp,
    ) -> Result<(), Error> {
        let tag = |key: &String| {
            let value = tags.get(key.as_str()).and_then(Value::as_str);
            value.map(|value| (key.clone(), value.to_owned()))
        };
        let tags: Vec<_> = table.tags.iter().filter_map(tag).collect();
        let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let point = IoxPoint::new(side.settings.dialect, &table.name, tags)?;
        for field in table.parts.iter().flat_map(|part| &part.fields) {
            let of = field.types.first().copied().unwrap_or(Type::Float);
            let value = row.get(&field.name).unwrap_or(&Value::Null);
            if let Some((field, value)) = point.field(&field.name, of, value)? {
                self.push(time, &point.series, &field, &value)?;
            }
        }
        Ok(())
    }

    /// Takes lines; only those of one measurement, if it is named.
    fn push_lines(&mut self, lines: &Lines, measurement: Option<&str>) -> Result<(), Error> {
        each_value(lines, |point, time, field, value| {
            match measurement.is_none_or(|name| name == point.measurement()) {
                true => self.push(time, point.series, field, value),
                false => Ok(()),
            }
        })
    }
}

/// Takes the values of lines one by one: of which point, its time, the field and the value.
pub(crate) fn each_value(
    lines: &Lines,
    mut take: impl FnMut(&Parts<'_>, Timestamp, &str, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    let unfit = || Error::new(Fault::Internal, "a line that was written cannot be read");
    for line in lines.each() {
        let point = Parts::of(line).ok_or_else(unfit)?;
        let time = Timestamp(point.time.parse().map_err(|_| unfit())?);
        for field in &point.fields {
            let (field, value) = key_and_value(field).ok_or_else(unfit)?;
            take(&point, time, field, value)?;
        }
    }
    Ok(())
}

impl Reading {
    fn new(side: &Side, table: &Table, range: TimeRange, section: Section, values: Values) -> Self {
        let settings = match &side.way {
            Way::File => side.settings.clone(),
            Way::InfluxQl(_) | Way::Flux | Way::Sql | Way::Iox => Settings {
                selection: Selection {
                    measurements: vec![table.name.clone()],
                    ..side.settings.selection.clone()
                },
                ..side.settings.clone()
            },
        };
        let measurement = Some(side.key_of(&table.name));
        let reader = Reader::new(&settings, side.road(), range, section, false);
        let conversion = Conversion::within(range, reader::format(&settings), settings.manner());
        let counts_unfit = !side.is_file();
        Self { reader, conversion, values, measurement, counts_unfit }
    }

    /// Lines are taken as they come: they are not to be held twice.
    fn take_lines(&mut self) -> Result<(), Error> {
        let lines = self.conversion.take_lines(usize::MAX);
        if self.counts_unfit {
            self.values.set_aside = self.conversion.counts().unfit;
        }
        for rejection in self.conversion.take_rejected() {
            let text = on_one_line(&rejection.text);
            self.values.bytes += VALUE_BYTES + text.len();
            self.values.aside.push(text);
        }
        self.values.push_lines(&lines, self.measurement.as_deref())?;
        self.values.check_size()
    }
}

impl Question for Reading {
    type Found = Values;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.reader.want(now, ids, true)
    }

    fn owns(&self, id: u64) -> bool {
        self.reader.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Values>, Error> {
        self.reader.answer(answer, &mut self.conversion)?;
        self.take_lines()?;
        Ok(self.found())
    }

    fn found(&mut self) -> Option<Values> {
        self.reader.is_done().then(|| std::mem::take(&mut self.values))
    }

    fn notes(&mut self) -> VecDeque<Note> {
        std::mem::take(&mut self.reader.notes)
    }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn floats_are_the_same_however_they_are_written() {
        for (one, other) in [("1", "1.0"), ("1e300", "1E300"), ("-0", "-0.0"), ("0.10", "0.1")] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [("0", "-0"), ("1", "1i"), ("1i", "1u"), ("\"1\"", "1"), ("t", "f")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }
}
