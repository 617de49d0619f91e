//! What the tables of the source become at the destination, and what of that it is known not to take.
//!
//! Asks nothing. Does not know points: a tag and a field of one name may never meet in one, and a type may
//! have been another one before the range that is migrated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::finding::{Finding, Weight};
use super::limits;
use super::rule;
use crate::converter::{Dialect, Part, UnfitValues, quoted, unsayable};
use crate::plan::schema::{Class, Field};
use crate::plan::side::{Changes, Classes, Table};
use crate::rules::Type;
use crate::settings::Settings;
use crate::time::Timestamp;

/// So many changes of a type are shown; the JSON has all that are known.
const CHANGES_SHOWN_MAX: usize = 4;

/// The tables of a side, by name.
pub(crate) type Tables = BTreeMap<String, Table>;

/// A table as it would be at the destination.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// By the name that it gets, what it is of: measurement and key.
    pub(super) tags: BTreeMap<String, Origin>,
    /// The same of fields, with the types that values get there.
    pub(super) fields: BTreeMap<String, Vec<(Type, Origin)>>,
}

/// Measurement and key, by the names of the source.
pub(super) type Origin = (String, String);

/// What is known not to be taken, by a destination of these tables; of all others, nothing is known of what
/// it holds.
pub(crate) fn findings(
    settings: &Settings,
    source: &Tables,
    classes: &Classes,
    changes: &Changes,
    destination: Option<&Tables>,
) -> Vec<Finding> {
    let mut found = names(settings, source);
    if settings.dialect != Dialect::Iox {
        return found;
    }
    let shapes = shapes(settings, source, classes);
    for (name, shape) in &shapes {
        types(settings, name, shape, changes, &mut found);
        clashes(settings, name, shape, &mut found);
        if let Some(there) = destination.and_then(|tables| tables.get(name)) {
            against(settings, name, shape, there, &mut found);
        }
    }
    limits::findings(settings, &shapes, destination, &mut found);
    found
}

/// What becomes of what the destination refuses.
fn of_refused(settings: &Settings) -> Weight {
    if settings.rejected_max > 0 { Weight::Warning } else { Weight::Stop }
}

/// What becomes of what is refused here before it is sent.
fn of_unfit(settings: &Settings) -> Weight {
    match settings.unfit {
        UnfitValues::SetAside => Weight::Warning,
        UnfitValues::Refuse => Weight::Stop,
    }
}

fn shapes(settings: &Settings, source: &Tables, classes: &Classes) -> BTreeMap<String, Shape> {
    let (rules, mut shapes) = (&settings.rules, BTreeMap::<String, Shape>::new());
    for table in source.values() {
        let name = rules.measurement(&table.name);
        let shape = shapes.entry(name.to_owned()).or_default();
        for tag in &table.tags {
            let origin = (table.name.clone(), tag.clone());
            shape.tags.insert(rules.tag(&table.name, tag).to_owned(), origin);
        }
        for field in table.parts.iter().flat_map(|part| &part.fields) {
            for of in types_of(&table.name, field, classes) {
                let (name, becomes) = rules.field(&table.name, &field.name, of);
                let origin = (table.name.clone(), field.name.clone());
                let all = shape.fields.entry(name.into_owned()).or_default();
                if !all.contains(&(becomes, origin.clone())) {
                    all.push((becomes, origin));
                }
            }
        }
    }
    shapes
}

/// The types of which a field has values, as far as that is known.
pub(super) fn types_of(table: &str, field: &Field, classes: &Classes) -> Vec<Type> {
    let there = classes.get(&(table.to_owned(), field.name.clone()));
    let is_there = |of: &&Type| {
        let class = match of {
            Type::Float | Type::Integer | Type::Unsigned => Class::Numbers,
            Type::String => Class::Strings,
            Type::Boolean => Class::Booleans,
        };
        field.types.len() < 2 || there.is_none_or(|there| there.contains(&class))
    };
    field.types.iter().filter(is_there).copied().collect()
}

/// Fields that get values of several types, and InfluxDB 3 takes the first alone.
fn types(
    settings: &Settings,
    name: &str,
    shape: &Shape,
    changes: &Changes,
    found: &mut Vec<Finding>,
) {
    for (field, of) in &shape.fields {
        let types: BTreeSet<_> = of.iter().map(|(of, _)| of.name()).collect();
        if types.len() < 2 {
            continue;
        }
        let (shown, types) = ((quoted(field), quoted(name)), types.into_iter().collect::<Vec<_>>());
        let origins: BTreeSet<_> = of.iter().map(|(_, origin)| origin).collect();
        let changes: Vec<_> =
            origins.iter().filter_map(|origin| changes.get(*origin)).flatten().collect();
        let message = format!(
            "field `{}` of `{}` has several types ({}), and InfluxDB 3 takes one{}",
            shown.0,
            shown.1,
            types.join(", "),
            since(&changes)
        );
        let are_numbers = of.iter().all(|(of, _)| of.is_number());
        let word = if are_numbers { "float" } else { "suffix" };
        let lines = origins.iter().flat_map(|(table, field)| rule::types(table, field, word));
        let changes: Vec<_> = changes
            .iter()
            .map(|(from, of)| json!({ "from": from.to_string(), "type": of.name() }))
            .collect();
        let data =
            json!({ "measurement": name, "field": field, "types": types, "changes": changes });
        let finding = Finding::new(of_refused(settings), "types", message);
        found.push(finding.with_hint(rule::HINT_TYPES).with_lines(lines.collect()).with(data));
    }
}

/// From when on a field has which type, as far as that is known.
fn since(changes: &[&(Timestamp, Type)]) -> String {
    let mut parts: Vec<_> = changes
        .iter()
        .take(CHANGES_SHOWN_MAX)
        .map(|(from, of)| format!("{} from {from}", of.name()))
        .collect();
    if changes.len() > CHANGES_SHOWN_MAX {
        parts.push("…".to_owned());
    }
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

/// Tags and fields of one name.
fn clashes(settings: &Settings, name: &str, shape: &Shape, found: &mut Vec<Finding>) {
    for (key, of) in shape.fields.iter().filter(|(key, _)| shape.tags.contains_key(*key)) {
        let message = format!(
            "a tag and a field of `{}` are called `{}`, and InfluxDB 3 takes one of both",
            quoted(name),
            quoted(key)
        );
        let origins: BTreeSet<_> = of.iter().map(|(_, origin)| origin).collect();
        let lines = origins.iter().flat_map(|(table, field)| {
            rule::rename(Some(table), "field", field, &format!("{field}_field"))
        });
        let data = json!({ "measurement": name, "name": key });
        let finding = Finding::new(of_unfit(settings), "names", message);
        found.push(finding.with_hint(rule::HINT_RENAME).with_lines(lines.collect()).with(data));
    }
}

/// What a table of the destination has otherwise.
fn against(
    settings: &Settings,
    name: &str,
    shape: &Shape,
    there: &Table,
    found: &mut Vec<Finding>,
) {
    let mut push = |what: String, (table, key): &Origin, kind: &str| {
        let message = format!("the destination has {what} of `{}`", quoted(name));
        let is_renamed = match kind {
            "tag" => settings.rules.tag(table, key) != key,
            _ => settings.rules.field(table, key, Type::Float).0 != *key,
        };
        // One that has a rule already takes no second one.
        let (lines, hint) = match is_renamed {
            true => (Vec::new(), "choose another name in the rule of `schema` that it has"),
            false => (
                rule::rename(Some(table), kind, key, &format!("{key}_2")),
                "give it another name in `[[schema.rename]]`, or mend the destination",
            ),
        };
        let data = json!({ "measurement": name, "name": key });
        let finding = Finding::new(of_refused(settings), "schema", message);
        found.push(finding.with_hint(hint).with_lines(lines).with(data));
    };
    let fields = || there.parts.iter().flat_map(|part| &part.fields);
    for (key, origin) in &shape.tags {
        if fields().any(|field| field.name == *key) {
            push(format!("a field `{0}`, and `{0}` is a tag", quoted(key)), origin, "tag");
        }
    }
    for (key, of) in &shape.fields {
        let Some((_, origin)) = of.first() else { continue };
        if there.tags.contains(key) {
            push(format!("a tag `{0}`, and `{0}` is a field", quoted(key)), origin, "field");
        }
        let Some(has) = fields().find(|field| field.name == *key) else { continue };
        let Some((wrong, origin)) = of.iter().find(|(of, _)| !has.types.contains(of)) else {
            continue;
        };
        let has: Vec<_> = has.types.iter().map(|of| of.name()).collect();
        let (has, wrong) = (has.join(", "), wrong.name());
        push(
            format!(
                "a field `{}` of type {has}, and values of type {wrong} would come",
                quoted(key)
            ),
            origin,
            "field",
        );
    }
}

/// Names that cannot be written, and names that would become one.
fn names(settings: &Settings, source: &Tables) -> Vec<Finding> {
    let (rules, mut found) = (&settings.rules, Vec::new());
    for table in source.values() {
        let scope = rules.of(&table.name);
        let name = rules.measurement(&table.name);
        let by = rules.measurements.taken_by(&table.name);
        check_name(settings, (&table.name, None), Part::Measurement, name, &mut found);
        one_name(&table.name, None, by, &mut found);
        for tag in &table.tags {
            let of = (table.name.as_str(), Some(tag.as_str()));
            check_name(settings, of, Part::TagKey, rules.tag(&table.name, tag), &mut found);
            one_name(&table.name, Some(tag), scope.tags.taken_by(tag), &mut found);
        }
        let fields: BTreeSet<_> =
            table.parts.iter().flat_map(|part| &part.fields).map(|field| &field.name).collect();
        for field in fields {
            let (name, _) = rules.field(&table.name, field, Type::Float);
            let of = (table.name.as_str(), Some(field.as_str()));
            check_name(settings, of, Part::FieldKey, &name, &mut found);
            one_name(&table.name, Some(field), scope.fields.taken_by(field), &mut found);
        }
    }
    found
}

/// A name as it would be written; `of` is what it is of at the source.
fn check_name(
    settings: &Settings,
    of: (&str, Option<&str>),
    part: Part,
    name: &str,
    found: &mut Vec<Finding>,
) {
    let is_key = matches!(part, Part::TagKey | Part::FieldKey);
    let is_reserved = settings.dialect == Dialect::Iox && is_key && name == "time";
    let reason = match unsayable(settings.dialect, part, name) {
        Some(reason) => reason,
        None if is_reserved => "InfluxDB 3 keeps this name for the time of a point",
        None => return,
    };
    let (table, key) = of;
    let at = key.map_or(String::new(), |_| format!(" of `{}`", quoted(table)));
    let message = format!("the {} `{}`{at} cannot arrive: {reason}", part.name(), quoted(name));
    let lines = match part {
        Part::Measurement => rule::rename(Some(table), "measurement", table, &rule::fit(name)),
        Part::TagKey | Part::TagValue => {
            rule::rename(Some(table), "tag", key.unwrap_or(name), &rule::fit(name))
        }
        Part::FieldKey => rule::rename(Some(table), "field", key.unwrap_or(name), &rule::fit(name)),
    };
    let data = json!({ "measurement": table, "name": name });
    let finding = Finding::new(of_unfit(settings), "names", message);
    found.push(finding.with_hint(rule::HINT_RENAME).with_lines(lines).with(data));
}

/// Two names of the source that rules lead to one: such a batch is refused.
fn one_name(table: &str, key: Option<&str>, by: Option<&str>, found: &mut Vec<Finding>) {
    let Some(by) = by else { return };
    let name = key.unwrap_or(table);
    let message = format!(
        "`{}` is renamed to `{}`, and there is such a name already",
        quoted(by),
        quoted(name)
    );
    let data = json!({ "measurement": table, "name": name });
    let finding = Finding::stop("names", message);
    found.push(finding.with_hint("choose another name in `[[schema.rename]]`").with(data));
}
