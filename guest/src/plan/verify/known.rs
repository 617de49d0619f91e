//! What is known not to have arrived: the points that were set aside, from their file.
//!
//! Does not know why they were refused.

use std::collections::VecDeque;

use crate::converter::{Conversion, Dialect, Format, Manner};
use crate::error::{Endpoint, Error, Fault};
use crate::plan::exchange::{Event, Exchange, Ids, Want};
use crate::plan::inquiry::{Asker, Question};
use crate::plan::side::Values;
use crate::plan::{Answer, Note};
use crate::protocol::file;
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// The values that were set aside.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) values: Values,
}

struct Reading {
    exchange: Exchange,
    dialect: Dialect,
    conversion: Conversion,
    values: Values,
    is_read: bool,
}

impl Known {
    /// Reads the file of refused points; where there is none, nothing is known. An entry that a crash has
    /// torn ends it, and is said.
    pub(super) async fn read(asker: &Asker, settings: &Settings) -> Result<Self, Error> {
        let call = file::content(Endpoint::Rejected, "", true);
        let mut reading = Reading {
            exchange: Exchange::restarting(call, settings.limits.attempts_max),
            dialect: settings.dialect,
            conversion: conversion(settings.dialect),
            values: Values::default(),
            is_read: false,
        };
        match asker.asked(&mut reading).await {
            Ok(values) => Ok(Self { values }),
            Err(error) if error.endpoint.is_some() => Err(error),
            Err(error) => {
                let message =
                    format!("the file of refused points cannot be read to its end: {error}");
                if settings.verify.repair {
                    // What stands there would be written again.
                    let hint = "take the half entry out of it, or move the file away";
                    return Err(Error::new(Fault::Settings, message).with_hint(hint));
                }
                let hint = "what follows there counts as missing where it did not arrive";
                asker.note(Note::warning(message).with_hint(hint));
                Ok(Self { values: reading.values })
            }
        }
    }
}

fn conversion(dialect: Dialect) -> Conversion {
    Conversion::within(TimeRange::ALL, Format::Lp, Manner { dialect, ..Manner::default() })
}

impl Question for Reading {
    type Found = Values;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.exchange.want(now, ids, true)
    }

    fn owns(&self, id: u64) -> bool {
        self.exchange.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Values>, Error> {
        match self.exchange.answer(answer) {
            Event::Nothing => {}
            Event::Begun(response) => {
                // Not for the first time, if it broke off.
                self.conversion = conversion(self.dialect);
                self.values = Values::default();
                self.is_read = response.status != 404;
            }
            Event::Piece(piece) if self.is_read => {
                self.conversion.feed(&piece)?;
                self.values.push_lines(&self.conversion.take_lines(usize::MAX), None)?;
            }
            Event::Piece(_) => {}
            Event::Ended => {
                if self.is_read {
                    self.conversion.end()?;
                    self.values.push_lines(&self.conversion.take_lines(usize::MAX), None)?;
                }
                return Ok(Some(std::mem::take(&mut self.values)));
            }
            Event::Failed(error) => return Err(error),
        }
        Ok(None)
    }

    fn notes(&mut self) -> VecDeque<Note> {
        VecDeque::new()
    }
}
