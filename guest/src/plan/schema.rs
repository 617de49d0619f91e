//! The measurements and fields of a source, with all types that a field has somewhere.
//!
//! A field may have another type in each shard group; within one it has but one. A query over
//! several reads the strongest of their types: numbers become it, strings and booleans vanish
//! without a word (observed on InfluxDB 1.6.7 and 2.9.1). Does not know slices. The response to
//! `SHOW FIELD KEYS`, a series for each measurement:
//!
//! ```text
//! cpu: fieldKey  fieldType
//!      idle      float
//!      load      float
//!      load      integer
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::converter::{Table, quoted, tables};
use crate::error::{Error, Fault};
use crate::protocol::influxql;
use crate::rules::Type;

/// A measurement of a retention policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measurement {
    pub(crate) policy: String,
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

/// A field, and the types that it has in some shard group or other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) types: Vec<Type>,
}

/// Reads the response to `SHOW FIELD KEYS`, of so many statements about a retention policy.
pub(crate) fn schema(
    response: &[u8],
    policy: &str,
    statements: usize,
) -> Result<Vec<Measurement>, Error> {
    let measurement = |table: Table| {
        let (policy, fields) = (policy.to_owned(), fields(&table)?);
        if table.name.contains('\r') || fields.iter().any(|field| field.name.contains('\r')) {
            let name = quoted(&table.name);
            let message = format!("a query cannot name `{name}` or a field of it: it holds `\\r`");
            let hint = "leave it out: name the others in `migration.measurements`";
            return Err(Error::new(Fault::Unsupported, message).with_hint(hint));
        }
        Ok(Measurement { policy, name: table.name, fields })
    };
    tables(response, statements)?.into_iter().map(measurement).collect()
}

/// Makes one of the parts of a measurement: a server answers at most some thousand fields at once.
pub(crate) fn join(parts: Vec<Measurement>) -> Vec<Measurement> {
    let mut joined = BTreeMap::<(String, String), Vec<Field>>::new();
    for Measurement { policy, name, fields } in parts {
        let known = joined.entry((policy, name)).or_default();
        for field in fields {
            // A field with several types may be cut as well; they follow one another.
            match known.last_mut().filter(|last| last.name == field.name) {
                Some(last) => last.types.extend(field.types),
                None => known.push(field),
            }
        }
    }
    let measurement = |((policy, name), fields)| Measurement { policy, name, fields };
    joined.into_iter().map(measurement).collect()
}

/// The fields that are in several retention policies, each after its measurement.
pub(crate) fn shared_fields(schema: &[Measurement]) -> BTreeSet<(&str, &str)> {
    let (mut once, mut shared) = (BTreeSet::new(), BTreeSet::new());
    // `join` sorts by retention policy. Mostly there is one, and nothing to be compared.
    if schema.first().map(|first| &first.policy) == schema.last().map(|last| &last.policy) {
        return shared;
    }
    for measurement in schema {
        for field in &measurement.fields {
            let key = (measurement.name.as_str(), field.name.as_str());
            if !once.insert(key) {
                shared.insert(key);
            }
        }
    }
    shared
}

fn fields(table: &Table) -> Result<Vec<Field>, Error> {
    let mut fields: Vec<Field> = Vec::new();
    // The types of a field follow one another.
    for [name, text] in table.texts(["fieldKey", "fieldType"])? {
        let Some(new) = Type::parse(text) else {
            let message = format!("field `{name}` of `{}` is of type `{text}`", table.name);
            return Err(Error::new(Fault::Unsupported, message));
        };
        match fields.last_mut().filter(|field| field.name == name) {
            Some(field) => field.types.push(new),
            None => fields.push(Field { name: name.to_owned(), types: vec![new] }),
        }
    }
    Ok(fields)
}

impl Measurement {
    /// Its fields that are among these, each after its measurement.
    pub(crate) fn names_in(&self, fields: &BTreeSet<(&str, &str)>) -> Vec<String> {
        let names = self.fields.iter().map(|field| &field.name);
        names.filter(|name| fields.contains(&(&self.name, name.as_str()))).cloned().collect()
    }

    /// Whether the type of some field changes.
    pub(crate) fn has_changing_types(&self) -> bool {
        self.fields.iter().any(|field| field.types.len() > 1)
    }

    /// What to count, so that `Tally::of` can judge.
    pub(crate) fn columns_to_count(&self) -> Vec<String> {
        let mut columns = Vec::new();
        for field in &self.fields {
            columns.push(influxql::identifier(&field.name));
            if field.types.len() > 1 {
                columns.extend(field.typed_columns());
            }
        }
        columns
    }

    /// Its fields by name, of whatever type each is.
    pub(crate) fn columns(&self) -> Vec<String> {
        let names = self.fields.iter().map(|field| influxql::identifier(&field.name));
        names.map(|name| format!("{name}::field")).collect()
    }

    /// The fields of which small numbers are unsigned wherever they are numbers.
    pub(crate) fn unsigned(&self) -> Vec<String> {
        let is = |field: &&Field| field.has(Type::Unsigned) && !field.has(Type::Integer);
        self.fields.iter().filter(is).map(|field| field.name.clone()).collect()
    }
}

impl Field {
    /// A column for each class of types: `f::integer` and `f::unsigned` hold the same values as
    /// `f::float`, cast.
    pub(crate) fn typed_columns(&self) -> [String; 3] {
        let name = influxql::identifier(&self.name);
        Class::ALL.map(|class| format!("{name}::{}", class.counted_as()))
    }

    fn has(&self, of: Type) -> bool {
        self.types.contains(&of)
    }

    /// Where it has several types, the column of a class.
    fn column_of(&self, class: Class) -> Option<String> {
        let types = Some(&self.types).filter(|types| types.len() > 1)?;
        let of = types.iter().find(|of| match class {
            Class::Numbers => of.is_number(),
            Class::Strings => **of == Type::String,
            Class::Booleans => **of == Type::Boolean,
        })?;
        Some(self.column(*of))
    }

    fn column(&self, of: Type) -> String {
        format!("{}::{}", influxql::identifier(&self.name), of.name())
    }

    /// Whether its numbers may be of several types.
    pub(crate) fn has_several_numbers(&self) -> bool {
        self.types.iter().filter(|of| of.is_number()).count() > 1
    }
}

/// What the counts of a slice say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Values of fields with one type.
    single: u64,
    /// Values of the others, by class.
    numbers: u64,
    strings: u64,
    booleans: u64,
    /// Some would not be read, unless their class is named.
    pub(crate) drops: bool,
    /// Some numbers may be of another type than the others, and would be cast to it.
    pub(crate) may_cast: bool,
    /// The fields with small numbers that may be of either kind.
    pub(crate) ambiguous: Vec<String>,
}

/// What to read, or to count, of the fields that have several types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Numbers,
    Strings,
    Booleans,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Numbers, Self::Strings, Self::Booleans];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Strings => "strings",
            Self::Booleans => "booleans",
        }
    }

    /// The type to which all its values can be cast.
    pub(crate) fn counted_as(self) -> &'static str {
        match self {
            Self::Numbers => Type::Float.name(),
            Self::Strings => Type::String.name(),
            Self::Booleans => Type::Boolean.name(),
        }
    }
}

impl Tally {
    /// `counts` are those of `columns_to_count`.
    pub(crate) fn of(measurement: &Measurement, counts: &[u64]) -> Option<Self> {
        let mut counts = counts.iter().copied();
        let mut tally = Self::default();
        for field in &measurement.fields {
            let read = counts.next()?;
            if field.types.len() == 1 {
                tally.single += read;
                continue;
            }
            let (numbers, strings, booleans) = (counts.next()?, counts.next()?, counts.next()?);
            tally.numbers += numbers;
            tally.strings += strings;
            tally.booleans += booleans;
            let there = numbers + strings + booleans;
            if read > there {
                return None;
            }
            tally.drops |= read < there;
            tally.may_cast |= numbers > 0 && field.has_several_numbers();
            if numbers > 0 && field.has(Type::Unsigned) && field.has(Type::Integer) {
                tally.ambiguous.push(field.name.clone());
            }
        }
        counts.next().is_none().then_some(tally)
    }

    /// All values.
    pub(crate) fn values(&self) -> u64 {
        let Self { single, numbers, strings, booleans, .. } = self;
        single + numbers + strings + booleans
    }

    /// The classes of which there are values, and how many.
    fn classes(&self) -> impl Iterator<Item = (Class, u64)> {
        let Self { numbers, strings, booleans, .. } = *self;
        let classes =
            [(Class::Numbers, numbers), (Class::Strings, strings), (Class::Booleans, booleans)];
        classes.into_iter().filter(|(_, values)| *values > 0)
    }
}

impl Measurement {
    /// What to read, class by class, so that nothing is dropped, and how many values each must give;
    /// with the first one, the fields of one type as well. None is cast: numbers are only read so
    /// where all of a field are of one type.
    pub(crate) fn columns_by_class(&self, tally: &Tally) -> Vec<(Vec<String>, u64)> {
        let mut all: Vec<_> = tally
            .classes()
            .map(|(class, values)| {
                let columns = self.fields.iter().filter_map(|field| field.column_of(class));
                (columns.collect::<Vec<_>>(), values)
            })
            .collect();
        if let Some((columns, values)) = all.first_mut() {
            let single = self.fields.iter().filter(|field| field.types.len() == 1);
            columns.extend(single.map(|field| field.column(field.types[0])));
            *values += tally.single;
        }
        all
    }
}
