//! Lines as the parser of InfluxDB 3 reads them.

use std::collections::{BTreeMap, BTreeSet};

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines, split_lines};

/// All values of some lines.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// By series, time and field; the values that have all of them in common in their order.
    all: BTreeMap<(String, i64, String), Vec<String>>,
    /// How many there are.
    pub(crate) count: u64,
    /// In so many lines.
    pub(crate) lines: u64,
}

/// The times that a point can have (`MinNanoTime` and `MaxNanoTime` in InfluxDB's sources).
const TIMES: std::ops::RangeInclusive<i64> = i64::MIN + 2..=i64::MAX - 1;

impl Values {
    /// Those of lines that the converter wrote.
    ///
    /// # Panics
    /// If the parser does not take one, or it is not as InfluxDB 3 wants it.
    pub(crate) fn of(text: &str) -> Self {
        let mut values = Self::default();
        for line in parse_lines(text) {
            let line = line.unwrap_or_else(|error| panic!("InfluxDB 3 refuses a line: {error}"));
            let time = line.timestamp.unwrap_or_else(|| panic!("a line has no time: {line}"));
            assert!(TIMES.contains(&time), "no point can have the time of {line}");
            let tags: Vec<_> = line.series.tag_set.iter().flatten().map(|(key, _)| key).collect();
            assert!(tags.is_sorted_by(|a, b| a < b), "tags are not sorted, or twice there: {line}");
            let fields: BTreeSet<_> = line.field_set.iter().map(|(key, _)| key).collect();
            assert_eq!(fields.len(), line.field_set.len(), "a field is twice there: {line}");
            values.add(&line, time);
        }
        values
    }

    /// Those that the parser finds in any text; `None` if it does not take a line of it.
    pub(crate) fn found_in(text: &str) -> Option<Self> {
        let mut values = Self::default();
        // The parser takes no `\r` at the end of a line, as exports of Windows have it.
        for line in split_lines(text).flat_map(|line| parse_lines(line.trim_end())) {
            let line = line.ok()?;
            values.add(&line, line.timestamp?);
        }
        Some(values)
    }

    fn add(&mut self, line: &ParsedLine<'_>, time: i64) {
        let tags = line.series.tag_set.iter().flatten();
        let mut tags: Vec<_> = tags.map(|(key, value)| (key.as_str(), value.as_str())).collect();
        tags.sort_unstable();
        let series = format!("{:?} {tags:?}", line.series.measurement.as_str());
        for (field, value) in &line.field_set {
            let key = (series.clone(), time, field.to_string());
            self.all.entry(key).or_default().push(text(value));
        }
        self.count += line.field_set.len() as u64;
        self.lines += 1;
    }

    /// The same values are there, in the same order where that matters.
    pub(crate) fn assert_same(&self, expected: &Self, context: &str) {
        assert_eq!(self.all, expected.all, "values {context}");
    }

    /// Others have all of these values, and perhaps more after them.
    pub(crate) fn assert_within(&self, others: &Self, context: &str) {
        for (key, values) in &self.all {
            let others = others.all.get(key).map_or(&[][..], Vec::as_slice);
            assert!(others.starts_with(values), "{key:?} {context}: {values:?} and {others:?}");
        }
    }
}

/// A value with its type, floats by their bits: -0 is not 0.
fn text(value: &FieldValue<'_>) -> String {
    match value {
        FieldValue::F64(value) => format!("{value:e} {:x}", value.to_bits()),
        FieldValue::I64(value) => format!("{value}i"),
        FieldValue::U64(value) => format!("{value}u"),
        FieldValue::Boolean(value) => value.to_string(),
        FieldValue::String(value) => format!("{:?}", value.as_str()),
    }
}
