//! Responses in, line protocol out, as a stream.
//!
//! ```text
//! annotated CSV ─▶ records ─▶ annotated ─┐
//! line protocol ─▶ source_lines ─────────┴▶ points ─▶ merge ─┐
//! MessagePack ───▶ msgpack ─▶ influxql ─▶ rows ─▶ points ────┴▶ lines ─▶ sift: what was refused
//!                                       └▶ table: small responses, for the plan
//! ```
//!
//! Whatever the road, a `value` is written in one way, and so is each of the `names`; what cannot
//! arrive as it is, becomes one of the `findings`. `csv` takes the short cuts `repeat` and `blocks`
//! beside `annotated`, for what comes again.
//!
//! Does not know where a response comes from or where its lines go. Memory is bounded by the
//! longest record and by what is held of one series to merge its fields.

mod annotated;
mod blocks;
mod cells;
mod columns;
mod csv;
mod draft;
mod error;
mod findings;
mod header;
mod influxql;
mod iox;
mod lines;
mod manner;
mod merge;
mod message;
mod msgpack;
mod names;
mod overlap;
mod parts;
mod points;
mod quotes;
mod records;
mod repeat;
mod row_draft;
mod rows;
mod ruled;
mod sift;
mod source_lines;
mod table;
mod text;
mod value;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Fault};
use crate::plan::{Totals, counted};
use crate::settings::schema;
use crate::time::TimeRange;
pub(crate) use cells::{first_time, flux_column, flux_count};
use csv::Csv;
use error::ConversionError;
pub(crate) use error::{bounded, fault_of_query, quoted};
use influxql::Results;
pub(crate) use iox::IoxPoint;
pub(crate) use lines::{Lines, push_series, string};
pub(crate) use manner::{LineBreaks, Manner, UnfitValues};
pub(crate) use message::VALUES_HINT;
pub use names::PRODUCTS;
pub(crate) use names::{Dialect, Part, Product, push_name, unsayable};
use overlap::Overlap;
use points::{Counts, Points};
pub(crate) use rows::Expected;
use rows::{PointRows, Writer};
pub(crate) use sift::{Blame, Parts, Reason, Refused, key_and_value, sift};
use source_lines::SourceLines;
pub(crate) use table::{Cell, Table, message_of, tables};

/// A response in the course of conversion.
#[derive(Debug)]
pub struct Conversion {
    reader: Reader,
    points: Points,
    /// The fault that ended it.
    failed: Option<Error>,
}

/// What reads a response.
#[derive(Debug)]
enum Reader {
    Csv(Box<Csv>),
    InfluxQl(Box<InfluxQl>),
    Lines(SourceLines),
}

#[derive(Debug)]
struct InfluxQl {
    results: Results,
    rows: PointRows,
}

/// What a response is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Annotated CSV, as Flux answers it.
    #[default]
    Csv,
    /// MessagePack, as InfluxQL answers it with `epoch=ns`.
    InfluxQl,
    /// Line protocol, as exports are written.
    Lp,
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
    /// Its line in the response, counted from 1; 0 in MessagePack, which has no lines.
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
    #[serde(default)]
    format: Format,
    /// What the lines are for; without it, only what all products read alike can be said.
    product: Option<Product>,
    #[serde(default = "merge_bytes_max")]
    merge_bytes_max: usize,
    /// For InfluxQL, which writes small numbers of both kinds alike: the fields that hold unsigned
    /// integers, by measurement.
    #[serde(default)]
    unsigned: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    line_breaks: LineBreaks,
    #[serde(default)]
    unfit: UnfitValues,
    /// As in the configuration.
    rename: Option<Value>,
    types: Option<Value>,
}

/// What a person should know of strings that were altered before they came.
pub fn altered_warning(count: u64) -> String {
    format!(
        "{} whose line breaks Flux has altered: `\\r\\n` and `\\n` arrive as `\\n`, and a lone `\\r` \
         not at all",
        counted(count, "string", "strings")
    )
}

/// So many bytes of a series, with the lines that it will be, are held to merge its fields: those of
/// 3 fields every second for most of a day.
fn merge_bytes_max() -> usize {
    16 << 20
}

/// Converts a whole response. `settings` is a JSON object, `{}` for the defaults.
///
/// # Errors
/// Those of `Conversion`; no line is returned then.
pub fn convert(response: &str, settings: &str) -> Result<Converted, Error> {
    let mut conversion = Conversion::open(settings)?;
    let before = conversion.points.counts;
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
        let Settings {
            format,
            product,
            merge_bytes_max,
            unsigned,
            line_breaks,
            unfit,
            rename,
            types,
        } = settings;
        let dialect = product.map(Product::dialect).unwrap_or_default();
        let rules = schema::read("", rename.as_ref(), types.as_ref(), dialect)?;
        let manner = Manner { dialect, line_breaks, unfit, rules: rules.into() };
        let points = Points { manner, ..Points::new(TimeRange::ALL, merge_bytes_max) };
        Ok(Self::new(Reader::new(format, unsigned), points))
    }

    /// A conversion of the rows within a range, with the default limits.
    pub(crate) fn within(range: TimeRange, format: Format, manner: Manner) -> Self {
        let points = Points { manner, ..Points::new(range, merge_bytes_max()) };
        Self::new(Reader::new(format, BTreeMap::new()), points)
    }

    /// A conversion of annotated CSV that makes whole points whatever memory they take: the caller
    /// bounds the response.
    pub(crate) fn of_whole_points() -> Self {
        let points = Points::new(TimeRange::ALL, usize::MAX);
        Self::new(Reader::new(Format::Csv, BTreeMap::new()), points)
    }

    fn new(reader: Reader, points: Points) -> Self {
        Self { reader, points, failed: None }
    }

    /// The next response follows, to these statements of InfluxQL.
    pub(crate) fn begin_statements(&mut self, range: TimeRange, statements: Vec<Expected>) {
        let overlap = match &mut self.reader {
            Reader::InfluxQl(influxql) => influxql.rows.take_overlap(),
            Reader::Csv(_) | Reader::Lines(_) => Overlap::default(),
        };
        let count = statements.len();
        let rows = PointRows::of_statements(statements, overlap);
        self.points.range = range;
        let results = Results::new(Some(count));
        self.reader = Reader::InfluxQl(InfluxQl { results, rows }.into());
    }

    /// Takes the next piece of the response, cut anywhere.
    ///
    /// # Errors
    /// What is wrong with the response, once all lines before it have been returned. After an
    /// error only the same error follows.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Converted, Error> {
        let before = self.points.counts;
        let fed = self.feed(bytes);
        self.settle(fed, before, bytes.len())
    }

    /// Ends the response.
    ///
    /// # Errors
    /// The fault that `push` met; `Truncated` where the response stops too early, and what is held of
    /// the last series is lost then; else all that was found and cannot arrive as it is.
    pub fn finish(mut self) -> Result<Converted, Error> {
        let before = self.points.counts;
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
        let Self { reader, points, .. } = self;
        match reader {
            Reader::Csv(csv) => csv.read(bytes, points),
            Reader::InfluxQl(influxql) => {
                let InfluxQl { results, rows } = &mut **influxql;
                results.push(bytes, &mut Writer { rows, points })
            }
            Reader::Lines(lines) => lines.push(bytes, points),
        }
    }

    /// As `finish`, but the lines stay until `take_lines`.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let ended = match &self.reader {
            Reader::Csv(csv) => csv.end(),
            Reader::InfluxQl(influxql) => influxql.results.end(),
            Reader::Lines(lines) => lines.end(),
        };
        ended.map_err(|error| self.fail(error))?;
        self.points.merge.flush();
        self.points.findings.to_error().map_or(Ok(()), Err)
    }

    /// Bytes of lines that are waiting to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.points.merge.lines.bytes()
    }

    /// Makes room for so many bytes of lines, where there will be many.
    pub(crate) fn reserve_lines(&mut self, bytes: usize) {
        self.points.merge.lines.reserve_in_all(bytes);
    }

    /// The lines that are waiting.
    pub(crate) fn lines(&mut self) -> &mut Lines {
        &mut self.points.merge.lines
    }

    /// Takes lines off the front, as many as fit into so many bytes, but at least one.
    pub(crate) fn take_lines(&mut self, bytes_max: usize) -> Lines {
        self.points.merge.lines.take_front(bytes_max)
    }

    /// Bytes by which the lines are shorter than one line for each value would be.
    pub(crate) fn saved(&self) -> u64 {
        self.points.merge.saved
    }

    /// Takes what was set aside since this was asked last.
    pub(crate) fn take_rejected(&mut self) -> Vec<Rejection> {
        std::mem::take(&mut self.points.rejected)
    }

    /// What was set aside so far, as the error that it would have been.
    pub(crate) fn set_aside(&self) -> Option<Error> {
        self.points.aside.to_error()
    }

    /// What was met so far.
    pub(crate) fn counts(&self) -> Counts {
        self.points.counts
    }

    /// The retention policies of an export, if there are several.
    pub(crate) fn policies(&self) -> Option<&[String]> {
        match &self.reader {
            Reader::Lines(lines) if lines.policies.len() > 1 => Some(&lines.policies),
            Reader::Csv(_) | Reader::InfluxQl(_) | Reader::Lines(_) => None,
        }
    }

    /// The values that came before a fault are whole; they leave as lines.
    fn fail(&mut self, error: ConversionError) -> Error {
        self.points.merge.flush();
        let mut error = Error::from(error);
        if let Some(findings) = self.points.findings.to_error() {
            error.message += &format!("; before it, {}", findings.message);
        }
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
            Err(error) if self.points.merge.lines.is_empty() => Err(error),
            _ => Ok(self.take(before, read)),
        }
    }

    fn take(&mut self, before: Counts, read: usize) -> Converted {
        let lines = std::mem::take(&mut self.points.merge.lines);
        let totals = Totals {
            rows: self.points.counts.rows - before.rows,
            points: lines.len() as u64,
            read: read as u64,
            written: lines.bytes() as u64,
            rejected: self.points.counts.rejected - before.rejected,
            saved: std::mem::take(&mut self.points.merge.saved),
        };
        let altered = self.points.counts.altered - before.altered;
        Converted { lines: lines.into_text(), rejected: self.take_rejected(), altered, totals }
    }
}

impl Reader {
    fn new(format: Format, unsigned: BTreeMap<String, Vec<String>>) -> Self {
        match format {
            Format::Csv => Self::Csv(Csv::new().into()),
            Format::InfluxQl => {
                let rows = PointRows::new(unsigned);
                Self::InfluxQl(InfluxQl { results: Results::new(None), rows }.into())
            }
            Format::Lp => Self::Lines(SourceLines::new()),
        }
    }
}
