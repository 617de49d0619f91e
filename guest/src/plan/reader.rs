//! Reading a batch, whatever it is read from: one response, or what InfluxQL asks for.
//!
//! Does not know where points go.

use std::collections::VecDeque;

use super::collect::Collect;
use super::exchange::{Event, Exchange, Ids, Want};
use super::influxql::InfluxQlReader;
use super::road::{Road, RoadFinder};
use super::{Answer, Note};
use crate::converter::{Conversion, flux_values, quoted};
use crate::error::{Error, Fault};
use crate::protocol::{file, flux};
use crate::section::Section;
use crate::settings::{Format, Settings, Source};
use crate::time::{TimeRange, Timestamp};

/// A batch in the course of being read.
#[derive(Debug)]
pub(crate) struct Reader {
    settings: Settings,
    batch: TimeRange,
    section: Section,
    /// Whether the fields of a point are asked for in one row, by Flux.
    is_pivoted: bool,
    state: State,
    pub(crate) notes: VecDeque<Note>,
    /// Bytes of all responses so far.
    pub(crate) read: u64,
}

#[derive(Debug)]
enum State {
    /// Nobody has said yet by which language.
    Finding(Box<RoadFinder>),
    /// How many values must a pivoted response give?
    Count(Box<Collect>),
    /// A file, or the response of Flux; and how many values it must give, if that was counted.
    Response(Box<Exchange>, Option<u64>),
    InfluxQl(Box<InfluxQlReader>),
    Done,
}

impl Reader {
    /// `road` is what is known of it; a file needs none.
    pub(crate) fn new(
        settings: &Settings,
        road: Option<Road>,
        batch: TimeRange,
        section: Section,
        is_pivoted: bool,
    ) -> Self {
        let state = State::Done;
        let (settings, notes) = (settings.clone(), VecDeque::new());
        let mut reader = Self { settings, batch, section, is_pivoted, state, notes, read: 0 };
        let finder = match road {
            Some(_) => None,
            None => RoadFinder::open(&reader.settings),
        };
        match finder {
            Some(finder) => {
                reader.state = State::Finding(finder.into());
                reader.take_road();
            }
            None => reader.begin(road),
        }
        reader
    }

    fn begin(&mut self, road: Option<Road>) {
        let Self { settings, batch, section, .. } = self;
        let call = match (&settings.source, road) {
            (Source::File(place, _), _) => file::content(settings.reads, &place.bucket, false),
            (_, Some(Road::InfluxQl(database))) => {
                let reading = InfluxQlReader::new(settings, database, *batch, section);
                self.state = State::InfluxQl(reading.into());
                return;
            }
            (Source::V1(place) | Source::V2(place, _), Some(Road::Flux) | None)
                if self.is_pivoted =>
            {
                let call = flux::count(place, *batch, &settings.selection, section);
                let asking =
                    Collect::ending_late(call.at(settings.reads), settings.limits.attempts_max);
                self.state = State::Count(asking.into());
                return;
            }
            (Source::V1(place) | Source::V2(place, _), Some(Road::Flux) | None) => {
                flux::points(place, *batch, &settings.selection, section)
            }
        };
        let exchange =
            Exchange::new(call.at(settings.reads), settings.limits.attempts_max).ending_late();
        self.state = State::Response(exchange.into(), None);
    }

    /// The values are counted: asks for them.
    fn take_count(&mut self, body: &[u8]) -> Result<(), Error> {
        let Self { settings, batch, section, .. } = self;
        let count = match flux_values(body)?.as_slice() {
            [] => 0,
            [count] => count.parse().map_err(|_| {
                Error::new(Fault::Malformed, format!("expected a count, found `{}`", quoted(count)))
            })?,
            _ => return Err(Error::new(Fault::Malformed, "expected one count, found several")),
        };
        let call = flux::pivoted(settings.source.place(), *batch, &settings.selection, section);
        let exchange =
            Exchange::new(call.at(settings.reads), settings.limits.attempts_max).ending_late();
        self.state = State::Response(exchange.into(), Some(count));
        Ok(())
    }

    fn take_road(&mut self) {
        if let State::Finding(finder) = &mut self.state {
            self.notes.append(&mut finder.notes);
            if let Some(road) = finder.found().cloned() {
                self.begin(Some(road));
            }
        }
    }

    /// Whether all of the batch has been read.
    pub(crate) fn is_done(&self) -> bool {
        match &self.state {
            State::Done => true,
            State::InfluxQl(reading) => reading.is_done(),
            State::Finding(_) | State::Count(_) | State::Response(..) => false,
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, may_read: bool) -> Want {
        match &mut self.state {
            State::Finding(finder) => finder.want(now, ids),
            State::Count(asking) => asking.want(now, ids),
            State::Response(exchange, _) => exchange.want(now, ids, may_read),
            State::InfluxQl(reading) => reading.want(now, ids, may_read),
            State::Done => Want::Nothing,
        }
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        match &self.state {
            State::Finding(finder) => finder.owns(id),
            State::Count(asking) => asking.owns(id),
            State::Response(exchange, _) => exchange.owns(id),
            State::InfluxQl(reading) => reading.owns(id),
            State::Done => false,
        }
    }

    /// Takes an answer; what it holds goes into the conversion.
    pub(crate) fn answer(
        &mut self,
        answer: Answer,
        conversion: &mut Conversion,
    ) -> Result<(), Error> {
        if let Answer::Bytes(bytes) = &answer {
            self.read += bytes.len() as u64;
        }
        match &mut self.state {
            State::Finding(finder) => {
                finder.answer(answer)?;
                self.take_road();
                Ok(())
            }
            State::InfluxQl(reading) => {
                reading.answer(answer, conversion).map_err(|error| self.explain(error))
            }
            State::Count(asking) => {
                let taken = match asking.answer(answer) {
                    Ok(None) => Ok(()),
                    Ok(Some(body)) => self.take_count(&body),
                    Err(error) => Err(error),
                };
                taken.map_err(|error| self.explain(error))
            }
            State::Response(exchange, _) => match exchange.answer(answer) {
                Event::Nothing | Event::Begun(_) => Ok(()),
                Event::Piece(piece) => conversion.feed(&piece).map_err(|error| self.explain(error)),
                Event::Ended => self.end(conversion).map_err(|error| self.explain(error)),
                Event::Failed(error) => Err(self.explain(error)),
            },
            State::Done => Ok(()),
        }
    }

    fn end(&mut self, conversion: &mut Conversion) -> Result<(), Error> {
        let counted = match std::mem::replace(&mut self.state, State::Done) {
            State::Response(_, counted) => counted,
            State::Finding(_) | State::Count(_) | State::InfluxQl(_) | State::Done => None,
        };
        if let (Source::File(..), 0) = (&self.settings.source, self.read) {
            // More often the work of a program that failed than somebody's data.
            return Err(Error::new(Fault::Malformed, "it is empty"));
        }
        conversion.end()?;
        let counts = conversion.counts();
        let found = counts.rows + counts.outside + counts.unfit;
        match counted {
            Some(expected) if expected != found => {
                let message =
                    format!("expected {expected} values, as they were counted, found {found}");
                Err(Error::new(Fault::Truncated, message))
            }
            _ => Ok(()),
        }
    }

    /// Says where an error is, if nobody has said it.
    pub(crate) fn explain(&self, error: Error) -> Error {
        if error.endpoint.is_none() {
            return match &self.settings.source {
                Source::V1(_) | Source::V2(..) => error.of_side(self.settings.reads),
                Source::File(place, _) => {
                    error.within(&format!("`{}`", place.bucket)).at(self.settings.reads)
                }
            };
        }
        let of_query = error.fault == Fault::Settings;
        let hint = match (&self.settings.selection.filter, &self.settings.selection.condition) {
            (Some(_), _) if of_query => Some("`migration.filter` begins on line 2 of the query"),
            (_, Some(_)) if of_query => Some("`migration.where` begins on line 2 of a statement"),
            _ => None,
        };
        Error { hint: error.hint.or(hint.map(str::to_owned)), ..error }
    }
}

/// What the source's answers are written in, before a statement of InfluxQL says otherwise.
pub(crate) fn format(settings: &Settings) -> Format {
    match &settings.source {
        Source::File(_, format) => *format,
        Source::V1(_) | Source::V2(..) => Format::Csv,
    }
}
