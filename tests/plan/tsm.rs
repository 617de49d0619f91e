//! A TSM engine of one series and one field, as InfluxQL sees it: within a shard group the field has
//! one type, over several groups the strongest of theirs is read (observed on InfluxDB 1.6.7 and
//! 2.9.1).

use percent_encoding::percent_decode_str;
use rmp::encode::{
    write_array_len, write_bool, write_f64, write_map_len, write_nil, write_sint, write_str,
    write_uint,
};

/// A type, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    Float,
    Integer,
    Unsigned,
    String,
    Boolean,
}

/// What it is like.
#[derive(Clone, Debug)]
pub(crate) struct Tsm {
    /// Seconds.
    pub(crate) group: i64,
    /// The types of the groups since 1970, over and over.
    pub(crate) types: Vec<Type>,
    /// Whether it says where groups begin.
    pub(crate) shows_shards: bool,
    /// Seconds between points; each is `m,tag=a f=…`.
    pub(crate) every: i64,
    /// The seconds of the first point, and after the last.
    pub(crate) start: i64,
    pub(crate) stop: i64,
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    String(String),
    Boolean(bool),
}

const SECOND: i64 = 1_000_000_000;
const OK: &str = "memory takes bytes";

impl Tsm {
    fn type_at(&self, second: i64) -> Type {
        let group = second.div_euclid(self.group).unsigned_abs();
        self.types[usize::try_from(group).expect("it fits") % self.types.len()]
    }

    fn seconds(&self) -> impl Iterator<Item = i64> + use<> {
        (self.start..self.stop).step_by(usize::try_from(self.every).expect("it is positive"))
    }

    fn value_at(&self, second: i64, of: Type) -> Value {
        // Small numbers, of which InfluxDB writes integers and unsigned integers alike.
        let number = second / self.every;
        match of {
            #[expect(clippy::cast_precision_loss, reason = "it is small")]
            Type::Float => Value::Float(number as f64),
            Type::Integer => Value::Integer(number),
            Type::Unsigned => Value::Unsigned(number.unsigned_abs()),
            Type::String => Value::String(number.to_string()),
            Type::Boolean => Value::Boolean(number % 2 == 0),
        }
    }

    /// The points of a range of seconds, as lines.
    pub(crate) fn lines(&self, seconds: std::ops::Range<i64>) -> Vec<String> {
        let line = |second: i64| {
            let value = match self.value_at(second, self.type_at(second)) {
                Value::Float(value) => value.to_string(),
                Value::Integer(value) => format!("{value}i"),
                Value::Unsigned(value) => format!("{value}u"),
                Value::String(value) => format!("{value:?}"),
                Value::Boolean(value) => value.to_string(),
            };
            format!("m,tag=a f={value} {}", second * SECOND)
        };
        let mut lines: Vec<_> =
            self.seconds().filter(|second| seconds.contains(second)).map(line).collect();
        lines.sort();
        lines
    }

    /// The body of the answer to a form with statements; to some of them without its last row.
    pub(crate) fn answer(&self, form: &str, loses: Option<fn(&str) -> bool>) -> Vec<u8> {
        let text = form.strip_prefix("q=").expect("a form has statements");
        let text = percent_decode_str(text).decode_utf8().expect("statements are text");
        let mut body = Vec::new();
        for (id, statement) in text.split(";\n").enumerate() {
            let lost = usize::from(loses.is_some_and(|loses| loses(statement)));
            self.answer_statement(&mut body, id as u64, statement, lost);
        }
        body
    }

    fn answer_statement(&self, body: &mut Vec<u8>, id: u64, statement: &str, lost: usize) {
        let text = |text: &str| Value::String(text.to_owned());
        if statement.starts_with("SHOW RETENTION POLICIES") {
            result(body, id, "", &["name"], &[vec![Some(text("autogen"))]]);
        } else if statement.starts_with("SHOW MEASUREMENTS") {
            result(body, id, "measurements", &["name"], &[vec![Some(text("m"))]]);
        } else if statement.starts_with("SHOW TAG KEYS") {
            result(body, id, "m", &["tagKey"], &[vec![Some(text("tag"))]]);
        } else if statement.starts_with("SHOW TAG VALUES") {
            result(body, id, "m", &["key", "value"], &[vec![Some(text("tag")), Some(text("a"))]]);
        } else if statement == "SHOW SHARDS" {
            self.answer_shards(body, id);
        } else if statement.starts_with("SHOW FIELD KEYS") {
            let mut types: Vec<_> = self.seconds().map(|second| self.type_at(second)).collect();
            types.sort_unstable();
            types.dedup();
            let name = |of: &Type| format!("{of:?}").to_lowercase();
            let row = |of: &Type| vec![Some(text("f")), Some(Value::String(name(of)))];
            let rows: Vec<_> = types.iter().map(row).collect();
            result(body, id, "m", &["fieldKey", "fieldType"], &rows);
        } else if statement.starts_with("SHOW SERIES EXACT CARDINALITY") {
            result(body, id, "m", &["count"], &[vec![Some(Value::Integer(1))]]);
        } else if statement.starts_with("SHOW TAG KEYS") {
            let row = |key: &str| vec![Some(text(key))];
            result(body, id, "m", &["tagKey"], &["other", "tag"].map(row));
        } else {
            self.answer_select(body, id, statement, lost);
        }
    }

    fn answer_shards(&self, body: &mut Vec<u8>, id: u64) {
        let bounds = self.seconds().map(|second| second.div_euclid(self.group) * self.group);
        let mut bounds: Vec<_> = bounds.collect();
        bounds.dedup();
        let time = |second| {
            let time = tsm2iox_guest::time::Timestamp(second * SECOND);
            Some(Value::String(time.to_string()))
        };
        let name = |name: &str| Some(Value::String(name.to_owned()));
        let row = |start: &i64| {
            vec![name("src"), name("autogen"), time(*start), time(start + self.group)]
        };
        let rows: Vec<_> = bounds.iter().map(row).collect();
        let columns = ["database", "retention_policy", "start_time", "end_time"];
        result(body, id, "src", &columns, &rows);
    }

    /// `*::field`, counts of it or by type, the kind of a number, or the first row.
    fn answer_select(&self, body: &mut Vec<u8>, id: u64, statement: &str, lost: usize) {
        let bound = |mark: &str| {
            let text = statement.split(mark).nth(1);
            let text = text.unwrap_or_else(|| panic!("`{statement}` has no bounds"));
            text.split(' ').next().and_then(|text| text.parse::<i64>().ok()).expect("a number")
        };
        let range = bound("time >= ")..bound("time < ");
        let slice = Slice::of(self, &range);
        if statement.starts_with("SELECT count(") {
            let columns = ["time", "count", "count_1", "count_2", "count_3"];
            let mut rows = slice.counts(statement.contains("\"f\"::float"));
            rows.truncate(rows.len().saturating_sub(lost));
            return result(body, id, "m", &columns[..rows.first().map_or(1, Vec::len)], &rows);
        }
        if statement.contains("* 0 + 1000") {
            let thousand = match slice.strongest.expect("only counted slices are asked for") {
                Type::Unsigned => Value::Unsigned(1000),
                Type::Integer => Value::Integer(1000),
                Type::Float => Value::Float(1000.0),
                // `incompatible types: string and integer` (observed on InfluxDB 2.9.1).
                Type::String | Type::Boolean => panic!("only numbers have a kind"),
            };
            let row = vec![Some(Value::Integer(0)), Some(thousand)];
            return result(body, id, "m", &["time", "first"], &[row]);
        }
        let mut rows = slice.rows(statement);
        if statement.ends_with("LIMIT 1") {
            rows.truncate(1);
        }
        rows.truncate(rows.len().saturating_sub(lost));
        // In parts of three rows.
        let parts: Vec<_> = rows.chunks(3).collect();
        for (place, part) in parts.iter().enumerate() {
            let is_partial = place + 1 < parts.len();
            part_of_result(body, id, "m", Some("a"), &["time", "f"], part, is_partial);
        }
        if parts.is_empty() {
            result(body, id, "m", &["time", "f"], &[]);
        }
    }
}

/// The points of a range, as a query sees them.
struct Slice<'a> {
    tsm: &'a Tsm,
    seconds: Vec<i64>,
    /// Of the types of all groups that the range touches, even where it has no points there.
    strongest: Option<Type>,
}

impl<'a> Slice<'a> {
    fn of(tsm: &'a Tsm, range: &std::ops::Range<i64>) -> Self {
        let seconds = tsm.seconds().filter(|second| range.contains(&(second * SECOND)));
        let groups = tsm.seconds().filter(|second| {
            let group = second.div_euclid(tsm.group) * tsm.group * SECOND;
            group < range.end && range.start < group + tsm.group * SECOND
        });
        let strongest = groups.map(|second| tsm.type_at(second)).min();
        Self { tsm, seconds: seconds.collect(), strongest }
    }

    /// The seconds of the points that are read as one type, and others cast to it.
    fn read_as(&self, read: Option<Type>) -> impl Iterator<Item = i64> {
        let is_number = |of: Type| of <= Type::Unsigned;
        self.seconds.iter().copied().filter(move |second| {
            let of = self.tsm.type_at(*second);
            Some(of) == read || (is_number(of) && read.is_some_and(is_number))
        })
    }

    /// The row of `count("f")`, with the typed counts if they are asked for.
    fn counts(&self, is_typed: bool) -> Vec<Vec<Option<Value>>> {
        if self.seconds.is_empty() {
            return Vec::new();
        }
        let count = |read| {
            let count = self.read_as(read).count();
            (count > 0).then(|| Value::Integer(i64::try_from(count).expect("it is small")))
        };
        let mut row = vec![Some(Value::Integer(0)), count(self.strongest)];
        if is_typed {
            row.extend([Type::Float, Type::String, Type::Boolean].map(|of| count(Some(of))));
        }
        vec![row]
    }

    /// The rows of `*::field`, or of `"f"::type`.
    fn rows(&self, statement: &str) -> Vec<Vec<Option<Value>>> {
        let types = [("float", Type::Float), ("string", Type::String), ("boolean", Type::Boolean)];
        let asked = types.iter().find(|(of, _)| statement.contains(&format!("\"f\"::{of}")));
        let read = asked.map_or(self.strongest, |(_, of)| Some(*of));
        let row = |second: i64| {
            let value = self.tsm.value_at(second, read.expect("it has points"));
            vec![Some(Value::Integer(second * SECOND)), Some(value)]
        };
        self.read_as(read).map(row).collect()
    }
}

fn result(body: &mut Vec<u8>, id: u64, name: &str, columns: &[&str], rows: &[Vec<Option<Value>>]) {
    part_of_result(body, id, name, None, columns, rows, false);
}

/// A part of the response to a statement; without rows, it has no series.
fn part_of_result(
    body: &mut Vec<u8>,
    id: u64,
    name: &str,
    tag: Option<&str>,
    columns: &[&str],
    rows: &[Vec<Option<Value>>],
    is_partial: bool,
) {
    let is_empty = rows.is_empty();
    write_map_len(body, 1).expect(OK);
    write_str(body, "results").expect(OK);
    write_array_len(body, 1).expect(OK);
    write_map_len(body, 2 + u32::from(is_partial)).expect(OK);
    write_str(body, "statement_id").expect(OK);
    write_uint(body, id).expect(OK);
    write_str(body, "series").expect(OK);
    write_array_len(body, u32::from(!is_empty)).expect(OK);
    if !is_empty {
        write_map_len(body, 3 + u32::from(tag.is_some()) + u32::from(is_partial)).expect(OK);
        write_str(body, "name").expect(OK);
        write_str(body, name).expect(OK);
        if let Some(tag) = tag {
            write_str(body, "tags").expect(OK);
            write_map_len(body, 2).expect(OK);
            ["other", "", "tag", tag].iter().for_each(|text| write_str(body, text).expect(OK));
        }
        write_str(body, "columns").expect(OK);
        write_array_len(body, u32::try_from(columns.len()).expect("few")).expect(OK);
        columns.iter().for_each(|column| write_str(body, column).expect(OK));
        write_str(body, "values").expect(OK);
        write_array_len(body, u32::try_from(rows.len()).expect("few")).expect(OK);
        rows.iter().for_each(|row| write_row(body, row));
        write_partial(body, is_partial);
    }
    write_partial(body, is_partial);
}

fn write_partial(body: &mut Vec<u8>, is_partial: bool) {
    if is_partial {
        write_str(body, "partial").expect(OK);
        write_bool(body, true).expect(OK);
    }
}

fn write_row(body: &mut Vec<u8>, row: &[Option<Value>]) {
    write_array_len(body, u32::try_from(row.len()).expect("few")).expect(OK);
    for value in row {
        match value {
            None => write_nil(body).expect(OK),
            Some(Value::Float(value)) => write_f64(body, *value).expect(OK),
            // Large ones as InfluxDB writes them: with a sign, and not as short as they could be.
            Some(Value::Integer(value)) if *value > 127 => {
                rmp::encode::write_i64(body, *value).expect(OK);
            }
            Some(Value::Integer(value)) => drop(write_sint(body, *value).expect(OK)),
            Some(Value::Unsigned(value)) => drop(write_uint(body, *value).expect(OK)),
            Some(Value::String(value)) => write_str(body, value).expect(OK),
            Some(Value::Boolean(value)) => write_bool(body, *value).expect(OK),
        }
    }
}
