//! What a file holds: read once, and counted on the way.
//!
//! Does not know what the counts are for. Names are those of line protocol, as they are written.

use std::collections::{BTreeMap, VecDeque};

use super::Side;
use super::counting::{Column, Counts, slice_of};
use super::values::each_value;
use crate::converter::{Conversion, Lines};
use crate::error::{Error, Fault};
use crate::plan::exchange::{Ids, Want};
use crate::plan::inquiry::{Asker, Question};
use crate::plan::reader::{self, Reader};
use crate::plan::{Answer, Note};
use crate::section::Section;
use crate::time::{TimeRange, Timestamp};

/// So many fields in slices are counted of a file.
const COUNTS_MAX: usize = 1_000_000;

/// How many values a file has, by measurement, field and slice.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) range: TimeRange,
    pub(super) slice: u64,
    counts: BTreeMap<String, BTreeMap<String, BTreeMap<Timestamp, u64>>>,
    /// How many there are.
    all: usize,
}

struct Reading {
    reader: Reader,
    conversion: Conversion,
    survey: Option<Survey>,
}

impl Side {
    /// Reads a file.
    pub(super) async fn survey(
        &self,
        asker: &Asker,
        range: TimeRange,
        slice: u64,
    ) -> Result<Survey, Error> {
        let settings = &self.settings;
        let format = reader::format(settings);
        let reading = Reading {
            reader: Reader::new(settings, None, range, Section::ALL, false),
            conversion: Conversion::within(range, format, settings.manner()),
            survey: Some(Survey { range, slice, counts: BTreeMap::new(), all: 0 }),
        };
        asker.ask(reading).await
    }
}

impl Survey {
    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.counts.keys().map(String::as_str)
    }

    /// The counts of a table.
    pub(super) fn of(&self, table: &str) -> Counts {
        let fields = self.counts.get(table).into_iter().flatten();
        let column = |field: &String| Column { field: field.clone(), class: None };
        Counts(fields.map(|(field, slices)| (column(field), slices.clone())).collect())
    }

    fn push_lines(&mut self, lines: &Lines) -> Result<(), Error> {
        each_value(lines, |point, time, field, _| {
            self.push(point.measurement(), field, slice_of(time, self.slice));
            Ok(())
        })?;
        match self.all > COUNTS_MAX {
            true => Err(Error::new(Fault::TooLarge, "it has too many fields to be counted")),
            false => Ok(()),
        }
    }

    fn push(&mut self, measurement: &str, field: &str, start: Timestamp) {
        // Mostly they are there: names are only copied where they are not.
        if let Some(slices) = self.counts.get_mut(measurement).and_then(|m| m.get_mut(field)) {
            let before = slices.len();
            *slices.entry(start).or_default() += 1;
            self.all += slices.len() - before;
            return;
        }
        let fields = self.counts.entry(measurement.to_owned()).or_default();
        fields.entry(field.to_owned()).or_default().insert(start, 1);
        self.all += 1;
    }
}

impl Question for Reading {
    type Found = Survey;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.reader.want(now, ids, true)
    }

    fn owns(&self, id: u64) -> bool {
        self.reader.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Survey>, Error> {
        self.reader.answer(answer, &mut self.conversion)?;
        let lines = self.conversion.take_lines(usize::MAX);
        if let Some(survey) = &mut self.survey {
            survey.push_lines(&lines)?;
        }
        Ok(self.found())
    }

    fn found(&mut self) -> Option<Survey> {
        self.survey.take_if(|_| self.reader.is_done())
    }

    fn notes(&mut self) -> VecDeque<Note> {
        std::mem::take(&mut self.reader.notes)
    }
}
