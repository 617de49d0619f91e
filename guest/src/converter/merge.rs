//! Rows to points: the fields of one series and time become one line.
//!
//! Does not know CSV. Relies on a series' tables following one another, each by time, as
//! `from |> range` answers (observed on InfluxDB 2.9.1); where they do not, points leave in more
//! lines than one, and the destination merges them.

use super::lines::Lines;

/// Holds the values of one series until the series ends.
#[derive(Debug)]
pub(crate) struct Merge {
    /// Measurement and tags, as line protocol.
    series: String,
    /// The field keys of the series, in the order of their tables.
    keys: Vec<String>,
    /// Whether a key is among `keys` twice, as in a response with two results.
    repeated: bool,
    /// `key=value` of all values, one after the other.
    text: String,
    values: Vec<Value>,
    bytes_max: usize,
}

/// A value that is held.
#[derive(Debug)]
struct Value {
    time: i64,
    /// Which of `keys`.
    key: u32,
    /// Where it begins in `text`; it ends where the next in order of arrival begins.
    start: usize,
    end: usize,
}

impl Merge {
    /// Holds at most about `bytes_max` bytes of a series.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            series: String::new(),
            keys: Vec::new(),
            repeated: false,
            text: String::new(),
            values: Vec::new(),
            bytes_max,
        }
    }

    /// The following values are of this series and this field, both as line protocol. What is
    /// held of another series leaves.
    pub(crate) fn begin_table(&mut self, series: &str, key: &str, lines: &mut Lines) {
        if self.series != series {
            self.flush(lines);
            series.clone_into(&mut self.series);
            self.keys.clear();
            self.repeated = false;
        }
        self.repeated |= self.keys.iter().any(|other| other == key);
        self.keys.push(key.to_owned());
    }

    /// Takes a value, which `write` writes; one that it refuses leaves no trace.
    pub(crate) fn push<E>(
        &mut self,
        time: i64,
        lines: &mut Lines,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let held = self.text.len() + self.values.len() * size_of::<Value>();
        if held >= self.bytes_max {
            self.flush(lines);
        }
        let key = self.keys.len() - 1;
        let start = self.text.len();
        self.text.push_str(&self.keys[key]);
        if let Err(error) = write(&mut self.text) {
            self.text.truncate(start);
            return Err(error);
        }
        let key = u32::try_from(key).expect("a series has fewer tables than a response has bytes");
        self.values.push(Value { time, key, start, end: self.text.len() });
        Ok(())
    }

    /// Lets go of what is held.
    pub(crate) fn flush(&mut self, lines: &mut Lines) {
        // Stable: values of one time stay in the order of their fields. They are runs in order
        // already, which this sort finds and merges.
        self.values.sort_by_key(|value| value.time);
        let mut rest = self.values.as_slice();
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|value| value.time == first.time).count();
            let (point, after) = rest.split_at(same);
            self.push_point(point, lines);
            rest = after;
        }
        self.values.clear();
        self.text.clear();
    }

    /// Writes the values of one time as one line, or as several where a field is there twice:
    /// InfluxDB 3 refuses a line that names a field twice.
    fn push_point(&self, mut point: &[Value], lines: &mut Lines) {
        while !point.is_empty() {
            let once = if self.repeated { self.before_repetition(point) } else { point.len() };
            let (fields, after) = point.split_at(once);
            lines.push(|line| {
                line.push_str(&self.series);
                for (place, value) in fields.iter().enumerate() {
                    line.push(if place == 0 { ' ' } else { ',' });
                    line.push_str(&self.text[value.start..value.end]);
                }
                line.push(' ');
                push_integer(line, fields[0].time);
            });
            point = after;
        }
    }

    /// How many values from the front have keys of their own.
    fn before_repetition(&self, point: &[Value]) -> usize {
        let key = |value: &Value| &self.keys[value.key as usize];
        (1..point.len())
            .find(|at| point[..*at].iter().any(|value| key(value) == key(&point[*at])))
            .unwrap_or(point.len())
    }
}

/// Appends an integer in decimal.
fn push_integer(line: &mut String, number: i64) {
    use std::fmt::Write;
    write!(line, "{number}").expect("writing to a string cannot fail");
}
