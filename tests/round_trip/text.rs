//! Points as files of line protocol hold them, in one of the manners that there are.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::sample::select;
use support::influx::{Fields, Points, Series, Value};

/// How a file is laid out.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    order: Order,
    /// `t`, `T`, `true` and so on.
    truth: &'static str,
    falsehood: &'static str,
    float: Float,
    tags_reversed: bool,
    line_end: &'static str,
    has_comments: bool,
}

/// What follows what in a series.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// A point is a line.
    Point,
    /// As exports: all values of a field, then those of the next, each a line.
    Field,
    /// The last time first, each field a line.
    Backwards,
}

#[derive(Clone, Copy, Debug)]
enum Float {
    Decimal,
    Exponent,
}

/// Random ones.
pub(crate) fn layout() -> impl Strategy<Value = Layout> {
    let order = select(vec![Order::Point, Order::Field, Order::Backwards]);
    let booleans =
        [("t", "f"), ("T", "F"), ("true", "false"), ("True", "False"), ("TRUE", "FALSE")];
    let float = select(vec![Float::Decimal, Float::Exponent]);
    let line_end = select(vec!["\n", "\r\n", "\n\n"]);
    (order, select(booleans.to_vec()), float, any::<bool>(), line_end, any::<bool>()).prop_map(
        |(order, (truth, falsehood), float, tags_reversed, line_end, has_comments)| Layout {
            order,
            truth,
            falsehood,
            float,
            tags_reversed,
            line_end,
            has_comments,
        },
    )
}

impl Layout {
    pub(crate) fn write(&self, points: &Points) -> String {
        let mut file = String::new();
        if self.has_comments {
            file.push_str("# DDL\nCREATE DATABASE a WITH NAME b\n# DML\n# CONTEXT-DATABASE:a\n");
        }
        for (series, times) in points.series() {
            if self.has_comments {
                file.push_str("# it's \"new\"\n");
            }
            let key = self.series(series);
            let fields: Vec<_> = times.values().flat_map(Fields::keys).collect();
            match self.order {
                Order::Point => {
                    for (time, fields) in times {
                        let all = fields.iter().map(|(field, value)| self.field(field, value));
                        self.push(&mut file, &key, &all.collect::<Vec<_>>().join(","), *time);
                    }
                }
                Order::Field => {
                    let mut fields = fields;
                    fields.sort_unstable();
                    fields.dedup();
                    for field in fields {
                        for (time, values) in times {
                            if let Some(value) = values.get(field) {
                                self.push(&mut file, &key, &self.field(field, value), *time);
                            }
                        }
                    }
                }
                Order::Backwards => {
                    for (time, fields) in times.iter().rev() {
                        for (field, value) in fields {
                            self.push(&mut file, &key, &self.field(field, value), *time);
                        }
                    }
                }
            }
        }
        file
    }

    fn push(&self, file: &mut String, series: &str, fields: &str, time: i64) {
        let end = self.line_end;
        write!(file, "{series} {fields} {time}{end}").expect("a string takes all");
    }

    fn series(&self, series: &Series) -> String {
        let mut key = escaped(&series.measurement, ", ");
        let mut tags = series.tags().to_vec();
        if self.tags_reversed {
            tags.reverse();
        }
        for (tag, value) in tags {
            key = key + "," + &escaped(&tag, ",= ") + "=" + &escaped(&value, ",= ");
        }
        key
    }

    fn field(&self, key: &str, value: &Value) -> String {
        let text = match value {
            Value::Float(value) => match self.float {
                Float::Decimal => value.to_string(),
                Float::Exponent => format!("{value:e}"),
            },
            Value::Integer(value) => format!("{value}i"),
            Value::Unsigned(value) => format!("{value}u"),
            Value::Boolean(true) => self.truth.to_owned(),
            Value::Boolean(false) => self.falsehood.to_owned(),
            Value::String(text) => format!("\"{}\"", escaped(text, "\"\\")),
        };
        escaped(key, ",= ") + "=" + &text
    }
}

fn escaped(text: &str, special: &str) -> String {
    let escape = |character: char| match special.contains(character) {
        true => format!("\\{character}"),
        false => character.to_string(),
    };
    text.chars().map(escape).collect()
}
