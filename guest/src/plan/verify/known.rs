//! What is known not to have arrived: the points that were set aside, from their file.
//!
//! Holds hashes of their values alone, for there may be millions. Does not know why they were refused.

use std::collections::{BTreeSet, VecDeque};

use xxhash_rust::xxh3::xxh3_64;

use crate::converter::{Conversion, Dialect, Format, Lines, Manner};
use crate::error::{Endpoint, Error, Fault};
use crate::plan::exchange::{Event, Exchange, Ids, Want};
use crate::plan::inquiry::{Asker, Question};
use crate::plan::set_aside::SET_ASIDE;
use crate::plan::side::{Key, each_value, hashes};
use crate::plan::{Answer, Note};
use crate::protocol::file;
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// A line of the file is no longer: line protocol is, but no server takes it.
const LINE_BYTES_MAX: usize = 64 << 20;

/// What was set aside.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The hashes of its values.
    values: BTreeSet<u128>,
    /// Those of the points that they are of: time and series.
    points: BTreeSet<u64>,
    /// Those of points that cannot be lines, as they stand there.
    unfit: BTreeSet<u64>,
}

struct Reading {
    exchange: Exchange,
    dialect: Dialect,
    conversion: Conversion,
    known: Known,
    /// The last line, as far as it has come.
    line: Vec<u8>,
    is_read: bool,
    /// Whether an entry is torn, which ends what is read.
    is_torn: bool,
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
            known: Self::default(),
            line: Vec::new(),
            is_read: false,
            is_torn: false,
        };
        match asker.asked(&mut reading).await {
            Err(error) if reading.is_torn => {
                let message =
                    format!("the file of refused points cannot be read to its end: {error}");
                if settings.verify.repair {
                    // What stands there would be written again.
                    let hint = "take the half entry out of it, or move the file away";
                    return Err(Error::new(Fault::Settings, message).with_hint(hint));
                }
                let hint = "what follows there counts as missing where it did not arrive";
                asker.note(Note::warning(message).with_hint(hint));
                Ok(reading.known)
            }
            found => found,
        }
    }

    /// Whether nothing was set aside.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.unfit.is_empty()
    }

    /// How many points were set aside, at least in part.
    pub(super) fn points(&self) -> u64 {
        (self.points.len() + self.unfit.len()) as u64
    }

    pub(super) fn has(&self, key: &Key, value: &str) -> bool {
        let (_, hash) = hashes(&mut Vec::new(), key.time, &key.series, &key.field, value);
        self.values.contains(&hash)
    }

    /// Whether a point that cannot be a line was set aside.
    pub(super) fn has_unfit(&self, text: &str) -> bool {
        self.unfit.contains(&xxh3_64(text.as_bytes()))
    }

    fn push_lines(&mut self, lines: &Lines) -> Result<(), Error> {
        let mut text = Vec::new();
        each_value(lines, |point, time, field, value| {
            let (of_point, _) = hashes(&mut text, time, point.series, "", "");
            let (_, of_value) = hashes(&mut text, time, point.series, field, value);
            self.points.insert(of_point);
            self.values.insert(of_value);
            Ok(())
        })
    }
}

impl Reading {
    /// What cannot be a line stands in a comment of its own.
    fn read_comments(&mut self, piece: &[u8]) -> Result<(), Error> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                let text = String::from_utf8_lossy(line);
                let unfit = text.strip_prefix(SET_ASIDE).map(|text| xxh3_64(text.as_bytes()));
                self.known.unfit.extend(unfit);
                self.line.clear();
            }
        }
        match self.line.len() > LINE_BYTES_MAX {
            true => Err(Error::new(Fault::Malformed, "a line is too long to be an entry")),
            false => Ok(()),
        }
    }

    fn read(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.read_comments(piece)?;
        self.conversion.feed(piece)?;
        self.known.push_lines(&self.conversion.take_lines(usize::MAX))
    }

    fn end(&mut self) -> Result<(), Error> {
        self.conversion.end()?;
        self.known.push_lines(&self.conversion.take_lines(usize::MAX))
    }

    fn torn(&mut self, read: Result<(), Error>) -> Result<(), Error> {
        self.is_torn |= read.is_err();
        read
    }
}

fn conversion(dialect: Dialect) -> Conversion {
    Conversion::within(TimeRange::ALL, Format::Lp, Manner { dialect, ..Manner::default() })
}

impl Question for Reading {
    type Found = Known;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.exchange.want(now, ids, true)
    }

    fn owns(&self, id: u64) -> bool {
        self.exchange.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Known>, Error> {
        match self.exchange.answer(answer) {
            Event::Nothing => {}
            Event::Begun(response) => {
                // Not for the first time, if it broke off.
                self.conversion = conversion(self.dialect);
                self.known = Known::default();
                self.line.clear();
                self.is_read = response.status != 404;
            }
            Event::Piece(piece) if self.is_read => {
                let read = self.read(&piece);
                self.torn(read)?;
            }
            Event::Piece(_) => {}
            Event::Ended => {
                if self.is_read {
                    let read = self.end();
                    self.torn(read)?;
                }
                return Ok(Some(std::mem::take(&mut self.known)));
            }
            Event::Failed(error) => return Err(error),
        }
        Ok(None)
    }

    fn notes(&mut self) -> VecDeque<Note> {
        VecDeque::new()
    }
}
