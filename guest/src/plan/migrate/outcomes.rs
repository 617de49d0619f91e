//! What became of a batch: done, to be tried again, or too large.
//!
//! Does not know which batch is next.

use super::ending::{About, about};
use super::{Attempt, Migrate, Pivot, Reported};
use crate::error::{Endpoint, Error, Fault};
use crate::plan::divide::{Divider, Division};
use crate::plan::exchange::backoff;
use crate::plan::note::{batch_of, counted, of_batch};
use crate::plan::report::Report;
use crate::plan::road::Road;
use crate::plan::sizer::{Remedy, SHORTEST};
use crate::plan::{Answer, Ending, Note, Outcome, Totals};
use crate::progress::Entry;
use crate::protocol::Cause;
use crate::section::Section;
use crate::settings::{BatchInterval, Source, UnfitValues};
use crate::time::{TimeRange, Timestamp};

/// A migration has at most so many sections, for each has batches of its own: of a million series these
/// are a hundred each.
const SECTIONS_MAX: usize = 10_000;

/// Where a server refuses so many series, a section is cut into so many.
const SERIES_PARTS: usize = 8;

/// What has more tables is not pivoted: a million series took 11 GB of the server's memory (observed on
/// InfluxDB 2.9.1), so these take some tens of megabytes.
const PIVOTED_TABLES_MAX: u64 = 5000;

impl Migrate {
    pub(super) fn answer_batch(&mut self, attempt: Attempt, answer: Answer) {
        let name = batch_of(&attempt.section, attempt.range);
        let outcome = match answer {
            Answer::Outcome(outcome) => outcome,
            Answer::Failed(failure) => {
                let what = match failure.cause {
                    Cause::Crashed => "crashed",
                    Cause::Unreachable | Cause::TimedOut | Cause::Broken => "could not be moved",
                };
                let message = format!("{name} {what}: {}", failure.message);
                self.lose(&attempt);
                let error = Error::new(Fault::Internal, message);
                // What it has sent may still come, and would cut a file at its place: that takes one batch
                // after the other.
                match self.offset {
                    Some(_) => self.fail(error),
                    None => self.leave_out(error),
                }
                return;
            }
            Answer::Response(_)
            | Answer::Bytes(_)
            | Answer::End
            | Answer::Body(_)
            | Answer::Report(_) => {
                let message = format!("the host answered {name} with no outcome");
                return self.fail(Error::new(Fault::Internal, message));
            }
        };
        self.totals += outcome.totals;
        let known = attempt.reported.map_or(0, |reported| reported.read);
        self.reading.settle(self.now, attempt.read, outcome.totals.read.saturating_sub(known));
        let report = self.take_report(&attempt, &outcome);
        match outcome.ending {
            Ending::Complete | Ending::Different => {
                self.batch_done(&attempt, &outcome);
                if attempt.reported.is_none() {
                    self.learn(&attempt, &report);
                }
            }
            Ending::Stopped(error) if error.fault == Fault::Stopped => {
                // A host may end a batch by itself; then the migration ends too.
                self.stopping.ask();
            }
            Ending::Stopped(error) | Ending::Failed(error)
                if attempt.is_pivoted && error.endpoint == Some(Endpoint::Source) =>
            {
                self.go_unpivoted(attempt, error);
            }
            Ending::Stopped(error) | Ending::Failed(error) if self.is_too_large(&error) => {
                self.batch_too_large(attempt, error);
            }
            // Servers, and what stands between, may cut what takes long.
            Ending::Stopped(error)
                if attempt.failed > 0
                    && attempt.range.nanoseconds() > SHORTEST
                    && self.is_cut(&error) =>
            {
                self.batch_too_large(attempt, error);
            }
            Ending::Stopped(error) => self.batch_stopped(attempt, error),
            Ending::Failed(error) => {
                self.leave_out(of_batch(error, &attempt.section, attempt.range));
            }
        }
    }

    /// All of a batch is read: what it took is known, whatever becomes of it.
    pub(super) fn take_early(&mut self, id: u64, report: &str) {
        let Some(report) = Report::parse(report) else { return };
        let is_free = self.settles_freely();
        let Some(attempt) = self.in_hand.get_mut(&id) else { return };
        if attempt.reported.is_some() {
            return;
        }
        let Report { read, unacknowledged_bodies, unacknowledged_bytes, .. } = report;
        attempt.reported =
            Some(Reported { read, unacknowledged_bodies, unacknowledged_bytes, is_free });
        let expected = std::mem::take(&mut attempt.read);
        let attempt = attempt.clone();
        self.reading.settle(self.now, expected, read);
        self.window.heed(&report.window);
        if is_free {
            self.return_slot(&report);
        }
        self.learn(&attempt, &report);
    }

    /// What is left of the destination's quota goes to the next batch.
    fn take_report(&mut self, attempt: &Attempt, outcome: &Outcome) -> Report {
        let Some(report) = Report::parse(&outcome.report) else {
            self.lose_slot(attempt);
            return Report::default();
        };
        self.window.take_over(&report.window);
        if !attempt.reported.is_some_and(|reported| reported.is_free) {
            self.return_slot(&report);
        }
        report
    }

    /// What it has read and written before it was lost nobody knows.
    fn lose(&mut self, attempt: &Attempt) {
        self.reading.settle(self.now, attempt.read, attempt.read);
        self.lose_slot(attempt);
    }

    fn lose_slot(&mut self, attempt: &Attempt) {
        if !attempt.reported.is_some_and(|reported| reported.is_free) {
            let mut slot = self.new_slot();
            slot.exhaust(self.now);
            self.slots.push(slot);
        }
    }

    fn return_slot(&mut self, report: &Report) {
        let mut slot = self.new_slot();
        slot.take_over(self.now, &report.slot);
        self.slots.push(slot);
    }

    /// What the next batches are like follows from what this one took.
    fn learn(&mut self, attempt: &Attempt, report: &Report) {
        let Report { source_nanoseconds: took, rows, read, written, .. } = *report;
        match report.source_delays {
            0 => self.concurrency.measure(attempt.level, rows, took),
            _ => self.concurrency.strained(attempt.level),
        }
        self.learn_pivot(report);
        let quotas = self.amounts();
        let totals = Totals { rows, read, written, ..Totals::default() };
        let sizer = self.sizers.entry(attempt.section.clone()).or_default();
        let remedy = sizer.done(attempt.range.nanoseconds(), took, &totals, quotas);
        // A person who says how long batches are knows how long they take.
        if let (Some(Remedy::Divide(count)), BatchInterval::Auto) =
            (remedy, self.settings.batch_interval)
        {
            self.divide(attempt.clone(), count, None);
        }
    }

    fn batch_done(&mut self, attempt: &Attempt, outcome: &Outcome) {
        let Attempt { section, range, .. } = attempt;
        match Entry::parse(&outcome.checkpoint) {
            // A host that mixes up its answers would have the wrong range recorded as done.
            Some(Entry::Done(record)) if record.batch == *range && record.section == *section => {
                self.one_was_done();
                self.rejected = self.rejected.saturating_add(record.totals.rejected);
                // Each of several that were under way had all that was left.
                if record.totals.rejected > 0 && self.rejected > self.settings.rejected_max {
                    return self.fail(self.too_many_rejected());
                }
                if record.destination_bytes.is_some() {
                    self.offset = record.destination_bytes;
                }
                self.journal.append(record);
            }
            _ => {
                let name = batch_of(section, *range);
                let message = format!("the outcome of {name} is not of this batch");
                self.fail(Error::new(Fault::Internal, message));
            }
        }
    }

    /// Several batches together were refused more than may be set aside.
    fn too_many_rejected(&self) -> Error {
        let (points, max) = (self.rejected, self.settings.rejected_max);
        let points = counted(points, "point", "points");
        let who = match self.settings.unfit {
            UnfitValues::Refuse => "the destination refused",
            UnfitValues::SetAside => "the destination refused, or cannot take,",
        };
        let message = format!("{who} {points} in all, and `rejected.max` is {max}");
        let hint = "the batch is not recorded; mend what the reasons in the file of refused points say at the \
                    destination, or set a larger `rejected.max`";
        Error::new(Fault::Refused, message).at(Endpoint::Destination).with_hint(hint)
    }

    /// Pivoted tables are asked for where it is the read quota that makes the migration wait, and the
    /// series are few: a server holds back what it pivots.
    #[expect(clippy::cast_precision_loss, reason = "shares are compared roughly")]
    fn learn_pivot(&mut self, report: &Report) {
        let by_flux = matches!(self.road, Some(Road::Flux));
        let Some(read) = self.reading.quota().filter(|_| by_flux && self.pivot == Pivot::Unknown)
        else {
            return;
        };
        let written = report.written;
        let of_read = report.read as f64 / read.amount as f64;
        let of_write = self.write_quota.map_or(0.0, |write| written as f64 / write.amount as f64);
        if (1..=PIVOTED_TABLES_MAX).contains(&report.tables) && of_read > of_write {
            self.pivot = Pivot::Worth;
            let message = "reads pivoted tables from here on, which are smaller: it is the read quota \
                           that it waits for";
            self.notes.push_back(Note::info(message.to_owned()));
        }
    }

    fn go_unpivoted(&mut self, attempt: Attempt, error: Error) {
        let Attempt { section, range, .. } = attempt;
        self.pivot = Pivot::Unfit;
        self.taken.remove(&section, range);
        let error = of_batch(error, &section, range);
        let message = format!("{error}; from here on tables are read as they are, not pivoted");
        self.notes.push_back(Note::info(message));
    }

    /// Whether a server has answered so: a file cannot be asked for less.
    fn is_of_server(&self, error: &Error) -> bool {
        let is_file = matches!(self.settings.source, Source::File(..));
        error.endpoint == Some(Endpoint::Source) && !is_file
    }

    /// Whether a smaller batch may do what this one did not.
    fn is_too_large(&self, error: &Error) -> bool {
        self.is_of_server(error) && matches!(error.fault, Fault::TimedOut | Fault::TooLarge)
    }

    /// Whether the source has cut its answer.
    fn is_cut(&self, error: &Error) -> bool {
        self.is_of_server(error) && error.fault == Fault::Truncated
    }

    fn say_shortened(&mut self, error: &Error) {
        let message = format!("{error}; it goes on with batches of half the length");
        self.notes.push_back(Note::info(message));
    }

    /// It goes on with smaller ones: by time, or, where that does not help, by names.
    fn batch_too_large(&mut self, attempt: Attempt, error: Error) {
        if matches!(error.fault, Fault::TimedOut | Fault::Truncated) {
            self.concurrency.strained(attempt.level);
        }
        let Attempt { section, range, .. } = &attempt;
        self.taken.remove(section, *range);
        let sizer = self.sizers.entry(section.clone()).or_default();
        // Shorter in any case: if it cannot be divided, this comes to an end.
        let remedy = match sizer.too_large(range.nanoseconds()) {
            // No time is short enough for too many series.
            _ if error.message.contains("max-select-series") => Remedy::Divide(SERIES_PARTS),
            remedy => remedy,
        };
        let error = of_batch(error, section, *range);
        match remedy {
            Remedy::Shorten => self.say_shortened(&error),
            Remedy::Divide(count) => self.divide(attempt, count, Some(error)),
        }
    }

    /// `error` is what there is to say if it cannot be divided.
    fn divide(&mut self, attempt: Attempt, count: usize, error: Option<Error>) {
        let Attempt { section, range, .. } = attempt;
        // Cut already, or soon, for another batch of it: what was taken of it is given back.
        if !self.taken.has(&section) || self.divider.is_some() {
            return;
        }
        let is_full = self.taken.sections() + count > SECTIONS_MAX;
        let Some(road) = self.road.as_ref().filter(|_| !is_full) else {
            return self.keep_whole(&section, range, error);
        };
        let divider = Divider::new(&self.settings, road, section, range, count);
        self.divider = Some((divider.into(), error));
    }

    pub(super) fn answer_divider(&mut self, answer: Answer) {
        let Some((divider, _)) = &mut self.divider else { return };
        let found = match divider.answer(answer) {
            Ok(None) => return,
            Ok(Some(found)) => Ok(found),
            Err(error) => Err(error),
        };
        let Some((divider, error)) = self.divider.take() else { return };
        match found {
            Ok(Division::Sections(sections)) => {
                let many = counted(sections.len() as u64, "section", "sections");
                let whole = match divider.section.is_all() {
                    true => "the bucket".to_owned(),
                    false => format!("{}", divider.section),
                };
                let message = match error {
                    Some(error) => format!("{error}; {whole} is read in {many} from here on"),
                    None => format!("{whole} is read in {many} from here on"),
                };
                self.notes.push_back(Note::info(message));
                let sizer = self.sizers.remove(&divider.section).unwrap_or_default().of_part();
                for section in &sections {
                    self.sizers.insert(section.clone(), sizer.clone());
                }
                self.taken.divide(&divider.section, sections);
            }
            Ok(Division::Nothing) => {
                self.keep_whole(&divider.section, divider.range, error);
            }
            Err(looked) if error.is_some() && about(&looked) == About::All => self.fail(looked),
            Err(looked) => {
                self.notes.push_back(Note::warning(looked.to_string()));
                // Not asked for again after each batch.
                self.keep_whole(&divider.section, divider.range, error);
            }
        }
    }

    /// It cannot be cut by names; shorter it can be, up to a point.
    fn keep_whole(&mut self, section: &Section, range: TimeRange, error: Option<Error>) {
        self.sizers.entry(section.clone()).or_default().keep_whole();
        let Some(error) = error else { return };
        if range.nanoseconds() > SHORTEST {
            return self.say_shortened(&error);
        }
        let hint = "it cannot be smaller; raise what the source allows a query, or leave this out with \
                    `migration.measurements`, `migration.where` or `migration.filter`";
        // A person has to see to it: nobody takes it again in this run.
        self.taken.insert(section, range);
        self.leave_out(Error { fault: Fault::TooLarge, ..error }.with_hint(hint));
    }

    fn batch_stopped(&mut self, attempt: Attempt, error: Error) {
        let error = of_batch(error, &attempt.section, attempt.range);
        let failed = attempt.failed + 1;
        match self.time_of_next(error, failed) {
            Ok(time) => self.again.push((time, Attempt { failed, reported: None, ..attempt })),
            Err(error) => self.leave_out(error),
        }
    }

    /// When to try again what has failed so often; the error if that would change nothing.
    pub(super) fn time_of_next(&mut self, error: Error, failed: u32) -> Result<Timestamp, Error> {
        let attempts_max = self.settings.limits.attempts_max;
        // Whatever else it is, the exchange has tried again already.
        if error.fault != Fault::Truncated || failed >= attempts_max {
            return Err(error);
        }
        let message = format!("{error}; attempt {} of {attempts_max} follows", failed + 1);
        self.notes.push_back(Note::warning(message));
        Ok(self.now.saturating_add(backoff(failed, self.now)))
    }
}
