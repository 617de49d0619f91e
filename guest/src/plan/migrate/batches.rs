//! Which batch is next, and whether it may go now.
//!
//! Does not know what became of those before it, but by what `outcomes` has left.

use super::{Attempt, Migrate, Mode, Pivot, Reported};
use crate::error::Endpoint;
use crate::plan::exchange::Want;
use crate::plan::order::Order;
use crate::plan::road::Road;
use crate::plan::sizer::Sizer;
use crate::plan::slot::Slot;
use crate::plan::window::WRITES_IN_FLIGHT_MAX;
use crate::plan::{Batch, Step};
use crate::settings::{BatchInterval, Settings};
use crate::time::{TimeRange, Timestamp};

/// Batches that size themselves end at whole ones of these, in nanoseconds: a person can read them, and
/// a shard group ends with one of them.
const UNITS: [u64; 6] = [SECOND, 60 * SECOND, 600 * SECOND, HOUR, 6 * HOUR, DAY];
/// An end at a whole unit makes a batch shorter by less than this part of it.
const UNIT_PARTS: u64 = 4;
/// By Flux no batch is of two days. A field may have another type in each shard group, and a query over
/// two of them reads but one type, without an error (observed on InfluxDB 2.9.1): groups begin with a
/// day, unless they are shorter.
const FLUX_CELL: u64 = DAY;
/// Where batches are handed out unseen, there are at most so many, of one of these lengths.
const SPLIT_MAX: u64 = 10_000;
const SPLIT_UNITS: [u64; 5] = [HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY];

/// So many batches, and records, may wait to be acknowledged: those of a beginning, where they are small.
const SETTLING_MAX: usize = 16;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

impl Migrate {
    pub(super) fn next_batch(&mut self, range: TimeRange, until: Timestamp) -> Step {
        if self.mode == Mode::Split {
            return match self.next_attempt(range, u64::MAX) {
                Some(attempt) => self.hand_out(range, attempt),
                None => self.finish(range),
            };
        }
        if let Some((divider, _)) = &mut self.divider {
            return match divider.want(self.now, &mut self.ids) {
                Want::Step(step) => step,
                Want::Wait(time) => Step::Wait(until.min(time)),
                Want::Nothing => Step::Wait(until),
            };
        }
        if !self.journal.begun {
            // Nothing is moved before it is on record that this migration has begun.
            return Step::Wait(until);
        }
        let due = self.again.iter().position(|(time, _)| *time <= self.now);
        let later = self.again.iter().map(|(time, _)| *time).filter(|time| *time > self.now);
        let until = later.fold(until, Timestamp::min);
        if due.is_none() && !self.has_place() {
            return Step::Wait(until);
        }
        if due.is_none() && self.taken.covers(range) {
            let is_over = self.is_settled() && self.again.is_empty();
            return if is_over { self.finish(range) } else { Step::Wait(until) };
        }
        if due.is_none() && self.must_learn_first(range) {
            return Step::Wait(until);
        }
        let room = match self.room() {
            Ok(room) => room,
            Err(time) => {
                return match self.held.note(self.now) {
                    Some(note) => Step::Note(note),
                    None => Step::Wait(until.min(time)),
                };
            }
        };
        match due.map(|at| self.again.swap_remove(at).1).or_else(|| self.next_attempt(range, room))
        {
            Some(attempt) => self.hand_out(range, attempt),
            None => Step::Wait(until),
        }
    }

    /// Whether one more may read. One that waits to be tried again keeps its place; one that has only to
    /// be acknowledged and recorded does not, unless there is too much of that.
    fn has_place(&self) -> bool {
        let (all, unsettled) = (self.in_hand.len(), self.journal.unsettled());
        let free = self.in_hand.values().filter_map(free).count();
        let places = self.level().saturating_sub(self.again.len());
        if !self.settles_freely() {
            return all + unsettled < places;
        }
        all - free < places
            && free + unsettled < SETTLING_MAX
            && self.left(|reported| reported.unacknowledged_bodies as u64)
                < WRITES_IN_FLIGHT_MAX as u64
    }

    /// What is to be acknowledged of batches that have left their place to others.
    fn left(&self, amount: impl Fn(Reported) -> u64) -> u64 {
        let left = self.in_hand.values().filter_map(free);
        left.fold(0, |sum, reported| sum.saturating_add(amount(reported)))
    }

    /// Whether a batch that is read leaves its place to the next before it is acknowledged. Where what is
    /// written is limited, or has its place in a file, the next has to know what became of it; and the
    /// first shows whether the destination takes anything at all.
    pub(super) fn settles_freely(&self) -> bool {
        !self.is_limited() && self.offset.is_none() && self.totals.written > 0
    }

    /// Whether there is a limit of which each batch that is reading has its part.
    fn is_limited(&self) -> bool {
        let Settings { limits, counts_days, .. } = &self.settings;
        self.write_quota.is_some() || limits.rate.is_some() || *counts_days
    }

    /// How many batches may read at once. Where each has its part of a limit, that is what keeps it back,
    /// and one more helps.
    fn level(&self) -> usize {
        match self.is_limited() {
            true => self.settings.limits.concurrency,
            false => self.concurrency.level(),
        }
    }

    /// How many bytes may be written, where something may be read and written; or when to ask again.
    fn room(&mut self) -> Result<u64, Timestamp> {
        let now = self.now;
        let ready = self.reading.ready(now, 1);
        if ready > now {
            self.held.until(ready, Endpoint::Source);
            return Err(ready);
        }
        // The one with the most room comes last.
        self.slots.sort_by_key(|slot| slot.writing.room(now));
        let Some(Slot { writing, .. }) = self.slots.last() else { return Ok(u64::MAX) };
        match writing.room(now) {
            0 => {
                let ready = writing.ready(now, writing.least()).max(now.saturating_add(1));
                self.held.until(ready, Endpoint::Destination);
                Err(ready)
            }
            room => Ok(room),
        }
    }

    /// Whether nobody knows how much the next batch reads, and another one is reading.
    fn must_learn_first(&self, migration: TimeRange) -> bool {
        let next = self.taken.first_gap(migration);
        let is_known = next.and_then(|(section, _)| self.sizers.get(section));
        let is_known = is_known.is_some_and(Sizer::has_learnt);
        self.reading.quota().is_some() && !self.in_hand.is_empty() && !is_known
    }

    /// The next batch that nobody has taken, if there is one; it is taken then.
    fn next_attempt(&mut self, migration: TimeRange, room: u64) -> Option<Attempt> {
        let (section, gap) = self.taken.first_gap(migration)?;
        let section = section.clone();
        let sizer = self.sizers.entry(section.clone()).or_default();
        let start = gap.start();
        let stop = match self.settings.batch_interval {
            BatchInterval::Whole => gap.stop(),
            BatchInterval::Fixed(interval) => interval
                .bound_after(migration.start(), start)
                .min(start.saturating_add(sizer.longest())),
            BatchInterval::Auto if self.mode == Mode::Split => {
                end_of_cell(start, split_unit(migration))
            }
            BatchInterval::Auto => {
                let stop = end(start, sizer.length(room));
                let by_flux = matches!(self.road, Some(Road::Flux));
                if by_flux { stop.min(end_of_cell(start, FLUX_CELL)) } else { stop }
            }
        };
        let range =
            TimeRange::new(start, stop.min(gap.stop())).expect("a bound is later than its time");
        let read = sizer.expected_read(range.nanoseconds());
        self.taken.insert(&section, range);
        let is_pivoted = self.pivot == Pivot::Worth;
        let level = self.level();
        Some(Attempt { section, range, failed: 0, read, is_pivoted, level, reported: None })
    }

    fn hand_out(&mut self, migration: TimeRange, attempt: Attempt) -> Step {
        let id = self.ids.next();
        let mut order = Order {
            road: self.road.clone(),
            section: attempt.section.clone(),
            ..Order::new(&self.text, attempt.range, migration)
        };
        let (range, section) = (attempt.range, attempt.section.to_string());
        if self.mode == Mode::Split {
            order.records_itself = true;
            order.slot = self.slot_of_split();
            order.window = self.window.for_one_of(self.settings.limits.concurrency, 0);
        } else {
            // Only one batch after the other knows where its lines belong in a file.
            order.offset = self.offset;
            order.is_pivoted = attempt.is_pivoted;
            order.slot = self.slots.pop().unwrap_or_else(|| self.new_slot());
            let left = self.left(|reported| reported.unacknowledged_bytes);
            order.window = self.window.for_one_of(self.level(), left);
            order.rejected_max = Some(self.settings.rejected_max.saturating_sub(self.rejected));
            self.reading.begin(self.now, attempt.read);
            self.in_hand.insert(id, attempt);
        }
        let selection = [self.settings.selection.to_text(), section];
        let selection: Vec<_> = selection.into_iter().filter(|text| !text.is_empty()).collect();
        Step::Batch(Batch {
            id,
            range,
            selection: selection.join(" "),
            order: serde_json::to_string(&order).expect("an order is plain JSON"),
        })
    }
}

/// What is known of a batch that has left its place to another.
fn free(attempt: &Attempt) -> Option<Reported> {
    attempt.reported.filter(|reported| reported.is_free)
}

/// The end of a batch that is about so long.
fn end(start: Timestamp, length: u64) -> Timestamp {
    let stop = start.saturating_add(length);
    let unit = UNITS.iter().rev().find(|unit| **unit <= length / UNIT_PARTS);
    match unit.and_then(|unit| i64::try_from(*unit).ok()) {
        Some(unit) if stop < Timestamp::MAX => Timestamp(stop.0 - stop.0.rem_euclid(unit)),
        _ => stop,
    }
}

/// The first multiple of a length that is after this time.
fn end_of_cell(time: Timestamp, length: u64) -> Timestamp {
    let since = i128::from(time.0).rem_euclid(i128::from(length));
    let left = u64::try_from(i128::from(length) - since).unwrap_or(length);
    time.saturating_add(left)
}

fn split_unit(migration: TimeRange) -> u64 {
    let fits = |unit: &&u64| migration.nanoseconds() / **unit < SPLIT_MAX;
    SPLIT_UNITS.iter().find(fits).copied().unwrap_or(365 * DAY)
}
