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
