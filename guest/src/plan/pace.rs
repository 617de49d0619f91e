//! How much may go to a side, or come from it, in a window of time, and when.
//!
//! Does not know what is counted, nor how many bodies are under way at once (`window.rs`). The windows of
//! a server's quota are fixed, and nobody knows when they begin: so no stretch of time as long as a window
//! may hold more than the quota. What is under way counts until it has arrived, and then for a window.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Note;
use crate::error::Endpoint;
use crate::time::Timestamp;

/// A body is not cut smaller than this part of a quota: then it waits for more room instead.
const PARTS_MAX: u64 = 32;

/// So many amounts are kept apart; those in between become one, at the later time.
const SPENT_MAX: usize = 64;

const SECOND: f64 = 1e9;

/// A rate that holds something up for longer, an hour, is a clock that has jumped.
const HOLD_MAX: u64 = 3_600_000_000_000;

/// What one side allows, and what was used of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pace {
    quota: Option<Quota>,
    /// At most so many bytes a second.
    rate: Option<f64>,
    /// Until then nothing more may go: the rate is used up, or it is a pause.
    free: i64,
    /// What was used, and when it had arrived; in order.
    spent: VecDeque<(i64, u64)>,
    /// What is under way.
    #[serde(skip)]
    under_way: u64,
}

/// An amount in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quota {
    pub(crate) amount: u64,
    /// Nanoseconds.
    pub(crate) window: u64,
}

/// A wait for a quota that a person should hear of, once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// And by which side.
    until: Option<(Timestamp, Endpoint)>,
    said: Option<Timestamp>,
}

/// What is shorter, in nanoseconds, is not worth a word.
const HELD_MIN: u64 = 2_000_000_000;

impl Held {
    pub(crate) fn until(&mut self, time: Timestamp, side: Endpoint) {
        self.until = Some((time, side));
    }

    /// What is to be said of it, if it has not been said.
    pub(crate) fn note(&mut self, now: Timestamp) -> Option<Note> {
        let (until, side) = self.until.take()?;
        if until <= now.saturating_add(HELD_MIN) {
            return None;
        }
        if self.said.is_some_and(|said| said >= now) {
            return None;
        }
        self.said = Some(until);
        let (until, what) = match side {
            Endpoint::Source => (until.whole_second(), "is read from the source"),
            Endpoint::Destination | Endpoint::Checkpoint | Endpoint::Rejected => {
                (until.whole_second(), "goes to the destination")
            }
        };
        Some(Note::of_wait(until, format!("waiting until {until} before more {what}")))
    }
}

impl Pace {
    pub(crate) fn new(quota: Option<Quota>, rate: Option<f64>) -> Self {
        Self { quota, rate, ..Self::default() }
    }

    /// As if all was used at this time.
    pub(crate) fn exhaust(&mut self, now: Timestamp) {
        if let Some(quota) = self.quota {
            self.spent = VecDeque::from([(now.0, quota.amount)]);
        }
    }

    /// A clock that has jumped back: what was used after now counts as if that had been now, so that no
    /// wait is longer than a window.
    pub(crate) fn follow(&mut self, now: Timestamp) {
        for (at, _) in self.spent.iter_mut().rev().take_while(|(at, _)| *at > now.0) {
            *at = now.0;
        }
        if self.free > now.saturating_add(HOLD_MAX).0 {
            self.free = now.0;
        }
    }

    /// What another has used counts here; it comes from outside.
    pub(crate) fn take_over(&mut self, now: Timestamp, other: &Self) {
        for (at, amount) in &other.spent {
            // A clock elsewhere may be ahead.
            self.count(Timestamp(*at).min(now), *amount);
        }
        self.count(now, other.under_way);
        self.free = self.free.max(other.free);
    }

    /// As it is left to others: what is under way may have arrived by now.
    pub(crate) fn at_rest(&self, now: Timestamp) -> Self {
        let mut rest = self.clone();
        rest.end(now, self.under_way);
        rest
    }

    /// What was expected to be used is now known.
    pub(crate) fn settle(&mut self, now: Timestamp, expected: u64, amount: u64) {
        self.under_way = self.under_way.saturating_sub(expected);
        self.count(now, amount);
    }

    pub(crate) fn quota(&self) -> Option<Quota> {
        self.quota
    }

    /// When something of this size may go; not later than `now` if it may at once.
    pub(crate) fn ready(&self, now: Timestamp, amount: u64) -> Timestamp {
        self.with_room(now, amount).max(Timestamp(self.free))
    }

    /// When more may come of an answer that has begun: the rate counts, the quota does not, for a server
    /// cuts what is left waiting for minutes.
    pub(crate) fn free(&self) -> Timestamp {
        Timestamp(self.free)
    }

    /// As the next batch finds it after one that has used so much: what was more than a window's quota is
    /// waited for, window by window, an hour at most.
    #[must_use]
    pub(crate) fn after(&self, now: Timestamp, amount: u64) -> Self {
        let mut rest = self.clone();
        if let Some(quota) = self.quota.filter(|quota| amount > quota.amount) {
            let pause = quota.window.saturating_mul(amount.div_ceil(quota.amount));
            rest.hold(now, pause.min(HOLD_MAX));
        }
        rest
    }

    /// When there is room for an amount, if nothing more is used. What is under way has no end yet: then
    /// it is as if it ended now.
    fn with_room(&self, now: Timestamp, amount: u64) -> Timestamp {
        let Some(quota) = self.quota else { return now };
        // What is larger than all waits until nothing else counts.
        let most = quota.amount.saturating_sub(amount);
        let mut used = self.under_way.saturating_add(self.used(now, quota));
        let mut time = now;
        for (at, spent) in &self.spent {
            if used <= most {
                return time;
            }
            let end = Timestamp(*at).saturating_add(quota.window);
            if end > now {
                used = used.saturating_sub(*spent);
                time = end;
            }
        }
        match used <= most || (used == 0 && self.under_way == 0) {
            true => time,
            false => now.saturating_add(quota.window),
        }
    }

    fn used(&self, now: Timestamp, quota: Quota) -> u64 {
        let counts = |at: i64| Timestamp(at).saturating_add(quota.window) > now;
        self.spent
            .iter()
            .filter(|(at, _)| counts(*at))
            .fold(0, |sum, (_, spent)| sum.saturating_add(*spent))
    }

    /// How much may go now. Where it is too little to be worth it, nothing.
    pub(crate) fn room(&self, now: Timestamp) -> u64 {
        if self.free > now.0 {
            return 0;
        }
        let Some(quota) = self.quota else { return u64::MAX };
        let room =
            quota.amount.saturating_sub(self.under_way.saturating_add(self.used(now, quota)));
        if room < self.least() { 0 } else { room }
    }

    /// What is worth waiting for.
    pub(crate) fn least(&self) -> u64 {
        self.quota.map_or(0, |quota| quota.amount.div_ceil(PARTS_MAX))
    }

    /// An amount sets out.
    pub(crate) fn begin(&mut self, now: Timestamp, amount: u64) {
        self.under_way = self.under_way.saturating_add(amount);
        self.use_rate(now, amount);
    }

    /// An amount has arrived, or may have.
    pub(crate) fn end(&mut self, now: Timestamp, amount: u64) {
        self.settle(now, amount, amount);
    }

    /// An amount has been used.
    pub(crate) fn spend(&mut self, now: Timestamp, amount: u64) {
        self.use_rate(now, amount);
        self.count(now, amount);
    }

    /// For so many nanoseconds nothing more goes.
    pub(crate) fn hold(&mut self, now: Timestamp, pause: u64) {
        self.free = self.free.max(now.saturating_add(pause).0);
    }

    fn count(&mut self, now: Timestamp, amount: u64) {
        let Some(quota) = self.quota.filter(|_| amount > 0) else { return };
        let is_over = |at: i64| Timestamp(at).saturating_add(quota.window) <= now;
        while self.spent.pop_front_if(|(at, _)| is_over(*at)).is_some() {}
        // In order, whatever clock it was.
        let at = self.spent.back().map_or(now.0, |(last, _)| now.0.max(*last));
        self.spent.push_back((at, amount));
        if self.spent.len() > SPENT_MAX {
            let mut merged = VecDeque::new();
            while let Some((one, amount)) = self.spent.pop_front() {
                let next = self.spent.pop_front();
                let (at, other) = next.unwrap_or((one, 0));
                merged.push_back((at, amount.saturating_add(other)));
            }
            self.spent = merged;
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a pause need not be exact; a float out of range is cut by `as`"
    )]
    fn use_rate(&mut self, now: Timestamp, amount: u64) {
        if let Some(rate) = self.rate {
            let pause = amount as f64 / rate * SECOND;
            self.free = self.free.max(now.0).saturating_add_unsigned(pause as u64);
        }
    }
}
