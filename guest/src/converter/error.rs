//! What can be wrong with a response.

use crate::error::{Error, Fault};
use crate::time::Timestamp;

/// A fault at a place of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConversionError {
    pub(crate) position: Position,
    pub(crate) kind: ErrorKind,
}

/// Where something is in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// The line in which it begins, counted from 1.
    Line(u64),
    /// The bytes before its end, for a response without lines.
    Byte(u64),
}

/// The kinds of fault. Texts of the response are kept as `quoted` makes them: bounded and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The first record of a block is neither an annotation nor follows one.
    NotAnnotated { found: String },
    /// Header and annotations, or header and row, have different numbers of columns.
    Columns { expected: usize, found: usize },
    /// A data type that line protocol does not have, or that nobody knows.
    DataType { column: String, found: String },
    /// A column that a table of points has with another type.
    ColumnType { column: &'static str, expected: &'static str, found: &'static str },
    /// A column that a table of points must have.
    ColumnMissing { column: &'static str },
    /// A column that is neither a part of a point nor a tag.
    ColumnUnknown { column: String, data_type: &'static str },
    /// A value that is not of the type of its column.
    Value { column: String, expected: &'static str, found: String },
    /// No value, where a point needs one.
    Empty { column: String },
    /// A value or a name that line protocol cannot say; `of` says of what, or nothing.
    NotInLineProtocol { what: &'static str, found: String, of: String, reason: &'static str },
    /// An integer that would be another number as a float.
    Inexact { found: String, of: String },
    /// A name that rules give to something else of the source.
    Taken { found: String, by: String },
    /// A string that the source has altered.
    LineBreak { field: String, series: String },
    /// A text of which the source has dropped a carriage return.
    LostReturn { column: String, found: String },
    /// An empty cell that may be an empty string or none at all.
    NullOrEmpty { column: String },
    /// A pivoted table whose key is not that of a series: which columns are tags is lost.
    NotGrouped,
    /// A pivoted table of several series.
    SeveralSeries { time: Timestamp },
    /// The server ended the response with an error.
    Query { message: String, reference: String },
    /// The response to a statement has another number of values of a measurement than the server
    /// counted.
    Values { measurement: String, expected: u64, found: u64 },
    /// Not the part of a response that must stand here.
    Unexpected { expected: &'static str, found: &'static str },
    /// The result of another statement than the one that is due, both counted from 0.
    Statement { expected: u64, found: u64 },
    /// An integer among unsigned ones, or the other way round, in a response that tells only the
    /// large ones apart: the small ones were or will be taken for others.
    Integer { column: String, expected: &'static str, found: &'static str },
    /// The field had other types when its values were counted.
    Changed { column: String },
    /// Points of several databases, which would be mixed.
    Databases { first: String, second: String },
    /// Two retention policies hold different values of one series, time and field.
    Overlap { field: String, series: String, time: Timestamp },
    /// More than `limit` values of a measurement that is in several retention policies.
    OverlapTooLarge { limit: usize },
    /// A point without a time: the server would have taken its own.
    NoTime,
    /// The last line does not end: what is there of it may be less than there was.
    NoLineEnd,
    /// The response does not end as InfluxDB ends each.
    NoEmptyLine,
    /// What is no line protocol, and why.
    NotLineProtocol { found: String, reason: String },
    /// A text that is not UTF-8.
    NotUtf8 { found: String },
    /// A text of more than `limit` bytes.
    TextTooLong { limit: usize },
    /// No end of the record within `limit` bytes.
    RecordTooLong { limit: usize },
    /// More fields in a record than `limit`.
    TooManyFields { limit: usize },
    /// The response stops inside a record or a table.
    Truncated,
}

/// What is said of a line of which it is not certain what it says.
pub(crate) const UNCERTAIN_LINE: &str = "line";

/// With which a response to InfluxQL begins.
pub(crate) const MAP_OF_RESULTS: &str = "a map of results";

/// So many characters are shown of why a query failed.
pub(crate) const QUERY_ERROR_CHARACTERS_MAX: usize = 500;

/// So many characters of a faulty text are shown.
const QUOTED_CHARACTERS_MAX: usize = 60;

/// A text of the response for a message: on one line, and not too long.
pub(crate) fn quoted(text: &str) -> String {
    bounded(text, QUOTED_CHARACTERS_MAX)
}

/// A foreign text on one line, and at most so many characters of it.
pub(crate) fn bounded(text: &str, characters_max: usize) -> String {
    let mut bounded = String::new();
    for character in text.chars().take(characters_max) {
        if character.is_control() {
            bounded.extend(character.escape_default());
        } else {
            bounded.push(character);
        }
    }
    if text.chars().nth(characters_max).is_some() {
        bounded.push('…');
    }
    bounded
}

/// What the error of a query means, which comes in an answer that began as a success. The words
/// are those of InfluxQL (observed on InfluxDB 1.6.7 and 2.9.1; limits: `query/select.go`).
pub(crate) fn fault_of_query(message: &str) -> Fault {
    let of = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if of(&["database not found", "retention policy not found"]) {
        Fault::Missing
    } else if of(&["not authorized", "authorization failed"]) {
        Fault::Unauthorized
    } else if of(&["max-select-", "memory allocation limit", "arquet files"]) {
        Fault::TooLarge
    } else if of(&["error parsing query", "compilation failed"]) {
        // It may name anything.
        Fault::Settings
    } else if of(&["query-timeout", "query timeout", "timed out", "deadline exceeded"]) {
        Fault::TimedOut
    } else {
        // The server gave up in the middle of its answer.
        Fault::Truncated
    }
}

impl ErrorKind {
    /// The same of this measurement or series, if it is of something that nobody has said yet.
    pub(crate) fn of(mut self, series: &str) -> Self {
        if let Self::NotInLineProtocol { of, .. } = &mut self
            && of.is_empty()
            && !series.is_empty()
        {
            *of = format!("`{}`", quoted(series));
        }
        self
    }

    /// The same of this field of this series.
    pub(crate) fn of_field(mut self, field: &str, series: &str) -> Self {
        if let Self::NotInLineProtocol { of, .. } | Self::Inexact { of, .. } = &mut self {
            *of = format!("`{}` of `{}`", quoted(field), quoted(series));
        }
        self
    }

    /// For a text that is not UTF-8: what is around the first byte that shows it.
    pub(crate) fn not_utf8(text: &[u8]) -> Self {
        let at = str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        let near = at.saturating_sub(NEAR_BYTES);
        let is_begun = |byte: &&u8| !(0x80..0xc0).contains(*byte);
        let cut = text[near..at].iter().position(|byte| is_begun(&byte)).unwrap_or_default();
        Self::NotUtf8 { found: quoted(&String::from_utf8_lossy(&text[near + cut..])) }
    }
}

/// So many bytes are shown before a fault.
const NEAR_BYTES: usize = 20;

impl Position {
    /// Its number in the response.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Line(number) | Self::Byte(number) => number,
        }
    }

    /// What its number counts, for so many of them.
    pub(crate) fn unit(self, count: u64) -> &'static str {
        match (self, count) {
            (Self::Line(_), 1) => "line",
            (Self::Line(_), _) => "lines",
            (Self::Byte(_), 1) => "byte",
            (Self::Byte(_), _) => "bytes",
        }
    }
}

impl ErrorKind {
    /// Whether it is about one value alone, which cannot arrive as it is, and the others can.
    pub(crate) fn is_finding(&self) -> bool {
        matches!(
            self,
            Self::NotInLineProtocol { .. }
                | Self::LineBreak { .. }
                | Self::LostReturn { .. }
                | Self::NullOrEmpty { .. }
                | Self::NotUtf8 { .. }
                | Self::Inexact { .. }
                | Self::Taken { .. }
        )
    }

    /// Whether it is about a value that no settings could make fit, so that it may be set aside. Of a line
    /// that may be another one, nobody knows where it ends.
    pub(crate) fn is_unfit(&self) -> bool {
        match self {
            Self::NotInLineProtocol { what, .. } => *what != UNCERTAIN_LINE,
            _ => matches!(self, Self::NotUtf8 { .. }),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::DataType { .. }
            | Self::NotInLineProtocol { .. }
            | Self::LineBreak { .. }
            | Self::LostReturn { .. }
            | Self::NullOrEmpty { .. }
            | Self::Inexact { .. }
            | Self::Taken { .. }
            | Self::NotGrouped
            | Self::SeveralSeries { .. }
            | Self::NotUtf8 { .. }
            | Self::Integer { .. }
            | Self::Databases { .. }
            | Self::Overlap { .. } => Fault::Unsupported,
            Self::OverlapTooLarge { .. } => Fault::TooLarge,
            Self::Query { message, .. } => fault_of_query(message),
            Self::Truncated | Self::NoEmptyLine | Self::Values { .. } | Self::Changed { .. } => {
                Fault::Truncated
            }
            Self::NotAnnotated { .. }
            | Self::Columns { .. }
            | Self::ColumnType { .. }
            | Self::ColumnMissing { .. }
            | Self::ColumnUnknown { .. }
            | Self::Value { .. }
            | Self::Empty { .. }
            | Self::Unexpected { .. }
            | Self::Statement { .. }
            | Self::NoTime
            | Self::NoLineEnd
            | Self::NotLineProtocol { .. }
            | Self::TextTooLong { .. }
            | Self::RecordTooLong { .. }
            | Self::TooManyFields { .. } => Fault::Malformed,
        }
    }
}

impl From<ConversionError> for Error {
    fn from(ConversionError { position, kind }: ConversionError) -> Self {
        let (line, message) = match position {
            Position::Line(line) => (Some(line), format!("line {line}: {kind}")),
            // Which byte says nothing about what the server could not do.
            Position::Byte(_) if matches!(kind, ErrorKind::Query { .. }) => {
                (None, kind.to_string())
            }
            Position::Byte(byte) => (None, format!("byte {byte}: {kind}")),
        };
        let hint = kind.hint().map(str::to_owned);
        Self { fault: kind.fault(), endpoint: None, line, message, causes: Vec::new(), hint }
    }
}
