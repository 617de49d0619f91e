//! `[schema]`: what becomes of names and types, and of what cannot arrive as it is.
//!
//! Reads rules, and says of each what is wrong with it; what they do is known by `rules`.
//!
//! ```toml
//! [[schema.rename]]
//! measurement = "cpu"
//! field = "host"
//! to = "host_value"
//!
//! [[schema.types]]
//! field = "load"
//! as = "float"
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::table::{Table, check_keys, fault};
use crate::converter::{Dialect, LineBreaks, Part, UnfitValues, quoted, unsayable};
use crate::error::Error;
use crate::rules::{Clash, FieldRule, Fields, Policy, Renames, Rules, Scope, Texts};

/// Of bytes: the rules are a part of each record, and a string of InfluxDB has 64 KiB at most.
const RULES_BYTES_MAX: usize = 32_000;

/// What becomes of strings with line breaks that Flux has altered.
pub(super) fn line_breaks(table: &Table<'_>) -> Result<LineBreaks, Error> {
    match table.text("line_breaks")? {
        None | Some("refuse") => Ok(LineBreaks::Refuse),
        Some("accept") => Ok(LineBreaks::Accept),
        Some(_) => Err(table.unfit("line_breaks", "\"refuse\" or \"accept\"")),
    }
}

/// What becomes of values that the destination is known not to take.
pub(super) fn unfit(table: &Table<'_>, rejected_max: u64) -> Result<UnfitValues, Error> {
    match table.text("unfit")? {
        None | Some("refuse") => Ok(UnfitValues::Refuse),
        Some("set_aside") if rejected_max > 0 => Ok(UnfitValues::SetAside),
        Some("set_aside") => {
            let message = "`schema.unfit` is \"set_aside\", and `rejected.max` is 0";
            let hint = "say how many points may be set aside in all: `rejected.max`, 1 or more";
            Err(fault(message.to_owned()).with_hint(hint))
        }
        Some(_) => Err(table.unfit("unfit", "\"refuse\" or \"set_aside\"")),
    }
}

/// The rules of the configuration.
pub(super) fn rules(table: &Table<'_>, dialect: Dialect) -> Result<Rules, Error> {
    read("schema.", table.get("rename"), table.get("types"), dialect)
}

/// Reads the rules at the keys `rename` and `types` of a table of which the keys are said to begin so.
pub(crate) fn read(
    table: &str,
    rename: Option<&Value>,
    types: Option<&Value>,
    dialect: Dialect,
) -> Result<Rules, Error> {
    let (rename_key, types_key) = (format!("{table}rename"), format!("{table}types"));
    let mut book = Book::default();
    for rule in Rule::all(&rename_key, rename, &["measurement", "tag", "field", "to"])? {
        book.rename(rule, dialect)?;
    }
    for rule in Rule::all(&types_key, types, &["measurement", "field", "as"])? {
        book.decide(rule)?;
    }
    let texts = book.texts();
    for (key, text) in [(&rename_key, &texts.rename), (&types_key, &texts.types)] {
        if text.len() > RULES_BYTES_MAX {
            let bytes = text.len();
            return Err(fault(format!(
                "`{key}` has {bytes} bytes of rules; a record holds {RULES_BYTES_MAX}"
            )));
        }
    }
    book.rules(texts).map_err(|clash| {
        let Clash { one, other, name } = &clash.1;
        let [one, other, name] = [one, other, name].map(|text| quoted(text));
        let of = clash.0;
        fault(format!("the rules of `{rename_key}` and `{types_key}` lead {of} `{one}` and `{other}` to one name, `{name}`"))
            .with_hint("choose another name for one of both: nothing is lost by two names")
    })
}

/// A rule, as it is written.
struct Rule<'a> {
    key: &'a str,
    /// Counted from 1.
    number: usize,
    entries: &'a Map<String, Value>,
}

/// What a rule is about. Without a measurement it holds in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Measurement(String),
    Tag(Option<String>, String),
    Field(Option<String>, String),
}

/// The rules that were read, each with its number.
#[derive(Default)]
struct Book {
    renames: BTreeMap<About, (usize, String)>,
    types: BTreeMap<About, (usize, Policy)>,
}

impl<'a> Rule<'a> {
    fn all(key: &'a str, list: Option<&'a Value>, known: &[&str]) -> Result<Vec<Self>, Error> {
        let unfit =
            || fault(format!("`{key}` must be a list of tables, each begun by `[[{key}]]`"));
        let Some(list) = list else { return Ok(Vec::new()) };
        let mut rules = Vec::new();
        for (place, rule) in list.as_array().ok_or_else(unfit)?.iter().enumerate() {
            let (number, entries) = (place + 1, rule.as_object().ok_or_else(unfit)?);
            check_keys(entries, &format!("{key}[{number}]."), known)?;
            rules.push(Self { key, number, entries });
        }
        Ok(rules)
    }

    fn fault(&self, what: &str) -> Error {
        fault(format!("rule {} of `{}` {what}", self.number, self.key))
    }

    /// The text at a key.
    fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.entries.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => {
                let what = format!("must have a text in quotes as `{key}`, which is not empty");
                Err(self.fault(&what))
            }
        }
    }

    fn required(&self, key: &str) -> Result<&'a str, Error> {
        self.text(key)?.ok_or_else(|| self.fault(&format!("has no `{key}`")))
    }

    /// What it is about.
    fn about(&self) -> Result<About, Error> {
        let owned = |key| self.text(key).map(|text| text.map(str::to_owned));
        match (owned("measurement")?, owned("tag")?, owned("field")?) {
            (_, Some(_), Some(_)) => Err(self.fault("has a `tag` and a `field`: choose one")),
            (measurement, Some(tag), None) => Ok(About::Tag(measurement, tag)),
            (measurement, None, Some(field)) => Ok(About::Field(measurement, field)),
            (Some(measurement), None, None) => Ok(About::Measurement(measurement)),
            (None, None, None) => {
                Err(self.fault("is about nothing: give it a `measurement`, a `tag` or a `field`"))
            }
        }
    }

    /// A second rule for what another one is about.
    fn again(&self, about: &About, first: usize) -> Error {
        let (key, number, about) = (self.key, self.number, about.shown());
        fault(format!("rules {first} and {number} of `{key}` are both about {about}"))
    }
}

impl About {
    /// It, for a message.
    fn shown(&self) -> String {
        let of = |measurement: &Option<String>| match measurement {
            Some(name) => format!(" of `{}`", quoted(name)),
            None => " of all measurements".to_owned(),
        };
        match self {
            Self::Measurement(name) => format!("measurement `{}`", quoted(name)),
            Self::Tag(measurement, key) => format!("tag `{}`{}", quoted(key), of(measurement)),
            Self::Field(measurement, key) => format!("field `{}`{}", quoted(key), of(measurement)),
        }
    }

    fn name(&self) -> (&str, Part) {
        match self {
            Self::Measurement(name) => (name, Part::Measurement),
            Self::Tag(_, key) => (key, Part::TagKey),
            Self::Field(_, key) => (key, Part::FieldKey),
        }
    }

    /// As it is written.
    fn entries(&self) -> Map<String, Value> {
        let (measurement, key) = match self {
            Self::Measurement(name) => (Some(name), None),
            Self::Tag(measurement, key) => (measurement.as_ref(), Some(("tag", key))),
            Self::Field(measurement, key) => (measurement.as_ref(), Some(("field", key))),
        };
        let measurement = measurement.map(|name| ("measurement", name));
        let entries = measurement.into_iter().chain(key);
        entries.map(|(key, name)| (key.to_owned(), json!(name))).collect()
    }
}

impl Book {
    fn rename(&mut self, rule: Rule<'_>, dialect: Dialect) -> Result<(), Error> {
        let (about, to) = (rule.about()?, rule.required("to")?);
        let (name, part) = about.name();
        if name == to {
            let what = format!("renames {} to itself", about.shown());
            return Err(rule.fault(&what));
        }
        if let Some(reason) = unsayable(dialect, part, to) {
            let (part, to) = (part.name(), quoted(to));
            let what = format!("leads to the {part} `{to}`, which cannot be written: {reason}");
            return Err(rule.fault(&what));
        }
        match self.renames.insert(about.clone(), (rule.number, to.to_owned())) {
            Some((first, _)) => Err(rule.again(&about, first)),
            None => Ok(()),
        }
    }

    fn decide(&mut self, rule: Rule<'_>) -> Result<(), Error> {
        rule.required("field")?;
        let policy = match rule.required("as")? {
            "float" => Policy::Float,
            "suffix" => Policy::Suffix,
            _ => return Err(rule.fault("must have \"float\" or \"suffix\" as `as`")),
        };
        let about = rule.about()?;
        match self.types.insert(about.clone(), (rule.number, policy)) {
            Some((first, _)) => Err(rule.again(&about, first)),
            None => Ok(()),
        }
    }

    /// The rules as they are recorded: sorted, for their order decides nothing.
    fn texts(&self) -> Texts {
        let text = |rules: Vec<Value>| match rules.is_empty() {
            true => String::new(),
            false => Value::Array(rules).to_string(),
        };
        let with = |about: &About, key: &str, word: &str| {
            let mut entries = about.entries();
            entries.insert(key.to_owned(), json!(word));
            Value::Object(entries)
        };
        let renames = self.renames.iter().map(|(about, (_, to))| with(about, "to", to));
        let types = self.types.iter().map(|(about, (_, policy))| {
            let word = match policy {
                Policy::AsItIs => "",
                Policy::Float => "float",
                Policy::Suffix => "suffix",
            };
            with(about, "as", word)
        });
        Texts { rename: text(renames.collect()), types: text(types.collect()) }
    }

    /// A clash with what it is about.
    fn rules(&self, texts: Texts) -> Result<Rules, (String, Clash)> {
        let mut names = BTreeSet::new();
        let mut measurements = BTreeMap::new();
        for about in self.renames.keys().chain(self.types.keys()) {
            match about {
                About::Measurement(name) => {
                    measurements.insert(name.clone(), self.renames[about].1.clone());
                }
                About::Tag(Some(measurement), _) | About::Field(Some(measurement), _) => {
                    names.insert(measurement);
                }
                About::Tag(None, _) | About::Field(None, _) => {}
            }
        }
        let named: Result<BTreeMap<_, _>, _> = names
            .into_iter()
            .map(|name| self.scope(Some(name)).map(|scope| (name.clone(), scope)))
            .collect();
        Ok(Rules {
            measurements: Renames::new(measurements)
                .map_err(|clash| ("the measurements".to_owned(), clash))?,
            named: named?,
            others: self.scope(None)?,
            texts,
        })
    }

    /// What holds for a measurement: what is said of all, and before it what is said of this one.
    fn scope(&self, measurement: Option<&String>) -> Result<Scope, (String, Clash)> {
        let (mut tags, mut fields) = (BTreeMap::new(), BTreeMap::<_, FieldRule>::new());
        let mut holders = vec![None];
        holders.extend(measurement.map(Some));
        for holder in holders {
            let holds = |of: &Option<String>| of.as_ref() == holder;
            for (about, (_, to)) in &self.renames {
                match about {
                    About::Tag(of, key) if holds(of) => {
                        tags.insert(key.clone(), to.clone());
                    }
                    About::Field(of, key) if holds(of) => {
                        fields.entry(key.clone()).or_default().to = Some(to.clone());
                    }
                    About::Measurement(_) | About::Tag(..) | About::Field(..) => {}
                }
            }
            for (about, (_, policy)) in &self.types {
                match about {
                    About::Field(of, key) if holds(of) => {
                        fields.entry(key.clone()).or_default().policy = *policy;
                    }
                    About::Measurement(_) | About::Tag(..) | About::Field(..) => {}
                }
            }
        }
        let of = measurement.map_or(String::new(), |name| format!(" of `{}`", quoted(name)));
        let tags = Renames::new(tags).map_err(|clash| (format!("the tags{of}"), clash))?;
        let fields = Fields::new(fields).map_err(|clash| (format!("the fields{of}"), clash))?;
        Ok(Scope { tags, fields })
    }
}
