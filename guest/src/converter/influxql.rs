//! Tokens to the rows of an InfluxQL response, and the proof that it is whole.
//!
//! Does not know what the rows mean. A response to several statements, as InfluxDB 1.6.7 and 2.9.1
//! answer `/query?epoch=ns&chunked=true` in MessagePack, written as JSON:
//!
//! ```json
//! {"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"host":"a","rack":""},
//!   "columns":["time","idle","note"],"values":[[1640995200000000000,97.5,null]],"partial":true}],
//!   "partial":true}]}
//! {"results":[{"statement_id":0,"series":[{"name":"cpu", …}]}]}
//! {"results":[{"statement_id":1,"series":[]}]}
//! ```
//!
//! `partial` on a result says that more follows of its statement, on a series that more follows of
//! its rows. An error may stand in the place of any result, under the status 200.

use super::error::{
    ConversionError, ErrorKind, MAP_OF_RESULTS, Position, QUERY_ERROR_CHARACTERS_MAX, bounded,
};
use super::msgpack::{Token, Tokens};
use super::parts::{Key, List, Map, list, map, name, text_lossy, unexpected};

/// What becomes of the rows.
pub(crate) trait Rows {
    /// The following rows are of this series, in the answer to this statement, counted from 0.
    fn begin_series(&mut self, statement: usize, series: &Series) -> Result<(), ErrorKind>;
    /// The value of a row in this column.
    fn push_value(&mut self, column: usize, value: Token<'_>) -> Result<(), ErrorKind>;
    /// The last value of the row was not taken: unless it is set aside, none of the row is to leave.
    fn drop_row(&mut self);
    /// The row has no more values.
    fn end_row(&mut self);
    /// A value was not taken.
    fn note(&mut self, error: ConversionError) -> Result<(), ConversionError>;
    /// No more rows of this statement follow.
    fn end_statement(&mut self, statement: usize) -> Result<(), ErrorKind>;
}

/// What stands before the rows of a series.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// In the order of the response, which is none.
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) columns: Vec<String>,
    /// Why nothing of it can be said.
    pub(crate) fault: Option<ErrorKind>,
    /// The same of a column at its place.
    pub(crate) column_faults: Vec<(usize, ErrorKind)>,
}

/// Reads a response.
#[derive(Debug, Default)]
pub(crate) struct Results {
    tokens: Tokens,
    grammar: Grammar,
}

/// Where in a response the next token stands.
#[derive(Debug, Default)]
struct Grammar {
    /// How many statements the response answers, if that is known.
    statements: Option<usize>,
    /// The containers around it, the innermost last.
    stack: Vec<Container>,
    series: Series,
    /// Statements whose results are whole.
    finished: usize,
    /// The last result said that more follow of its statement.
    is_open: bool,
    /// The present result says so.
    is_partial: bool,
    /// The last series of the present result said that more follow of its rows.
    series_is_open: bool,
    /// Rows of the present series have come.
    has_rows: bool,
}

#[derive(Debug)]
enum Container {
    Map { kind: Map, left: u32, key: Option<Key> },
    List { kind: List, left: u32 },
}

/// So deep are the parts of a response inside of one another at most; those of InfluxDB seven.
const DEPTH_MAX: usize = 64;

impl Results {
    /// Takes the next piece of a response, cut anywhere.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        rows: &mut impl Rows,
    ) -> Result<(), ConversionError> {
        loop {
            let pushed = match self.tokens.next(&mut bytes) {
                Ok(Some(token)) => self.grammar.push(token, rows),
                Ok(None) => return Ok(()),
                Err(kind) => Err(kind),
            };
            if let Err(kind) = pushed {
                rows.note(self.error(kind))?;
            }
        }
    }

    /// A response to so many statements; to at least one, if the number is not known.
    pub(crate) fn new(statements: Option<usize>) -> Self {
        Self { grammar: Grammar { statements, ..Grammar::default() }, ..Self::default() }
    }

    /// Ends the response, which must hold the whole results of all statements.
    pub(crate) fn end(&self) -> Result<(), ConversionError> {
        let Grammar { statements, stack, finished, is_open, .. } = &self.grammar;
        let is_cut = self.tokens.is_inside() || !stack.is_empty() || *is_open;
        match is_cut || *finished < statements.unwrap_or(1) {
            true => Err(self.error(ErrorKind::Truncated)),
            false => Ok(()),
        }
    }

    fn error(&self, kind: ErrorKind) -> ConversionError {
        ConversionError { position: Position::Byte(self.tokens.position()), kind }
    }
}

impl Grammar {
    fn push(&mut self, token: Token<'_>, rows: &mut impl Rows) -> Result<(), ErrorKind> {
        if self.stack.len() > DEPTH_MAX {
            let (expected, found) = ("the parts of a response", "too many inside of one another");
            return Err(ErrorKind::Unexpected { expected, found });
        }
        match self.stack.last_mut() {
            // Nearly every token is the value of a row.
            Some(Container::List { kind: List::Row, left }) => {
                // Invariant: a row is only begun with as many values as there are columns.
                let column = self.series.columns.len() - *left as usize;
                *left -= 1;
                let pushed = rows.push_value(column, token);
                if *left > 0 {
                    return pushed;
                }
                // Whatever is wrong with its last value, the row is over.
                if pushed.is_err() {
                    rows.drop_row();
                }
                return self.close(rows).and(pushed);
            }
            Some(Container::List { kind, left }) => {
                *left -= 1;
                let kind = *kind;
                self.item(kind, token)?;
            }
            Some(Container::Map { kind, key, left }) => match key.take() {
                None => *key = Some(Key::of(*kind, token, &mut self.series.fault)?),
                Some(key) => {
                    *left -= 1;
                    self.value(key, token, rows)?;
                }
            },
            None => {
                let left = map(token, MAP_OF_RESULTS)?;
                self.stack.push(Container::Map { kind: Map::Response, left, key: None });
            }
        }
        self.close(rows)
    }

    /// Ends the containers that have nothing left.
    fn close(&mut self, rows: &mut impl Rows) -> Result<(), ErrorKind> {
        while let Some(
            Container::Map { left: 0, key: None, .. } | Container::List { left: 0, .. },
        ) = self.stack.last()
        {
            match self.stack.pop() {
                Some(Container::List { kind: List::Row, .. }) => rows.end_row(),
                Some(Container::Map { kind: Map::Result, .. }) => self.end_result(rows)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn end_result(&mut self, rows: &mut impl Rows) -> Result<(), ErrorKind> {
        let series_is_open = std::mem::take(&mut self.series_is_open);
        self.is_open = std::mem::take(&mut self.is_partial);
        if self.is_open {
            return Ok(());
        }
        if series_is_open {
            // As a server answers that sends no more than `max-row-limit` rows.
            return Err(ErrorKind::Truncated);
        }
        rows.end_statement(self.finished)?;
        self.finished += 1;
        Ok(())
    }

    fn value(&mut self, key: Key, token: Token<'_>, rows: &mut impl Rows) -> Result<(), ErrorKind> {
        if self.has_rows && matches!(key, Key::Name | Key::Tags | Key::Columns | Key::Values) {
            let (expected, found) = ("what describes rows before them", "it after them");
            return Err(ErrorKind::Unexpected { expected, found });
        }
        match key {
            Key::Results => self.begin_list(List::Results, list(token, "a list of results")?),
            Key::Error => {
                let message = bounded(&text_lossy(token), QUERY_ERROR_CHARACTERS_MAX);
                return Err(ErrorKind::Query { message, reference: String::new() });
            }
            Key::StatementId => {
                let found = match token {
                    Token::Small(number) => u64::from(number),
                    Token::Integer(number) => u64::try_from(number).unwrap_or(u64::MAX),
                    Token::Unsigned(number) => number,
                    _ => return unexpected("the number of a statement", token),
                };
                let expected = self.finished as u64;
                if found != expected {
                    return Err(match self.is_open {
                        // The rest of a statement is missing.
                        true => ErrorKind::Truncated,
                        false => ErrorKind::Statement { expected, found },
                    });
                }
            }
            Key::Series => self.begin_list(List::SeriesOfResult, list(token, "a list of series")?),
            Key::Partial => {
                let Token::Boolean(partial) = token else {
                    return unexpected("true or false", token);
                };
                match self.stack.last() {
                    Some(Container::Map { kind: Map::Series, .. }) => {
                        self.series_is_open = partial;
                    }
                    _ => self.is_partial = partial,
                }
            }
            Key::Name => self.series.name = name(token, &mut self.series.fault)?,
            Key::Tags => {
                self.series.tags.clear();
                // InfluxDB leaves tags out where there are none; nil would say the same.
                if token != Token::Nil {
                    let left = map(token, "a map of tags")?;
                    self.stack.push(Container::Map { kind: Map::Tags, left, key: None });
                }
            }
            Key::Tag(key) => {
                let value = name(token, &mut self.series.fault)?;
                self.series.tags.push((key, value));
            }
            Key::Columns => self.begin_list(List::Columns, list(token, "a list of columns")?),
            Key::Values => {
                let left = list(token, "a list of rows")?;
                if self.series.columns.is_empty() {
                    return unexpected("columns before rows", token);
                }
                rows.begin_series(self.finished, &self.series)?;
                self.has_rows = true;
                self.begin_list(List::Rows, left);
            }
            Key::Skipped => self.skip(token),
        }
        Ok(())
    }

    fn item(&mut self, kind: List, token: Token<'_>) -> Result<(), ErrorKind> {
        match kind {
            List::Results => {
                let left = map(token, "a result")?;
                if self.statements == Some(self.finished) {
                    let (expected, found) = ("the end of the response", "one more result");
                    return Err(ErrorKind::Unexpected { expected, found });
                }
                self.stack.push(Container::Map { kind: Map::Result, left, key: None });
            }
            List::SeriesOfResult => {
                let left = map(token, "a series")?;
                self.series = Series::default();
                self.series_is_open = false;
                self.has_rows = false;
                self.stack.push(Container::Map { kind: Map::Series, left, key: None });
            }
            List::Columns => {
                let mut fault = None;
                let column = name(token, &mut fault)?;
                let place = self.series.columns.len();
                self.series.column_faults.extend(fault.map(|fault| (place, fault)));
                self.series.columns.push(column);
            }
            List::Rows => {
                let left = list(token, "a row")?;
                if left as usize != self.series.columns.len() {
                    let (expected, found) = (self.series.columns.len(), left as usize);
                    return Err(ErrorKind::Columns { expected, found });
                }
                self.begin_list(List::Row, left);
            }
            List::Row => unreachable!("`push` takes the values of rows"),
            List::Skipped => self.skip(token),
        }
        Ok(())
    }

    fn begin_list(&mut self, kind: List, left: u32) {
        self.stack.push(Container::List { kind, left });
    }

    fn skip(&mut self, token: Token<'_>) {
        match token {
            Token::Map(left) => {
                self.stack.push(Container::Map { kind: Map::Skipped, left, key: None });
            }
            Token::List(left) => self.begin_list(List::Skipped, left),
            _ => {}
        }
    }
}
