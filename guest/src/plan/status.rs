//! How far a migration is, by its records. Writes nothing, so it works beside a running one.

use std::collections::VecDeque;

use serde_json::json;

use super::exchange::{Ids, Want};
use super::journal::Journal;
use super::note::{batch_data, batch_of, bytes, counted, migration_name, percentage};
use super::text::say;
use super::{Answer, Ending, NO_DATA, Note, Outcome, Progress, Step};
use crate::error::{Error, Fault};
use crate::settings::{Settings, Start, Stop};
use crate::time::{TimeRange, Timestamp};

/// So many batches are listed: more would be megabytes, and nobody reads them.
const HISTORY_MAX: usize = 10_000;

/// A look at the records.
#[derive(Debug)]
pub(crate) struct Status {
    settings: Settings,
    ids: Ids,
    journal: Journal,
    notes: VecDeque<Note>,
    described: bool,
    /// Once it is described.
    report: String,
    error: Option<Error>,
}

impl Status {
    pub(crate) fn open(settings: &str) -> Result<Self, Error> {
        let (settings, _) = Settings::parse(settings)?;
        let mut journal = Journal::new(&settings);
        journal.history = Some((HISTORY_MAX, VecDeque::new()));
        let (ids, notes) = (Ids::default(), VecDeque::new());
        Ok(Self {
            ids,
            journal,
            notes,
            described: false,
            report: String::new(),
            settings,
            error: None,
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

    fn done(&mut self) -> Step {
        let ending = self.error.clone().map_or(Ending::Complete, Ending::of);
        let report = std::mem::take(&mut self.report);
        Step::Done(Outcome { report, ..Outcome::new(ending, self.journal.totals) })
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
        let mut text = String::new();
        self.push_lines(&mut text);
        let Journal { records, totals, .. } = &self.journal;
        let range = self.range();
        let percent = range.map(|range| self.journal.coverage.percent_of(range));
        let history = self.journal.history.iter().flat_map(|(_, history)| history);
        let next = range.and_then(|range| self.journal.coverage.first_gap(range));
        self.report = json!({
            "text": text,
            "range": range.map(|range| [range.start().to_string(), range.stop().to_string()]),
            "percent_complete": percent.unwrap_or(0.0),
            "is_complete": range.is_some_and(|range| self.journal.coverage.covers(range)),
            "batches": records,
            "rows": totals.rows,
            "points": totals.points,
            "read": totals.read,
            "written": totals.written,
            "rejected": totals.rejected,
            "next_start": next.map(|(_, gap)| gap.start().to_string()),
            "last_batches": history.map(batch_data).collect::<Vec<_>>(),
        })
        .to_string();
    }

    fn push_lines(&self, text: &mut String) {
        let (Some(range), Some(last)) = (self.range(), &self.journal.last) else {
            return say(text, format_args!("nothing is recorded yet"));
        };
        let (records, totals) = (self.journal.records, self.journal.totals);
        let percent = percentage(self.journal.coverage.percent_of(range));
        let (name, batches) = (migration_name(range), counted(records, "batch", "batches"));
        say(text, format_args!("{percent} of {name} complete, in {batches}"));
        say(
            text,
            format_args!(
                "{} in {}, {} read and {} written",
                counted(totals.rows, "row", "rows"),
                counted(totals.points, "point", "points"),
                bytes(totals.read),
                bytes(totals.written)
            ),
        );
        if totals.rejected > 0 {
            let points = counted(totals.rejected, "point was", "points were");
            say(text, format_args!("{points} refused by the destination, and set aside"));
        }
        let batch = batch_of(&last.section, last.batch);
        say(text, format_args!("{batch} was recorded last, at {}", last.time));
        if let Some((section, gap)) = self.journal.coverage.first_gap(range) {
            let of = if section.is_all() { String::new() } else { format!(" of {section}") };
            say(text, format_args!("the next begins at {}{of}", gap.start()));
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
        let (totals, data) = (self.journal.totals, NO_DATA.to_owned());
        Progress { percent, totals, rate: 0.0, left: None, doing, data }
    }
}
