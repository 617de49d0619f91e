//! Names and values as the rules of `[schema]` have them.
//!
//! Asks by the names of the source. Does not know where they came from, nor how they are written.

use super::error::{ErrorKind, quoted};
use super::value::{Unfit, Value};
use crate::rules::{Change, Rules, Target, Type};

/// Gives a series the names of the destination: returns that of the measurement, and why there cannot be
/// such a series, if there cannot. The tags are sorted by their new keys.
pub(super) fn series<'a>(
    rules: &'a Rules,
    measurement: &'a str,
    tags: &mut [(&'a str, &'a str)],
) -> (&'a str, Option<ErrorKind>) {
    if rules.is_empty() {
        return (measurement, None);
    }
    let renames = &rules.of(measurement).tags;
    let mut fault = rules
        .measurements
        .taken_by(measurement)
        .map(|by| taken("measurement", measurement, "", by));
    for (key, _) in tags.iter_mut() {
        if let Some(by) = renames.taken_by(key) {
            fault.get_or_insert_with(|| taken("tag", key, measurement, by));
        }
        *key = renames.name(key);
    }
    tags.sort_unstable();
    (rules.measurement(measurement), fault)
}

/// Where the values of a field go, if they are of this type; of a column without a type that a field
/// can have, nothing goes anywhere.
pub(super) fn field<'a>(
    rules: &'a Rules,
    measurement: &str,
    key: &'a str,
    of: Option<Type>,
) -> Result<Target<'a>, ErrorKind> {
    let stays = Target { field: key.into(), change: Change::None };
    let Some(of) = of.filter(|_| !rules.is_empty()) else { return Ok(stays) };
    let fields = &rules.of(measurement).fields;
    match fields.taken_by(key) {
        Some(by) => Err(taken("field", key, measurement, by)),
        None => Ok(fields.target(key, of)),
    }
}

fn taken(what: &'static str, found: &str, of: &str, by: &str) -> ErrorKind {
    let of = if of.is_empty() { String::new() } else { format!(" of `{}`", quoted(of)) };
    ErrorKind::Taken { found: format!("{what} `{}`{of}", quoted(found)), by: quoted(by) }
}

/// What a value becomes, if it becomes another one.
pub(super) fn changed(value: &Value<'_>, change: Change) -> Result<Option<Value<'static>>, Unfit> {
    match change {
        Change::None | Change::Moved => Ok(None),
        Change::ToFloat => to_float(value).map(Value::Float).map(Some).ok_or(Unfit::Inexact),
    }
}

/// An integer as the float that is the same number, if there is one.
#[expect(clippy::cast_precision_loss, reason = "it is compared with what it was")]
#[expect(clippy::cast_possible_truncation, reason = "a float that an integer became fits")]
fn to_float(value: &Value<'_>) -> Option<f64> {
    let integer = match value {
        Value::Integer(integer) => i128::from(*integer),
        Value::Unsigned(integer) => i128::from(*integer),
        Value::Digits(text) | Value::UnsignedDigits(text) => {
            str::from_utf8(text).ok()?.parse().ok()?
        }
        Value::Float(float) => return Some(*float),
        Value::Decimal(_) | Value::Boolean(_) | Value::String(_) => return None,
    };
    let float = integer as f64;
    (float as i128 == integer).then_some(float)
}

impl Value<'_> {
    /// Its type.
    pub(super) fn of_type(&self) -> Type {
        match self {
            Self::Boolean(_) => Type::Boolean,
            Self::Float(_) | Self::Decimal(_) => Type::Float,
            Self::Digits(_) | Self::Integer(_) => Type::Integer,
            Self::UnsignedDigits(_) | Self::Unsigned(_) => Type::Unsigned,
            Self::String(_) => Type::String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, to_float};

    #[test]
    fn an_integer_is_a_float_only_where_that_is_the_same_number() {
        const FIRST_INEXACT: i64 = (1 << 53) + 1;
        for (integer, float) in [
            (0, Some(0.0)),
            (-3, Some(-3.0)),
            (1 << 53, Some(9_007_199_254_740_992.0)),
            (FIRST_INEXACT, None),
            (-FIRST_INEXACT, None),
            (FIRST_INEXACT + 1, Some(9_007_199_254_740_994.0)),
            (i64::MIN, Some(-9_223_372_036_854_775_808.0)),
            (i64::MAX, None),
        ] {
            assert_eq!(to_float(&Value::Integer(integer)), float, "{integer}");
            let text = integer.to_string();
            assert_eq!(to_float(&Value::Digits(text.as_bytes())), float, "{integer}");
        }
        assert_eq!(to_float(&Value::Unsigned(u64::MAX)), None);
        assert_eq!(to_float(&Value::Unsigned(1 << 63)), Some(9_223_372_036_854_775_808.0));
    }
}
