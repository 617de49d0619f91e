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
    /// The field keys of the series, each once.
    keys: Vec<String>,
    /// That of the table.
    key: usize,
    /// Whether a field may be there twice at one time, as in a response with two results.
    repeated: bool,
    /// `key=value` of all values, one after the other.
    text: String,
    values: Vec<Value>,
    /// The time of the last value of the table.
    last: Option<i64>,
    bytes_max: usize,
    /// The lines of what is not held any more.
    pub(crate) lines: Lines,
}

/// What a value takes beside its text. Not its size: that differs from machine to machine, and
/// the lines must not.
const VALUE_BYTES: usize = 32;

/// A value that is held.
#[derive(Debug)]
struct Value {
    time: i64,
    /// Which of `keys`.
    key: u32,
    /// Where it is in `text`.
    start: usize,
    end: usize,
}

impl Merge {
    /// Holds at most about `bytes_max` bytes of a series.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            series: String::new(),
            keys: Vec::new(),
            key: 0,
            repeated: false,
            text: String::new(),
            values: Vec::new(),
            last: None,
            bytes_max,
            lines: Lines::default(),
        }
    }

    /// The following values are of this series and this field, both as line protocol. What is
    /// held of another series leaves.
    pub(crate) fn begin_table(&mut self, series: &str, key: &str) {
        if self.series != series {
            self.flush();
            series.clone_into(&mut self.series);
            self.keys.clear();
            self.repeated = false;
        }
        let known = self.keys.iter().position(|other| other == key);
        self.repeated |= known.is_some();
        self.key = known.unwrap_or(self.keys.len());
        if known.is_none() {
            self.keys.push(key.to_owned());
        }
        self.last = None;
    }

    /// Takes a value, which `write` writes; one that it refuses leaves no trace.
    pub(crate) fn push<E>(
        &mut self,
        time: i64,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let held = self.text.len() + self.values.len() * VALUE_BYTES;
        if held >= self.bytes_max {
            self.flush();
        }
        let key = self.key;
        let start = self.text.len();
        self.text.push_str(&self.keys[key]);
        if let Err(error) = write(&mut self.text) {
            self.text.truncate(start);
            return Err(error);
        }
        let key = u32::try_from(key).expect("a series has fewer fields than a response has bytes");
        self.values.push(Value { time, key, start, end: self.text.len() });
        self.repeated |= self.last.is_some_and(|last| time <= last);
        self.last = Some(time);
        Ok(())
    }

    /// Lets go of what is held.
    pub(crate) fn flush(&mut self) {
        // Stable: values of one time stay in the order of their fields. They are runs in order
        // already, which this sort finds and merges.
        self.values.sort_by_key(|value| value.time);
        let values = std::mem::take(&mut self.values);
        for point in values.chunk_by(|a, b| a.time == b.time) {
            self.push_point(point);
        }
        // Its memory is used again.
        self.values = values;
        self.values.clear();
        self.text.clear();
    }

    /// Writes the values of one time as one line, or as several where a field is there twice:
    /// InfluxDB 3 refuses a line that names a field twice.
    fn push_point(&mut self, mut point: &[Value]) {
        while !point.is_empty() {
            let once = if self.repeated { Self::before_repetition(point) } else { point.len() };
            let (fields, after) = point.split_at(once);
            let (series, text) = (&self.series, &self.text);
            self.lines.push(|line| {
                line.push_str(series);
                for (place, value) in fields.iter().enumerate() {
                    line.push(if place == 0 { ' ' } else { ',' });
                    line.push_str(&text[value.start..value.end]);
                }
                line.push(' ');
                push_integer(line, fields[0].time);
            });
            point = after;
        }
    }

    /// How many values from the front have keys of their own.
    fn before_repetition(point: &[Value]) -> usize {
        (1..point.len())
            .find(|at| point[..*at].iter().any(|value| value.key == point[*at].key))
            .unwrap_or(point.len())
    }
}

/// Appends an integer in decimal.
fn push_integer(line: &mut String, number: i64) {
    use std::fmt::Write;
    write!(line, "{number}").expect("writing to a string cannot fail");
}
