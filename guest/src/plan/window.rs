//! How many bodies are with the destination at once, and how large they are: as much as it takes without
//! becoming slower.
//!
//! Begins with a few; one more for each that comes back soon while all places are taken, as TCP does in
//! its slow start, and from the first trouble on one more for each round (RFC 5681). Half as many where
//! one fails, has to wait or takes long. Does not know quotas (`pace`), nor what a body is.

use serde::{Deserialize, Serialize};

use crate::protocol::write::BODY_BYTES_MAX;

/// So many bodies are with the destination at once, of all batches that are reading. InfluxDB 3 Core
/// acknowledges once a second: with these it takes 120 MB a second, what a source tells by InfluxQL.
pub(crate) const WRITES_IN_FLIGHT_MAX: usize = 12;
/// And so many at first: what is more comes after the first of them is back.
const WRITES_FIRST: usize = 4;
/// So many, where those of the batch before are still to come back.
const WRITES_LEAST: usize = 2;

/// What takes so many times as long as mostly, and so many seconds more, is slow. InfluxDB 3 Core
/// acknowledges once a second, so that a second more or less says nothing.
const SLOW_TIMES: f64 = 3.0;
const SLOW_SECONDS: f64 = 2.0;
/// What takes longer than so many times the shortest, and so many seconds more, is no reason for more at
/// once.
const SOON_TIMES: f64 = 1.5;
const SOON_SECONDS: f64 = 1.5;
/// By so much the shortest is forgotten with each that comes: a destination may become slower for good.
const FORGETTING: f64 = 1.02;
/// How much the newest counts in what is usual, and where it was slow.
const NEWEST: f64 = 0.2;
const NEWEST_SLOW: f64 = 0.05;
/// Nanoseconds of pauses: after the first fault, at most, and what is none any more.
const PAUSE_FIRST: u64 = 1_000_000_000;
const PAUSE_MAX: u64 = 60_000_000_000;
const PAUSE_MIN: u64 = 50_000_000;

/// What a destination takes at once, as its answers show.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    /// At most so many bodies, for this batch.
    most: usize,
    size: usize,
    /// Until the first trouble it grows fast; then by one for so many that came back.
    is_growing_fast: bool,
    came_back: usize,
    /// Whether the last that came back is no reason against one more.
    is_soon: bool,
    /// How long it mostly takes until a body is acknowledged, and at least, in seconds.
    usual: Option<f64>,
    shortest: Option<f64>,
    /// The pause after each, in nanoseconds; 0 where all is well.
    pause: u64,
    /// What it has refused for its size is larger.
    body_bytes_max: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Window {
    /// That of one of so many batches in flight.
    pub(crate) fn new(batches: usize) -> Self {
        let most = (WRITES_IN_FLIGHT_MAX / batches.max(1)).max(1);
        Self {
            most,
            size: WRITES_FIRST.min(most),
            is_growing_fast: true,
            came_back: 0,
            is_soon: false,
            usual: None,
            shortest: None,
            pause: 0,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    /// What another has learnt; it comes from outside.
    pub(crate) fn take_over(&mut self, other: &Self) {
        let most = self.most;
        *self = Self {
            most,
            size: other.size.clamp(1, most),
            pause: other.pause.min(PAUSE_MAX),
            body_bytes_max: other.body_bytes_max.clamp(1, BODY_BYTES_MAX),
            usual: other.usual.or(self.usual),
            shortest: other.shortest.or(self.shortest),
            ..other.clone()
        };
    }

    /// So many bytes of others are with the destination, and will be back soon: then it grows again.
    pub(crate) fn leave_room(&mut self, bytes: u64) {
        let bodies = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(BODY_BYTES_MAX);
        if bodies > 0 {
            self.size = self.size.saturating_sub(bodies).max(WRITES_LEAST.min(self.size));
            self.is_growing_fast = true;
        }
    }

    /// How many bodies may be with the destination now.
    pub(crate) fn size(&self) -> usize {
        if self.pause > 0 { 1 } else { self.size.clamp(1, WRITES_IN_FLIGHT_MAX) }
    }

    /// How large a body may be.
    pub(crate) fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    /// A body of so many bytes was too large.
    pub(crate) fn too_large(&mut self, bytes: usize) {
        // What follows is as large.
        self.body_bytes_max = self.body_bytes_max.min(bytes.div_ceil(2).max(1));
    }

    /// A body has come back after so many nanoseconds. Returns for how many nanoseconds none should
    /// follow: what takes much longer than others is followed by a pause as long as that, and the other
    /// side then has half of its time for itself.
    #[expect(clippy::cast_precision_loss, reason = "times are compared roughly")]
    pub(crate) fn arrived(&mut self, took: u64) -> u64 {
        let seconds = took as f64 / 1e9;
        let usual = *self.usual.get_or_insert(seconds);
        self.is_soon = false;
        if seconds > SLOW_TIMES * usual + SLOW_SECONDS {
            self.usual = Some(usual + (seconds - usual) * NEWEST_SLOW);
            self.pause = took.min(PAUSE_MAX);
            self.halve();
            return self.pause;
        }
        self.usual = Some(usual + (seconds - usual) * NEWEST);
        let shortest =
            self.shortest.map_or(seconds, |shortest| (shortest * FORGETTING).min(seconds));
        self.shortest = Some(shortest);
        self.is_soon = self.pause == 0 && seconds <= SOON_TIMES * shortest + SOON_SECONDS;
        self.pause /= 2;
        if self.pause < PAUSE_MIN {
            self.pause = 0;
        }
        self.pause
    }

    /// All places were taken while the body that has come back was under way: one more, if it came soon.
    pub(crate) fn grow(&mut self) {
        if !self.is_soon {
            return;
        }
        self.came_back += 1;
        if self.is_growing_fast || self.came_back >= self.size {
            self.came_back = 0;
            self.size = (self.size + 1).min(self.most);
        }
    }

    /// One has failed, or was asked to wait: the next comes later, and each time it happens twice as
    /// late. Returns for how many nanoseconds none should follow.
    pub(crate) fn strained(&mut self) -> u64 {
        self.halve();
        self.pause = self.pause.saturating_mul(2).clamp(PAUSE_FIRST, PAUSE_MAX);
        self.pause
    }

    fn halve(&mut self) {
        self.is_growing_fast = false;
        self.came_back = 0;
        self.size = (self.size / 2).max(1);
    }
}
