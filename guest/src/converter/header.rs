//! Annotations and header of a table of annotated CSV to what its columns are.
//!
//! Knows of a row only where its parts are, and whether it is of the series and field of the row
//! before; does not know what becomes of it.

use std::collections::HashSet;

use super::error::{ErrorKind, quoted};
use super::lines::push_field_key;
use super::names::Dialect;
use super::records::Record;
use super::ruled;
use super::value::DataType;
use crate::rules::{Change, Rules};
use crate::time::Timestamp;

/// The annotations of a block, in whatever order they came.
#[derive(Debug, Default)]
pub(super) struct Annotations {
    data_types: Vec<String>,
    groups: Vec<String>,
    defaults: Vec<String>,
}

/// Where the parts of a point are in a row.
#[derive(Debug)]
pub(super) struct Schema {
    /// How many columns a row has.
    pub(super) count: usize,
    pub(super) time: Column,
    pub(super) measurement: Column,
    /// Sorted by name.
    pub(super) tags: Vec<Column>,
    pub(super) values: Values,
    /// Series and field of the row before, to tell when they change; if they are known.
    key: Vec<String>,
    is_known: bool,
    /// Series or field as line protocol, while it is written: its memory is used again.
    pub(super) text: String,
    /// Why nothing of this series and field can be said.
    pub(super) fault: Option<ErrorKind>,
    times: Times,
}

/// The times of a pivoted table, in no order (observed on InfluxDB 2.9.1).
#[derive(Debug, Default)]
struct Times {
    /// Which table it is.
    table: String,
    /// The first `TIMES_MAX` of them.
    first: HashSet<Timestamp>,
}

/// So many times of a pivoted table are remembered: where series follow one another in one table,
/// the next begins when the first began.
const TIMES_MAX: usize = 1 << 18;

/// Where the values of a row are.
#[derive(Debug)]
pub(super) enum Values {
    /// One value, and the name of its field; and what becomes of the values of the present one.
    One { value: Column, field: Column, change: Change },
    /// A column for each field, called like it, as after `pivot()`.
    Pivoted(Vec<FieldColumn>),
}

/// The column of a field.
#[derive(Debug)]
pub(super) struct FieldColumn {
    pub(super) column: Column,
    /// Its key and `=` as line protocol, or why it cannot be said.
    pub(super) key: Result<String, ErrorKind>,
    /// What becomes of its values.
    pub(super) change: Change,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// Whether it is a part of the group key: the same in all rows of a table.
    is_grouped: bool,
    /// What an empty cell stands for.
    pub(super) default: String,
}

/// The first columns of a table are the response's own, whatever they are called: a tag may be
/// called `result` or `table` too (observed on InfluxDB 2.9.1).
pub(super) const OWN_COLUMNS: usize = 3;

impl Annotations {
    pub(super) fn is_empty(&self) -> bool {
        let Self { data_types, groups, defaults } = self;
        [data_types, groups, defaults].into_iter().all(Vec::is_empty)
    }

    /// Takes the record of an annotation of this name.
    pub(super) fn push(&mut self, name: &str, record: Record<'_>) -> Result<(), ErrorKind> {
        let cells = || record.fields().map(str::to_owned).collect();
        match name {
            "datatype" => self.data_types = cells(),
            "group" => self.groups = cells(),
            "default" => self.defaults = cells(),
            _ => return Err(ErrorKind::NotAnnotated { found: beginning(record) }),
        }
        Ok(())
    }

    /// Whether they fit this header.
    pub(super) fn check(&self, header: Record<'_>) -> Result<(), ErrorKind> {
        let Self { data_types, groups, defaults } = self;
        if data_types.is_empty() {
            return Err(ErrorKind::NotAnnotated { found: beginning(header) });
        }
        for annotation in [data_types, groups, defaults] {
            let (expected, found) = (annotation.len(), header.len());
            if expected != found && !annotation.is_empty() {
                return Err(ErrorKind::Columns { expected, found });
            }
        }
        Ok(())
    }

    /// The columns of a header that they fit, without the response's own.
    fn columns(&self, header: Record<'_>) -> Result<Vec<Column>, ErrorKind> {
        let cell = |cells: &[String], place| cells.get(place).cloned().unwrap_or_default();
        let column = |(place, name): (usize, &str)| {
            let Some(data_type) = DataType::parse(&self.data_types[place]) else {
                let (column, found) = (quoted(name), quoted(&self.data_types[place]));
                return Err(ErrorKind::DataType { column, found });
            };
            let is_grouped = cell(&self.groups, place) == "true";
            let default = cell(&self.defaults, place);
            Ok(Column { place, name: name.to_owned(), data_type, is_grouped, default })
        };
        header.fields().enumerate().skip(OWN_COLUMNS).map(column).collect()
    }
}

/// How a record begins, for a message.
pub(super) fn beginning(record: Record<'_>) -> String {
    quoted(&record.fields().collect::<Vec<_>>().join(","))
}

impl Schema {
    /// Reads a header that these annotations fit.
    pub(super) fn read(
        annotations: &Annotations,
        header: Record<'_>,
        dialect: Dialect,
    ) -> Result<Self, ErrorKind> {
        let mut columns = annotations.columns(header)?;
        let time = take(&mut columns, "_time", Some(DataType::Time))?;
        let mut pair = None;
        if columns.iter().any(|column| matches!(&*column.name, "_value" | "_field")) {
            let value = take(&mut columns, "_value", None)?;
            pair = Some((value, take(&mut columns, "_field", Some(DataType::String))?));
        }
        let measurement = take(&mut columns, "_measurement", Some(DataType::String))?;
        let is_bound = |column: &Column| {
            matches!(&*column.name, "_start" | "_stop") && column.data_type == DataType::Time
        };
        // Whoever groups by other columns drops these from the key, and perhaps tags with them.
        let bounds = columns.iter().filter(|column| is_bound(column) && column.is_grouped).count();
        let is_grouped = measurement.is_grouped && bounds == 2;
        for bound in ["_start", "_stop"] {
            let of_range = |column: &Column| column.name == bound && is_bound(column);
            if let Some(at) = columns.iter().position(of_range) {
                columns.remove(at);
            }
        }
        let (values, mut tags) = match pair {
            // After `pivot()`, fields that are called `_value` and `_field` look like this; the
            // tables of `from |> range` have the field in their key.
            Some((_, field)) if is_grouped && !field.is_grouped => {
                return Err(ErrorKind::NotGrouped);
            }
            Some((value, field)) => (Values::One { value, field, change: Change::None }, columns),
            None if !is_grouped => return Err(ErrorKind::NotGrouped),
            None => pivoted(columns, dialect),
        };
        if let Some(other) = tags.iter().find(|column| column.data_type != DataType::String) {
            let (column, data_type) = (quoted(&other.name), other.data_type.name());
            return Err(ErrorKind::ColumnUnknown { column, data_type });
        }
        tags.sort_by(|one, other| one.name.cmp(&other.name));
        if tags.windows(2).any(|pair| pair[0].name == pair[1].name) {
            let (expected, found) = ("each tag once", "one twice");
            return Err(ErrorKind::Unexpected { expected, found });
        }
        let count = header.len();
        let (key, is_known, text, fault) = (Vec::new(), false, String::new(), None);
        let times = Times::default();
        Ok(Self { count, time, measurement, tags, values, key, is_known, text, fault, times })
    }

    /// What tells a row's series and field from another's: measurement, field, tags.
    fn key<'a>(&'a self, row: Record<'a>) -> impl Iterator<Item = &'a str> {
        let field = match &self.values {
            Values::One { field, .. } => Some(field),
            Values::Pivoted(_) => None,
        };
        [&self.measurement].into_iter().chain(field).chain(&self.tags).map(move |c| c.of(row))
    }

    /// Whether a row is of the series and field of the row before.
    pub(super) fn goes_on(&self, row: Record<'_>) -> bool {
        self.is_known && self.key(row).eq(self.key.iter().map(String::as_str))
    }

    /// The next row is to be of the series and field of this one.
    pub(super) fn remember(&mut self, row: Record<'_>) {
        let mut key = std::mem::take(&mut self.key);
        key.resize(self.key(row).count(), String::new());
        for (old, new) in key.iter_mut().zip(self.key(row)) {
            new.clone_into(old);
        }
        self.key = key;
        self.times = Times::default();
        self.is_known = true;
    }

    /// Nothing is known of the row before.
    pub(super) fn forget(&mut self) {
        self.is_known = false;
        self.times = Times::default();
    }

    /// Takes the time of the next row. In a pivoted table of one series each is there once: where one
    /// comes again, several series are in it, and a tag passes for a field.
    pub(super) fn check_once(&mut self, row: Record<'_>, time: Timestamp) -> Result<(), ErrorKind> {
        if matches!(self.values, Values::One { .. }) {
            return Ok(());
        }
        let Times { table, first } = &mut self.times;
        let present = row.field(OWN_COLUMNS - 1);
        if table != present {
            present.clone_into(table);
            *first = HashSet::new();
        }
        let is_new =
            if first.len() < TIMES_MAX { first.insert(time) } else { !first.contains(&time) };
        if is_new { Ok(()) } else { Err(ErrorKind::SeveralSeries { time }) }
    }

    /// How many values a row has.
    pub(super) fn count_values(&self, row: Record<'_>) -> u64 {
        match &self.values {
            Values::One { .. } => 1,
            Values::Pivoted(fields) => {
                fields.iter().filter(|field| !field.column.of(row).is_empty()).count() as u64
            }
        }
    }

    /// Whether the value of a field is at this place.
    pub(super) fn is_value(&self, place: usize) -> bool {
        match &self.values {
            Values::One { value, .. } => value.place == place,
            Values::Pivoted(fields) => fields.iter().any(|field| field.column.place == place),
        }
    }

    /// What the column of texts at this place is called, if it is a part of the point.
    pub(super) fn text_column(&self, place: usize) -> Option<&str> {
        let (one, fields) = match &self.values {
            Values::One { value, field, .. } => (vec![value, field], &[][..]),
            Values::Pivoted(fields) => (Vec::new(), fields.as_slice()),
        };
        let columns = [&self.time, &self.measurement].into_iter().chain(&self.tags).chain(one);
        let mut columns = columns.chain(fields.iter().map(|field| &field.column));
        let column = columns.find(|column| column.place == place)?;
        (column.data_type == DataType::String).then_some(&*column.name)
    }

    /// Where time and value are, if one follows the other and both are in the cells of a row as
    /// they are.
    pub(super) fn place_of_pair(&self) -> Option<usize> {
        let Values::One { value, change, .. } = &self.values else { return None };
        if *change != Change::None {
            return None;
        }
        let is_plain = self.fault.is_none() && value.default.is_empty() && self.is_known;
        (is_plain && value.place == self.time.place + 1).then_some(self.time.place)
    }
}

/// The column of this name, which must be there.
fn take(
    columns: &mut Vec<Column>,
    column: &'static str,
    expected: Option<DataType>,
) -> Result<Column, ErrorKind> {
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
}

/// The fields and the tags of a pivoted table: tags are in its group key.
fn pivoted(columns: Vec<Column>, dialect: Dialect) -> (Values, Vec<Column>) {
    let (tags, fields): (Vec<_>, Vec<_>) =
        columns.into_iter().partition(|column| column.is_grouped);
    let with_key = |column: Column| {
        let mut key = String::new();
        // `pivot()` fails where a field is called like a tag.
        let key = push_field_key(&mut key, dialect, &[], &column.name).map(|()| key);
        FieldColumn { column, key, change: Change::None }
    };
    (Values::Pivoted(fields.into_iter().map(with_key).collect()), tags)
}

/// The tags of a row, by their names in the source.
pub(super) fn tags<'a>(columns: &'a [Column], row: Record<'a>) -> Vec<(&'a str, &'a str)> {
    let tags = columns.iter().map(|tag| (tag.name.as_str(), tag.of(row)));
    // A point cannot have an empty tag: it is one that the series does not have.
    tags.filter(|(_, value)| !value.is_empty()).collect()
}

impl FieldColumn {
    /// Calls it as the rules have it in this measurement of the source, on points with these tags.
    pub(super) fn name(
        &mut self,
        dialect: Dialect,
        rules: &Rules,
        measurement: &str,
        tags: &[(&str, &str)],
    ) {
        let Self { column, key, change } = self;
        let of = column.data_type.of_field();
        *key = ruled::field(rules, measurement, &column.name, of).and_then(|target| {
            let mut key = String::new();
            push_field_key(&mut key, dialect, tags, &target.field)?;
            *change = target.change;
            Ok(key)
        });
    }
}

impl Column {
    /// Its text in a row.
    pub(super) fn of<'a>(&'a self, row: Record<'a>) -> &'a str {
        match row.field(self.place) {
            "" => &self.default,
            text => text,
        }
    }

    pub(super) fn unfit(&self, expected: &'static str, found: &str) -> ErrorKind {
        ErrorKind::Value { column: quoted(&self.name), expected, found: quoted(found) }
    }
}
