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
/// So many at least, where those of the batch before are still to come back.
const WRITES_LEAST: usize = 4;
/// With at most so many it shows how long the destination takes by itself.
const WRITES_ALONE: usize = 2;

/// What takes so many times as long as mostly, and so many seconds more, is slow. InfluxDB 3 Core
/// acknowledges once a second, so that a second more or less says nothing.
const SLOW_TIMES: f64 = 3.0;
const SLOW_SECONDS: f64 = 2.0;
/// What takes longer than so many times the shortest, and so many seconds more, is no reason for more at
/// once.
const SOON_TIMES: f64 = 1.5;
const SOON_SECONDS: f64 = 1.5;
/// What is smaller than such a part of a body says nothing of how long one takes.
const BODY_PARTS: usize = 2;
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
    /// Whether bodies of another batch were with the destination when this one began.
    has_company: bool,
    /// Whether the last that came back is no reason against one more.
    is_soon: bool,
    /// How long it mostly takes until a body is acknowledged, and until a large one is at least, in
    /// seconds.
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
            has_company: false,
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
            body_bytes_max: other.body_bytes_max.clamp(1, self.body_bytes_max),
            usual: other.usual.or(self.usual),
            shortest: other.shortest.or(self.shortest),
            ..other.clone()
        };
    }

    /// So many bytes of others are with the destination, and will be back soon: then it grows again.
    pub(crate) fn leave_room(&mut self, bytes: u64) {
        let bodies = usize::try_from(bytes).unwrap_or(usize::MAX) / self.body_bytes_max;
        self.has_company = bodies > 0;
        if self.has_company {
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

    /// A body of so many bytes has come back after so many nanoseconds. Returns for how many nanoseconds
    /// none should follow: what takes much longer than others is followed by a pause as long as that, and
    /// the other side then has half of its time for itself.
    #[expect(clippy::cast_precision_loss, reason = "times are compared roughly")]
    pub(crate) fn arrived(&mut self, bytes: usize, took: u64) -> u64 {
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
        if bytes >= self.body_bytes_max / BODY_PARTS {
            // With so few at once it is the destination's own time, however long that has become.
            let is_alone = self.size <= WRITES_ALONE && !self.has_company;
            let shortest = self.shortest.filter(|_| !is_alone).unwrap_or(seconds).min(seconds);
            self.shortest = Some(shortest);
            self.is_soon = self.pause == 0 && seconds <= SOON_TIMES * shortest + SOON_SECONDS;
        }
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

#[cfg(test)]
mod tests {
    use super::{BODY_BYTES_MAX, Window};

    const SECOND: u64 = 1_000_000_000;

    /// So many bodies come back, each after as many seconds as the destination takes for so many at once.
    fn come_back(window: &mut Window, bodies: usize, seconds: impl Fn(usize) -> u64) {
        for _ in 0..bodies {
            window.arrived(BODY_BYTES_MAX, seconds(window.size()) * SECOND);
            window.grow();
        }
    }

    #[test]
    fn more_go_at_once_where_that_takes_no_longer() {
        let mut window = Window::new(1);
        assert_eq!(window.size(), 4);
        come_back(&mut window, 8, |_| 1);
        assert_eq!(window.size(), 12);
        let mut of_four = Window::new(4);
        come_back(&mut of_four, 100, |_| 1);
        assert_eq!(of_four.size(), 3);
    }

    #[test]
    fn few_go_at_once_to_a_destination_that_takes_one_after_the_other() {
        let mut window = Window::new(1);
        // The first finds nobody there.
        window.arrived(BODY_BYTES_MAX, 2 * SECOND);
        come_back(&mut window, 1000, |at_once| 2 * at_once as u64);
        assert!(window.size() <= 4, "{} at once", window.size());
    }

    #[test]
    fn trouble_halves_them_and_they_come_again_one_by_one() {
        let mut window = Window::new(1);
        come_back(&mut window, 8, |_| 1);
        assert_eq!(window.strained(), SECOND);
        // One at a time while there are pauses.
        assert_eq!(window.size(), 1);
        assert_eq!(window.strained(), 2 * SECOND);
        come_back(&mut window, 6, |_| 1);
        assert_eq!(window.size(), 3);
        come_back(&mut window, 3 + 4, |_| 1);
        assert_eq!(window.size(), 5);
    }

    #[test]
    fn a_destination_that_has_become_slower_for_good_is_no_trouble_for_ever() {
        let mut window = Window::new(1);
        come_back(&mut window, 8, |_| 1);
        come_back(&mut window, 1, |_| 20);
        assert_eq!(window.size(), 1);
        come_back(&mut window, 200, |_| 20);
        assert_eq!(window.size(), 12);
    }

    #[test]
    fn what_is_too_large_is_learnt() {
        let mut window = Window::new(1);
        window.too_large(BODY_BYTES_MAX);
        assert_eq!(window.body_bytes_max(), BODY_BYTES_MAX / 2);
        let mut other = Window::new(1);
        other.take_over(&window);
        assert_eq!(other.body_bytes_max(), BODY_BYTES_MAX / 2);
        window.too_large(1);
        assert_eq!(window.body_bytes_max(), 1);
    }
}
