//! Random points: as odd as a TSM engine holds them and line protocol can say them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use support::influx::{Point, Points, Series, Type, Value};

/// Which line breaks are in strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaks {
    /// Those that arrive as such from annotated CSV.
    InAnnotatedCsv,
    All,
    None,
}

/// The times that a point can have (`MinNanoTime` and `MaxNanoTime` in InfluxDB's sources).
const FIRST: i64 = i64::MIN + 2;
const LAST: i64 = i64::MAX - 1;

/// A field of a measurement: in a bucket of one shard group it has one type.
type Field = (String, Type);

/// A measurement with its series.
#[derive(Clone, Debug)]
struct Measurement {
    name: String,
    tags: Vec<String>,
    fields: Vec<Field>,
    series: Vec<(Vec<Option<String>>, Vec<Row>)>,
}

/// A time, and what may stand in it: of each cell the field's type picks one value.
type Row = (i64, Vec<Option<Cell>>);

#[derive(Clone, Debug)]
struct Cell {
    float: f64,
    integer: i64,
    unsigned: u64,
    boolean: bool,
    string: String,
}

/// So many tags and fields a measurement has at most. Every series has a value for each.
const TAGS_MAX: usize = 3;
const FIELDS_MAX: usize = 5;

/// Random points.
pub(crate) fn points(breaks: Breaks) -> impl Strategy<Value = Points> {
    vec(measurement(breaks), 0..4).prop_map(|measurements| {
        let mut points = Points::default();
        for (place, measurement) in measurements.iter().enumerate() {
            // Two of one name could give a field two types.
            if !measurements[..place].iter().any(|other| other.name == measurement.name) {
                measurement.insert_into(&mut points);
            }
        }
        points
    })
}

/// The same points with other strings.
pub(crate) fn with_strings(points: &Points, change: impl Fn(&str) -> String) -> Points {
    let mut changed = Points::default();
    for (series, times) in points.series() {
        for (time, fields) in times {
            let fields = fields.iter().map(|(field, value)| {
                let value = match value {
                    Value::String(text) => Value::String(change(text)),
                    other => other.clone(),
                };
                (field.clone(), value)
            });
            let (series, fields) = (series.clone(), fields.collect());
            changed.insert(Point { series, time: *time, fields });
        }
    }
    changed
}

fn measurement(breaks: Breaks) -> impl Strategy<Value = Measurement> {
    let types = [Type::Float, Type::Integer, Type::Unsigned, Type::Boolean, Type::String];
    let field = (name(), select(types.to_vec()));
    let row = (time(), vec(option::weighted(0.7, cell(breaks)), FIELDS_MAX));
    let series = (vec(option::of(name()), TAGS_MAX), vec(row, 0..6));
    let series = vec(series, 1..4);
    (name(), vec(name(), 0..=TAGS_MAX), vec(field, 1..=FIELDS_MAX), series).prop_map(
        |(name, tags, fields, series)| Measurement {
            name: name.trim_start_matches('#').to_owned() + "m",
            tags,
            fields,
            series,
        },
    )
}

impl Measurement {
    fn insert_into(&self, points: &mut Points) {
        for (values, rows) in &self.series {
            let mut tags: Vec<(&str, &str)> = Vec::new();
            for (key, value) in self.tags.iter().zip(values) {
                if let Some(value) = value
                    && tags.iter().all(|(other, _)| other != key)
                {
                    tags.push((key, value));
                }
            }
            let series = Series::new(&self.name, &tags);
            for (time, cells) in rows {
                let fields = self.fields.iter().zip(cells).enumerate();
                let fields = fields.filter_map(|(place, ((field, field_type), cell))| {
                    let value = cell.as_ref()?.value(*field_type);
                    self.is_field(place).then(|| (field.clone(), value))
                });
                let point = Point { series: series.clone(), time: *time, fields: fields.collect() };
                if !point.fields.is_empty() {
                    points.insert(point);
                }
            }
        }
    }

    /// Whether this is the first field of its name, and no tag has it.
    fn is_field(&self, place: usize) -> bool {
        let (name, _) = &self.fields[place];
        let is_first = self.fields[..place].iter().all(|(other, _)| other != name);
        is_first && !self.tags.contains(name)
    }
}

impl Cell {
    fn value(&self, value_type: Type) -> Value {
        match value_type {
            Type::Float => Value::Float(self.float),
            Type::Integer => Value::Integer(self.integer),
            Type::Unsigned => Value::Unsigned(self.unsigned),
            Type::Boolean => Value::Boolean(self.boolean),
            Type::String => Value::String(self.string.clone()),
        }
    }
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        // Some meet.
        4 => -3..3_i64,
        4 => FIRST..=LAST,
        1 => (-9_223_372_036..9_223_372_036_i64).prop_map(|second| second * 1_000_000_000),
        1 => FIRST..FIRST + 3,
        1 => LAST - 3..=LAST,
    ]
}

fn cell(breaks: Breaks) -> impl Strategy<Value = Cell> {
    let float = prop_oneof![
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite()),
        select(vec![0.0, -0.0, 1.0, 0.1, 1e15, 1e16, 1e21, 1e22, 1e300, -1e-300, 5e-324]),
        select(vec![f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::EPSILON]),
        (-1000..1000_i32).prop_map(f64::from),
    ];
    let integer =
        prop_oneof![any::<i64>(), -200..200_i64, select(vec![i64::MIN, i64::MAX, 0, -32, -33])];
    let unsigned = prop_oneof![any::<u64>(), 0..300_u64, select(vec![u64::MAX, 127, 128])];
    (float, integer, unsigned, any::<bool>(), string(breaks)).prop_map(
        |(float, integer, unsigned, boolean, string)| Cell {
            float,
            integer,
            unsigned,
            boolean,
            string,
        },
    )
}

/// What strings are made of.
const STRING_PARTS: [&str; 22] = [
    "a", "é", "日本", "😀", " ", "  ", ",", "=", "\"", "\"\"", "\\", "\\\\", "\\\"", "\\n", "'",
    "#", "\t", "\u{1}", "\u{feff}", "\u{2028}", "null", "\\.",
];
const BREAKS: [&str; 3] = ["\n", "\r\n", "\r"];

fn string(breaks: Breaks) -> impl Strategy<Value = String> {
    let mut parts = STRING_PARTS.to_vec();
    if breaks == Breaks::All || breaks == Breaks::InAnnotatedCsv {
        parts.extend(BREAKS);
    }
    prop_oneof![
        9 => vec(select(parts), 0..6).prop_map(|parts| parts.concat()),
        // Longer than the buffers that a reader begins with.
        1 => (1..6000_usize).prop_map(|length| "long".repeat(length)),
    ]
}

/// What names are made of, those of the columns of a response among them.
const NAME_PARTS: [&str; 24] = [
    "a",
    "b",
    "C",
    "é",
    "日本",
    "😀",
    " ",
    ",",
    "=",
    "\"",
    "\\",
    "'",
    "#",
    "_",
    ".",
    "-",
    "1",
    "result",
    "table",
    "error",
    "reference",
    "name",
    "null",
    "f=1",
];

/// A name that every server understands alike.
fn name() -> impl Strategy<Value = String> {
    let odd = vec(any::<Index>(), 1..5)
        .prop_map(|parts| parts.iter().map(|part| *part.get(&NAME_PARTS)).collect::<String>());
    prop_oneof![
        select(vec!["a", "b", "f", "t", "result", "table", "value"]).prop_map(str::to_owned),
        odd.prop_filter("sayable", |name| {
            let differ = ["\\\\", "\\,", "\\=", "\\ ", "\\\""];
            !name.ends_with('\\') && !differ.iter().any(|pair| name.contains(pair))
        }),
    ]
}
