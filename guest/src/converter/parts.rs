//! The parts of an InfluxQL response: what its maps and lists are, and what their tokens must be.
//!
//! Does not know where in a response they stand.

use super::draft;
use super::error::ErrorKind;
use super::msgpack::Token;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Map {
    Response,
    Result,
    Series,
    Tags,
    /// Of something that does not matter, such as a message.
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum List {
    Results,
    SeriesOfResult,
    Columns,
    Rows,
    Row,
    Skipped,
}

#[derive(Debug)]
pub(super) enum Key {
    Results,
    Error,
    StatementId,
    Series,
    Partial,
    Name,
    Tags,
    Columns,
    Values,
    Tag(String),
    /// Of something that does not matter.
    Skipped,
}

impl Key {
    pub(super) fn of(
        map: Map,
        token: Token<'_>,
        fault: &mut Option<ErrorKind>,
    ) -> Result<Self, ErrorKind> {
        if map == Map::Tags {
            return name(token, fault).map(Self::Tag);
        }
        let Token::Text(key) = token else { return unexpected("a text", token) };
        Ok(match (map, str::from_utf8(key).unwrap_or_default()) {
            (Map::Response, "results") => Self::Results,
            (Map::Response | Map::Result, "error") => Self::Error,
            (Map::Result, "statement_id") => Self::StatementId,
            (Map::Result, "series") => Self::Series,
            (Map::Result | Map::Series, "partial") => Self::Partial,
            (Map::Series, "name") => Self::Name,
            (Map::Series, "tags") => Self::Tags,
            (Map::Series, "columns") => Self::Columns,
            (Map::Series, "values") => Self::Values,
            _ => Self::Skipped,
        })
    }
}

pub(super) fn map(token: Token<'_>, expected: &'static str) -> Result<u32, ErrorKind> {
    match token {
        Token::Map(length) => Ok(length),
        _ => unexpected(expected, token),
    }
}

pub(super) fn list(token: Token<'_>, expected: &'static str) -> Result<u32, ErrorKind> {
    match token {
        Token::List(length) => Ok(length),
        _ => unexpected(expected, token),
    }
}

/// A text, which a name and a tag must be.
pub(super) fn text(token: Token<'_>) -> Result<&str, ErrorKind> {
    match token {
        Token::Text(bytes) => str::from_utf8(bytes).map_err(|_| ErrorKind::not_utf8(bytes)),
        _ => unexpected("a text", token),
    }
}

/// A name or a tag of a series. What is none that can be said is its fault, and it is written for people.
pub(super) fn name(token: Token<'_>, fault: &mut Option<ErrorKind>) -> Result<String, ErrorKind> {
    if let Token::Text(bytes) = token
        && str::from_utf8(bytes).is_err()
    {
        fault.get_or_insert(ErrorKind::not_utf8(bytes));
        return Ok(draft::text(bytes));
    }
    text(token).map(str::to_owned)
}

pub(super) fn text_lossy(token: Token<'_>) -> String {
    match token {
        Token::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => token.name().to_owned(),
    }
}

pub(super) fn unexpected<T>(expected: &'static str, token: Token<'_>) -> Result<T, ErrorKind> {
    Err(ErrorKind::Unexpected { expected, found: token.name() })
}
