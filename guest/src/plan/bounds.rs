//! What must be known before the first batch: when a migration begins and ends, and how long the
//! destination is, if that is a file.
//!
//! Asks for nothing that the settings or the records say. Does not know batches.

use super::Answer;
use super::exchange::{Event, Exchange, Ids, Want};
use super::journal::Journal;
use crate::converter::first_time;
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::{file, flux};
use crate::settings::{Destination, LAG_SECONDS, Settings, Source, Start, Stop};
use crate::time::{TimeRange, Timestamp};

/// One time is asked for; a server may answer one for each of many tables.
const FIRST_TIME_BYTES_MAX: usize = 16 << 20;

/// The bounds of a migration, while they are looked for.
#[derive(Debug)]
pub(crate) struct Bounds {
    settings: Settings,
    /// Whether anything is recorded of it.
    begun: bool,
    /// What "now" meant when it was first said.
    recorded_now: Option<Timestamp>,
    /// The length of a file as destination, as it was recorded.
    recorded_bytes: u64,
    now: Timestamp,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// When is the first point?
    Earliest {
        exchange: Exchange,
        body: Vec<u8>,
    },
    /// Is the destination's file as it was left?
    Length {
        range: TimeRange,
        exchange: Exchange,
    },
    Known(Found),
}

/// What was found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// The times to migrate; for a file as destination, the length to which it is to be cut.
    Range { range: TimeRange, offset: Option<u64> },
    /// There is nothing to migrate, and why.
    Nothing(String),
    /// There is no such range.
    Fault(Error),
}

impl Bounds {
    /// `journal` must be read.
    pub(crate) fn open(settings: &Settings, journal: &Journal, now: Timestamp) -> Self {
        let settings = settings.clone();
        let recorded_now = journal.now;
        let start = match (settings.start, journal.earliest, &settings.source) {
            (Start::At(start), _, _) | (Start::Earliest, Some(start), _) => Ok(start),
            (Start::Earliest, None, Source::Flux(place)) => {
                Err(flux::earliest(place, &settings.selection))
            }
            // A file is read as a whole.
            (Start::Earliest, None, Source::Csv(_)) => Ok(Timestamp::MIN),
        };
        let phase = match start {
            Ok(start) => Self::stop(&settings, recorded_now, start, now),
            Err(call) => {
                let exchange = Exchange::restarting(call, settings.attempts_max);
                Phase::Earliest { exchange, body: Vec::new() }
            }
        };
        let last_bytes = journal.last.as_ref().and_then(|last| last.destination_bytes);
        let recorded_bytes = last_bytes.unwrap_or(0);
        Self { settings, begun: journal.begun, recorded_now, recorded_bytes, now, phase }
    }

    /// The start is known. What "now" means was fixed when it was first said, or is fixed here.
    fn stop(
        settings: &Settings,
        recorded_now: Option<Timestamp>,
        start: Timestamp,
        now: Timestamp,
    ) -> Phase {
        let stop = match (settings.stop, recorded_now) {
            (Stop::At(stop), _) | (Stop::Now, Some(stop)) => stop,
            (Stop::Now, None) => now.saturating_sub(LAG_SECONDS * 1_000_000_000).whole_second(),
        };
        let Some(range) = TimeRange::new(start, stop) else {
            let why = format!("there is nothing to migrate from {start} to {stop}");
            return Phase::Known(match settings.start {
                // A wrong start, or a wrong clock.
                Start::At(_) => Found::Fault(Error::new(Fault::Settings, why)),
                Start::Earliest => Found::Nothing(why),
            });
        };
        match &settings.destination {
            Destination::File(place) => {
                let call = file::length(Endpoint::Destination, &place.bucket);
                Phase::Length { range, exchange: Exchange::new(call, settings.attempts_max) }
            }
            Destination::V1(_) | Destination::V2(_) | Destination::V3(_) => {
                Phase::Known(Found::Range { range, offset: None })
            }
        }
    }

    pub(crate) fn found(&self) -> Option<&Found> {
        match &self.phase {
            Phase::Known(found) => Some(found),
            Phase::Earliest { .. } | Phase::Length { .. } => None,
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        match &mut self.phase {
            Phase::Earliest { exchange, .. } | Phase::Length { exchange, .. } => {
                exchange.want(now, ids, true)
            }
            Phase::Known(_) => Want::Nothing,
        }
    }

    /// Takes an answer that is for it, as all are while it looks.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        let event = match &mut self.phase {
            Phase::Earliest { exchange, .. } | Phase::Length { exchange, .. } => {
                exchange.answer(answer)
            }
            Phase::Known(_) => Event::Nothing,
        };
        match (&mut self.phase, event) {
            (_, Event::Failed(error)) => return Err(error),
            (_, Event::Nothing) | (Phase::Known(_), _) => {}
            (Phase::Length { range, .. }, Event::Begun(response)) => {
                let range = *range;
                let offset = self.offset(file::length_of(Endpoint::Destination, &response)?)?;
                self.phase = Phase::Known(Found::Range { range, offset: Some(offset) });
            }
            (Phase::Earliest { body, .. }, Event::Begun(_)) => body.clear(),
            (Phase::Earliest { body, .. }, Event::Piece(piece)) => {
                body.extend(piece);
                if body.len() > FIRST_TIME_BYTES_MAX {
                    let message = "the response of the source is too long for one time";
                    return Err(Error::new(Fault::Malformed, message).at(Endpoint::Source));
                }
            }
            (Phase::Earliest { body, .. }, Event::Ended) => {
                let first = first_time(body).map_err(|error| {
                    error.within("the response of the source").at(Endpoint::Source)
                })?;
                self.phase = match first {
                    Some(start) => Self::stop(&self.settings, self.recorded_now, start, self.now),
                    None => Phase::Known(Found::Nothing("the source has no points".to_owned())),
                };
            }
            // The length of a file comes without a body.
            (Phase::Length { .. }, Event::Piece(_) | Event::Ended) => {}
        }
        Ok(())
    }

    /// The length that is recorded, to which the file will be cut. A file that is not this
    /// migration's, or is shorter than it was, is left alone.
    fn offset(&self, length: u64) -> Result<u64, Error> {
        let path = &self.settings.destination.place().bucket;
        let refuse = |message, hint| {
            Err(Error::new(Fault::Settings, message).at(Endpoint::Destination).with_hint(hint))
        };
        let recorded = self.recorded_bytes;
        if !self.begun && length > 0 {
            return refuse(
                format!("the destination `{path}` exists, and the checkpoint does not know it"),
                "move it away, or choose another `destination.path`",
            );
        }
        if length < recorded {
            return refuse(
                format!("the destination `{path}` has {length} of {recorded} recorded bytes"),
                "put the file back; or move the checkpoint away as well, to begin anew",
            );
        }
        Ok(recorded)
    }
}
