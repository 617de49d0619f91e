//! Reading a batch, whatever it is read from: one response, or what InfluxQL asks for. What a server has
//! answered by Flux is compared with its own count.
//!
//! Does not know where points go.

use std::collections::VecDeque;

use super::collect::Collect;
use super::exchange::{Event, Exchange, Ids, Want};
use super::influxql::InfluxQlReader;
use super::road::{Road, RoadFinder};
use super::{Answer, Note};
use crate::converter::{Conversion, VALUES_HINT, flux_count};
use crate::error::{Error, Fault};
use crate::protocol::{file, flux};
use crate::section::Section;
use crate::settings::{Format, Settings, Source};
use crate::time::{TimeRange, Timestamp};

/// What `migration.filter` selects is counted where it has no more tables. The engine does not know every
/// predicate: Flux itself then groups the values, which of 400 000 tables took 3.7 GB of the server's memory,
/// and 1.7 times as long as reading them (observed on InfluxDB 2.9.1).
const FILTERED_TABLES_MAX: u64 = 5000;

/// A batch in the course of being read.
#[derive(Debug)]
pub(crate) struct Reader {
    settings: Settings,
    batch: TimeRange,
    section: Section,
    /// Whether the fields of a point are asked for in one row, by Flux.
    is_pivoted: bool,
    /// Whether it is of times that nobody should still write into, once that is known.
    is_settled: Option<bool>,
    state: State,
    pub(crate) notes: VecDeque<Note>,
    /// Bytes of all responses so far.
    pub(crate) read: u64,
}

#[derive(Debug)]
enum State {
    /// Nobody has said yet by which language.
    Finding(Box<RoadFinder>),
    /// A file, or the response of Flux.
    Response(Box<Exchange>),
    /// How many values must that have given?
    Count(Box<Collect>),
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
        let is_settled = None;
        let mut reader =
            Self { settings, batch, section, is_pivoted, is_settled, state, notes, read: 0 };
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
            (Source::V1(place) | Source::V2(place, _), Some(Road::Flux) | None) => {
                let ask = if self.is_pivoted { flux::pivoted } else { flux::points };
                ask(place, *batch, &settings.selection, section)
            }
        };
        let exchange =
            Exchange::new(call.at(settings.reads), settings.limits.attempts_max).ending_late();
        self.state = State::Response(exchange.into());
    }

    /// Whether the source is asked how many values there were, of a response of so many tables.
    fn is_counted(&self, tables: u64) -> bool {
        match &self.settings.source {
            Source::File(..) => false,
            // What is pivoted may lose values by that alone.
            Source::V1(_) | Source::V2(..) if self.is_pivoted => true,
            Source::V1(_) | Source::V2(..) => {
                let is_filtered = self.settings.selection.filter.is_some();
                self.is_settled == Some(true) && (!is_filtered || tables <= FILTERED_TABLES_MAX)
            }
        }
    }

    /// The values are counted after they have come: the last of them are written meanwhile.
    fn count(&mut self) {
        let Self { settings, batch, section, .. } = self;
        let call = flux::count(settings.source.place(), *batch, &settings.selection, section);
        self.state = State::Count(
            Collect::ending_late(call.at(settings.reads), settings.limits.attempts_max).into(),
        );
    }

    fn take_count(&mut self, body: &[u8], conversion: &Conversion) -> Result<(), Error> {
        self.state = State::Done;
        let expected = flux_count(body)?;
        let counts = conversion.counts();
        let found = counts.rows + counts.outside + counts.unfit;
        if found == expected {
            return Ok(());
        }
        let message =
            format!("expected {expected} values, as the source counts them, found {found}");
        Err(Error::new(Fault::Truncated, message).with_hint(VALUES_HINT))
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
            State::Finding(_) | State::Count(_) | State::Response(_) => false,
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, may_read: bool) -> Want {
        let Self { settings, batch, .. } = self;
        let is_settled = *self.is_settled.get_or_insert_with(|| settings.is_settled(*batch, now));
        match &mut self.state {
            State::Finding(finder) => finder.want(now, ids),
            State::Count(asking) => asking.want(now, ids),
            State::Response(exchange) => exchange.want(now, ids, may_read),
            State::InfluxQl(reading) => {
                reading.is_settled = is_settled;
                reading.want(now, ids, may_read)
            }
            State::Done => Want::Nothing,
        }
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        match &self.state {
            State::Finding(finder) => finder.owns(id),
            State::Count(asking) => asking.owns(id),
            State::Response(exchange) => exchange.owns(id),
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
                    Ok(Some(body)) => self.take_count(&body, conversion),
                    Err(error) => Err(error),
                };
                taken.map_err(|error| self.explain(error))
            }
            State::Response(exchange) => match exchange.answer(answer) {
                Event::Nothing | Event::Begun(_) => Ok(()),
                Event::Piece(piece) => conversion.feed(&piece).map_err(|error| self.explain(error)),
                Event::Ended => self.end(conversion).map_err(|error| self.explain(error)),
                Event::Failed(error) => Err(self.explain(error)),
            },
            State::Done => Ok(()),
        }
    }

    fn end(&mut self, conversion: &mut Conversion) -> Result<(), Error> {
        self.state = State::Done;
        if let (Source::File(..), 0) = (&self.settings.source, self.read) {
            // More often the work of a program that failed than somebody's data.
            return Err(Error::new(Fault::Malformed, "it is empty"));
        }
        conversion.end()?;
        if self.is_counted(conversion.counts().tables) {
            self.count();
        }
        Ok(())
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
