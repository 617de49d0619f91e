//! How far a migration is, for people. Changes nothing.

use serde_json::{Value, json};

use super::{Migrate, Phase};
use crate::plan::Progress;
use crate::plan::note::batch_of;
use crate::time::Timestamp;

const SECOND: u64 = 1_000_000_000;

impl Migrate {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates and times left are for people; a float out of range is cut by `as`"
    )]
    pub(crate) fn progress(&self, now: Timestamp) -> Progress {
        let percent = match self.phase {
            Phase::Batches { range } => self.journal.coverage.percent_of(range),
            Phase::Empty => 100.0,
            Phase::Recorded | Phase::Bounds(_) => 0.0,
        };
        let since = self.opened.unwrap_or(now);
        let seconds = now.0.saturating_sub(since.0).max(1) as f64 / 1e9;
        let moved = percent - self.percent_at_first;
        let left = (moved > 0.0).then(|| ((100.0 - percent) / moved * seconds) as u64);
        Progress {
            percent,
            totals: self.totals,
            rate: self.totals.rows as f64 / seconds,
            left,
            doing: self.doing(now),
            data: self.data().to_string(),
        }
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
