//! What a person is told of a fault: what was expected and found, and what to do about it.
//!
//! Does not know where it was found.

use std::fmt;

use super::error::{ErrorKind, MAP_OF_RESULTS, UNCERTAIN_LINE, fault_of_query};
use super::names::{ONE_OF_BOTH, depends_on_product};
use crate::error::Fault;

/// Where a response does not hold as many values as its server counts.
pub(crate) const VALUES_HINT: &str = "either the answer was cut, or somebody writes into that time at the source, or deletes \
     there: run it again; for points that come late, `stop = \"now\"` stays \
     `migration.lag` behind the present";

impl ErrorKind {
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAnnotated { .. } => Some(
                "annotated CSV is what `influx query --raw` prints, and what `/api/v2/query` \
                 answers with the annotations datatype, group and default; for others there is \
                 `convert --format`",
            ),
            Self::Unexpected { expected: MAP_OF_RESULTS, .. } => Some(
                "MessagePack is what `/query` answers with `epoch=ns` and \
                 `accept: application/x-msgpack`",
            ),
            Self::LineBreak { .. } | Self::LostReturn { .. } => Some(
                "InfluxQL keeps them (`source.language`); in strings, not in names and tags, what is \
                 left can be taken: `schema.line_breaks = \"accept\"`, `convert --line-breaks accept`",
            ),
            Self::NullOrEmpty { .. } => {
                Some("leave `pivot()` out of the query: each row then holds one field")
            }
            Self::NotGrouped | Self::SeveralSeries { .. } => Some(
                "leave `group()` and `drop()` out of the query, or `pivot()`: which columns are tags \
                 cannot be seen otherwise",
            ),
            Self::Values { .. } => Some(VALUES_HINT),
            Self::NoEmptyLine => Some("if the response is whole, end it with an empty line"),
            Self::ColumnUnknown { .. } => Some("drop the column in the query"),
            Self::Query { message, .. } if fault_of_query(message) == Fault::TooLarge => {
                Some("ask for less at once, or raise the limit at the source")
            }
            Self::Query { message, .. } if fault_of_query(message) == Fault::Missing => {
                Some("look at `bucket` of that side; what the user may not see is not there either")
            }
            Self::Query { message, .. } if fault_of_query(message) == Fault::TimedOut => {
                Some("ask for less at once, or set a longer `query-timeout` at the source")
            }
            Self::Empty { column } if column == "_value" => Some(
                "`aggregateWindow` and `pivot` write such cells: `createEmpty: false`, or leave them \
                 out of the query",
            ),
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
            Self::NoLineEnd => Some("if the line is whole, end the file with a line feed"),
            Self::NoTime => Some("a server would give it the time at which it is written"),
            _ => self.hint_of_finding(),
        }
    }

    /// For one value or name that cannot arrive as it is.
    fn hint_of_finding(&self) -> Option<&'static str> {
        match self {
            Self::NotInLineProtocol { reason, .. } if depends_on_product(reason) => {
                Some("say what the destination is: `destination.product`, `convert --product`")
            }
            Self::NotInLineProtocol { reason: ONE_OF_BOTH, .. } => {
                Some("rename one of both, on all points of the measurement: `[[schema.rename]]`")
            }
            Self::NotInLineProtocol { what: UNCERTAIN_LINE, .. } => {
                Some("mend it in the file, or leave it out")
            }
            Self::NotInLineProtocol { .. } | Self::NotUtf8 { .. } => Some(
                "mend it at the source, or leave it out: of what is asked for, by \
                 `migration.measurements`, `migration.where` or `migration.filter`, or of the file; or set it \
                 aside: `schema.unfit = \"set_aside\"`",
            ),
            Self::Inexact { .. } => Some(
                "choose `as = \"suffix\"` for this field in `schema.types`: each type then has its own",
            ),
            Self::Taken { .. } => Some(
                "rename it too, or choose another name in the rule; a rule with a `measurement` holds \
                 for that one alone",
            ),
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
            Self::NotInLineProtocol { what, found, of, reason } => {
                let of = if of.is_empty() { String::new() } else { format!(" of {of}") };
                write!(f, "line protocol cannot say the {what} `{found}`{of}: {reason}")
            }
            Self::Inexact { found, of } => {
                let of = if of.is_empty() { String::new() } else { format!(" of {of}") };
                write!(f, "no float is exactly the integer `{found}`{of}")
            }
            Self::Taken { found, by } => write!(
                f,
                "{found} has the name that the rules of `schema` give to `{by}`: both would become one"
            ),
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
                "expected `_field`, or `_start`, `_stop`, `_measurement` and the tags of a pivoted \
                 table, in the group key; found others",
            ),
            Self::SeveralSeries { time } => {
                write!(
                    f,
                    "a pivoted table has the time {time} twice: points of several series are in it"
                )
            }
            Self::Query { message, reference } if reference.is_empty() => {
                write!(f, "the query failed: {message}")
            }
            Self::Query { message, reference } => {
                write!(f, "the query failed: {message} ({reference})")
            }
            Self::Values { measurement, expected, found } => write!(
                f,
                "expected {expected} values of `{measurement}`, as the source counts them, found \
                 {found}"
            ),
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
