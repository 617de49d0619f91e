//! What must be known before the first batch: when a migration begins and ends, and how long the
//! destination is, if that is a file.
//!
//! Asks for nothing that the settings or the records say. Does not know batches.

use super::Answer;
use super::earliest::{Earliest, First};
use super::exchange::{Event, Exchange, Ids, Want};
use super::journal::Journal;
use super::road::Road;
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::file;
use crate::settings::{Destination, Settings, Start, Stop};
use crate::time::{TimeRange, Timestamp};

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
    Earliest(Box<Earliest>),
    /// Is the destination's file as it was left?
    Length {
        range: TimeRange,
        exchange: Box<Exchange>,
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
    /// Whether the source must be asked when its first point is.
    pub(crate) fn need_source(settings: &Settings, journal: &Journal) -> bool {
        matches!(settings.start, Start::Earliest) && journal.earliest.is_none()
    }

    /// `journal` must be read; `road` leads to the source, if that must be asked.
    pub(crate) fn open(
        settings: &Settings,
        journal: &Journal,
        road: Option<&Road>,
        now: Timestamp,
    ) -> Self {
        let settings = settings.clone();
        let recorded_now =
            journal.now.filter(|stop| !settings.goes_on || is_left(&settings, journal, *stop));
        let phase = match (settings.start, journal.earliest, road) {
            (Start::At(start), _, _) | (Start::Earliest, Some(start), _) => {
                Self::stop(&settings, recorded_now, start, now)
            }
            (Start::Earliest, None, Some(road)) => {
                Phase::Earliest(Earliest::new(&settings, road).into())
            }
            // A file is read as a whole.
            (Start::Earliest, None, None) => {
                Self::stop(&settings, recorded_now, Timestamp::MIN, now)
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
            (Stop::Now, None) => now.saturating_sub(settings.lag).whole_second(),
        };
        let Some(range) = TimeRange::new(start, stop) else {
            let why = format!("there is nothing to migrate from {start} to {stop}");
            return Phase::Known(match settings.start {
                // A wrong start, or a wrong clock.
                Start::At(_) if !settings.goes_on => {
                    let error = Error::new(Fault::Settings, why);
                    Found::Fault(match settings.stop {
                        Stop::Now => {
                            error.with_hint("\"now\" is `migration.lag` before the present")
                        }
                        Stop::At(_) => error,
                    })
                }
                Start::At(_) | Start::Earliest => Found::Nothing(why),
            });
        };
        match &settings.destination {
            Destination::File(place) => {
                let call = file::length(Endpoint::Destination, &place.bucket);
                let exchange = Exchange::new(call, settings.limits.attempts_max).into();
                Phase::Length { range, exchange }
            }
            Destination::V1(_) | Destination::V2(_) | Destination::V3(_) => {
                Phase::Known(Found::Range { range, offset: None })
            }
        }
    }

    pub(crate) fn found(&self) -> Option<&Found> {
        match &self.phase {
            Phase::Known(found) => Some(found),
            Phase::Earliest(_) | Phase::Length { .. } => None,
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        match &mut self.phase {
            Phase::Earliest(earliest) => earliest.want(now, ids),
            Phase::Length { exchange, .. } => exchange.want(now, ids, true),
            Phase::Known(_) => Want::Nothing,
        }
    }

    /// Takes an answer that is for it, as all are while it looks.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        match &mut self.phase {
            Phase::Earliest(earliest) => {
                let Some(first) = earliest.answer(answer)? else { return Ok(()) };
                self.phase = match first {
                    First::Point(start) => {
                        Self::stop(&self.settings, self.recorded_now, start, self.now)
                    }
                    First::Nothing => {
                        Phase::Known(Found::Nothing("the source has no points".to_owned()))
                    }
                };
            }
            Phase::Length { range, exchange } => match exchange.answer(answer) {
                Event::Begun(response) => {
                    let range = *range;
                    let length = file::length_of(Endpoint::Destination, &response)?;
                    let offset = Some(self.offset(length)?);
                    self.phase = Phase::Known(Found::Range { range, offset });
                }
                Event::Failed(error) => return Err(error),
                // The length of a file comes without a body.
                Event::Nothing | Event::Piece(_) | Event::Ended => {}
            },
            Phase::Known(_) => {}
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

/// Whether something is left of a migration up to this time: then this is its end, and a later one comes
/// after it.
fn is_left(settings: &Settings, journal: &Journal, stop: Timestamp) -> bool {
    let start = match settings.start {
        Start::At(start) => Some(start),
        Start::Earliest => journal.earliest,
    };
    let range = start.and_then(|start| TimeRange::new(start, stop));
    range.is_some_and(|range| !journal.coverage.covers(range))
}
