//! What goes to and fro: in all, in each window, and of late. Bounded, however long it takes.
//!
//! Knows sums at times, and nothing of what they are sums of.

use std::collections::VecDeque;

use tsm2iox_guest::plan::Totals;
use tsm2iox_guest::time::Timestamp;

use super::push;

/// As long as a window of InfluxDB Cloud is, where nothing else is known.
const WINDOW_SECONDS: u64 = 300;
/// Windows of a day, if they are of five minutes.
const WINDOWS_MAX: usize = 288;
/// A rate is of so many nanoseconds.
const RATE_NANOSECONDS: u64 = 30 * SECOND;
/// So many samples are kept of a window, a second apart or more.
const SAMPLES_MAX: u64 = 3600;
pub(super) const SECOND: u64 = 1_000_000_000;

/// Sums, and how they became what they are.
#[derive(Debug)]
pub(super) struct Traffic {
    /// Bytes that were read, and those that were sent, with those of batches that were given up.
    pub(super) bytes: Bytes,
    /// What was known to be moved when that was counted last.
    counted: Totals,
    /// When how many rows had been moved, and how many bytes had gone to and fro.
    samples: VecDeque<Sample>,
    pub(super) windows: VecDeque<Window>,
    pub(super) window_seconds: u64,
}

/// Bytes that were read and written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bytes {
    pub(super) read: u64,
    pub(super) written: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Timestamp,
    rows: u64,
    bytes: Bytes,
}

/// What was moved from this time on, until the next window begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) start: Timestamp,
    pub(super) bytes: Bytes,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            bytes: Bytes::default(),
            counted: Totals::default(),
            samples: VecDeque::new(),
            windows: VecDeque::new(),
            window_seconds: WINDOW_SECONDS,
        }
    }
}

impl Traffic {
    /// Sums begin at nothing again.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.counted = Totals::default();
        // A rate is of one round, and what came before it is in the window all the same.
        self.samples.iter_mut().for_each(|sample| sample.rows = 0);
        self.sample(now);
    }

    /// Windows are so long, as is known only once something has moved.
    pub(super) fn set_window(&mut self, seconds: Option<u64>, now: Timestamp) {
        let seconds = seconds.unwrap_or(WINDOW_SECONDS);
        if seconds == self.window_seconds {
            return;
        }
        self.window_seconds = seconds;
        let moved = std::mem::take(&mut self.windows);
        let moved = moved.into_iter().fold(Bytes::default(), |sum, window| sum.plus(window.bytes));
        self.windows.push_back(Window { start: self.start_of_window(now), bytes: moved });
    }

    /// Takes what is moved in all by now. Whether that is more than before.
    pub(super) fn take(&mut self, now: Timestamp, totals: Totals) -> bool {
        // A batch that is given up takes back what it has moved: that is spent all the same.
        let read = totals.read.saturating_sub(self.counted.read);
        let is_more = read > 0 || totals.written > self.counted.written;
        self.counted = totals;
        self.add(now, Bytes { read, written: 0 });
        self.sample(now);
        is_more
    }

    /// Bytes leave for the destination: a quota counts them by then, and not once they are acknowledged.
    pub(super) fn send(&mut self, now: Timestamp, written: u64) {
        self.add(now, Bytes { read: 0, written });
    }

    fn add(&mut self, now: Timestamp, bytes: Bytes) {
        self.bytes = self.bytes.plus(bytes);
        let start = self.start_of_window(now);
        if self.windows.back().is_none_or(|window| window.start < start) {
            push(&mut self.windows, Window { start, bytes: Bytes::default() }, WINDOWS_MAX);
        }
        if let Some(window) = self.windows.back_mut() {
            window.bytes = window.bytes.plus(bytes);
        }
    }

    /// A second apart, or more where a window is long, and as far back as that is.
    fn sample(&mut self, now: Timestamp) {
        let length = (self.window_seconds.saturating_mul(SECOND)).max(RATE_NANOSECONDS);
        let apart = SECOND.max(length / SAMPLES_MAX);
        if self.samples.back().is_none_or(|last| now.nanoseconds_since(last.at) >= apart) {
            let (rows, bytes) = (self.counted.rows, self.bytes);
            self.samples.push_back(Sample { at: now, rows, bytes });
        }
        let is_old = |sample: &Sample| now.nanoseconds_since(sample.at) > length;
        while self.samples.front().is_some_and(is_old) {
            self.samples.pop_front();
        }
    }

    fn start_of_window(&self, now: Timestamp) -> Timestamp {
        let length = self.window_seconds.saturating_mul(SECOND);
        let length = i64::try_from(length).unwrap_or(i64::MAX).max(1);
        Timestamp(now.0 - now.0.rem_euclid(length))
    }

    /// What has gone to and fro in the last so many nanoseconds, as far as samples tell: never more than that.
    pub(super) fn of_last(&self, nanoseconds: u64, now: Timestamp) -> Bytes {
        let is_within = |sample: &&Sample| now.nanoseconds_since(sample.at) <= nanoseconds;
        let first = self.samples.iter().find(is_within);
        let before = first.map_or(self.bytes, |sample| sample.bytes);
        Bytes { read: self.bytes.read - before.read, written: self.bytes.written - before.written }
    }

    /// Rows a second, of late.
    #[expect(clippy::cast_precision_loss, reason = "a rate is for people")]
    pub(super) fn rate(&self, now: Timestamp) -> f64 {
        let is_recent = |sample: &&Sample| now.nanoseconds_since(sample.at) <= RATE_NANOSECONDS;
        let Some(first) = self.samples.iter().find(is_recent) else { return 0.0 };
        let seconds = now.nanoseconds_since(first.at) as f64 / 1e9;
        let rows = self.counted.rows.saturating_sub(first.rows);
        if seconds > 0.0 { rows as f64 / seconds } else { 0.0 }
    }
}

impl Bytes {
    fn plus(self, other: Self) -> Self {
        Self {
            read: self.read.saturating_add(other.read),
            written: self.written.saturating_add(other.written),
        }
    }
}
