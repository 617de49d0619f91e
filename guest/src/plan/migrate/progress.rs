//! How far a migration is, for people. Changes nothing.

use serde_json::{Value, json};

use super::{Migrate, Phase};
use crate::plan::note::batch_of;
use crate::plan::pace::Quota;
use crate::plan::{Progress, Totals};
use crate::time::Timestamp;

const SECOND: u64 = 1_000_000_000;
/// The first batches are small: what they took tells little before so much is recorded, or so long after it
/// was begun.
const TELLS_FROM_PERCENT: f64 = 0.5;
const TELLS_FROM_SECONDS: f64 = 60.0;

impl Migrate {
    #[expect(clippy::cast_precision_loss, reason = "a rate is for people")]
    pub(crate) fn progress(&self, now: Timestamp) -> Progress {
        let percent = match self.phase {
            Phase::Batches { range } => self.journal.coverage.percent_of(range),
            Phase::Empty => 100.0,
            Phase::Recorded | Phase::Bounds(_) => 0.0,
        };
        let since = self.opened.unwrap_or(now);
        let seconds = now.0.saturating_sub(since.0).max(1) as f64 / 1e9;
        Progress {
            percent,
            totals: self.totals,
            rate: self.totals.rows as f64 / seconds,
            left: self.seconds_left(percent, now),
            doing: self.doing(now),
            data: self.data().to_string(),
        }
    }

    /// As foretold when a batch was recorded last: in proportion to the time that recorded ones took, or as
    /// long as quotas take for what is left, whichever is longer; less the time since. `None` before anything
    /// is recorded, and once that time is over.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time left is for people; a float out of range is cut by `as`"
    )]
    fn seconds_left(&self, percent: f64, now: Timestamp) -> Option<u64> {
        let (opened, recorded) = (self.opened?, self.journal.last.as_ref()?.time);
        let seconds = |from: Timestamp, to: Timestamp| to.nanoseconds_since(from) as f64 / 1e9;
        let moved = percent - self.percent_at_first;
        // So many times what this run has recorded.
        let rest = (100.0 - percent) / moved;
        let Totals { read, written, .. } = self.totals;
        let quotas = [(self.reading.quota(), read), (self.write_quota, written)];
        let by_quota = |(quota, bytes): (Option<Quota>, u64)| {
            let Quota { amount, window } = quota?;
            Some(rest * bytes as f64 / amount as f64 * window as f64 / 1e9)
        };
        let by_pace = rest * seconds(opened, recorded);
        let foretold = quotas.into_iter().filter_map(by_quota).fold(by_pace, f64::max);
        let left = foretold - seconds(recorded, now);
        let tells = moved >= TELLS_FROM_PERCENT || seconds(opened, recorded) >= TELLS_FROM_SECONDS;
        (tells && moved > 0.0 && left >= 1.0).then_some(left as u64)
    }

    /// The range, once it is known, and the limits that there are.
    fn data(&self) -> Value {
        let mut data = json!({});
        if let Phase::Batches { range } = self.phase {
            data["start"] = json!(range.start().to_string());
            data["stop"] = json!(range.stop().to_string());
        }
        let quotas = [("read_bytes", self.reading.quota()), ("write_bytes", self.write_quota)];
        for (name, quota) in quotas.into_iter().filter_map(|(name, quota)| Some((name, quota?))) {
            data["window_seconds"] = json!(quota.window / SECOND);
            data[name] = json!(quota.amount);
        }
        data
    }

    fn doing(&self, now: Timestamp) -> String {
        match &self.phase {
            Phase::Recorded => "reading the checkpoint".to_owned(),
            Phase::Bounds(_) => "looking at both sides".to_owned(),
            Phase::Batches { .. } if self.beginning.is_some() => "looking at both sides".to_owned(),
            Phase::Empty => "nothing".to_owned(),
            Phase::Batches { .. } => match self.in_hand.values().next_back() {
                Some(attempt) => format!("migrating {}", batch_of(&attempt.section, attempt.range)),
                None if self.divider.is_some() => "looking at which series there are".to_owned(),
                None if !self.again.is_empty() => "waiting to try again".to_owned(),
                None if self.reading.ready(now, 1) > now => {
                    "waiting for the source's quota".to_owned()
                }
                None if self.slots.iter().all(|slot| slot.writing.room(now) == 0) => {
                    "waiting until the destination may be written to".to_owned()
                }
                None => "recording".to_owned(),
            },
        }
    }
}
