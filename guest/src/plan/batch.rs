//! One batch: query → convert → write → acknowledge, and, of a split, record. It is done when all of it is
//! acknowledged, or refused and set aside.
//!
//! Knows nothing of other batches: its order says all, so it can be done on any machine.

use std::collections::VecDeque;

use super::exchange::{Ids, Want};
use super::note::{batch_of, counted, list};
use super::order::Order;
use super::pace::Pace;
use super::reader::{self, Reader};
use super::recorder::Recorder;
use super::refused::RefusedPoints;
use super::report::Report;
use super::set_aside::{Rest, SetAside};
use super::slot::Slot;
use super::stopping::Stopping;
use super::writer::Writer;
use super::{Answer, Ending, NO_DATA, Note, Outcome, Progress, Step, Totals};
use crate::converter::{Conversion, altered_warning};
use crate::error::{Endpoint, Error, Fault};
use crate::progress::{Record, Route};
use crate::protocol::write::BODY_BYTES_MAX;
use crate::section::Section;
use crate::settings::{Settings, Source};
use crate::terms::Terms;
use crate::time::{TimeRange, Timestamp};

/// So many bytes of lines wait to be sent; then reading waits as well.
const WAITING_BYTES_MAX: usize = BODY_BYTES_MAX;
/// And so many more, mostly, come of the piece that is read last.
const PIECE_LINES_BYTES: usize = 2 << 20;

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Reading,
    /// All is read and converted.
    Read,
    /// And that is reported.
    Reported,
}

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Batch {
    settings: Settings,
    batch: TimeRange,
    section: Section,
    migration: TimeRange,
    ids: Ids,
    reader: Reader,
    conversion: Conversion,
    reading: Pace,
    /// Whether the source was asked.
    has_begun: bool,
    /// When the source was asked last, and whether it has answered.
    asked_at: Option<Timestamp>,
    is_answered: bool,
    /// For how long it was waited for.
    source_nanoseconds: u64,
    /// How often it asked to wait, or failed.
    source_delays: u32,
    stage: Stage,
    writer: Writer,
    /// Where nobody over it records that it is done.
    recorder: Option<Recorder>,
    totals: Totals,
    notes: VecDeque<Note>,
    error: Option<Error>,
    stopping: Stopping,
    now: Timestamp,
}

impl Batch {
    pub(crate) fn open(order: &str) -> Result<Self, Error> {
        let (order, settings) = Order::parse(order)?;
        let [batch, migration] = order.ranges()?;
        let set_aside = SetAside::new(settings.limits.attempts_max, &order.section, batch);
        Ok(Self {
            reader: Reader::new(
                &settings,
                order.road,
                batch,
                order.section.clone(),
                order.is_pivoted,
            ),
            batch,
            section: order.section,
            reading: order.slot.reading.clone(),
            has_begun: false,
            asked_at: None,
            is_answered: false,
            source_nanoseconds: 0,
            source_delays: 0,
            migration,
            ids: Ids::default(),
            conversion: Conversion::within(batch, reader::format(&settings), settings.manner()),
            stage: Stage::Reading,
            writer: Writer::new(
                &settings,
                order.offset,
                order.slot,
                order.window,
                RefusedPoints::new(order.rejected_max.unwrap_or(settings.rejected_max)),
                set_aside,
            ),
            recorder: order.records_itself.then(|| Recorder::new(&settings)),
            totals: Totals::default(),
            notes: VecDeque::new(),
            error: None,
            stopping: Stopping::default(),
            now: Timestamp(0),
            settings,
        })
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Step {
        self.now = now;
        self.reading.follow(now);
        self.writer.pass(now);
        if let Some(since) = self.asked_at.take_if(|_| self.is_answered) {
            self.source_nanoseconds += now.nanoseconds_since(since);
        }
        self.notes.append(&mut self.reader.notes);
        if let Some(note) = self.notes.pop_front() {
            return Step::Note(note);
        }
        let end = self.stopping.until_of_batch(now);
        if end.is_some_and(|end| now >= end) {
            self.fail(Error::new(Fault::Stopped, "interrupted"));
            return self.done();
        }
        let mut until = end.unwrap_or(Timestamp::MAX);
        if self.error.is_some() {
            // What was sent may still have its effect: a file must not be cut meanwhile.
            return if self.writer.is_in_flight() { Step::Wait(until) } else { self.done() };
        }
        let is_read = self.stage != Stage::Reading;
        self.writer.cut_bodies(self.conversion.lines(), is_read, now);
        if self.stage == Stage::Read {
            self.stage = Stage::Reported;
            return Step::Report(self.report().to_text());
        }
        match self.writer.want(now, &mut self.ids) {
            Want::Step(step) => return step,
            Want::Wait(time) => until = until.min(time),
            Want::Nothing => {}
        }
        let ready = if self.has_begun { self.reading.free() } else { self.reading.ready(now, 1) };
        if ready > now {
            until = until.min(ready);
            self.writer.held.until(ready, Endpoint::Source);
        }
        if let Some(note) = self.writer.held.note(now) {
            return Step::Note(note);
        }
        let has_room = self.conversion.waiting() < WAITING_BYTES_MAX && !self.writer.is_behind();
        let want = match self.has_begun || ready <= now {
            true => self.reader.want(now, &mut self.ids, has_room && ready <= now),
            false => Want::Nothing,
        };
        match want {
            Want::Step(step) => {
                match &step {
                    Step::Send(_) | Step::Read(_) => {
                        self.has_begun = true;
                        (self.asked_at, self.is_answered) = (Some(now), false);
                    }
                    // It asked to wait, or is to be asked again.
                    Step::Note(_) => self.source_delays += 1,
                    Step::Recall(_)
                    | Step::Batch(_)
                    | Step::Report(_)
                    | Step::Wait(_)
                    | Step::Done(_) => {}
                }
                return step;
            }
            Want::Wait(time) => until = until.min(time),
            Want::Nothing => {}
        }
        self.come_to_an_end(until)
    }

    /// All is written, as far as it can be: what was refused is written down, and then it is done.
    fn come_to_an_end(&mut self, until: Timestamp) -> Step {
        // Whatever is converted by then has become a write, as far as there is room.
        let is_written = self.stage != Stage::Reading && self.writer.is_done();
        if is_written && self.writer.refused_in_all().is_some() {
            return self.done();
        }
        let rest = if is_written { Rest::Nothing } else { Rest::Follows };
        match self.writer.want_set_aside(self.now, &mut self.ids, rest) {
            Want::Step(step) => step,
            Want::Wait(time) => Step::Wait(until.min(time)),
            Want::Nothing if is_written && self.writer.has_set_aside() => {
                self.record_and_end(until)
            }
            Want::Nothing => Step::Wait(until),
        }
    }

    fn record_and_end(&mut self, until: Timestamp) -> Step {
        let line = self.record().to_line();
        let Some(recorder) = &mut self.recorder else { return self.done() };
        match recorder.want(self.now, &mut self.ids, line) {
            Want::Step(step) => step,
            Want::Wait(time) => Step::Wait(until.min(time)),
            Want::Nothing if recorder.recorded().is_some() => self.done(),
            Want::Nothing => Step::Wait(until),
        }
    }

    pub(crate) fn answer(&mut self, id: u64, answer: Answer) {
        if self.writer.owns(id) {
            let written = self.writer.answer(id, answer);
            self.totals.points = self.writer.lines;
            self.totals.written = self.writer.bytes;
            self.totals.rejected = self.writer.rejected();
            if let Err(error) = written {
                self.fail(error);
            }
        } else if self.reader.owns(id) && self.error.is_none() {
            self.answer_reader(answer);
        } else if let Some(recorder) = &mut self.recorder
            && let Err(error) = recorder.answer(id, answer)
        {
            self.fail(error);
        }
    }

    fn answer_reader(&mut self, answer: Answer) {
        self.is_answered = true;
        // What was waited for in vain says nothing of what the query takes.
        self.asked_at = self.asked_at.filter(|_| !matches!(answer, Answer::Failed(_)));
        let read = self.reader.read;
        self.conversion.reserve_lines(WAITING_BYTES_MAX + PIECE_LINES_BYTES);
        let taken = self.reader.answer(answer, &mut self.conversion);
        self.reading.spend(self.now, self.reader.read - read);
        self.totals.read = self.reader.read;
        self.totals.rows = self.conversion.counts().rows;
        self.totals.saved = self.conversion.saved();
        match taken.and_then(|()| self.set_unfit_aside()) {
            Err(error) => self.fail(error),
            Ok(()) if self.reader.is_done() => self.end_reading(),
            Ok(()) => {}
        }
    }

    /// What cannot be written is written down elsewhere, as much as may be.
    fn set_unfit_aside(&mut self) -> Result<(), Error> {
        let too_many = self.writer.set_aside_unfit(&self.conversion.take_rejected());
        self.totals.rejected = self.writer.rejected();
        let (Some(allowed), Some(error)) = (too_many, self.conversion.set_aside()) else {
            return Ok(());
        };
        let error = self.reader.explain(error);
        let hint = error.hint.unwrap_or_default();
        let message = format!(
            "{}; more than may be set aside: {allowed} of `rejected.max` are left",
            error.message
        );
        let hint = Some(format!("{hint}; or set more aside with a larger `rejected.max`"));
        Err(Error { message, hint, ..error })
    }

    fn end_reading(&mut self) {
        self.stage = Stage::Read;
        let (counts, read) = (self.conversion.counts(), self.totals.read);
        let quota = self.reading.quota().filter(|quota| read > quota.amount);
        self.notes.extend(quota.map(|quota| Note::of_excess(read, quota.amount)));
        let mut warn = |message| self.notes.push_back(Note::warning(message));
        if counts.altered > 0 {
            warn(altered_warning(counts.altered));
        }
        if let Some(error) = self.conversion.set_aside() {
            let points = counted(counts.rejected, "point", "points");
            warn(format!("{points} that cannot be written set aside: {}", error.message));
        }
        if counts.outside > 0 {
            let (rows, batch) = (counted(counts.outside, "row", "rows"), self.batch);
            warn(format!("{rows} outside of {batch} left out"));
        }
        let mut say = |count, one, many, what| {
            if count > 0 {
                let values = counted(count, one, many);
                self.notes
                    .push_back(Note::info(format!("{values} {what}, as `schema.types` says")));
            }
        };
        say(counts.to_float, "integer", "integers", "written as floats");
        say(counts.moved, "value", "values", "written to fields called after their types");
        let mut warn = |message| self.notes.push_back(Note::warning(message));
        if let Some(policies) = self.conversion.policies() {
            let policies = list(policies);
            warn(format!(
                "the export holds the retention policies {policies}: of two points of one series \
                 and time only one arrives"
            ));
        }
    }

    /// The first fault is what counts: those after it may come of it.
    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    pub(crate) fn stop(&mut self) {
        self.stopping.ask();
        // Once all is read, little is left to be done, as long as it takes no longer than that.
        if self.stage == Stage::Reading {
            self.fail(Error::new(Fault::Stopped, "interrupted"));
        }
    }

    fn done(&self) -> Step {
        let recorded = self.recorder.as_ref().and_then(Recorder::recorded);
        let line = || recorded.map_or_else(|| self.record().to_line(), str::to_owned);
        let (ending, checkpoint) = match self.fault() {
            None if self.totals.rejected > 0 => (Ending::Different, line()),
            None => (Ending::Complete, line()),
            Some(error) => (self.ending(error), String::new()),
        };
        let (totals, report) = (self.totals, self.report().to_text());
        Step::Done(Outcome { ending, totals, checkpoint, report })
    }

    fn report(&self) -> Report {
        let counts = self.conversion.counts();
        let waiting = self.conversion.waiting();
        let (bodies, unacknowledged) = self.writer.unacknowledged(waiting);
        Report {
            source_nanoseconds: self.source_nanoseconds,
            source_delays: self.source_delays,
            tables: counts.tables,
            rows: counts.rows,
            read: self.totals.read,
            written: self.totals.written + unacknowledged as u64,
            unacknowledged_bodies: bodies,
            unacknowledged_bytes: unacknowledged as u64,
            slot: Slot {
                reading: self.reading.after(self.now, self.totals.read),
                writing: self.writer.pace.at_rest(self.now),
                days: self.writer.days.clone(),
            },
            window: self.writer.window.clone(),
        }
    }

    /// Why it is not complete. Points that were refused before something else went wrong are what
    /// a person has to see to; an interruption is nothing that went wrong.
    fn fault(&self) -> Option<Error> {
        match &self.error {
            None => self.writer.refused_in_all(),
            Some(error) if error.fault == Fault::Stopped => Some(error.clone()),
            Some(error) => Some(self.writer.refused_so_far().unwrap_or_else(|| error.clone())),
        }
    }

    fn ending(&self, error: Error) -> Ending {
        // A file that is wrong stays wrong; a server may answer better next time.
        let of_file = error.endpoint == Some(Endpoint::Source)
            && matches!(self.settings.source, Source::File(..));
        let fault = match error.fault {
            Fault::Truncated if of_file => Fault::Malformed,
            fault => fault,
        };
        Ending::of(Error { fault, ..error })
    }

    fn record(&self) -> Record {
        let done = TimeRange::new(self.migration.start(), self.batch.stop());
        // What the guide's task computes; whoever knows of all batches may know better.
        let percent = done.map_or(0.0, |done| done.percent_of(self.migration));
        Record {
            route: Route::of(&self.settings),
            terms: Terms::of(&self.settings),
            batch: self.batch,
            section: self.section.clone(),
            migration: self.migration,
            totals: self.totals,
            percent_complete: percent,
            source_nanoseconds: self.source_nanoseconds,
            destination_bytes: self.writer.offset,
            time: self.now,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        let what = if self.stage == Stage::Reading { "reading" } else { "writing" };
        let doing = format!("{what} {}", batch_of(&self.section, self.batch));
        let data = NO_DATA.to_owned();
        Progress { percent: 0.0, totals: self.totals, rate: 0.0, left: None, doing, data }
    }
}
