//! The three write APIs: who is let in, what their parameters say, which engine takes the lines.

use super::answer::Face;
use super::answer::Reply;
use super::exchange::Exchange;
use super::settings::Settings;
use super::store::Store;
use super::{iox, tsm};

/// The write API of InfluxDB 1.
pub(super) const V1: &str = "/write";
/// The write API of InfluxDB 2.
pub(super) const V2: &str = "/api/v2/write";
/// The write API of InfluxDB 3.
pub(super) const V3: &str = "/api/v3/write_lp";

/// The units of time-stamps in nanoseconds, by all names that they have in the three APIs.
const UNITS: [(&str, i64); 14] = [
    ("nanosecond", 1),
    ("ns", 1),
    ("n", 1),
    ("microsecond", 1_000),
    ("us", 1_000),
    ("u", 1_000),
    ("millisecond", 1_000_000),
    ("ms", 1_000_000),
    ("second", 1_000_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("", 1),
    ("auto", 0),
];

/// What is written.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    /// The body.
    pub(super) text: &'a str,
    /// The unit of its time-stamps in nanoseconds; 0 if it is to be guessed.
    pub(super) unit: i64,
    /// The time of lines without one.
    pub(super) now: i64,
}

/// Writes, and answers as the server with this face does.
pub(super) fn answer(
    exchange: &Exchange,
    face: Face,
    sent_bytes: usize,
    store: &mut Store,
    settings: &Settings,
) -> Reply {
    let bytes_max = settings.request_bytes_max;
    if sent_bytes > bytes_max || exchange.body.len() > bytes_max {
        return face.too_large(bytes_max);
    }
    let Ok(text) = str::from_utf8(&exchange.body) else {
        return face.refused(400, "invalid", "the body is not UTF-8, or not compressed as it says");
    };
    let precision = exchange.parameter("precision").unwrap_or_default();
    // Only the path of version 3 guesses, and does so unless it is told not to.
    let guesses = exchange.path() == V3 && matches!(precision.as_str(), "" | "auto");
    let unit = UNITS.iter().find(|(name, _)| *name == precision).map(|(_, unit)| *unit);
    let unit = if guesses { Some(0) } else { unit.filter(|unit| *unit > 0) };
    let Some(unit) = unit else {
        let message = "invalid precision; valid precision units are ns, us, ms, and s";
        return face.refused(400, "invalid", message);
    };
    let lines = Lines { text, unit, now: super::answer::now() };
    let name = bucket_name(exchange);
    match face {
        Face::V3 | Face::V2OnV3 if name.is_empty() => {
            face.refused(400, "invalid", "missing query parameters 'db'")
        }
        Face::V3 if exchange.path() == V3 => {
            let takes_part = exchange.parameter("accept_partial").as_deref() != Some("false");
            let taken = if takes_part { iox::Taken::GoodLines } else { iox::Taken::AllOrNothing };
            iox::write(store.bucket_or_new(&name), &lines, taken, face)
        }
        Face::V3 | Face::V2OnV3 => {
            iox::write(store.bucket_or_new(&name), &lines, iox::Taken::AllOrNothing, face)
        }
        Face::V1 | Face::V1MessagePack if name.is_empty() => {
            face.refused(400, "", "database is required")
        }
        Face::V1 | Face::V1MessagePack => match store.bucket_mut(&name) {
            Some(bucket) => tsm::write_v1(bucket, &lines),
            None => face.refused(404, "", &format!("database not found: {name:?}")),
        },
        Face::V2 => write_v2(exchange, &name, store, settings, &lines),
    }
}

fn write_v2(
    exchange: &Exchange,
    name: &str,
    store: &mut Store,
    settings: &Settings,
    lines: &Lines<'_>,
) -> Reply {
    let not_found = |message: &str| Face::V2.refused(404, "not found", message);
    if let (Some(org), Some(asked)) = (&settings.org, exchange.parameter("org"))
        && asked != *org
    {
        return not_found(&format!("organization name {asked:?} not found"));
    }
    match store.bucket_mut(name) {
        Some(bucket) => tsm::write_v2(bucket, lines),
        None => not_found(&format!("bucket {name:?} not found")),
    }
}

/// The bucket that a write is for: `bucket`, `db`, or `db/rp`.
fn bucket_name(exchange: &Exchange) -> String {
    let parameter = if exchange.path() == V2 { "bucket" } else { "db" };
    let mut name = exchange.parameter(parameter).unwrap_or_default();
    if exchange.path() == V1
        && let Some(policy) = exchange.parameter("rp").filter(|policy| !policy.is_empty())
    {
        name = format!("{name}/{policy}");
    }
    name
}
