//! Writing line protocol: what to send to each API.

use super::{Call, Kind, encoded};
use crate::error::Endpoint;
use crate::settings::{Checkpoint, Destination, Place};

/// InfluxDB 3 Core acknowledges once a second; a server that persists at the same time may take
/// long (influxdb#26413).
const WRITE_SECONDS: u32 = 60;

/// A body of at most so many bytes: what InfluxData advises, and less than Core takes (10 MiB,
/// of the decompressed body too; observed on InfluxDB 3 Core 3.10.1).
pub(crate) const BODY_BYTES_MAX: usize = 10_000_000;

/// Appends lines to the destination. The call has no body: `Body::hand_out` moves the text in when it is
/// sent, so that it is there once. Where it is a file, `offset` is where they belong.
pub(crate) fn lines(destination: &Destination, offset: Option<u64>) -> Call {
    let body = String::new();
    match destination {
        // Always with a precision: `auto` mistakes times near 1970 (influxdb3 `Precision::Auto`).
        Destination::V3(Place { bucket, .. }) => server(
            Endpoint::Destination,
            bucket,
            format!("/api/v3/write_lp?db={}&precision=nanosecond", encoded(bucket)),
            body,
        ),
        Destination::V2(place) => to_bucket(Endpoint::Destination, place, body),
        Destination::V1(Place { bucket, .. }) => {
            let path = match bucket.split_once('/') {
                Some((db, rp)) => format!("/write?db={}&rp={}", encoded(db), encoded(rp)),
                None => format!("/write?db={}", encoded(bucket)),
            };
            server(Endpoint::Destination, bucket, path + "&precision=ns", body)
        }
        Destination::File(Place { bucket: path, .. }) => {
            let offset = offset.map(|bytes| ("upload-offset", bytes.to_string()));
            let call = server(Endpoint::Destination, path, String::new(), body);
            Call { headers: offset.into_iter().collect(), ..call }
        }
    }
}

/// Appends records to the checkpoint: a bucket of `/api/v2/write`, or a file.
pub(crate) fn record(checkpoint: &Checkpoint, lines: String) -> Call {
    let call = match checkpoint {
        Checkpoint::Bucket(place) => to_bucket(Endpoint::Checkpoint, place, lines),
        Checkpoint::File => {
            let call = server(Endpoint::Checkpoint, "", String::new(), lines);
            Call { headers: Vec::new(), ..call }
        }
    };
    Call { kind: Kind::Record, ..call }
}

/// Appends entries to the file of refused points.
pub(crate) fn refused(entries: String) -> Call {
    let call = server(Endpoint::Rejected, "", String::new(), entries);
    Call { headers: Vec::new(), kind: Kind::Record, ..call }
}

fn to_bucket(endpoint: Endpoint, place: &Place, body: String) -> Call {
    let Place { org, bucket, .. } = place;
    // Serverless, Dedicated and Clustered need no organization, and ignore one.
    let org = if org.is_empty() { String::new() } else { format!("org={}&", encoded(org)) };
    let path = format!("/api/v2/write?{org}bucket={}&precision=ns", encoded(bucket));
    server(endpoint, bucket, path, body)
}

fn server(endpoint: Endpoint, name: &str, path: String, body: String) -> Call {
    Call {
        endpoint,
        method: "POST",
        path,
        headers: vec![("content-type", "text/plain; charset=utf-8".into())],
        body,
        timeout: WRITE_SECONDS,
        kind: Kind::Points,
        name: name.to_owned(),
    }
}
