//! What an IOx engine remembers of a database: tables and their typed columns.
//!
//! A column has one type for ever, and a tag and a field cannot share a name.

use std::collections::BTreeMap;
use std::fmt;

use influxdb_line_protocol::ParsedLine;

use super::points::{Point, Type, Value};
use super::settings::Release;

/// Names that InfluxDB 3 keeps for itself.
const RESERVED: [&str; 2] = ["time", "__chunk_order"];

/// The tables of a database, each with its columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    tables: BTreeMap<String, BTreeMap<String, Column>>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Tag,
    Field(Type),
    Time,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tag => "iox::column_type::tag",
            Self::Field(Type::Float) => "iox::column_type::field::float",
            Self::Field(Type::Integer) => "iox::column_type::field::integer",
            Self::Field(Type::Unsigned) => "iox::column_type::field::uinteger",
            Self::Field(Type::Boolean) => "iox::column_type::field::boolean",
            Self::Field(Type::String) => "iox::column_type::field::string",
            Self::Time => "iox::column_type::timestamp",
        })
    }
}

impl Column {
    /// Its type as `information_schema.columns` names it.
    pub(super) fn sql_type(self, release: Release) -> &'static str {
        match self {
            Self::Tag => "Dictionary(Int32, Utf8)",
            Self::Field(Type::Float) => "Float64",
            Self::Field(Type::Integer) => "Int64",
            Self::Field(Type::Unsigned) => "UInt64",
            Self::Field(Type::Boolean) => "Boolean",
            Self::Field(Type::String) => "Utf8",
            Self::Time => match release {
                Release::V3_6 => "Timestamp(Nanosecond, None)",
                Release::V3_10 => "Timestamp(ns)",
            },
        }
    }
}

impl Schema {
    /// All tables by their names, in the order of these.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, Column>)> {
        self.tables.iter().map(|(name, columns)| (name.as_str(), columns))
    }

    /// Takes up the columns of a point that no line has brought. Those that are there stay.
    pub(super) fn learn(&mut self, point: &Point) {
        let columns = self.tables.entry(point.series.measurement.clone()).or_default();
        let tags = point.series.tags().iter().map(|(key, _)| (key, Column::Tag));
        let fields = point.fields.iter();
        let fields = fields.map(|(key, value)| (key, Column::Field(value.value_type())));
        for (key, column) in tags.chain(fields) {
            columns.entry(key.clone()).or_insert(column);
        }
        columns.entry("time".to_owned()).or_insert(Column::Time);
    }

    /// Takes up the columns of a line, or says why they do not fit.
    ///
    /// As in InfluxDB 3 Core, columns before the one that does not fit stay: a refused line can
    /// still widen a table.
    pub(super) fn admit(&mut self, line: &ParsedLine<'_>) -> Result<(), String> {
        let columns = self.tables.entry(line.series.measurement.to_string()).or_default();
        for (key, _) in line.series.tag_set.iter().flatten() {
            admit_column(columns, key.as_str(), Column::Tag)?;
        }
        let mut seen = Vec::new();
        for (key, value) in &line.field_set {
            admit_column(columns, key.as_str(), Column::Field(Value::from(value).value_type()))?;
            if seen.contains(&key.as_str()) {
                return Err(format!(
                    "invalid line protocol - multiple instances of '{key}' field found"
                ));
            }
            seen.push(key.as_str());
        }
        columns.entry("time".to_owned()).or_insert(Column::Time);
        Ok(())
    }
}

fn admit_column(
    columns: &mut BTreeMap<String, Column>,
    name: &str,
    column: Column,
) -> Result<(), String> {
    match columns.get(name) {
        Some(existing) if *existing == column => Ok(()),
        Some(existing) => Err(format!(
            "invalid column type for column '{name}', expected {existing}, got {column}"
        )),
        None if RESERVED.contains(&name) => Err(format!("'{name}' is a reserved column")),
        None => {
            columns.insert(name.to_owned(), column);
            Ok(())
        }
    }
}
