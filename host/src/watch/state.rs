//! What is known of a run while it goes on: how far it is, what is in hand, what was moved in each window, what
//! was said. Bounded, however long it takes.
//!
//! Knows neither terminals nor pages. Time comes from outside.

mod display;
mod json;
mod metrics;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use tsm2iox_guest::plan::{Batch, Note, Progress, Severity, Totals};
use tsm2iox_guest::time::Timestamp;

pub use metrics::Metric;

use super::event::Event;
use super::{LINE_INTERVAL, Of};
use crate::report::visible;

/// So many batches are kept, as many as `status` lists.
const BATCHES_MAX: usize = 10_000;
/// So many notes, and so many refused lines.
const NOTES_MAX: usize = 1000;
const REFUSED_MAX: usize = 200;
/// Windows of a day, if they are of five minutes.
const WINDOWS_MAX: usize = 288;
/// As long as a window of InfluxDB Cloud is, where nothing else is known.
const WINDOW_SECONDS: u64 = 300;
/// A rate is of so many nanoseconds.
const RATE_NANOSECONDS: u64 = 30 * SECOND;
const SECOND: u64 = 1_000_000_000;
/// As many seconds as a window may have samples: of a longer one, they are of its end.
const SAMPLES_MAX: usize = 3600;
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
    /// When how many rows had been moved, and how many bytes had gone to and fro.
    samples: VecDeque<Sample>,
    /// Bytes that have gone to and fro, those of batches that were given up among them.
    traffic: Traffic,
    /// What was known to be moved when that was counted last.
    counted: Totals,
    windows: VecDeque<Window>,
    batches: VecDeque<Value>,
    notes: VecDeque<Value>,
    refused: VecDeque<Value>,
    ending: Option<Value>,
    /// When a line was shown last, and an event of progress.
    said: Option<Timestamp>,
    told: Option<Timestamp>,
    /// When more was moved than before.
    moved: Option<Timestamp>,
    /// So many batches were recorded.
    recorded: u64,
    /// What the rounds before this one have recorded.
    before: Totals,
    /// What was recorded since it was last heard how far the whole is.
    recorded_since: Totals,
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
    /// It is done, and waits to be on record: until then, what it has moved is in no sum.
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    read: u64,
    written: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Timestamp,
    rows: u64,
    traffic: Traffic,
}

/// What is to be shown now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) line: bool,
    pub(super) event: bool,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start: Timestamp,
    read: u64,
    written: u64,
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
            if let Some(whole) = &mut self.whole {
                self.before += std::mem::take(&mut whole.totals);
            }
        }
    }

    pub(super) fn note(&mut self, note: &Note, now: Timestamp) -> Vec<Event> {
        (self.now, self.said) = (now, Some(now));
        if let Some(batch) = batch_of(note) {
            for (_, one) in self.in_hand.extract_if(.., |_, one| {
                one.has_ended && batch["start"] == one.start && batch["stop"] == one.stop
            }) {
                self.recorded_since += one.totals;
            }
            self.recorded += 1;
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
        // Those that failed are on no record: the next one takes their place.
        self.in_hand.retain(|_, one| !one.has_ended);
        if let Some(one) = self.in_hand.get_mut(&id) {
            one.has_ended = true;
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
        self.now = now;
        let until = until.filter(|until| *until > now.saturating_add(WAIT_MIN));
        match of {
            Of::Whole => {
                self.take_data(&progress.data);
                self.recorded_since = Totals::default();
                (self.whole, self.until) = (Some(progress.clone()), until);
            }
            Of::Batch(id) => {
                if let Some(one) = self.in_hand.get_mut(&id) {
                    (one.totals, one.until) = (progress.totals, until);
                    one.doing.clone_from(&progress.doing);
                }
            }
        }
        self.sample();
        if self.waits_until().is_some() {
            // After a wait it has as much time as at first.
            self.moved = Some(now);
        }
        let is_due = |last: &mut Option<Timestamp>| {
            let since = *last.get_or_insert(now);
            let is_due = now.nanoseconds_since(since) >= line_interval();
            *last = Some(if is_due { now } else { since });
            is_due
        };
        Due { line: is_due(&mut self.said), event: is_due(&mut self.told) }
    }

    /// Takes how far a plan is that is done. If it is the whole, nothing more becomes of what is in hand.
    pub(super) fn progress_at_last(&mut self, of: Of, progress: &Progress, now: Timestamp) {
        if of == Of::Whole {
            self.in_hand.clear();
        }
        self.progress(of, progress, None, now);
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
    }

    /// What was moved in all, with what is on no record yet.
    fn totals(&self) -> Totals {
        let whole = self.whole.as_ref().map(|whole| whole.totals).unwrap_or_default();
        let in_hand = self.in_hand.values().map(|one| one.totals);
        [whole, self.recorded_since].into_iter().chain(in_hand).fold(
            Totals::default(),
            |mut sum, one| {
                sum += one;
                sum
            },
        )
    }

    fn sample(&mut self) {
        let (now, totals) = (self.now, self.totals());
        // A batch that is given up takes back what it has moved: that is spent all the same.
        let read = totals.read.saturating_sub(self.counted.read);
        let written = totals.written.saturating_sub(self.counted.written);
        self.counted = totals;
        self.traffic.read += read;
        self.traffic.written += written;
        if read > 0 || written > 0 {
            self.moved = Some(now);
        }
        let length = self.window_nanoseconds();
        let start = Timestamp(now.0 - now.0.rem_euclid(length));
        if self.windows.back().is_none_or(|window| window.start < start) {
            push(&mut self.windows, Window { start, read: 0, written: 0 }, WINDOWS_MAX);
        }
        if let Some(window) = self.windows.back_mut() {
            window.read += read;
            window.written += written;
        }
        // A second apart, and as far back as a window is long.
        let is_new = |last: &Sample| now.nanoseconds_since(last.at) >= SECOND;
        if self.samples.back().is_none_or(is_new) {
            self.samples.push_back(Sample { at: now, rows: totals.rows, traffic: self.traffic });
        }
        let length = u64::try_from(length).unwrap_or(u64::MAX).max(RATE_NANOSECONDS);
        let is_old = |sample: &Sample| now.nanoseconds_since(sample.at) > length;
        while self.samples.len() > SAMPLES_MAX || self.samples.get(1).is_some_and(is_old) {
            self.samples.pop_front();
        }
    }

    fn window_nanoseconds(&self) -> i64 {
        let seconds = self.limits.window_seconds.unwrap_or(WINDOW_SECONDS);
        i64::try_from(seconds.saturating_mul(SECOND)).unwrap_or(i64::MAX)
    }

    /// What has gone to and fro in the last so many nanoseconds.
    fn traffic_of_last(&self, nanoseconds: u64) -> Traffic {
        let is_before = |sample: &&Sample| self.now.nanoseconds_since(sample.at) > nanoseconds;
        let before = self.samples.iter().rev().find(is_before);
        let before = before.map_or_else(Traffic::default, |sample| sample.traffic);
        Traffic {
            read: self.traffic.read - before.read,
            written: self.traffic.written - before.written,
        }
    }

    /// Rows a second, of late.
    #[expect(clippy::cast_precision_loss, reason = "a rate is for people")]
    fn rate(&self) -> f64 {
        let is_recent =
            |sample: &&Sample| self.now.nanoseconds_since(sample.at) <= RATE_NANOSECONDS;
        let Some(first) = self.samples.iter().find(is_recent) else { return 0.0 };
        let seconds = self.now.nanoseconds_since(first.at) as f64 / 1e9;
        let rows = self.counted.rows.saturating_sub(first.rows);
        if seconds > 0.0 { rows as f64 / seconds } else { 0.0 }
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
