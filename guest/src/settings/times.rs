//! `[migration]`: when it begins and ends, and how it is divided by time.
//!
//! Does not know what "earliest" and "now" turn out to be.

use super::table::{Table, fault};
use super::{BatchInterval, Start, Stop};
use crate::error::Error;
use crate::time::Timestamp;

/// An hour: points that come late should still be in a migration to "now".
const LAG: u64 = 3600 * 1_000_000_000;

pub(super) fn start(table: &Table<'_>, file: bool) -> Result<Start, Error> {
    match table.text("start")? {
        None if file => Ok(Start::At(Timestamp::MIN)),
        None => Err(table.missing("start")),
        Some("earliest") if file => Ok(Start::At(Timestamp::MIN)),
        Some("earliest") => Ok(Start::Earliest),
        Some(text) => table.time("start", text).map(Start::At),
    }
}

pub(super) fn stop(table: &Table<'_>, file: bool) -> Result<Stop, Error> {
    match table.text("stop")? {
        None if file => Ok(Stop::At(Timestamp::MAX)),
        None => Err(table.missing("stop")),
        Some("now") => Ok(Stop::Now),
        Some(text) => table.time("stop", text).map(Stop::At),
    }
}

pub(super) fn batch_interval(table: &Table<'_>, file: bool) -> Result<BatchInterval, Error> {
    match table.text("batch_interval")? {
        None if file => Ok(BatchInterval::Whole),
        Some(_) if file => {
            let message = "`migration.batch_interval` divides a bucket; a file is one batch";
            Err(fault(message.to_owned()))
        }
        None | Some("auto") => Ok(BatchInterval::Auto),
        Some(_) => {
            let interval = table.duration("batch_interval")?;
            Ok(interval.map_or(BatchInterval::Auto, BatchInterval::Fixed))
        }
    }
}

pub(super) fn lag(table: &Table<'_>) -> Result<u64, Error> {
    match table.text("lag")? {
        None => Ok(LAG),
        Some("0s") => Ok(0),
        Some(_) => Ok(table.clock_duration("lag", "1h")?.unwrap_or(LAG)),
    }
}

/// The host waits so long; here it matters that it does.
pub(super) fn every(table: &Table<'_>) -> Result<bool, Error> {
    Ok(table.clock_duration("every", "5m")?.is_some())
}
