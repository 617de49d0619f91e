//! Rows to points: the fields of one series and time become one line.
//!
//! Does not know how values came. Relies on the values of a series following one another, as
//! `from |> range` answers (observed on InfluxDB 2.9.1) and exports are written; where they do
//! not, points leave in more lines than one, and the destination merges them.

use super::lines::Lines;
use super::value::{Unfit, Value};

/// Holds the values of one series until the series ends.
#[derive(Debug)]
pub(crate) struct Merge {
    /// Measurement and tags, as line protocol.
    series: String,
    /// The fields of the series, each once.
    fields: Vec<Field>,
    /// That of the next value.
    field: usize,
    /// Whether a field may be there twice at one time, as in a response with two results.
    repeated: bool,
    /// `key=value` of all values, one after the other.
    text: String,
    values: Vec<Held>,
    bytes_max: usize,
    /// The lines of what is not held any more.
    pub(crate) lines: Lines,
}

/// What a value takes beside its text. Not its size: that differs from machine to machine, and
/// the lines must not.
const VALUE_BYTES: usize = 32;

#[derive(Debug)]
struct Field {
    /// Its key and `=`, as line protocol.
    key: String,
    /// The time of its last value.
    last: Option<i64>,
}

/// A value that is held.
#[derive(Debug)]
struct Held {
    time: i64,
    /// Which of `fields`.
    field: u32,
    /// Where it is in `text`.
    start: usize,
    end: usize,
}

impl Merge {
    /// Holds at most about `bytes_max` bytes of a series.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            series: String::new(),
            fields: Vec::new(),
            field: 0,
            repeated: false,
            text: String::new(),
            values: Vec::new(),
            bytes_max,
            lines: Lines::default(),
        }
    }

    /// The following values are of this series, as line protocol. What is held of another one
    /// leaves.
    pub(crate) fn begin_series(&mut self, series: &str) {
        if self.series != series {
            self.flush();
            series.clone_into(&mut self.series);
            self.fields.clear();
            self.repeated = false;
        }
    }

    /// The following values are of this field, as line protocol: its key and `=`.
    pub(crate) fn begin_field(&mut self, key: &str) {
        // Mostly the same again, or where fields alternate the one after it.
        let is = |place: usize| self.fields.get(place).is_some_and(|field| field.key == key);
        let place = [self.field, self.field + 1, 0].into_iter().find(|place| is(*place));
        let place = place.or_else(|| self.fields.iter().position(|field| field.key == key));
        self.field = place.unwrap_or(self.fields.len());
        if self.field == self.fields.len() {
            self.fields.push(Field { key: key.to_owned(), last: None });
        }
    }

    /// Takes a value; one that line protocol cannot say leaves no trace.
    pub(crate) fn push(&mut self, time: i64, value: &Value<'_>) -> Result<(), Unfit> {
        let held = self.text.len() + self.values.len() * VALUE_BYTES;
        if held >= self.bytes_max {
            self.flush();
        }
        let start = self.text.len();
        // Invariant: a value follows `begin_field`.
        let field = &mut self.fields[self.field];
        self.text.push_str(&field.key);
        if let Err(unfit) = value.push(&mut self.text) {
            self.text.truncate(start);
            return Err(unfit);
        }
        self.repeated |= field.last.is_some_and(|last| time <= last);
        field.last = Some(time);
        let field =
            u32::try_from(self.field).expect("a series has fewer fields than a response has bytes");
        self.values.push(Held { time, field, start, end: self.text.len() });
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
    fn push_point(&mut self, mut point: &[Held]) {
        while !point.is_empty() {
            let once = if self.repeated { Self::before_repetition(point) } else { point.len() };
            let (fields, after) = point.split_at(once);
            let text = |value: &Held| &self.text[value.start..value.end];
            self.lines.push_point(&self.series, fields.iter().map(text), fields[0].time);
            point = after;
        }
    }

    /// How many values from the front have fields of their own.
    fn before_repetition(point: &[Held]) -> usize {
        (1..point.len())
            .find(|at| point[..*at].iter().any(|value| value.field == point[*at].field))
            .unwrap_or(point.len())
    }
}
