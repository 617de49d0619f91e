//! Rows of an InfluxQL response to points: a row is a point already, all its fields together.
//!
//! Does not know bytes. Relies on `GROUP BY *`, which puts the tags beside the rows, with `""` for
//! a tag that the series does not have (observed on InfluxDB 1.6.7 and 2.9.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::columns::{Column, columns};
use super::error::{ConversionError, ErrorKind, quoted};
use super::influxql::{Rows, Series};
use super::lines::{push_series, push_string};
use super::merge::LineFields;
use super::msgpack::Token;
use super::overlap::Overlap;
use super::parts::text;
use super::points::{Points, check_time};
use super::text::append;
use super::value::Value;
use super::{draft, ruled};
use crate::rules::Type;
use crate::time::Timestamp;

/// What is known of the result of a statement before it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) measurement: String,
    /// How many values there must be.
    pub(crate) values: Option<u64>,
    /// The fields whose small numbers are unsigned.
    pub(crate) unsigned: Vec<String>,
    /// Which retention policy it is about, counted from 0.
    pub(crate) policy: usize,
    /// The fields that other retention policies have too.
    pub(crate) shared: Vec<String>,
}

/// Writes points.
#[derive(Debug)]
pub(crate) struct PointRows {
    known: Known,
    /// The present series, as line protocol.
    series: String,
    /// The same for people, where it cannot be said.
    series_draft: String,
    /// The measurement that the columns are of, by its name in the source.
    measurement: String,
    columns: Vec<Column>,
    /// Why nothing of the present series can be said, and nothing of the present row.
    fault: Option<ErrorKind>,
    time_fault: Option<ErrorKind>,
    policy: usize,
    overlap: Overlap,
    /// That of the present row.
    time: Timestamp,
    /// Its fields, as line protocol, and how many they are.
    fields: Vec<u8>,
    field_count: usize,
    /// Values of the present statement.
    values: u64,
    /// A value that is set aside, for people.
    aside: Option<String>,
}

#[derive(Debug)]
enum Known {
    /// What each statement asks for.
    Statements(Vec<Expected>),
    /// Fields whose small numbers are unsigned, by measurement.
    Unsigned(BTreeMap<String, Vec<String>>),
}

/// `PointRows` at work: where points go and are counted.
pub(crate) struct Writer<'a> {
    pub(crate) rows: &'a mut PointRows,
    pub(crate) points: &'a mut Points,
}

impl PointRows {
    /// For a response of which only this is known: fields whose small numbers are unsigned.
    pub(crate) fn new(unsigned: BTreeMap<String, Vec<String>>) -> Self {
        Self::knowing(Known::Unsigned(unsigned))
    }

    /// For the response to these statements.
    /// `overlap` is what is known of the values before them.
    pub(crate) fn of_statements(statements: Vec<Expected>, overlap: Overlap) -> Self {
        Self { overlap, ..Self::knowing(Known::Statements(statements)) }
    }

    pub(crate) fn take_overlap(&mut self) -> Overlap {
        std::mem::take(&mut self.overlap)
    }

    fn knowing(known: Known) -> Self {
        Self {
            known,
            series: String::new(),
            series_draft: String::new(),
            measurement: String::new(),
            columns: Vec::new(),
            fault: None,
            time_fault: None,
            policy: 0,
            overlap: Overlap::default(),
            time: Timestamp(0),
            fields: Vec::new(),
            field_count: 0,
            values: 0,
            aside: None,
        }
    }

    fn value<'a>(&self, column: usize, token: Token<'a>) -> Result<Value<'a>, ErrorKind> {
        let Column { name, unsigned, .. } = &self.columns[column];
        let unsigned = *unsigned;
        match token {
            Token::Boolean(value) => Ok(Value::Boolean(value)),
            Token::Float(value) => Ok(Value::Float(value)),
            Token::Small(value) if unsigned => Ok(Value::Unsigned(value.into())),
            Token::Small(value) => Ok(Value::Integer(value.into())),
            Token::Integer(value) if !unsigned => Ok(Value::Integer(value)),
            Token::Unsigned(value) if unsigned => Ok(Value::Unsigned(value)),
            Token::Integer(_) | Token::Unsigned(_) => {
                let (column, found) = (quoted(name), token.name());
                let expected = if unsigned { "unsigned integers" } else { "integers" };
                Err(match &self.known {
                    // Somebody writes to the source meanwhile: read again, it will be known.
                    Known::Statements(_) => ErrorKind::Changed { column },
                    Known::Unsigned(_) => ErrorKind::Integer { column, expected, found },
                })
            }
            Token::Text(_) => text(token).map(|text| Value::String(text.into())),
            Token::Nil | Token::List(_) | Token::Map(_) | Token::Extension => {
                let expected = "the value of a field";
                Err(ErrorKind::Unexpected { expected, found: token.name() })
            }
        }
    }

    /// A value that cannot be written, for people.
    fn draft(&self, column: usize, token: Token<'_>) -> String {
        let place = self.columns[column].place(None);
        let (field, value) = match (self.value(column, token), token) {
            (Ok(value), _) => {
                let place = self.columns[column].place(Some(value.of_type()));
                (&place.field, draft::value(&value))
            }
            (Err(_), Token::Text(bytes)) => {
                let mut text = Vec::new();
                push_string(&mut text, bytes);
                (&place.field, draft::text(&text))
            }
            (Err(_), _) => (&place.field, token.name().to_owned()),
        };
        let series = if self.fault.is_some() { &self.series_draft } else { &self.series };
        draft::point(series, &format!("{}={value}", draft::name(field)), &self.time.0.to_string())
    }
}

impl Rows for Writer<'_> {
    fn begin_series(&mut self, statement: usize, series: &Series) -> Result<(), ErrorKind> {
        let Series { name, tags, columns: names, fault, column_faults } = series;
        let (rows, dialect) = (&mut *self.rows, self.points.manner.dialect);
        let rules = Arc::clone(&self.points.manner.rules);
        let are_known = rows.columns.iter().map(|column| &column.name).eq(names);
        if !are_known || (!rules.is_empty() && rows.measurement != *name) {
            rows.columns = columns(dialect, &rules, name, names)?;
            name.clone_into(&mut rows.measurement);
        }
        let none = Vec::new();
        let (unsigned, shared) = match &rows.known {
            Known::Statements(statements) => {
                // Invariant: as in `end_statement`.
                let Expected { measurement, policy, unsigned, shared, .. } = &statements[statement];
                if measurement != name {
                    let (expected, found) = ("the measurement of the statement", "another one");
                    return Err(ErrorKind::Unexpected { expected, found });
                }
                rows.policy = *policy;
                (unsigned, shared)
            }
            Known::Unsigned(fields) => (fields.get(name).unwrap_or(&none), &none),
        };
        rows.overlap.begin(name);
        let mut tags: Vec<_> = tags
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        tags.sort_unstable();
        if tags.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            let (expected, found) = ("each tag once", "one twice");
            return Err(ErrorKind::Unexpected { expected, found });
        }
        let (mut measurement, mut taken) = (name.as_str(), None);
        if !rules.is_empty() {
            (measurement, taken) = ruled::series(&rules, name, &mut tags);
        }
        rows.series.clear();
        let unsayable = push_series(&mut rows.series, dialect, measurement, &tags).err();
        rows.fault = fault.clone().or(unsayable).or(taken);
        if rows.fault.is_some() {
            rows.series_draft = draft::series(measurement, &tags);
        }
        for (place, column) in rows.columns.iter_mut().enumerate() {
            let fault = column_faults.iter().find(|(of, _)| *of == place);
            column.begin(dialect, &tags, fault.map(|(_, fault)| fault));
            column.unsigned = unsigned.contains(&column.name);
            column.shared = shared.contains(&column.name);
        }
        Ok(())
    }

    fn note(&mut self, error: ConversionError) -> Result<(), ConversionError> {
        match self.rows.aside.take() {
            Some(text) => {
                self.points.set_aside(error, 1, text);
                Ok(())
            }
            None => self.points.note(error),
        }
    }

    #[inline]
    fn push_value(&mut self, column: usize, token: Token<'_>) -> Result<(), ErrorKind> {
        let rows = &mut *self.rows;
        if column == 0 {
            let time = match token {
                Token::Integer(time) => Some(time),
                Token::Small(time) => Some(time.into()),
                Token::Unsigned(time) => i64::try_from(time).ok(),
                _ => None,
            };
            let Some(time) = time else {
                let expected = "a time in nanoseconds, as with `epoch=ns`";
                return Err(ErrorKind::Unexpected { expected, found: token.name() });
            };
            rows.time = Timestamp(time);
            rows.time_fault = check_time(rows.time).err();
            rows.fields.clear();
            return Ok(());
        }
        if token == Token::Nil {
            return Ok(());
        }
        rows.values += 1;
        if self.points.leaves_out(rows.time) {
            self.points.counts.outside += 1;
            return Ok(());
        }
        let known = &rows.columns[column];
        let of_series = rows.fault.as_ref().or(rows.time_fault.as_ref());
        if let Some(fault) = of_series.or_else(|| known.fault()) {
            let fault = fault.clone().of(&rows.series);
            return Err(self.unfit(fault, column, token));
        }
        if known.goes_by_type() {
            return self.push_by_type(column, token);
        }
        match rows.value(column, token) {
            Ok(value) => self.write(column, None, &value, token),
            Err(kind) => Err(self.unfit(kind, column, token)),
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_row(&mut self) {
        if self.rows.aside.is_none() {
            self.rows.fields.clear();
            self.rows.field_count = 0;
        }
    }

    fn end_row(&mut self) {
        let rows = &mut *self.rows;
        // A row without a value is no point.
        if !rows.fields.is_empty() {
            let fields = LineFields { count: rows.field_count, text: &rows.fields };
            self.points.push_line(&rows.series, fields, rows.time);
            rows.fields.clear();
        }
        rows.field_count = 0;
    }

    fn end_statement(&mut self, statement: usize) -> Result<(), ErrorKind> {
        let found = std::mem::take(&mut self.rows.values);
        let Known::Statements(statements) = &self.rows.known else { return Ok(()) };
        // Invariant: no more results are read than there are statements.
        let known = &statements[statement];
        match known.values {
            Some(expected) if expected != found => {
                let measurement = quoted(&known.measurement);
                Err(ErrorKind::Values { measurement, expected, found })
            }
            _ => Ok(()),
        }
    }
}

impl Writer<'_> {
    /// A value is not taken: where it is set aside, it is kept for people.
    #[cold]
    #[inline(never)]
    fn unfit(&mut self, kind: ErrorKind, column: usize, token: Token<'_>) -> ErrorKind {
        if self.points.sets_aside(&kind) {
            self.rows.aside = Some(self.rows.draft(column, token));
        }
        kind
    }

    /// Takes a value whose type decides where it goes. Apart, for nearly no column is like that.
    #[cold]
    #[inline(never)]
    fn push_by_type(&mut self, column: usize, token: Token<'_>) -> Result<(), ErrorKind> {
        let rows = &*self.rows;
        let value = match rows.value(column, token) {
            Ok(value) => value,
            Err(kind) => return Err(self.unfit(kind, column, token)),
        };
        let (of, known) = (value.of_type(), &rows.columns[column]);
        let place = known.place(Some(of));
        if let Some(fault) = place.fault.as_ref().or(place.clash.as_ref()) {
            let fault = fault.clone().of(&rows.series);
            return Err(self.unfit(fault, column, token));
        }
        let change = place.change;
        let changed = ruled::changed(&value, change).map_err(|unfit| {
            unfit.of(&known.name, &value.shown()).of_field(&known.name, &rows.series)
        })?;
        self.write(column, Some(of), changed.as_ref().unwrap_or(&value), token)?;
        self.points.counts.count(change);
        Ok(())
    }

    /// Appends a value to its row, to the field of this type if it is one of several.
    #[inline(always)]
    fn write(
        &mut self,
        column: usize,
        of: Option<Type>,
        value: &Value<'_>,
        token: Token<'_>,
    ) -> Result<(), ErrorKind> {
        let rows = &mut *self.rows;
        let Column { name, shared, .. } = &rows.columns[column];
        let key = &rows.columns[column].place(of).key;
        let before = rows.fields.len();
        if before > 0 {
            rows.fields.push(b',');
        }
        append(&mut rows.fields, key.as_bytes());
        let start = rows.fields.len();
        if let Err(unfit) = value.push(&mut rows.fields) {
            rows.fields.truncate(before);
            let kind = unfit.of(name, &value.shown()).of_field(name, &rows.series);
            return Err(self.unfit(kind, column, token));
        }
        if *shared {
            let key = (rows.series.as_str(), key.as_str(), rows.time);
            rows.overlap.check(rows.policy, key, &rows.fields[start..])?;
        }
        self.points.counts.rows += 1;
        rows.field_count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
