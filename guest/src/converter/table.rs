//! The rows of small InfluxQL responses, such as those to `SHOW FIELD KEYS`, held as they are.
//!
//! Does not know what the columns are.

use super::error::{ConversionError, ErrorKind};
use super::influxql::{Results, Rows, Series};
use super::msgpack::{Token, Tokens};
use super::parts::text;
use crate::error::{Error, Fault};

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
    /// Whichever.
    Float,
    Text(String),
    /// A value that no such response is asked for.
    Other,
}

impl Cell {
    /// An integer, of whichever kind it was written.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            Self::Nil | Self::Float | Self::Text(_) | Self::Other => None,
        }
    }
}

/// Reads a whole response to so many statements.
pub(crate) fn tables(response: &[u8], statements: usize) -> Result<Vec<Table>, Error> {
    let (mut results, mut tables) = (Results::new(Some(statements)), Tables(Vec::new()));
    results.push(response, &mut tables)?;
    results.end()?;
    Ok(tables.0)
}

/// What a response says that is `{"error": …}` alone, in MessagePack.
pub(crate) fn message_of(mut response: &[u8]) -> Option<String> {
    let mut tokens = Tokens::default();
    let Ok(Some(Token::Map(1))) = tokens.next(&mut response) else { return None };
    let Ok(Some(Token::Text(b"error"))) = tokens.next(&mut response) else { return None };
    let Ok(Some(Token::Text(message))) = tokens.next(&mut response) else { return None };
    Some(String::from_utf8_lossy(message).into_owned())
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
            Token::Text(_) => Cell::Text(text(value)?.to_owned()),
            Token::Float(_) => Cell::Float,
            Token::Boolean(_) | Token::List(_) | Token::Map(_) | Token::Extension => Cell::Other,
        };
        if let Some(row) = table.rows.last_mut() {
            row.push(cell);
        }
        Ok(())
    }

    fn drop_row(&mut self) {}

    fn end_row(&mut self) {}

    fn note(&mut self, error: ConversionError) -> Result<(), ConversionError> {
        Err(error)
    }

    fn end_statement(&mut self, _statement: usize) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Table {
    /// The place of a column.
    fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|other| other == column)
    }

    /// The texts of some columns, row by row.
    ///
    /// # Errors
    /// `Malformed` if a row has no text in one of them.
    pub(crate) fn texts<const N: usize>(
        &self,
        columns: [&str; N],
    ) -> Result<Vec<[&str; N]>, Error> {
        let places = columns.map(|column| self.place(column));
        let mut rows = Vec::new();
        for row in &self.rows {
            let mut texts = [""; N];
            for (text, place) in texts.iter_mut().zip(places) {
                let Some(Cell::Text(found)) = place.and_then(|place| row.get(place)) else {
                    let message = format!("expected texts in the columns {}", columns.join(", "));
                    return Err(Error::new(Fault::Malformed, message));
                };
                *text = found;
            }
            rows.push(texts);
        }
        Ok(rows)
    }
}
