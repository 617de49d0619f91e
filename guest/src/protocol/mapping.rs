//! Which database of InfluxQL a bucket of InfluxDB 2.x is: what to ask, and what the responses say.
//!
//! OSS maps each bucket by its name, unless somebody has mapped that name to another bucket
//! (observed on InfluxDB 2.9.1); Cloud has only the mappings that somebody made.

use serde::Deserialize;

use super::{Call, Kind, encoded, json};
use crate::error::{Endpoint, Error};
use crate::settings::Place;

/// A small response needs no more.
const TIMEOUT_SECONDS: u32 = 60;

/// A database and a retention policy that stand for a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Mapping {
    pub(crate) database: String,
    pub(crate) retention_policy: String,
    #[serde(rename = "bucketID")]
    bucket_id: String,
    /// Made from the name of the bucket; one that somebody made goes before it.
    #[serde(default)]
    r#virtual: bool,
}

#[derive(Deserialize)]
struct Mappings {
    #[serde(default)]
    content: Vec<Mapping>,
}

#[derive(Deserialize)]
struct Buckets {
    #[serde(default)]
    buckets: Vec<Bucket>,
}

/// A bucket, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) id: String,
    name: String,
    #[serde(default, rename = "retentionRules")]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(default, rename = "shardGroupDurationSeconds")]
    shard_group_seconds: i64,
    #[serde(default, rename = "everySeconds")]
    every_seconds: i64,
}

impl Bucket {
    /// The present length of its shard groups; 0 where it is not told.
    pub(crate) fn shard_group_seconds(&self) -> i64 {
        self.rules.iter().map(|rule| rule.shard_group_seconds.max(0)).max().unwrap_or(0)
    }

    /// For how many seconds it keeps a point; `None` for ever.
    pub(crate) fn retention_seconds(&self) -> Option<u64> {
        let seconds = self.rules.iter().map(|rule| u64::try_from(rule.every_seconds).unwrap_or(0));
        seconds.filter(|seconds| *seconds > 0).min()
    }
}

/// Asks for a bucket by its name.
pub(crate) fn bucket(place: &Place) -> Call {
    call(place, "buckets", "name", &place.bucket)
}

/// The bucket, from the response, if it is there.
pub(crate) fn found_bucket(place: &Place, response: &[u8]) -> Result<Option<Bucket>, Error> {
    let buckets: Buckets = of_source(json(response, "buckets"))?;
    Ok(buckets.buckets.into_iter().find(|bucket| bucket.name == place.bucket))
}

/// Asks for the mappings to a bucket.
pub(crate) fn of_bucket(place: &Place, id: &str) -> Call {
    call(place, "dbrps", "bucketID", id)
}

/// Asks for the mappings of a database.
pub(crate) fn of_database(place: &Place, database: &str) -> Call {
    call(place, "dbrps", "db", database)
}

/// The mappings, from the response; those that somebody made first.
pub(crate) fn mappings(response: &[u8]) -> Result<Vec<Mapping>, Error> {
    let Mappings { mut content } = of_source(json(response, "mappings"))?;
    content.sort_by_key(|mapping| mapping.r#virtual);
    Ok(content)
}

impl Mapping {
    /// Whether a query for its database reaches its bucket: of two mappings with one name, the one
    /// that somebody made counts. `all` are those of the database, in the order of `mappings`.
    pub(crate) fn is_reached(&self, all: &[Self]) -> bool {
        let first = all.iter().find(|other| {
            other.database == self.database && other.retention_policy == self.retention_policy
        });
        first.is_some_and(|first| first.bucket_id == self.bucket_id)
    }
}

fn of_source<T>(found: Result<T, Error>) -> Result<T, Error> {
    found.map_err(|error| error.at(Endpoint::Source))
}

fn call(place: &Place, what: &str, key: &str, value: &str) -> Call {
    let (org, value) = (encoded(&place.org), encoded(value));
    Call {
        endpoint: Endpoint::Source,
        method: "GET",
        path: format!("/api/v2/{what}?org={org}&{key}={value}"),
        headers: vec![("accept", "application/json".into())],
        body: String::new(),
        timeout: TIMEOUT_SECONDS,
        kind: Kind::Query,
        name: place.bucket.clone(),
    }
}
