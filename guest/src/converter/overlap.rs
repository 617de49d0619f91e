//! Values that two retention policies hold of one series, time and field: in one bucket only one of
//! them can be, so they must be equal.
//!
//! Knows them by hashes. Two with one hash of 64 bits would stop a migration without need, or hide
//! that values differ: at the limit that is to be expected once in some hundred thousand batches.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::error::{ErrorKind, quoted};
use crate::time::Timestamp;

/// So many values of a measurement are known at once. They fit into the 8 388 608 places of a map
/// that is seven eighths full; to grow beyond that, it would need more than an instance has.
const VALUES_MAX: usize = 7_000_000;

/// The values of a measurement that may be in several retention policies.
#[derive(Debug, Default)]
pub(crate) struct Overlap {
    measurement: String,
    /// By series, time and field.
    values: HashMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    /// Which one it is of, counted from 0.
    policy: usize,
    value: u64,
}

impl Overlap {
    /// The following values are of this measurement. Its retention policies must follow one
    /// another.
    pub(crate) fn begin(&mut self, measurement: &str) {
        if self.measurement != measurement {
            measurement.clone_into(&mut self.measurement);
            self.values.clear();
        }
    }

    /// Takes a value as it is written in line protocol, as are series and field.
    pub(crate) fn check(
        &mut self,
        policy: usize,
        (series, field, time): (&str, &str, Timestamp),
        value: &[u8],
    ) -> Result<(), ErrorKind> {
        let value = hash(value);
        let count = self.values.len();
        match self.values.entry(hash((series, field, time))) {
            Entry::Occupied(known) if known.get().policy == policy => Ok(()),
            Entry::Occupied(known) if known.get().value == value => Ok(()),
            Entry::Occupied(_) => {
                let (field, series) = (quoted(field.trim_end_matches('=')), quoted(series));
                Err(ErrorKind::Overlap { field, series, time })
            }
            Entry::Vacant(_) if count >= VALUES_MAX => {
                Err(ErrorKind::OverlapTooLarge { limit: VALUES_MAX })
            }
            Entry::Vacant(place) => {
                place.insert(Known { policy, value });
                Ok(())
            }
        }
    }
}

fn hash(value: impl Hash) -> u64 {
    // The same on every machine and in every run.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, Overlap, Timestamp};

    /// Whether these values of retention policies, in this order, can be in one bucket.
    fn fit(values: &[(usize, &str, &str, i64, &[u8])]) -> bool {
        let mut overlap = Overlap::default();
        overlap.begin("m");
        let mut checks = values.iter().map(|(policy, series, field, time, value)| {
            overlap.check(*policy, (series, field, Timestamp(*time)), value)
        });
        checks.all(|checked| checked.is_ok())
    }

    #[test]
    fn what_two_policies_hold_of_one_point_must_be_equal() {
        let first = (0, "m,a=b", "f=", 1, b"1".as_slice());
        assert!(fit(&[first, (1, "m,a=b", "f=", 1, b"1")]));
        assert!(!fit(&[first, (1, "m,a=b", "f=", 1, b"2")]));
        assert!(!fit(&[first, (1, "m,a=b", "f=", 1, b"1"), (2, "m,a=b", "f=", 1, b"1i")]));
        for other in [("m,a=c", "f=", 1), ("m,a=b", "g=", 1), ("m,a=b", "f=", 2)] {
            let (series, field, time) = other;
            assert!(fit(&[first, (1, series, field, time, b"2")]), "{other:?}");
        }
        // Of one policy the later value is the one that is there.
        assert!(fit(&[first, (0, "m,a=b", "f=", 1, b"2")]));
    }

    #[test]
    fn the_error_names_the_point() {
        let mut overlap = Overlap::default();
        let point = ("m,a=b", "f=", Timestamp(1));
        overlap.check(0, point, b"1").expect("it is the first");
        let ErrorKind::Overlap { field, series, time } =
            overlap.check(1, point, b"2").expect_err("it is another value")
        else {
            panic!("it is an overlap");
        };
        assert_eq!((field.as_str(), series.as_str(), time), ("f", "m,a=b", Timestamp(1)));
    }

    #[test]
    fn another_measurement_needs_none_of_the_memory() {
        let mut overlap = Overlap::default();
        for measurement in ["m", "n", "n"] {
            overlap.begin(measurement);
            overlap.check(0, (measurement, "f=", Timestamp(1)), b"1").expect("it is the first");
            assert_eq!(overlap.values.len(), 1, "{measurement}");
        }
    }
}
