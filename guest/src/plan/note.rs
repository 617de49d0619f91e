//! How notes are worded.

use serde_json::{Value, json};

use super::{Note, Severity, Totals};
use crate::error::Error;
use crate::progress::Record;
use crate::section::Section;
use crate::time::{TimeRange, Timestamp};

impl Note {
    pub(crate) fn info(message: String) -> Self {
        Self::new(Severity::Info, message)
    }

    pub(crate) fn warning(message: String) -> Self {
        Self::new(Severity::Warning, message)
    }

    pub(crate) fn error(message: String) -> Self {
        Self::new(Severity::Error, message)
    }

    /// What it waits for, and until when.
    pub(crate) fn of_wait(until: Timestamp, message: String) -> Self {
        let data = json!({ "message": message, "until": until.to_string() }).to_string();
        Self { severity: Severity::Info, message, hint: None, data }
    }

    /// A batch has read more bytes than a window's part of a quota for it.
    pub(crate) fn of_excess(read: u64, part: u64) -> Self {
        let (read, part) = (bytes(read), bytes(part));
        let message = format!("{read} read by this batch, whose part of the quota is {part}");
        let hint = "with a shorter `migration.batch_interval` a batch keeps to its part";
        Self::warning(message).with_hint(hint)
    }

    /// The same, with what to do about it.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What a person sees of a batch that is on record.
    pub(crate) fn of_record(record: &Record) -> Self {
        let (batch, totals, percent) = (record.batch, record.totals, record.percent_complete);
        let data = json!({ "batch": batch_data(record), "percent_complete": percent });
        let refused = match totals.rejected {
            0 => String::new(),
            count => format!(", {} refused and set aside", counted(count, "point", "points")),
        };
        let message = format!(
            "{} is done: {}{refused}; {} complete",
            batch_of(&record.section, batch),
            counted(totals.rows, "row", "rows"),
            percentage(percent)
        );
        let is_whole = totals.rejected == 0;
        let severity = if is_whole { Severity::Info } else { Severity::Warning };
        Self { severity, message, hint: None, data: data.to_string() }
    }

    fn new(severity: Severity, message: String) -> Self {
        let data = json!({ "message": message }).to_string();
        Self { severity, message, hint: None, data }
    }
}

/// A batch that is on record, for programs.
pub(crate) fn batch_data(record: &Record) -> Value {
    let Totals { rows, points, read, written, rejected, saved: _ } = record.totals;
    json!({
        "start": record.batch.start().to_string(),
        "stop": record.batch.stop().to_string(),
        "section": if record.section.is_all() { String::new() } else { record.section.to_string() },
        "rows": rows,
        "points": points,
        "read": read,
        "written": written,
        "rejected": rejected,
        "recorded": record.time.whole_second().to_string(),
    })
}

/// A number and what it counts: `1 batch`, `3 batches`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Names in a row, the first of many.
pub(crate) fn list(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

/// So many names are shown.
const NAMES_MAX: usize = 5;

/// A percentage with one digit, rounded down: 100.0 is said only when nothing is left.
pub fn percentage(percent: f64) -> String {
    // 10 % of something may be 9.999999999999998.
    let rounded = (percent * 1e6).round() / 1e6;
    let shown = if percent < 100.0 { rounded.min(99.9) } else { rounded };
    format!("{:.1} %", (shown * 10.0).floor() / 10.0)
}

/// What a batch is called; a file is one without bounds.
pub(crate) fn batch_name(range: TimeRange) -> String {
    if range == TimeRange::ALL { "the file".to_owned() } else { format!("batch {range}") }
}

/// The same, with the points that it is of.
pub(crate) fn batch_of(section: &Section, range: TimeRange) -> String {
    let name = batch_name(range);
    if section.is_all() { name } else { format!("{name} of {section}") }
}

/// Says of which batch an error is; a file has but one.
pub(crate) fn of_batch(error: Error, section: &Section, range: TimeRange) -> Error {
    match range {
        TimeRange::ALL => error,
        range => error.leading_to(format!("{} could not be moved", batch_of(section, range))),
    }
}

/// What a migration is called, as the whole of which a part is done.
pub(crate) fn migration_name(range: TimeRange) -> String {
    if range == TimeRange::ALL { "the file".to_owned() } else { range.to_string() }
}

/// A number of bytes in the unit that leaves one to three digits before the point.
pub fn bytes(count: u64) -> String {
    if count < 1_000 {
        return counted(count, "byte", "bytes");
    }
    let tenths = |size: u64| count.saturating_add(size / 20) / (size / 10);
    // Rounded before the unit is chosen: there are no 1000.0 kB.
    let fits = |(size, _): &(u64, _)| tenths(*size) < 10_000;
    let units = [(1_000, "kB"), (1_000_000, "MB"), (1_000_000_000, "GB")];
    let (size, unit) = units.into_iter().find(fits).unwrap_or((1_000_000_000_000, "TB"));
    format!("{}.{} {unit}", tenths(size) / 10, tenths(size) % 10)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_are_rounded_in_the_unit_that_fits() {
        let cases = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1.0 kB"),
            (1_049, "1.0 kB"),
            (1_050, "1.1 kB"),
            (950_000, "950.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (19_594_469, "19.6 MB"),
            (1_000_000_000_000, "1.0 TB"),
            (1_234_560_000_000_000, "1234.6 TB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text, "{count}");
        }
    }
}
