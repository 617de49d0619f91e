//! The function of a filter: comparisons of tags with strings, joined by `and`, `or` and `not`.
//!
//! `(r) => r._measurement == "batches" and r["dstOrg"] == "o"`

use super::Parser;
use super::token::{Fault, Kind};
use crate::influx::points::Series;

/// What a filter asks of a series and a field.
#[derive(Debug)]
pub(in crate::influx) enum Predicate {
    /// A column equals a text.
    Equal(String, String),
    /// A column does not equal a text.
    Unequal(String, String),
    /// It does not hold.
    Not(Box<Self>),
    /// Both hold.
    And(Box<Self>, Box<Self>),
    /// At least one holds.
    Or(Box<Self>, Box<Self>),
}

impl Predicate {
    /// Whether it holds for the values of a field; `None` where a column is missing, which
    /// compares with nothing.
    pub(in crate::influx) fn holds(&self, series: &Series, field: &str) -> Option<bool> {
        match self {
            Self::Equal(column, text) => Some(value(series, field, column)? == text),
            Self::Unequal(column, text) => Some(value(series, field, column)? != text),
            Self::Not(inner) => inner.holds(series, field).map(|holds| !holds),
            Self::And(one, two) => match (one.holds(series, field), two.holds(series, field)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (one, two) => Some(one? && two?),
            },
            Self::Or(one, two) => match (one.holds(series, field), two.holds(series, field)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (one, two) => Some(one? || two?),
            },
        }
    }
}

fn value<'a>(series: &'a Series, field: &'a str, column: &str) -> Option<&'a str> {
    match column {
        "_measurement" => Some(&series.measurement),
        "_field" => Some(field),
        tag => series.tag(tag),
    }
}

/// Reads `(r) => …`.
pub(super) fn predicate(parser: &mut Parser) -> Result<Predicate, Fault> {
    parser.symbol("(")?;
    let row = parser.name()?;
    parser.symbol(")")?;
    parser.symbol("=>")?;
    either(parser, &row)
}

fn either(parser: &mut Parser, row: &str) -> Result<Predicate, Fault> {
    let mut predicate = both(parser, row)?;
    while parser.peek() == &Kind::Name("or".to_owned()) {
        parser.advance();
        predicate = Predicate::Or(Box::new(predicate), Box::new(both(parser, row)?));
    }
    Ok(predicate)
}

fn both(parser: &mut Parser, row: &str) -> Result<Predicate, Fault> {
    let mut predicate = single(parser, row)?;
    while parser.peek() == &Kind::Name("and".to_owned()) {
        parser.advance();
        predicate = Predicate::And(Box::new(predicate), Box::new(single(parser, row)?));
    }
    Ok(predicate)
}

fn single(parser: &mut Parser, row: &str) -> Result<Predicate, Fault> {
    match parser.advance() {
        Kind::Symbol("(") => {
            let predicate = either(parser, row)?;
            parser.symbol(")")?;
            Ok(predicate)
        }
        Kind::Name(name) if name == "not" => Ok(Predicate::Not(Box::new(single(parser, row)?))),
        Kind::Name(name) if name == row => comparison(parser),
        other => Err(parser.fault(format!("expected a column of {row}, got {other:?}"))),
    }
}

fn comparison(parser: &mut Parser) -> Result<Predicate, Fault> {
    let column = match parser.advance() {
        Kind::Symbol(".") => parser.name()?,
        Kind::Symbol("[") => {
            let column = parser.text()?;
            parser.symbol("]")?;
            column
        }
        other => return Err(parser.fault(format!("expected a column, got {other:?}"))),
    };
    if ["_time", "_start", "_stop", "_value"].contains(&column.as_str()) {
        return Err(parser.fault(format!("a filter by {column} is not known to the fake")));
    }
    match parser.advance() {
        Kind::Symbol("==") => Ok(Predicate::Equal(column, parser.text()?)),
        Kind::Symbol("!=") => Ok(Predicate::Unequal(column, parser.text()?)),
        other => Err(parser.fault(format!("expected a comparison, got {other:?}"))),
    }
}
