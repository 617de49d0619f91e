//! Values to points: the fields of one series and time become one line.
//!
//! Does not know how values came. Relies on the values of a series following one another, as
//! `from |> range` answers (observed on InfluxDB 2.9.1) and exports are written; where they do
//! not, points leave in more lines than one, and the destination merges them.

use std::borrow::Cow;

use super::lines::Lines;
use super::text::SLACK;
use super::value::{Unfit, Value};

/// Holds the values of one series until the series ends.
#[derive(Debug)]
pub(crate) struct Merge {
    /// Measurement and tags, as line protocol.
    series: String,
    /// The fields of the series, each once, and behind them what is left of those of others: its
    /// memory is used again.
    fields: Vec<Field>,
    field_count: usize,
    /// So many bytes are the keys of the fields of the series.
    key_bytes: usize,
    /// That of the next value.
    field: usize,
    /// Whether a field may be there twice at one time, as in a response with two results.
    repeated: bool,
    /// The values as line protocol, one after the other.
    text: Vec<u8>,
    values: Vec<Held>,
    /// Where in `values` each run begins: values whose times do not fall, as those of a table.
    runs: Vec<usize>,
    /// What is left of them, while they are merged.
    rests: Vec<Run>,
    /// So many points at least are held.
    points: usize,
    /// So many bytes are the lines that it will be, if it is as many points.
    line_bytes: usize,
    bytes_max: usize,
    /// No more lines leave.
    is_closed: bool,
    /// The lines of what is not held any more.
    pub(crate) lines: Lines,
    /// Bytes by which they are shorter than one line for each value would be.
    pub(crate) saved: u64,
}

/// What a value takes beside its text, and a point in its line beside series and fields: a time, a
/// blank, a line feed. Not what they take in memory, for that differs from machine to machine, and
/// the lines must not.
const VALUE_BYTES: usize = 16;
const POINT_BYTES: usize = 22;
/// So many runs are looked through for each point; if there are more, as where times are in no
/// order, values are sorted.
const RUNS_MAX: usize = 256;

/// So many fields of a series are merged; InfluxDB 3 takes fewer columns in a table.
const FIELDS_MAX: usize = 4096;

#[derive(Debug, Default)]
struct Field {
    /// `,`, its key and `=`, as line protocol; then `SLACK`.
    key: Vec<u8>,
    key_length: usize,
    /// The time of its last value.
    last: Option<i64>,
    /// How many of its values are held.
    held: usize,
}

/// A value that is held. It begins in `text` where the one before it ends.
#[derive(Clone, Copy, Debug)]
struct Held {
    time: i64,
    end: u32,
    /// Which of `fields`.
    field: u32,
}

/// The fields of a whole point: how many, and these as `key=value` with commas between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineFields<'a> {
    pub(crate) count: usize,
    pub(crate) text: &'a [u8],
}

/// Values whose times do not fall: what is left of them.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    end: usize,
}

impl Field {
    fn key(&self) -> &[u8] {
        &self.key[1..self.key_length]
    }
}

impl Merge {
    /// Holds at most about `bytes_max` bytes of a series.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            series: String::new(),
            fields: Vec::new(),
            field_count: 0,
            key_bytes: 0,
            field: 0,
            repeated: false,
            text: Vec::new(),
            values: Vec::new(),
            runs: Vec::new(),
            rests: Vec::new(),
            points: 0,
            line_bytes: 0,
            // Where a value is in `text` has 32 bits.
            bytes_max: bytes_max.min(u32::MAX as usize / 2),
            is_closed: false,
            lines: Lines::default(),
            saved: 0,
        }
    }

    /// What is held leaves, and nothing after it.
    pub(crate) fn close(&mut self) {
        self.flush();
        self.is_closed = true;
    }

    /// The following values are of this series, as line protocol. What is held of another one
    /// leaves.
    pub(crate) fn begin_series(&mut self, series: &str) {
        if self.series != series {
            self.flush();
            series.clone_into(&mut self.series);
            self.forget_fields();
        }
    }

    fn forget_fields(&mut self) {
        (self.field_count, self.key_bytes, self.repeated) = (0, 0, false);
    }

    /// The following values are of this field, as line protocol: its key and `=`.
    pub(crate) fn begin_field(&mut self, key: &str) {
        let fields = &self.fields[..self.field_count];
        // Mostly the same again, or where fields alternate the one after it.
        let is =
            |place: usize| fields.get(place).is_some_and(|field| field.key() == key.as_bytes());
        let place = [self.field, self.field + 1, 0].into_iter().find(|place| is(*place));
        let place = place.or_else(|| (0..fields.len()).find(|place| is(*place)));
        if let Some(place) = place {
            self.field = place;
            return;
        }
        if self.field_count == FIELDS_MAX || self.key_bytes >= self.bytes_max {
            self.flush();
            self.forget_fields();
            self.fields.clear();
        }
        self.field = self.field_count;
        self.key_bytes += key.len();
        if self.field == self.fields.len() {
            self.fields.push(Field::default());
        }
        let field = &mut self.fields[self.field];
        field.key.clear();
        field.key.push(b',');
        field.key.extend_from_slice(key.as_bytes());
        field.key_length = field.key.len();
        field.key.extend(SLACK);
        (field.last, field.held) = (None, 0);
        self.field_count += 1;
    }

    /// Series and field of the next value, as line protocol.
    pub(crate) fn present(&self) -> (&str, Cow<'_, str>) {
        let key = self.fields.get(self.field).map_or(&[][..], Field::key);
        (&self.series, String::from_utf8_lossy(key.strip_suffix(b"=").unwrap_or(key)))
    }

    /// Takes a value; one that line protocol cannot say leaves no trace.
    #[inline(always)]
    pub(crate) fn push(&mut self, time: i64, value: &Value<'_>) -> Result<(), Unfit> {
        let held = self.text.len() + self.values.len() * VALUE_BYTES;
        // The lines are there twice while they leave the component.
        if held + 2 * self.line_bytes >= self.bytes_max {
            self.flush();
        }
        let start = self.text.len();
        if let Err(unfit) = value.push(&mut self.text) {
            self.text.truncate(start);
            return Err(unfit);
        }
        let end = self.text.len();
        if self.values.last().is_none_or(|last| time < last.time) {
            self.runs.push(self.values.len());
        }
        // Invariant: a value follows `begin_field`.
        let field = &mut self.fields[self.field];
        self.repeated |= field.last.is_some_and(|last| time <= last);
        field.last = Some(time);
        field.held += 1;
        self.line_bytes += field.key_length + end - start;
        if field.held > self.points {
            self.points = field.held;
            self.line_bytes += self.series.len() + POINT_BYTES;
        }
        let [end, field] = [end, self.field].map(|place| {
            u32::try_from(place).expect("less than `bytes_max` is held, and one value")
        });
        self.values.push(Held { time, end, field });
        Ok(())
    }

    /// Lets go of what is held.
    pub(crate) fn flush(&mut self) {
        self.text.extend(SLACK);
        if !self.is_closed {
            self.lines.reserve(self.line_bytes, self.points);
            if self.runs.len() <= RUNS_MAX { self.merge_runs() } else { self.sort() }
        }
        // Their memory is used again.
        self.values.clear();
        self.runs.clear();
        self.text.clear();
        (self.points, self.line_bytes) = (0, 0);
        for field in &mut self.fields[..self.field_count] {
            field.held = 0;
        }
    }

    /// Writes the points of runs, which are mostly those of the fields of a series: at each time
    /// the values of all runs, in their order.
    fn merge_runs(&mut self) {
        let (mut rests, mut point) = (std::mem::take(&mut self.rests), Vec::new());
        let ends = self.runs.iter().skip(1).copied().chain([self.values.len()]);
        rests.extend(self.runs.iter().zip(ends).map(|(start, end)| Run { start: *start, end }));
        while let Some(time) = rests.iter().map(|run| self.values[run.start].time).min() {
            let mut is_over = false;
            for run in &mut rests {
                while run.start < run.end && self.values[run.start].time == time {
                    point.push(run.start);
                    run.start += 1;
                }
                is_over |= run.start == run.end;
            }
            self.push_point(&point, time);
            point.clear();
            if is_over {
                rests.retain(|run| run.start < run.end);
            }
        }
        self.rests = rests;
    }

    /// Writes the points of values in whatever order.
    fn sort(&mut self) {
        let mut order: Vec<_> = (0..self.values.len()).collect();
        // Stable: values of one time stay in the order in which they came.
        order.sort_by_key(|at| self.values[*at].time);
        let mut rest = order.as_slice();
        while let Some(first) = rest.first() {
            let time = self.values[*first].time;
            let count = rest.iter().take_while(|at| self.values[**at].time == time).count();
            let (point, after) = rest.split_at(count);
            self.push_point(point, time);
            rest = after;
        }
    }

    /// Writes the values of one time as one line, or as several where a field is there twice:
    /// InfluxDB 3 refuses a line that names a field twice.
    #[inline(always)]
    fn push_point(&mut self, mut point: &[usize], time: i64) {
        while !point.is_empty() {
            let once = if self.repeated { self.before_repetition(point) } else { point.len() };
            let (values, after) = point.split_at(once);
            let (all, text, fields) = (&self.values, &self.text, &self.fields);
            let line = values.iter().map(|at| {
                let Held { end, field, .. } = all[*at];
                let start = at.checked_sub(1).map_or(0, |before| all[before].end);
                let Field { key, key_length, .. } = &fields[field as usize];
                [(&**key, *key_length), (&text[start as usize..], (end - start) as usize)]
            });
            let bytes_beside = self.lines.push_values(self.series.as_bytes(), line, time);
            self.count_saved(values.len(), bytes_beside);
            point = after;
        }
    }

    /// Appends a line that is a whole point.
    pub(crate) fn push_line(&mut self, series: &str, fields: LineFields<'_>, time: i64) {
        let bytes_beside = self.lines.push_point(series.as_bytes(), fields.text, time);
        self.count_saved(fields.count, bytes_beside);
    }

    /// Each field but the first has a comma, instead of the bytes that a line has beside its fields.
    #[inline]
    fn count_saved(&mut self, fields: usize, bytes_beside: usize) {
        self.saved += (fields.saturating_sub(1) * (bytes_beside - 1)) as u64;
    }

    /// How many values from the front have fields of their own.
    fn before_repetition(&self, point: &[usize]) -> usize {
        let field = |at: &usize| self.values[*at].field;
        (1..point.len())
            .find(|at| point[..*at].iter().any(|other| field(other) == field(&point[*at])))
            .unwrap_or(point.len())
    }
}
