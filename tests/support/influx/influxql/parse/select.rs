//! `SELECT`: which fields of which points, as rows or as counts.
//!
//! `SELECT count("f") FROM "m" WHERE time >= 0 AND time < 10 GROUP BY time(5ns) fill(none)`

use super::{EXPRESSION, Parser};
use crate::influx::influxql::token::Kind;
use crate::influx::points::Type;

/// What is read of a measurement.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::influx::influxql) struct Select {
    pub(in crate::influx::influxql) columns: Columns,
    pub(in crate::influx::influxql) database: String,
    pub(in crate::influx::influxql) policy: String,
    pub(in crate::influx::influxql) measurement: String,
    /// The first time. More than an `i64` holds is an error when it is executed.
    pub(in crate::influx::influxql) start: i128,
    /// The time after the last one.
    pub(in crate::influx::influxql) stop: i128,
    /// Tags and their values; all have to hold.
    pub(in crate::influx::influxql) tags: Vec<(String, String)>,
    /// Fields of which one at least has to hold a carriage return, if there are any.
    pub(in crate::influx::influxql) patterns: Vec<Pattern>,
}

/// What is asked of the points.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::influx::influxql) enum Columns {
    /// All rows of these: `GROUP BY *`.
    Series(Fields),
    /// The first row of these: `LIMIT 1`.
    First(Fields),
    /// The last row of these: `ORDER BY time DESC LIMIT 1`.
    Last(Fields),
    /// `count("f"), count("f"::float) AS "c1"`, and in slices of how many nanoseconds.
    Counts(Vec<Count>, Option<i64>),
    /// `count(*::field)`: of all that the range knows.
    CountAll,
    /// `first("f") * 0 + 1000`: a number of the type that the field is read as.
    Kind(String),
}

/// Which fields are read, and as what.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::influx::influxql) enum Fields {
    /// `*::field`, `*`: all that the range knows, each as its strongest type.
    All,
    /// `"f"::float, "g"::string`
    Of(Vec<(String, Type)>),
}

/// `count("f"::float) AS "c0"`
#[derive(Debug, PartialEq, Eq)]
pub(in crate::influx::influxql) struct Count {
    pub(in crate::influx::influxql) field: String,
    pub(in crate::influx::influxql) read: Option<Type>,
    pub(in crate::influx::influxql) alias: Option<String>,
}

/// `"f"::string =~ /\r/`
#[derive(Debug, PartialEq, Eq)]
pub(in crate::influx::influxql) struct Pattern {
    pub(in crate::influx::influxql) field: String,
    pub(in crate::influx::influxql) read: Option<Type>,
}

/// What may stand after `::`.
const TYPES: &str = "float, integer, unsigned, string, boolean, field, tag";
/// The units of durations in nanoseconds.
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("u", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

impl Parser {
    pub(super) fn select(&mut self) -> Result<Select, String> {
        let columns = self.columns()?;
        self.word("FROM")?;
        let (database, policy, measurement) = self.source()?;
        self.word("WHERE")?;
        let start = self.bound(">=")?;
        self.word("AND")?;
        let stop = self.bound("<")?;
        let (mut tags, mut patterns) = (Vec::new(), Vec::new());
        while self.takes_word("AND") {
            self.condition(&mut tags, &mut patterns)?;
        }
        let columns = match columns {
            Columns::Series(fields) => self.extent(fields)?,
            Columns::Counts(counts, _) => Columns::Counts(counts, self.slices()?),
            others => others,
        };
        Ok(Select { columns, database, policy, measurement, start, stop, tags, patterns })
    }

    /// `"db"."rp"."m"`, and what the request says of what is left out.
    fn source(&mut self) -> Result<(String, String, String), String> {
        let mut names = vec![self.name()?];
        while names.len() < 3 && self.takes(".") {
            names.push(self.name()?);
        }
        let measurement = names.pop().expect("one has been read");
        let policy = names.pop().unwrap_or_else(|| self.defaults.policy.clone());
        let database = names.pop().unwrap_or_else(|| self.defaults.database.clone());
        Ok((database, policy, measurement))
    }

    /// All rows, the first one, or the last one.
    fn extent(&mut self, fields: Fields) -> Result<Columns, String> {
        if self.takes_word("GROUP") {
            self.word("BY")?;
            self.symbol("*")?;
            return Ok(Columns::Series(fields));
        }
        let is_last = self.takes_word("ORDER");
        if is_last {
            ["BY", "time", "DESC"].iter().try_for_each(|word| self.word(word))?;
        }
        self.word("LIMIT")?;
        self.integer("1")?;
        Ok(if is_last { Columns::Last(fields) } else { Columns::First(fields) })
    }

    /// `GROUP BY time(86400s) fill(none)`, or nothing.
    fn slices(&mut self) -> Result<Option<i64>, String> {
        if !self.takes_word("GROUP") {
            return Ok(None);
        }
        self.word("BY")?;
        self.word("time")?;
        self.symbol("(")?;
        let length = self.duration()?;
        self.symbol(")")?;
        self.word("fill")?;
        self.symbol("(")?;
        self.word("none")?;
        self.symbol(")")?;
        Ok(Some(length))
    }

    fn duration(&mut self) -> Result<i64, String> {
        let Kind::Integer(digits) = self.peek() else { return Err(self.expected("duration")) };
        let number = digits.parse::<i64>().map_err(|_| "invalid duration")?;
        self.next += 1;
        let unit = UNITS.iter().find(|(unit, _)| self.takes_word(unit));
        let (_, unit) = unit.ok_or("invalid duration")?;
        let length = number.checked_mul(*unit).filter(|length| *length > 0);
        length.ok_or_else(|| "invalid duration".to_owned())
    }

    /// What stands before `FROM`; rows are those of all series until it is said.
    fn columns(&mut self) -> Result<Columns, String> {
        if self.takes("*") {
            if self.takes("::") && !self.takes_word("field") {
                return Err(self.expected("field, tag"));
            }
            return Ok(Columns::Series(Fields::All));
        }
        if self.takes_word("first") {
            return self.kind();
        }
        if self.peek().is("count") {
            return self.counts();
        }
        let mut fields: Vec<(String, Type)> = Vec::new();
        loop {
            let Kind::Name(field) = self.peek() else { return Err(self.expected(EXPRESSION)) };
            // The server would call the second one `f_1`, or what else is free.
            if fields.iter().any(|(other, _)| other == field) {
                return Err(format!("the fake reads a field once, at {}", self.place()));
            }
            let field = self.name()?;
            self.symbol("::")?;
            fields.push((field, self.value_type()?));
            if !self.takes(",") {
                return Ok(Columns::Series(Fields::Of(fields)));
            }
        }
    }

    fn counts(&mut self) -> Result<Columns, String> {
        let mut counts = Vec::new();
        loop {
            self.word("count")?;
            self.symbol("(")?;
            if counts.is_empty() && self.takes("*") {
                self.symbol("::")?;
                self.word("field")?;
                self.symbol(")")?;
                return Ok(Columns::CountAll);
            }
            let field = self.name()?;
            let is_typed = self.takes("::") && !self.takes_word("field");
            let read = if is_typed { Some(self.value_type()?) } else { None };
            self.symbol(")")?;
            let alias = if self.takes_word("AS") { Some(self.name()?) } else { None };
            counts.push(Count { field, read, alias });
            if !self.takes(",") {
                return Ok(Columns::Counts(counts, None));
            }
        }
    }

    fn kind(&mut self) -> Result<Columns, String> {
        self.symbol("(")?;
        let field = self.name()?;
        self.symbol(")")?;
        self.symbol("*")?;
        self.integer("0")?;
        self.symbol("+")?;
        self.integer("1000")?;
        Ok(Columns::Kind(field))
    }

    fn named_type(&mut self) -> Result<Option<Type>, String> {
        if self.takes("::") { self.value_type().map(Some) } else { Ok(None) }
    }

    fn value_type(&mut self) -> Result<Type, String> {
        let types = [Type::Float, Type::Integer, Type::Unsigned, Type::String, Type::Boolean];
        let named = types.into_iter().find(|value_type| self.takes_word(value_type.name()));
        named.ok_or_else(|| self.expected(TYPES))
    }

    fn bound(&mut self, comparison: &'static str) -> Result<i128, String> {
        self.word("time")?;
        self.symbol(comparison)?;
        let is_negative = self.takes("-");
        let Kind::Integer(digits) = self.peek() else { return Err(self.expected(EXPRESSION)) };
        let value = digits.parse::<u64>();
        let unreadable = || format!("unable to parse integer at {}", self.place());
        let value = i128::from(value.map_err(|_| unreadable())?);
        let value = if is_negative { -value } else { value };
        if value < i128::from(i64::MIN) {
            return Err(format!("constant {value} underflows int64"));
        }
        self.next += 1;
        Ok(value)
    }

    /// `("t" = 'a' AND u = 'b')`, `"f" =~ /\r/`, `("f"::string =~ /\r/ OR "g" =~ /\r/)`
    fn condition(
        &mut self,
        tags: &mut Vec<(String, String)>,
        patterns: &mut Vec<Pattern>,
    ) -> Result<(), String> {
        let has_parentheses = self.takes("(");
        if !patterns.is_empty() {
            return Err(format!("the fake looks once for carriage returns, at {}", self.place()));
        }
        let mut joined_by = if has_parentheses { None } else { Some("") };
        loop {
            let key = match self.peek() {
                Kind::Name(key) | Kind::Word(key) => key.clone(),
                _ => return Err(self.expected(EXPRESSION)),
            };
            self.next += 1;
            let read = self.named_type()?;
            let joint = if has_parentheses && read.is_none() && self.takes("=") {
                let Kind::Text(value) = self.peek() else { return Err(self.expected("string")) };
                tags.push((key, value.clone()));
                self.next += 1;
                "AND"
            } else {
                self.symbol("=~")?;
                self.symbol(CARRIAGE_RETURN)?;
                patterns.push(Pattern { field: key, read });
                "OR"
            };
            if *joined_by.get_or_insert(joint) != joint || !self.takes_word(joint) {
                break;
            }
        }
        if has_parentheses { self.symbol(")") } else { Ok(()) }
    }
}

/// The only regular expression that fields are compared with.
const CARRIAGE_RETURN: &str = r"/\r/";
