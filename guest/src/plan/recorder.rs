//! The record of a batch that has no plan over it to record it: of a split, whose batches an engine does.
//!
//! Does not know what is recorded already.

use super::Answer;
use super::exchange::{Event, Exchange, Ids, Want};
use crate::error::Error;
use crate::protocol::write;
use crate::settings::{Checkpoint, Settings};
use crate::time::Timestamp;

/// A record on its way to the checkpoint.
#[derive(Debug)]
pub(crate) struct Recorder {
    checkpoint: Checkpoint,
    attempts_max: u32,
    /// The record, once it is on its way.
    line: String,
    exchange: Option<Exchange>,
    is_done: bool,
}

impl Recorder {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            checkpoint: settings.checkpoint.clone(),
            attempts_max: settings.limits.attempts_max,
            line: String::new(),
            exchange: None,
            is_done: false,
        }
    }

    /// Appends a line; once it is on its way, that line is the record, whatever comes later.
    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, line: String) -> Want {
        if self.line.is_empty() {
            // The last one of a file may have been torn by a crash: it begins with the end of that.
            let call = write::record(&self.checkpoint, format!("\n{line}\n"));
            self.exchange = Some(Exchange::new(call, self.attempts_max));
            self.line = line;
        }
        self.exchange.as_mut().map_or(Want::Nothing, |exchange| exchange.want(now, ids, true))
    }

    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Takes an answer, if it is one to the append.
    pub(crate) fn answer(&mut self, id: u64, answer: Answer) -> Result<(), Error> {
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.owns(id)) else {
            return Ok(());
        };
        match exchange.answer(answer) {
            Event::Nothing | Event::Piece(_) | Event::Ended => Ok(()),
            Event::Begun(_) => {
                (self.exchange, self.is_done) = (None, true);
                Ok(())
            }
            Event::Failed(error) => Err(error),
        }
    }
}
