//! Writing line protocol: what to send to each API.

use super::{Call, encoded};
use crate::error::Endpoint;
use crate::settings::{Destination, Place};

/// InfluxDB 3 Core acknowledges once a second; a server that persists at the same time may take
/// long (influxdb#26413).
const WRITE_SECONDS: u32 = 60;

/// A body of at most so many bytes: what InfluxData advises, and less than Core takes (10 MiB,
/// of the decompressed body too; observed on InfluxDB 3 Core 3.10.1).
pub(crate) const BODY_BYTES_MAX: usize = 10_000_000;

/// Appends lines to the destination. Where it is a file, `offset` is where they belong.
pub(crate) fn lines(destination: &Destination, body: &str, offset: Option<u64>) -> Call {
    match destination {
        // Always with a precision: `auto` mistakes times near 1970 (influxdb3 `Precision::Auto`).
        Destination::V3(Place { bucket, .. }) => server(
            Endpoint::Destination,
            format!("/api/v3/write_lp?db={}&precision=nanosecond", encoded(bucket)),
            body,
        ),
        Destination::V2(place) => bucket(Endpoint::Destination, place, body),
        Destination::V1(Place { bucket, .. }) => {
            let path = match bucket.split_once('/') {
                Some((db, rp)) => format!("/write?db={}&rp={}", encoded(db), encoded(rp)),
                None => format!("/write?db={}", encoded(bucket)),
            };
            server(Endpoint::Destination, path + "&precision=ns", body)
        }
        Destination::File(_) => file(Endpoint::Destination, body, offset),
    }
}

/// Appends lines to a bucket of `/api/v2/write`.
pub(crate) fn bucket(endpoint: Endpoint, place: &Place, body: &str) -> Call {
    let Place { org, bucket, .. } = place;
    // Serverless, Dedicated and Clustered need no organization, and ignore one.
    let org = if org.is_empty() { String::new() } else { format!("org={}&", encoded(org)) };
    let path = format!("/api/v2/write?{org}bucket={}&precision=ns", encoded(bucket));
    server(endpoint, path, body)
}

/// Appends lines to a file, after cutting it to `offset` if there is one.
pub(crate) fn file(endpoint: Endpoint, body: &str, offset: Option<u64>) -> Call {
    let offset = offset.map(|bytes| ("upload-offset", bytes.to_string()));
    Call { headers: offset.into_iter().collect(), ..server(endpoint, String::new(), body) }
}

fn server(endpoint: Endpoint, path: String, body: &str) -> Call {
    Call {
        endpoint,
        method: "POST",
        path,
        headers: vec![("content-type", "text/plain; charset=utf-8".into())],
        body: body.to_owned(),
        timeout: WRITE_SECONDS,
        // Not 200 or 201: older deployments of v3 answer a partial write with 201 (docs-v2#5273).
        success: &[204],
        reads_body: false,
    }
}
