//! Annotated CSV in, line protocol out, as a stream: bytes → records → values → points → lines.
//!
//! Does not know where a response comes from or where its lines go. Memory is bounded by the
//! longest record and by what is held of one series to merge its fields.

mod annotated;
mod error;
mod lines;
mod merge;
mod records;
mod value;

use serde::Deserialize;

use crate::error::{Error, Fault};
use crate::plan::{Totals, counted};
use crate::time::TimeRange;
pub(crate) use annotated::first_time;
use annotated::{Counts, Tables};
use error::ConversionError;
pub(crate) use error::{bounded, quoted};
pub(crate) use lines::{Lines, push_series, push_string, unsayable};
use merge::Merge;
use records::Records;

/// A response in the course of conversion.
#[derive(Debug)]
pub struct Conversion {
    records: Records,
    tables: Tables,
    merge: Merge,
    /// The fault that ended it.
    failed: Option<Error>,
}

/// What became of a response, or of a piece of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Whole lines, each with its line feed.
    pub lines: String,
    /// What was set aside, in its order.
    pub rejected: Vec<Rejection>,
    /// Strings with line breaks, of which the response does not tell what they were.
    pub altered: u64,
    /// Of this piece alone. Rows count when they are read, points when they leave.
    pub totals: Totals,
}

/// A point that the destination cannot take and that the settings allow to set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its line in the response, counted from 1.
    pub line: u64,
    /// Why, for people.
    pub reason: String,
    /// The point, as near to line protocol as can be.
    pub text: String,
}

/// The settings of a conversion that stands alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default = "merge_bytes_max")]
    merge_bytes_max: usize,
}

/// What a person should know of strings that were altered before they came.
pub fn altered_warning(count: u64) -> String {
    format!(
        "{} with line breaks, which arrive as `\\n`: the response does not tell `\\n` from `\\r\\n`, \
         and leaves out a lone `\\r`",
        counted(count, "string", "strings")
    )
}

/// So many bytes of a series are held to merge its fields: a day of 3 fields every second.
fn merge_bytes_max() -> usize {
    16 << 20
}

/// Converts a whole response. `settings` is a JSON object, `{}` for the defaults.
///
/// # Errors
/// Those of `Conversion`; no line is returned then.
pub fn convert(response: &str, settings: &str) -> Result<Converted, Error> {
    let mut conversion = Conversion::open(settings)?;
    let before = conversion.tables.counts;
    conversion.feed(response.as_bytes())?;
    conversion.end()?;
    Ok(conversion.take(before, response.len()))
}

impl Conversion {
    /// Begins a conversion. `settings` is a JSON object, `{}` for the defaults.
    ///
    /// # Errors
    /// `Settings` if it is none, or for a key or value that is unfit.
    pub fn open(settings: &str) -> Result<Self, Error> {
        let settings: Settings = serde_json::from_str(settings)
            .map_err(|error| Error::new(Fault::Settings, format!("settings: {error}")))?;
        Ok(Self::new(TimeRange::ALL, settings.merge_bytes_max))
    }

    /// A conversion of the rows within a range, with the default limits.
    pub(crate) fn within(range: TimeRange) -> Self {
        Self::new(range, merge_bytes_max())
    }

    /// A conversion that makes whole points whatever memory they take: the caller bounds the
    /// response.
    pub(crate) fn of_whole_points() -> Self {
        Self::new(TimeRange::ALL, usize::MAX)
    }

    fn new(range: TimeRange, merge_bytes_max: usize) -> Self {
        Self {
            records: Records::new(),
            tables: Tables::new(range),
            merge: Merge::new(merge_bytes_max),
            failed: None,
        }
    }

    /// Takes the next piece of the response, cut anywhere.
    ///
    /// # Errors
    /// What is wrong with the response, once all lines before it have been returned. After an
    /// error only the same error follows.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Converted, Error> {
        let before = self.tables.counts;
        let fed = self.feed(bytes);
        self.settle(fed, before, bytes.len())
    }

    /// Ends the response.
    ///
    /// # Errors
    /// The fault that `push` met, or `Truncated` where the response stops inside a record; what is
    /// held of the last series is lost then.
    pub fn finish(mut self) -> Result<Converted, Error> {
        let before = self.tables.counts;
        self.end()?;
        Ok(self.take(before, 0))
    }

    /// As `push`, but the lines stay until `take_lines`.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let fed = self.read(&mut bytes);
        fed.map_err(|error| self.fail(error))
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), ConversionError> {
        while let Some(record) = self.records.next(bytes)? {
            self.tables.push(record, &mut self.merge)?;
        }
        Ok(())
    }

    /// As `finish`, but the lines stay until `take_lines`.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.records.is_inside() || !self.tables.may_end() {
            let error = self.records.truncated();
            return Err(self.fail(error));
        }
        self.merge.flush();
        Ok(())
    }

    /// Bytes of lines that are waiting to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.merge.lines.bytes()
    }

    /// Takes lines off the front, as many as fit into so many bytes, but at least one.
    pub(crate) fn take_lines(&mut self, bytes_max: usize) -> Lines {
        self.merge.lines.take_front(bytes_max)
    }

    /// What was met so far.
    pub(crate) fn counts(&self) -> Counts {
        self.tables.counts
    }

    /// See `Records::ends_with_empty_line`.
    pub(crate) fn ends_with_empty_line(&self) -> bool {
        self.records.ends_with_empty_line()
    }

    /// The values that came before a fault are whole; they leave as lines.
    fn fail(&mut self, error: ConversionError) -> Error {
        self.merge.flush();
        let error = Error::from(error);
        self.failed = Some(error.clone());
        error
    }

    /// What a piece gives: lines, if there are any, and a fault only after them.
    fn settle(
        &mut self,
        fed: Result<(), Error>,
        before: Counts,
        read: usize,
    ) -> Result<Converted, Error> {
        match fed {
            Err(error) if self.merge.lines.is_empty() => Err(error),
            _ => Ok(self.take(before, read)),
        }
    }

    fn take(&mut self, before: Counts, read: usize) -> Converted {
        let lines = std::mem::take(&mut self.merge.lines);
        let totals = Totals {
            rows: self.tables.counts.rows - before.rows,
            points: lines.len() as u64,
            read: read as u64,
            written: lines.bytes() as u64,
            rejected: 0,
        };
        let altered = self.tables.counts.altered - before.altered;
        Converted { lines: lines.into_text(), rejected: Vec::new(), altered, totals }
    }
}
