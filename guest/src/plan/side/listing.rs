//! Which measurements a side has, with their fields and types. Does not know how many values there are.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Side, Table, Way};
use crate::converter::flux_column;
use crate::error::{Error, Fault};
use crate::plan::fields::Fields;
use crate::plan::inquiry::Asker;
use crate::plan::schema::{Field, Measurement};
use crate::protocol::{flux, influxql, iox, sql};
use crate::rules::Type;
use crate::section::Section;
use crate::time::TimeRange;

impl Side {
    /// The tables, by name; by Flux, and of a file, only those with points in the range. A file is read for
    /// that, and counted in slices of so many nanoseconds.
    pub(crate) async fn tables(
        &self,
        asker: &Asker,
        range: TimeRange,
        slice: u64,
    ) -> Result<BTreeMap<String, Table>, Error> {
        let found = self.list(asker, range, slice).await;
        found.map_err(|error| error.of_side(self.which))
    }

    async fn list(
        &self,
        asker: &Asker,
        range: TimeRange,
        slice: u64,
    ) -> Result<BTreeMap<String, Table>, Error> {
        let (place, selection) = (self.place(), &self.settings.selection);
        let mut tables = BTreeMap::new();
        match &self.way {
            Way::InfluxQl(database) => {
                let names = &selection.measurements;
                let (bucket, attempts_max) = (&place.bucket, self.attempts_max());
                let fields = Fields::new(self.which, database, names, bucket, attempts_max);
                for part in asker.ask(fields).await? {
                    table(&mut tables, &part.name).parts.push(part);
                }
                let statement = influxql::series(&database.name);
                for (name, series) in self.count_series(asker, database, statement).await? {
                    if let Some(table) = tables.get_mut(&name) {
                        table.series = series;
                    }
                }
            }
            Way::Flux => {
                let names = Some("_measurement");
                let call = flux::names(place, range, selection, &Section::ALL, names);
                let body = asker.body(call.at(self.which), self.attempts_max()).await?;
                for name in flux_column(&body, "_value")? {
                    table(&mut tables, &name).parts.push(measurement(&name));
                }
            }
            Way::Sql => {
                let body = asker.body(sql::columns(place), self.attempts_max()).await?;
                for row in sql::rows(&body)? {
                    push_column(&mut tables, &row)?;
                }
            }
            Way::Iox => {
                let body = asker.body(iox::field_keys(place), self.attempts_max()).await?;
                for series in iox::series(&body)? {
                    let columns = [series.column("fieldKey")?, series.column("fieldType")?];
                    let [keys, types] = columns;
                    for (key, of) in keys.zip(types) {
                        push_field(&mut tables, &series.name, text(key)?, type_of(text(of)?)?);
                    }
                }
                let body = asker.body(iox::tag_keys(place), self.attempts_max()).await?;
                for series in iox::series(&body)? {
                    for key in series.column("tagKey")? {
                        table(&mut tables, &series.name).tags.push(text(key)?.to_owned());
                    }
                }
            }
            Way::File => {
                let found = self.survey(asker, range, slice).await?;
                found.tables().for_each(|name| {
                    table(&mut tables, name);
                });
                self.surveyed.replace(Some(found));
            }
        }
        Ok(tables)
    }
}

fn table<'a>(tables: &'a mut BTreeMap<String, Table>, name: &str) -> &'a mut Table {
    let new = || Table { name: name.to_owned(), ..Table::default() };
    tables.entry(name.to_owned()).or_insert_with(new)
}

fn measurement(name: &str) -> Measurement {
    Measurement { policy: String::new(), name: name.to_owned(), fields: Vec::new() }
}

fn push_field(tables: &mut BTreeMap<String, Table>, of: &str, key: &str, value: Type) {
    let parts = &mut table(tables, of).parts;
    if parts.is_empty() {
        parts.push(measurement(of));
    }
    parts[0].fields.push(Field { name: key.to_owned(), types: vec![value] });
}

/// A row of `information_schema.columns`.
fn push_column(
    tables: &mut BTreeMap<String, Table>,
    row: &Map<String, Value>,
) -> Result<(), Error> {
    let cell = |column| text(row.get(column).unwrap_or(&Value::Null));
    let (name, column, of) = (cell("table_name")?, cell("column_name")?, cell("data_type")?);
    if of.starts_with("Dictionary") {
        table(tables, name).tags.push(column.to_owned());
    } else if !of.starts_with("Timestamp") {
        let of = type_of(of).map_err(|error| error.within(&format!("`{name}`.`{column}`")))?;
        push_field(tables, name, column, of);
    }
    Ok(())
}

/// The type of a field in the words of SQL, or of InfluxQL.
fn type_of(text: &str) -> Result<Type, Error> {
    match text {
        "Float64" | "float" => Ok(Type::Float),
        "Int64" | "integer" => Ok(Type::Integer),
        "UInt64" | "unsigned" => Ok(Type::Unsigned),
        "Utf8" | "string" => Ok(Type::String),
        "Boolean" | "boolean" => Ok(Type::Boolean),
        _ => {
            let message = format!("expected the type of a field, found `{text}`");
            Err(Error::new(Fault::Unsupported, message))
        }
    }
}

fn text(value: &Value) -> Result<&str, Error> {
    let unfit = || Error::new(Fault::Malformed, format!("expected a text, found `{value}`"));
    value.as_str().ok_or_else(unfit)
}
