//! What a side is looked at for before anything is moved: tags, first and last points, which types there are.
//!
//! Few rows are asked for, of many measurements at once. Does not know what follows from them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Side, Table, Way};
use crate::converter::{Cell, first_time, tables};
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::road::Database;
use crate::plan::schema::{Class, Measurement};
use crate::protocol::influxql::{self, Scope};
use crate::protocol::{flux, iox, sql};
use crate::section::Section;
use crate::time::{TimeRange, Timestamp};

/// Of fields whose type changes, the classes of which there are values: by measurement and field.
pub(crate) type Classes = BTreeMap<(String, String), BTreeSet<Class>>;

/// The times of the first and the last point.
pub(crate) type Ends = (Timestamp, Timestamp);

impl Side {
    /// What InfluxQL of 1.x and 2.x knows it as, if it is asked by that.
    pub(crate) fn database(&self) -> Option<&Database> {
        match &self.way {
            Way::InfluxQl(database) => Some(database),
            Way::Flux | Way::Sql | Way::Iox | Way::File => None,
        }
    }

    /// Whether its tables tell fields and types.
    pub(crate) fn tells_types(&self) -> bool {
        match self.way {
            Way::InfluxQl(_) | Way::Sql | Way::Iox => true,
            Way::Flux | Way::File => false,
        }
    }

    /// Asks for tags, where the listing of the tables has not told them.
    pub(crate) async fn add_tags(
        &self,
        asker: &Asker,
        all: &mut BTreeMap<String, Table>,
    ) -> Result<(), Error> {
        let Way::InfluxQl(database) = &self.way else { return Ok(()) };
        let names = &self.settings.selection.measurements;
        for policy in &database.policies {
            let statements = influxql::all_tag_keys(&database.name, policy, names);
            for some in statements.chunks(influxql::STATEMENTS_MAX) {
                let bucket = &self.place().bucket;
                let call = influxql::call_at_once(&database.name, policy, some, bucket);
                let found = asker.body(call.at(self.which), self.attempts_max()).await;
                let found = found.and_then(|body| tables(&body, some.len()));
                for series in found.map_err(|error| error.of_side(self.which))? {
                    let Some(table) = all.get_mut(&series.name) else { continue };
                    let keys = series.texts(["tagKey"])?;
                    table.tags.extend(keys.into_iter().map(|[key]| key.to_owned()));
                    table.tags.sort_unstable();
                    table.tags.dedup();
                }
            }
        }
        Ok(())
    }

    /// The first of these tables that has a point in the range. Where a server takes no such query, for it
    /// would look at too many files, there is one.
    pub(crate) async fn first_with_points(
        &self,
        asker: &Asker,
        all: &[&Table],
        range: TimeRange,
    ) -> Result<Option<String>, Error> {
        if let Way::InfluxQl(_) = &self.way {
            for table in all {
                // Mostly the first section shows it: the others are asked for then.
                for section in self.sections(asker, table, range).await? {
                    let scopes =
                        table.parts.iter().filter_map(|part| self.scope(part, range, &section));
                    let statements =
                        scopes.map(|scope| influxql::first("*::field", scope)).collect();
                    let rows = self.first_rows(asker, statements).await?;
                    if rows.iter().any(Option::is_some) {
                        return Ok(Some(table.name.clone()));
                    }
                }
            }
            return Ok(None);
        }
        for table in all {
            let call = match &self.way {
                Way::Sql => sql::one(self.place(), &table.name, range),
                Way::Iox => iox::one(self.place(), &table.name, range),
                // These list only tables with points in the range.
                Way::InfluxQl(_) | Way::Flux | Way::File => return Ok(Some(table.name.clone())),
            };
            let found = match asker.body_soon(call, self.attempts_max()).await {
                Ok(body) => match &self.way {
                    Way::Sql => sql::rows(&body).map(|rows| !rows.is_empty()),
                    Way::InfluxQl(_) | Way::Flux | Way::Iox | Way::File => {
                        iox::series(&body).map(|series| !series.is_empty())
                    }
                },
                Err(error) => Err(error),
            };
            match found {
                Ok(false) => {}
                Ok(true) => return Ok(Some(table.name.clone())),
                Err(error) if error.fault == Fault::TooLarge => {
                    return Ok(Some(table.name.clone()));
                }
                Err(error) => return Err(error.of_side(self.which)),
            }
        }
        Ok(None)
    }

    /// The first and the last point of each table that has one; by Flux, of all tables together, which have
    /// no name then. Nothing of a file.
    pub(crate) async fn ends(
        &self,
        asker: &Asker,
        all: &BTreeMap<String, Table>,
    ) -> Result<BTreeMap<String, Ends>, Error> {
        let found = self.find_ends(asker, all).await;
        found.map_err(|error| error.of_side(self.which))
    }

    async fn find_ends(
        &self,
        asker: &Asker,
        all: &BTreeMap<String, Table>,
    ) -> Result<BTreeMap<String, Ends>, Error> {
        let mut ends = BTreeMap::<String, Ends>::new();
        match &self.way {
            Way::InfluxQl(_) => {
                let (mut names, mut statements) = (Vec::new(), Vec::new());
                for table in all.values() {
                    let sections = self.sections(asker, table, TimeRange::ALL).await?;
                    let each =
                        table.parts.iter().flat_map(|p| sections.iter().map(move |s| (p, s)));
                    for (part, section) in each {
                        let Some(scope) = self.scope(part, TimeRange::ALL, section) else {
                            continue;
                        };
                        for column in columns(part) {
                            names.extend([&part.name, &part.name]);
                            statements.push(influxql::first(&column, scope));
                            statements.push(influxql::last(&column, scope));
                        }
                    }
                }
                let rows = self.first_rows(asker, statements).await?;
                for (name, row) in names.into_iter().zip(rows) {
                    let Some(time) = row.as_deref().and_then(time_of_row) else { continue };
                    let (first, last) = ends.entry(name.clone()).or_insert((time, time));
                    (*first, *last) = ((*first).min(time), (*last).max(time));
                }
            }
            Way::Flux => {
                let (place, selection) = (self.place(), &self.settings.selection);
                let mut times = Vec::new();
                for call in [flux::earliest(place, selection), flux::latest(place, selection)] {
                    let body = asker.body(call.at(self.which), self.attempts_max()).await?;
                    times.push(first_time(&body)?);
                }
                if let [Some(first), Some(last)] = times[..] {
                    ends.insert(String::new(), (first, last));
                }
            }
            Way::Sql | Way::Iox | Way::File => {}
        }
        Ok(ends)
    }

    /// Which classes the fields whose type changes have in a range.
    pub(crate) async fn classes(
        &self,
        asker: &Asker,
        all: &BTreeMap<String, Table>,
        range: TimeRange,
    ) -> Result<Classes, Error> {
        let (mut asked, mut statements) = (Vec::new(), Vec::new());
        for table in all.values().filter(|t| t.parts.iter().any(Measurement::has_changing_types)) {
            let sections = self.sections(asker, table, range).await?;
            let each = table.parts.iter().flat_map(|p| sections.iter().map(move |s| (p, s)));
            for (part, section) in each {
                let Some(scope) = self.scope(part, range, section) else { continue };
                for field in part.fields.iter().filter(|field| field.types.len() > 1) {
                    for (class, column) in Class::ALL.into_iter().zip(field.typed_columns()) {
                        asked.push((part.name.clone(), field.name.clone(), class));
                        statements.push(influxql::first(&column, scope));
                    }
                }
            }
        }
        let rows = self.first_rows(asker, statements).await?;
        let mut classes = Classes::new();
        for ((table, field, class), row) in asked.into_iter().zip(rows) {
            let there = classes.entry((table, field)).or_default();
            there.extend(row.map(|_| class));
        }
        Ok(classes)
    }

    /// How many values of a field of strings hold a carriage return.
    pub(crate) async fn carriage_returns(
        &self,
        asker: &Asker,
        table: &Table,
        part: &Measurement,
        field: &str,
        range: TimeRange,
    ) -> Result<u64, Error> {
        let sections = self.sections(asker, table, range).await?;
        let scopes = sections.iter().filter_map(|section| self.scope(part, range, section));
        let statements = scopes.map(|scope| influxql::carriage_returns(field, scope)).collect();
        let rows = self.first_rows(asker, statements).await?;
        let count = |row: Vec<Cell>| row.get(1).and_then(Cell::integer);
        let counts = rows.into_iter().flatten().filter_map(count);
        Ok(counts.filter_map(|count| u64::try_from(count).ok()).sum())
    }

    /// The first row of the answer to each of these statements of InfluxQL, if there is one.
    pub(super) async fn first_rows(
        &self,
        asker: &Asker,
        mut statements: Vec<String>,
    ) -> Result<Vec<Option<Vec<Cell>>>, Error> {
        let Way::InfluxQl(database) = &self.way else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        while !statements.is_empty() {
            let some = influxql::first_that_fit(statements.iter().cloned());
            statements.drain(..some.len());
            let call = influxql::call(&database.name, &some, &self.place().bucket);
            let body = asker.body_soon(call.at(self.which), self.attempts_max()).await?;
            let mut found = vec![None; some.len()];
            let answers = tables(&body, some.len()).map_err(|error| error.of_side(self.which))?;
            for table in answers {
                let row = table.rows.into_iter().next();
                if let Some(place) = found.get_mut(table.statement).filter(|place| place.is_none())
                {
                    *place = row;
                }
            }
            rows.append(&mut found);
        }
        Ok(rows)
    }

    pub(super) fn scope<'a>(
        &'a self,
        part: &'a Measurement,
        range: TimeRange,
        section: &'a Section,
    ) -> Option<Scope<'a>> {
        Some(Scope {
            database: &self.database()?.name,
            policy: &part.policy,
            measurement: &part.name,
            range,
            section,
            condition: self.condition_of(part),
        })
    }

    /// The condition, as far as it is asked of this part: one about a field whose type changes would not see all
    /// points of several shard groups.
    fn condition_of(&self, part: &Measurement) -> Option<&str> {
        let condition = self.settings.selection.condition.as_deref()?;
        let mut changing = part.fields.iter().filter(|field| field.types.len() > 1);
        // It may be about something else of that name: then more is asked than need be.
        let is_about = changing.any(|field| condition.contains(field.name.as_str()));
        (!is_about).then_some(condition)
    }

    /// Whether more of a table is counted than a condition selects.
    pub(crate) fn counts_more(&self, table: &Table) -> bool {
        self.settings.selection.condition.is_some()
            && table.parts.iter().any(|part| self.condition_of(part).is_none())
    }
}

/// What finds all rows of a measurement. One for all fields does not see the values of a weaker type.
fn columns(part: &Measurement) -> Vec<String> {
    let changing = part.fields.iter().filter(|field| field.types.len() > 1);
    let typed = changing.flat_map(|field| field.typed_columns());
    ["*::field".to_owned()].into_iter().chain(typed).collect()
}

fn time_of_row(row: &[Cell]) -> Option<Timestamp> {
    row.first().and_then(Cell::integer).map(Timestamp)
}
