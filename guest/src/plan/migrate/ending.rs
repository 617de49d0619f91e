//! How a migration ends, and what there is to say then.
//!
//! Does not know what is next.

use super::{Migrate, Mode, Phase};
use crate::error::{Endpoint, Error, Fault};
use crate::plan::note::{counted, migration_name};
use crate::plan::{Ending, Note, Outcome, Step};
use crate::settings::Source;
use crate::time::TimeRange;

/// After so many batches in a row that the source has failed, it is not about them.
const FAILED_IN_A_ROW_MAX: u32 = 5;

/// Batches that could not be moved.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    count: u64,
    /// Those that the source has failed since one was done.
    in_a_row: u32,
    /// Why one could not: the first that a person has to see to, else the first.
    error: Option<Error>,
}

impl Migrate {
    /// What is wrong with one batch may not be wrong with others: they go on.
    pub(super) fn leave_out(&mut self, error: Error) {
        let about = about(&error);
        self.left_out.in_a_row += u32::from(about == About::SourceOrBatch);
        let is_last = self.left_out.count == 0 && !self.has_others();
        if is_last || about == About::All || self.left_out.in_a_row >= FAILED_IN_A_ROW_MAX {
            return self.fail(error);
        }
        let message = format!("{error}; the others go on without it");
        let note = Note { hint: error.hint.clone(), ..Note::error(message) };
        self.notes.push_back(note);
        self.left_out.add(error);
    }

    fn has_others(&self) -> bool {
        let is_taken = match self.phase {
            Phase::Batches { range } => self.taken.covers(range),
            Phase::Recorded | Phase::Bounds(_) | Phase::Empty => true,
        };
        !is_taken || !self.in_hand.is_empty() || !self.again.is_empty()
    }

    pub(super) fn one_was_done(&mut self) {
        self.left_out.in_a_row = 0;
    }

    /// All batches are done, or left out.
    pub(super) fn finish(&mut self, range: TimeRange) -> Step {
        if self.mode == Mode::Migrate && !std::mem::replace(&mut self.said_all, true) {
            self.say_at_the_end(range);
            if let Some(note) = self.notes.pop_front() {
                return Step::Note(note);
            }
        }
        self.done()
    }

    fn say_at_the_end(&mut self, range: TimeRange) {
        // That nothing was found is more often a mistake than a fact.
        if self.journal.totals.rows == 0 && self.left_out.count == 0 {
            let message = format!("no rows were found in {}", migration_name(range));
            let hint = match self.settings.source {
                Source::V1(_) | Source::V2(..) => {
                    "look at `source.bucket`, and at `start`, `stop`, `measurements`, `where` and `filter` of `migration`"
                }
                Source::File(..) => {
                    "look at `source.path`, and at `migration.start` and `migration.stop`"
                }
            };
            self.notes.push_back(Note::warning(message).with_hint(hint));
        }
        let rejected = self.journal.totals.rejected;
        if rejected > 0 {
            let points = counted(rejected, "point was", "points were");
            let message = format!("{points} refused by the destination, and set aside");
            let hint = "they are in the file of refused points (`rejected.path`), each with its reason: mend \
                        a copy, and migrate that (`source.api = \"lp\"`)";
            self.notes.push_back(Note::warning(message).with_hint(hint));
        }
    }

    pub(super) fn done(&self) -> Step {
        let ending = match (&self.error, &self.left_out.error) {
            (Some(error), _) => Ending::of(self.left_out.before(error)),
            (None, _) if self.is_complete() && self.journal.totals.rejected > 0 => {
                Ending::Different
            }
            (None, _) if self.is_complete() => Ending::Complete,
            (None, _) if self.stopping.is_asked() => {
                Ending::Stopped(Error::new(Fault::Stopped, "interrupted"))
            }
            (None, _) if self.mode == Mode::Split => Ending::Complete,
            (None, Some(error)) => Ending::of(self.left_out.all(error)),
            (None, None) => Ending::Stopped(Error::new(Fault::Stopped, "interrupted")),
        };
        Step::Done(Outcome::new(ending, self.totals))
    }

    /// Complete is what the records say, not what was answered.
    fn is_complete(&self) -> bool {
        match self.phase {
            Phase::Empty => true,
            Phase::Batches { range } => self.journal.coverage.covers(range),
            Phase::Recorded | Phase::Bounds(_) => false,
        }
    }
}

impl LeftOut {
    fn add(&mut self, error: Error) {
        self.count += 1;
        let needs_person = |error: &Error| matches!(Ending::of(error.clone()), Ending::Failed(_));
        let is_more = |known: &Error| needs_person(&error) && !needs_person(known);
        if self.error.as_ref().is_none_or(is_more) {
            self.error = Some(error);
        }
    }

    /// What there is to say at the end, if nothing else ended it.
    fn all(&self, one: &Error) -> Error {
        match self.count {
            1 => one.clone(),
            count => one
                .clone()
                .leading_to(format!("{count} batches could not be moved; this is one of them")),
        }
    }

    /// What has ended it, after these.
    fn before(&self, last: &Error) -> Error {
        match self.count {
            0 => last.clone(),
            count => {
                let batches = counted(count, "batch", "batches");
                last.clone()
                    .leading_to(format!("it stopped after {batches} that could not be moved"))
            }
        }
    }
}

/// What an error of a batch may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// What is in the batch.
    Batch,
    /// That, or the state of the source: others show it.
    SourceOrBatch,
    /// What is the same for all: a side, a right, the settings, this machine. And the first refused point
    /// that may not be set aside, or an answer that nobody knows, is to be seen by a person.
    All,
}

pub(super) fn about(error: &Error) -> About {
    let is_of_source = matches!(error.endpoint, None | Some(Endpoint::Source));
    match error.fault {
        // All of it was read: others cost no more than that.
        Fault::Unsupported if is_of_source => About::Batch,
        Fault::TooLarge | Fault::TimedOut | Fault::Truncated | Fault::Unavailable
            if is_of_source =>
        {
            About::SourceOrBatch
        }
        // A batch that crashed, or ran out of the memory or the time that it may have.
        Fault::Internal if error.endpoint.is_none() => About::SourceOrBatch,
        Fault::Stopped
        | Fault::Malformed
        | Fault::Settings
        | Fault::Unauthorized
        | Fault::Missing
        | Fault::Unreachable
        | Fault::Exhausted
        | Fault::Refused
        | Fault::TooLarge
        | Fault::Unsupported
        | Fault::TimedOut
        | Fault::Truncated
        | Fault::Unavailable
        | Fault::Internal => About::All,
    }
}
