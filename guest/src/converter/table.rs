//! The rows of small InfluxQL responses, such as those to `SHOW FIELD KEYS`, held as they are.
//!
//! Does not know what the columns are.

use super::error::ErrorKind;
use super::influxql::{Results, Rows, Series};
use super::msgpack::{Token, Tokens};
use crate::error::Error;

/// The rows of a series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// To which statement they belong, counted from 0.
    pub(crate) statement: usize,
    /// A measurement, mostly; empty where the series has no name.
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Nil,
    Integer(i64),
    Unsigned(u64),
    Text(String),
    /// A value that no such response is asked for.
    Other,
}

/// Reads a whole response to so many statements.
pub(crate) fn tables(response: &[u8], statements: usize) -> Result<Vec<Table>, Error> {
    let (mut results, mut tables) = (Results::default(), Tables(Vec::new()));
    results.push(response, &mut tables)?;
    results.end(Some(statements as u64))?;
    Ok(tables.0)
}

/// What a response says that is `{"error": …}` alone, in MessagePack.
pub(crate) fn message_of(mut response: &[u8]) -> Option<String> {
    let mut tokens = Tokens::default();
    let mut next = |expected: &dyn Fn(Token<'_>) -> Option<String>| {
        tokens.next(&mut response).ok().flatten().and_then(expected)
    };
    let text = |token: Token<'_>| match token {
        Token::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    next(&|token| (token == Token::Map(1)).then(String::new))?;
    next(&text).filter(|key| key == "error")?;
    next(&text)
}

struct Tables(Vec<Table>);

impl Rows for Tables {
    fn begin_series(&mut self, statement: usize, series: &Series) -> Result<(), ErrorKind> {
        let (name, columns) = (series.name.clone(), series.columns.clone());
        self.0.push(Table { statement, name, columns, rows: Vec::new() });
        Ok(())
    }

    fn push_value(&mut self, column: usize, value: Token<'_>) -> Result<(), ErrorKind> {
        let Some(table) = self.0.last_mut() else { return Ok(()) };
        if column == 0 {
            table.rows.push(Vec::new());
        }
        let cell = match value {
            Token::Nil => Cell::Nil,
            Token::Small(number) => Cell::Integer(number.into()),
            Token::Integer(number) => Cell::Integer(number),
            Token::Unsigned(number) => Cell::Unsigned(number),
            Token::Text(text) => match str::from_utf8(text) {
                Ok(text) => Cell::Text(text.to_owned()),
                Err(_) => return Err(ErrorKind::NotUtf8),
            },
            Token::Boolean(_)
            | Token::Float(_)
            | Token::List(_)
            | Token::Map(_)
            | Token::Extension => Cell::Other,
        };
        table.rows.last_mut().into_iter().for_each(|row| row.push(cell.clone()));
        Ok(())
    }

    fn end_row(&mut self) {}

    fn end_statement(&mut self, _statement: usize) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Table {
    /// The place of a column.
    fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|other| other == column)
    }

    /// The texts of some columns, row by row; rows that lack one are left out.
    pub(crate) fn texts<const N: usize>(&self, columns: [&str; N]) -> Vec<[&str; N]> {
        let places = columns.map(|column| self.place(column));
        let text = |row: &'_ Vec<Cell>, place: Option<usize>| match row.get(place?) {
            Some(Cell::Text(_)) => place,
            _ => None,
        };
        let rows = self.rows.iter().filter(|row| places.iter().all(|p| text(row, *p).is_some()));
        rows.map(|row| {
            places.map(|place| match place.and_then(|place| row.get(place)) {
                Some(Cell::Text(text)) => text.as_str(),
                _ => "",
            })
        })
        .collect()
    }
}
