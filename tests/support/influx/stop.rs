//! The sign that a server has to end, which cuts every pause short.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Whether the server has to end.
#[derive(Debug, Default)]
pub(super) struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

/// Why the lock can be taken.
const LOCK: &str = "nothing panics while it holds this lock";

impl Stop {
    pub(super) fn set(&self) {
        *self.is_set.lock().expect(LOCK) = true;
        self.changed.notify_all();
    }

    pub(super) fn is_set(&self) -> bool {
        *self.is_set.lock().expect(LOCK)
    }

    /// Waits for so long, or until the server has to end.
    pub(super) fn wait(&self, duration: Duration) {
        let is_set = self.is_set.lock().expect(LOCK);
        drop(self.changed.wait_timeout_while(is_set, duration, |is_set| !*is_set).expect(LOCK));
    }
}
