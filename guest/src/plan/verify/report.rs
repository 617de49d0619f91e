//! What a comparison has found, for whoever signs the migration off: as JSON, and as text.
//!
//! Does not know how it was found. Numbers are of values; `missing` are those that only the source has,
//! `extra` those that only the destination has, `different` those that differ, `known` those that were set
//! aside, `repaired` those that were missing and have arrived since.

mod json;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::groups::Group;
use crate::converter::Dialect;
use crate::error::Error;
use crate::plan::side::{Digest, Key, Side, slice_of};
use crate::progress::Route;
use crate::settings::{Destination, Place, Settings};
use crate::time::{TimeRange, Timestamp};

/// So many rows of differences are kept: of more, only the sums.
const ROWS_MAX: usize = 10_000;
/// So many ranges are kept that were not compared, and so many that are unexplained.
const RANGES_MAX: usize = 1000;
/// So many values of each kind are shown.
const EXAMPLES_MAX: usize = 100;

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Missing,
    Different,
    Extra,
    Known,
    Repaired,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Missing, Self::Different, Self::Extra, Self::Known, Self::Repaired];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Extra => "extra",
            Self::Known => "known",
            Self::Repaired => "repaired",
        }
    }

    /// Whether both sides are not the same for it.
    fn differs(self) -> bool {
        match self {
            Self::Missing | Self::Different | Self::Extra => true,
            Self::Known | Self::Repaired => false,
        }
    }
}

/// All that was found.
#[derive(Debug)]
pub(super) struct Report {
    sides: [About; 2],
    policies: Value,
    fingerprint: String,
    is_deep: bool,
    repairs: bool,
    compared_at: Timestamp,
    destination_is: What,
    range: Option<TimeRange>,
    /// Nanoseconds.
    slice: u64,
    left_out: Option<TimeRange>,
    /// How much of the migration is on record, if that is not all.
    recorded_percent: Option<f64>,
    slices: BTreeMap<Timestamp, Slice>,
    /// Values of both sides, by measurement and field.
    fields: BTreeMap<(String, String), [u64; 2]>,
    /// How many of each kind, by measurement, field and slice.
    rows: BTreeMap<(String, String, Timestamp), BTreeMap<Kind, u64>>,
    /// Values in rows that are not kept.
    values_beyond_rows: u64,
    /// The sums of all rows, by measurement and field.
    sums: BTreeMap<(String, String), Sum>,
    kinds: BTreeMap<Kind, u64>,
    examples: BTreeMap<Kind, Vec<Example>>,
    /// Where counts differ, and the values that were read do not.
    unexplained: Vec<Unexplained>,
    not_compared: Vec<NotCompared>,
    /// Ranges that are in none of both lists.
    ranges_left_out: u64,
    /// Why it ends before its end, if it does.
    broken_off: Option<String>,
    /// Points that were refused when they were to be repaired, and are set aside.
    pub(super) refused: u64,
}

/// What the destination is, as far as advice depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Influx3,
    File,
    Other,
}

/// A side, for people.
#[derive(Debug)]
struct About {
    place: Place,
    language: &'static str,
}

/// Both sides in a slice.
#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    values: [u64; 2],
    hashes: [u128; 2],
}

/// What differs of a field.
#[derive(Debug)]
struct Sum {
    kinds: BTreeMap<Kind, u64>,
    /// The beginnings of the first slice and of the last one.
    first: Timestamp,
    last: Timestamp,
}

#[derive(Debug)]
struct Example {
    key: Key,
    values: [Option<String>; 2],
}

#[derive(Debug)]
struct Unexplained {
    table: String,
    range: TimeRange,
    values: [u64; 2],
}

#[derive(Debug)]
struct NotCompared {
    table: String,
    range: TimeRange,
    why: String,
}

impl Report {
    pub(super) fn new(
        settings: &Settings,
        source: &Side,
        destination: &Side,
        now: Timestamp,
    ) -> Self {
        let about =
            |place: &Place, side: &Side| About { place: place.clone(), language: side.language() };
        let places = [settings.source.place(), settings.destination.place()];
        let policies = json::policies(settings);
        let Route { source: of, destination: to, selection } = Route::of(settings);
        let parts = |place: &Place| json!([place.url, place.org, place.bucket]);
        let route = json!([parts(&of), parts(&to), selection, policies]).to_string();
        Self {
            sides: [about(places[0], source), about(places[1], destination)],
            fingerprint: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(route.as_bytes())),
            policies,
            is_deep: settings.verify.deep,
            repairs: settings.verify.repair,
            compared_at: now.whole_second(),
            destination_is: match (&settings.destination, settings.dialect) {
                (Destination::File(_), _) => What::File,
                (_, Dialect::Iox) => What::Influx3,
                (_, Dialect::Tsm | Dialect::Common) => What::Other,
            },
            range: None,
            slice: 1,
            left_out: None,
            recorded_percent: None,
            slices: BTreeMap::new(),
            fields: BTreeMap::new(),
            rows: BTreeMap::new(),
            values_beyond_rows: 0,
            sums: BTreeMap::new(),
            kinds: BTreeMap::new(),
            examples: BTreeMap::new(),
            unexplained: Vec::new(),
            not_compared: Vec::new(),
            ranges_left_out: 0,
            broken_off: None,
            refused: 0,
        }
    }

    /// What is compared, in slices of so many nanoseconds.
    pub(super) fn begin(&mut self, range: TimeRange, slice: u64) {
        (self.range, self.slice) = (Some(range), slice);
    }

    /// How long a slice is, in nanoseconds.
    pub(super) fn slice(&self) -> u64 {
        self.slice
    }

    /// So many percent of it alone are on record.
    pub(super) fn leave_undone(&mut self, percent: f64) {
        self.recorded_percent = Some(percent);
    }

    /// What is too young to be compared.
    pub(super) fn leave_out(&mut self, range: TimeRange) {
        self.left_out = Some(range);
    }

    /// Takes what was counted of a table.
    pub(super) fn count(&mut self, table: &str, group: &Group) {
        let both = [&group.source, &group.destination];
        if both.iter().all(|slices| slices.is_empty()) {
            return;
        }
        let of_field = self.fields.entry((table.to_owned(), group.name())).or_default();
        for (side, slices) in both.into_iter().enumerate() {
            for (start, count) in slices {
                of_field[side] = of_field[side].saturating_add(*count);
                let of_slice = &mut self.slices.entry(*start).or_default().values[side];
                *of_slice = of_slice.saturating_add(*count);
            }
        }
    }

    /// Takes back what was counted of a table.
    pub(super) fn uncount(&mut self, table: &str, groups: &[Group]) {
        for group in groups {
            self.fields.remove(&(table.to_owned(), group.name()));
            for (side, slices) in [&group.source, &group.destination].into_iter().enumerate() {
                for (start, count) in slices {
                    let of_slice = &mut self.slices.entry(*start).or_default().values[side];
                    *of_slice = of_slice.saturating_sub(*count);
                }
            }
        }
    }

    /// By how many values the source of a table has more than the destination had, as they were found.
    pub(super) fn found(&self, table: &str) -> i128 {
        self.sums_of(table).fold(0, |sum, (kind, count)| match kind {
            Kind::Missing | Kind::Known | Kind::Repaired => sum + i128::from(count),
            Kind::Extra => sum - i128::from(count),
            Kind::Different => sum,
        })
    }

    /// How many values of a table were repaired.
    pub(super) fn repaired(&self, table: &str) -> u64 {
        let repaired = self.sums_of(table).filter(|(kind, _)| *kind == Kind::Repaired);
        repaired.fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    fn sums_of(&self, table: &str) -> impl Iterator<Item = (Kind, u64)> {
        let of_table = self.sums.iter().filter(move |((name, _), _)| name == table);
        of_table.flat_map(|(_, sum)| sum.kinds.iter().map(|(kind, count)| (*kind, *count)))
    }

    /// Whether some of a table was not compared, or is not explained.
    pub(super) fn is_open_at(&self, table: &str) -> bool {
        self.ranges_left_out > 0
            || self.not_compared.iter().any(|left_out| left_out.table == table)
            || self.unexplained.iter().any(|range| range.table == table)
    }

    /// Takes a slice that only one side has, as far as it differs.
    pub(super) fn one_sided(&mut self, table: &str, group: &Group, start: Timestamp) {
        let of = |slices: &super::groups::Slices| slices.get(&start).copied().unwrap_or(0);
        let (source, destination) = (of(&group.source), of(&group.destination));
        self.add(Kind::Missing, table, &group.name(), start, source.saturating_sub(destination));
        self.add(Kind::Extra, table, &group.name(), start, destination.saturating_sub(source));
    }

    /// Takes a value.
    pub(super) fn find(
        &mut self,
        kind: Kind,
        table: &str,
        key: &Key,
        source: Option<&str>,
        destination: Option<&str>,
    ) {
        self.add(kind, table, &key.field, key.time, 1);
        let examples = self.examples.entry(kind).or_default();
        if examples.len() < EXAMPLES_MAX {
            let values = [source, destination].map(|value| value.map(str::to_owned));
            examples.push(Example { key: key.clone(), values });
        }
    }

    fn add(&mut self, kind: Kind, table: &str, field: &str, time: Timestamp, count: u64) {
        if count == 0 {
            return;
        }
        *self.kinds.entry(kind).or_default() += count;
        let start = slice_of(time, self.slice);
        let new = || Sum { kinds: BTreeMap::new(), first: start, last: start };
        let sum = self.sums.entry((table.to_owned(), field.to_owned())).or_insert_with(new);
        (sum.first, sum.last) = (sum.first.min(start), sum.last.max(start));
        *sum.kinds.entry(kind).or_default() += count;
        let row = (table.to_owned(), field.to_owned(), start);
        if self.rows.len() < ROWS_MAX || self.rows.contains_key(&row) {
            *self.rows.entry(row).or_default().entry(kind).or_default() += count;
        } else {
            self.values_beyond_rows += count;
        }
    }

    /// Takes values that cannot be written: those that stand in the file of what was set aside, and those that
    /// do not.
    pub(super) fn set_aside(&mut self, table: &str, range: TimeRange, known: u64, lost: u64) {
        self.add(Kind::Known, table, "", range.start(), known);
        self.add(Kind::Missing, table, "", range.start(), lost);
    }

    /// Takes how many values were counted of both sides, where those that were read do not explain it.
    pub(super) fn unexplained(&mut self, table: &str, range: TimeRange, values: [u64; 2]) {
        if self.unexplained.len() == RANGES_MAX {
            self.ranges_left_out += 1;
            return;
        }
        self.unexplained.push(Unexplained { table: table.to_owned(), range, values });
    }

    /// Takes what could not be compared, and why.
    pub(super) fn not_compared(&mut self, table: &str, range: TimeRange, why: &str) {
        if self.not_compared.len() == RANGES_MAX {
            self.ranges_left_out += 1;
            return;
        }
        let (table, why) = (table.to_owned(), why.to_owned());
        self.not_compared.push(NotCompared { table, range, why });
    }

    /// It ends before its end: what follows this table was not compared.
    pub(super) fn break_off(&mut self, table: &str, error: &Error) {
        self.broken_off = Some(format!("at {table}: {error}"));
    }

    /// Takes the content of both sides.
    pub(super) fn digest(&mut self, source: &Digest, destination: &Digest) {
        for (side, digest) in [source, destination].into_iter().enumerate() {
            for (start, hash) in &digest.slices {
                let slice = self.slices.entry(*start).or_default();
                slice.hashes[side] = slice.hashes[side].wrapping_add(*hash);
            }
        }
    }

    /// Whether neither side has anything.
    pub(super) fn is_empty(&self) -> bool {
        self.values() == [0, 0] && self.kinds.is_empty() && self.not_compared.is_empty()
    }

    /// Whether both sides are the same, but for what is known.
    pub(super) fn is_same(&self) -> bool {
        let differs = |(kind, _): (&Kind, &u64)| kind.differs();
        let is_whole =
            self.range.is_some() && self.not_compared.is_empty() && self.broken_off.is_none();
        let differs = self.kinds.iter().any(differs) || self.refused > 0;
        is_whole && !differs && self.unexplained.is_empty() && !self.is_empty()
    }

    /// Whether nothing differs, but not all could be compared.
    pub(super) fn is_open(&self) -> bool {
        let differs = |(kind, _): (&Kind, &u64)| kind.differs();
        !self.is_same() && !self.kinds.iter().any(differs) && self.refused == 0
    }

    fn values(&self) -> [u64; 2] {
        let sum = |side: usize| {
            self.slices.values().fold(0, |sum: u64, slice| sum.saturating_add(slice.values[side]))
        };
        [sum(0), sum(1)]
    }

    fn of_kind(&self, kind: Kind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }

    /// The measurements that were compared.
    fn tables(&self) -> BTreeSet<&str> {
        self.fields.keys().map(|(table, _)| table.as_str()).collect()
    }
}

const SECOND: u64 = 1_000_000_000;
