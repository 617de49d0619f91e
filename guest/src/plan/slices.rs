//! What to read of a batch by InfluxQL, so that no value is cast and none vanishes: slices in which
//! no field has two types, each with the number of values that it must give.
//!
//! Does not know requests. Where types change, a batch is cut at the bounds of shard groups if the
//! source tells them. If it does not, whole hours stand in for them: no group is shorter, and each
//! begins at one, unless somebody has set a duration that is no number of hours. Counts by type
//! then say whether all values of a slice are read; where not, it is halved.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::schema::{Measurement, Tally};
use crate::error::{Error, Fault};
use crate::time::{TimeRange, Timestamp};

/// A part of a measurement, by time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    /// Which one of the schema.
    pub(crate) measurement: usize,
    pub(crate) range: TimeRange,
    /// How many values there must be, if that was counted.
    pub(crate) values: Option<u64>,
    /// The fields of which small numbers are unsigned.
    pub(crate) unsigned: Vec<String>,
}

/// The bounds of shard groups, by retention policy.
pub(crate) type Bounds = BTreeMap<String, BTreeSet<Timestamp>>;

/// The slices of a batch, while it is found out what they must be.
#[derive(Debug)]
pub(crate) struct Slices {
    schema: Vec<Measurement>,
    /// To be counted, in order.
    unsure: VecDeque<Slice>,
    /// Whether no slice that is to be counted spans two shard groups.
    in_one_group: bool,
    sure: Vec<Slice>,
}

const HOUR: i64 = 3600 * 1_000_000_000;

/// A range of more hours is halved before it is cut into hours: most of it may be empty.
const HOURS_MAX: i64 = 1000;

impl Slices {
    pub(crate) fn new(schema: Vec<Measurement>, batch: TimeRange) -> Self {
        let (mut unsure, mut sure) = (VecDeque::new(), Vec::new());
        for (place, measurement) in schema.iter().enumerate() {
            let unsigned = measurement.unsigned();
            let slice = Slice { measurement: place, range: batch, values: None, unsigned };
            match measurement.has_changing_types() {
                true => unsure.push_back(slice),
                false => sure.push(slice),
            }
        }
        Self { schema, unsure, in_one_group: false, sure }
    }

    pub(crate) fn measurement(&self, slice: &Slice) -> &Measurement {
        &self.schema[slice.measurement]
    }

    /// Whether some field has several types, so that slices must be counted.
    pub(crate) fn are_unsure(&self) -> bool {
        !self.unsure.is_empty()
    }

    /// Cuts what is to be counted at the bounds of shard groups.
    pub(crate) fn cut_at(&mut self, bounds: &Bounds) {
        self.in_one_group = true;
        let none = BTreeSet::new();
        for slice in std::mem::take(&mut self.unsure) {
            let bounds = bounds.get(&self.measurement(&slice).policy).unwrap_or(&none);
            let inside = bounds.iter().copied().filter(|bound| slice.range.contains(*bound));
            self.unsure.extend(cut(&slice, inside));
        }
    }

    /// The next slices that are to be counted.
    pub(crate) fn take_unsure(&mut self, count: usize) -> Vec<Slice> {
        self.unsure.drain(..count.min(self.unsure.len())).collect()
    }

    /// Takes what was counted.
    pub(crate) fn settle(&mut self, slice: Slice, counts: &[u64]) -> Result<(), Error> {
        let Some(tally) = Tally::of(self.measurement(&slice), counts) else {
            return Err(Error::new(Fault::Malformed, "a count is missing"));
        };
        let in_one_group = self.in_one_group || hour(slice.range.start()) == last_hour(slice.range);
        if tally.drops || (tally.may_cast && !in_one_group) {
            let parts = self.parts(&slice, in_one_group)?;
            parts.into_iter().rev().for_each(|part| self.unsure.push_front(part));
        } else if tally.values > 0 {
            self.sure.push(Slice { values: Some(tally.values), ..slice });
        }
        Ok(())
    }

    fn parts(&self, slice: &Slice, in_one_group: bool) -> Result<Vec<Slice>, Error> {
        let (start, stop) = (slice.range.start(), slice.range.stop());
        if !in_one_group {
            let (first, last) = (hour(start) + 1, last_hour(slice.range));
            if last - first >= HOURS_MAX {
                return Ok(cut(slice, [Timestamp((first + (last - first) / 2) * HOUR)]));
            }
            return Ok(cut(slice, (first..=last).map(|hour| Timestamp(hour * HOUR))));
        }
        let middle = start.saturating_add(slice.range.nanoseconds() / 2);
        if middle == start {
            let name = &self.measurement(slice).name;
            let message = format!("`{name}` has a field with two types at {start}");
            return Err(Error::new(Fault::Unsupported, message));
        }
        debug_assert!(middle < stop, "half of a range ends before it");
        Ok(cut(slice, [middle]))
    }

    /// All slices, once none is to be counted: by measurement, then by time.
    pub(crate) fn sure(&mut self) -> &mut Vec<Slice> {
        self.sure.sort_by_key(|slice| (slice.measurement, slice.range.start()));
        &mut self.sure
    }
}

/// The whole hours before a time, counted from 1970.
fn hour(time: Timestamp) -> i64 {
    time.0.div_euclid(HOUR)
}

/// That of the last time in a range.
fn last_hour(range: TimeRange) -> i64 {
    hour(range.stop().saturating_sub(1))
}

/// Cuts a slice at times inside of it, which are in order.
fn cut(slice: &Slice, times: impl IntoIterator<Item = Timestamp>) -> Vec<Slice> {
    let (mut start, stop) = (slice.range.start(), slice.range.stop());
    let mut parts = Vec::new();
    for end in times.into_iter().chain([stop]) {
        // The very start of the slice may be a bound too: nothing is before it.
        if let Some(range) = TimeRange::new(start, end) {
            parts.push(Slice { range, ..slice.clone() });
            start = end;
        }
    }
    parts
}
