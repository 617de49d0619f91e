//! Which part of a bucket is migrated. Does not know how it is asked for.

use serde_json::{Map, Value, json};

use super::table::{Table, fault};
use super::{Language, Source};
use crate::error::Error;

/// Which part of a bucket is migrated; all of it if nothing is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) measurements: Vec<String>,
    /// A Flux predicate over `r`.
    pub(crate) filter: Option<String>,
    /// A condition of InfluxQL. Not both.
    pub(crate) condition: Option<String>,
}

impl Selection {
    pub(super) fn read(table: &Table<'_>, source: &Source) -> Result<Self, Error> {
        let selection = Self {
            measurements: table.texts("measurements")?,
            filter: table.text("filter")?.map(str::to_owned),
            condition: table.text("where")?.map(str::to_owned),
        };
        let refused = |key, why: &str| Err(fault(format!("`migration.{key}` {why}")));
        let Self { measurements, filter, condition } = &selection;
        let of_file = "selects from a bucket; a file is migrated as a whole";
        match source {
            Source::File(..) if !measurements.is_empty() => refused("measurements", of_file),
            Source::File(..) if filter.is_some() => refused("filter", of_file),
            Source::File(..) if condition.is_some() => refused("where", of_file),
            _ if filter.is_some() && condition.is_some() => {
                refused("filter", "is Flux and `migration.where` is InfluxQL: choose one")
            }
            Source::V1(_) | Source::V2(_, Language::InfluxQl) if filter.is_some() => {
                refused("filter", "is Flux, and this source is read by InfluxQL; use `where`")
            }
            Source::V2(_, Language::Flux) if condition.is_some() => {
                refused("where", "is InfluxQL, and this source is read by Flux; use `filter`")
            }
            _ => Ok(selection),
        }
    }

    /// Whether names alone say which part it is: then what is not in it has names of its own.
    pub(crate) fn is_by_name(&self) -> bool {
        self.filter.is_none() && self.condition.is_none()
    }

    /// As JSON, on one line; empty for all. No two selections have the same text, so it tells
    /// the records of one from those of another.
    pub(crate) fn to_text(&self) -> String {
        let Self { measurements, filter, condition } = self;
        let mut parts = Map::new();
        if !measurements.is_empty() {
            parts.insert("measurements".to_owned(), json!(measurements));
        }
        for (key, text) in [("filter", filter), ("where", condition)] {
            parts.extend(text.as_ref().map(|text| (key.to_owned(), json!(text))));
        }
        if parts.is_empty() { String::new() } else { Value::Object(parts).to_string() }
    }
}
