//! How a migration ends, and what there is to say then.
//!
//! Does not know what is next.

use super::{Migrate, Mode, Phase};
use crate::error::{Endpoint, Error, Fault};
use crate::plan::note::{counted, migration_name};
use crate::plan::{Ending, Note, Outcome, Step};
use crate::settings::Source;
use crate::time::TimeRange;

/// After so many batches in a row that could not be done, it is not about them.
const LEFT_OUT_IN_A_ROW_MAX: u32 = 3;

/// Batches that could not be done.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    count: u64,
    /// Since one was done.
    in_a_row: u32,
    /// Why the first could not.
    first: Option<Error>,
}

impl Migrate {
    /// What is wrong with one batch may not be wrong with others: they go on.
    pub(super) fn leave_out(&mut self, error: Error) {
        self.left_out.in_a_row += 1;
        let is_last = self.left_out.count == 0 && !self.has_others();
        if is_last || !is_of_batch(&error) || self.left_out.in_a_row >= LEFT_OUT_IN_A_ROW_MAX {
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
        !is_taken || !self.in_hand.is_empty() || !self.again.is_empty() || !self.answered.is_empty()
    }

    pub(super) fn too_many_rejected(&self) -> Error {
        let (points, max) = (self.rejected, self.settings.rejected_max);
        let points = counted(points, "point", "points");
        let message =
            format!("the destination refused {points} in all, and `rejected.max` is {max}");
        let hint = "mend what the reasons in the file of `rejected.path` say, or set a larger \
                    `rejected.max`, and run the same command";
        Error::new(Fault::Refused, message).at(Endpoint::Destination).with_hint(hint)
    }

    pub(super) fn one_is_done(&mut self) {
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
            let hint = "they are in the file of `rejected.path`, each with its reason: mend them, and \
                        migrate that file (`source.api = \"lp\"`)";
            self.notes.push_back(Note::warning(message).with_hint(hint));
        }
    }

    pub(super) fn done(&self) -> Step {
        let ending = match (&self.error, &self.left_out.first) {
            (Some(error), _) => Ending::of(error.clone()),
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
    /// What a person has to see to comes before what another run may do by itself.
    fn add(&mut self, error: Error) {
        self.count += 1;
        let needs_person = |error: &Error| matches!(Ending::of(error.clone()), Ending::Failed(_));
        let is_first = |first: &Error| needs_person(first) || !needs_person(&error);
        if !self.first.as_ref().is_some_and(is_first) {
            self.first = Some(error);
        }
    }

    fn all(&self, first: &Error) -> Error {
        match self.count {
            1 => first.clone(),
            count => first.clone().within(&format!("{count} batches could not be done, the first")),
        }
    }
}

/// Whether an error may be about the one batch that met it. What is wrong with a side, with a right, with
/// the settings or with this machine is the same for all, and the first refused point that may not be set
/// aside, or an answer that nobody knows, is to be seen by a person.
fn is_of_batch(error: &Error) -> bool {
    match error.fault {
        Fault::TimedOut
        | Fault::TooLarge
        | Fault::Truncated
        | Fault::Unavailable
        | Fault::Unsupported => matches!(error.endpoint, None | Some(Endpoint::Source)),
        // A batch that crashed, or ran out of the memory or the time that it may have.
        Fault::Internal => error.endpoint.is_none(),
        Fault::Stopped
        | Fault::Malformed
        | Fault::Settings
        | Fault::Unauthorized
        | Fault::Missing
        | Fault::Exhausted
        | Fault::Refused => false,
    }
}
