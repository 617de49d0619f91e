//! The driver without hands: a plan is asked for its next step, and told what became of it.
//!
//! Knows the order of things, when to try again and what to record. Does not know how a response
//! is read (`converter`) or what a request looks like (`protocol`).

mod batch;
mod body;
mod bounds;
mod check;
mod collect;
mod concurrency;
mod days;
mod divide;
mod earliest;
mod exchange;
mod fields;
mod influxql;
mod inquiry;
mod journal;
mod migrate;
mod note;
mod order;
mod pace;
mod quota;
mod reader;
mod refused;
mod recorder;
mod report;
mod road;
mod schema;
mod set_aside;
mod side;
mod sizer;
mod slices;
mod slot;
mod status;
mod stopping;
mod text;
mod verify;
mod window;
mod writer;

use std::collections::BTreeSet;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Fault};
use crate::protocol::{Failure, Request, Response};
use crate::time::{TimeRange, Timestamp};
use inquiry::Inquiry;
use migrate::{Migrate, Mode};
pub use note::{bytes, counted, percentage};
use status::Status;

/// `Step::Wait` is at most so far off: a minute. Some hosts can wait no longer than weeks, and a
/// clock that jumps does less harm.
const WAIT_NANOSECONDS_MAX: u64 = 60 * 1_000_000_000;

/// A piece of work: a migration, one batch of it, a look at how far it is.
#[derive(Debug)]
pub struct Plan {
    machine: Machine,
    /// The ids of steps that were handed out and not answered.
    asked: BTreeSet<u64>,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
enum Machine {
    Migrate(Box<Migrate>),
    Batch(Box<batch::Batch>),
    Status(Box<Status>),
    Inquiry(Box<Inquiry>),
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Look at both sides. Writes nothing.
    Check,
    /// Hand out all batches that are left, and wait for none.
    Split,
    /// Hand out batches as limits and faults allow, and record each that is done.
    Migrate,
    /// Do one batch: query, convert, write.
    Batch,
    /// Compare both sides.
    Verify,
    /// Read what is recorded.
    Status,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Send it, and answer with the response or `Failed`.
    Send(Request),
    /// Read on in the body of the response to this request.
    Read(u64),
    /// Give back the body of the request of this id, and answer with `Body` or `Failed`.
    Recall(u64),
    /// Run a plan of purpose `Batch` to its end, and answer with its outcome.
    Batch(Batch),
    /// Show it. Wants no answer.
    Note(Note),
    /// Of a batch: give it to the plan that handed it out. Wants no answer.
    Report(String),
    /// There is nothing to do before this time unless an answer comes.
    Wait(Timestamp),
    /// The end. After it comes only the same again.
    Done(Outcome),
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The head of the response.
    Response(Response),
    /// The next piece of the body, cut anywhere.
    Bytes(Vec<u8>),
    /// The body has ended as it should.
    End,
    /// There is no response, or not the rest of it.
    Failed(Failure),
    /// The body that was asked for again.
    Body(String),
    /// What the plan of the batch reports while it goes on.
    Report(String),
    /// How the plan of the batch ended.
    Outcome(Outcome),
}

/// A part of a plan that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Names the step, as that of a request does.
    pub id: u64,
    /// The range of time that it is about.
    pub range: TimeRange,
    /// Which part of the data in it, for people. Empty for all.
    pub selection: String,
    /// All that a plan of purpose `Batch` needs to know.
    pub order: String,
}

/// How a plan ended, and what it has moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// What it has moved.
    pub totals: Totals,
    /// For a batch that is done: its record, a line of line protocol. Otherwise empty.
    pub checkpoint: String,
    /// For a batch: what the plan that handed it out learns from it. For a comparison or a check: what it has
    /// found, as JSON. Otherwise empty.
    pub report: String,
}

/// How a plan ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All is as it should be.
    Complete,
    /// Complete, but points were set aside.
    Different,
    /// It did not come to its end. Opened again as it is, it goes on.
    Stopped(Error),
    /// It cannot go on before a person has changed something.
    Failed(Error),
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Field values.
    pub rows: u64,
    /// Lines of line protocol.
    pub points: u64,
    /// Bytes of responses, decompressed.
    pub read: u64,
    /// Bytes of line protocol, uncompressed.
    pub written: u64,
    /// Points that were set aside.
    pub rejected: u64,
    /// Bytes by which the lines are shorter than one line for each value would be.
    pub saved: u64,
}

/// Something that a person should see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// How much it matters.
    pub severity: Severity,
    /// One phrase, without a full stop.
    pub message: String,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
    /// The same for programs: a JSON object.
    pub data: String,
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing to worry about.
    Info,
    /// Surprising, but nothing is lost.
    Warning,
    /// Data is or would be lost or altered.
    Error,
}

/// Nothing else is known.
pub(crate) const NO_DATA: &str = "{}";

/// How far a plan is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Of its time range, 0 to 100; 100 only when nothing is left.
    pub percent: f64,
    /// As in `Outcome`.
    pub totals: Totals,
    /// Rows per second since it was opened; 0 for a batch.
    pub rate: f64,
    /// Seconds left, if that can be said.
    pub left: Option<u64>,
    /// What it does or waits for, in a few words.
    pub doing: String,
    /// What else is known: a JSON object, as `wit/planner.wit` says.
    pub data: String,
}

impl Plan {
    /// Opens a plan; `wit/planner.wit` says what the settings hold.
    ///
    /// # Errors
    /// `Settings` for a setting that is unknown or unfit.
    pub fn open(purpose: Purpose, settings: &str) -> Result<Self, Error> {
        let machine = match purpose {
            Purpose::Migrate => Machine::Migrate(Migrate::open(Mode::Migrate, settings)?.into()),
            Purpose::Split => Machine::Migrate(Migrate::open(Mode::Split, settings)?.into()),
            Purpose::Batch => Machine::Batch(batch::Batch::open(settings)?.into()),
            Purpose::Status => Machine::Status(Status::open(settings)?.into()),
            Purpose::Verify => Machine::Inquiry(verify::open(settings)?.into()),
            Purpose::Check => Machine::Inquiry(check::open(settings)?.into()),
        };
        Ok(Self { machine, asked: BTreeSet::new(), outcome: None })
    }

    /// What to do next; `now` is the host's clock.
    pub fn next(&mut self, now: Timestamp) -> Step {
        if let Some(outcome) = &self.outcome {
            return Step::Done(outcome.clone());
        }
        let step = match &mut self.machine {
            Machine::Migrate(migrate) => migrate.next(now),
            Machine::Batch(batch) => batch.next(now),
            Machine::Status(status) => status.next(now),
            Machine::Inquiry(inquiry) => inquiry.next(now),
        };
        let step = match step {
            Step::Wait(until) => Step::Wait(until.min(now.saturating_add(WAIT_NANOSECONDS_MAX))),
            step => step,
        };
        match &step {
            Step::Send(Request { id, .. })
            | Step::Read(id)
            | Step::Recall(id)
            | Step::Batch(Batch { id, .. }) => {
                self.asked.insert(*id);
            }
            Step::Done(outcome) => self.outcome = Some(outcome.clone()),
            Step::Note(_) | Step::Report(_) | Step::Wait(_) => {}
        }
        step
    }

    /// Answers the step of this id. An answer that was not asked for ends the plan with the
    /// fault `Internal`; one that comes when the plan is done is ignored.
    pub fn answer(&mut self, id: u64, answer: Answer) {
        if self.outcome.is_some() {
            return;
        }
        let was_asked = match &answer {
            // Its outcome follows.
            Answer::Report(_) => self.asked.contains(&id),
            Answer::Response(_)
            | Answer::Bytes(_)
            | Answer::End
            | Answer::Failed(_)
            | Answer::Body(_)
            | Answer::Outcome(_) => self.asked.remove(&id),
        };
        if !was_asked {
            let message = format!("the host answered step {id}, which was not asked for");
            let ending = Ending::of(Error::new(Fault::Internal, message));
            let totals = self.progress(Timestamp(0)).totals;
            self.outcome = Some(Outcome::new(ending, totals));
            return;
        }
        match &mut self.machine {
            Machine::Migrate(migrate) => migrate.answer(id, answer),
            Machine::Batch(batch) => batch.answer(id, answer),
            Machine::Status(status) => status.answer(id, answer),
            Machine::Inquiry(inquiry) => inquiry.answer(id, answer),
        }
    }

    /// Come to an end soon: send nothing new, and record what is done.
    pub fn stop(&mut self) {
        match &mut self.machine {
            Machine::Migrate(migrate) => migrate.stop(),
            Machine::Batch(batch) => batch.stop(),
            Machine::Status(status) => status.stop(),
            Machine::Inquiry(inquiry) => inquiry.stop(),
        }
    }

    /// How far it is.
    pub fn progress(&self, now: Timestamp) -> Progress {
        match &self.machine {
            Machine::Migrate(migrate) => migrate.progress(now),
            Machine::Batch(batch) => batch.progress(),
            Machine::Status(status) => status.progress(),
            Machine::Inquiry(inquiry) => inquiry.progress(),
        }
    }
}

impl Outcome {
    /// One of a plan that has nothing more to say.
    pub fn new(ending: Ending, totals: Totals) -> Self {
        Self { ending, totals, checkpoint: String::new(), report: String::new() }
    }
}

impl Purpose {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Split => "split",
            Self::Migrate => "migrate",
            Self::Batch => "batch",
            Self::Verify => "verify",
            Self::Status => "status",
        }
    }
}

impl Ending {
    /// How a plan ends that met this error: `Stopped` where the same settings may do better next
    /// time. Every fault is listed: a new one has to be decided upon.
    pub(crate) fn of(error: Error) -> Self {
        match error.fault {
            Fault::Stopped
            | Fault::Unreachable
            | Fault::Unavailable
            | Fault::TimedOut
            | Fault::Truncated
            | Fault::Internal => Self::Stopped(error),
            Fault::Settings
            | Fault::Unauthorized
            | Fault::Missing
            | Fault::TooLarge
            | Fault::Exhausted
            | Fault::Refused
            | Fault::Malformed
            | Fault::Unsupported => Self::Failed(error),
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        let Self { rows, points, read, written, rejected, saved } = other;
        // Some come from records, and those from outside.
        self.rows = self.rows.saturating_add(rows);
        self.points = self.points.saturating_add(points);
        self.read = self.read.saturating_add(read);
        self.written = self.written.saturating_add(written);
        self.rejected = self.rejected.saturating_add(rejected);
        self.saved = self.saved.saturating_add(saved);
    }
}
