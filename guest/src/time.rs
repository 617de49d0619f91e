//! Time as InfluxDB keeps it: nanoseconds, half-open ranges, and batch intervals by the calendar.
//!
//! Does not know the present time: that comes in with each call of the host.

use std::fmt;

use chrono::{DateTime, Months, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

/// The times t with start <= t < stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TimeRange {
    // Invariant: start < stop.
    start: Timestamp,
    stop: Timestamp,
}

/// A Flux duration: months by the calendar and nanoseconds by the clock, as `1mo`, `1d` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    // Invariant: not both are zero.
    months: u32,
    nanoseconds: u64,
}

impl Timestamp {
    /// The first time there is.
    pub const MIN: Self = Self(i64::MIN);
    /// The first time that a point can have (`MinNanoTime` in InfluxDB's sources).
    pub const FIRST: Self = Self(i64::MIN + 2);
    /// The last time there is. No point has it (`MaxNanoTime` is one less), so as a `stop` it
    /// leaves nothing out.
    pub const MAX: Self = Self(i64::MAX);

    /// Reads RFC 3339, with an offset, with `T` or a blank between date and time.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase that follows the text in quotes.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
            if chrono::NaiveDateTime::parse_from_str(
                &text.replace([' ', 't'], "T"),
                "%Y-%m-%dT%H:%M:%S%.f",
            )
            .is_ok()
            {
                "has no offset; end it with `Z` for UTC"
            } else {
                "is not a time such as 2022-01-01T00:00:00Z"
            }
        })?;
        if time.timestamp_subsec_nanos() >= 1_000_000_000 {
            return Err("is a leap second, which InfluxDB does not keep");
        }
        let digits = |fraction: &str| fraction.bytes().take_while(u8::is_ascii_digit).count();
        if text.split_once('.').is_some_and(|(_, fraction)| digits(fraction) > 9) {
            return Err("has more than nine digits of a second");
        }
        let nanoseconds = time.timestamp_nanos_opt();
        nanoseconds.map(Self).ok_or("is out of range: InfluxDB keeps the years 1677 to 2262")
    }

    /// How much later it is than another time; 0 if it is not, as where a clock has jumped back.
    pub fn nanoseconds_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// This time so many nanoseconds later, or the last time there is.
    #[must_use]
    pub fn saturating_add(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add_unsigned(nanoseconds))
    }

    /// This time so many nanoseconds earlier, or the first time there is.
    #[must_use]
    pub fn saturating_sub(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_sub_unsigned(nanoseconds))
    }

    /// The last whole second that is not after this time.
    #[must_use]
    pub fn whole_second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1_000_000_000))
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }

    /// With nine digits of a second, as Flux's `string(v: time)` has it.
    pub fn nine_digits(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Nanos, true)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with as many digits of a second as are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl TimeRange {
    /// All times that a point can have.
    pub const ALL: Self = Self { start: Timestamp::MIN, stop: Timestamp::MAX };

    /// `None` if it would be empty.
    pub fn new(start: Timestamp, stop: Timestamp) -> Option<Self> {
        (start < stop).then_some(Self { start, stop })
    }

    /// The first time in it.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The first time after it.
    pub fn stop(self) -> Timestamp {
        self.stop
    }

    /// Whether a time is in it.
    pub fn contains(self, time: Timestamp) -> bool {
        self.start <= time && time < self.stop
    }

    /// Its length in nanoseconds.
    pub fn nanoseconds(self) -> u64 {
        self.stop.0.abs_diff(self.start.0)
    }

    /// How much of another range it is as long as: 100 where both are equally long.
    #[expect(clippy::cast_precision_loss, reason = "a percentage is for people")]
    #[must_use]
    pub fn percent_of(self, whole: Self) -> f64 {
        self.nanoseconds() as f64 / whole.nanoseconds() as f64 * 100.0
    }

    /// What both ranges hold.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.stop.min(other.stop))
    }
}

impl fmt::Display for TimeRange {
    /// As an interval of ISO 8601: `2022-01-01T00:00:00Z/2022-01-02T00:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.stop)
    }
}

/// Reads times that follow one another, mostly of one day.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The last date with its `T`, and when it begins.
    date: [u8; 11],
    midnight: Timestamp,
}

impl Default for Clock {
    fn default() -> Self {
        Self { date: *b"1970-01-01T", midnight: Timestamp(0) }
    }
}

impl Clock {
    /// Reads RFC 3339, as `Timestamp::parse` does.
    pub(crate) fn parse(&mut self, text: &str) -> Result<Timestamp, &'static str> {
        match self.read(text.as_bytes()) {
            Some((time, length)) if length == text.len() => Ok(time),
            _ => Timestamp::parse(text),
        }
    }

    /// Reads the time at the beginning of a text, as InfluxDB writes it: in UTC, with up to nine
    /// digits of a second, and says how many bytes it is. `None` if it is written otherwise, or
    /// no point can have it.
    #[inline(always)]
    pub(crate) fn read(&mut self, text: &[u8]) -> Option<(Timestamp, usize)> {
        let (date, clock) = text.split_first_chunk::<11>()?;
        if *date != self.date {
            let midnight = format!("{}00:00:00Z", str::from_utf8(date).ok()?);
            self.midnight = Timestamp::parse(&midnight).ok()?;
            self.date = *date;
        }
        let [h, hh, b':', m, mm, b':', s, ss, after, ..] = clock else { return None };
        let two = |tens: &u8, ones: &u8, limit: u32| {
            let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
            let number = u32::from(tens) * 10 + u32::from(ones);
            (tens < 10 && ones < 10 && number < limit).then_some(number)
        };
        // A second 60 is left to whoever knows what that means.
        let seconds = (two(h, hh, 24)? * 60 + two(m, mm, 60)?) * 60 + two(s, ss, 60)?;
        let (mut fraction, mut length) = (0, 20);
        if *after == b'.' {
            let digits = clock[9..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) || clock.get(9 + digits) != Some(&b'Z') {
                return None;
            }
            for place in 0..9 {
                let digit = if place < digits { clock[9 + place] - b'0' } else { 0 };
                fraction = fraction * 10 + u32::from(digit);
            }
            length += 1 + digits;
        } else if *after != b'Z' {
            return None;
        }
        let nanoseconds = u64::from(seconds) * 1_000_000_000 + u64::from(fraction);
        let time = Timestamp(self.midnight.0.checked_add_unsigned(nanoseconds)?);
        (time >= Timestamp::FIRST && time < Timestamp::MAX).then_some((time, length))
    }
}

/// The units of a Flux duration but `mo` and `y`, in nanoseconds.
const UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", 86_400 * 1_000_000_000),
    ("w", 7 * 86_400 * 1_000_000_000),
];

impl Interval {
    /// Reads a Flux duration literal such as `1d`, `1mo` or `1h30m`. `None` if it is none, is
    /// zero, or is longer than the range of time.
    pub fn parse(text: &str) -> Option<Self> {
        let mut interval = Self { months: 0, nanoseconds: 0 };
        let mut rest = text;
        while !rest.is_empty() {
            let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
            let count: u64 = rest[..unit_at].parse().ok()?;
            rest = &rest[unit_at..];
            let unit_len = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let (unit, after) = rest.split_at(unit_len);
            rest = after;
            let months = match unit {
                "mo" => 1,
                "y" => 12,
                _ => 0,
            };
            if months > 0 {
                let count = u32::try_from(count).ok()?.checked_mul(months)?;
                interval.months = interval.months.checked_add(count)?;
            } else {
                let (_, nanoseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
                interval.nanoseconds =
                    interval.nanoseconds.checked_add(count.checked_mul(*nanoseconds)?)?;
            }
        }
        (interval.months > 0 || interval.nanoseconds > 0).then_some(interval)
    }

    /// Its nanoseconds; `None` if it has months, which have no length.
    pub fn clock_nanoseconds(self) -> Option<u64> {
        (self.months == 0).then_some(self.nanoseconds)
    }

    /// `start` and `count` intervals more, counted at once, not one by one: the 31st of January
    /// and one month is the 28th of February, and two months the 31st of March.
    fn after(self, start: Timestamp, count: u64) -> Timestamp {
        let moved = || {
            let months = u32::try_from(u64::from(self.months).checked_mul(count)?).ok()?;
            let time =
                start.utc().checked_add_months(Months::new(months))?.timestamp_nanos_opt()?;
            time.checked_add_unsigned(self.nanoseconds.checked_mul(count)?)
        };
        moved().map_or(Timestamp::MAX, Timestamp)
    }

    /// The first bound after `time`, where bounds lie at `start` and whole intervals after it.
    ///
    /// Bounds depend on the start of the migration alone, not on where a run was interrupted, so
    /// a migration that is resumed makes the same batches.
    pub fn bound_after(self, start: Timestamp, time: Timestamp) -> Timestamp {
        // `after` grows with `count`, so the bound can be searched for by halves.
        let (mut low, mut high) = (0, u64::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.after(start, middle) > time {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.after(start, low)
    }
}
