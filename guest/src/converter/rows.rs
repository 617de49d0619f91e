//! Rows of an InfluxQL response to points: a row is a point already, all its fields together.
//!
//! Does not know bytes. Relies on `GROUP BY *`, which puts the tags beside the rows, with `""` for
//! a tag that the series does not have (observed on InfluxDB 1.6.7 and 2.9.1).

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ConversionError, ErrorKind, quoted};
use super::influxql::{Rows, Series};
use super::lines::{push_field_key, push_series};
use super::msgpack::Token;
use super::names::{Dialect, clash};
use super::overlap::Overlap;
use super::parts::text;
use super::points::{Points, check_time};
use super::text::append;
use super::value::Value;
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
    columns: Vec<Column>,
    /// Why nothing of the present series can be said, and nothing of the present row.
    fault: Option<ErrorKind>,
    time_fault: Option<ErrorKind>,
    policy: usize,
    overlap: Overlap,
    /// That of the present row.
    time: Timestamp,
    /// Its fields, as line protocol.
    fields: Vec<u8>,
    /// Values of the present statement.
    values: u64,
}

/// A column of the rows. The first is that of the time.
#[derive(Debug)]
struct Column {
    name: String,
    /// Its field key and `=`, as line protocol.
    key: String,
    /// Why it cannot be said, if it cannot: at all, and beside the present tags.
    fault: Option<ErrorKind>,
    clash: Option<ErrorKind>,
    /// Whether its small numbers are unsigned.
    unsigned: bool,
    /// Whether other retention policies have it too.
    shared: bool,
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
            columns: Vec::new(),
            fault: None,
            time_fault: None,
            policy: 0,
            overlap: Overlap::default(),
            time: Timestamp(0),
            fields: Vec::new(),
            values: 0,
        }
    }

    fn read_columns(&mut self, dialect: Dialect, columns: &[String]) -> Result<(), ErrorKind> {
        if columns.first().is_none_or(|column| column != "time") {
            return Err(ErrorKind::ColumnMissing { column: "time" });
        }
        let different: BTreeSet<_> = columns.iter().collect();
        if different.len() < columns.len() {
            let (expected, found) = ("each column once", "one twice");
            return Err(ErrorKind::Unexpected { expected, found });
        }
        let column = |(place, name): (usize, &String)| {
            let (name, mut key) = (name.clone(), String::new());
            // The time is no field.
            let fault = match place {
                0 => None,
                _ => push_field_key(&mut key, dialect, &[], &name).err(),
            };
            Column { name, key, fault, clash: None, unsigned: false, shared: false }
        };
        self.columns = columns.iter().enumerate().map(column).collect();
        Ok(())
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
}

impl Rows for Writer<'_> {
    fn begin_series(&mut self, statement: usize, series: &Series) -> Result<(), ErrorKind> {
        let Series { name, tags, columns, fault } = series;
        let (rows, dialect) = (&mut *self.rows, self.points.dialect);
        if !rows.columns.iter().map(|column| &column.name).eq(columns) {
            rows.read_columns(dialect, columns)?;
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
        rows.series.clear();
        let unsayable = push_series(&mut rows.series, dialect, name, &tags).err();
        rows.fault = fault.clone().or(unsayable);
        for column in &mut rows.columns {
            column.clash = clash(dialect, &tags, &column.name);
            column.unsigned = unsigned.contains(&column.name);
            column.shared = shared.contains(&column.name);
        }
        Ok(())
    }

    fn note(&mut self, error: ConversionError) -> Result<(), ConversionError> {
        self.points.note(error)
    }

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
        let Column { name, key, fault, clash, shared, .. } = &rows.columns[column];
        let faults = [&rows.fault, &rows.time_fault, fault, clash];
        if let Some(fault) = faults.into_iter().flatten().next() {
            return Err(fault.clone().of(&rows.series));
        }
        let value = rows.value(column, token)?;
        let before = rows.fields.len();
        if before > 0 {
            rows.fields.push(b',');
        }
        append(&mut rows.fields, key.as_bytes());
        let start = rows.fields.len();
        if let Err(unfit) = value.push(&mut rows.fields) {
            rows.fields.truncate(before);
            return Err(unfit.of(name, &value.shown()).of_field(name, &rows.series));
        }
        if *shared {
            let key = (rows.series.as_str(), key.as_str(), rows.time);
            rows.overlap.check(rows.policy, key, &rows.fields[start..])?;
        }
        self.points.counts.rows += 1;
        Ok(())
    }

    fn drop_row(&mut self) {
        self.rows.fields.clear();
    }

    fn end_row(&mut self) {
        let rows = &mut *self.rows;
        // A row without a value is no point.
        if !rows.fields.is_empty() {
            self.points.push_line(&rows.series, &rows.fields, rows.time);
            rows.fields.clear();
        }
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

#[cfg(test)]
mod tests {
    use super::super::points::Points;
    use super::{ErrorKind, Expected, Overlap, PointRows, Rows, Series, Timestamp, Token, Writer};
    use crate::time::TimeRange;

    /// What is known of a statement about `f` of `m`, which several retention policies have.
    fn known(policy: usize, values: u64) -> Expected {
        Expected {
            measurement: "m".to_owned(),
            values: Some(values),
            policy,
            shared: vec!["f".to_owned()],
            ..Expected::default()
        }
    }

    /// The rows of the one statement, at its one series.
    fn begin<'a>(rows: &'a mut PointRows, points: &'a mut Points) -> Writer<'a> {
        let columns = ["time", "f"].map(str::to_owned).to_vec();
        let series = Series { name: "m".to_owned(), columns, ..Series::default() };
        let mut writer = Writer { rows, points };
        writer.begin_series(0, &series).expect("it is the series of the statement");
        writer
    }

    /// A statement of these values of `f` at the times 1, 2, 3, of which so many are counted before.
    fn statement(values: &[i64], counted: u64) -> (Result<(), ErrorKind>, Points) {
        let mut rows = PointRows::of_statements(vec![known(0, counted)], Overlap::default());
        let range = TimeRange::new(Timestamp(1), Timestamp(3)).expect("it is not empty");
        let mut points = Points::new(range, usize::MAX);
        let mut writer = begin(&mut rows, &mut points);
        for (time, value) in (1..).zip(values) {
            writer.push_value(0, Token::Integer(time)).expect("it is a time");
            writer.push_value(1, Token::Integer(*value)).expect("it is a value");
            writer.end_row();
        }
        (writer.end_statement(0), points)
    }

    #[test]
    fn a_statement_has_as_many_values_as_were_counted() {
        let (ended, points) = statement(&[5, 6], 2);
        assert_eq!((ended, points.counts.rows, points.counts.outside), (Ok(()), 2, 0));
        assert_eq!(points.merge.lines.text(), "m f=5i 1\nm f=6i 2\n");
        for counted in [1, 3] {
            let measurement = "m".to_owned();
            let error = ErrorKind::Values { measurement, expected: counted, found: 2 };
            assert_eq!(statement(&[5, 6], counted).0, Err(error));
        }
    }

    #[test]
    fn what_a_policy_holds_is_known_in_the_response_about_the_next() {
        let mut overlap = Overlap::default();
        for (policy, value, is_equal) in [(0, 5, true), (1, 5, true), (2, 6, false)] {
            let mut rows = PointRows::of_statements(vec![known(policy, 1)], overlap);
            let mut points = Points::new(TimeRange::ALL, usize::MAX);
            let mut writer = begin(&mut rows, &mut points);
            writer.push_value(0, Token::Integer(1)).expect("it is a time");
            assert_eq!(writer.push_value(1, Token::Integer(value)).is_ok(), is_equal, "{policy}");
            overlap = rows.take_overlap();
        }
    }

    #[test]
    fn values_outside_of_the_range_are_left_out_and_counted() {
        let (_, points) = statement(&[5, 6, 7, 8], 2);
        assert_eq!((points.counts.rows, points.counts.outside), (2, 2));
        assert_eq!(points.merge.lines.len(), 2);
    }
}
