//! Columns of an InfluxQL response: the keys of their fields, as line protocol.
//!
//! Does not know values. Mostly a column has one key; where the rules of `[schema]` go by types, it has
//! one for each.

use std::collections::BTreeSet;

use super::error::ErrorKind;
use super::lines::push_field_key;
use super::names::{Dialect, clash};
use super::ruled;
use crate::rules::{Change, Rules, Type};

/// A column of the rows. The first is that of the time.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// Where its values go, whatever their type is, or mostly.
    place: Place,
    /// Where they go by their types, in the order of these.
    by_type: Option<Box<[Place; Type::ALL.len()]>>,
    /// Whether its small numbers are unsigned.
    pub(super) unsigned: bool,
    /// Whether other retention policies have it too.
    pub(super) shared: bool,
}

/// Where values go.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) field: String,
    /// Its field key and `=`, as line protocol.
    pub(super) key: String,
    /// Why it cannot be said, if it cannot: at all, and in the present series.
    pub(super) fault: Option<ErrorKind>,
    pub(super) clash: Option<ErrorKind>,
    /// What becomes of them.
    pub(super) change: Change,
}

impl Place {
    fn new(dialect: Dialect, field: &str, change: Change) -> Self {
        let mut key = String::new();
        let fault = push_field_key(&mut key, dialect, &[], field).err();
        Self { field: field.to_owned(), key, fault, clash: None, change }
    }
}

impl Column {
    /// That of the times, which are no field.
    pub(super) fn of_time() -> Self {
        let (field, key) = ("time".to_owned(), String::new());
        let place = Place { field, key, fault: None, clash: None, change: Change::None };
        let name = place.field.clone();
        Self { name, place, by_type: None, unsigned: false, shared: false }
    }

    /// That of a field in this measurement, both by their names in the source.
    pub(super) fn new(dialect: Dialect, rules: &Rules, measurement: &str, name: &str) -> Self {
        let place = |of| match ruled::field(rules, measurement, name, Some(of)) {
            Ok(target) => Place::new(dialect, &target.field, target.change),
            Err(fault) => Place { fault: Some(fault), ..Place::new(dialect, name, Change::None) },
        };
        let (first, mut by_type) = (place(Type::Float), None);
        if !rules.is_empty() {
            let places = Type::ALL.map(place);
            let differs = |place: &Place| place.key != first.key || place.change != first.change;
            by_type = places.iter().any(differs).then(|| places.into());
        }
        let first = match by_type {
            Some(_) => Place { fault: None, ..first },
            None => first,
        };
        Self { name: name.to_owned(), place: first, by_type, unsigned: false, shared: false }
    }

    /// The following rows are of points with these tags; `fault` says why none of this column can be
    /// said of them.
    pub(super) fn begin(
        &mut self,
        dialect: Dialect,
        tags: &[(&str, &str)],
        fault: Option<&ErrorKind>,
    ) {
        let one = std::slice::from_mut(&mut self.place);
        // Where there are several places, that one is none of them.
        for place in self.by_type.as_mut().map_or(one, |places| places.as_mut_slice()) {
            place.clash = fault.cloned().or_else(|| clash(dialect, tags, &place.field));
        }
    }

    /// Why no value of it can be written, whatever its type is.
    pub(super) fn fault(&self) -> Option<&ErrorKind> {
        self.place.fault.as_ref().or(self.place.clash.as_ref())
    }

    /// Whether it is the type of a value that decides where it goes.
    #[inline]
    pub(super) fn goes_by_type(&self) -> bool {
        self.by_type.is_some()
    }

    /// Where values of this type go; if that does not matter, any.
    #[inline(always)]
    pub(super) fn place(&self, of: Option<Type>) -> &Place {
        match (of, &self.by_type) {
            (Some(of), Some(places)) => &places[of as usize],
            (_, None) | (None, _) => &self.place,
        }
    }
}

/// The columns of these names, each of which may be there once.
pub(super) fn columns(
    dialect: Dialect,
    rules: &Rules,
    measurement: &str,
    names: &[String],
) -> Result<Vec<Column>, ErrorKind> {
    let Some((_, fields)) = names.split_first().filter(|(first, _)| *first == "time") else {
        return Err(ErrorKind::ColumnMissing { column: "time" });
    };
    let different: BTreeSet<_> = names.iter().collect();
    if different.len() < names.len() {
        let (expected, found) = ("each column once", "one twice");
        return Err(ErrorKind::Unexpected { expected, found });
    }
    let fields = fields.iter().map(|name| Column::new(dialect, rules, measurement, name));
    Ok([Column::of_time()].into_iter().chain(fields).collect())
}
