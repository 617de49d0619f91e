//! `[limits]`: what the two sides allow, and how much of it is ours.
//!
//! Does not know what the API of an organization says: `"auto"` is asked for later.

use super::table::{Table, fault};
use super::{Destination, Source};
use crate::error::Error;
use crate::time::Interval;

/// What may be used of a source, a destination and this machine.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Batches in flight.
    pub(crate) concurrency: usize,
    /// How often an exchange, and a batch, is tried.
    pub(crate) attempts_max: u32,
    /// Nanoseconds of a window, and what an organization may read and write in one.
    pub(crate) window: u64,
    pub(crate) read: Allowance,
    pub(crate) write: Allowance,
    /// Which part of both is ours; the rest is left to others of the organization.
    pub(crate) share: f64,
    /// Bytes a second from the source, and as many to the destination.
    pub(crate) rate: Option<f64>,
    /// What a gigabyte costs that is read, and one that is written, in whatever currency.
    pub(crate) read_price: Option<f64>,
    pub(crate) write_price: Option<f64>,
}

/// What may be moved in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Allowance {
    Unlimited,
    /// Bytes, uncompressed.
    Bytes(f64),
    /// As the API of the organization says.
    Auto,
}

/// An exchange, and a batch, is tried so often. With waits of at most 1, 2, 4, 8 and 16 s between
/// them that is what InfluxData advises for Dedicated and Clustered.
const ATTEMPTS: u32 = 6;
/// With pauses of up to a minute, that is more than an hour and a half.
const ATTEMPTS_MAX: u32 = 100;

/// Each batch in flight is a query at the source, and a thread and an instance at the host.
const CONCURRENCY_MAX: u32 = 32;

/// The window of InfluxDB Cloud.
const WINDOW: u64 = 300 * 1_000_000_000;
/// Half of a quota is left to others: a migration runs beside production.
const SHARE: f64 = 0.5;

/// Bytes of a megabyte, as quotas are said in.
const MEGABYTE: f64 = 1e6;

impl Limits {
    pub(super) fn read(table: &Table<'_>) -> Result<Self, Error> {
        let share = match table.number("share")? {
            Some(share) if share > 1.0 => {
                return Err(table.unfit("share", "a number above 0, and 1 at most"));
            }
            share => share.unwrap_or(SHARE),
        };
        Ok(Self {
            concurrency: table.count("concurrency", 1, CONCURRENCY_MAX)? as usize,
            attempts_max: table.count("attempts", ATTEMPTS, ATTEMPTS_MAX)?,
            window: table.clock_duration("window", "5m")?.unwrap_or(WINDOW),
            read: allowance(table, "read_mb")?,
            write: allowance(table, "write_mb")?,
            share,
            rate: table.number("rate_mb_per_s")?.map(|rate| rate * MEGABYTE),
            read_price: table.number("read_price_per_gb")?,
            write_price: table.number("write_price_per_gb")?,
        })
    }
}

impl Limits {
    /// Only the API of 2.x and of Cloud tells limits, and only of an organization.
    pub(super) fn check_auto(
        &self,
        source: &Source,
        destination: &Destination,
    ) -> Result<(), Error> {
        let unfit = |key, side| {
            Err(fault(format!(
                "`limits.{key}` cannot be \"auto\": only an organization of `api = \"v2\"` has limits \
                 that can be asked for, with `{side}.org`"
            )))
        };
        let read_is_told = matches!(source, Source::V2(..));
        let write_is_told = matches!(destination, Destination::V2(place) if !place.org.is_empty());
        if self.read == Allowance::Auto && !read_is_told {
            return unfit("read_mb", "source");
        }
        if self.write == Allowance::Auto && !write_is_told {
            return unfit("write_mb", "destination");
        }
        Ok(())
    }
}

fn allowance(table: &Table<'_>, key: &str) -> Result<Allowance, Error> {
    if table.get(key).is_some_and(|value| value.as_str() == Some("auto")) {
        return Ok(Allowance::Auto);
    }
    match table.number(key) {
        Ok(None) => Ok(Allowance::Unlimited),
        Ok(Some(megabytes)) => Ok(Allowance::Bytes(megabytes * MEGABYTE)),
        Err(_) => Err(table.unfit(key, "a number of megabytes above 0, or \"auto\"")),
    }
}

/// How a bucket is divided by time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BatchInterval {
    /// Not at all: a file is one batch.
    Whole,
    /// As the batches before show.
    Auto,
    Fixed(Interval),
}
