//! Which buckets version 2 has, and which databases of InfluxQL it takes them for.
//!
//! `GET /api/v2/buckets?org=o&name=b` and `GET /api/v2/dbrps?org=o&db=b`, as InfluxDB OSS 2.9.1
//! answers them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::answer::{self, Reply};
use super::exchange::Exchange;
use super::influxql::{Policy, Wanted, bucket_id, policies};
use super::settings::Settings;
use super::store::{Bucket, Store};

/// Where buckets are listed.
pub(super) const BUCKETS: &str = "/api/v2/buckets";
/// Where the mappings of databases and retention policies to buckets are listed.
pub(super) const DBRPS: &str = "/api/v2/dbrps";

/// The id of every organization.
pub(super) const ORG_ID: &str = "d4a2f94789806a59";
/// When every bucket was made.
pub(super) const CREATED: &str = "2026-11-22T19:58:27.040003536Z";
/// What a parameter of a URL does not say as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Lists the bucket of a name.
pub(super) fn buckets(exchange: &Exchange, store: &Store, settings: &Settings) -> Reply {
    let not_found = |message: &str| answer::listing_refused(404, "not found", message);
    let org = exchange.parameter("org").unwrap_or_default();
    if settings.org.as_ref().is_some_and(|known| *known != org) {
        return not_found(&format!("organization name {org:?} not found"));
    }
    let Some(name) = exchange.parameter("name") else {
        let message = "the fake lists buckets by their names alone";
        return answer::listing_refused(400, "invalid", message);
    };
    match store.bucket(&name) {
        Some(bucket) => answer::listed(bucket_listing(&name, bucket, &org)),
        None => not_found(&format!("bucket {name:?} not found")),
    }
}

/// Lists mappings, of a database or of a bucket.
pub(super) fn mappings(exchange: &Exchange, store: &Store, settings: &Settings) -> Reply {
    let invalid = |message: &str| answer::listing_refused(400, "invalid", message);
    match (exchange.parameter("org"), exchange.parameter("orgID")) {
        (None, None) => return invalid("either 'org' or 'orgID' must be provided"),
        (Some(org), _) if settings.org.as_ref().is_some_and(|known| *known != org) => {
            let message = format!("invalid org {org:?}: organization not found");
            return answer::listing_refused(404, "not found", &message);
        }
        _ => {}
    }
    let (database, bucket) = (exchange.parameter("db"), exchange.parameter("bucketID"));
    if let Some(id) = bucket.as_ref().filter(|id| id.len() != 16) {
        let message = format!("invalid bucket ID {id:?}: id must have a length of 16 bytes");
        return invalid(&message);
    }
    let wanted = Wanted { database: database.as_deref(), bucket_id: bucket.as_deref() };
    let listings = policies(store, settings, wanted);
    let listings = listings.iter().map(mapping_listing).collect::<Vec<_>>().join(",");
    let end = if listings.is_empty() { "" } else { "\n\t" };
    answer::listed(format!("{{\n\t\"content\": [{listings}{end}]\n}}"))
}

fn mapping_listing(policy: &Policy<'_>) -> String {
    let Policy { id, is_default, is_virtual, .. } = policy;
    let (database, name) = (text(policy.database), text(policy.name));
    let bucket = bucket_id(policy.bucket_name);
    format!(
        r#"
		{{
			"id": "{id}",
			"database": {database},
			"retention_policy": {name},
			"default": {is_default},
			"virtual": {is_virtual},
			"orgID": "{ORG_ID}",
			"bucketID": "{bucket}"
		}}"#
    )
}

fn bucket_listing(name: &str, bucket: &Bucket, org: &str) -> String {
    let escaped = |text| utf8_percent_encode(text, ESCAPED).to_string().replace("%20", "+");
    let (bucket_asked, org_asked) = (escaped(name), escaped(org));
    let (id, name) = (bucket_id(name), text(name));
    let (retention, shard_group) = (bucket.retention, bucket.shards.length / 1_000_000_000);
    format!(
        r#"{{
	"links": {{
		"self": "{BUCKETS}?bucket={bucket_asked}\u0026descending=false\u0026limit=20\u0026offset=0\u0026org={org_asked}"
	}},
	"buckets": [
		{{
			"id": "{id}",
			"orgID": "{ORG_ID}",
			"type": "user",
			"name": {name},
			"retentionRules": [
				{{
					"type": "expire",
					"everySeconds": {retention},
					"shardGroupDurationSeconds": {shard_group}
				}}
			],
			"createdAt": "{CREATED}",
			"updatedAt": "{CREATED}",
			"links": {{
				"labels": "{BUCKETS}/{id}/labels",
				"members": "{BUCKETS}/{id}/members",
				"org": "/api/v2/orgs/{ORG_ID}",
				"owners": "{BUCKETS}/{id}/owners",
				"self": "{BUCKETS}/{id}",
				"write": "/api/v2/write?org={ORG_ID}\u0026bucket={id}"
			}},
			"labels": []
		}}
	]
}}"#
    )
}

/// A text of JSON as Go writes it, which is careful with HTML.
pub(super) fn text(text: &str) -> String {
    let text = json!(text).to_string();
    text.replace('&', r"\u0026").replace('<', r"\u003c").replace('>', r"\u003e")
}
