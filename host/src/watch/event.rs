//! What has happened, for programs: a line of JSON on standard output, and an event of the live page.
//!
//! ```text
//! {"event":"batch","recorded":"2022-02-01T12:00:00Z","rows":36900,"start":"2022-01-01T00:00:00Z",…}
//! ```

use serde_json::Value;

/// Something that has happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// What: `note`, `batch`, `progress`, `refused`, `ending`.
    pub name: &'static str,
    /// A JSON object.
    pub data: Value,
    /// Whether it is a line of standard output as well.
    pub is_for_programs: bool,
}

impl Event {
    /// One for all who watch.
    pub(super) fn new(name: &'static str, data: Value) -> Self {
        Self { name, data, is_for_programs: true }
    }

    /// As a line: its name comes first.
    pub(super) fn line(&self) -> String {
        let data = self.data.to_string();
        let rest = data.strip_prefix('{').unwrap_or("}");
        let comma = if rest == "}" { "" } else { "," };
        format!("{{\"event\":\"{}\"{comma}{rest}\n", self.name)
    }
}
