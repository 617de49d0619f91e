//! What is known not to have arrived: the points that were set aside, from their file.
//!
//! Does not know why they were refused.

use std::collections::{BTreeSet, VecDeque};

use crate::converter::{Conversion, Dialect, Format, Manner};
use crate::error::{Endpoint, Error, Fault};
use crate::plan::exchange::{Event, Exchange, Ids, Want};
use crate::plan::inquiry::{Asker, Question};
use crate::plan::set_aside::SET_ASIDE;
use crate::plan::side::Values;
use crate::plan::{Answer, Note};
use crate::protocol::file;
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// The values that were set aside.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) values: Values,
    /// Points that cannot be lines.
    pub(super) aside: BTreeSet<String>,
}

struct Reading {
    exchange: Exchange,
    dialect: Dialect,
    conversion: Conversion,
    values: Values,
    aside: BTreeSet<String>,
    /// The last line, as far as it has come.
    line: Vec<u8>,
    is_read: bool,
}

impl Known {
    /// How many points were set aside, at least in part.
    pub(super) fn points(&self) -> u64 {
        let mut keys: Vec<_> = self.values.held.keys().map(|key| (key.time, &key.series)).collect();
        // Those of a point follow one another.
        keys.dedup();
        (keys.len() + self.aside.len()) as u64
    }

    /// Reads the file of refused points; where there is none, nothing is known. An entry that a crash has
    /// torn ends it, and is said.
    pub(super) async fn read(asker: &Asker, settings: &Settings) -> Result<Self, Error> {
        let call = file::content(Endpoint::Rejected, "", true);
        let mut reading = Reading {
            exchange: Exchange::restarting(call, settings.limits.attempts_max),
            dialect: settings.dialect,
            conversion: conversion(settings.dialect),
            values: Values::default(),
            aside: BTreeSet::new(),
            line: Vec::new(),
            is_read: false,
        };
        match asker.asked(&mut reading).await {
            Ok(values) => Ok(Self { values, aside: reading.aside }),
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
                Ok(Self { values: reading.values, aside: reading.aside })
            }
        }
    }
}

impl Reading {
    /// What cannot be a line stands in a comment of its own.
    fn read_comments(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                let text = String::from_utf8_lossy(line);
                self.aside.extend(text.strip_prefix(SET_ASIDE).map(str::to_owned));
                self.line.clear();
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
                self.aside.clear();
                self.line.clear();
                self.is_read = response.status != 404;
            }
            Event::Piece(piece) if self.is_read => {
                self.read_comments(&piece);
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
