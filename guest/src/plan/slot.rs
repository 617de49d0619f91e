//! What one of the batches in flight may use of both sides, and what was used before.
//!
//! Travels in the order of a batch, and back in its report: so none has to know of the others.

use serde::{Deserialize, Serialize};

use super::days::Days;
use super::pace::{Pace, Quota};
use crate::settings::Settings;
use crate::time::Timestamp;

/// The place of a batch in flight.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slot {
    /// A rate alone in a migration, whose plan itself keeps what a window may read; in a split the part of
    /// that quota, too.
    pub(crate) reading: Pace,
    pub(crate) writing: Pace,
    pub(crate) days: Days,
}

impl Slot {
    /// One of which nothing is used; the quotas are for all of them.
    #[expect(clippy::cast_precision_loss, reason = "there are few batches in flight")]
    pub(crate) fn new(settings: &Settings, read: Option<Quota>, write: Option<Quota>) -> Self {
        let limits = &settings.limits;
        let batches = limits.concurrency;
        // Each has its part, for none knows what the others do.
        let part = |quota: Quota| Quota { amount: (quota.amount / batches as u64).max(1), ..quota };
        let rate = limits.rate.map(|rate| rate / batches as f64);
        Self {
            reading: Pace::new(read.map(part), rate),
            writing: Pace::new(write.map(part), rate),
            days: match settings.counts_days {
                true => Days::new(limits.share, batches),
                false => Days::default(),
            },
        }
    }

    /// What another has used counts here; it comes from outside.
    pub(crate) fn take_over(&mut self, now: Timestamp, other: &Self) {
        let Self { reading, writing, days } = other;
        self.reading.take_over(now, reading);
        self.writing.take_over(now, writing);
        self.days.take_over(days);
    }

    /// As if all was used now.
    pub(crate) fn exhaust(&mut self, now: Timestamp) {
        self.reading.exhaust(now);
        self.writing.exhaust(now);
        self.days.exhaust(now);
    }

    pub(crate) fn follow(&mut self, now: Timestamp) {
        self.reading.follow(now);
        self.writing.follow(now);
    }
}
