//! How many bodies are with the destination at once, and how large they are: as much as it takes without
//! becoming slower.
//!
//! Begins with a few; one more for each that comes back soon while all places are taken, as TCP does in
//! its slow start, and from the first trouble on one more for each round (RFC 5681). Half as many where
//! one fails, has to wait or takes long. Does not know quotas (`pace`), nor what a body is.

use serde::{Deserialize, Serialize};

use crate::protocol::write::BODY_BYTES_MAX;
use crate::time::Timestamp;

/// So many bodies of a batch that is reading may be with the destination at once; of batches that are
/// read already, less than as many again. InfluxDB 3 Core acknowledges once a second, so that it takes
/// 120 MB a second, about what InfluxQL gives as lines.
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
    /// So many now, and what that was before others had to be left room for.
    size: usize,
    learnt: usize,
    /// Whether there was no trouble yet: then it grows fast. Later by one for so many that came back.
    is_untroubled: bool,
    came_back: usize,
    /// Whether bodies of another batch were with the destination when this one began.
    has_company: bool,
    /// How long it mostly takes until a body is acknowledged, and until a large one is at least, in
    /// seconds.
    usual: Option<f64>,
    shortest: Option<f64>,
    /// The pause after each, in nanoseconds; 0 where all is well.
    pause: u64,
    /// When the last trouble was. What set out before is part of it.
    troubled_at: i64,
    /// What it has refused for its size is larger.
    body_bytes_max: usize,
}

/// An attempt to write a body that has come to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) bytes: usize,
    pub(crate) sent: Timestamp,
    pub(crate) end: End,
    pub(crate) places: Places,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Arrived,
    Failed,
    /// It is to come later.
    Delayed,
}

/// Whether there was a place for one more while a body was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    AllTaken,
    SomeFree,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            most: WRITES_IN_FLIGHT_MAX,
            size: WRITES_FIRST,
            learnt: WRITES_FIRST,
            is_untroubled: true,
            came_back: 0,
            has_company: false,
            usual: None,
            shortest: None,
            pause: 0,
            troubled_at: i64::MIN,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }
}

impl Window {
    /// For one of so many batches that read at once, where so many bytes of others are still with the
    /// destination. They will be back soon: then it grows to what it was.
    pub(crate) fn for_one_of(&self, batches: usize, bytes: u64) -> Self {
        let most = (WRITES_IN_FLIGHT_MAX / batches.max(1)).max(1);
        let bodies = usize::try_from(bytes).unwrap_or(usize::MAX) / self.body_bytes_max;
        let learnt = self.learnt.min(most);
        let size = learnt.saturating_sub(bodies).max(WRITES_LEAST.min(learnt));
        Self { most, size, learnt, has_company: bodies > 0, came_back: 0, ..self.clone() }
    }

    /// What a batch has learnt that has ended; it comes from outside.
    pub(crate) fn take_over(&mut self, other: &Self) {
        self.heed(other);
        let is_whole = other.most == WRITES_IN_FLIGHT_MAX;
        // Where each had but a part, it could not learn what all of them may have.
        if is_whole || other.learnt < other.most {
            self.learnt = other.learnt.clamp(1, WRITES_IN_FLIGHT_MAX);
        }
        self.pause = other.pause.min(PAUSE_MAX);
        (self.usual, self.shortest) =
            (other.usual.or(self.usual), other.shortest.or(self.shortest));
    }

    /// What a batch has met that goes on: less, but not more.
    pub(crate) fn heed(&mut self, other: &Self) {
        self.body_bytes_max = other.body_bytes_max.clamp(1, self.body_bytes_max);
        self.pause = self.pause.max(other.pause.min(PAUSE_MAX));
        if !other.is_untroubled && other.troubled_at > self.troubled_at {
            self.is_untroubled = false;
            self.troubled_at = other.troubled_at;
            self.learnt = self.learnt.min(other.learnt.max(1));
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

    /// An attempt has come to its end. Returns for how many nanoseconds none should follow.
    pub(crate) fn ended(&mut self, attempt: &Attempt, now: Timestamp) -> u64 {
        match attempt.end {
            End::Arrived => self.arrived(attempt, now),
            End::Failed | End::Delayed => self.strained(attempt.sent, now),
        }
        self.pause
    }

    /// What takes much longer than others is followed by a pause as long as that: the other side then has
    /// half of its time for itself.
    #[expect(clippy::cast_precision_loss, reason = "times are compared roughly")]
    fn arrived(&mut self, attempt: &Attempt, now: Timestamp) {
        let Attempt { bytes, sent, places, .. } = *attempt;
        let took = now.nanoseconds_since(sent);
        let seconds = took as f64 / 1e9;
        let usual = *self.usual.get_or_insert(seconds);
        if seconds > SLOW_TIMES * usual + SLOW_SECONDS {
            self.usual = Some(usual + (seconds - usual) * NEWEST_SLOW);
            if self.is_news(sent, now) {
                self.halve();
                self.pause = self.pause.max(took.min(PAUSE_MAX));
            }
            return;
        }
        self.usual = Some(usual + (seconds - usual) * NEWEST);
        if bytes >= self.body_bytes_max / BODY_PARTS {
            // With so few at once it is the destination's own time, however long that has become.
            let is_alone = self.size <= WRITES_ALONE && !self.has_company;
            let shortest = self.shortest.filter(|_| !is_alone).unwrap_or(seconds).min(seconds);
            self.shortest = Some(shortest);
            let is_soon = self.pause == 0 && seconds <= SOON_TIMES * shortest + SOON_SECONDS;
            if is_soon && places == Places::AllTaken {
                self.grow();
            }
        }
        self.pause /= 2;
        if self.pause < PAUSE_MIN {
            self.pause = 0;
        }
    }

    /// The next comes later, and each time it happens twice as late.
    fn strained(&mut self, sent: Timestamp, now: Timestamp) {
        if self.is_news(sent, now) {
            self.halve();
            self.pause = self.pause.saturating_mul(2).clamp(PAUSE_FIRST, PAUSE_MAX);
        }
    }

    /// Several may come back together, of which all but one say nothing new.
    fn is_news(&mut self, sent: Timestamp, now: Timestamp) -> bool {
        let is_news = sent.0 > self.troubled_at;
        if is_news {
            self.troubled_at = now.0;
        }
        is_news
    }

    fn halve(&mut self) {
        self.is_untroubled = false;
        self.came_back = 0;
        self.size = (self.size / 2).max(1);
        self.learnt = self.size;
    }

    fn grow(&mut self) {
        self.came_back += 1;
        let is_fast = self.is_untroubled || self.size < self.learnt;
        if is_fast || self.came_back >= self.size {
            self.came_back = 0;
            self.size = (self.size + 1).min(self.most);
            self.learnt = self.learnt.max(self.size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, BODY_BYTES_MAX, End, Places, Window};
    use crate::time::Timestamp;

    const SECOND: i64 = 1_000_000_000;

    /// A window, and the time there.
    struct Destination(Window, i64);

    impl Destination {
        fn new() -> Self {
            Self(Window::default(), 0)
        }

        /// So many bodies come back, each after as many seconds as it takes for so many at once.
        fn takes(&mut self, bodies: usize, seconds: impl Fn(usize) -> i64) {
            for _ in 0..bodies {
                let sent = Timestamp(self.1);
                self.1 += seconds(self.0.size()) * SECOND;
                let (end, places) = (End::Arrived, Places::AllTaken);
                let arrived = Attempt { bytes: BODY_BYTES_MAX, sent, end, places };
                self.0.ended(&arrived, Timestamp(self.1));
            }
        }
    }

    /// One that set out then has failed; for how long none should follow.
    fn fail(window: &mut Window, sent: i64, now: i64) -> u64 {
        let (sent, places) = (Timestamp(sent), Places::AllTaken);
        let failed = Attempt { bytes: BODY_BYTES_MAX, sent, end: End::Failed, places };
        window.ended(&failed, Timestamp(now))
    }

    #[test]
    fn more_go_at_once_where_that_takes_no_longer() {
        let mut there = Destination::new();
        assert_eq!(there.0.size(), 4);
        there.takes(8, |_| 1);
        assert_eq!(there.0.size(), 12);
        assert_eq!(there.0.for_one_of(4, 0).size(), 3);
    }

    #[test]
    fn few_go_at_once_to_a_destination_that_takes_one_after_the_other() {
        let mut there = Destination::new();
        // The first finds nobody there.
        there.takes(1, |_| 2);
        there.takes(1000, |at_once| 2 * i64::try_from(at_once).unwrap());
        assert!(there.0.size() <= 5, "{} at once", there.0.size());
    }

    #[test]
    fn trouble_halves_them_and_they_come_again_one_by_one() {
        let mut there = Destination::new();
        there.takes(8, |_| 1);
        // All that were under way fail together, in a second: that is one trouble.
        let sent = there.1;
        for _ in 0..12 {
            there.1 += SECOND / 12;
            assert_eq!(fail(&mut there.0, sent, there.1), 1_000_000_000);
        }
        // One at a time while there are pauses.
        assert_eq!(there.0.size(), 1);
        there.takes(5, |_| 1);
        assert_eq!(there.0.size(), 6);
        there.takes(6, |_| 1);
        assert_eq!(there.0.size(), 7);
        assert_eq!(fail(&mut there.0, there.1, there.1 + 1), 1_000_000_000);
        assert_eq!(fail(&mut there.0, there.1 + 2, there.1 + 3), 2_000_000_000);
    }

    #[test]
    fn a_destination_that_has_become_slower_for_good_is_no_trouble_for_ever() {
        let mut there = Destination::new();
        there.takes(8, |_| 1);
        there.takes(1, |_| 20);
        assert_eq!(there.0.size(), 1);
        there.takes(300, |_| 20);
        assert_eq!(there.0.size(), 12);
    }

    #[test]
    fn the_next_batch_leaves_room_and_grows_back_at_once() {
        let mut there = Destination::new();
        there.takes(8, |_| 1);
        let next = there.0.for_one_of(1, 9 * BODY_BYTES_MAX as u64);
        assert_eq!(next.size(), 4);
        // That it was less is not what was learnt.
        let mut after = Window::default();
        after.take_over(&next);
        assert_eq!(after.for_one_of(1, 0).size(), 12);
        let mut there = Destination(next, there.1);
        there.takes(8, |_| 1);
        assert_eq!(there.0.size(), 12);
    }

    #[test]
    fn what_is_too_large_and_trouble_are_heard_of_before_a_batch_ends() {
        let (mut of_batch, mut after) = (Window::default(), Window::default());
        of_batch.too_large(BODY_BYTES_MAX);
        fail(&mut of_batch, 1, 2);
        after.heed(&of_batch);
        assert_eq!(after.body_bytes_max(), BODY_BYTES_MAX / 2);
        assert_eq!(after.for_one_of(1, 0).size(), 1);
        of_batch.too_large(1);
        assert_eq!(of_batch.body_bytes_max(), 1);
    }
}
