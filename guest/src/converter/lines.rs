//! Line protocol as it is written: escaping, and lines that know where they end.
//!
//! Does not know where points come from. A line:
//!
//! ```text
//! air\ quality,city=Lima temp=18.5,note="say \"hi\"" 1640995200000000000
//! ```

use super::error::{ErrorKind, quoted};
use super::names::{Dialect, Part, clash, push_name};
use super::text::{append, append_front};

/// Lines of line protocol. A line may hold line feeds, in strings: so it is kept where each ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    // Invariant: UTF-8.
    text: Vec<u8>,
    /// Where each line ends in `text`, after its line feed.
    ends: Vec<usize>,
    numbers: Numbers,
}

/// Which lines they are of all that were converted, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Numbers {
    /// One after the other, from this one on.
    From(u64),
    /// As many as there are lines: a part of a body that was refused.
    Each(Vec<u64>),
}

/// From here on a whole body is expected, and room for it is made at once.
const LARGE_BYTES: usize = 1 << 20;

/// Appends a name or a tag value, if line protocol can say it.
fn push_part(line: &mut String, dialect: Dialect, part: Part, name: &str) -> Result<(), ErrorKind> {
    push_name(line, dialect, part, name).map_err(|reason| {
        let (what, found) = (part.name(), quoted(name));
        ErrorKind::NotInLineProtocol { what, found, of: String::new(), reason }
    })
}

/// Appends what all points of a series begin with: measurement and tags.
///
/// `tags` must be sorted by key: the same series then always has the same bytes, however the
/// columns of a response were ordered.
pub(crate) fn push_series(
    line: &mut String,
    dialect: Dialect,
    measurement: &str,
    tags: &[(&str, &str)],
) -> Result<(), ErrorKind> {
    push_part(line, dialect, Part::Measurement, measurement)?;
    for (key, value) in tags {
        line.push(',');
        push_part(line, dialect, Part::TagKey, key).map_err(|error| error.of(measurement))?;
        line.push('=');
        push_part(line, dialect, Part::TagValue, value).map_err(|error| error.of(measurement))?;
    }
    Ok(())
}

/// Appends a field's key and `=`. The tags, which are sorted, are those of its point.
pub(crate) fn push_field_key(
    line: &mut String,
    dialect: Dialect,
    tags: &[(&str, &str)],
    key: &str,
) -> Result<(), ErrorKind> {
    if let Some(clash) = clash(dialect, tags, key) {
        return Err(clash);
    }
    push_part(line, dialect, Part::FieldKey, key)?;
    line.push('=');
    Ok(())
}

/// A string in quotes.
pub(crate) fn string(text: &str) -> String {
    let mut line = Vec::new();
    push_string(&mut line, text.as_bytes());
    String::from_utf8(line).expect("it is made of texts")
}

/// Appends a string in quotes.
pub(super) fn push_string(line: &mut Vec<u8>, text: &[u8]) {
    line.push(b'"');
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        append(line, &rest[..at]);
        line.extend([b'\\', rest[at]]);
        rest = &rest[at + 1..];
    }
    append(line, rest);
    line.push(b'"');
}

impl Default for Numbers {
    fn default() -> Self {
        Self::From(0)
    }
}

impl Numbers {
    /// Keeps those after so many, and returns the others.
    fn take_front(&mut self, count: usize) -> Self {
        match self {
            Self::From(first) => {
                let front = *first;
                *first += count as u64;
                Self::From(front)
            }
            Self::Each(numbers) => {
                let rest = numbers.split_off(count);
                Self::Each(std::mem::replace(numbers, rest))
            }
        }
    }
}

impl Lines {
    /// Makes room for so many bytes more, in so many lines.
    pub(crate) fn reserve(&mut self, bytes: usize, lines: usize) {
        self.text.reserve(bytes);
        self.ends.reserve(lines);
    }

    /// Makes room for so many bytes in all, once there are many: by doubling they would take more.
    pub(crate) fn reserve_in_all(&mut self, bytes: usize) {
        if self.text.len() >= LARGE_BYTES {
            self.text.reserve_exact(bytes.saturating_sub(self.text.len()));
        }
    }

    /// Appends a point: measurement and tags, fields as `key=value` with a comma before each but
    /// the first, and the time.
    ///
    /// Returns how many bytes the line has beside its fields.
    pub(crate) fn push_point(&mut self, series: &[u8], fields: &[u8], time: i64) -> usize {
        append(&mut self.text, series);
        self.text.push(b' ');
        append(&mut self.text, fields);
        series.len() + 1 + self.end_point(time)
    }

    /// The same with fields as `,key=` and their values, each the first bytes of a text.
    #[inline]
    pub(crate) fn push_values<'a>(
        &mut self,
        series: &[u8],
        fields: impl Iterator<Item = [(&'a [u8], usize); 2]>,
        time: i64,
    ) -> usize {
        append(&mut self.text, series);
        let blank = self.text.len();
        for [(key, key_length), (value, value_length)] in fields {
            append_front(&mut self.text, key, key_length);
            append_front(&mut self.text, value, value_length);
        }
        // Instead of the first comma.
        self.text[blank] = b' ';
        series.len() + 1 + self.end_point(time)
    }

    #[inline]
    fn end_point(&mut self, time: i64) -> usize {
        let start = self.text.len();
        self.text.push(b' ');
        append(&mut self.text, itoa::Buffer::new().format(time).as_bytes());
        self.text.push(b'\n');
        self.ends.push(self.text.len());
        self.text.len() - start
    }

    /// Appends a line that ends with its line feed.
    pub(crate) fn push_line(&mut self, line: &str) {
        self.text.extend_from_slice(line.as_bytes());
        self.ends.push(self.text.len());
    }

    /// The number of the line at this place.
    pub(crate) fn number(&self, place: usize) -> u64 {
        match &self.numbers {
            Numbers::From(first) => first + place as u64,
            Numbers::Each(numbers) => numbers[place],
        }
    }

    /// Says which lines they are, one number for each.
    pub(crate) fn set_numbers(&mut self, numbers: Vec<u64>) {
        debug_assert_eq!(numbers.len(), self.len());
        self.numbers = Numbers::Each(numbers);
    }

    /// Each line, with its line feed.
    pub(crate) fn each(&self) -> impl Iterator<Item = &str> {
        let text = self.text();
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &text[*start..*end])
    }

    /// The lines as text.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.text).expect("lines are made of texts")
    }

    /// Takes the text out, to be put back or to be forgotten: how many lines and bytes it is stays known.
    pub(crate) fn take_text(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.text)).expect("lines are made of texts")
    }

    /// Puts the text back. `false` if it is not as long as it was.
    pub(crate) fn put_text(&mut self, text: String) -> bool {
        let is_same = text.len() == self.bytes();
        if is_same {
            self.text = text.into();
        }
        is_same
    }

    pub(crate) fn into_text(self) -> String {
        String::from_utf8(self.text).expect("lines are made of texts")
    }

    /// How many lines there are; one may span several lines of text.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they are.
    pub(crate) fn bytes(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Takes as many lines from the front as fit into `bytes_max`, but at least one.
    pub(crate) fn take_front(&mut self, bytes_max: usize) -> Self {
        let count = self.ends.partition_point(|end| *end <= bytes_max).max(1);
        self.take_lines(count.min(self.ends.len()))
    }

    /// Both halves, by the number of lines; the second is empty if there is but one.
    pub(crate) fn halves(mut self) -> (Self, Self) {
        let first = self.take_lines(self.ends.len().div_ceil(2));
        (first, self)
    }

    /// Keeps so many lines, and returns those that follow.
    pub(crate) fn split_off(&mut self, count: usize) -> Self {
        let first = self.take_lines(count);
        std::mem::replace(self, first)
    }

    /// Copied out, so that what is left keeps the room for as much again.
    fn take_lines(&mut self, count: usize) -> Self {
        let cut = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        let text = self.text[..cut].to_vec();
        self.text.drain(..cut);
        let rest = self.ends.split_off(count).iter().map(|end| end - cut).collect();
        let numbers = self.numbers.take_front(count);
        Self { text, ends: std::mem::replace(&mut self.ends, rest), numbers }
    }
}
