//! Tables as an IOx engine shows them: the points of a measurement as rows under typed columns.
//!
//! `m,t=a f=1 10` is a row of the columns `f`, `t` and `time`. Knows neither SQL nor InfluxQL.

use std::collections::{BTreeMap, BTreeSet};

use super::points::{Fields, Series, Value};
use super::schema::Column;
use super::settings::{Release, Settings, Sql};
use super::store::Bucket;

/// Nanoseconds of a day, by which an IOx engine cuts tables into files here.
const DAY: i64 = 24 * 60 * 60 * 1_000_000_000;

/// A table, between two times.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) name: &'a str,
    /// By their names, in the order of these.
    pub(super) columns: &'a BTreeMap<String, Column>,
    bucket: &'a Bucket,
    /// The first time.
    start: i64,
    /// The time after the last one.
    stop: i64,
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) series: &'a Series,
    pub(super) time: i64,
    fields: &'a Fields,
}

/// What a row has in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Time(i64),
    Tag(&'a str),
    Field(&'a Value),
}

impl<'a> Table<'a> {
    /// The table of this name, if there is one.
    pub(super) fn of(bucket: &'a Bucket, name: &str, start: i64, stop: i64) -> Option<Self> {
        let (name, columns) = bucket.schema.tables().find(|(other, _)| *other == name)?;
        Some(Self { name, columns, bucket, start, stop })
    }

    /// Its rows between these times, series by series. InfluxDB 3 promises no order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        let (name, start, stop) = (self.name, self.start, self.stop);
        let series = self.bucket.points.series();
        series.filter(move |(series, _)| series.measurement == name).flat_map(
            move |(series, times)| {
                let times = (start < stop).then(|| times.range(start..stop));
                let times = times.into_iter().flatten();
                times.map(move |(time, fields)| Row { series, time: *time, fields })
            },
        )
    }

    /// Why the table cannot be read, if it is of more days than the server takes. A server has a
    /// file for every ten minutes that hold points, or more; the fake has one a day.
    pub(super) fn too_many_files(&self, settings: &Settings) -> Option<String> {
        let Sql::Answered { days_max: Some(days_max) } = settings.sql else { return None };
        let days = self.rows().map(|row| row.time.div_euclid(DAY)).collect::<BTreeSet<_>>();
        let message = match settings.release {
            Release::V3_6 => format!(
                "External error: Query would exceed file limit of {days_max} parquet files. Please \
                 specify a smaller time range for your query. You can increase the file limit with \
                 the `--query-file-limit` option in the serve command, however, query performance \
                 will be slower and the server may get OOM killed or become unstable as a result"
            ),
            Release::V3_10 => format!(
                "External error: Query would scan {days_max} Parquet files, exceeding the file limit. \
             InfluxDB 3 Core caps file access to prevent performance degradation and memory \
             issues. Use a narrower time range, or increase the limit with --query-file-limit \
             (this may cause slower queries or instability).\n\nTo remove this limitation, upgrade \
             to InfluxDB 3 Enterprise, which automatically compacts files for efficient querying \
             across any time range. Free for non-commercial and home use, and free trials for \
             commercial evaluation: https://www.influxdata.com/downloads"
            ),
        };
        (days.len() > days_max).then_some(message)
    }
}

impl<'a> Row<'a> {
    /// What it has in a column; nothing of another type than that of the column.
    pub(super) fn cell(&self, name: &str, column: Column) -> Option<Cell<'a>> {
        match column {
            Column::Time => Some(Cell::Time(self.time)),
            Column::Tag => self.series.tag(name).map(Cell::Tag),
            Column::Field(field_type) => {
                let value = self.fields.get(name)?;
                (value.value_type() == field_type).then_some(Cell::Field(value))
            }
        }
    }
}
