//! What a migration must know before the first batch: looking for it, and again where a server began to
//! answer and then gave up. Does not know which batches there are.

use super::{Migrate, Mode, Phase};
use crate::error::Error;
use crate::plan::bounds::Bounds;
use crate::plan::days::Days;
use crate::plan::exchange::Want;
use crate::plan::pace::{Pace, Quota};
use crate::plan::quota::QuotaFinder;
use crate::plan::road::RoadFinder;
use crate::plan::{Answer, Note};

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
            Phase::Batches { .. } => self.needs_more(),
            Phase::Bounds(_) | Phase::Empty => false,
        }
    }

    /// Whether there are batches to be done here.
    fn needs_more(&self) -> bool {
        match self.phase {
            Phase::Batches { range } => self.mode == Mode::Migrate && !self.taken.covers(range),
            Phase::Recorded | Phase::Bounds(_) | Phase::Empty => false,
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

    /// Whether it is not known yet what both sides allow.
    pub(super) fn needs_quotas(&self) -> bool {
        self.quotas.is_some() && self.needs_more()
    }

    pub(super) fn find_quotas(&mut self) -> Want {
        let Some(quotas) = &mut self.quotas else { return Want::Nothing };
        let Some((read, write)) = quotas.found() else {
            return quotas.want(self.now, &mut self.ids);
        };
        self.notes.append(&mut quotas.notes);
        self.quotas = None;
        self.set_paces(read, write);
        Want::Nothing
    }

    fn set_paces(&mut self, read: Option<Quota>, write: Option<Quota>) {
        let limits = &self.settings.limits;
        self.reading = Pace::new(read, None);
        // Each batch has its part, for none knows what the others do.
        let batches = limits.concurrency;
        let share =
            |quota: Quota| Quota { amount: (quota.amount / batches as u64).max(1), ..quota };
        self.write_quota = write.map(share);
        self.writing = vec![self.writing_of_batch(); batches];
        let is_new = !self.journal.begun && !self.journal.has_gaps;
        if is_new || (read.is_none() && write.is_none()) {
            return;
        }
        let Phase::Batches { range } = self.phase else { return };
        // What a run has moved that did not come to its end, nobody has recorded.
        let is_known = self.journal.is_complete_before(range) && !self.journal.has_gaps;
        let since = if is_known { self.journal.last_time } else { self.now };
        self.reading.exhaust(since);
        self.writing.iter_mut().for_each(|(pace, _)| pace.exhaust(since));
        if !is_known {
            let message = "what the run before has used of a quota is not known: it waits for the next window";
            self.notes.push_back(Note::info(message.to_owned()));
        }
    }

    /// Bytes a second.
    #[expect(clippy::cast_precision_loss, reason = "there are few batches in flight")]
    fn rate_of_batch(&self) -> Option<f64> {
        let limits = &self.settings.limits;
        limits.rate.map(|rate| rate / limits.concurrency as f64)
    }

    pub(super) fn reading_of_batch(&self) -> Pace {
        Pace::new(None, self.rate_of_batch())
    }

    /// One from which nothing is used.
    pub(super) fn writing_of_batch(&self) -> (Pace, Days) {
        let limits = &self.settings.limits;
        let days = match self.settings.counts_days {
            true => Days::new(limits.share, limits.concurrency),
            false => Days::default(),
        };
        (Pace::new(self.write_quota, self.rate_of_batch()), days)
    }

    pub(super) fn answer_looking(&mut self, id: u64, answer: Answer) {
        let taken = match (&mut self.finder, &mut self.quotas, &mut self.phase) {
            (Some(finder), _, _) if finder.owns(id) => finder.answer(answer),
            (_, Some(quotas), _) if quotas.owns(id) => quotas.answer(answer),
            (_, _, Phase::Bounds(bounds)) => bounds.answer(answer),
            _ => Ok(()),
        };
        taken.unwrap_or_else(|error| self.look_again(error));
    }

    /// Begins to look anew after a pause, where another attempt may do better.
    fn look_again(&mut self, error: Error) {
        self.looked += 1;
        let Some(time) = self.time_of_next(error, self.looked) else { return };
        self.look_at = Some(time);
        if self.road.is_none() {
            self.finder = RoadFinder::open(&self.settings).map(Box::new);
        }
        if self.quotas.is_some() {
            self.quotas = Some(QuotaFinder::new(&self.settings).into());
        }
        if matches!(self.phase, Phase::Bounds(_)) {
            self.phase = Phase::Recorded;
        }
    }
}
