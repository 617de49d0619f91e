//! A wish to come to an end: what is under way may end as it should, but not for long.
//!
//! Does not know what is under way.

use crate::time::Timestamp;

/// A batch that is asked to stop waits so long for what it has sent. It may arrive all the same, and then
/// it is written again by the next run: a point written twice is one point.
const BATCH_SECONDS: u64 = 4;
/// And a migration so long for its batches and for their records.
const MIGRATION_SECONDS: u64 = 8;

const SECOND: u64 = 1_000_000_000;

/// Whether it is wished, and until when it takes at most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Stopping {
    #[default]
    No,
    /// As of the next time that somebody says what time it is.
    Asked,
    Until(Timestamp),
}

impl Stopping {
    pub(crate) fn ask(&mut self) {
        if matches!(self, Self::No) {
            *self = Self::Asked;
        }
    }

    pub(crate) fn is_asked(self) -> bool {
        !matches!(self, Self::No)
    }

    /// When a migration ends, whatever is under way.
    pub(crate) fn until(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.within(now, MIGRATION_SECONDS)
    }

    /// When a batch does.
    pub(crate) fn until_of_batch(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.within(now, BATCH_SECONDS)
    }

    fn within(&mut self, now: Timestamp, seconds: u64) -> Option<Timestamp> {
        if matches!(self, Self::Asked) {
            *self = Self::Until(now.saturating_add(seconds * SECOND));
        }
        match self {
            Self::Until(until) => Some(*until),
            Self::No | Self::Asked => None,
        }
    }
}
