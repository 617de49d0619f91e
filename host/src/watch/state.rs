//! What is known of a run while it goes on: how far it is, what is in hand, what was moved in each window, what
//! was said. Bounded, however long it takes.
//!
//! Knows neither terminals nor pages. Time comes from outside.

mod display;
mod json;
mod metrics;
mod traffic;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use tsm2iox_guest::plan::{Batch, Note, Progress, Severity, Totals};
use tsm2iox_guest::time::Timestamp;

pub use metrics::Metric;
use traffic::{SECOND, Traffic};

use super::event::Event;
use super::{LINE_INTERVAL, Of};
use crate::report::visible;

/// So many batches are kept, as many as `status` lists.
const BATCHES_MAX: usize = 10_000;
/// So many notes, and so many refused lines.
const NOTES_MAX: usize = 1000;
const REFUSED_MAX: usize = 200;
/// A wait is worth a word from so many nanoseconds on.
const WAIT_MIN: u64 = 2 * SECOND;

/// What is known.
#[derive(Debug, Default)]
pub struct State {
    /// The configuration, without secrets.
    settings: Value,
    now: Timestamp,
    whole: Option<Progress>,
    limits: Limits,
    /// From the first time to the one after the last.
    range: Option<[String; 2]>,
    until: Option<Timestamp>,
    in_hand: BTreeMap<u64, InHand>,
    traffic: Traffic,
    batches: VecDeque<Value>,
    notes: VecDeque<Value>,
    refused: VecDeque<Value>,
    ending: Option<Value>,
    /// When a line was shown last, and an event of progress.
    said: Option<Timestamp>,
    told: Option<Timestamp>,
    /// When more was moved than before.
    moved: Option<Timestamp>,
    /// So many batches were recorded, and what they have moved.
    recorded: u64,
    recorded_totals: Totals,
    /// Until when it was said to wait: a step of a plan is a minute at most.
    said_until: Option<Timestamp>,
    /// What batches had moved of which the whole has heard since it was last heard how far that is.
    counted_since: Totals,
    /// How much was said, by severity.
    noted: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    window_seconds: Option<u64>,
    read_bytes: Option<u64>,
    write_bytes: Option<u64>,
}

/// A batch that is under way.
#[derive(Debug)]
struct InHand {
    start: String,
    stop: String,
    selection: String,
    totals: Totals,
    doing: String,
    until: Option<Timestamp>,
    /// The whole has not heard of it yet: until then, what it has moved is in no other sum.
    has_ended: bool,
}

/// What is to be shown now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) line: bool,
    pub(super) event: bool,
}

impl State {
    /// One that begins with this configuration, and the batches that are on record.
    pub fn beginning(settings: Value, batches: Vec<Value>) -> Self {
        let mut batches = VecDeque::from(batches);
        let beyond = batches.len().saturating_sub(BATCHES_MAX);
        batches.drain(..beyond);
        Self { settings, batches, ..Self::default() }
    }

    /// Whether a display says it too: that a batch is on record, or until when it waits.
    pub(super) fn is_displayed(note: &Note) -> bool {
        let data: Value = serde_json::from_str(&note.data).unwrap_or_default();
        let says = |key: &str| !data[key].is_null();
        note.severity == Severity::Info && (says("batch") || says("until"))
    }

    /// A plan is driven from now on. The whole may be one round of several: what the last one came to is over.
    pub(super) fn begin(&mut self, of: Of, now: Timestamp) {
        self.now = now;
        self.said.get_or_insert(now);
        self.told.get_or_insert(now);
        if of == Of::Whole {
            (self.ending, self.moved) = (None, Some(now));
            self.traffic.begin(now);
            self.in_hand.clear();
            self.counted_since = Totals::default();
            if let Some(whole) = &mut self.whole {
                whole.totals = Totals::default();
            }
        }
    }

    pub(super) fn note(&mut self, note: &Note, now: Timestamp) -> Vec<Event> {
        (self.now, self.said) = (now, Some(now));
        self.said_until = until_of(note).or(self.said_until);
        if let Some(batch) = batch_of(note) {
            self.recorded += 1;
            let count = |key: &str| batch[key].as_u64().unwrap_or_default();
            self.recorded_totals += Totals {
                rows: count("rows"),
                points: count("points"),
                rejected: count("rejected"),
                ..Totals::default()
            };
            push(&mut self.batches, batch.clone(), BATCHES_MAX);
            let event = Event::new("batch", batch);
            if note.severity == Severity::Info {
                return vec![event];
            }
            return [vec![event], self.say(note)].concat();
        }
        self.say(note)
    }

    fn say(&mut self, note: &Note) -> Vec<Event> {
        let severity = match note.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        *self.noted.entry(severity).or_default() += 1;
        let said = json!({
            "time": second(self.now),
            "severity": severity,
            "message": visible(&note.message),
            "hint": note.hint.as_deref().map(visible),
        });
        push(&mut self.notes, said.clone(), NOTES_MAX);
        vec![Event::new("note", said)]
    }

    pub(super) fn batch_begins(&mut self, batch: &Batch) {
        let in_hand = InHand {
            start: batch.range.start().to_string(),
            stop: batch.range.stop().to_string(),
            selection: visible(&batch.selection),
            totals: Totals::default(),
            doing: String::new(),
            until: None,
            has_ended: false,
        };
        self.in_hand.insert(batch.id, in_hand);
    }

    pub(super) fn batch_ends(&mut self, id: u64) {
        if let Some(one) = self.in_hand.get_mut(&id) {
            one.has_ended = true;
        }
    }

    /// It is in the sums of the whole from now on, whether or not it comes on record.
    pub(super) fn batch_counts(&mut self, id: u64, totals: Totals) {
        if self.in_hand.remove(&id).is_some() {
            self.counted_since += totals;
        }
    }

    /// Takes how far a plan is; returns what is due.
    pub(super) fn progress(
        &mut self,
        of: Of,
        progress: &Progress,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Due {
        self.take(of, progress, until, now);
        let is_due = |last: &mut Option<Timestamp>| {
            let since = *last.get_or_insert(now);
            let is_due = now.nanoseconds_since(since) >= line_interval();
            *last = Some(if is_due { now } else { since });
            is_due
        };
        Due { line: is_due(&mut self.said), event: is_due(&mut self.told) }
    }

    fn take(&mut self, of: Of, progress: &Progress, until: Option<Timestamp>, now: Timestamp) {
        self.now = now;
        let until = until.filter(|until| *until > now.saturating_add(WAIT_MIN));
        match of {
            Of::Whole => {
                self.take_data(&progress.data);
                self.counted_since = Totals::default();
                (self.whole, self.until) = (Some(progress.clone()), until);
            }
            Of::Batch(id) => {
                if let Some(one) = self.in_hand.get_mut(&id) {
                    (one.totals, one.until) = (progress.totals, until);
                    one.doing.clone_from(&progress.doing);
                }
            }
        }
        let waits = self.waits_until().is_some();
        if !waits {
            self.said_until = None;
        }
        if self.traffic.take(now, self.totals()) || waits {
            // After a wait it has as much time as at first.
            self.moved = Some(now);
        }
    }

    /// Takes how far a plan is that is done. If it is the whole, nothing more becomes of what is in hand.
    pub(super) fn progress_at_last(&mut self, of: Of, progress: &Progress, now: Timestamp) {
        if of == Of::Whole {
            self.in_hand.clear();
        }
        self.take(of, progress, None, now);
    }

    /// So much of it is on record, in percent, if that is known.
    pub(super) fn percent(&self) -> Option<f64> {
        self.whole.as_ref().map(|whole| whole.percent)
    }

    fn take_data(&mut self, data: &str) {
        let Ok(data) = serde_json::from_str::<Value>(data) else { return };
        if let (Some(start), Some(stop)) = (data["start"].as_str(), data["stop"].as_str()) {
            self.range = Some([start.to_owned(), stop.to_owned()]);
        }
        let number = |key: &str| data[key].as_u64().filter(|number| *number > 0);
        self.limits = Limits {
            window_seconds: number("window_seconds"),
            read_bytes: number("read_bytes"),
            write_bytes: number("write_bytes"),
        };
        self.traffic.set_window(self.limits.window_seconds, self.now);
    }

    /// What was moved in all, with what is on no record yet.
    fn totals(&self) -> Totals {
        let whole = self.whole.as_ref().map(|whole| whole.totals).unwrap_or_default();
        let in_hand = self.in_hand.values().map(|one| one.totals);
        [whole, self.counted_since].into_iter().chain(in_hand).fold(
            Totals::default(),
            |mut sum, one| {
                sum += one;
                sum
            },
        )
    }

    /// For how long nothing was moved, where it waits for nothing.
    pub fn stalled_for(&self, now: Timestamp) -> Duration {
        match (self.moved, &self.ending) {
            (Some(moved), None) => Duration::from_nanos(now.nanoseconds_since(moved)),
            (None, _) | (_, Some(_)) => Duration::ZERO,
        }
    }

    /// When it goes on, if it waits for nothing but time.
    fn waits_until(&self) -> Option<Timestamp> {
        let of_batches = self.in_hand.values().filter(|one| !one.has_ended);
        let mut times = of_batches.map(|one| one.until);
        match times.next() {
            // Of several, one that goes on is no wait.
            Some(first) => times.try_fold(first?, |first, other| Some(first.min(other?))),
            None => self.until,
        }
    }

    /// The same for people: a step of a plan ends after a minute, and then it waits on.
    fn waits_until_as_said(&self) -> Option<Timestamp> {
        let until = self.waits_until()?;
        Some(self.said_until.map_or(until, |said| said.max(until)))
    }

    pub(super) fn sends(&mut self, bytes: u64, now: Timestamp) {
        self.traffic.send(now, bytes);
    }

    pub(super) fn refused(&mut self, text: &str, now: Timestamp) -> Vec<Event> {
        let lines = text.lines().map(|line| json!({ "time": second(now), "text": visible(line) }));
        let lines: Vec<_> = lines.collect();
        for line in &lines {
            push(&mut self.refused, line.clone(), REFUSED_MAX);
        }
        let from = lines.len().saturating_sub(REFUSED_MAX);
        lines.into_iter().skip(from).map(|line| Event::new("refused", line)).collect()
    }
}

/// What a note says of a batch that is on record.
fn batch_of(note: &Note) -> Option<Value> {
    let mut data: Value = serde_json::from_str(&note.data).ok()?;
    let batch = data.get_mut("batch")?.take();
    batch.is_object().then_some(batch)
}

/// Until when it waits that says this.
fn until_of(note: &Note) -> Option<Timestamp> {
    let data: Value = serde_json::from_str(&note.data).ok()?;
    Timestamp::parse(data["until"].as_str()?).ok()
}

/// A time without parts of a second: an event is not more exact.
fn second(time: Timestamp) -> String {
    time.whole_second().to_string()
}

fn line_interval() -> u64 {
    u64::try_from(LINE_INTERVAL.as_nanos()).unwrap_or(u64::MAX)
}

fn push<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
}

#[cfg(test)]
mod tests;
