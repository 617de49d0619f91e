//! What to read of a batch by InfluxQL, so that no value is cast and none vanishes: slices, each
//! with the number of values that it must give, unless they are still being written.
//!
//! Does not know requests. What counts nothing is read nevertheless. Where a field has several types, the
//! values of each type are counted: strings and booleans beside numbers are then read by name. Numbers of
//! several types cannot be told apart that way, so they are read one shard group at a time. If the source
//! does not tell where those begin, whole hours stand in for them: no group is shorter, and each begins at
//! one, unless its duration was no number of hours (then a part of an hour that divides both).
//!
//! Of a day whose field `f` is an integer until noon and then a float, and whose `g` is a float or a
//! string:
//!
//! ```text
//! 00:00/24:00 *::field  →  00:00/12:00 *::field
//!                          12:00/24:00 "f"::float, "g"::float
//!                          12:00/24:00 "g"::string
//! ```

use std::collections::{BTreeMap, VecDeque};

use super::schema::{Measurement, Tally, shared_fields};
use crate::error::{Error, Fault};
use crate::time::{TimeRange, Timestamp};

/// A part of a measurement, by time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    /// Which one of the schema.
    pub(crate) measurement: usize,
    pub(crate) range: TimeRange,
    /// What to read of it.
    pub(crate) columns: Vec<String>,
    /// How many values there must be, if that was counted.
    pub(crate) values: Option<u64>,
    /// The fields of which small numbers are unsigned.
    pub(crate) unsigned: Vec<String>,
    /// The fields of which they may be of either kind.
    pub(crate) ambiguous: Vec<String>,
    /// The fields that other retention policies have too.
    pub(crate) shared: Vec<String>,
}

/// The shard groups, by retention policy.
pub(crate) type Groups = BTreeMap<String, Vec<TimeRange>>;

/// The slices of a batch, while it is found out what they must be.
#[derive(Debug)]
pub(crate) struct Slices {
    schema: Vec<Measurement>,
    /// To be counted, in order.
    unsure: VecDeque<Slice>,
    /// As far as the source tells.
    groups: Option<Groups>,
    /// Nanoseconds that stand in for a shard group where it does not.
    cell: i64,
    /// A condition may be about a field whose type changes: a slice must then be within one shard
    /// group before anything is counted.
    has_condition: bool,
    sure: Vec<Slice>,
}

/// A range of more cells is halved before it is cut into cells: most of it may be empty.
const CELLS_MAX: i64 = 1000;

impl Slices {
    pub(crate) fn new(
        schema: Vec<Measurement>,
        batch: TimeRange,
        cell: i64,
        has_condition: bool,
        has_all_fields: bool,
    ) -> Self {
        let (mut unsure, mut sure) = (VecDeque::new(), Vec::new());
        let all_shared = shared_fields(&schema);
        for (place, measurement) in schema.iter().enumerate() {
            let slice = Slice {
                measurement: place,
                range: batch,
                columns: if has_all_fields { all_fields() } else { measurement.columns() },
                values: None,
                unsigned: measurement.unsigned(),
                ambiguous: Vec::new(),
                shared: measurement.names_in(&all_shared),
            };
            match measurement.has_changing_types() {
                true => unsure.push_back(slice),
                false => sure.push(slice),
            }
        }
        Self { schema, unsure, groups: None, cell, has_condition, sure }
    }

    pub(crate) fn measurement(&self, slice: &Slice) -> &Measurement {
        &self.schema[slice.measurement]
    }

    /// Whether some field has several types, so that slices must be counted.
    pub(crate) fn are_unsure(&self) -> bool {
        !self.unsure.is_empty()
    }

    /// Has all slices counted, not only those whose types change.
    pub(crate) fn count_all(&mut self) {
        self.unsure.extend(self.sure.drain(..));
    }

    /// What to count of a slice.
    pub(crate) fn columns_to_count(&self, slice: &Slice) -> Vec<String> {
        let measurement = self.measurement(slice);
        match measurement.has_changing_types() {
            true => measurement.columns_to_count(),
            false => slice.columns.clone(),
        }
    }

    /// Takes the shard groups, where the source tells them.
    pub(crate) fn set_groups(&mut self, groups: Groups) {
        self.groups = Some(groups);
    }

    /// The next slice that is to be counted.
    pub(crate) fn take_unsure(&mut self) -> Option<Slice> {
        let slice = self.unsure.pop_front()?;
        if !self.has_condition || !self.measurement(&slice).has_changing_types() {
            return Some(slice);
        }
        let mut parts = self.parts(&slice);
        parts.drain(1..).rev().for_each(|part| self.unsure.push_front(part));
        let part = parts.pop().expect("a slice has at least one part");
        // Halves may still be too long.
        if part == slice {
            Some(slice)
        } else {
            self.unsure.push_front(part);
            self.take_unsure()
        }
    }

    /// Gives back what does not fit into a request.
    pub(crate) fn put_back(&mut self, slice: Slice) {
        self.unsure.push_front(slice);
    }

    /// Takes what was counted.
    pub(crate) fn settle(&mut self, slice: Slice, counts: &[u64]) -> Result<(), Error> {
        if !self.measurement(&slice).has_changing_types() {
            let values = Some(counts.iter().sum());
            self.sure.push(Slice { values, ..slice });
            return Ok(());
        }
        let none = vec![0; self.columns_to_count(&slice).len()];
        let counts = if counts.is_empty() { &none } else { counts };
        let Some(tally) = Tally::of(self.measurement(&slice), counts) else {
            return Err(Error::new(Fault::Malformed, "a count is missing"));
        };
        if tally.values() > 0 && self.groups.is_some() && self.groups_of(&slice).next().is_none() {
            // Made a moment ago, perhaps.
            let message = "the source has values where it lists no shard group";
            return Err(Error::new(Fault::Truncated, message));
        }
        if tally.may_cast || self.has_condition {
            let parts = self.parts(&slice);
            if parts.len() > 1 {
                parts.into_iter().rev().for_each(|part| self.unsure.push_front(part));
                return Ok(());
            }
            let is_mixed = tally.drops && tally.may_cast;
            if is_mixed || self.groups_of(&slice).nth(1).is_some() {
                return Err(self.overlapping(&slice));
            }
        }
        if tally.drops {
            for (columns, values) in self.measurement(&slice).columns_by_class(&tally) {
                self.sure.push(Slice { columns, values: Some(values), ..slice.clone() });
            }
        } else {
            let values = Some(tally.values());
            self.sure.push(Slice { values, ambiguous: tally.ambiguous, ..slice });
        }
        Ok(())
    }

    /// The shard groups that a slice touches, as far as the source tells.
    fn groups_of(&self, slice: &Slice) -> impl Iterator<Item = TimeRange> {
        let groups = self.groups.as_ref();
        let groups = groups.and_then(|groups| groups.get(&self.measurement(slice).policy));
        let range = slice.range;
        let groups = groups.into_iter().flatten().copied();
        groups.filter(move |group| group.intersection(range).is_some())
    }

    /// The parts of a slice that lie within one shard group each, as far as can be told; the slice
    /// itself if that is one.
    fn parts(&self, slice: &Slice) -> Vec<Slice> {
        if self.groups.is_some() {
            let bounds = self.groups_of(slice).flat_map(|group| [group.start(), group.stop()]);
            return cut(slice, bounds.collect());
        }
        let cell = |time: Timestamp| time.0.div_euclid(self.cell);
        let (first, last) =
            (cell(slice.range.start()) + 1, cell(slice.range.stop().saturating_sub(1)));
        if last - first >= CELLS_MAX {
            return cut(slice, vec![Timestamp((first + (last - first) / 2) * self.cell)]);
        }
        cut(slice, (first..=last).map(|cell| Timestamp(cell * self.cell)).collect())
    }

    /// InfluxDB 1.x makes shard groups that overlap where their duration was made longer (observed
    /// on 1.6.7): a query of that time sees the types of both, and casts.
    fn overlapping(&self, slice: &Slice) -> Error {
        let measurement = self.measurement(slice);
        let mut fields = measurement.fields.iter().filter(|field| field.types.len() > 1);
        let mut numbers = fields.clone().filter(|field| field.has_several_numbers());
        let field = numbers.next().or_else(|| fields.next()).map_or("", |field| &field.name);
        let (name, range) = (&measurement.name, slice.range);
        let message = format!(
            "field `{field}` of `{name}` has several types, and in {range} there are several shard \
             groups: InfluxQL makes one type of them"
        );
        Error::new(Fault::Unsupported, message).with_hint(
            "leave the measurement out with `measurements`, and export it with `influx_inspect export`",
        )
    }

    /// Takes all slices, once none is to be counted: by the name of the measurement, so that its
    /// retention policies follow one another, and by time.
    pub(crate) fn take_sure(&mut self) -> Vec<Slice> {
        let schema = &self.schema;
        let name = |slice: &Slice| schema[slice.measurement].name.as_str();
        let place = |slice: &Slice| (slice.measurement, slice.range.start());
        // Stable: the classes of a slice stay in their order.
        self.sure.sort_by(|a, b| name(a).cmp(name(b)).then(place(a).cmp(&place(b))));
        std::mem::take(&mut self.sure)
    }
}

/// A tag of the same name is none of the columns then.
fn all_fields() -> Vec<String> {
    vec!["*::field".to_owned()]
}

/// Cuts a slice at those of these times that lie inside of it.
fn cut(slice: &Slice, mut times: Vec<Timestamp>) -> Vec<Slice> {
    let (mut start, stop) = (slice.range.start(), slice.range.stop());
    times.retain(|time| start < *time && *time < stop);
    times.sort_unstable();
    times.dedup();
    let mut parts = Vec::new();
    for end in times.into_iter().chain([stop]) {
        let range = TimeRange::new(start, end).expect("the times are in order, inside of it");
        parts.push(Slice { range, ..slice.clone() });
        start = end;
    }
    parts
}
