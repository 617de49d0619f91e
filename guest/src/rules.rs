//! What names and types become on their way: the rules of `[schema]`, by the names of the source.
//!
//! Does not know values, nor how rules are written (`settings::schema`). No two things of the source
//! become one, whatever order they come in: rules that would do it are refused, and what the source
//! has where a rule leads already is `taken`.
//!
//! ```text
//! load of cpu as "suffix", renamed to `l`:  1.5 ─▶ l_float   2i ─▶ l_integer   "high" ─▶ l_string
//! load of cpu as "float":                   1.5 ─▶ load      2i ─▶ load=2      "high" ─▶ load_string
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Float,
    Integer,
    Unsigned,
    String,
    Boolean,
}

/// All rules; none by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    pub(crate) measurements: Renames,
    /// Of measurements that rules name; what holds for every measurement is in each of them too.
    pub(crate) named: BTreeMap<String, Scope>,
    /// Of all others.
    pub(crate) others: Scope,
    /// The rules as JSON, sorted; empty for none: what is recorded of them.
    pub(crate) texts: Texts,
}

/// `schema.rename` and `schema.types`, each as JSON on one line, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) rename: String,
    pub(crate) types: String,
}

/// The rules about one measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scope {
    pub(crate) tags: Renames,
    pub(crate) fields: Fields,
}

/// New names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Renames {
    to: BTreeMap<String, String>,
    /// The old name by the new one.
    taken: BTreeMap<String, String>,
}

/// What becomes of fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    rules: BTreeMap<String, FieldRule>,
    /// The field of the source, by each name that its values may get.
    taken: BTreeMap<String, String>,
}

/// What becomes of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldRule {
    /// Its new name.
    pub(crate) to: Option<String>,
    pub(crate) policy: Policy,
}

/// What becomes of the values of a field that has several types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nothing was said: they stay as they are.
    #[default]
    AsItIs,
    /// Integers become floats; what cannot goes to a field of its own.
    Float,
    /// Each type has a field of its own.
    Suffix,
}

/// Where a value goes, and as what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target<'a> {
    pub(crate) field: Cow<'a, str>,
    pub(crate) change: Change,
}

/// What becomes of a value beside the name of its field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change {
    #[default]
    None,
    /// A number that is none becomes a float.
    ToFloat,
    /// It goes to a field that is called after its type.
    Moved,
}

/// Two names of the source that would become one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clash {
    pub(crate) one: String,
    pub(crate) other: String,
    pub(crate) name: String,
}

impl Type {
    pub(crate) const ALL: [Self; 5] =
        [Self::Float, Self::Integer, Self::Unsigned, Self::String, Self::Boolean];

    /// Reads a `fieldType` of InfluxQL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.name() == text)
    }

    /// Its name in a query, and as a suffix.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::String => "string",
            Self::Boolean => "boolean",
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Float | Self::Integer | Self::Unsigned)
    }
}

impl Rules {
    /// What a tag of a measurement is called at the destination.
    pub(crate) fn tag<'a>(&'a self, measurement: &str, key: &'a str) -> &'a str {
        self.of(measurement).tags.name(key)
    }

    /// What a field is called at the destination where its values are of this type, and of which
    /// type they are there.
    pub(crate) fn field<'a>(
        &'a self,
        measurement: &str,
        key: &'a str,
        of: Type,
    ) -> (Cow<'a, str>, Type) {
        let target = self.of(measurement).fields.target(key, of);
        let becomes = match target.change {
            Change::ToFloat => Type::Float,
            Change::None | Change::Moved => of,
        };
        (target.field, becomes)
    }
}

impl Rules {
    /// Whether everything stays as it is.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.rename.is_empty() && self.texts.types.is_empty()
    }

    /// What a measurement is called at the destination.
    pub(crate) fn measurement<'a>(&'a self, name: &'a str) -> &'a str {
        self.measurements.name(name)
    }

    /// The rules about the tags and fields of a measurement.
    pub(crate) fn of(&self, measurement: &str) -> &Scope {
        self.named.get(measurement).unwrap_or(&self.others)
    }
}

impl Renames {
    /// Refuses two names that become one.
    pub(crate) fn new(to: BTreeMap<String, String>) -> Result<Self, Clash> {
        let mut taken = BTreeMap::new();
        for (name, new) in &to {
            take(&mut taken, new.clone(), name)?;
        }
        Ok(Self { to, taken })
    }

    /// The new name, or the same.
    pub(crate) fn name<'a>(&'a self, name: &'a str) -> &'a str {
        self.to.get(name).map_or(name, String::as_str)
    }

    /// What is renamed to this name, where this name itself stays: both would become one.
    pub(crate) fn taken_by(&self, name: &str) -> Option<&str> {
        let by = self.taken.get(name)?;
        (!self.to.contains_key(name)).then_some(by)
    }
}

impl Fields {
    /// Refuses fields of which values may get into one.
    pub(crate) fn new(rules: BTreeMap<String, FieldRule>) -> Result<Self, Clash> {
        let mut taken = BTreeMap::new();
        for (name, rule) in &rules {
            let mut names: Vec<_> =
                Type::ALL.map(|of| rule.target(name, of).field.into_owned()).into();
            names.sort_unstable();
            names.dedup();
            for new in names {
                take(&mut taken, new, name)?;
            }
        }
        Ok(Self { rules, taken })
    }

    /// Where a value of this type goes.
    pub(crate) fn target<'a>(&'a self, name: &'a str, of: Type) -> Target<'a> {
        match self.rules.get(name) {
            Some(rule) => rule.target(name, of),
            None => Target { field: name.into(), change: Change::None },
        }
    }

    /// The field of which values go to this one, which itself stays: both would become one.
    pub(crate) fn taken_by(&self, name: &str) -> Option<&str> {
        let by = self.taken.get(name)?;
        (!self.rules.contains_key(name)).then_some(by)
    }
}

fn take(taken: &mut BTreeMap<String, String>, name: String, of: &str) -> Result<(), Clash> {
    match taken.insert(name.clone(), of.to_owned()) {
        Some(one) => Err(Clash { one, other: of.to_owned(), name }),
        None => Ok(()),
    }
}

impl FieldRule {
    fn target<'a>(&'a self, name: &'a str, of: Type) -> Target<'a> {
        let base = self.to.as_deref().unwrap_or(name);
        let moved =
            || Target { field: format!("{base}_{}", of.name()).into(), change: Change::Moved };
        let stays = |change| Target { field: base.into(), change };
        match (self.policy, of) {
            (Policy::AsItIs, _) | (Policy::Float, Type::Float) => stays(Change::None),
            (Policy::Float, Type::Integer | Type::Unsigned) => stays(Change::ToFloat),
            (Policy::Float, Type::String | Type::Boolean) | (Policy::Suffix, _) => moved(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Type;
    use crate::converter::Dialect;
    use crate::settings::schema::read;

    #[test]
    fn a_rule_of_one_measurement_comes_before_one_of_all() {
        let rename = json!([
            { "measurement": "cpu", "to": "processor" },
            { "tag": "host", "to": "machine" },
            { "measurement": "cpu", "tag": "host", "to": "node" },
            { "measurement": "cpu", "field": "load", "to": "l" },
        ]);
        let types = json!([
            { "field": "load", "as": "suffix" },
            { "measurement": "mem", "field": "load", "as": "float" },
        ]);
        let rules = read("", Some(&rename), Some(&types), Dialect::Iox).expect("they are fit");
        assert!(!rules.is_empty());
        assert_eq!(["cpu", "mem"].map(|name| rules.measurement(name)), ["processor", "mem"]);
        assert_eq!(["cpu", "mem"].map(|name| rules.tag(name, "host")), ["node", "machine"]);
        // Those of other keys hold for it too.
        let field = |measurement, of| {
            let (name, of) = rules.field(measurement, "load", of);
            (name.into_owned(), of)
        };
        for (measurement, of, name, becomes) in [
            ("cpu", Type::Float, "l_float", Type::Float),
            ("cpu", Type::Unsigned, "l_unsigned", Type::Unsigned),
            ("disk", Type::Boolean, "load_boolean", Type::Boolean),
            ("mem", Type::Float, "load", Type::Float),
            ("mem", Type::Integer, "load", Type::Float),
            ("mem", Type::Unsigned, "load", Type::Float),
            ("mem", Type::String, "load_string", Type::String),
        ] {
            assert_eq!(field(measurement, of), (name.to_owned(), becomes), "{measurement}");
        }
        assert_eq!(rules.field("cpu", "other", Type::Float).0, "other");
    }

    #[test]
    fn rules_are_recorded_in_one_order() {
        let one =
            json!([{ "tag": "a", "to": "b" }, { "field": "f", "measurement": "m", "to": "g" }]);
        let other =
            json!([{ "to": "g", "measurement": "m", "field": "f" }, { "to": "b", "tag": "a" }]);
        let texts = [one, other]
            .map(|rename| read("", Some(&rename), None, Dialect::Iox).expect("they are fit").texts);
        assert_eq!(texts[0], texts[1]);
        let text = r#"[{"tag":"a","to":"b"},{"field":"f","measurement":"m","to":"g"}]"#;
        assert_eq!((texts[0].rename.as_str(), texts[0].types.as_str()), (text, ""));
    }

    #[test]
    fn names_may_be_exchanged_but_not_made_one() {
        let read = |rename| read("", Some(&rename), None, Dialect::Iox);
        let rules = read(json!([{ "tag": "a", "to": "b" }, { "tag": "b", "to": "a" }]));
        let rules = rules.expect("they are fit");
        assert_eq!(["a", "b", "c"].map(|key| rules.tag("m", key)), ["b", "a", "c"]);
        assert_eq!(rules.of("m").tags.taken_by("a"), None);
        let rules = read(json!([{ "tag": "a", "to": "b" }])).expect("they are fit");
        assert_eq!(rules.of("m").tags.taken_by("b"), Some("a"));
        read(json!([{ "tag": "a", "to": "c" }, { "tag": "b", "to": "c" }])).expect_err("both");
    }
}
