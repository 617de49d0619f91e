//! A migration: which batch is next, which is done, and what to record.
//!
//! Sees no data. A batch counts as done once its record is on the disk, and its record is sent only once the
//! destination has acknowledged all of it, or has refused it and it is set aside: a crash costs time, never
//! data.

mod batches;
mod ending;
mod looking;
mod outcomes;
mod progress;

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::Value;

use super::bounds::{Bounds, Found};
use super::check;
use super::concurrency::Concurrency;
use super::divide::Divider;
use super::exchange::{Ids, Want};
use super::inquiry::Inquiry;
use super::journal::Journal;
use super::note::{counted, migration_name, percentage};
use super::pace::{Held, Pace, Quota};
use super::quota::QuotaFinder;
use super::road::{Road, RoadFinder};
use super::sizer::Sizer;
use super::slot::Slot;
use super::stopping::Stopping;
use super::window::Window;
use super::{Answer, Note, Step, Totals};
use crate::coverage::Coverage;
use crate::error::Error;
use crate::section::Section;
use crate::settings::{BatchInterval, Settings, Start, Stop};
use crate::time::{TimeRange, Timestamp};
use ending::LeftOut;
use looking::{Beginning, Looked};

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
    /// What is known of what the runs before have used of the quotas.
    before: Before,
    /// A wait for the quota to read, or for any batch to write.
    held: Held,
    /// How batches are read, once it is known; a file needs none.
    road: Option<Road>,
    finder: Option<Box<RoadFinder>>,
    /// How often looking for road or bounds has failed, and when to look again.
    looked: u32,
    look_at: Option<Timestamp>,
    /// What both sides allow, until it is known.
    quotas: Option<Box<QuotaFinder>>,
    /// Of a migration of which nothing is recorded yet, how it begins, until both sides are looked at.
    beginning: Option<Beginning>,
    looking: Option<Inquiry<Looked>>,
    /// What may be read. And, for each batch that may be in flight and is not, what it may write.
    reading: Pace,
    slots: Vec<Slot>,
    write_quota: Option<Quota>,
    /// How much the destination takes at once, as the last batch that ended has learnt.
    window: Window,
    /// Whether Flux is asked for pivoted tables.
    pivot: Pivot,
    /// How long batches of each section are to be.
    sizers: HashMap<Section, Sizer>,
    /// How many batches may read at once.
    concurrency: Concurrency,
    /// What is done, in hand, or waiting to be tried again.
    taken: Coverage,
    in_hand: BTreeMap<u64, Attempt>,
    again: Vec<(Timestamp, Attempt)>,
    answered: Vec<(Attempt, Answer)>,
    reported: Vec<(u64, String)>,
    /// Bytes that the plan has read itself, at the cost of the same quota.
    answers_read: u64,
    /// A section that no length of time makes small, while it is found out where to cut it; and why, if
    /// nothing of it can be read before.
    divider: Option<(Box<Divider>, Option<Error>)>,
    /// The length of a file as destination.
    offset: Option<u64>,
    totals: Totals,
    notes: VecDeque<Note>,
    stopping: Stopping,
    error: Option<Error>,
    /// Batches that could not be moved while others could.
    left_out: LeftOut,
    /// Points that were refused and set aside, with those of runs before.
    rejected: u64,
    /// It has been said what there is to say at the end.
    said_all: bool,
    opened: Option<Timestamp>,
    /// What was done already when it was opened, in percent.
    percent_at_first: f64,
    now: Timestamp,
}

/// A batch, how often it has failed, and how much it is expected to read.
#[derive(Clone, Debug)]
struct Attempt {
    section: Section,
    range: TimeRange,
    failed: u32,
    read: u64,
    is_pivoted: bool,
    /// How many could read at once when it was begun.
    level: usize,
    /// What it has reported, once all of it is read.
    reported: Option<Reported>,
}

/// What is known of a batch before its end. Bytes that it has read, and what it has left.
#[derive(Clone, Copy, Debug)]
struct Reported {
    read: u64,
    unacknowledged_bodies: usize,
    unacknowledged_bytes: u64,
    /// Whether its place is free for the next.
    is_free: bool,
}

/// What the runs before have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// There were none.
    Nothing,
    /// What the records say, for all that was begun is done.
    Recorded,
    /// More than the records say, perhaps.
    Unknown,
}

/// Whether pivoted tables are worth asking for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pivot {
    Unknown,
    Worth,
    /// Something would be lost, or the server does not take it.
    Unfit,
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
            before: Before::Nothing,
            held: Held::default(),
            quotas: Some(QuotaFinder::new(&settings).into()),
            beginning: None,
            looking: None,
            reading: Pace::default(),
            slots: Vec::new(),
            write_quota: None,
            window: Window::default(),
            pivot: Pivot::Unknown,
            sizers: HashMap::new(),
            concurrency: Concurrency::new(settings.limits.concurrency),
            taken: Coverage::default(),
            in_hand: BTreeMap::new(),
            again: Vec::new(),
            answered: Vec::new(),
            reported: Vec::new(),
            answers_read: 0,
            divider: None,
            offset: None,
            totals: Totals::default(),
            notes: VecDeque::new(),
            stopping: Stopping::default(),
            error: None,
            left_out: LeftOut::default(),
            rejected: 0,
            said_all: false,
            opened: None,
            percent_at_first: 0.0,
            now: Timestamp(0),
            settings,
        })
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Step {
        self.now = now;
        self.reading.follow(now);
        self.slots.iter_mut().for_each(|slot| slot.follow(now));
        self.reading.spend(now, std::mem::take(&mut self.answers_read));
        for (id, report) in std::mem::take(&mut self.reported) {
            self.take_early(id, &report);
        }
        for (attempt, answer) in std::mem::take(&mut self.answered) {
            self.answer_batch(attempt, answer);
        }
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
        if self.stopping.is_asked() || self.error.is_some() {
            let end = self.stopping.until(now).unwrap_or(Timestamp::MAX);
            let is_over = self.is_settled() || now >= end;
            return if is_over { self.done() } else { Step::Wait(until.min(end)) };
        }
        if let Some(time) = self.look_at.filter(|time| *time > now) {
            return Step::Wait(until.min(time));
        }
        if let Some(step) = self.look(until) {
            return step;
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
            // What a look has allowed is done only once that is on the disk: the next run would find
            // points, and not know whose they are.
            Phase::Batches { .. } if self.awaits_opening() => Step::Wait(until),
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
        self.rejected = self.journal.totals.rejected;
        self.percent_at_first = self.taken.percent_of(range);
        self.before =
            match (self.journal.begun || self.journal.has_gaps, self.journal.is_done(range)) {
                (false, _) => Before::Nothing,
                (true, true) if !self.journal.has_gaps => Before::Recorded,
                (true, _) => Before::Unknown,
            };
        if self.journal.records > 0 {
            let batches = counted(self.journal.records, "batch is", "batches are");
            let percent = percentage(self.percent_at_first);
            let message = format!("{batches} done already, {percent} of {}", migration_name(range));
            self.notes.push_back(Note::info(message));
        }
        let is_fixed = matches!(self.settings.stop, Stop::Now) && !self.settings.goes_on;
        if let Some(stop) = self.journal.now.filter(|_| is_fixed) {
            let message =
                format!("\"now\" was {stop} in the first run; `run --every` goes on from there");
            self.notes.push_back(Note::info(message));
        }
        if self.mode == Mode::Split && self.settings.batch_interval == BatchInterval::Auto {
            let message =
                "batches size themselves: these are the times that are left, in equal parts";
            self.notes.push_back(Note::info(message.to_owned()));
        }
        // A dry run writes nothing.
        let earliest = matches!(self.settings.start, Start::Earliest);
        let now = matches!(self.settings.stop, Stop::Now);
        let is_new = !self.journal.begun
            || (earliest && self.journal.earliest.is_none())
            || (now && self.journal.now.is_none());
        if self.mode == Mode::Migrate && is_new {
            let is_first = !self.journal.begun && self.journal.records == 0;
            match is_first && check::is_worth(&self.settings) {
                true => self.beginning = Some(Beginning { range, earliest, now }),
                false => self.journal.open(range, earliest, now),
            }
        }
        self.phase = Phase::Batches { range };
    }

    pub(crate) fn answer(&mut self, id: u64, answer: Answer) {
        if self.journal.owns(id) {
            match self.journal.answer(answer) {
                Ok(records) => self.notes.extend(records.iter().map(Note::of_record)),
                Err(error) => self.fail(error),
            }
        } else if self.in_hand.contains_key(&id)
            && let Answer::Report(report) = answer
        {
            // When that was is known with the next step.
            self.reported.push((id, report));
        } else if let Some(attempt) = self.in_hand.remove(&id) {
            self.answered.push((attempt, answer));
        } else {
            if let Answer::Bytes(bytes) = &answer {
                self.answers_read += bytes.len() as u64;
            }
            match self.divider.as_ref().is_some_and(|(divider, _)| divider.owns(id)) {
                true => self.answer_divider(answer),
                false => self.answer_looking(id, answer),
            }
        }
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    pub(crate) fn stop(&mut self) {
        self.stopping.ask();
    }
}
