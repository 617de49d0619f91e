//! How many batches read at once: more while that helps, within what a person allows.
//!
//! What several read together is compared with what one less of them did; one more that does not help is
//! taken back. Half as many where the source asks to wait, does not answer in time, or becomes slow. Does
//! not know which batches there are.

/// One more at once is kept if all of them together are faster by this.
const HELPS: f64 = 1.1;
/// Batches that kept the source busy for less, in nanoseconds, are counted together: one alone says nothing.
const MEASURED_MIN: u64 = 500_000_000;
/// For each batch at once so many are measured before it is judged, and again after so many: what one less
/// did may be long ago by then.
const MEASURED_BATCHES: usize = 2;
const MEASURED_AGAIN: usize = 32;
/// How much the newest counts.
const NEWEST: f64 = 0.3;
/// A batch that is slower than this part of what is usual at its place is a sign of trouble.
const SLOW: f64 = 1.0 / 3.0;
/// After so many batches one more is tried again; each time it has not helped twice as many.
const HOLD_FIRST: usize = 16;
const HOLD_MAX: usize = 256;

/// How many batches may read at once.
#[derive(Debug)]
pub(crate) struct Concurrency {
    most: usize,
    level: usize,
    /// Rows a second of one batch, where so many and one more are at once.
    speeds: Vec<Option<f64>>,
    /// What is not measured yet: rows, and nanoseconds.
    rows: u64,
    took: u64,
    /// How often it was measured since it was judged, and since the level has changed.
    measured: usize,
    at_level: usize,
    /// Batches until more are tried again, and how many that is the next time.
    hold: usize,
    next_hold: usize,
}

impl Concurrency {
    /// Begins with one.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1);
        let speeds = vec![None; most];
        Self {
            most,
            level: 1,
            speeds,
            rows: 0,
            took: 0,
            measured: 0,
            at_level: 0,
            hold: 0,
            next_hold: HOLD_FIRST,
        }
    }

    /// How many at once.
    pub(crate) fn level(&self) -> usize {
        self.level
    }

    /// A batch has read so many rows in so many nanoseconds. It was begun at this level.
    #[expect(clippy::cast_precision_loss, reason = "speeds are compared roughly")]
    pub(crate) fn measure(&mut self, level: usize, rows: u64, took: u64) {
        if level != self.level || rows == 0 {
            return;
        }
        self.rows = self.rows.saturating_add(rows);
        self.took = self.took.saturating_add(took);
        if self.took < MEASURED_MIN {
            return;
        }
        let (rows, took) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.took));
        let speed = rows as f64 / (took as f64 / 1e9);
        let usual = self.speeds[level - 1];
        if usual.is_some_and(|usual| speed < usual * SLOW) {
            // What is slow now may stay so: it is what the next is compared with.
            self.speeds[level - 1] = Some(speed);
            return self.strained(level);
        }
        self.speeds[level - 1] =
            Some(usual.map_or(speed, |usual| usual + (speed - usual) * NEWEST));
        self.hold = self.hold.saturating_sub(1);
        self.measured += 1;
        self.at_level += 1;
        if self.measured >= MEASURED_BATCHES * level {
            self.measured = 0;
            self.judge();
        }
    }

    fn judge(&mut self) {
        let before = self.level.checked_sub(2).and_then(|before| self.together(before));
        let now = self.together(self.level - 1);
        let helps = before.is_none_or(|before| now.is_some_and(|now| now >= before * HELPS));
        if !helps {
            self.set_level(self.level - 1);
            self.hold = self.next_hold;
            self.next_hold = (self.next_hold * 2).min(HOLD_MAX);
        } else if self.level < self.most && self.hold == 0 {
            self.set_level(self.level + 1);
            self.speeds[self.level - 1] = None;
        } else if self.level > 1 && self.at_level >= MEASURED_AGAIN * self.level {
            self.set_level(self.level - 1);
            self.speeds[self.level - 1] = None;
            self.hold = 0;
        }
    }

    fn set_level(&mut self, level: usize) {
        self.level = level;
        (self.rows, self.took, self.measured, self.at_level) = (0, 0, 0, 0);
    }

    /// Rows a second of all, where so many and one more are at once.
    #[expect(clippy::cast_precision_loss, reason = "there are few")]
    fn together(&self, place: usize) -> Option<f64> {
        self.speeds[place].map(|speed| speed * (place + 1) as f64)
    }

    /// The source asks a batch to wait, does not answer it in time, or is slow. It was begun at this level:
    /// of several that were, all but one say nothing new.
    pub(crate) fn strained(&mut self, level: usize) {
        if level != self.level {
            return;
        }
        self.set_level((self.level / 2).max(1));
        self.hold = self.next_hold;
    }
}

#[cfg(test)]
mod tests {
    use super::Concurrency;

    const SECOND: u64 = 1_000_000_000;

    /// The level after so many batches at a source that can do so many at once, each at full speed.
    fn level_at(lanes: usize, most: usize, batches: usize) -> usize {
        let mut concurrency = Concurrency::new(most);
        for _ in 0..batches {
            let level = concurrency.level();
            let speed = 1_000_000 * lanes.min(level) / level;
            concurrency.measure(level, speed as u64, SECOND);
        }
        concurrency.level()
    }

    #[test]
    fn more_are_kept_only_while_they_help() {
        assert_eq!(level_at(1, 8, 10), 1);
        assert_eq!(level_at(3, 8, 30), 3);
        assert_eq!(level_at(8, 4, 100), 4);
        assert_eq!(level_at(4, 1, 100), 1);
    }

    #[test]
    fn trouble_halves_them_and_more_are_not_tried_at_once() {
        let mut concurrency = Concurrency::new(8);
        while concurrency.level() < 8 {
            concurrency.measure(concurrency.level(), 1_000_000, SECOND);
        }
        for _ in 0..8 {
            concurrency.strained(8);
        }
        assert_eq!(concurrency.level(), 4);
        for _ in 0..15 {
            concurrency.measure(4, 1_000_000, SECOND);
            assert_eq!(concurrency.level(), 4);
        }
        for _ in 0..20 {
            concurrency.measure(4, 1_000_000, SECOND);
        }
        assert!(concurrency.level() > 4);
        // Suddenly one takes ten times as long.
        let level = concurrency.level();
        for _ in 0..4 {
            concurrency.measure(level, 1_000_000, SECOND);
        }
        let level = concurrency.level();
        concurrency.measure(level, 1_000_000, 10 * SECOND);
        assert_eq!(concurrency.level(), level / 2);
    }

    #[test]
    fn short_batches_are_counted_together() {
        let mut concurrency = Concurrency::new(4);
        for _ in 0..100 {
            concurrency.measure(concurrency.level(), 1000, SECOND / 10);
        }
        assert_eq!(concurrency.level(), 4);
    }

    #[test]
    fn what_one_less_did_long_ago_is_measured_again() {
        let mut concurrency = Concurrency::new(2);
        // Batches grow, and are faster for that alone.
        for rows in [1000, 2000, 4000, 8000, 16_000, 32_000] {
            concurrency.measure(concurrency.level(), rows, SECOND);
        }
        assert_eq!(concurrency.level(), 2);
        for _ in 0..100 {
            let level = concurrency.level();
            concurrency.measure(level, 32_000 / level as u64, SECOND);
        }
        assert_eq!(concurrency.level(), 1);
    }
}
