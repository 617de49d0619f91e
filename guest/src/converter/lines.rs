//! Line protocol as it is written: escaping, and lines that know where they end.
//!
//! Does not know where points come from. A line:
//!
//! ```text
//! air\ quality,city=Lima temp=18.5,note="say \"hi\"" 1640995200000000000
//! ```

use super::error::ErrorKind;

/// Lines of line protocol. A line may hold line feeds, in strings: so it is kept where each ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    text: String,
    /// Where each line ends in `text`, after its line feed.
    ends: Vec<usize>,
}

const MEASUREMENT: &[char] = &[',', ' '];
/// Of tag keys, tag values and field keys.
const KEY: &[char] = &[',', '=', ' '];
const STRING: &[char] = &['"', '\\'];

/// Appends `text` with a `\` before each of `special`.
fn push_escaped(line: &mut String, text: &str, special: &[char]) {
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        line.push_str(&rest[..at]);
        line.push('\\');
        // All special characters are ASCII, one byte each.
        line.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    line.push_str(rest);
}

/// Why a name or a tag value cannot be said in line protocol, if it cannot.
pub(crate) fn unsayable(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.ends_with('\\') {
        // It would escape what follows it; InfluxDB 3 refuses it (influxdb_line_protocol,
        // src/lib.rs, "ending in backslash").
        return Some(r"it ends in `\`");
    }
    if name.contains(['\n', '\r']) {
        return Some("it holds a line break");
    }
    // The parser of InfluxDB 3 takes a tab for a blank, or not at all.
    if name.contains(['\t', '\0']) {
        return Some("it holds a tab or a NUL");
    }
    // 1.x and 2.x keep `\\` as it is, InfluxDB 3 reads one `\` (influxdb_line_protocol,
    // `escaped_value`): two names could become one.
    if [r"\\", r"\,", r"\=", r"\ "].iter().any(|pair| name.contains(pair)) {
        return Some(r"servers differ on a `\` before `\`, `,`, `=` or a blank");
    }
    None
}

/// Appends a name or a tag value, if line protocol can say it.
fn push_name(
    line: &mut String,
    what: &'static str,
    name: &str,
    special: &[char],
) -> Result<(), ErrorKind> {
    if let Some(reason) = unsayable(name) {
        let found = super::error::quoted(name);
        return Err(ErrorKind::NotInLineProtocol { what, found, reason });
    }
    push_escaped(line, name, special);
    Ok(())
}

/// Appends what all points of a series begin with: measurement and tags.
///
/// `tags` must be sorted by key: the same series then always has the same bytes, however the
/// columns of a response were ordered.
pub(crate) fn push_series(
    line: &mut String,
    measurement: &str,
    tags: &[(&str, &str)],
) -> Result<(), ErrorKind> {
    if measurement.starts_with('#') {
        // Such a line is a comment, and an escaped `#` is another name.
        let (what, found) = ("measurement", super::error::quoted(measurement));
        let reason = "it begins with `#`, as a comment does";
        return Err(ErrorKind::NotInLineProtocol { what, found, reason });
    }
    push_name(line, "measurement", measurement, MEASUREMENT)?;
    for (key, value) in tags {
        line.push(',');
        push_name(line, "tag key", key, KEY)?;
        line.push('=');
        push_name(line, "tag value", value, KEY)?;
    }
    Ok(())
}

/// Appends a field's key and `=`.
pub(crate) fn push_field_key(line: &mut String, key: &str) -> Result<(), ErrorKind> {
    push_name(line, "field key", key, KEY)?;
    line.push('=');
    Ok(())
}

/// Appends a string in quotes.
pub(crate) fn push_string(line: &mut String, text: &str) {
    line.push('"');
    push_escaped(line, text, STRING);
    line.push('"');
}

impl Lines {
    /// Appends a point: measurement and tags, fields as `key=value`, and the time.
    pub(crate) fn push_point<'a>(
        &mut self,
        series: &str,
        fields: impl IntoIterator<Item = &'a str>,
        time: i64,
    ) {
        self.text.push_str(series);
        for (place, field) in fields.into_iter().enumerate() {
            self.text.push(if place == 0 { ' ' } else { ',' });
            self.text.push_str(field);
        }
        self.text.push(' ');
        self.text.push_str(itoa::Buffer::new().format(time));
        self.text.push('\n');
        self.ends.push(self.text.len());
    }

    /// The lines as text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// How many lines there are; one may span several lines of text.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they are.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
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

    fn take_lines(&mut self, count: usize) -> Self {
        let cut = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        let rest = self.text.split_off(cut);
        let ends = self.ends.split_off(count).iter().map(|end| end - cut).collect();
        std::mem::replace(self, Self { text: rest, ends })
    }
}
