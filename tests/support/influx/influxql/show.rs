//! What a `SHOW` finds in the databases.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat};

use super::databases::Policy;
use super::outcome::Rows;
use super::parse::{Counted, Source};
use crate::influx::points::{Series, Value};
use crate::influx::settings::{ContinuousQuery, Version};

/// `SHOW RETENTION POLICIES`
pub(super) fn retention_policies(policies: &[Policy<'_>], version: Version) -> Rows {
    let row = |policy: &Policy<'_>| {
        let shard_group = match version {
            Version::V1_6 => duration(policy.bucket.shards.length),
            // Whatever the bucket has (observed on 2.9.1).
            Version::V2 => "168h0m0s".to_owned(),
        };
        vec![
            text(policy.name),
            text("0s"),
            text(&shard_group),
            Some(Value::Integer(1)),
            Some(Value::Boolean(policy.is_default)),
        ]
    };
    let columns = ["name", "duration", "shardGroupDuration", "replicaN", "default"];
    Rows { values: policies.iter().map(row).collect(), ..rows_of("", &columns) }
}

/// `SHOW SHARDS`: a list for each database, be it empty. The shards are numbered as they are
/// listed; a server numbers them as they were made.
pub(super) fn shards(policies: &[Policy<'_>]) -> Vec<Rows> {
    let columns = [
        "id",
        "database",
        "retention_policy",
        "shard_group",
        "start_time",
        "end_time",
        "expiry_time",
        "owners",
    ];
    let mut lists: Vec<Rows> = Vec::new();
    let mut number = 0;
    for policy in policies {
        if lists.last().is_none_or(|rows| rows.name != policy.database) {
            lists.push(rows_of(policy.database, &columns));
        }
        let list = lists.last_mut().expect("one has just been added");
        for group in policy.bucket.shards.groups() {
            number += 1;
            let (start, end) = (time(group.start), time(group.end));
            list.values.push(vec![
                Some(Value::Integer(number)),
                text(policy.database),
                text(policy.name),
                Some(Value::Integer(number)),
                text(&start),
                text(&end),
                text(&end),
                text(""),
            ]);
        }
    }
    lists
}

/// `SHOW FIELD KEYS`: every type that a field has in some shard group, by measurement.
pub(super) fn field_keys(policies: &[Policy<'_>], sources: &[Source]) -> Result<Vec<Rows>, String> {
    let mut measurements: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for source in sources {
        let policy = policies.iter().find(|policy| policy.name == source.policy);
        let missing = || format!("retention policy not found: {}", source.policy);
        let policy = policy.ok_or_else(missing)?;
        for group in policy.bucket.shards.groups() {
            for measurement in group.measurements() {
                if source.measurement.as_deref().is_none_or(|wanted| wanted == measurement) {
                    let fields = group.types(measurement).into_iter().flatten();
                    let fields =
                        fields.map(|(field, value_type)| (field.as_str(), value_type.name()));
                    measurements.entry(measurement).or_default().extend(fields);
                }
            }
        }
    }
    let rows = measurements.into_iter().map(|(measurement, fields)| Rows {
        values: fields.into_iter().map(|(field, name)| vec![text(field), text(name)]).collect(),
        ..rows_of(measurement, &["fieldKey", "fieldType"])
    });
    Ok(rows.collect())
}

/// `SHOW TAG KEYS`: of every measurement that has one.
pub(super) fn tag_keys(policies: &[Policy<'_>]) -> Vec<Rows> {
    let mut measurements: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (series, _) in policies.iter().flat_map(|policy| policy.bucket.points.series()) {
        let keys = series.tags().iter().map(|(key, _)| key.as_str());
        measurements.entry(&series.measurement).or_default().extend(keys);
    }
    let measurements = measurements.into_iter().filter(|(_, keys)| !keys.is_empty());
    let rows = measurements.map(|(measurement, keys)| Rows {
        values: keys.into_iter().map(|key| vec![text(key)]).collect(),
        ..rows_of(measurement, &["tagKey"])
    });
    rows.collect()
}

/// `SHOW SERIES CARDINALITY` and its like. A server estimates; of few series it is the number.
pub(super) fn cardinality(policies: &[Policy<'_>], of: Counted) -> Rows {
    let series = policies.iter().flat_map(|policy| policy.bucket.points.series());
    let count = match of {
        Counted::Series => series.map(|(series, _)| series).collect::<BTreeSet<_>>().len(),
        Counted::Measurements => {
            series.map(|(series, _)| &series.measurement).collect::<BTreeSet<_>>().len()
        }
    };
    let count = i64::try_from(count).expect("memory holds fewer");
    Rows {
        values: vec![vec![Some(Value::Integer(count))]],
        ..rows_of("", &["cardinality estimation"])
    }
}

/// `SHOW SERIES EXACT CARDINALITY`: of every measurement.
pub(super) fn exact_cardinality(policies: &[Policy<'_>]) -> Vec<Rows> {
    let mut measurements: BTreeMap<&str, BTreeSet<&Series>> = BTreeMap::new();
    for (series, _) in policies.iter().flat_map(|policy| policy.bucket.points.series()) {
        measurements.entry(&series.measurement).or_default().insert(series);
    }
    let rows = measurements.into_iter().map(|(measurement, series)| {
        let count = i64::try_from(series.len()).expect("memory holds fewer");
        Rows { values: vec![vec![Some(Value::Integer(count))]], ..rows_of(measurement, &["count"]) }
    });
    rows.collect()
}

/// `SHOW CONTINUOUS QUERIES`: a list for each database, be it empty.
pub(super) fn continuous_queries(policies: &[Policy<'_>], known: &[ContinuousQuery]) -> Vec<Rows> {
    let databases = policies.iter().map(|policy| policy.database).collect::<BTreeSet<_>>();
    let rows = databases.into_iter().map(|database| {
        let known = known.iter().filter(|query| query.database == database);
        let values = known.map(|query| vec![text(&query.name), text(&query.query)]);
        Rows { values: values.collect(), ..rows_of(database, &["name", "query"]) }
    });
    rows.collect()
}

fn rows_of(name: &str, columns: &[&str]) -> Rows {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    Rows { name: name.to_owned(), columns, ..Rows::default() }
}

fn text(text: &str) -> Option<Value> {
    Some(Value::String(text.to_owned()))
}

/// `1.5 h` as Go writes it: `1h30m0s`.
fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    format!("{}h{}m{}s", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// To the second, which is cut off.
fn time(nanoseconds: i128) -> String {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let seconds = i64::try_from(seconds).expect("shard groups end in 2262");
    let time = DateTime::from_timestamp(seconds, 0).expect("and chrono knows that year");
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
