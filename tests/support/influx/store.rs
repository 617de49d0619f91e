//! Buckets: their points, what was written to them, and what their engines remember of types.
//!
//! A TSM engine keeps the type of a field per shard group, an IOx engine per table. Knows no
//! HTTP.

use std::collections::BTreeMap;

use super::points::{Point, Points, Type};
use super::schema::Schema;

/// Seconds from 0001-01-01, from which shard groups are counted, to 1970-01-01.
const SECONDS_BEFORE_1970: i128 = 62_135_596_800;

/// All buckets of a server, by name.
#[derive(Debug, Default)]
pub(super) struct Store {
    buckets: BTreeMap<String, Bucket>,
    shard_group: i64,
}

/// A bucket, or a database.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) points: Points,
    /// The bodies that were accepted, in the order of their arrival.
    pub(super) written: Vec<String>,
    /// What the IOx engine knows of tables.
    pub(super) schema: Schema,
    /// What the TSM engine knows: by shard group, measurement and field.
    types: BTreeMap<i128, BTreeMap<String, BTreeMap<String, Type>>>,
    /// The length of a shard group in nanoseconds.
    shard_group: i64,
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
    pub(super) fn new(shard_group: i64) -> Self {
        Self { buckets: BTreeMap::new(), shard_group }
    }

    pub(super) fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.get(name)
    }

    pub(super) fn bucket_mut(&mut self, name: &str) -> Option<&mut Bucket> {
        self.buckets.get_mut(name)
    }

    /// The bucket of this name, which is made if there is none.
    pub(super) fn bucket_or_new(&mut self, name: &str) -> &mut Bucket {
        let shard_group = self.shard_group;
        self.buckets.entry(name.to_owned()).or_insert_with(|| Bucket {
            points: Points::default(),
            written: Vec::new(),
            schema: Schema::default(),
            types: BTreeMap::new(),
            shard_group,
        })
    }
}

impl Bucket {
    /// Why a TSM engine refuses the point, if it does.
    pub(super) fn conflict(&self, point: &Point) -> Option<Conflict> {
        let measurement = &point.series.measurement;
        let types = self.types.get(&self.group(point.time))?.get(measurement)?;
        point.fields.iter().find_map(|(field, value)| {
            let (existing, new) = (*types.get(field)?, value.value_type());
            let (measurement, field) = (measurement.clone(), field.clone());
            (existing != new).then_some(Conflict { measurement, field, existing, new })
        })
    }

    /// Adds a point. The first value of a field decides upon its type in a shard group.
    pub(super) fn insert(&mut self, point: Point) {
        let group = self.types.entry(self.group(point.time)).or_default();
        let types = group.entry(point.series.measurement.clone()).or_default();
        for (field, value) in &point.fields {
            types.entry(field.clone()).or_insert(value.value_type());
        }
        self.points.insert(point);
    }

    /// The type in which a TSM engine reads a field: that of the first shard group of the range
    /// that knows the field, be it through another series or at times outside the range. Values
    /// of other types are left out without a word (observed on InfluxDB OSS 2.9.1).
    pub(super) fn type_read(
        &self,
        measurement: &str,
        field: &str,
        start: i64,
        stop: i64,
    ) -> Option<Type> {
        let mut groups = self.types.range(self.group(start)..=self.group(stop - 1));
        groups.find_map(|(_, types)| types.get(measurement)?.get(field).copied())
    }

    fn group(&self, time: i64) -> i128 {
        let since_year_1 = i128::from(time) + SECONDS_BEFORE_1970 * 1_000_000_000;
        since_year_1.div_euclid(i128::from(self.shard_group))
    }
}
