//! A look at both sides before anything is moved: what would arrive, what would not, and what it takes.
//!
//! Knows the order of things; writes nothing. What cannot be asked is a finding, and the rest is asked all
//! the same. `look` is what a run asks of it before its first batch.

mod around;
mod density;
mod destination;
mod finding;
mod forecast;
mod limits;
mod look;
mod report;
mod retention;
mod rule;
mod schema;
mod strings;

use serde_json::{Value, json};

use super::inquiry::{Asker, Inquiry};
use super::journal::Journal;
use super::note::{counted, list};
use super::quota::QuotaFinder;
use super::schema::Class;
use super::side::{Changes, Classes, Column, Side};
use super::verify::slice_length;
use super::{Ending, Outcome};
use crate::converter::quoted;
use crate::error::{Error, Fault};
use crate::settings::{Settings, Start, Stop};
use crate::time::{TimeRange, Timestamp};
use density::density;
use destination::There;
pub(crate) use finding::{Finding, Weight};
use forecast::forecast;
pub(crate) use look::{is_worth, look};
use report::Report;

/// Somebody waits for the answer: a side that cannot be reached is tried once more, after a second at most.
const ATTEMPTS_MAX: u32 = 2;

/// And nothing that is asked takes longer, in nanoseconds: counting a large measurement does not.
const QUESTION_MAX: u64 = 60 * 1_000_000_000;

/// All times that a point can have.
fn always() -> TimeRange {
    TimeRange::new(Timestamp::FIRST, Timestamp::MAX).unwrap_or(TimeRange::ALL)
}

/// Opens a look at both sides.
pub(crate) fn open(settings: &str) -> Result<Inquiry, Error> {
    let (mut settings, text) = Settings::parse(settings)?;
    settings.limits.attempts_max = settings.limits.attempts_max.min(ATTEMPTS_MAX);
    Ok(Inquiry::new(async move |asker: Asker| {
        asker.keep_notes();
        asker.give_up_after(QUESTION_MAX);
        let mut report = Report::new(&settings);
        let looked = checked(&asker, &settings, &text, &mut report).await;
        if let Err(error) = looked {
            report.cannot(error);
        }
        asker.kept_notes().into_iter().map(Finding::of_note).for_each(|note| report.push(note));
        let ending = ending(&report);
        Outcome { report: report.to_text(), ..Outcome::new(ending, asker.totals()) }
    }))
}

/// As the same configuration would end a run before its first batch.
fn ending(report: &Report) -> Ending {
    if let Some(error) = &report.unreached {
        return Ending::of(error.clone());
    }
    let stops = report.of_weight(Weight::Stop).count() as u64;
    if stops == 0 {
        return Ending::Complete;
    }
    let stops = counted(stops, "finding stops", "findings stop");
    Ending::Failed(Error::new(Fault::Settings, format!("a run would not start: {stops} it")))
}

async fn checked(
    asker: &Asker,
    settings: &Settings,
    text: &Value,
    report: &mut Report,
) -> Result<(), Error> {
    around::rights(settings, text).into_iter().for_each(|finding| report.push(finding));
    let mut journal = Journal::new(settings);
    asker.asked(&mut journal).await?;
    asker.does("looking at the source".to_owned(), 0.0);
    let source = match Side::source(asker, settings).await {
        Ok(source) => Some(source),
        Err(error) => {
            report.cannot(error);
            None
        }
    };
    let beside = around::beside(asker, settings, source.as_ref()).await;
    beside.into_iter().chain(around::old_data(settings)).for_each(|finding| report.push(finding));
    let (mut classes, mut changes) = (Classes::new(), Changes::new());
    if let Some(source) = &source {
        report.source_is(source);
        if let Err(error) = of_source(asker, settings, source, &journal, report).await {
            report.cannot(error);
        } else if let Some(range) = report.range {
            match source.classes(asker, &report.tables, range).await {
                Ok(found) => classes = found,
                Err(error) => report.cannot(error),
            }
            match source.changes(asker, &report.tables, range).await {
                Ok(found) => changes = found,
                Err(error) => report.cannot(error),
            }
        }
    }
    asker.does("looking at the destination".to_owned(), 0.0);
    let range = report.range.unwrap_or_else(always);
    let there = match destination::there(asker, settings, range).await {
        Ok(Ok(there)) => Some(there),
        Ok(Err(finding)) => {
            report.push(finding);
            None
        }
        Err(error) => {
            report.cannot(error);
            None
        }
    };
    if let Some(there) = &there
        && let Err(error) = of_destination(asker, settings, there, &journal, report).await
    {
        report.cannot(error);
    }
    let tables = there.as_ref().map(|there| &there.tables);
    // What a file holds is line protocol already.
    if source.as_ref().is_none_or(|source| !source.is_file()) {
        let found = schema::findings(settings, &report.tables, &classes, &changes, tables);
        report.findings.extend(found);
    }
    if let (Some(source), Some(range)) = (&source, report.range)
        && let Err(error) = values(asker, settings, source, range, report).await
    {
        report.cannot(error);
    }
    // Who is not there was said.
    if report.unreached.is_some() {
        return Ok(());
    }
    let seconds = report.forecast.as_ref().and_then(|forecast| forecast.seconds);
    let first = report.extent().map(|(first, _)| first);
    let kept = retention::findings(asker, settings, range, first, seconds).await;
    report.findings.extend(kept);
    Ok(())
}

/// Tables, first and last points, and the range of the migration.
async fn of_source(
    asker: &Asker,
    settings: &Settings,
    source: &Side,
    journal: &Journal,
    report: &mut Report,
) -> Result<(), Error> {
    let whole = match (settings.start, settings.stop, source.is_file()) {
        (Start::At(start), Stop::At(stop), true) => TimeRange::new(start, stop),
        (Start::At(_) | Start::Earliest, Stop::At(_) | Stop::Now, _) => None,
    };
    let whole = whole.unwrap_or_else(always);
    report.tables = source.tables(asker, whole, slice_length(whole)).await?;
    source.add_tags(asker, &mut report.tables).await?;
    report.ends = source.ends(asker, &report.tables).await?;
    let start = match (settings.start, journal.earliest) {
        (Start::At(start), _) | (Start::Earliest, Some(start)) => Some(start),
        (Start::Earliest, None) => report.extent().map(|(first, _)| first),
    };
    let stop = match (settings.stop, journal.now) {
        (Stop::At(stop), _) | (Stop::Now, Some(stop)) => stop,
        (Stop::Now, None) => asker.now().saturating_sub(settings.lag).whole_second(),
    };
    report.range = start.and_then(|start| TimeRange::new(start, stop));
    if report.range.is_none() {
        let message = "there is nothing to migrate: no point, or none before the end".to_owned();
        report.push(
            Finding::warning("time", message).with_hint("look at `migration.start` and `stop`"),
        );
    }
    // A condition may leave out all of a measurement.
    if source.tells_types() && settings.selection.is_by_name() {
        let is_silent = |name: &&String| !report.ends.contains_key(*name);
        let silent: Vec<_> = report.tables.keys().filter(is_silent).cloned().collect();
        if !silent.is_empty() {
            let message =
                format!("no query returns a point of {}, and it is listed", list(&silent));
            let hint = "its points were deleted, or its name was written with `\\=`, and cannot be read \
                        by any query: then export the shards";
            let data = json!({ "measurements": silent });
            report.push(Finding::warning("names", message).with_hint(hint).with(data));
        }
    }
    beyond_now(asker, settings, source, report).await
}

/// Points dated later than now: a migration to "now" leaves them.
async fn beyond_now(
    asker: &Asker,
    settings: &Settings,
    source: &Side,
    report: &mut Report,
) -> Result<(), Error> {
    let now = asker.now();
    let late: Vec<_> =
        report.ends.iter().filter(|(_, (_, last))| *last >= now).map(|(name, _)| name).collect();
    let Some(range) = TimeRange::new(now, Timestamp::MAX) else { return Ok(()) };
    let mut values = 0;
    for table in late.iter().filter_map(|name| report.tables.get(*name)) {
        let counts = source.count(asker, table, range, LONG_SLICE).await?;
        values += counts.0.values().flat_map(|slices| slices.values()).sum::<u64>();
    }
    if late.is_empty() {
        return Ok(());
    }
    let count =
        if values > 0 { counted(values, "value is", "values are") } else { "some are".into() };
    let message = format!("{count} dated later than now, {now}");
    let data = json!({ "values": values, "measurements": late });
    let is_moved = matches!(settings.stop, Stop::At(stop) if stop > now);
    let hint = match is_moved {
        true => "those before `migration.stop` are moved",
        false => "they stay behind: give a later `migration.stop` if they are wanted",
    };
    report.push(Finding::warning("time", message).with_hint(hint).with(data));
    Ok(())
}

/// Where a count is one number, slices are a year long.
const LONG_SLICE: u64 = 366 * 86_400 * 1_000_000_000;

/// What the destination has.
async fn of_destination(
    asker: &Asker,
    settings: &Settings,
    there: &There,
    journal: &Journal,
    report: &mut Report,
) -> Result<(), Error> {
    report.destination_is(&there.side);
    let bucket = &settings.destination.place().bucket;
    if there.is_new {
        let message =
            format!("the destination `{bucket}` does not exist yet: the first write makes it");
        let hint = "look at its name: a misspelt one is made as well";
        report.push(Finding::info("destination", message).with_hint(hint));
    }
    if journal.begun {
        let batches = counted(journal.records, "batch is", "batches are");
        report.push(if there.is_new && journal.records > 0 {
            let message = format!("{batches} on record, and the destination is not there any more");
            let hint = "`tsm2iox verify --repair` moves them again; or move the checkpoint away";
            Finding::stop("destination", message).with_hint(hint)
        } else if report.range.is_some_and(|range| journal.coverage.covers(range)) {
            Finding::info("destination", "all of it is on record: a run has nothing to move".into())
        } else {
            let message =
                format!("it is begun already: {batches} done, and a run goes on from there");
            Finding::info("destination", message)
        });
        return Ok(());
    }
    if let Some(range) = report.range {
        let found = there.data(asker, settings, range, &report.tables).await?;
        found.into_iter().for_each(|finding| report.push(finding));
    }
    Ok(())
}

/// How many values there are, where types change, what strings hold, and what all of it takes.
async fn values(
    asker: &Asker,
    settings: &Settings,
    source: &Side,
    range: TimeRange,
    report: &mut Report,
) -> Result<(), Error> {
    // Of a file, what was read of it is known.
    let slice = slice_length(range);
    report.slice = slice;
    let density = density(asker, source, &report.tables, &report.ends, range, slice).await?;
    where_types_change(&density, report);
    if density.is_exact() && density.values() == 0 {
        let message = format!("no point is in {range}");
        let hint = "look at `migration.start`, `stop` and `measurements`";
        report.push(Finding::warning("time", message).with_hint(hint));
    }
    let density = report.density.insert(density);
    let found = strings::findings(asker, source, &report.tables, density, range).await?;
    report.findings.extend(found);
    let quotas = asker.ask(QuotaFinder::new(settings)).await?;
    let (tables, times) = (&report.tables, (range, slice));
    let made = forecast(asker, settings, source, tables, density, times, quotas).await?;
    report.forecast = Some(made);
    Ok(())
}

/// The slices in which a field has each class of types.
fn where_types_change(density: &density::Density, report: &mut Report) {
    for (name, table) in &density.tables {
        let mut fields =
            std::collections::BTreeMap::<&String, Vec<(Class, Timestamp, Timestamp)>>::new();
        for (Column { field, class }, slices) in &table.counts.0 {
            let (Some(class), Some((first, _)), Some((last, _))) =
                (class, slices.first_key_value(), slices.last_key_value())
            else {
                continue;
            };
            fields.entry(field).or_default().push((*class, *first, *last));
        }
        for (field, of) in fields {
            let part = |(class, first, last): &(Class, Timestamp, Timestamp)| {
                let end = last.saturating_add(report.slice);
                format!("{} from {first} to before {end}", class.name())
            };
            let parts: Vec<_> = of.iter().map(part).collect();
            let message =
                format!("`{}` of `{}` has {}", quoted(field), quoted(name), parts.join(", "));
            let data = json!({
                "measurement": name,
                "field": field,
                "classes": of.iter().map(|(class, first, last)| json!({
                    "class": class.name(),
                    "first_slice": first.to_string(),
                    "last_slice": last.to_string(),
                })).collect::<Vec<_>>(),
            });
            report.findings.push(Finding::info("types", message).with(data));
        }
    }
}
