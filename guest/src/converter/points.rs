//! Where values go, whichever reader read them: kept in the range, counted, merged into points.
//!
//! Does not know how values came. What cannot arrive as it is, is noted: no line leaves after it,
//! but reading goes on, so that a person hears of all of it at once.

use super::error::{ConversionError, ErrorKind};
use super::findings::Findings;
use super::merge::Merge;
use super::names::Dialect;
use super::value::{Unfit, Value};
use crate::time::{TimeRange, Timestamp};

/// The points of a response.
#[derive(Debug)]
pub(crate) struct Points {
    /// Values outside of it are counted and left out.
    pub(crate) range: TimeRange,
    /// How the destination reads names.
    pub(crate) dialect: Dialect,
    pub(crate) line_breaks: LineBreaks,
    pub(crate) merge: Merge,
    pub(crate) counts: Counts,
    /// What cannot arrive as it is.
    pub(crate) findings: Findings,
}

/// What was met on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Values that became part of a point.
    pub(crate) rows: u64,
    /// Values outside the range.
    pub(crate) outside: u64,
    /// Tables of annotated CSV.
    pub(crate) tables: u64,
    /// Strings whose line breaks Flux has altered, and that are accepted as they came.
    pub(crate) altered: u64,
}

/// What becomes of strings with line breaks in a response of Flux, which does not tell what they
/// were: it has `\r\n` for `\n` as for `\r\n`, and nothing for a lone `\r` (observed on InfluxDB
/// 2.9.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LineBreaks {
    /// They are not taken.
    #[default]
    Refuse,
    /// They become `\n`, and are counted.
    Accept,
}

/// What becomes of values that line protocol, or the product of the destination, is known not to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnfitValues {
    /// No line leaves after the first of them.
    #[default]
    Refuse,
    /// They are set aside, and all others arrive.
    SetAside,
}

impl Points {
    /// Holds at most about `bytes_max` bytes of a series to merge its fields.
    pub(crate) fn new(range: TimeRange, bytes_max: usize) -> Self {
        Self {
            range,
            dialect: Dialect::default(),
            line_breaks: LineBreaks::default(),
            merge: Merge::new(bytes_max),
            counts: Counts::default(),
            findings: Findings::default(),
        }
    }

    /// Whether a value of this time is left out. Where no range was asked for, nothing is, not even a
    /// time that no point can have: that becomes a finding.
    pub(crate) fn leaves_out(&self, time: Timestamp) -> bool {
        self.range != TimeRange::ALL && !self.range.contains(time)
    }

    /// Takes a value of the present series and field.
    #[inline(always)]
    pub(crate) fn push(&mut self, time: Timestamp, value: &Value<'_>) -> Result<(), Unfit> {
        if self.leaves_out(time) {
            self.counts.outside += 1;
            return Ok(());
        }
        self.merge.push(time.0, value)?;
        self.counts.rows += 1;
        Ok(())
    }

    /// Takes a whole point: its series, its fields as `key=value` with commas between them.
    pub(crate) fn push_line(&mut self, series: &str, fields: &[u8], time: Timestamp) {
        if self.findings.is_empty() {
            self.merge.lines.push_point(series.as_bytes(), fields, time.0);
        }
    }

    /// Notes what cannot arrive as it is; any other error ends the response.
    pub(crate) fn note(&mut self, error: ConversionError) -> Result<(), ConversionError> {
        if !error.kind.is_finding() {
            return Err(error);
        }
        if self.findings.is_empty() {
            self.merge.close();
        }
        self.findings.push(error);
        Ok(())
    }
}

/// Whether a point can have this time.
pub(crate) fn check_time(time: Timestamp) -> Result<(), ErrorKind> {
    if time < Timestamp::FIRST || time == Timestamp::MAX {
        let (what, found) = ("time", time.0.to_string());
        let (of, reason) = (String::new(), "no point can have it");
        return Err(ErrorKind::NotInLineProtocol { what, found, of, reason });
    }
    Ok(())
}
