//! A migration: which batch is next, which is done, and what to record.
//!
//! Sees no data. A batch counts as done once its record is on the disk, and its record is sent
//! only once the destination has acknowledged all of it: a crash costs time, never data.

mod looking;
mod progress;

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::batch::Order;
use super::bounds::{Bounds, Found};
use super::exchange::{Ids, Want, backoff};
use super::journal::Journal;
use super::note::{batch_name, counted, migration_name, of_batch, percentage};
use super::road::{Road, RoadFinder};
use super::{Answer, Batch, Ending, Note, Outcome, Step, Totals};
use crate::error::{Error, Fault};
use crate::progress::{Coverage, Entry};
use crate::protocol::Cause;
use crate::settings::{Settings, Source, Start, Stop};
use crate::time::{Interval, TimeRange, Timestamp};

/// Whether batches are done, or only handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Migrate,
    Split,
}

/// A migration on its way.
#[derive(Debug)]
pub(crate) struct Migrate {
    mode: Mode,
    settings: Settings,
    /// As they came, for the orders.
    text: Value,
    ids: Ids,
    journal: Journal,
    phase: Phase,
    /// How batches are read, once it is known; a file needs none.
    road: Option<Road>,
    finder: Option<Box<RoadFinder>>,
    /// How often looking for road or bounds has failed, and when to look again.
    looked: u32,
    look_at: Option<Timestamp>,
    /// What is done, in hand, or waiting to be tried again.
    taken: Coverage,
    in_hand: BTreeMap<u64, Attempt>,
    again: Vec<(Timestamp, Attempt)>,
    /// The length of a file as destination.
    offset: Option<u64>,
    totals: Totals,
    notes: VecDeque<Note>,
    stopping: bool,
    error: Option<Error>,
    /// It has been said that there was nothing.
    said_nothing: bool,
    opened: Option<Timestamp>,
    /// What was done already when it was opened, in percent.
    percent_at_first: f64,
    now: Timestamp,
}

/// A batch, and how often it has failed.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    range: TimeRange,
    failed: u32,
}

#[derive(Debug)]
enum Phase {
    /// What is recorded?
    Recorded,
    /// When does it begin and end?
    Bounds(Box<Bounds>),
    Batches {
        range: TimeRange,
    },
    /// There is nothing to migrate.
    Empty,
}

impl Migrate {
    pub(crate) fn open(mode: Mode, text: &str) -> Result<Self, Error> {
        let (settings, text) = Settings::parse(text)?;
        Ok(Self {
            mode,
            text,
            ids: Ids::default(),
            journal: Journal::new(&settings),
            phase: Phase::Recorded,
            road: None,
            finder: RoadFinder::open(&settings).map(Box::new),
            looked: 0,
            look_at: None,
            taken: Coverage::default(),
            in_hand: BTreeMap::new(),
            again: Vec::new(),
            offset: None,
            totals: Totals::default(),
            notes: VecDeque::new(),
            stopping: false,
            error: None,
            said_nothing: false,
            opened: None,
            percent_at_first: 0.0,
            now: Timestamp(0),
            settings,
        })
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Step {
        self.now = now;
        self.opened.get_or_insert(now);
        self.notes.append(&mut self.journal.notes);
        if let Some(note) = self.notes.pop_front() {
            return Step::Note(note);
        }
        let mut until = Timestamp::MAX;
        // What is done is recorded even when no more batches follow.
        match self.journal.want(now, &mut self.ids) {
            Want::Step(step) => return step,
            Want::Wait(time) => until = until.min(time),
            Want::Nothing => {}
        }
        if self.stopping || self.error.is_some() {
            return if self.is_settled() { self.done() } else { Step::Wait(until) };
        }
        if let Some(time) = self.look_at.filter(|time| *time > now) {
            return Step::Wait(until.min(time));
        }
        if self.needs_road() {
            if let Some(note) = self.finder.as_mut().and_then(|finder| finder.notes.pop_front()) {
                return Step::Note(note);
            }
            match self.find_road() {
                Want::Step(step) => return step,
                Want::Wait(time) => return Step::Wait(until.min(time)),
                Want::Nothing if self.finder.is_some() => return Step::Wait(until),
                Want::Nothing => {}
            }
        }
        if matches!(self.phase, Phase::Recorded) && self.journal.is_read() {
            let bounds = Bounds::open(&self.settings, &self.journal, self.road.as_ref(), now);
            self.phase = Phase::Bounds(bounds.into());
        }
        if let Phase::Bounds(bounds) = &mut self.phase {
            match bounds.want(now, &mut self.ids) {
                Want::Step(step) => return step,
                Want::Wait(time) => until = until.min(time),
                Want::Nothing => {}
            }
            if let Some(found) = bounds.found().cloned() {
                self.begin(found);
                return self.next(now);
            }
        }
        match self.phase {
            Phase::Recorded | Phase::Bounds(_) => Step::Wait(until),
            Phase::Batches { range } => self.next_batch(range, until),
            Phase::Empty => self.done(),
        }
    }

    /// Nothing is in anybody's hands.
    fn is_settled(&self) -> bool {
        self.in_hand.is_empty() && self.journal.unsettled() == 0
    }

    /// The bounds are known.
    fn begin(&mut self, found: Found) {
        let (range, offset) = match found {
            Found::Range { range, offset } => (range, offset),
            Found::Fault(error) => return self.fail(error),
            Found::Nothing(why) => {
                self.notes.push_back(Note::info(why));
                self.phase = Phase::Empty;
                return;
            }
        };
        self.offset = offset;
        self.taken = self.journal.coverage.clone();
        self.percent_at_first = self.taken.percent_of(range);
        if self.journal.records > 0 {
            let batches = counted(self.journal.records, "batch is", "batches are");
            let percent = percentage(self.percent_at_first);
            let message = format!("{batches} done already, {percent} of {}", migration_name(range));
            self.notes.push_back(Note::info(message));
        }
        // A dry run writes nothing.
        let earliest = matches!(self.settings.start, Start::Earliest);
        let now = matches!(self.settings.stop, Stop::Now);
        let is_new = !self.journal.begun
            || (earliest && self.journal.earliest.is_none())
            || (now && self.journal.now.is_none());
        if self.mode == Mode::Migrate && is_new {
            self.journal.open(range, earliest, now);
        }
        self.phase = Phase::Batches { range };
    }

    fn next_batch(&mut self, range: TimeRange, until: Timestamp) -> Step {
        if let Some(at) = self.again.iter().position(|(time, _)| *time <= self.now) {
            let (_, attempt) = self.again.swap_remove(at);
            return self.hand_out(range, attempt);
        }
        let until = self.again.iter().map(|(time, _)| *time).fold(until, Timestamp::min);
        // A batch is in flight until its record is on the disk, and while it waits to be tried
        // again.
        let in_flight = self.in_hand.len() + self.again.len() + self.journal.unsettled();
        if self.mode == Mode::Migrate && in_flight >= self.settings.concurrency {
            return Step::Wait(until);
        }
        if let Some(gap) = self.taken.first_gap(range) {
            let bound = |interval: Interval| interval.bound_after(range.start(), gap.start());
            let stop = self.settings.batch_interval.map_or(gap.stop(), bound).min(gap.stop());
            let batch = TimeRange::new(gap.start(), stop).expect("a bound is later than its time");
            self.taken.insert(batch);
            return self.hand_out(range, Attempt { range: batch, failed: 0 });
        }
        if (self.is_settled() && self.again.is_empty()) || self.mode == Mode::Split {
            return self.finish(range);
        }
        Step::Wait(until)
    }

    /// All batches are done. That nothing was found is more often a mistake than a fact.
    fn finish(&mut self, range: TimeRange) -> Step {
        let nothing = self.journal.totals.rows == 0 && self.mode == Mode::Migrate;
        if nothing && !std::mem::replace(&mut self.said_nothing, true) {
            let message = format!("no rows were found in {}", migration_name(range));
            let hint = match self.settings.source {
                Source::V1(_) | Source::V2(..) => {
                    "look at `source.bucket`, and at `start`, `stop`, `measurements`, `where` and `filter` of `migration`"
                }
                Source::File(..) => {
                    "look at `source.path`, and at `migration.start` and `migration.stop`"
                }
            };
            return Step::Note(Note::warning(message).with_hint(hint));
        }
        self.done()
    }

    fn hand_out(&mut self, migration: TimeRange, attempt: Attempt) -> Step {
        let id = self.ids.next();
        // Only one batch after the other knows where its lines belong in a file.
        let offset = self.offset.filter(|_| self.mode == Mode::Migrate);
        let order = Order {
            offset,
            road: self.road.clone(),
            ..Order::new(&self.text, attempt.range, migration)
        };
        if self.mode == Mode::Migrate {
            self.in_hand.insert(id, attempt);
        }
        Step::Batch(Batch {
            id,
            range: attempt.range,
            selection: self.settings.selection.to_text(),
            order: serde_json::to_string(&order).expect("an order is plain JSON"),
        })
    }

    pub(crate) fn answer(&mut self, id: u64, answer: Answer) {
        if self.journal.owns(id) {
            match self.journal.answer(answer) {
                Ok(Some(record)) => self.notes.push_back(Note::of_record(&record)),
                Ok(None) => {}
                Err(error) => self.fail(error),
            }
        } else if let Some(attempt) = self.in_hand.remove(&id) {
            self.answer_batch(attempt, answer);
        } else {
            let taken = match (&mut self.finder, &mut self.phase) {
                (Some(finder), _) if finder.owns(id) => finder.answer(answer),
                (_, Phase::Bounds(bounds)) => bounds.answer(answer),
                _ => Ok(()),
            };
            taken.unwrap_or_else(|error| self.look_again(error));
        }
    }

    fn answer_batch(&mut self, attempt: Attempt, answer: Answer) {
        let range = attempt.range;
        let outcome = match answer {
            Answer::Outcome(outcome) => outcome,
            Answer::Failed(failure) => {
                let what = match failure.cause {
                    Cause::Crashed => "crashed",
                    Cause::Unreachable | Cause::TimedOut | Cause::Broken => "could not be done",
                };
                let message = format!("{} {what}: {}", batch_name(range), failure.message);
                return self.fail(Error::new(Fault::Internal, message));
            }
            Answer::Response(_) | Answer::Bytes(_) | Answer::End => {
                let message = format!("the host answered {} with no outcome", batch_name(range));
                return self.fail(Error::new(Fault::Internal, message));
            }
        };
        self.totals += outcome.totals;
        match outcome.ending {
            Ending::Complete | Ending::Different => self.batch_done(range, &outcome.checkpoint),
            Ending::Stopped(error) if error.fault == Fault::Stopped => {
                // A host may end a batch by itself; then the migration ends too.
                self.stopping = true;
            }
            Ending::Stopped(error) => self.batch_stopped(attempt, error),
            Ending::Failed(error) => self.fail(of_batch(error, range)),
        }
    }

    fn batch_done(&mut self, range: TimeRange, line: &str) {
        match Entry::parse(line) {
            // A host that mixes up its answers would have the wrong range recorded as done.
            Some(Entry::Done(record)) if record.batch == range => {
                if record.destination_bytes.is_some() {
                    self.offset = record.destination_bytes;
                }
                self.journal.append(record);
            }
            _ => {
                let message = format!("the outcome of {} is not of this batch", batch_name(range));
                self.fail(Error::new(Fault::Internal, message));
            }
        }
    }

    fn batch_stopped(&mut self, attempt: Attempt, error: Error) {
        let Attempt { range, failed } = attempt;
        let error = of_batch(error, range);
        let failed = failed + 1;
        if let Some(time) = self.next_attempt(error, failed) {
            self.again.push((time, Attempt { range, failed }));
        }
    }

    /// When to try again what has failed so often; `None` if that would change nothing, and then
    /// the migration fails.
    fn next_attempt(&mut self, error: Error, failed: u32) -> Option<Timestamp> {
        let attempts_max = self.settings.attempts_max;
        // Whatever else it is, the exchange has tried again already.
        if error.fault != Fault::Truncated || failed >= attempts_max {
            self.fail(error);
            return None;
        }
        let message = format!("{error}; attempt {} of {attempts_max} follows", failed + 1);
        self.notes.push_back(Note::warning(message));
        Some(self.now.saturating_add(backoff(failed, self.now)))
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    fn done(&self) -> Step {
        let ending = match &self.error {
            Some(error) => Ending::of(error.clone()),
            None if self.is_complete() => Ending::Complete,
            None if self.mode == Mode::Split && !self.stopping => Ending::Complete,
            None => Ending::Stopped(Error::new(Fault::Stopped, "interrupted")),
        };
        Step::Done(Outcome { ending, totals: self.totals, checkpoint: String::new() })
    }

    /// Complete is what the records say, not what was answered.
    fn is_complete(&self) -> bool {
        match self.phase {
            Phase::Empty => true,
            Phase::Batches { range } => self.journal.coverage.first_gap(range).is_none(),
            Phase::Recorded | Phase::Bounds(_) => false,
        }
    }
}
