//! What a migration must know of its source before the first batch: looking for it, and again where
//! the source began to answer and then gave up.

use super::{Migrate, Mode, Phase};
use crate::error::{Error, Fault};
use crate::plan::Note;
use crate::plan::bounds::Bounds;
use crate::plan::exchange::{Want, backoff};
use crate::plan::road::RoadFinder;

impl Migrate {
    /// Whether the source is to be asked, and nobody knows yet by which language. A migration that
    /// is complete asks nothing, and of a split each batch finds out by itself.
    pub(super) fn needs_road(&self) -> bool {
        let asks = match self.phase {
            Phase::Recorded => {
                self.journal.is_read() && Bounds::need_source(&self.settings, &self.journal)
            }
            Phase::Batches { range } => {
                self.mode == Mode::Migrate && self.taken.first_gap(range).is_some()
            }
            Phase::Bounds(_) | Phase::Empty => false,
        };
        asks && self.finder.is_some()
    }

    pub(super) fn find_road(&mut self) -> Want {
        let Some(finder) = &mut self.finder else { return Want::Nothing };
        self.road = finder.found().cloned();
        if self.road.is_none() {
            return finder.want(self.now, &mut self.ids);
        }
        self.finder = None;
        Want::Nothing
    }

    /// Begins to look anew after a pause, where another attempt may do better.
    pub(super) fn look_again(&mut self, error: Error) {
        self.looked += 1;
        let attempts_max = self.settings.attempts_max;
        // Whatever else it is has been tried again already.
        if error.fault != Fault::Truncated || self.looked >= attempts_max {
            return self.fail(error);
        }
        let attempt = self.looked + 1;
        let message = format!("{error}; attempt {attempt} of {attempts_max} follows");
        self.notes.push_back(Note::warning(message));
        self.look_at = Some(self.now.saturating_add(backoff(self.looked, self.now)));
        if self.road.is_none() {
            self.finder = RoadFinder::open(&self.settings).map(Box::new);
        }
        if matches!(self.phase, Phase::Bounds(_)) {
            self.phase = Phase::Recorded;
        }
    }
}
