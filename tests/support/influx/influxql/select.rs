//! What a `SELECT` reads of the points of a bucket.
//!
//! Observed on 1.6.7 and 2.9.1, and recorded in `tests/recorded/influxql`. Of the types that a
//! field has in the shard groups that a range touches, the strongest is read: numbers are cast to
//! it, all else is left out without a word.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::Rows;
use super::parse::{Cast, Columns, Select};
use crate::influx::points::{Fields, Series, Type, Value};
use crate::influx::settings::Version;
use crate::influx::store::Bucket;

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
        Columns::Series => {
            let keys = match version {
                // One index for all policies and all times of a database.
                Version::V1_6 | Version::V1_8 => tag_keys(select, others, |_| true),
                Version::V2 => {
                    tag_keys(select, &[bucket], |times| reader.shares_a_group(bucket, times))
                }
            };
            reader.series(&keys)
        }
        Columns::First => {
            let types = &reader.types;
            let columns = types.iter().map(|(field, value_type)| (*field, *value_type));
            reader.first(&columns.collect::<Vec<_>>())
        }
        Columns::FirstOf(field, cast) => reader.first(&[(field, cast.value_type())]),
        Columns::Counts(counts) => reader.counts(counts),
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
            (series, times.into_iter().flatten().map(|(time, fields)| (*time, fields)))
        })
    }

    /// `*::field` and `GROUP BY *`.
    fn series(&self, keys: &BTreeSet<String>) -> Vec<Rows> {
        let columns = self.types.iter().map(|(field, value_type)| (*field, *value_type));
        let columns = columns.collect::<Vec<_>>();
        let mut found = Vec::new();
        for (series, points) in self.points() {
            let values = points.filter_map(|(time, fields)| row(time, fields, &columns));
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

    /// The row of the first time, and of several the one of the first series.
    fn first(&self, columns: &[(&str, Type)]) -> Vec<Rows> {
        let first = self.points().filter_map(|(series, points)| {
            let mut rows =
                points.filter_map(|(time, fields)| Some((time, row(time, fields, columns)?)));
            rows.next().map(|(time, row)| (time, series, row))
        });
        let first = first.min_by_key(|(time, series, _)| (*time, *series));
        let rows = first.map(|(_, _, row)| Rows {
            values: vec![row],
            ..self.rows_of(columns.iter().map(|(field, _)| field))
        });
        rows.into_iter().collect()
    }

    /// `count("f"), count("f"::float)`: one row, in which nothing stands for none.
    fn counts(&self, counts: &[(String, Option<Cast>)]) -> Vec<Rows> {
        // Counts understand these as no bounds, and then find nothing. Rows do not mind.
        if self.start == i64::MIN || self.last == i64::MAX {
            return Vec::new();
        }
        let count = |(field, cast): &(String, Option<Cast>)| {
            let read = cast.map(Cast::value_type);
            let read = read.or_else(|| self.types.get(field.as_str()).copied())?;
            let points = self.points().flat_map(|(_, points)| points);
            let values = points.filter_map(|(_, fields)| cast_to(fields.get(field)?, read));
            let count = i64::try_from(values.count()).expect("memory holds fewer");
            (count > 0).then_some(Value::Integer(count))
        };
        let counts = counts.iter().map(count).collect::<Vec<_>>();
        if counts.iter().all(Option::is_none) {
            return Vec::new();
        }
        let columns = (0..counts.len()).map(|index| match index {
            0 => "count".to_owned(),
            index => format!("count_{index}"),
        });
        let time = if self.start == TIME_MIN { 0 } else { self.start };
        let row = [vec![Some(Value::Integer(time))], counts].concat();
        vec![Rows { values: vec![row], ..self.rows_of(columns) }]
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
        _ => None,
    }
}

impl Cast {
    fn value_type(self) -> Type {
        match self {
            Self::Float => Type::Float,
            Self::String => Type::String,
            Self::Boolean => Type::Boolean,
        }
    }
}
