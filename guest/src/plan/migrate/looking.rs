//! What a migration must know before the first batch: looking for it, and again where a server began to
//! answer and then gave up. Does not know which batches there are.

use super::{Before, Migrate, Mode, Phase};
use crate::error::{Error, Fault};
use crate::plan::bounds::Bounds;
use crate::plan::check::{self, Finding, Weight};
use crate::plan::exchange::Want;
use crate::plan::inquiry::Inquiry;
use crate::plan::note::counted;
use crate::plan::pace::{Pace, Quota};
use crate::plan::quota::QuotaFinder;
use crate::plan::road::RoadFinder;
use crate::plan::sizer::Quotas;
use crate::plan::slot::Slot;
use crate::plan::{Answer, Note, Step};
use crate::time::{TimeRange, Timestamp};

/// How a migration begins, as it is to be recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    pub(super) range: TimeRange,
    pub(super) earliest: bool,
    pub(super) now: bool,
}

/// What a look at both sides has found.
pub(super) type Looked = Result<Vec<Finding>, Error>;

/// So many reasons not to begin are shown beside the first.
const STOPS_SHOWN_MAX: usize = 9;

impl Migrate {
    /// Finds out what must be known before the next batch: the road to the source, whether to begin at all,
    /// and what both sides allow. `None` once all of it is known.
    pub(super) fn look(&mut self, until: Timestamp) -> Option<Step> {
        if self.needs_road() {
            if let Some(note) = self.finder.as_mut().and_then(|finder| finder.notes.pop_front()) {
                return Some(Step::Note(note));
            }
            match self.find_road() {
                Want::Step(step) => return Some(step),
                Want::Wait(time) => return Some(Step::Wait(until.min(time))),
                Want::Nothing if self.finder.is_some() => return Some(Step::Wait(until)),
                Want::Nothing => {}
            }
        }
        if self.beginning.is_some() {
            match self.look_at_both() {
                Want::Step(step) => return Some(step),
                Want::Wait(time) => return Some(Step::Wait(until.min(time))),
                Want::Nothing if self.looking.is_some() => return Some(Step::Wait(until)),
                // What was found is said first, and that it is begun is recorded.
                Want::Nothing => return Some(self.next(self.now)),
            }
        }
        if self.needs_quotas() {
            match self.find_quotas() {
                Want::Step(step) => return Some(step),
                Want::Wait(time) => return Some(Step::Wait(until.min(time))),
                Want::Nothing if self.quotas.is_some() => return Some(Step::Wait(until)),
                // What was found is said first.
                Want::Nothing => return Some(self.next(self.now)),
            }
        }
        None
    }

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

    /// Looks at both sides before the first batch.
    pub(super) fn look_at_both(&mut self) -> Want {
        let Some(beginning) = self.beginning else { return Want::Nothing };
        let (settings, road, range) = (&self.settings, &self.road, beginning.range);
        let look = self.looking.get_or_insert_with(|| {
            let (settings, road) = (settings.clone(), road.clone());
            Inquiry::new(async move |asker| check::look(&asker, &settings, road, range).await)
        });
        let want = look.want(self.now, &mut self.ids);
        match look.told() {
            None => want,
            Some(found) => {
                self.looking = None;
                match found {
                    Ok(findings) => self.begin_after(beginning, findings),
                    Err(error) => self.look_again(error),
                }
                Want::Nothing
            }
        }
    }

    /// A migration does not begin into a known loss.
    fn begin_after(&mut self, beginning: Beginning, findings: Vec<Finding>) {
        self.beginning = None;
        let (mut stops, others): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.weight == Weight::Stop);
        let warnings = others.iter().filter(|finding| finding.weight == Weight::Warning);
        self.notes.extend(warnings.map(Finding::to_note));
        if stops.is_empty() {
            let Beginning { range, earliest, now } = beginning;
            return self.journal.open(range, earliest, now);
        }
        let first = stops.remove(0);
        self.notes.extend(stops.iter().take(STOPS_SHOWN_MAX).map(Finding::to_note));
        let more = match stops.len() {
            0 => String::new(),
            more => format!(" ({} more)", counted(more as u64, "reason", "reasons")),
        };
        let message = format!("it is not begun: {}{more}", first.message);
        let hint = match (first.hint, first.lines.is_empty()) {
            (hint, true) => hint,
            (hint, false) => Some(format!(
                "{}; `tsm2iox check` shows the lines to paste",
                hint.unwrap_or_default()
            )),
        };
        self.fail(Error { hint, ..Error::new(Fault::Settings, message) });
    }

    /// Whether it is not on the disk yet that it is begun.
    pub(super) fn awaits_opening(&self) -> bool {
        self.mode == Mode::Migrate
            && !self.journal.begun
            && self.journal.unsettled() > 0
            && check::is_worth(&self.settings)
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
        self.reading = Pace::new(read, None);
        self.write_quota = write;
        self.slots = vec![self.new_slot(); self.settings.limits.concurrency];
        self.learn_from_records();
        match self.before {
            Before::Nothing => {}
            Before::Recorded => self.use_recorded(),
            Before::Unknown => {
                self.reading.exhaust(self.now);
                self.slots.iter_mut().for_each(|slot| slot.exhaust(self.now));
                if read.is_some() || write.is_some() {
                    let message = "what the run before has used of a quota is not known: as if it were \
                                   all of it";
                    self.notes.push_back(Note::info(message.to_owned()));
                }
            }
        }
    }

    /// One of which nothing is used.
    pub(super) fn new_slot(&self) -> Slot {
        Slot::new(&self.settings, None, self.write_quota)
    }

    /// One for a batch of which nobody sees the others: its part of what the settings say in numbers, for
    /// a split asks nobody. What was used before is not known: as if it were all of it.
    pub(super) fn slot_of_split(&self) -> Slot {
        let quotas =
            self.quotas.as_ref().expect("a split asks nobody, so nothing takes its finder");
        // With `"auto"` nothing is found; such an order is refused.
        let (read, write) = quotas.found().unwrap_or_default();
        let mut slot = Slot::new(&self.settings, read, write);
        if self.before != Before::Nothing {
            slot.exhaust(self.now);
        }
        slot
    }

    /// What a window may read and write.
    pub(super) fn amounts(&self) -> Quotas {
        let amount = |quota: Option<Quota>| quota.map_or(u64::MAX, |quota| quota.amount);
        Quotas { read: amount(self.reading.quota()), write: amount(self.write_quota) }
    }

    fn learn_from_records(&mut self) {
        let quotas = self.amounts();
        for (section, (length, took, totals)) in std::mem::take(&mut self.journal.last_of) {
            // What is to be done about it shows again.
            let _ = self.sizers.entry(section).or_default().done(length, took, &totals, quotas);
        }
    }

    /// All that was moved is on record: what of it counts still, counts here.
    fn use_recorded(&mut self) {
        let slots = self.slots.len().max(1) as u64;
        for (time, totals) in std::mem::take(&mut self.journal.recent) {
            self.reading.spend(time, totals.read);
            for slot in &mut self.slots {
                slot.writing.spend(time, totals.written.div_ceil(slots));
            }
        }
    }

    pub(super) fn answer_looking(&mut self, id: u64, answer: Answer) {
        let taken = match (&mut self.finder, &mut self.quotas, &mut self.phase) {
            (Some(finder), _, _) if finder.owns(id) => finder.answer(answer),
            (_, Some(quotas), _) if quotas.owns(id) => quotas.answer(answer),
            (_, _, Phase::Bounds(bounds)) => bounds.answer(answer),
            _ => {
                if let Some(look) = &mut self.looking {
                    look.answer(id, answer);
                }
                Ok(())
            }
        };
        taken.unwrap_or_else(|error| self.look_again(error));
    }

    /// Begins to look anew after a pause, where another attempt may do better.
    fn look_again(&mut self, error: Error) {
        self.looked += 1;
        let time = match self.time_of_next(error, self.looked) {
            Ok(time) => time,
            Err(error) => return self.fail(error),
        };
        self.look_at = Some(time);
        if self.road.is_none() {
            self.finder = RoadFinder::open(&self.settings).map(Box::new);
        }
        if self.quotas.is_some() {
            self.quotas = Some(QuotaFinder::new(&self.settings).into());
        }
        self.looking = None;
        if matches!(self.phase, Phase::Bounds(_)) {
            self.phase = Phase::Recorded;
        }
    }
}
