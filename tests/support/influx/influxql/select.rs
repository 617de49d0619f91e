//! What a `SELECT` reads of the points of a bucket.
//!
//! Observed on 1.6.7 and 2.9.1, and recorded in `tests/recorded/influxql`. Of the types that a
//! field has in the shard groups that a range touches, the strongest is read unless another is
//! named: numbers are cast to it, all else is left out without a word.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::Rows;
use super::parse::{self, Columns, Count, Select};
use crate::influx::points::{Fields, Series, Type, Value};
use crate::influx::settings::Version;
use crate::influx::store::Bucket;

/// Which end of time a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    First,
    Last,
}

/// The first time that a point can have. A count of all points from there on is one of 1970.
const TIME_MIN: i64 = i64::MIN + 2;

/// What one statement reads.
struct Reader<'a> {
    select: &'a Select,
    bucket: &'a Bucket,
    /// First and last time.
    start: i64,
    last: i64,
    /// The fields that the range knows, with the types in which they are read.
    types: BTreeMap<&'a str, Type>,
}

/// What a statement finds, series by series. `others` are all buckets of the database.
pub(super) fn rows(
    select: &Select,
    bucket: &Bucket,
    others: &[&Bucket],
    version: Version,
) -> Result<Vec<Rows>, String> {
    let reader = Reader::new(select, bucket)?;
    reader.check_tags()?;
    Ok(match &select.columns {
        Columns::Series(fields) => {
            let keys = match version {
                // One index for all policies and all times of a database.
                Version::V1_6 => tag_keys(select, others, |_| true),
                Version::V2 => {
                    tag_keys(select, &[bucket], |times| reader.shares_a_group(bucket, times))
                }
            };
            reader.series(&keys, &reader.columns(fields))
        }
        Columns::First(fields) => reader.one(&reader.columns(fields), End::First),
        Columns::Last(fields) => reader.one(&reader.columns(fields), End::Last),
        Columns::Counts(counts, slice) => reader.counts(counts, *slice),
        Columns::CountAll => reader.count_all(),
        Columns::Kind(field) => reader.kind(field)?,
    })
}

impl<'a> Reader<'a> {
    fn new(select: &'a Select, bucket: &'a Bucket) -> Result<Self, String> {
        let bound = |time: i128| {
            let incompatible =
                "invalid operation: time and *influxql.UnsignedLiteral are not compatible";
            i64::try_from(time).map_err(|_| incompatible.to_owned())
        };
        let start = bound(select.start)?;
        // As in Go: before the first number comes the last one.
        let last = bound(select.stop)?.wrapping_sub(1);
        let mut types: BTreeMap<&str, Type> = BTreeMap::new();
        if start <= last {
            let groups = bucket.shards.groups_within(start, last);
            for (field, value_type) in
                groups.filter_map(|group| group.types(&select.measurement)).flatten()
            {
                let strongest = types.entry(field).or_insert(*value_type);
                if strength(*value_type) > strength(*strongest) {
                    *strongest = *value_type;
                }
            }
        }
        Ok(Self { select, bucket, start, last, types })
    }

    /// A condition on a field would have to be asked of each row.
    fn check_tags(&self) -> Result<(), String> {
        match self.select.tags.iter().find(|(key, _)| self.types.contains_key(key.as_str())) {
            Some((key, _)) => Err(format!("{key} is a field; the fake compares tags alone")),
            None => Ok(()),
        }
    }

    /// The series that are wanted, with their points in the range.
    fn points(
        &self,
    ) -> impl Iterator<Item = (&'a Series, impl Iterator<Item = (i64, &'a Fields)>)> {
        let wanted = |series: &Series| {
            let mut tags = self.select.tags.iter();
            series.measurement == self.select.measurement
                && tags.all(|(key, value)| series.tag(key).unwrap_or_default() == value)
        };
        let (start, last) = (self.start, self.last);
        let series = self.bucket.points.series().filter(move |(series, _)| wanted(series));
        series.map(move |(series, times)| {
            let times = (start <= last).then(|| times.range(start..=last));
            let points = times.into_iter().flatten().map(|(time, fields)| (*time, fields));
            (series, points.filter(|(_, fields)| self.matches(fields)))
        })
    }

    /// Whether a field holds a carriage return that is to hold one. Without a type, a field is
    /// looked at as the type that it is read as: a string among numbers is then not found.
    fn matches(&self, fields: &Fields) -> bool {
        let mut patterns = self.select.patterns.iter();
        let holds = |pattern: &parse::Pattern| {
            let known = self.types.get(pattern.field.as_str()).copied();
            let is_text = pattern.read.or(known) == Some(Type::String);
            let value = fields.get(&pattern.field);
            is_text && matches!(value, Some(Value::String(text)) if text.contains('\r'))
        };
        self.select.patterns.is_empty() || patterns.any(holds)
    }

    /// The columns that are wanted, each with the type in which it is read.
    fn columns<'b>(&'b self, fields: &'b parse::Fields) -> Vec<(&'b str, Type)> {
        let typed = |(field, read): &'b (String, Type)| (field.as_str(), *read);
        match fields {
            parse::Fields::All => self.types.iter().map(|(field, read)| (*field, *read)).collect(),
            parse::Fields::Of(fields) => fields.iter().map(typed).collect(),
        }
    }

    /// `GROUP BY *`
    fn series(&self, keys: &BTreeSet<String>, columns: &[(&str, Type)]) -> Vec<Rows> {
        let mut found = Vec::new();
        for (series, points) in self.points() {
            let values = points.filter_map(|(time, fields)| row(time, fields, columns));
            let values = values.collect::<Vec<_>>();
            if values.is_empty() {
                continue;
            }
            let value = |key: &String| series.tag(key).unwrap_or_default().to_owned();
            let tags = keys.iter().map(|key| (key.clone(), value(key))).collect::<Vec<_>>();
            found.push(Rows {
                tags,
                values,
                ..self.rows_of(columns.iter().map(|(field, _)| field))
            });
        }
        // By the values of all tags, absent ones too.
        found.sort_by(|one, two| one.tags.cmp(&two.tags));
        found
    }

    /// The row of the first time, and of several the one of the first series; or the last of both.
    fn one(&self, columns: &[(&str, Type)], end: End) -> Vec<Rows> {
        let found = self.points().filter_map(|(series, points)| {
            let mut rows =
                points.filter_map(|(time, fields)| Some((time, row(time, fields, columns)?)));
            let row = if end == End::First { rows.next() } else { rows.last() };
            row.map(|(time, row)| (time, series, row))
        });
        let order = |(time, series, _): &(i64, &'a Series, _)| (*time, *series);
        let found = match end {
            End::First => found.min_by_key(order),
            End::Last => found.max_by_key(order),
        };
        let rows = found.map(|(_, _, row)| Rows {
            values: vec![row],
            ..self.rows_of(columns.iter().map(|(field, _)| field))
        });
        rows.into_iter().collect()
    }

    /// `count(*::field)`: one row, whose columns are named after the fields.
    fn count_all(&self) -> Vec<Rows> {
        let count = |field: &&str| Count { field: (*field).to_owned(), read: None, alias: None };
        let names = self.types.keys().map(|field| format!("count_{field}"));
        let columns = [vec!["time".to_owned()], names.collect()].concat();
        let mut rows = self.counts(&self.types.keys().map(count).collect::<Vec<_>>(), None);
        rows.iter_mut().for_each(|rows| rows.columns.clone_from(&columns));
        rows
    }

    /// `count("f"), count("f"::float) AS "c1"`: one row, or one for each slice, in which nothing
    /// stands for none.
    fn counts(&self, counts: &[Count], slice: Option<i64>) -> Vec<Rows> {
        // Counts understand these as no bounds, and then find nothing. Rows do not mind.
        if self.start == i64::MIN || self.last == i64::MAX {
            return Vec::new();
        }
        let read =
            |count: &Count| count.read.or_else(|| self.types.get(count.field.as_str()).copied());
        let reads = counts.iter().map(read).collect::<Vec<_>>();
        let whole = if self.start == TIME_MIN { 0 } else { self.start };
        let mut slices: BTreeMap<i64, Vec<Option<Value>>> = BTreeMap::new();
        for (time, fields) in self.points().flat_map(|(_, points)| points) {
            let time = slice.map_or(whole, |length| time - time.rem_euclid(length));
            for (index, (count, read)) in counts.iter().zip(&reads).enumerate() {
                let value = fields.get(&count.field).zip(*read);
                if value.and_then(|(value, read)| cast_to(value, read)).is_none() {
                    continue;
                }
                let row = slices.entry(time).or_insert_with(|| vec![None; counts.len()]);
                let before = match row[index] {
                    Some(Value::Integer(before)) => before,
                    _ => 0,
                };
                row[index] = Some(Value::Integer(before + 1));
            }
        }
        if slices.is_empty() {
            return Vec::new();
        }
        let row = |(time, counts)| [vec![Some(Value::Integer(time))], counts].concat();
        let columns = names(counts);
        vec![Rows { values: slices.into_iter().map(row).collect(), ..self.rows_of(columns.iter()) }]
    }

    /// `first("f") * 0 + 1000`: the time of the first value of the type that the field is read as,
    /// and a number of that type.
    fn kind(&self, field: &str) -> Result<Vec<Rows>, String> {
        let Some(read) = self.types.get(field).copied() else { return Ok(Vec::new()) };
        let number = match read {
            Type::Float => Value::Float(1000.0),
            Type::Integer => Value::Integer(1000),
            Type::Unsigned => Value::Unsigned(1000),
            Type::String | Type::Boolean => {
                let (field, read) = (name_in_error(field), read.name());
                return Err(format!(
                    "type error: first({field}::{read}) * 0: incompatible types: {read} and integer"
                ));
            }
        };
        let mut found = self.one(&[(field, read)], End::First);
        for rows in &mut found {
            rows.columns[1] = "first".to_owned();
            rows.values.iter_mut().for_each(|row| row[1] = Some(number.clone()));
        }
        Ok(found)
    }

    /// Rows that are to be filled.
    fn rows_of(&self, columns: impl Iterator<Item = impl ToString>) -> Rows {
        let columns = columns.map(|column| column.to_string());
        Rows {
            name: self.select.measurement.clone(),
            columns: [vec!["time".to_owned()], columns.collect()].concat(),
            ..Rows::default()
        }
    }

    /// Whether one of these times is of a shard group that the range touches.
    fn shares_a_group(&self, bucket: &Bucket, times: &BTreeMap<i64, Fields>) -> bool {
        let mut groups = bucket.shards.groups_within(self.start, self.last);
        groups.any(|group| times.range(group.times()).next().is_some())
    }
}

/// How the counts are called: by their aliases; `count`, `count_1` and so on without.
pub(super) fn names(counts: &[Count]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for count in counts {
        let wanted = count.alias.as_deref().unwrap_or("count");
        let numbers = (1..).map(|number| format!("{wanted}_{number}"));
        let mut free = [wanted.to_owned()].into_iter().chain(numbers);
        names.extend(free.find(|name| !names.contains(name)));
    }
    names
}

/// The keys of all tags of the measurement, of the series whose times are wanted.
fn tag_keys(
    select: &Select,
    buckets: &[&Bucket],
    wants: impl Fn(&BTreeMap<i64, Fields>) -> bool,
) -> BTreeSet<String> {
    let series = buckets.iter().flat_map(|bucket| bucket.points.series());
    let series = series.filter(|(series, _)| series.measurement == select.measurement);
    let tags = series.filter(|(_, times)| wants(times)).flat_map(|(series, _)| series.tags());
    tags.map(|(key, _)| key.clone()).collect()
}

/// A row, unless nothing is in it.
fn row(time: i64, fields: &Fields, columns: &[(&str, Type)]) -> Option<Vec<Option<Value>>> {
    let cells = columns.iter().map(|(field, read)| cast_to(fields.get(*field)?, *read));
    let cells = cells.collect::<Vec<_>>();
    let is_empty = cells.iter().all(Option::is_none);
    (!is_empty).then(|| [vec![Some(Value::Integer(time))], cells].concat())
}

/// Which of the types of a field is read.
fn strength(value_type: Type) -> u8 {
    match value_type {
        Type::Float => 4,
        Type::Integer => 3,
        Type::Unsigned => 2,
        Type::String => 1,
        Type::Boolean => 0,
    }
}

/// A value as it is read. Numbers are cast as Go does it, whether they fit or not.
fn cast_to(value: &Value, read: Type) -> Option<Value> {
    match (value, read) {
        (value, read) if value.value_type() == read => Some(value.clone()),
        #[expect(clippy::cast_precision_loss, reason = "it is what the server does")]
        (Value::Integer(value), Type::Float) => Some(Value::Float(*value as f64)),
        #[expect(clippy::cast_precision_loss, reason = "it is what the server does")]
        (Value::Unsigned(value), Type::Float) => Some(Value::Float(*value as f64)),
        (Value::Unsigned(value), Type::Integer) => Some(Value::Integer(value.cast_signed())),
        (Value::Integer(value), Type::Unsigned) => Some(Value::Unsigned(value.cast_unsigned())),
        // What does not fit is another number with each processor in Go, and the nearest one here.
        #[expect(clippy::cast_possible_truncation, reason = "it is what the server does")]
        (Value::Float(value), Type::Integer) => Some(Value::Integer(*value as i64)),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is what the server does"
        )]
        (Value::Float(value), Type::Unsigned) => Some(Value::Unsigned(*value as u64)),
        _ => None,
    }
}

/// A name as an error has it: in quotes where it needs them. Key words are not known here.
fn name_in_error(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.chars().all(is_plain) && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}
