//! What a migration would take: bytes, batches, windows, days and money.
//!
//! Some values of the largest tables are read, and what their lines and the response have is taken for what
//! all have. Does not know how batches size themselves but for what they aim at.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::density::{Counted, Density};
use super::schema::Tables;
use crate::error::{Error, Fault};
use crate::plan::days::{DAYS_MAX, WINDOW as DAYS_WINDOW};
use crate::plan::inquiry::Asker;
use crate::plan::pace::Quota;
use crate::plan::side::{Side, Table, Values};
use crate::plan::sizer::{READ_BYTES, READ_PARTS, WRITTEN_BYTES};
use crate::settings::{BatchInterval, Settings};
use crate::time::TimeRange;

/// So many tables are read of, the largest first.
const TABLES_MAX: usize = 3;
/// So many values of each are read, or about so many.
const VALUES: u64 = 2000;
/// A value of which nothing was read takes so many bytes of a response: a time and a number.
const BYTES_READ: f64 = 18.0;
/// And such bytes of lines beside the names: a time and a number.
const BYTES_WRITTEN: f64 = 30.0;

const DAY_SECONDS: f64 = 86_400.0;
const DAY: u64 = 86_400 * 1_000_000_000;

/// What it would take.
#[derive(Debug, Default)]
pub(super) struct Forecast {
    pub(super) values: u64,
    pub(super) read_bytes: f64,
    pub(super) written_bytes: f64,
    /// Whether bytes are those of values that were read; else names and numbers were guessed.
    pub(super) is_of_values: bool,
    pub(super) batches: u64,
    /// Measurements of a day each, where the destination counts them.
    pub(super) measurement_days: Option<u64>,
    /// Windows of a quota, and their length; 0 without a quota.
    pub(super) windows: u64,
    pub(super) window_seconds: f64,
    /// How long it takes at least; `None` if nothing limits it but the source.
    pub(super) seconds: Option<f64>,
    pub(super) read_price: Option<f64>,
    pub(super) write_price: Option<f64>,
}

/// Bytes of a value.
#[derive(Clone, Copy, Debug)]
struct Sample {
    read: f64,
    written: f64,
}

/// Makes a forecast. `quotas` are what is ours of both sides.
pub(super) async fn forecast(
    asker: &Asker,
    settings: &Settings,
    source: &Side,
    tables: &Tables,
    density: &Density,
    (range, slice): (TimeRange, u64),
    (read, write): (Option<Quota>, Option<Quota>),
) -> Result<Forecast, Error> {
    let samples = samples(asker, source, tables, density, slice).await?;
    let mut forecast = Forecast { values: density.values(), ..Forecast::default() };
    forecast.is_of_values = !samples.is_empty();
    let mean = mean(&samples);
    for (name, counted) in &density.tables {
        let guessed = || tables.get(name).map_or(Sample::ZERO, Sample::of_names);
        let Sample { read, written } = samples.get(name).copied().or(mean).unwrap_or_else(guessed);
        let values = float(counted.values());
        forecast.read_bytes += values * read;
        forecast.written_bytes += values * written;
    }
    forecast.count_batches(settings, range, read);
    forecast.limit(settings, density, slice, (read, write));
    let price = |price: Option<f64>, bytes: f64| price.map(|price| price * bytes / 1e9);
    forecast.read_price = price(settings.limits.read_price, forecast.read_bytes);
    forecast.write_price = price(settings.limits.write_price, forecast.written_bytes);
    Ok(forecast)
}

impl Forecast {
    fn count_batches(&mut self, settings: &Settings, range: TimeRange, read: Option<Quota>) {
        let fixed = match settings.batch_interval {
            BatchInterval::Fixed(interval) => interval.clock_nanoseconds(),
            BatchInterval::Whole => Some(u64::MAX),
            BatchInterval::Auto => None,
        };
        self.batches = match fixed {
            Some(length) => range.nanoseconds().div_ceil(length.max(1)),
            None => {
                // A quarter of a window may be exceeded by one batch.
                let most = read.map_or(f64::MAX, |quota| float(quota.amount / READ_PARTS));
                let by_read = self.read_bytes / float(READ_BYTES).min(most).max(1.0);
                let by_written = self.written_bytes / float(WRITTEN_BYTES);
                whole(by_read.max(by_written).ceil()).max(1)
            }
        };
    }

    fn limit(
        &mut self,
        settings: &Settings,
        density: &Density,
        slice: u64,
        (read, write): (Option<Quota>, Option<Quota>),
    ) {
        let mut seconds = Vec::new();
        for (quota, bytes) in [(read, self.read_bytes), (write, self.written_bytes)] {
            let Some(Quota { amount, window }) = quota else { continue };
            let windows = (bytes / float(amount).max(1.0)).ceil();
            self.window_seconds = float(window) / 1e9;
            self.windows = self.windows.max(whole(windows));
            seconds.push(windows * self.window_seconds);
        }
        if let Some(rate) = settings.limits.rate {
            seconds.push(self.read_bytes.max(self.written_bytes) / rate);
        }
        if settings.counts_days {
            let days = |counted: &Counted| counted.slices_in_all().max(1) * slice.div_ceil(DAY);
            let days: u64 = match slice < DAY {
                true => density.tables.values().map(days_of).sum(),
                false => density.tables.values().map(days).sum(),
            };
            self.measurement_days = Some(days);
            let windows = (float(days) / (DAYS_MAX * settings.limits.share)).ceil() - 1.0;
            seconds.push(windows.max(0.0) * float(DAYS_WINDOW) / 1e9);
        }
        self.seconds = seconds.into_iter().reduce(f64::max);
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "values": self.values,
            "read_megabytes": self.read_bytes / 1e6,
            "write_megabytes": self.written_bytes / 1e6,
            "bytes_are_of": if self.is_of_values { "values that were read" } else { "names" },
            "batches": self.batches,
            "measurement_days": self.measurement_days,
            "windows": self.windows,
            "window_seconds": self.window_seconds,
            "days": self.seconds.map(|seconds| seconds / DAY_SECONDS),
            "read_price": self.read_price,
            "write_price": self.write_price,
        })
    }
}

/// Days in which a table has values, where slices are shorter.
fn days_of(counted: &Counted) -> u64 {
    let slices = counted.slices();
    let mut days: Vec<_> =
        slices.keys().map(|start| start.0.div_euclid(i64::try_from(DAY).unwrap_or(1))).collect();
    days.dedup();
    let seen = days.len() as u64;
    let slices = (slices.len() as u64).max(1);
    (seen * counted.slices_in_all()).div_ceil(slices)
}

impl Sample {
    const ZERO: Self = Self { read: 0.0, written: 0.0 };

    /// Of a table of which nothing was read: each value in a line of its own, with tags as long as their keys.
    fn of_names(table: &Table) -> Self {
        let tags: usize = table.tags.iter().map(|tag| 2 * tag.len() + 2).sum();
        let fields: Vec<_> = table.parts.iter().flat_map(|part| &part.fields).collect();
        let mean = fields.iter().map(|field| field.name.len()).sum::<usize>() / fields.len().max(1);
        let names = float((table.name.len() + tags + mean) as u64);
        Self { read: BYTES_READ, written: BYTES_WRITTEN + names }
    }

    fn of_values(values: &Values, read: u64) -> Option<Self> {
        let count = float(values.held.len() as u64);
        let (mut bytes, mut point) = (0, None);
        for (key, value) in &values.held {
            bytes += key.field.len() + value.len() + "=,".len();
            let at = (key.time, key.series.as_str());
            if point != Some(at) {
                // Its time, and what stands between.
                bytes += key.series.len() + key.time.0.to_string().len() + " \n".len();
                point = Some(at);
            }
        }
        let written = float(bytes as u64) / count;
        (count > 0.0).then(|| Self { read: float(read) / count, written })
    }
}

fn mean(samples: &BTreeMap<String, Sample>) -> Option<Sample> {
    let count = float(samples.len() as u64);
    let sum = |of: fn(&Sample) -> f64| samples.values().map(of).sum::<f64>() / count;
    (count > 0.0).then(|| Sample { read: sum(|s| s.read), written: sum(|s| s.written) })
}

/// Reads some values of the largest tables. What cannot be read so is left to its names.
async fn samples(
    asker: &Asker,
    source: &Side,
    tables: &Tables,
    density: &Density,
    slice: u64,
) -> Result<BTreeMap<String, Sample>, Error> {
    let mut samples = BTreeMap::new();
    // A file is read as a whole.
    if source.is_file() {
        return Ok(samples);
    }
    let mut largest: Vec<_> = density.tables.iter().collect();
    largest.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.values()));
    for (name, counted) in largest.into_iter().take(TABLES_MAX) {
        let (Some(table), Some(range)) = (tables.get(name), piece(counted, slice)) else {
            continue;
        };
        asker.does(format!("reading a sample of `{name}`"), 0.0);
        let before = asker.totals().read;
        match source.sample(asker, table, range).await {
            Ok(values) => {
                let read = asker.totals().read - before;
                samples.extend(Sample::of_values(&values, read).map(|s| (name.clone(), s)));
            }
            Err(error) => match error.fault {
                Fault::Stopped | Fault::Unreachable | Fault::Unauthorized | Fault::Internal => {
                    return Err(error);
                }
                Fault::Settings
                | Fault::Missing
                | Fault::Unavailable
                | Fault::TimedOut
                | Fault::TooLarge
                | Fault::Exhausted
                | Fault::Refused
                | Fault::Malformed
                | Fault::Truncated
                | Fault::Unsupported => {}
            },
        }
    }
    Ok(samples)
}

/// A range in which there should be some values: the beginning of the slice that has most.
fn piece(counted: &Counted, slice: u64) -> Option<TimeRange> {
    let slices = counted.slices();
    let (start, count) = slices.into_iter().max_by_key(|(_, count)| *count)?;
    // No other piece may have them, if it is that short.
    let part = u128::from(slice) * u128::from(VALUES) / u128::from(count.max(VALUES));
    let length = u64::try_from(part).unwrap_or(slice).max(1);
    TimeRange::new(start, start.saturating_add(length))
}

#[expect(clippy::cast_precision_loss, reason = "a forecast is no count")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float out of range is cut by `as`"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
