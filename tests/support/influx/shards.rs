//! Shard groups: how a TSM engine cuts time, and which type a field has in each piece.
//!
//! Knows no points but their times and types.

use std::collections::BTreeMap;
use std::ops::Range;

use super::points::{Point, Type};

/// Seconds from 0001-01-01, from which shard groups are counted, to 1970-01-01.
const SECONDS_BEFORE_1970: i128 = 62_135_596_800;

/// What becomes of a new shard group that would reach into older ones of another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Neighbours {
    /// It overlaps with them, as on 1.6.7 (recorded in `influxql/shards_v1.msgpack`).
    Overlap,
    /// It ends where they begin, as on 2.9.1.
    Clip,
}

/// The shard groups of a bucket.
#[derive(Debug)]
pub(super) struct Shards {
    /// The length of those to come, in nanoseconds.
    pub(super) length: i64,
    neighbours: Neighbours,
    // Invariant: sorted by their ends, then by their starts, as InfluxDB sorts them; so the first
    // that holds a time is the one that its points go to.
    groups: Vec<Group>,
}

/// A shard group, and what it knows of types.
#[derive(Debug)]
pub(super) struct Group {
    /// Its first nanosecond, which may lie before all that an `i64` can say.
    pub(super) start: i128,
    /// The nanosecond after its last.
    pub(super) end: i128,
    /// By measurement and field.
    types: BTreeMap<String, BTreeMap<String, Type>>,
}

impl Shards {
    pub(super) fn new(length: i64, neighbours: Neighbours) -> Self {
        Self { length, neighbours, groups: Vec::new() }
    }

    /// All of them, in the order in which InfluxDB lists them.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Those that the times from `start` to `last` touch.
    pub(super) fn groups_within(&self, start: i64, last: i64) -> impl Iterator<Item = &Group> {
        let (start, last) = (i128::from(start), i128::from(last));
        self.groups.iter().filter(move |group| group.start <= last && start < group.end)
    }

    /// The one that a point of this time goes to, if there is one yet.
    pub(super) fn group_of(&self, time: i64) -> Option<&Group> {
        self.index_of(time).map(|index| &self.groups[index])
    }

    /// Keeps the types of a point's fields that are not known yet, in the group of its time, which
    /// is made if there is none.
    pub(super) fn learn(&mut self, point: &Point) {
        let index = self.index_of(point.time).unwrap_or_else(|| self.insert_for(point.time));
        let types = &mut self.groups[index].types;
        let types = types.entry(point.series.measurement.clone()).or_default();
        for (field, value) in &point.fields {
            types.entry(field.clone()).or_insert(value.value_type());
        }
    }

    fn index_of(&self, time: i64) -> Option<usize> {
        let time = i128::from(time);
        // None that ended before can hold it.
        let first = self.groups.partition_point(|group| group.end <= time);
        let offset = self.groups[first..].iter().position(|group| group.start <= time)?;
        Some(first + offset)
    }

    /// Makes the group of a time that no group holds.
    fn insert_for(&mut self, time: i64) -> usize {
        let time = i128::from(time);
        let since_year_1 = time + SECONDS_BEFORE_1970 * 1_000_000_000;
        let mut start = time - since_year_1.rem_euclid(i128::from(self.length));
        // Times end there.
        let mut end = (start + i128::from(self.length)).min(i128::from(i64::MAX));
        if self.neighbours == Neighbours::Clip {
            for group in &self.groups {
                if group.end <= time {
                    start = start.max(group.end);
                } else {
                    end = end.min(group.start);
                }
            }
        }
        let index = self.groups.partition_point(|group| (group.end, group.start) < (end, start));
        self.groups.insert(index, Group { start, end, types: BTreeMap::new() });
        index
    }
}

impl Group {
    /// The types of a measurement's fields, if it knows the measurement.
    pub(super) fn types(&self, measurement: &str) -> Option<&BTreeMap<String, Type>> {
        self.types.get(measurement)
    }

    /// All times that its points can have.
    pub(super) fn times(&self) -> Range<i64> {
        let bound = |time: i128| time.clamp(i64::MIN.into(), i64::MAX.into());
        let bound = |time| i64::try_from(bound(time)).expect("it was clamped");
        bound(self.start)..bound(self.end)
    }

    /// The measurements that it knows.
    pub(super) fn measurements(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}
