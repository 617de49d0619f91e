//! Lines of `[schema]` that would settle a finding, ready to be pasted. Does not know why.

use serde_json::json;

pub(super) const HINT_TYPES: &str = "say what becomes of it in `[[schema.types]]`, or how many points \
                                     may be refused and set aside: `rejected.max`";
pub(super) const HINT_RENAME: &str = "give one of them another name in `[[schema.rename]]`";

/// What becomes of the values of a field.
pub(super) fn types(measurement: &str, field: &str, word: &str) -> Vec<String> {
    vec![
        "[[schema.types]]".to_owned(),
        format!("measurement = {}", text(measurement)),
        format!("field = {}", text(field)),
        format!("as = {}", text(word)),
    ]
}

/// Another name for a measurement, or for a tag or a field of it.
pub(super) fn rename(measurement: Option<&str>, kind: &str, name: &str, to: &str) -> Vec<String> {
    let mut lines = vec!["[[schema.rename]]".to_owned()];
    lines.extend(measurement.map(|name| format!("measurement = {}", text(name))));
    if kind != "measurement" {
        lines.push(format!("{kind} = {}", text(name)));
    }
    lines.push(format!("to = {}", text(to)));
    lines
}

/// A basic string of TOML, which escapes as JSON does.
fn text(name: &str) -> String {
    json!(name).to_string()
}

/// A name like this one that every product takes.
pub(super) fn fit(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain == name { format!("{name}_2") } else { plain }
}
