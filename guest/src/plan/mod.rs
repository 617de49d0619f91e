//! The driver without hands: a plan is asked for its next step, and told what became of it.
//!
//! Knows the order of things, when to try again and what to record. Does not know how a response
//! is read (`converter`) or what a request looks like (`protocol`).

use crate::error::{Error, Fault};
use crate::protocol::{Failure, Request, Response};
use crate::time::{TimeRange, Timestamp};

/// A piece of work: a migration, one batch of it, a look at how far it is.
#[derive(Debug)]
pub struct Plan {}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Look at both sides. Not in this version.
    Check,
    /// Hand out all batches that are left, and wait for none.
    Split,
    /// Hand out batches as limits and faults allow, and record each that is done.
    Migrate,
    /// Do one batch: query, convert, write.
    Batch,
    /// Compare both sides. Not in this version.
    Verify,
    /// Read what is recorded.
    Status,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Send it, and answer with the response or `Failed`.
    Send(Request),
    /// Read on in the body of the response to this request.
    Read(u64),
    /// Run a plan of purpose `Batch` to its end, and answer with its outcome.
    Batch(Batch),
    /// Show it. Wants no answer.
    Note(Note),
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
    /// How the plan of the batch ended.
    Outcome(Outcome),
}

/// A part of a plan that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// What it has moved.
    pub totals: Totals,
    /// For a batch that is done: its record, a line of line protocol. Otherwise empty.
    pub checkpoint: String,
}

/// How a plan ended.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

/// Something that a person should see.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing to worry about.
    Info,
    /// Surprising, but nothing is lost.
    Warning,
    /// Data is or would be lost or altered.
    Error,
}

/// How far a plan is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Of its time range, 0 to 100; 100 only when nothing is left.
    pub percent: f64,
    /// As in `Outcome`.
    pub totals: Totals,
    /// Rows per second of late.
    pub rate: f64,
    /// Seconds left, if that can be said.
    pub left: Option<u64>,
    /// What it does or waits for, in a few words.
    pub doing: String,
}

impl Plan {
    /// Opens a plan; `wit/planner.wit` says what the settings hold.
    ///
    /// # Errors
    /// `Settings` for a setting that is unknown or unfit; `Unsupported` for a purpose that this
    /// version does not have.
    pub fn open(_purpose: Purpose, _settings: &str) -> Result<Self, Error> {
        Err(Error::new(Fault::Internal, ""))
    }

    /// What to do next; `now` is the host's clock.
    pub fn next(&mut self, _now: Timestamp) -> Step {
        Step::Wait(Timestamp(0))
    }

    /// Answers the step of this id.
    pub fn answer(&mut self, _id: u64, _answer: Answer) {}

    /// Come to an end soon.
    pub fn stop(&mut self) {}

    /// How far it is.
    pub fn progress(&self, _now: Timestamp) -> Progress {
        Progress { percent: 0.0, totals: Totals::default(), rate: 0.0, left: None, doing: String::new() }
    }
}
