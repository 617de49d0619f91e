//! How far a migration is, by its records. Writes nothing, so it works beside a running one.

use std::collections::VecDeque;

use super::exchange::{Ids, Want};
use super::journal::Journal;
use super::note::{batch_of, bytes, counted, migration_name, percentage};
use super::{Answer, Ending, Note, Outcome, Progress, Step};
use crate::error::{Error, Fault};
use crate::settings::{Settings, Start, Stop};
use crate::time::{TimeRange, Timestamp};

/// A look at the records.
#[derive(Debug)]
pub(crate) struct Status {
    settings: Settings,
    ids: Ids,
    journal: Journal,
    notes: VecDeque<Note>,
    described: bool,
    error: Option<Error>,
}

impl Status {
    pub(crate) fn open(settings: &str) -> Result<Self, Error> {
        let (settings, _) = Settings::parse(settings)?;
        Ok(Self {
            ids: Ids::default(),
            journal: Journal::new(&settings),
            notes: VecDeque::new(),
            described: false,
            error: None,
            settings,
        })
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Step {
        if self.error.is_none() {
            match self.journal.want(now, &mut self.ids) {
                Want::Step(step) => return step,
                Want::Wait(time) => return Step::Wait(time),
                Want::Nothing if !self.journal.is_read() => {
                    return Step::Wait(Timestamp::MAX);
                }
                Want::Nothing => {}
            }
            if !self.described {
                self.described = true;
                self.describe();
            }
        }
        match self.notes.pop_front() {
            Some(note) => Step::Note(note),
            None => self.done(),
        }
    }

    fn done(&self) -> Step {
        let ending = self.error.clone().map_or(Ending::Complete, Ending::of);
        Step::Done(Outcome::new(ending, self.journal.totals))
    }

    /// The range of the migration: as configured, or as the first run fixed it.
    fn range(&self) -> Option<TimeRange> {
        let start = match self.settings.start {
            Start::At(start) => Some(start),
            Start::Earliest => self.journal.earliest,
        };
        let stop = match self.settings.stop {
            Stop::At(stop) => Some(stop),
            Stop::Now => self.journal.now,
        };
        TimeRange::new(start?, stop?)
    }

    fn describe(&mut self) {
        self.notes.append(&mut self.journal.notes);
        let (Some(range), Some(last)) = (self.range(), &self.journal.last) else {
            self.notes.push_back(Note::info("nothing is recorded yet".to_owned()));
            return;
        };
        let (records, totals) = (self.journal.records, self.journal.totals);
        let percent = self.journal.coverage.percent_of(range);
        let mut say = |message| self.notes.push_back(Note::info(message));
        say(format!(
            "{} of {} complete, in {}",
            percentage(percent),
            migration_name(range),
            counted(records, "batch", "batches")
        ));
        say(format!(
            "{} in {}, {} read and {} written",
            counted(totals.rows, "row", "rows"),
            counted(totals.points, "point", "points"),
            bytes(totals.read),
            bytes(totals.written)
        ));
        if totals.rejected > 0 {
            let points = counted(totals.rejected, "point was", "points were");
            say(format!("{points} refused by the destination, and set aside"));
        }
        say(format!("{} was recorded last, at {}", batch_of(&last.section, last.batch), last.time));
        if let Some(gap) = self.journal.coverage.first_gap(range) {
            let (section, gap) = gap;
            let of = if section.is_all() { String::new() } else { format!(" of {section}") };
            say(format!("the next begins at {}{of}", gap.start()));
        }
    }

    pub(crate) fn answer(&mut self, id: u64, answer: Answer) {
        if !self.journal.owns(id) {
            return;
        }
        if let Err(error) = self.journal.answer(answer) {
            self.error = Some(error);
        }
    }

    pub(crate) fn stop(&mut self) {
        self.error = Some(Error::new(Fault::Stopped, "interrupted"));
    }

    pub(crate) fn progress(&self) -> Progress {
        let percent = self.range().map_or(0.0, |range| self.journal.coverage.percent_of(range));
        let doing = "reading the checkpoint".to_owned();
        Progress { percent, totals: self.journal.totals, rate: 0.0, left: None, doing }
    }
}
