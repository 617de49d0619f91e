//! How many measurement-days may be written: InfluxDB Cloud Serverless takes at most 5000 of them in a
//! bucket in 15 minutes, a measurement of a day each (its documentation, *Global limits*).
//!
//! Does not know quotas of bytes. A backfill of many measurements meets this limit long before those.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::converter::Lines;
use crate::time::Timestamp;

/// 15 minutes, and one more: the server counts when a body has come, and not when it set out.
pub(super) const WINDOW: u64 = 16 * 60 * SECOND;
/// Measurement-days in such a window.
pub(super) const DAYS_MAX: f64 = 5000.0;

const SECOND: u64 = 1_000_000_000;
const DAY: i64 = 86_400_000_000_000;

/// The measurement-days of the last 15 minutes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Days {
    /// `None` for a destination that does not count them.
    most: Option<usize>,
    /// When each was written last; named by a hash, for nobody has to read them.
    written: BTreeMap<u64, i64>,
}

impl Days {
    /// For one of so many batches in flight that may use this share of the limit.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "5000 and what is less are exact"
    )]
    pub(crate) fn new(share: f64, batches: usize) -> Self {
        let most = (DAYS_MAX * share / batches as f64) as usize;
        Self { most: Some(most.max(1)), written: BTreeMap::new() }
    }

    /// As if as many as may be had been written now.
    pub(crate) fn exhaust(&mut self, now: Timestamp) {
        let most = self.most.unwrap_or(0) as u64;
        self.written.extend((0..most).map(|day| (day, now.0)));
    }

    /// What another has written counts here.
    pub(crate) fn take_over(&mut self, other: &Self) {
        self.written.extend(other.written.iter().map(|(day, at)| (*day, *at)));
    }

    /// How many of these lines, from the first on, may be written now.
    pub(crate) fn lines_that_fit(&self, lines: &Lines, now: Timestamp) -> usize {
        let Some(most) = self.most else { return lines.len() };
        let mut counted = HashSet::new();
        let alive = self.alive(now);
        for (place, day) in lines.each().map(day).enumerate() {
            let is_new = !self.is_alive(day, now) && counted.insert(day);
            if is_new && alive + counted.len() > most {
                return place;
            }
        }
        lines.len()
    }

    /// When the next of them may be written that is not among those of now.
    pub(crate) fn ready(&self, now: Timestamp) -> Timestamp {
        // A clock may have jumped back.
        let ends = self.written.values().map(|at| Timestamp(*at).min(now).saturating_add(WINDOW));
        ends.filter(|end| *end > now).min().unwrap_or(now)
    }

    /// These lines are written.
    pub(crate) fn write(&mut self, lines: &Lines, now: Timestamp) {
        if self.most.is_none() {
            return;
        }
        self.written.retain(|_, at| Timestamp(*at).saturating_add(WINDOW) > now);
        self.written.extend(lines.each().map(|line| (day(line), now.0)));
    }

    fn is_alive(&self, day: u64, now: Timestamp) -> bool {
        self.written.get(&day).is_some_and(|at| Timestamp(*at).saturating_add(WINDOW) > now)
    }

    fn alive(&self, now: Timestamp) -> usize {
        self.written.values().filter(|at| Timestamp(**at).saturating_add(WINDOW) > now).count()
    }
}

/// The measurement and the day of a line.
fn day(line: &str) -> u64 {
    let mut is_escaped = false;
    let end = line.bytes().position(|byte| {
        let ends = matches!(byte, b',' | b' ') && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    let measurement = &line[..end.unwrap_or(line.len())];
    let time = line.trim_end().rsplit(' ').next().and_then(|time| time.parse::<i64>().ok());
    let mut hasher = DefaultHasher::new();
    (measurement, time.map(|time| time.div_euclid(DAY))).hash(&mut hasher);
    hasher.finish()
}
