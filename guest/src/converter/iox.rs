//! Rows of InfluxDB 3, which come as JSON, to the parts of lines: so that they compare with what was written.
//!
//! JSON tells neither integers from floats nor tags from strings: whoever calls knows. Does not know how
//! the rows were asked for.

use serde_json::Value as Json;

use super::error::{ErrorKind, quoted};
use super::lines::{push_field_key, push_series};
use super::names::Dialect;
use super::value::Value;
use crate::error::{Error, Fault};
use crate::rules::Type;

/// A row in the course of being read.
#[derive(Debug)]
pub(crate) struct IoxPoint {
    dialect: Dialect,
    /// Measurement and tags, as line protocol.
    pub(crate) series: String,
}

impl IoxPoint {
    /// A point of this series; tags need not be in order, and empty ones are none.
    pub(crate) fn new(
        dialect: Dialect,
        measurement: &str,
        mut tags: Vec<(&str, &str)>,
    ) -> Result<Self, Error> {
        tags.retain(|(_, value)| !value.is_empty());
        tags.sort_unstable();
        let mut series = String::new();
        push_series(&mut series, dialect, measurement, &tags).map_err(unsayable)?;
        Ok(Self { dialect, series })
    }

    /// The key and the value of a field, as line protocol; `None` where it has no value.
    pub(crate) fn field(
        &self,
        key: &str,
        of: Type,
        value: &Json,
    ) -> Result<Option<(String, String)>, Error> {
        let unfit = || {
            let (key, of) = (quoted(key), of.name());
            let message = format!("expected a value of type {of} in `{key}`, found `{value}`");
            Error::new(Fault::Malformed, message)
        };
        let value = match (of, value) {
            (_, Json::Null) => return Ok(None),
            (Type::Float, value) => Value::Float(value.as_f64().ok_or_else(unfit)?),
            (Type::Integer, value) => Value::Integer(value.as_i64().ok_or_else(unfit)?),
            (Type::Unsigned, value) => Value::Unsigned(value.as_u64().ok_or_else(unfit)?),
            (Type::Boolean, Json::Bool(value)) => Value::Boolean(*value),
            (Type::String, Json::String(text)) => Value::String(text.into()),
            (Type::Boolean | Type::String, _) => return Err(unfit()),
        };
        let (mut name, mut text) = (String::new(), Vec::new());
        push_field_key(&mut name, self.dialect, &[], key).map_err(unsayable)?;
        value.push(&mut text).map_err(|_| unfit())?;
        // Without its `=`.
        name.pop();
        let text = String::from_utf8(text).map_err(|_| unfit())?;
        Ok(Some((name, text)))
    }
}

fn unsayable(kind: ErrorKind) -> Error {
    Error::new(Fault::Unsupported, kind.to_string())
}
