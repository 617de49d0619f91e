//! The queries by which a migration is checked; whatever else is an error, never left out.
//!
//! `SELECT time FROM "m" WHERE time >= '2022-01-01T00:00:00Z' AND time < '2022-02-01T00:00:00Z'`

use chrono::DateTime;

use super::token::{Kind, Token, tokens};

/// A query.
#[derive(Debug)]
pub(super) enum Query {
    /// The columns of all tables.
    Columns,
    /// `SELECT date_bin(…) AS slice, count("f") AS c0 …`
    Counts(Counts),
    /// `SELECT * …`, `SELECT time …`
    Rows(Rows),
}

/// How many values are in which slice of time.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) table: String,
    /// Nanoseconds.
    pub(super) stride: i64,
    /// How the column of times is called.
    pub(super) slice: String,
    /// Each column, and how its count is called.
    pub(super) columns: Vec<(String, String)>,
    pub(super) range: Range,
}

/// Which rows are read.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) table: String,
    /// Whether nothing but the column `time` is.
    pub(super) time_alone: bool,
    pub(super) range: Range,
    pub(super) limit: Option<usize>,
}

/// From a time up to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) start: i64,
    pub(super) stop: i64,
}

/// The first time that a text can stand for: 1677-09-21T00:12:44Z.
const TIME_MIN: i64 = -9_223_372_036_000_000_000;

/// What is read of the columns of all tables, word by word.
const COLUMNS: &[&str] = &[
    "table_name",
    ",",
    "column_name",
    ",",
    "data_type",
    "FROM",
    "information_schema",
    ".",
    "columns",
    "WHERE",
    "table_schema",
    "=",
    "'iox'",
    "ORDER",
    "BY",
    "table_name",
    ",",
    "column_name",
];

/// Reads a query. The error is that of the server's parser.
pub(super) fn query(script: &str) -> Result<Query, String> {
    let tokens = tokens(script).map_err(|error| format!("TokenizerError({error:?})"))?;
    statement(tokens).map_err(|error| format!("ParserError({error:?})"))
}

fn statement(tokens: Vec<Token>) -> Result<Query, String> {
    let mut parser = Parser { tokens, next: 0 };
    if !parser.takes("SELECT") {
        return Err(parser.expected("an SQL statement"));
    }
    let query = match &parser.peek().kind {
        Kind::Word(word) if word == "table_name" => {
            COLUMNS.iter().try_for_each(|word| parser.word(word))?;
            Query::Columns
        }
        Kind::Word(word) if word == "date_bin" => Query::Counts(parser.counts()?),
        _ => Query::Rows(parser.rows()?),
    };
    while parser.takes(";") {}
    if parser.peek().kind == Kind::End {
        Ok(query)
    } else {
        Err(parser.expected("end of statement"))
    }
}

/// A name as an error has it: in quotes where it needs them.
pub(super) fn quoted(name: &str) -> String {
    let is_plain = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_');
    if name.chars().all(is_plain) && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

struct Parser {
    // Invariant: the last one is `Kind::End`, and `next` is never beyond it.
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn counts(&mut self) -> Result<Counts, String> {
        ["date_bin", "(", "INTERVAL"].iter().try_for_each(|word| self.word(word))?;
        let stride = self.stride()?;
        [",", "time", ")", "AS"].iter().try_for_each(|word| self.word(word))?;
        let slice = self.name()?;
        let mut columns = Vec::new();
        while self.takes(",") {
            ["count", "("].iter().try_for_each(|word| self.word(word))?;
            let column = self.name()?;
            [")", "AS"].iter().try_for_each(|word| self.word(word))?;
            columns.push((column, self.name()?));
        }
        let (table, range) = self.source()?;
        let end = ["GROUP", "BY", "1", "ORDER", "BY", "1"];
        end.iter().try_for_each(|word| self.word(word))?;
        Ok(Counts { table, stride, slice, columns, range })
    }

    /// `'86400 seconds'` in nanoseconds.
    fn stride(&mut self) -> Result<i64, String> {
        let Kind::Text(text) = &self.peek().kind else { return Err(self.expected("an interval")) };
        let (number, unit) = text.split_once(' ').unwrap_or_default();
        let unit = match unit {
            "second" | "seconds" => 1_000_000_000,
            "nanosecond" | "nanoseconds" => 1,
            _ => return Err(self.expected("an interval of seconds or nanoseconds")),
        };
        let stride = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
        let stride = stride.filter(|stride| *stride > 0);
        let stride = stride.ok_or_else(|| self.expected("an interval that 64 bits hold"))?;
        self.next += 1;
        Ok(stride)
    }

    fn rows(&mut self) -> Result<Rows, String> {
        let time_alone = self.takes("time");
        if !time_alone {
            self.word("*")?;
        }
        let (table, range) = self.source()?;
        let limit = if self.takes("LIMIT") { Some(self.number()?) } else { None };
        Ok(Rows { table, time_alone, range, limit })
    }

    /// `FROM "m" WHERE time >= '…' AND time < '…'`, or without a start.
    fn source(&mut self) -> Result<(String, Range), String> {
        self.word("FROM")?;
        let table = self.name()?;
        ["WHERE", "time"].iter().try_for_each(|word| self.word(word))?;
        let mut start = i64::MIN;
        if self.takes(">=") {
            start = self.time()?;
            ["AND", "time"].iter().try_for_each(|word| self.word(word))?;
        }
        self.word("<")?;
        let stop = self.time()?;
        Ok((table, Range { start, stop }))
    }

    /// A time. One that the server cannot make of a text breaks its answer off, be it one that a
    /// point can have (observed on 3.6.0): here the query is refused.
    fn time(&mut self) -> Result<i64, String> {
        let Kind::Text(text) = &self.peek().kind else { return Err(self.expected("a time")) };
        let time = DateTime::parse_from_rfc3339(text).ok();
        let time = time.and_then(|time| time.timestamp_nanos_opt());
        let time = time.filter(|time| *time >= TIME_MIN);
        let time = time.ok_or_else(|| self.expected("a time that 64 bits hold"))?;
        self.next += 1;
        Ok(time)
    }

    fn number(&mut self) -> Result<usize, String> {
        let Kind::Number(digits) = &self.peek().kind else { return Err(self.expected("a number")) };
        let number = digits.parse().map_err(|_| self.expected("a number"))?;
        self.next += 1;
        Ok(number)
    }

    /// A name: as it is in quotes, in small letters without.
    fn name(&mut self) -> Result<String, String> {
        let name = match &self.peek().kind {
            Kind::Name(name) => name.clone(),
            Kind::Word(name) => name.to_lowercase(),
            _ => return Err(self.expected("identifier")),
        };
        self.next += 1;
        Ok(name)
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next]
    }

    /// A word, a symbol or a number, whatever its case; a text in its quotes.
    fn takes(&mut self, word: &str) -> bool {
        let is_next = match &self.peek().kind {
            Kind::Word(next) | Kind::Symbol(next) | Kind::Number(next) => {
                next.eq_ignore_ascii_case(word)
            }
            Kind::Text(text) => format!("'{text}'") == word,
            Kind::Name(_) | Kind::End => false,
        };
        self.next += usize::from(is_next);
        is_next
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        if self.takes(word) { Ok(()) } else { Err(self.expected(word)) }
    }

    fn expected(&self, expected: &str) -> String {
        format!("Expected: {expected}, found: {}", self.peek())
    }
}
