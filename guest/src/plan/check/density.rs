//! How many values the source has, table by table and slice by slice, as far as that is counted in a short
//! time. Does not know what is made of it.
//!
//! An engine counts some ten million values a second. Of a table that would take longer than there is time
//! some parts are counted, and the others taken to be like them.

use std::collections::BTreeMap;

use super::schema::Tables;
use crate::error::Error;
use crate::plan::inquiry::Asker;
use crate::plan::side::{Column, Counts, Ends, Side, Table, asks_for_less};
use crate::time::{TimeRange, Timestamp};

/// All counting together takes so long at most, but for the query that is under way then.
const NANOSECONDS_MAX: u64 = 20 * 1_000_000_000;
/// So many values of a table are counted in any case: that takes seconds.
const VALUES_MAX: u64 = 20_000_000;
/// An engine counts more than so many in a second, beside what it takes to find the series.
const VALUES_PER_SECOND: u64 = 2_000_000;
/// A range is counted in such parts; the one in the middle first.
const PARTS: u64 = 256;
/// If all is too much, these: spread, so that a bucket that grows is seen to grow.
const SAMPLED: [u64; 4] = [16, 80, 176, 240];
/// Of more tables than this the middle is not counted by itself: each request has its cost.
const TABLES_SAMPLED_MAX: usize = 200;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Density {
    pub(super) tables: BTreeMap<String, Counted>,
    /// Tables for which there was no time, or that could not be counted.
    pub(super) uncounted: Vec<String>,
}

/// A table.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) counts: Counts,
    /// What was counted is such a part of all.
    share: f64,
}

impl Counted {
    pub(super) fn is_sampled(&self) -> bool {
        self.share < 1.0
    }

    /// Values of one column, estimated if they were sampled.
    pub(super) fn of(&self, column: &Column) -> u64 {
        let slices = self.counts.0.get(column);
        self.whole(slices.map_or(0, |slices| slices.values().sum()))
    }

    pub(super) fn values(&self) -> u64 {
        self.whole(self.counts.0.values().flat_map(BTreeMap::values).sum())
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what was sampled is an estimate; a float out of range is cut by `as`"
    )]
    fn whole(&self, counted: u64) -> u64 {
        if self.is_sampled() { (counted as f64 / self.share) as u64 } else { counted }
    }

    /// The slices with values, and how many.
    pub(super) fn slices(&self) -> BTreeMap<Timestamp, u64> {
        let mut slices = BTreeMap::new();
        for (start, count) in self.counts.0.values().flatten() {
            *slices.entry(*start).or_default() += count;
        }
        slices
    }

    /// How many slices have values in all.
    pub(super) fn slices_in_all(&self) -> u64 {
        self.whole(self.slices().len() as u64)
    }
}

impl Density {
    pub(super) fn values(&self) -> u64 {
        self.tables.values().map(Counted::values).sum()
    }

    /// Whether all of it was counted.
    pub(super) fn is_exact(&self) -> bool {
        self.uncounted.is_empty() && !self.tables.values().any(Counted::is_sampled)
    }
}

/// Counts all tables in a range, those that cost least first. What fails for its size is left uncounted.
pub(super) async fn density(
    asker: &Asker,
    source: &Side,
    tables: &Tables,
    ends: &BTreeMap<String, Ends>,
    range: TimeRange,
    slice: u64,
) -> Result<Density, Error> {
    let (began, mut density) = (asker.now(), Density::default());
    let mut by_series: Vec<_> = tables.iter().collect();
    by_series.sort_by_key(|(_, table)| table.series);
    for (name, table) in by_series {
        asker.does(format!("counting `{name}`"), 0.0);
        let spent = asker.now().nanoseconds_since(began);
        let left = NANOSECONDS_MAX.saturating_sub(spent);
        if left == 0 {
            density.uncounted.push(name.clone());
            continue;
        }
        // Where there is nothing, nothing is counted, and the middle is not in it.
        let within = ends.get(name).and_then(|(first, last)| {
            TimeRange::new(*first, last.saturating_add(1)).and_then(|ends| ends.intersection(range))
        });
        let range = match (within, ends.is_empty(), ends.contains_key("")) {
            (Some(within), _, _) => within,
            (None, true, _) | (None, _, true) => range,
            (None, false, false) => {
                let nothing = Counted { share: 1.0, ..Counted::default() };
                density.tables.insert(name.clone(), nothing);
                continue;
            }
        };
        let is_plain = source.is_file() || tables.len() > TABLES_SAMPLED_MAX;
        let counted = match is_plain {
            true => whole(asker, source, table, range, slice).await,
            false => sampled(asker, source, table, range, slice, left).await,
        };
        match counted {
            Ok(counted) => drop(density.tables.insert(name.clone(), counted)),
            Err(error) if asks_for_less(&error) => {
                density.uncounted.push(name.clone());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(density)
}

async fn whole(
    asker: &Asker,
    source: &Side,
    table: &Table,
    range: TimeRange,
    slice: u64,
) -> Result<Counted, Error> {
    let counts = source.count(asker, table, range, slice).await?;
    Ok(Counted { counts, share: 1.0 })
}

async fn sampled(
    asker: &Asker,
    source: &Side,
    table: &Table,
    range: TimeRange,
    slice: u64,
    left: u64,
) -> Result<Counted, Error> {
    let middle = PARTS / 2;
    let Some(part) = part(range, middle) else {
        return whole(asker, source, table, range, slice).await;
    };
    let before = asker.now();
    let mut counted = Counted::default();
    counted.add(source.count(asker, table, part, slice).await?);
    let took = asker.now().nanoseconds_since(before);
    let values: u64 = counted.counts.0.values().flat_map(BTreeMap::values).sum();
    let all = values.saturating_mul(PARTS);
    let more = (all / VALUES_PER_SECOND).saturating_mul(1_000_000_000);
    if all <= VALUES_MAX || took.saturating_add(more) <= left {
        return whole(asker, source, table, range, slice).await;
    }
    let mut parts = 1;
    for place in SAMPLED {
        let spent = asker.now().nanoseconds_since(before);
        let Some(range) = self::part(range, place).filter(|_| spent < left) else {
            break;
        };
        counted.add(source.count(asker, table, range, slice).await?);
        parts += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "there are few")]
    let share = f64::from(parts) / PARTS as f64;
    Ok(Counted { share, ..counted })
}

/// One of the parts of a range, counted from 0. `None` if there are none.
fn part(range: TimeRange, index: u64) -> Option<TimeRange> {
    let length = range.nanoseconds() / PARTS;
    let at = |index| range.start().saturating_add(length.saturating_mul(index));
    TimeRange::new(at(index), at(index + 1)).filter(|_| length > 0)
}

impl Counted {
    fn add(&mut self, counts: Counts) {
        for (column, slices) in counts.0 {
            let known = self.counts.0.entry(column).or_default();
            for (start, count) in slices {
                *known.entry(start).or_default() += count;
            }
        }
    }
}
