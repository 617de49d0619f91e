//! Line protocol as a source, such as `influxd inspect export-lp` and `influx_inspect export` write
//! it: a field a line.
//!
//! Does not know how the lines were cut. The crate `influxdb-line-protocol`, the parser of
//! InfluxDB 3, reads a line; here it is found where one ends, and what an export says of itself:
//!
//! ```text
//! # DDL
//! CREATE DATABASE telegraf WITH NAME autogen
//! # DML
//! # CONTEXT-DATABASE:telegraf
//! # CONTEXT-RETENTION-POLICY:autogen
//! cpu,host=a idle=97.5 1640995200000000000
//! ```

use std::sync::Arc;

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};

use super::error::{ConversionError, ErrorKind, Position, UNCERTAIN_LINE, quoted};
use super::lines::{push_field_key, push_series};
use super::points::{Points, check_time};
use super::value::Value;
use super::{draft, ruled};
use crate::rules::Target;
use crate::time::Timestamp;

/// A line without end, such as one after a quote that is never closed, must not fill the memory.
const LINE_BYTES_MAX: usize = 32 << 20;

/// Reads lines.
#[derive(Debug)]
pub(crate) struct SourceLines {
    /// The beginning of a line of which the rest has not come.
    cut: Vec<u8>,
    scan: Scan,
    /// Where the present line begins, counted from 1.
    line: u64,
    /// Line feeds inside of it.
    inside: u64,
    /// Between `# DDL` and `# DML` stand statements, which are not for us.
    is_ddl: bool,
    database: Option<String>,
    /// Retention policies that the points come from.
    pub(crate) policies: Vec<String>,
}

/// Where in a line the next byte stands: enough to know whether a line feed ends it (after
/// `split_lines` of the crate, which is after `scanLine` of InfluxDB), and whether names and values
/// alternate: the crate takes what stands between them for a part of a name.
#[derive(Debug, Default)]
struct Scan {
    begun: bool,
    is_comment: bool,
    escaped: bool,
    in_string: bool,
    part: Part,
    /// The last byte that separated something, if nothing has come since.
    separator: Option<u8>,
    /// Whether the last of `,` and `=` in this part was `=`.
    in_value: bool,
    fault: Option<&'static str>,
    /// Why two servers would read two points.
    difference: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Part {
    #[default]
    Measurement,
    Tags,
    Fields,
    Time,
}

impl Scan {
    /// Whether the line ends with this byte.
    fn ends_with(&mut self, byte: u8) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            self.is_comment = byte == b'#';
        }
        if self.is_comment {
            return byte == b'\n';
        }
        if std::mem::take(&mut self.escaped) {
            match byte {
                _ if self.in_string => {}
                b'\\' => self.difference = Some(r"servers read `\\` in a name differently"),
                // As exports write a `"` there, before which InfluxDB 3 would keep the `\`.
                b'"' if self.part == Part::Fields && !self.in_value => {
                    self.difference = Some(r#"servers read `\"` in a field key differently"#);
                }
                _ => {}
            }
            return false;
        }
        let separator = self.separator.take();
        match byte {
            b'\\' => self.escaped = true,
            b'"' if self.part == Part::Fields && (self.in_string || separator == Some(b'=')) => {
                self.in_string = !self.in_string;
            }
            _ if self.in_string => {}
            b'\n' => return true,
            b' ' => self.end_part(separator),
            // A `=` in a measurement separates nothing.
            b',' if self.part == Part::Measurement => {
                self.part = Part::Tags;
                self.separator = Some(byte);
            }
            b',' | b'=' if matches!(self.part, Part::Tags | Part::Fields) => {
                self.separate(byte, separator);
            }
            _ => {}
        }
        false
    }

    fn end_part(&mut self, separator: Option<u8>) {
        self.separator = Some(b' ');
        match separator {
            // One blank more.
            Some(b' ') => return,
            Some(_) => self.fault = Some("a name or a value is missing"),
            None => {}
        }
        self.part = match self.part {
            Part::Measurement | Part::Tags => Part::Fields,
            Part::Fields | Part::Time => Part::Time,
        };
        self.in_value = false;
    }

    fn separate(&mut self, byte: u8, separator: Option<u8>) {
        // A key ends with `=`, a value with `,`.
        if separator.is_some() || self.in_value == (byte == b'=') {
            self.fault = Some("names and values do not alternate");
        }
        self.in_value = byte == b'=';
        self.separator = Some(byte);
    }
}

impl SourceLines {
    pub(crate) fn new() -> Self {
        Self {
            cut: Vec::new(),
            scan: Scan::default(),
            line: 1,
            inside: 0,
            is_ddl: false,
            database: None,
            policies: Vec::new(),
        }
    }

    /// Takes the next piece, cut anywhere.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        points: &mut Points,
    ) -> Result<(), ConversionError> {
        loop {
            let Some(length) = self.line_end(bytes) else {
                self.cut.extend_from_slice(bytes);
                if self.cut.len() > LINE_BYTES_MAX {
                    return Err(self.error(ErrorKind::RecordTooLong { limit: LINE_BYTES_MAX }));
                }
                return Ok(());
            };
            let (line, rest) = bytes.split_at(length);
            bytes = rest;
            if self.cut.is_empty() {
                self.take(line, points)?;
            } else {
                let mut cut = std::mem::take(&mut self.cut);
                cut.extend_from_slice(line);
                self.take(&cut, points)?;
                cut.clear();
                self.cut = cut;
            }
        }
    }

    /// Ends the file. A last line without its line feed may have lost a part of its time, and
    /// would still be a line.
    pub(crate) fn end(&self) -> Result<(), ConversionError> {
        if self.cut.is_empty() { Ok(()) } else { Err(self.error(ErrorKind::NoLineEnd)) }
    }

    /// How many bytes belong to the present line, with its line feed; `None` if it goes on.
    fn line_end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.scan.ends_with(*byte) {
                return Some(at + 1);
            }
            self.inside += u64::from(*byte == b'\n');
        }
        None
    }

    fn take(&mut self, line: &[u8], points: &mut Points) -> Result<(), ConversionError> {
        let scan = std::mem::take(&mut self.scan);
        let taken = match str::from_utf8(line) {
            Ok(line) if scan.is_comment => self.comment(line.trim_end()),
            Ok(line) => self.point(line, &scan, points),
            Err(_) => Err(ErrorKind::not_utf8(line)),
        };
        match taken {
            Ok(()) => {}
            Err(kind) if points.sets_aside(&kind) => {
                points.set_aside(self.error(kind), 1, draft::text(line.trim_ascii_end()));
            }
            Err(kind) => points.note(self.error(kind))?,
        }
        self.line += 1 + std::mem::take(&mut self.inside);
        Ok(())
    }

    fn comment(&mut self, line: &str) -> Result<(), ErrorKind> {
        match line {
            "# DDL" => self.is_ddl = true,
            "# DML" => self.is_ddl = false,
            _ => {}
        }
        if let Some(database) = line.strip_prefix("# CONTEXT-DATABASE:") {
            let first = self.database.get_or_insert_with(|| database.to_owned());
            if first != database {
                let (first, second) = (quoted(first), quoted(database));
                return Err(ErrorKind::Databases { first, second });
            }
        } else if let Some(policy) = line.strip_prefix("# CONTEXT-RETENTION-POLICY:") {
            if !self.policies.iter().any(|other| other == policy) {
                self.policies.push(policy.to_owned());
            }
        } else if may_be_point(line) {
            // Servers can hold points whose measurement begins with `#`, and exports write them like
            // others (observed on 2.9.1). A string of theirs may go on in the next line.
            return Err(uncertain(line, "it begins with `#`, as comments do, and may be a point"));
        }
        Ok(())
    }

    fn point(&mut self, text: &str, scan: &Scan, points: &mut Points) -> Result<(), ErrorKind> {
        // A line may end with `\r\n`; a blank before it is no part of the time.
        let text = text.trim_end();
        // Some editors begin a file with this mark, which is no part of a name.
        let text = if self.line == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if text.is_empty() || (self.is_ddl && text.starts_with("CREATE DATABASE ")) {
            return Ok(());
        }
        if let Some(reason) = scan.fault {
            let (found, reason) = (quoted(text), reason.to_owned());
            return Err(ErrorKind::NotLineProtocol { found, reason });
        }
        if let Some(reason) = scan.difference {
            return Err(uncertain(text, reason));
        }
        let mut lines = parse_lines(text);
        let line = match (lines.next(), lines.next()) {
            (Some(Ok(line)), None) => line,
            (Some(Err(error)), _) => {
                let (found, reason) = (quoted(text), quoted(&error.to_string()));
                return Err(ErrorKind::NotLineProtocol { found, reason });
            }
            _ => {
                let (found, reason) = (quoted(text), "it is not one line".to_owned());
                return Err(ErrorKind::NotLineProtocol { found, reason });
            }
        };
        let time = Timestamp(line.timestamp.ok_or(ErrorKind::NoTime)?);
        self.push_line(&line, time, points)
    }

    fn push_line(
        &self,
        line: &ParsedLine<'_>,
        time: Timestamp,
        points: &mut Points,
    ) -> Result<(), ErrorKind> {
        if points.leaves_out(time) {
            points.counts.outside += line.field_set.len() as u64;
            return Ok(());
        }
        check_time(time)?;
        let tags = line.series.tag_set.iter().flatten();
        let mut tags: Vec<_> = tags.map(|(key, value)| (key.as_str(), value.as_str())).collect();
        tags.sort_unstable();
        if let Some(twice) = tags.windows(2).find(|tags| tags[0].0 == tags[1].0) {
            let (found, reason) = (quoted(twice[0].0), "the tag is there twice".to_owned());
            return Err(ErrorKind::NotLineProtocol { found, reason });
        }
        let source = line.series.measurement.as_str();
        let rules = Arc::clone(&points.manner.rules);
        let (measurement, fault) = ruled::series(&rules, source, &mut tags);
        let mut series = String::new();
        let pushed = push_series(&mut series, points.manner.dialect, measurement, &tags);
        let pushed = pushed.and(fault.map_or(Ok(()), Err));
        let draft = |fields: &[String]| {
            let series = draft::series(measurement, &tags);
            draft::point(&series, &fields.join(","), &time.0.to_string())
        };
        if let Err(kind) = pushed {
            if !points.sets_aside(&kind) {
                return Err(kind);
            }
            let fields = line.field_set.iter().map(|(key, value)| {
                let (key, value) = (key.as_str(), value_of(value));
                let target = ruled::field(&rules, source, key, Some(value.of_type()));
                drafted(target.as_ref().map_or(key, |target| &target.field), &value)
            });
            let text = draft(&fields.collect::<Vec<_>>());
            points.set_aside(self.error(kind), line.field_set.len() as u64, text);
            return Ok(());
        }
        points.merge.begin_series(&series);
        for (name, value) in &line.field_set {
            let value = value_of(value);
            let target = ruled::field(&rules, source, name.as_str(), Some(value.of_type()))?;
            let pushed = push_field(&series, &tags, &target, &value, time, points);
            match pushed {
                Ok(()) => {}
                // The other fields of the point arrive.
                Err(kind) if points.sets_aside(&kind) => {
                    let text = draft(&[drafted(&target.field, &value)]);
                    points.set_aside(self.error(kind), 1, text);
                }
                Err(kind) => return Err(kind),
            }
        }
        Ok(())
    }

    fn error(&self, kind: ErrorKind) -> ConversionError {
        ConversionError { position: Position::Line(self.line), kind }
    }
}

/// Whether a line that begins with `#` may be a point, or the beginning of one: not if its second word,
/// where fields would be, is none, as in `# point 17: …`.
fn may_be_point(line: &str) -> bool {
    let mut words = line.split(' ');
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_comment = words.next().is_some()
        && !first.contains('\\')
        && !second.contains(['=', '\\'])
        && !second.is_empty();
    !is_comment && (line.contains('=') || line.ends_with('\\'))
}

/// For a line of which it is not certain what it says.
fn uncertain(line: &str, reason: &'static str) -> ErrorKind {
    let (what, found, of) = (UNCERTAIN_LINE, quoted(line), String::new());
    ErrorKind::NotInLineProtocol { what, found, of, reason }
}

fn value_of<'a>(value: &'a FieldValue<'_>) -> Value<'a> {
    match value {
        FieldValue::I64(value) => Value::Integer(*value),
        FieldValue::U64(value) => Value::Unsigned(*value),
        FieldValue::F64(value) => Value::Float(*value),
        FieldValue::Boolean(value) => Value::Boolean(*value),
        FieldValue::String(text) => Value::String(text.as_str().into()),
    }
}

/// A field for people.
fn drafted(key: &str, value: &Value<'_>) -> String {
    format!("{}={}", draft::name(key), draft::value(value))
}

/// Takes a value of a point of this series, which begins with these tags.
fn push_field(
    series: &str,
    tags: &[(&str, &str)],
    target: &Target<'_>,
    value: &Value<'_>,
    time: Timestamp,
    points: &mut Points,
) -> Result<(), ErrorKind> {
    let mut key = String::new();
    let pushed = push_field_key(&mut key, points.manner.dialect, tags, &target.field);
    pushed.map_err(|error| error.of(series))?;
    points.merge.begin_field(&key);
    let pushed = points.push_changed(time, value, target.change);
    pushed.map_err(|unfit| unfit.of(&target.field, &value.shown()).of_field(&target.field, series))
}
