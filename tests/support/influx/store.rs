//! Buckets: their points, what was written to them, and what their engines remember of types.
//!
//! A TSM engine keeps the type of a field per shard group, an IOx engine per table. Knows no
//! HTTP.

use std::collections::{BTreeMap, BTreeSet};

use super::points::{Point, Points, Type};
use super::schema::Schema;
use super::shards::{Neighbours, Shards};

/// All buckets of a server, by name.
#[derive(Debug)]
pub(super) struct Store {
    buckets: BTreeMap<String, Bucket>,
    shard_group: i64,
    neighbours: Neighbours,
}

/// A bucket, or a database.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) points: Points,
    /// The bodies that were accepted, in the order of their arrival.
    pub(super) written: Vec<String>,
    /// What the IOx engine knows of tables.
    pub(super) schema: Schema,
    /// What the TSM engine knows of times and types.
    pub(super) shards: Shards,
    /// The seconds after which points expire; 0 for never. The fake lists it and keeps them.
    pub(super) retention: u64,
    /// Rows of these times are counted by SQL, and not among those that it selects.
    pub(super) left_out: BTreeSet<i64>,
}

/// A value of another type than its field has in this shard group.
#[derive(Debug)]
pub(super) struct Conflict {
    pub(super) measurement: String,
    pub(super) field: String,
    pub(super) existing: Type,
    pub(super) new: Type,
}

impl Store {
    /// A store whose shard groups have this length in nanoseconds.
    pub(super) fn new(shard_group: i64, neighbours: Neighbours) -> Self {
        Self { buckets: BTreeMap::new(), shard_group, neighbours }
    }

    /// All buckets by their names, in the order of these.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (&str, &Bucket)> {
        self.buckets.iter().map(|(name, bucket)| (name.as_str(), bucket))
    }

    pub(super) fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.get(name)
    }

    pub(super) fn bucket_mut(&mut self, name: &str) -> Option<&mut Bucket> {
        self.buckets.get_mut(name)
    }

    /// The bucket of this name, which is made if there is none.
    pub(super) fn bucket_or_new(&mut self, name: &str) -> &mut Bucket {
        let (length, neighbours) = (self.shard_group, self.neighbours);
        self.buckets.entry(name.to_owned()).or_insert_with(|| Bucket {
            points: Points::default(),
            written: Vec::new(),
            schema: Schema::default(),
            shards: Shards::new(length, neighbours),
            retention: 0,
            left_out: BTreeSet::new(),
        })
    }
}

impl Bucket {
    /// Why a TSM engine refuses the point, if it does.
    pub(super) fn conflict(&self, point: &Point) -> Option<Conflict> {
        let measurement = &point.series.measurement;
        let types = self.shards.group_of(point.time)?.types(measurement)?;
        point.fields.iter().find_map(|(field, value)| {
            let (existing, new) = (*types.get(field)?, value.value_type());
            let (measurement, field) = (measurement.clone(), field.clone());
            (existing != new).then_some(Conflict { measurement, field, existing, new })
        })
    }

    /// Adds a point. The first value of a field decides upon its type in a shard group.
    pub(super) fn insert(&mut self, point: Point) {
        self.shards.learn(&point);
        self.schema.learn(&point);
        self.points.insert(point);
    }

    /// The type in which a TSM engine reads a field by Flux: that of the first shard group of the
    /// range that knows the field, be it through another series or at times outside the range.
    /// Values of other types are left out without a word (observed on InfluxDB OSS 2.9.1).
    pub(super) fn type_read(
        &self,
        measurement: &str,
        field: &str,
        start: i64,
        stop: i64,
    ) -> Option<Type> {
        let mut groups = self.shards.groups_within(start, stop - 1);
        groups.find_map(|group| group.types(measurement)?.get(field).copied())
    }
}
