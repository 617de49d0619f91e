//! What can be wrong with a response.

use std::fmt;

use super::names::depends_on_product;
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
    /// A value that line protocol cannot say.
    NotInLineProtocol { what: &'static str, found: String, reason: &'static str },
    /// A string that the source has altered.
    LineBreak { field: String, series: String },
    /// A text of which the source has dropped a carriage return.
    LostReturn { column: String, found: String },
    /// An empty cell that may be an empty string or none at all.
    NullOrEmpty { column: String },
    /// A pivoted table whose key is not that of a series: which columns are tags is lost.
    NotGrouped,
    /// The server ended the response with an error.
    Query { message: String, reference: String },
    /// The response to a statement has another number of values than the server counted.
    Values { expected: u64, found: u64 },
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
fn fault_of_query(message: &str) -> Fault {
    let of = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if of(&["database not found", "retention policy not found"]) {
        Fault::Missing
    } else if of(&["not authorized", "authorization failed"]) {
        Fault::Unauthorized
    } else if of(&["max-select-"]) {
        Fault::TooLarge
    } else if of(&["query-timeout"]) {
        Fault::TimedOut
    } else {
        // The server gave up in the middle of its answer.
        Fault::Truncated
    }
}

impl ErrorKind {
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
        )
    }

    fn fault(&self) -> Fault {
        match self {
            Self::DataType { .. }
            | Self::NotInLineProtocol { .. }
            | Self::LineBreak { .. }
            | Self::LostReturn { .. }
            | Self::NullOrEmpty { .. }
            | Self::NotGrouped
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

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAnnotated { .. } => Some(
                "annotated CSV is what `influx query --raw` prints, and what `/api/v2/query` \
                 answers with the annotations datatype, group and default",
            ),
            Self::LostReturn { .. } => Some(
                "InfluxQL keeps it (`source.language`); in a value, not in a name or a tag, \
                 `schema.line_breaks = \"accept\"` and `convert --line-breaks accept` take the rest",
            ),
            Self::NullOrEmpty { .. } => {
                Some("leave `pivot()` out of the query: each row then holds one field")
            }
            Self::NotGrouped => Some(
                "leave `group()` and `drop()` out of the query, or `pivot()`: which columns are tags \
                 cannot be seen else",
            ),
            Self::NoEmptyLine => Some("if the response is whole, end it with an empty line"),
            Self::ColumnUnknown { .. } => Some("drop the column in the query"),
            Self::Query { message, .. } if fault_of_query(message) == Fault::TooLarge => {
                Some("set a smaller `migration.batch_interval`, or raise the limit at the source")
            }
            Self::Query { message, .. } if fault_of_query(message) == Fault::Missing => {
                Some("look at `source.bucket`; what the user may not see is not there either")
            }
            Self::Query { message, .. } if fault_of_query(message) == Fault::TimedOut => {
                Some("set a smaller `migration.batch_interval`, or a longer `query-timeout` there")
            }
            Self::Integer { found: "an unsigned integer", .. } => {
                Some("name the field in the setting `unsigned`")
            }
            Self::Databases { .. } => {
                Some("export one with `influx_inspect export -database NAME -retention NAME`")
            }
            Self::Overlap { .. } => Some(
                "migrate each retention policy into a bucket of its own: `source.bucket = \
                 \"db/rp\"`",
            ),
            Self::OverlapTooLarge { .. } => Some(
                "set a smaller `migration.batch_interval`, or migrate each retention policy by \
                 itself: `source.bucket = \"db/rp\"`",
            ),
            Self::LineBreak { .. } => Some(
                "InfluxQL keeps them (`source.language`); or take each as `\\n`: `schema.line_breaks = \
                 \"accept\"`, `convert --line-breaks accept`",
            ),
            Self::NotInLineProtocol { reason, .. } if depends_on_product(reason) => {
                Some("say what the destination is: `destination.product`, `convert --product`")
            }
            Self::NoLineEnd => Some("if the line is whole, end the file with a line feed"),
            Self::NoTime => Some("a server would give it the time at which it is written"),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorKind {
    #[expect(clippy::too_many_lines, reason = "a sentence for each kind")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnnotated { found } => {
                write!(f, "expected an annotation such as `#datatype`, found `{found}`")
            }
            Self::Columns { expected, found } => {
                write!(f, "expected {expected} columns, found {found}")
            }
            Self::DataType { column, found } => {
                write!(
                    f,
                    "column `{column}` is of type `{found}`, which line protocol does not have"
                )
            }
            Self::ColumnType { column, expected, found } => {
                write!(f, "expected a column `{column}` of type {expected}, found {found}")
            }
            Self::ColumnMissing { column } => write!(f, "expected a column `{column}`, found none"),
            Self::ColumnUnknown { column, data_type } => write!(
                f,
                "column `{column}` of type {data_type} is neither a part of a point nor a tag"
            ),
            Self::Value { column, expected, found } => {
                write!(f, "expected {expected} in column `{column}`, found `{found}`")
            }
            Self::Empty { column } => {
                write!(f, "expected a value in column `{column}`, found none")
            }
            Self::NotInLineProtocol { what, found, reason } => {
                write!(f, "line protocol cannot say the {what} `{found}`: {reason}")
            }
            Self::LineBreak { field, series } => write!(
                f,
                "a string `{field}` of `{series}` has a line break, of which Flux does not tell \
                 whether it was `\\n`, `\\r\\n`, or had a lone `\\r` beside it"
            ),
            Self::LostReturn { column, found } => write!(
                f,
                "Flux has dropped a carriage return from `{found}` in column `{column}`, as its quotes \
                 show"
            ),
            Self::NullOrEmpty { column } => write!(
                f,
                "the cell of column `{column}` is empty, which after `pivot()` is an empty string \
                 or none at all"
            ),
            Self::NotGrouped => f.write_str(
                "expected the columns `_start`, `_stop`, `_measurement` and the tags in the group \
                 key of a pivoted table, found others",
            ),
            Self::Query { message, reference } if reference.is_empty() => {
                write!(f, "the query failed: {message}")
            }
            Self::Query { message, reference } => {
                write!(f, "the query failed: {message} ({reference})")
            }
            Self::Values { expected, found } => {
                write!(f, "expected {expected} values, as the server counts them, found {found}")
            }
            Self::Unexpected { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Statement { expected, found } => {
                write!(f, "expected the result of statement {expected}, found that of {found}")
            }
            Self::Integer { column, expected, found } => {
                write!(f, "expected {expected} in column `{column}`, found {found}")
            }
            Self::Changed { column } => {
                write!(f, "column `{column}` has another type than a moment ago")
            }
            Self::Databases { first, second } => write!(
                f,
                "the file holds the databases `{first}` and `{second}`, whose points would be mixed"
            ),
            Self::Overlap { field, series, time } => write!(
                f,
                "two retention policies hold different values of `{field}` of `{series}` at {time}"
            ),
            Self::OverlapTooLarge { limit } => write!(
                f,
                "expected at most {limit} values of a measurement that is in several retention \
                 policies, found more"
            ),
            Self::NoLineEnd => f.write_str("expected a line feed at the end, found none"),
            Self::NoEmptyLine => f.write_str(
                "expected an empty line at the end of the response, as InfluxDB ends each; found \
                 none",
            ),
            Self::NoTime => f.write_str("expected a time at the end of the line, found none"),
            Self::NotLineProtocol { found, reason } => {
                write!(f, "expected line protocol, found `{found}`: {reason}")
            }
            Self::TextTooLong { limit } => {
                write!(f, "expected a text of at most {limit} bytes, found a longer one")
            }
            Self::NotUtf8 { found } => write!(f, "expected UTF-8, found `{found}`"),
            Self::RecordTooLong { limit } => {
                write!(f, "expected the end of the record within {limit} bytes, found none")
            }
            Self::TooManyFields { limit } => {
                write!(f, "expected at most {limit} fields in a record, found more")
            }
            Self::Truncated => f.write_str("the response stops before its end"),
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
        Self { fault: kind.fault(), endpoint: None, line, message, hint }
    }
}
