//! Which bucket is which database and retention policy.
//!
//! Knows no statement. The rules of version 2 follow `dbrp/service.go` (`FindMany`) of 2.9.

use crate::influx::settings::{Databases, Mapping, Settings, Version};
use crate::influx::store::{Bucket, Store};

/// The policy of a bucket whose name has none.
const AUTOGEN: &str = "autogen";

/// A retention policy of a database.
#[derive(Clone, Debug)]
pub(in crate::influx) struct Policy<'a> {
    /// The id of the mapping on version 2.
    pub(in crate::influx) id: String,
    pub(in crate::influx) database: &'a str,
    pub(in crate::influx) name: &'a str,
    pub(in crate::influx) bucket_name: &'a str,
    pub(in crate::influx) bucket: &'a Bucket,
    pub(in crate::influx) is_default: bool,
    /// Whether nobody made it: it follows from the name of the bucket.
    pub(in crate::influx) is_virtual: bool,
}

/// Which of the policies are wanted; `None` wants all.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::influx) struct Wanted<'a> {
    pub(in crate::influx) database: Option<&'a str>,
    pub(in crate::influx) bucket_id: Option<&'a str>,
}

/// The policies that are wanted, in the order in which the server lists them.
pub(in crate::influx) fn policies<'a>(
    store: &'a Store,
    settings: &'a Settings,
    wanted: Wanted<'_>,
) -> Vec<Policy<'a>> {
    let (mappings, has_virtual) = match (&settings.databases, settings.version) {
        (_, Version::V1_6) => return policies_v1(store, wanted),
        (Databases::Virtual(mappings), Version::V2) => (mappings.as_slice(), true),
        (Databases::Explicit(mappings), Version::V2) => (mappings.as_slice(), false),
        (Databases::Absent, Version::V2) => return Vec::new(),
    };
    let explicit = mappings.iter().enumerate();
    let explicit = explicit.filter_map(|(index, mapping)| listed(store, index, mapping));
    let mut policies = explicit.filter(|policy| wanted.has(policy)).collect::<Vec<_>>();
    if !has_virtual {
        return policies;
    }
    'buckets: for (name, bucket) in store.buckets() {
        let mut policy = implied(name, bucket);
        // Only those that were found are asked: to a search by the bucket, a mapping of the same
        // database and policy to another bucket is unknown.
        for other in policies.iter().filter(|other| other.database == policy.database) {
            if other.name == policy.name {
                continue 'buckets;
            }
            if other.is_default && policy.is_default {
                policy.is_default = false;
                break;
            }
        }
        if wanted.has(&policy) {
            policies.push(policy);
        }
    }
    policies
}

impl Wanted<'_> {
    fn has(&self, policy: &Policy<'_>) -> bool {
        self.database.is_none_or(|database| database == policy.database)
            && self.bucket_id.is_none_or(|id| id == bucket_id(policy.bucket_name))
    }
}

/// The id of a bucket: sixteen digits that its name decides upon (FNV-1a).
pub(in crate::influx) fn bucket_id(name: &str) -> String {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", name.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}

fn listed<'a>(store: &'a Store, index: usize, mapping: &'a Mapping) -> Option<Policy<'a>> {
    let Mapping { database, policy, bucket, is_default } = mapping;
    Some(Policy {
        id: bucket_id(&format!("mapping {index}")),
        database,
        name: policy,
        bucket_name: bucket,
        bucket: store.bucket(bucket)?,
        is_default: *is_default,
        is_virtual: false,
    })
}

fn implied<'a>(bucket_name: &'a str, bucket: &'a Bucket) -> Policy<'a> {
    let (database, name) = bucket_name.split_once('/').unwrap_or((bucket_name, AUTOGEN));
    Policy {
        id: bucket_id(bucket_name),
        database,
        name,
        bucket_name,
        bucket,
        is_default: database == bucket_name,
        is_virtual: true,
    }
}

/// On version 1 there are databases, and the names of the buckets stand for them.
fn policies_v1<'a>(store: &'a Store, wanted: Wanted<'_>) -> Vec<Policy<'a>> {
    let policies = store.buckets().map(|(name, bucket)| implied(name, bucket));
    let mut policies = policies.filter(|policy| wanted.has(policy)).collect::<Vec<_>>();
    // `autogen` is made with its database, so it comes first.
    policies.sort_by_key(|policy| (policy.database, policy.name != AUTOGEN));
    for index in 0..policies.len() {
        // Each database has a default.
        let is_first = index == 0 || policies[index - 1].database != policies[index].database;
        policies[index].is_default = is_first;
    }
    policies
}
