//! The commented configuration as lines, in which keys are set and remarked upon.
//!
//! Does not know what a key means. A key that is not set is `#key = default`, without a blank; all
//! other comments begin with `# `.
//!
//! ```toml
//! [checkpoint]
//! # Instead of it a bucket.
//! #bucket = "migration"
//! ```

use std::fmt;

use serde_json::{Map, Value};

/// A configuration with its comments.
pub(super) struct Commented {
    lines: Vec<String>,
}

impl Default for Commented {
    fn default() -> Self {
        Self { lines: include_str!("commented.toml").lines().map(str::to_owned).collect() }
    }
}

impl Commented {
    /// Puts a comment before all others.
    pub(super) fn begin_with(&mut self, comment: &str) {
        let lines = comment.lines().map(|line| format!("# {line}"));
        self.lines.splice(0..0, lines.chain(["#".to_owned()]));
    }

    /// Gives a key a value.
    pub(super) fn set(&mut self, table: &str, key: &str, value: Value) {
        let at = self.find(table, key);
        self.lines[at] = format!("{key} = {}", toml(key, &value));
    }

    /// Gives a key that is not set another value to be set.
    pub(super) fn suggest(&mut self, table: &str, key: &str, value: Value) {
        let at = self.find(table, key);
        self.lines[at] = format!("#{key} = {}", toml(key, &value));
    }

    /// Says more about a key, after all that is said of it.
    pub(super) fn remark(&mut self, table: &str, key: &str, remark: &str) {
        let at = self.find(table, key);
        self.lines.splice(at..at, remark.lines().map(|line| format!("# {line}")));
    }

    /// What is set, as the guest is given it.
    pub(super) fn settings(&self) -> Value {
        let mut settings = Map::new();
        let mut table = String::new();
        for line in &self.lines {
            if let Some(name) = header(line) {
                name.clone_into(&mut table);
                settings.insert(table.clone(), Value::Object(Map::new()));
            } else if let Some((key, text)) = line.split_once(" = ")
                && !line.starts_with('#')
                && let Some(Value::Object(entries)) = settings.get_mut(&table)
            {
                entries.insert(key.to_owned(), value(text));
            }
        }
        Value::Object(settings)
    }

    /// The line of a key, set or not.
    fn find(&self, table: &str, key: &str) -> usize {
        let of_table = self.lines.iter().position(|line| header(line) == Some(table));
        let start = of_table.expect("the text has all tables");
        let is_it = |line: &String| {
            let line = line.strip_prefix('#').unwrap_or(line);
            line.split_once(" = ").is_some_and(|(found, _)| found == key)
        };
        let of_key = self.lines[start..].iter().position(is_it);
        start + of_key.expect("the text has all keys")
    }
}

/// The name of the table that a line begins.
fn header(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// What a value of this text is: of TOML, only what is written here.
fn value(text: &str) -> Value {
    let literal = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    match literal {
        Some(literal) => Value::from(literal),
        // Times are texts here; all else is written as JSON has it.
        None => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    }
}

/// A value as TOML.
fn toml(key: &str, value: &Value) -> String {
    match value {
        // Python's `tomllib` would drop nanoseconds of a bare time.
        Value::String(text) if is_whole_time(key, text) => text.clone(),
        Value::String(text) if is_plain(text) && text.contains('"') => format!("'{text}'"),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(basic).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            basic(value)
        }
    }
}

/// As JSON has it. Its escapes are those of TOML, which has one character more to escape.
fn basic(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}

fn is_whole_time(key: &str, text: &str) -> bool {
    ["start", "stop"].contains(&key)
        && text.starts_with(|first: char| first.is_ascii_digit())
        && !text.contains('.')
}

/// Whether a text may stand in single quotes, where nothing is escaped.
fn is_plain(text: &str) -> bool {
    !text.contains('\'') && !text.chars().any(char::is_control)
}

impl fmt::Display for Commented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
