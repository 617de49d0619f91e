//! Records of annotated CSV to the values of points.
//!
//! Does not know how a response was cut, nor how points are written. A table, as InfluxDB 2.9.1
//! answers `from |> range` (a block of annotations comes again whenever the columns change):
//!
//! ```csv
//! #datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string
//! #group,false,false,true,true,false,false,true,true,true
//! #default,_result,,,,,,,,
//! ,result,table,_start,_stop,_time,_value,_field,_measurement,city
//! ,,0,2022-01-01T00:00:00Z,2022-01-02T00:00:00Z,2022-01-01T00:00:00Z,18.5,temp,air quality,Lima
//! ```

use super::Counts;
use super::error::{ConversionError, ErrorKind, bounded, quoted};
use super::lines;
use super::merge::Merge;
use super::records::{Record, Records};
use super::value::DataType;
use crate::error::Error;
use crate::time::{TimeRange, Timestamp};

/// Reads tables, record by record.
#[derive(Debug)]
pub(crate) struct Tables {
    state: State,
    /// Rows outside of it are counted and left out.
    range: TimeRange,
}

#[derive(Debug)]
enum State {
    /// Before a table: annotations, and then a header.
    Header(Annotations),
    /// Inside a table: each record is a row.
    Rows(Box<Schema>),
    /// The header says that the next row is an error.
    Failed,
}

/// The annotations of a block, in whatever order they came.
#[derive(Debug, Default)]
struct Annotations {
    data_types: Vec<String>,
    defaults: Vec<String>,
}

/// Where the parts of a point are in a row.
#[derive(Debug)]
struct Schema {
    columns: usize,
    time: Column,
    value: Column,
    field: Column,
    measurement: Column,
    /// Sorted by name.
    tags: Vec<Column>,
    /// The series and the field of the row before, to tell when they change.
    key: Vec<String>,
}

#[derive(Clone, Debug)]
struct Column {
    place: usize,
    name: String,
    data_type: DataType,
    /// What an empty cell stands for.
    default: String,
}

/// The first columns of a table are the response's own, whatever they are called: a tag may be
/// called `result` or `table` too (observed on InfluxDB 2.9.1).
const OWN_COLUMNS: usize = 3;

/// So many characters are shown of why a query failed.
const QUERY_ERROR_CHARACTERS_MAX: usize = 500;

impl Tables {
    pub(crate) fn new(range: TimeRange) -> Self {
        Self { state: State::Header(Annotations::default()), range }
    }

    /// Takes the next record.
    pub(crate) fn push(
        &mut self,
        record: Record<'_>,
        merge: &mut Merge,
        counts: &mut Counts,
    ) -> Result<(), ConversionError> {
        if let Some(name) = record.field(0).strip_prefix('#') {
            return self.annotate(name, record);
        }
        match &mut self.state {
            State::Header(annotations) => {
                self.state = header(annotations, record)?;
                Ok(())
            }
            State::Rows(schema) => {
                let range = self.range;
                row(schema, record, range, counts, merge).map_err(|kind| record.error(kind))
            }
            State::Failed => Err(failed_query(record)),
        }
    }

    /// Whether the response may end here: annotations and headers promise more.
    pub(crate) fn may_end(&self) -> bool {
        match &self.state {
            State::Header(Annotations { data_types, defaults }) => {
                data_types.is_empty() && defaults.is_empty()
            }
            State::Rows(_) => true,
            State::Failed => false,
        }
    }

    fn annotate(&mut self, name: &str, record: Record<'_>) -> Result<(), ConversionError> {
        if !matches!(self.state, State::Header(_)) {
            self.state = State::Header(Annotations::default());
        }
        let State::Header(annotations) = &mut self.state else { unreachable!("set above") };
        let cells = || record.fields().map(str::to_owned).collect();
        match name {
            "datatype" => annotations.data_types = cells(),
            "default" => annotations.defaults = cells(),
            // Which columns are in the group key does not matter here: each row says its own.
            "group" => {}
            _ => {
                let found = beginning(record);
                return Err(record.error(ErrorKind::NotAnnotated { found }));
            }
        }
        Ok(())
    }
}

/// The error of a query that failed, which is the one row of its table.
fn failed_query(record: Record<'_>) -> ConversionError {
    let text = |place| bounded(record.field(place), QUERY_ERROR_CHARACTERS_MAX);
    record.error(ErrorKind::Query { message: text(1), reference: text(2) })
}

/// How a record begins, for a message.
fn beginning(record: Record<'_>) -> String {
    quoted(&record.fields().collect::<Vec<_>>().join(","))
}

/// What follows the header: rows, or an error.
fn header(annotations: &Annotations, record: Record<'_>) -> Result<State, ConversionError> {
    let Annotations { data_types, defaults } = annotations;
    let fault = |kind| Err(record.error(kind));
    if data_types.is_empty() {
        return fault(ErrorKind::NotAnnotated { found: beginning(record) });
    }
    for annotation in [data_types, defaults] {
        let (expected, found) = (annotation.len(), record.len());
        if expected != found && !annotation.is_empty() {
            return fault(ErrorKind::Columns { expected, found });
        }
    }
    if record.fields().eq(["", "error", "reference"]) {
        return Ok(State::Failed);
    }
    let mut columns = Vec::new();
    for (place, name) in record.fields().enumerate().skip(OWN_COLUMNS) {
        let Some(data_type) = DataType::parse(&data_types[place]) else {
            let (column, found) = (quoted(name), quoted(&data_types[place]));
            return fault(ErrorKind::DataType { column, found });
        };
        let default = defaults.get(place).cloned().unwrap_or_default();
        columns.push(Column { place, name: name.to_owned(), data_type, default });
    }
    Schema::new(record.len(), columns)
        .map(|schema| State::Rows(schema.into()))
        .map_err(|kind| record.error(kind))
}

impl Schema {
    fn new(count: usize, mut columns: Vec<Column>) -> Result<Self, ErrorKind> {
        let mut take = |column: &'static str, expected: Option<DataType>| {
            // The server's own column comes first; a tag of the same name would come later.
            let at = columns.iter().position(|other| other.name == column);
            let found = columns.remove(at.ok_or(ErrorKind::ColumnMissing { column })?);
            match expected {
                Some(expected) if expected != found.data_type => Err(ErrorKind::ColumnType {
                    column,
                    expected: expected.name(),
                    found: found.data_type.name(),
                }),
                _ => Ok(found),
            }
        };
        let time = take("_time", Some(DataType::Time))?;
        let value = take("_value", None)?;
        let field = take("_field", Some(DataType::String))?;
        let measurement = take("_measurement", Some(DataType::String))?;
        for bound in ["_start", "_stop"] {
            let of_range =
                |column: &Column| column.name == bound && column.data_type == DataType::Time;
            if let Some(at) = columns.iter().position(of_range) {
                columns.remove(at);
            }
        }
        if let Some(other) = columns.iter().find(|column| column.data_type != DataType::String) {
            let (column, data_type) = (quoted(&other.name), other.data_type.name());
            return Err(ErrorKind::ColumnUnknown { column, data_type });
        }
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        let key = Vec::new();
        Ok(Self { columns: count, time, value, field, measurement, tags: columns, key })
    }

    /// What tells a row's series and field from another's: measurement, field, tags.
    fn key_of<'a>(&'a self, record: Record<'a>) -> impl Iterator<Item = &'a str> {
        [&self.measurement, &self.field].into_iter().chain(&self.tags).map(move |c| c.of(record))
    }
}

impl Column {
    /// Its text in a row.
    fn of<'a>(&'a self, record: Record<'a>) -> &'a str {
        match record.field(self.place) {
            "" => &self.default,
            text => text,
        }
    }
}

/// Takes a row: one value of one field of one point.
fn row(
    schema: &mut Schema,
    record: Record<'_>,
    range: TimeRange,
    counts: &mut Counts,
    merge: &mut Merge,
) -> Result<(), ErrorKind> {
    let (expected, found) = (schema.columns, record.len());
    if expected != found {
        return Err(ErrorKind::Columns { expected, found });
    }
    if !schema.key_of(record).eq(schema.key.iter().map(String::as_str)) {
        schema.key = schema.key_of(record).map(str::to_owned).collect();
        begin_table(schema, record, merge)?;
    }
    let time = Timestamp::parse(schema.time.of(record)).map_err(|_| schema.time.unfit(record))?;
    if !range.contains(time) {
        counts.outside += 1;
        return Ok(());
    }
    let text = schema.value.of(record);
    let data_type = schema.value.data_type;
    data_type
        .value(text)
        .and_then(|value| merge.push(time.0, &value))
        .map_err(|unfit| unfit.of(&schema.value.name, text))?;
    counts.rows += 1;
    counts.altered += u64::from(data_type == DataType::String && text.contains('\n'));
    Ok(())
}

/// The rows from here on are of another series or field.
fn begin_table(schema: &Schema, record: Record<'_>, merge: &mut Merge) -> Result<(), ErrorKind> {
    for column in [&schema.measurement, &schema.field] {
        if column.of(record).is_empty() {
            return Err(ErrorKind::Empty { column: column.name.clone() });
        }
    }
    let tags: Vec<_> = schema
        .tags
        .iter()
        .map(|tag| (tag.name.as_str(), tag.of(record)))
        // A point cannot have an empty tag: it is one that the series does not have.
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let (mut series, mut key) = (String::new(), String::new());
    lines::push_series(&mut series, schema.measurement.of(record), &tags)?;
    lines::push_field_key(&mut key, schema.field.of(record))?;
    merge.begin_series(&series);
    merge.begin_field(&key);
    Ok(())
}

impl Column {
    fn unfit(&self, record: Record<'_>) -> ErrorKind {
        ErrorKind::Value {
            column: self.name.clone(),
            expected: "a time",
            found: quoted(self.of(record)),
        }
    }
}

/// The earliest `_time` in a response whose tables need hold no points, if there is one:
///
/// ```csv
/// ,result,table,_time
/// ,,0,1969-12-31T23:59:59.999999999Z
/// ```
pub(crate) fn first_time(mut response: &[u8]) -> Result<Option<Timestamp>, Error> {
    let (mut records, mut first, mut place) = (Records::new(), None, None);
    while let Some(record) = records.next(&mut response)? {
        if record.field(0).starts_with('#') {
            place = None;
            continue;
        }
        let Some(place) = place else {
            let at = record.fields().position(|name| matches!(name, "_time" | "error"));
            let missing = || record.error(ErrorKind::ColumnMissing { column: "_time" });
            place = Some(at.ok_or_else(missing)?);
            continue;
        };
        // The server's own columns come first, so this is the place of `error`.
        if place < OWN_COLUMNS {
            return Err(failed_query(record).into());
        }
        let time = Timestamp::parse(record.field(place)).map_err(|_| {
            let (column, found) = ("_time".to_owned(), quoted(record.field(place)));
            record.error(ErrorKind::Value { column, expected: "a time", found })
        })?;
        first = Some(first.map_or(time, |first: Timestamp| first.min(time)));
    }
    if records.is_inside() {
        return Err(records.truncated().into());
    }
    Ok(first)
}
