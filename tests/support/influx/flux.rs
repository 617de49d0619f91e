//! As much of Flux as a migration asks: `from`, `range`, `filter`, the earliest time and counts.
//!
//! Knows no points. `from(bucket: "b") |> range(start: 2022-01-01T00:00:00Z)` is a query;
//! whatever is not understood is an error, never left out.

mod predicate;
mod token;

use predicate::predicate;
use token::{Fault, Kind, Token, tokens};

pub(super) use predicate::Predicate;

/// A query that is understood.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) bucket: String,
    pub(super) start: i64,
    /// Without one it is now.
    pub(super) stop: Option<i64>,
    pub(super) filters: Vec<Predicate>,
    pub(super) answer: Answer,
    /// What its result is called: `yield(name: "0")`, and `_result` without.
    pub(super) result: String,
}

/// What is asked of the points.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All of them.
    Points,
    /// The time of the first: `first() |> keep(columns: ["_time"]) |> min(column: "_time")`.
    Earliest,
    /// The time of the last: `last() |> keep(columns: ["_time"]) |> max(column: "_time")`.
    Latest,
    /// Their number by these columns: `group(columns: ["_measurement", "_field"]) |> count()`.
    Counts(Vec<String>),
    /// Their number: `group(columns: ["_measurement", "_field"]) |> count() |> group() |> sum() |>
    /// keep(columns: ["_value"])`.
    Count,
    /// The measurements: `keep(columns: ["_measurement"]) |> group() |> distinct(column: "_measurement") |>
    /// limit(n: 100000)`.
    Measurements,
}

/// Reads queries. The error is a message as the server gives it: place and reason.
pub(super) fn parse(script: &str) -> Result<Vec<Query>, String> {
    let parsed = tokens(script).and_then(|tokens| Parser { tokens, next: 0 }.queries());
    parsed.map_err(|Fault { start, end, message }| {
        let (from_line, from_column) = position(script, start);
        let (to_line, to_column) = position(script, end);
        format!("error @{from_line}:{from_column}-{to_line}:{to_column}: {message}")
    })
}

/// Line and column, both counted from 1.
fn position(script: &str, at: usize) -> (usize, usize) {
    let before = &script[..at];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, at - line_start + 1)
}

struct Parser {
    // Invariant: the last one is `Kind::End`, and `next` is never beyond it.
    tokens: Vec<Token>,
    next: usize,
}

/// A stage of the pipeline.
enum Stage {
    From(String),
    Range(i64, Option<i64>),
    Filter(Predicate),
    First,
    Last,
    KeepTime,
    KeepMeasurement,
    KeepValue,
    MinTime,
    MaxTime,
    Sum,
    Group(Vec<String>),
    Count,
    DistinctMeasurement,
    Limit,
    Yield(String),
}

impl Parser {
    fn queries(mut self) -> Result<Vec<Query>, Fault> {
        let mut queries = vec![self.query()?];
        while self.peek() != &Kind::End {
            queries.push(self.query()?);
        }
        Ok(queries)
    }

    fn query(&mut self) -> Result<Query, Fault> {
        let first = self.next;
        let Stage::From(bucket) = self.stage()? else {
            return Err(self.fault_at(first, "the first stage is not `from`"));
        };
        self.symbol("|>")?;
        let Stage::Range(start, stop) = self.stage()? else {
            return Err(self.fault_at(first, "cannot submit unbounded read"));
        };
        let mut filters = Vec::new();
        let mut last = Vec::new();
        let mut result = None;
        while self.peek() == &Kind::Symbol("|>") && result.is_none() {
            self.symbol("|>")?;
            match self.stage()? {
                Stage::Filter(filter) if last.is_empty() => filters.push(filter),
                Stage::Yield(name) => result = Some(name),
                stage => last.push(stage),
            }
        }
        let answer = match &last[..] {
            [] => Answer::Points,
            [Stage::First, Stage::KeepTime, Stage::MinTime] => Answer::Earliest,
            [Stage::Last, Stage::KeepTime, Stage::MaxTime] => Answer::Latest,
            [Stage::Group(columns), Stage::Count] => Answer::Counts(columns.clone()),
            [
                Stage::Group(by),
                Stage::Count,
                Stage::Group(together),
                Stage::Sum,
                Stage::KeepValue,
            ] if *by == ["_measurement", "_field"] && together.is_empty() => Answer::Count,
            [
                Stage::KeepMeasurement,
                Stage::Group(columns),
                Stage::DistinctMeasurement,
                Stage::Limit,
            ] if columns.is_empty() => Answer::Measurements,
            _ => return Err(self.fault_at(first, "this order of stages is not known to the fake")),
        };
        let result = result.unwrap_or_else(|| "_result".to_owned());
        Ok(Query { bucket, start, stop, filters, answer, result })
    }

    fn stage(&mut self) -> Result<Stage, Fault> {
        let first = self.next;
        let name = self.name()?;
        self.symbol("(")?;
        let stage = match name.as_str() {
            "from" => Stage::From(self.text_argument("bucket")?),
            "range" => self.range()?,
            "filter" => {
                self.argument("fn")?;
                Stage::Filter(predicate(self)?)
            }
            "first" => Stage::First,
            "last" => Stage::Last,
            "keep" => {
                self.argument("columns")?;
                self.symbol("[")?;
                let stage = if self.peek() == &Kind::Text("_measurement".to_owned()) {
                    self.advance();
                    Stage::KeepMeasurement
                } else if self.peek() == &Kind::Text("_value".to_owned()) {
                    self.advance();
                    Stage::KeepValue
                } else {
                    self.time_column()?;
                    Stage::KeepTime
                };
                self.symbol("]")?;
                stage
            }
            "min" | "max" => {
                self.argument("column")?;
                self.time_column()?;
                if name == "min" { Stage::MinTime } else { Stage::MaxTime }
            }
            "group" if self.peek() == &Kind::Symbol(")") => Stage::Group(Vec::new()),
            "distinct" if self.text_argument("column")? == "_measurement" => {
                Stage::DistinctMeasurement
            }
            "limit" => {
                self.argument("n")?;
                match self.advance() {
                    Kind::Number(_) => Stage::Limit,
                    other => return Err(self.fault(format!("expected a number, got {other:?}"))),
                }
            }
            "group" => {
                self.argument("columns")?;
                Stage::Group(self.group_columns()?)
            }
            "count" => Stage::Count,
            "sum" => Stage::Sum,
            "yield" => Stage::Yield(self.text_argument("name")?),
            other => {
                return Err(self.fault_at(first, format!("undefined identifier {other}")));
            }
        };
        if self.peek() == &Kind::End {
            // The server blames the whole call.
            return Err(self.fault_at(first, "expected RPAREN, got EOF"));
        }
        self.symbol(")")?;
        Ok(stage)
    }

    fn range(&mut self) -> Result<Stage, Fault> {
        self.argument("start")?;
        let start = self.time()?;
        if self.peek() != &Kind::Symbol(",") {
            return Ok(Stage::Range(start, None));
        }
        self.symbol(",")?;
        self.argument("stop")?;
        Ok(Stage::Range(start, Some(self.time()?)))
    }

    fn time_column(&mut self) -> Result<(), Fault> {
        match self.text()?.as_str() {
            "_time" => Ok(()),
            other => Err(self.fault(format!("column {other:?} is not known to the fake"))),
        }
    }

    /// `["_measurement", "_field"]`
    fn group_columns(&mut self) -> Result<Vec<String>, Fault> {
        self.symbol("[")?;
        let mut columns = Vec::new();
        loop {
            let column = self.text()?;
            if !["_measurement", "_field"].contains(&column.as_str()) {
                return Err(self.fault(format!("a group by {column} is not known to the fake")));
            }
            columns.push(column);
            if self.peek() != &Kind::Symbol(",") {
                self.symbol("]")?;
                return Ok(columns);
            }
            self.symbol(",")?;
        }
    }

    fn argument(&mut self, name: &str) -> Result<(), Fault> {
        let found = self.name()?;
        if found != name {
            return Err(self.fault(format!("found unexpected argument {found}")));
        }
        self.symbol(":")
    }

    fn text_argument(&mut self, name: &str) -> Result<String, Fault> {
        self.argument(name)?;
        self.text()
    }

    fn peek(&self) -> &Kind {
        &self.tokens[self.next].kind
    }

    fn advance(&mut self) -> Kind {
        let kind = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        kind
    }

    fn name(&mut self) -> Result<String, Fault> {
        match self.advance() {
            Kind::Name(name) => Ok(name),
            other => Err(self.fault(format!("expected a name, got {other:?}"))),
        }
    }

    fn text(&mut self) -> Result<String, Fault> {
        match self.advance() {
            Kind::Text(text) => Ok(text),
            other => Err(self.fault(format!("expected a string, got {other:?}"))),
        }
    }

    fn time(&mut self) -> Result<i64, Fault> {
        match self.advance() {
            Kind::Time(time) => Ok(time),
            other => Err(self.fault(format!("expected a time, got {other:?}"))),
        }
    }

    fn symbol(&mut self, symbol: &'static str) -> Result<(), Fault> {
        match self.advance() {
            Kind::Symbol(found) if found == symbol => Ok(()),
            other => Err(self.fault(format!("expected {symbol}, got {other:?}"))),
        }
    }

    /// A fault of the word before the next one.
    fn fault(&self, message: impl Into<String>) -> Fault {
        self.fault_at(self.next.saturating_sub(1), message)
    }

    /// A fault from this word to the next one.
    fn fault_at(&self, first: usize, message: impl Into<String>) -> Fault {
        let (start, end) = (self.tokens[first].start, self.tokens[self.next].end);
        Fault { start, end, message: message.into() }
    }
}
