//! Comparing both sides: how many values each measurement and field has in each slice of time, and where
//! that differs, or on request everywhere, the values themselves.
//!
//! Knows the order of things; `side` knows how a side is asked, and `compare` what its answers mean together.
//! Needs no records: it can compare what another program has moved.

mod compare;
mod groups;
mod known;
mod look;
mod mend;
mod repair;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use super::earliest::{Earliest, First};
use super::inquiry::{Asker, Inquiry};
use super::journal::Journal;
use super::note::percentage;
use super::pace::Pace;
use super::quota::QuotaFinder;
use super::side::{DAY, Side, Table};
use super::{Ending, Note, Outcome};
use crate::error::{Error, Fault};
use crate::settings::{Destination, Settings, Start, Stop};
use crate::time::{TimeRange, Timestamp};
use compare::Comparison;
use known::Known;
use repair::Repair;
use report::Report;

/// A slice is as long as the first of these, in nanoseconds, of which there are at most so many: people
/// think in them, and their beginnings are those of UTC.
const SLICES: [u64; 4] = [HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR];
const SLICES_MAX: u64 = 1000;
const HOUR: u64 = 3600 * 1_000_000_000;
/// So often tables are listed until two answers are the same.
const LIST_ATTEMPTS_MAX: u32 = 4;

/// Opens a comparison.
pub(crate) fn open(settings: &str) -> Result<Inquiry, Error> {
    let (settings, _) = Settings::parse(settings)?;
    Ok(Inquiry::new(async move |asker: Asker| match compared(&asker, &settings).await {
        Ok((report, broken_off)) => {
            let ending = match broken_off {
                Some(error) => Ending::of(error),
                None if report.is_same() => Ending::Complete,
                None => Ending::Different,
            };
            let totals = asker.totals();
            Outcome { report: report.to_text(totals.read), ..Outcome::new(ending, totals) }
        }
        Err(error) => Outcome::new(Ending::of(error), asker.totals()),
    }))
}

/// What was found, and why it is not all, if it is not.
async fn compared(asker: &Asker, settings: &Settings) -> Result<(Report, Option<Error>), Error> {
    if settings.verify.repair && matches!(settings.destination, Destination::File(_)) {
        // A run that goes on cuts the file to what is recorded of it.
        let message = "a file as destination is not repaired".to_owned();
        let hint = "move it and the checkpoint away, and migrate again";
        return Err(Error::new(Fault::Settings, message).with_hint(hint));
    }
    let mut journal = Journal::new(settings);
    asker.asked(&mut journal).await?;
    let (source, destination) =
        asker.both(Side::source(asker, settings), Side::destination(asker, settings)).await?;
    let mut report = Report::new(settings, &source, &destination, asker.now());
    let range = range(asker, settings, &journal, &source, &mut report).await?;
    let by_flux = [&source, &destination].into_iter().any(Side::is_by_flux);
    let slice = slice_length(range).min(if by_flux { DAY } else { u64::MAX });
    report.begin(range, slice);
    if !journal.coverage.covers(range) {
        report.leave_undone(journal.coverage.percent_of(range));
    }
    if journal.begun && !journal.coverage.covers(range) {
        let percent = percentage(journal.coverage.percent_of(range));
        let message = format!("the migration is not complete: {percent} of {range} is on record");
        asker.note(Note::warning(message).with_hint("what is left of it counts as missing"));
    }
    let known = Known::read(asker, settings).await?;
    let (read, write) = asker.ask(QuotaFinder::new(settings)).await?;
    asker.keep_to(Pace::new(read, settings.limits.rate));
    let repair = settings.verify.repair.then(|| Repair::new(settings, write, known.points()));
    let (of_source, of_destination) = asker
        .both(listed(asker, &source, range, slice), there(asker, &destination, range, slice))
        .await?;
    let mut pairs = pairs(&source, of_source, &destination, of_destination);
    let selection = &settings.selection;
    let selected: BTreeSet<_> =
        selection.measurements.iter().map(|name| source.key_of(name)).collect();
    // What else there is, is no part of a selection.
    pairs.retain(|key, pair| {
        let is_selected = selected.is_empty() || selected.contains(key);
        !pair.source.is_empty() || selection.is_by_name() && is_selected
    });
    let mut comparison = Comparison {
        asker,
        settings,
        source: &source,
        destination: &destination,
        known,
        pending: Vec::new(),
        repair,
        report,
    };
    let count = pairs.len();
    for (place, (key, pair)) in pairs.into_iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a percentage is for people")]
        let percent = place as f64 / count as f64 * 100.0;
        asker.does(format!("comparing `{key}`"), percent);
        match comparison.compare(&key, pair, range, slice).await {
            Ok(()) => {}
            // It is about this table alone.
            Err(error) if matches!(error.fault, Fault::Unsupported | Fault::TooLarge) => {
                comparison.report.not_compared(&key, range, &error.message);
            }
            Err(error) => {
                comparison.report.break_off(&key, &error);
                return Ok((comparison.report, Some(error)));
            }
        }
    }
    let report = comparison.report;
    let nothing = report.is_empty().then(|| nothing_compared(range));
    Ok((report, nothing))
}

/// The tables of a side, asked for until two answers are the same: what an answer leaves out must not pass for a
/// difference. A file is read once.
async fn listed(
    asker: &Asker,
    side: &Side,
    range: TimeRange,
    slice: u64,
) -> Result<BTreeMap<String, Table>, Error> {
    let mut tables = side.tables(asker, range, slice).await?;
    if side.is_file() {
        return Ok(tables);
    }
    for _ in 1..LIST_ATTEMPTS_MAX {
        let before = std::mem::replace(&mut tables, side.tables(asker, range, slice).await?);
        let is_same = |(one, other): (&Table, &Table)| one.is_listed_as(other);
        if before.len() == tables.len() && before.values().zip(tables.values()).all(is_same) {
            return Ok(tables);
        }
    }
    let side = side.which;
    let message = format!("each time that the {} is listed, it has other fields", side.name());
    let hint = "run it again when nobody writes there";
    Err(Error::new(Fault::Unavailable, message).at(side).with_hint(hint))
}

/// The tables of the destination; a database that is not there has none, for the first write makes it.
async fn there(
    asker: &Asker,
    destination: &Side,
    range: TimeRange,
    slice: u64,
) -> Result<BTreeMap<String, Table>, Error> {
    match listed(asker, destination, range, slice).await {
        Err(error) if error.fault == Fault::Missing && !destination.is_file() => {
            asker.note(Note::warning(format!("{error}; it counts as empty")));
            Ok(BTreeMap::new())
        }
        found => found,
    }
}

/// Nobody may take that for a proof.
fn nothing_compared(range: TimeRange) -> Error {
    let message = format!("nothing was compared: neither side has a value in {range}");
    let hint = "look at `migration.measurements`, the times, and the buckets";
    Error::new(Fault::Settings, message).with_hint(hint)
}

/// All tables of the source that become one of the destination, and that.
#[derive(Debug, Default)]
struct Pair {
    source: Vec<Table>,
    destination: Option<Table>,
}

impl Pair {
    /// Whether no point can come from two tables or retention policies of the source, and arrive once.
    fn is_one(&self) -> bool {
        self.source.len() == 1 && self.source.iter().all(|table| table.parts.len() < 2)
    }
}

/// By the name that both have at the destination, as line protocol.
fn pairs(
    source: &Side,
    of_source: BTreeMap<String, Table>,
    destination: &Side,
    of_destination: BTreeMap<String, Table>,
) -> BTreeMap<String, Pair> {
    let mut pairs = BTreeMap::<_, Pair>::new();
    for table in of_source.into_values() {
        pairs.entry(source.key_of(&table.name)).or_default().source.push(table);
    }
    for table in of_destination.into_values() {
        let pair = pairs.entry(destination.key_of(&table.name)).or_default();
        pair.destination = Some(table);
    }
    pairs
}

/// The times to compare: those of the migration, as far as they are old enough.
async fn range(
    asker: &Asker,
    settings: &Settings,
    journal: &Journal,
    source: &Side,
    report: &mut Report,
) -> Result<TimeRange, Error> {
    let start = match (settings.start, journal.earliest, source.road()) {
        (Start::At(start), _, _) | (Start::Earliest, Some(start), _) => start,
        (Start::Earliest, None, None) => Timestamp::MIN,
        (Start::Earliest, None, Some(road)) => {
            match asker.ask(Earliest::new(settings, &road)).await? {
                First::Point(start) => start,
                First::Nothing => {
                    let message = "nothing was compared: the source has no points".to_owned();
                    let hint = "look at `migration.measurements` and `source.bucket`";
                    return Err(Error::new(Fault::Settings, message).with_hint(hint));
                }
            }
        }
    };
    let young = asker.now().saturating_sub(settings.lag).whole_second();
    let stop = match (settings.stop, journal.now) {
        (Stop::At(stop), _) | (Stop::Now, Some(stop)) => stop,
        (Stop::Now, None) => young,
    };
    let Some(range) = TimeRange::new(start, stop) else {
        let message = format!("there is nothing to compare from {start} to {stop}");
        return Err(Error::new(Fault::Settings, message));
    };
    // Of a file nothing is young.
    if source.is_file() || stop <= young {
        return Ok(range);
    }
    let old = young.max(start);
    if let Some(range) = TimeRange::new(old, stop) {
        report.leave_out(range);
        let message = format!(
            "{range} is left out: it is younger than `migration.lag`, and may still change"
        );
        asker.note(Note::info(message));
    }
    TimeRange::new(start, old).ok_or_else(|| {
        let message = "nothing was compared: all of it is younger than `migration.lag`".to_owned();
        Error::new(Fault::Settings, message).with_hint("wait until it is older")
    })
}

/// How long a slice is.
pub(super) fn slice_length(range: TimeRange) -> u64 {
    let fits = |slice: &&u64| range.nanoseconds() / **slice < SLICES_MAX;
    SLICES.iter().find(fits).copied().unwrap_or(range.nanoseconds() / SLICES_MAX)
}
