//! What time it is: the machine's time when the work began, and what has passed since.
//!
//! So it never jumps while a migration waits for a window of its quota, or an hour because a server asked
//! for it, whatever is done to the machine's clock. While the machine sleeps it may stand still: a wait is
//! longer then. Does not know what the time is for.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tsm2iox_guest::time::Timestamp;

/// A clock that goes on. All clones are one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Timestamp,
    since: Instant,
}

impl Clock {
    /// Begins with the machine's time.
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let began = Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        Self { began, since: Instant::now() }
    }

    /// The present.
    pub fn now(self) -> Timestamp {
        let passed = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.began.saturating_add(passed)
    }
}
