//! Points as InfluxDB holds them: typed values by series, time and field.
//!
//! Reads line protocol with the parser of the v3 engine. Knows no bucket and no server.
//! `m,tag=a f=1,i=3i 1640995200000000000` is one series, one time and two values.

use std::collections::BTreeMap;
use std::fmt;

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};

/// The value of a field. Floats are equal when their bits are.
#[derive(Clone, Debug)]
pub enum Value {
    /// A 64-bit float.
    Float(f64),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// True or false.
    Boolean(bool),
    /// A text.
    String(String),
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A 64-bit float.
    Float,
    /// A signed integer.
    Integer,
    /// An unsigned integer.
    Unsigned,
    /// True or false.
    Boolean,
    /// A text.
    String,
}

/// A measurement and its tags, sorted by their keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The measurement.
    pub measurement: String,
    // Invariant: sorted, so that the order of series is the order in which a TSM engine reads
    // them: by measurement, then tag by tag.
    tags: Vec<(String, String)>,
}

/// The values of one series and time.
pub type Fields = BTreeMap<String, Value>;

/// One line of line protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where it belongs.
    pub series: Series,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// Its values.
    pub fields: Fields,
}

/// A set of points. Points of one series and time are merged, as a database does it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Points {
    series: BTreeMap<Series, BTreeMap<i64, Fields>>,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            // -0.0 and 0.0 are two values, NaN is itself.
            (Self::Float(one), Self::Float(two)) => one.to_bits() == two.to_bits(),
            (Self::Integer(one), Self::Integer(two)) => one == two,
            (Self::Unsigned(one), Self::Unsigned(two)) => one == two,
            (Self::Boolean(one), Self::Boolean(two)) => one == two,
            (Self::String(one), Self::String(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Value {
    /// Its type.
    #[must_use]
    pub fn value_type(&self) -> Type {
        match self {
            Self::Float(_) => Type::Float,
            Self::Integer(_) => Type::Integer,
            Self::Unsigned(_) => Type::Unsigned,
            Self::Boolean(_) => Type::Boolean,
            Self::String(_) => Type::String,
        }
    }
}

impl From<&FieldValue<'_>> for Value {
    fn from(value: &FieldValue<'_>) -> Self {
        match value {
            FieldValue::F64(value) => Self::Float(*value),
            FieldValue::I64(value) => Self::Integer(*value),
            FieldValue::U64(value) => Self::Unsigned(*value),
            FieldValue::Boolean(value) => Self::Boolean(*value),
            FieldValue::String(value) => Self::String(value.to_string()),
        }
    }
}

impl Type {
    /// Its name, as InfluxDB says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::Boolean => "boolean",
            Self::String => "string",
        }
    }
}

impl fmt::Display for Value {
    /// As line protocol has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}i"),
            Self::Unsigned(value) => write!(f, "{value}u"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::String(value) => write!(f, "\"{}\"", escaped(value, "\"\\")),
        }
    }
}

impl Series {
    /// A series; the tags may come in any order.
    #[must_use]
    pub fn new(measurement: &str, tags: &[(&str, &str)]) -> Self {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self::sorted(measurement.to_owned(), tags.collect())
    }

    fn sorted(measurement: String, mut tags: Vec<(String, String)>) -> Self {
        tags.sort();
        Self { measurement, tags }
    }

    /// Its tags, sorted by their keys.
    #[must_use]
    pub fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Series {
    /// As line protocol has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.measurement, ", \\"))?;
        for (key, value) in &self.tags {
            write!(f, ",{}={}", escaped(key, ",= \\"), escaped(value, ",= \\"))?;
        }
        Ok(())
    }
}

impl Point {
    /// The point of a line, whose time-stamp counts in units of so many nanoseconds.
    ///
    /// `None` if its time cannot be said in nanoseconds.
    pub(crate) fn of(line: &ParsedLine<'_>, unit: i64, now: i64) -> Option<Self> {
        let time = match line.timestamp {
            Some(time) => time.checked_mul(unit)?,
            None => now,
        };
        let tags = line.series.tag_set.iter().flatten();
        let tags = tags.map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let series = Series::sorted(line.series.measurement.to_string(), tags);
        let fields = line.field_set.iter();
        let fields = fields.map(|(key, value)| (key.to_string(), Value::from(value))).collect();
        Some(Self { series, time, fields })
    }
}

impl Points {
    /// The points of line protocol with nanoseconds.
    ///
    /// # Panics
    /// If a line is none, or has no time.
    #[must_use]
    #[track_caller]
    pub fn parse(lines: &str) -> Self {
        let mut points = Self::default();
        for line in parse_lines(lines) {
            let line = line.unwrap_or_else(|error| panic!("not line protocol: {error}"));
            assert!(line.timestamp.is_some(), "a point without a time: {line}");
            points.insert(Point::of(&line, 1, 0).expect("nanoseconds fit as they are"));
        }
        points
    }

    /// Adds a point; its values replace those of the same series, time and field.
    pub fn insert(&mut self, point: Point) {
        let Point { series, time, fields } = point;
        self.series.entry(series).or_default().entry(time).or_default().extend(fields);
    }

    /// A value, if it is there.
    #[must_use]
    pub fn value(&self, series: &Series, time: i64, field: &str) -> Option<&Value> {
        self.series.get(series)?.get(&time)?.get(field)
    }

    /// Takes out the values that are not to stay, and what is empty then. The number of them.
    pub fn retain(&mut self, mut stays: impl FnMut(&Series, i64, &str, &Value) -> bool) -> usize {
        let before = self.rows();
        for (series, times) in &mut self.series {
            for (time, fields) in times.iter_mut() {
                fields.retain(|field, value| stays(series, *time, field, value));
            }
            times.retain(|_, fields| !fields.is_empty());
        }
        self.series.retain(|_, times| !times.is_empty());
        before - self.rows()
    }

    /// Every series with its points by time, in the order in which a TSM engine reads them.
    pub fn series(&self) -> impl Iterator<Item = (&Series, &BTreeMap<i64, Fields>)> {
        self.series.iter()
    }

    /// The number of field values.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.series.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum()
    }

    /// The number of points: of lines, when the fields of one series and time share one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.series.values().map(BTreeMap::len).sum()
    }

    /// Each value as a line of its own: `-` where only these points have it, `+` where only the
    /// others have it. Empty if both are the same.
    #[must_use]
    pub fn difference(&self, others: &Self) -> Vec<String> {
        let gone = self.missing_in(others).map(|line| format!("-{line}"));
        let come = others.missing_in(self).map(|line| format!("+{line}"));
        gone.chain(come).collect()
    }

    fn missing_in(&self, others: &Self) -> impl Iterator<Item = String> {
        self.values().filter_map(|(series, time, field, value)| {
            let other = others.value(series, time, field);
            let line = || format!("{series} {}={value} {time}", escaped(field, ",= \\"));
            (other != Some(value)).then(line)
        })
    }

    /// Every value, with its series, time and field.
    pub fn values(&self) -> impl Iterator<Item = (&Series, i64, &str, &Value)> {
        self.series.iter().flat_map(|(series, times)| {
            times.iter().flat_map(move |(time, fields)| {
                fields.iter().map(move |(field, value)| (series, *time, field.as_str(), value))
            })
        })
    }

    /// Compares whole sets, and shows the first values that differ.
    ///
    /// # Panics
    /// If they are not the same.
    #[track_caller]
    pub fn assert_same(&self, expected: &Self) {
        /// More would push what matters off the screen.
        const SHOWN_MAX: usize = 20;
        let difference = expected.difference(self);
        let shown = difference.iter().take(SHOWN_MAX).map(String::as_str).collect::<Vec<_>>();
        assert!(
            difference.is_empty(),
            "{} values are missing (-) or were not expected (+):\n{}",
            difference.len(),
            shown.join("\n")
        );
    }
}

fn escaped(text: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if special.contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
