//! Into which sections a measurement is cut, so that no question about it holds too many series in the
//! memory of its server at once.
//!
//! Does not know what is asked. A server of 1.x and 2.x holds some kilobytes for each series and field that
//! a query reads, also where it only counts (observed: 300 000 series, one field, one count: 0.7 GB on
//! 2.9.1). How many there are is counted in its index, which holds nothing.

use super::{Side, Table, Way};
use crate::converter::tables;
use crate::error::{Error, Fault};
use crate::plan::divide::{Divider, Division};
use crate::plan::inquiry::Asker;
use crate::plan::road::{Database, Road};
use crate::protocol::influxql;
use crate::section::{Dimension, Section};
use crate::settings::{Selection, Settings};
use crate::time::TimeRange;

/// So many series, each with all its fields, are asked about at once.
const SERIES_FIELDS_MAX: u64 = 100_000;
/// In so many parts at most a measurement is asked for.
const SECTIONS_MAX: usize = 1000;

impl Side {
    /// The sections of a table: they tile it, whatever series it has.
    pub(super) async fn sections(
        &self,
        asker: &Asker,
        table: &Table,
        range: TimeRange,
    ) -> Result<Vec<Section>, Error> {
        let Way::InfluxQl(database) = &self.way else { return Ok(vec![Section::ALL]) };
        if let Some(known) = self.sections.borrow().get(&table.name) {
            return Ok(known.clone());
        }
        let fields = table.parts.iter().map(|part| part.fields.len()).max().unwrap_or(1);
        let series_max = (SERIES_FIELDS_MAX / fields.max(1) as u64).max(1);
        let (mut sections, mut rest) = (Vec::new(), Some(of_measurement(&table.name)));
        let mut series = table.series;
        while let Some(section) = rest.take() {
            let parts = usize::try_from(series.div_ceil(series_max)).unwrap_or(SECTIONS_MAX);
            if parts < 2 || sections.len() + parts > SECTIONS_MAX {
                sections.push(section);
                break;
            }
            match self.divide(asker, database, table, section.clone(), range, parts).await? {
                Division::Nothing => sections.push(section),
                Division::Sections(mut parts) => {
                    rest = parts.pop();
                    sections.extend(parts);
                    if let Some(last) = &rest {
                        // Only so many names were listed: behind the last there may be more.
                        series = self.series_in(asker, database, table, last).await?;
                    }
                }
            }
        }
        self.sections.borrow_mut().insert(table.name.clone(), sections.clone());
        Ok(sections)
    }

    async fn divide(
        &self,
        asker: &Asker,
        database: &Database,
        table: &Table,
        section: Section,
        range: TimeRange,
        parts: usize,
    ) -> Result<Division, Error> {
        let measurements = vec![table.name.clone()];
        let selection = Selection { measurements, ..self.settings.selection.clone() };
        let settings = Settings { selection, ..self.settings.clone() };
        let road = Road::InfluxQl(database.clone());
        asker.ask(Divider::new(&settings, &road, section, range, parts)).await
    }

    async fn series_in(
        &self,
        asker: &Asker,
        database: &Database,
        table: &Table,
        section: &Section,
    ) -> Result<u64, Error> {
        let statement = influxql::series_of(&database.name, &table.name, section);
        let series = self.count_series(asker, database, statement).await?;
        Ok(series.into_iter().map(|(_, count)| count).sum())
    }

    /// How many series each measurement has; of none, where the server cannot tell.
    pub(super) async fn count_series(
        &self,
        asker: &Asker,
        database: &Database,
        statement: String,
    ) -> Result<Vec<(String, u64)>, Error> {
        let call = influxql::call(&database.name, &[statement], &self.place().bucket);
        let body = match asker.body(call.at(self.which), self.attempts_max()).await {
            Ok(body) => body,
            // Older than 1.4, as below.
            Err(error) if error.fault == Fault::Settings => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let found = match tables(&body, 1) {
            Ok(found) => found,
            // Older than 1.4.
            Err(error) if matches!(error.fault, Fault::Settings) => return Ok(Vec::new()),
            Err(error) => return Err(error.of_side(self.which)),
        };
        let count = |cell: &crate::converter::Cell| cell.integer().and_then(|n| n.try_into().ok());
        let series = found.iter().map(|table| {
            let cell = table.rows.first().and_then(|row| row.last());
            let unfit = || Error::new(Fault::Malformed, "expected a number of series");
            Ok((table.name.clone(), cell.and_then(count).ok_or_else(unfit)?))
        });
        series.collect()
    }
}

/// All points of a measurement.
fn of_measurement(name: &str) -> Section {
    let (_, from) = Section::ALL.cut(&Dimension::Measurement, name);
    // The first name after it.
    let (whole, _) = from.unwrap_or_default().cut(&Dimension::Measurement, &format!("{name}\0"));
    whole.unwrap_or_default()
}
