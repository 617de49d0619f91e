//! Which language a bucket is read by, and under which name it answers to it.
//!
//! InfluxQL is typed, merged and small, so it goes first where it reaches the same bucket for
//! certain. Does not know batches or points.

mod finder;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Note;
use super::note::list;
pub(crate) use finder::RoadFinder;

/// How points are read from a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Road {
    Flux,
    InfluxQl(Database),
}

/// What InfluxQL knows a bucket as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Database {
    pub(crate) name: String,
    // Invariant, with that of `cell_seconds`: `is_fit`.
    pub(crate) policies: Vec<String>,
    /// Whether it tells where shard groups are.
    pub(crate) shows_shards: bool,
    /// Where it does not: seconds that divide each of them, as far as is known.
    pub(crate) cell_seconds: i64,
}

impl Database {
    /// Whether there is something to read, and a cell that is a part of an hour: an order comes from
    /// outside.
    pub(crate) fn is_fit(&self) -> bool {
        !self.policies.is_empty() && (1..=HOUR_SECONDS).contains(&self.cell_seconds)
    }
}

/// No shard group is shorter, and most begin at a whole one.
const HOUR_SECONDS: i64 = 3600;

/// The retention policy of a bucket of 2.x that has none in its name.
const DEFAULT_POLICY: &str = "autogen";

/// The greatest common divisor.
fn common_part(one: i64, two: i64) -> i64 {
    if two == 0 { one } else { common_part(two, one % two) }
}

/// The database and the retention policy that a bucket's name says.
fn names(bucket: &str) -> (String, Option<String>) {
    match bucket.split_once('/') {
        Some((database, policy)) => (database.to_owned(), Some(policy.to_owned())),
        None => (bucket.to_owned(), None),
    }
}

fn overlap_warning(shared: &BTreeSet<(&str, &str)>) -> Note {
    let names = shared.iter().map(|(measurement, field)| format!("{measurement}.{field}"));
    let names: Vec<_> = names.collect();
    let message = format!(
        "in several retention policies there is {}: where their values of one series and time differ, \
         the run will stop",
        list(&names)
    );
    let hint = "migrate each policy into a bucket of its own: `source.bucket = \"db/rp\"`";
    Note::warning(message).with_hint(hint)
}
