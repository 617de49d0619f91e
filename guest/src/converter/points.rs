//! Where values go, whichever reader read them: kept in the range, counted, merged into points.
//!
//! Does not know how values came. What cannot arrive as it is, is noted: no line leaves after it,
//! but reading goes on, so that a person hears of all of it at once; or it is set aside, where that is
//! allowed.

use super::Rejection;
use super::error::{ConversionError, ErrorKind, Position};
use super::findings::Findings;
use super::manner::{Manner, UnfitValues};
use super::merge::{LineFields, Merge};
use super::ruled;
use super::value::{Unfit, Value};
use crate::rules::Change;
use crate::time::{TimeRange, Timestamp};

/// The points of a response.
#[derive(Debug)]
pub(crate) struct Points {
    /// Values outside of it are counted and left out.
    pub(crate) range: TimeRange,
    pub(crate) manner: Manner,
    pub(crate) merge: Merge,
    pub(crate) counts: Counts,
    /// What cannot arrive as it is, and ends the response; and what is set aside instead.
    pub(crate) findings: Findings,
    pub(crate) aside: Findings,
    /// What was set aside and not taken yet.
    pub(crate) rejected: Vec<Rejection>,
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
    /// Integers that became floats, and values that went to a field called after their type.
    pub(crate) to_float: u64,
    pub(crate) moved: u64,
    /// Values that were set aside, and the points that they are of, as far as those are known.
    pub(crate) unfit: u64,
    pub(crate) rejected: u64,
}

impl Points {
    /// Holds at most about `bytes_max` bytes of a series to merge its fields.
    pub(crate) fn new(range: TimeRange, bytes_max: usize) -> Self {
        Self {
            range,
            manner: Manner::default(),
            merge: Merge::new(bytes_max),
            counts: Counts::default(),
            findings: Findings::default(),
            aside: Findings::default(),
            rejected: Vec::new(),
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

    /// The same with a value that a rule may change.
    #[inline]
    pub(crate) fn push_changed(
        &mut self,
        time: Timestamp,
        value: &Value<'_>,
        change: Change,
    ) -> Result<(), Unfit> {
        match change {
            Change::None => self.push(time, value),
            Change::ToFloat | Change::Moved => self.change_and_push(time, value, change),
        }
    }

    #[cold]
    #[inline(never)]
    fn change_and_push(
        &mut self,
        time: Timestamp,
        value: &Value<'_>,
        change: Change,
    ) -> Result<(), Unfit> {
        if self.leaves_out(time) {
            return self.push(time, value);
        }
        self.push(time, ruled::changed(value, change)?.as_ref().unwrap_or(value))?;
        self.counts.count(change);
        Ok(())
    }

    /// Takes a whole point.
    pub(crate) fn push_line(&mut self, series: &str, fields: LineFields<'_>, time: Timestamp) {
        if self.findings.is_empty() {
            self.merge.push_line(series, fields, time.0);
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

    /// Whether something of this kind is set aside.
    pub(crate) fn sets_aside(&self, kind: &ErrorKind) -> bool {
        self.manner.unfit == UnfitValues::SetAside && kind.is_unfit()
    }

    /// Sets so many values of a point aside, which are said to be this; all others go on.
    pub(crate) fn set_aside(&mut self, error: ConversionError, values: u64, text: String) {
        self.counts.unfit += values;
        self.counts.rejected += 1;
        let line = match error.position {
            Position::Line(line) => line,
            Position::Byte(_) => 0,
        };
        self.rejected.push(Rejection { line, reason: error.kind.to_string(), text });
        self.aside.push(error);
    }
}

impl Counts {
    /// A value became part of a point, and this became of it.
    pub(crate) fn count(&mut self, change: Change) {
        match change {
            Change::None => {}
            Change::ToFloat => self.to_float += 1,
            Change::Moved => self.moved += 1,
        }
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
