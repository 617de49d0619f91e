//! What a migration must know of its source before the first batch: looking for it, and again where
//! the source began to answer and then gave up.

use super::{Migrate, Mode, Phase};
use crate::error::Error;
use crate::plan::bounds::Bounds;
use crate::plan::exchange::Want;
use crate::plan::road::RoadFinder;

impl Migrate {
    /// Whether the source is to be asked, and nobody knows yet by which language. A migration that
    /// is complete asks nothing, and of a split each batch finds out by itself.
    pub(super) fn needs_road(&self) -> bool {
        if self.finder.is_none() {
            return false;
        }
        match self.phase {
            Phase::Recorded => {
                self.journal.is_read() && Bounds::need_source(&self.settings, &self.journal)
            }
            Phase::Batches { range } => {
                self.mode == Mode::Migrate && self.taken.first_gap(range).is_some()
            }
            Phase::Bounds(_) | Phase::Empty => false,
        }
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
        let Some(time) = self.next_attempt(error, self.looked) else { return };
        self.look_at = Some(time);
        if self.road.is_none() {
            self.finder = RoadFinder::open(&self.settings).map(Box::new);
        }
        if matches!(self.phase, Phase::Bounds(_)) {
            self.phase = Phase::Recorded;
        }
    }
}
