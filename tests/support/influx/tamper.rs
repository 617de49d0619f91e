//! What a test does to points behind the back of who wrote them.
//!
//! Past HTTP and past the log of what was written. Values are named in line protocol, as `load`
//! takes them: `influx.remove("b", "m,t=a f=1 10")`. What engines know of types stays.

use super::FakeInflux;
use super::points::{Point, Points, Series, Value};

impl FakeInflux {
    /// Takes these values out of a bucket.
    ///
    /// # Panics
    /// If one of them is not there: then nothing would be missing.
    #[track_caller]
    pub fn remove(&self, bucket: &str, lines: &str) {
        let values = Points::parse(lines);
        let removed = self.retain(bucket, |series, time, field, value| {
            values.value(series, time, field) != Some(value)
        });
        assert_eq!(removed, values.rows(), "not all of these values are in {bucket:?}: {lines}");
    }

    /// Gives the values of these series, times and fields others, of the types that they have.
    ///
    /// # Panics
    /// If one of them is not there, is of another type, or is this one already.
    #[track_caller]
    pub fn alter(&self, bucket: &str, lines: &str) {
        let altered = Points::parse(lines);
        let known = self.points(bucket);
        for (series, time, field, value) in altered.values() {
            let before = known.value(series, time, field);
            let is_other = before
                .is_some_and(|before| before != value && before.value_type() == value.value_type());
            assert!(is_other, "{series} {field}={value} {time} cannot replace {before:?}");
        }
        let mut state = self.shared.state();
        let bucket = state.store.bucket_or_new(bucket);
        for (series, times) in altered.series() {
            for (time, fields) in times {
                let (series, fields) = (series.clone(), fields.clone());
                bucket.points.insert(Point { series, time: *time, fields });
            }
        }
    }

    /// Lets SQL count the rows of this time, and leave them out where rows are asked for.
    pub fn leave_out(&self, bucket: &str, time: i64) {
        self.shared.state().store.bucket_or_new(bucket).left_out.insert(time);
    }

    /// Takes the values out of a bucket that are not to stay. The number of them.
    pub fn retain(
        &self,
        bucket: &str,
        stays: impl FnMut(&Series, i64, &str, &Value) -> bool,
    ) -> usize {
        let mut state = self.shared.state();
        state.store.bucket_mut(bucket).map_or(0, |bucket| bucket.points.retain(stays))
    }
}
