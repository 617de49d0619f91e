//! The record that a batch of a split makes of itself, for no plan over it does.
//!
//! Does not know what is recorded already: its line begins with the end of one that a crash may have torn. Two
//! that are made at one nanosecond are one record in a bucket; the other batch is done again.

use super::Answer;
use super::exchange::{Event, Exchange, Ids, Want};
use crate::error::Error;
use crate::protocol::write;
use crate::settings::{Checkpoint, Settings};
use crate::time::Timestamp;

/// A line before a record of a file that nobody has read: by itself a comment, and behind half a line what no
/// record ends with.
pub(crate) const BEGIN: &str = "#";

/// A record on its way to the checkpoint.
#[derive(Debug)]
pub(crate) struct Recorder {
    checkpoint: Checkpoint,
    attempts_max: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// There is nothing to record yet.
    Idle,
    /// What is on its way stays the record, whatever time it is by now.
    Appending {
        line: String,
        exchange: Box<Exchange>,
    },
    Done {
        line: String,
    },
}

impl Recorder {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (checkpoint, attempts_max) =
            (settings.checkpoint.clone(), settings.limits.attempts_max);
        Self { checkpoint, attempts_max, state: State::Idle }
    }

    /// Appends a line, unless one is on its way.
    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, line: String) -> Want {
        if matches!(self.state, State::Idle) {
            let text = match self.checkpoint {
                Checkpoint::File => format!("{BEGIN}\n{line}\n"),
                Checkpoint::Bucket(_) => format!("{line}\n"),
            };
            let call = write::record(&self.checkpoint, text);
            let exchange = Exchange::new(call, self.attempts_max).into();
            self.state = State::Appending { line, exchange };
        }
        match &mut self.state {
            State::Appending { exchange, .. } => exchange.want(now, ids, true),
            State::Idle | State::Done { .. } => Want::Nothing,
        }
    }

    /// The record, once it is written.
    pub(crate) fn recorded(&self) -> Option<&str> {
        match &self.state {
            State::Done { line } => Some(line),
            State::Idle | State::Appending { .. } => None,
        }
    }

    /// Takes an answer, if it is one to the append.
    pub(crate) fn answer(&mut self, id: u64, answer: Answer) -> Result<(), Error> {
        let State::Appending { line, exchange } = &mut self.state else { return Ok(()) };
        if !exchange.owns(id) {
            return Ok(());
        }
        match exchange.answer(answer) {
            Event::Nothing | Event::Piece(_) | Event::Ended => Ok(()),
            Event::Begun(_) => {
                self.state = State::Done { line: std::mem::take(line) };
                Ok(())
            }
            Event::Failed(error) => Err(error),
        }
    }
}
