//! What values are, without holding them: sums of hashes, which are the same in whatever order values come.
//!
//! Does not know where they come from.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::counting::slice_of;
use super::values::float;
use crate::time::Timestamp;

/// Values are dealt into so many parcels by what tells them from others, so that of many, those of some
/// parcels can be held: a hundred values that differ of ten million are in 250 000 of them.
const PARCELS: usize = 4096;

/// Which values are held; all count in the digest.
#[derive(Clone, Debug, Default)]
pub(crate) enum Held {
    #[default]
    All,
    Nothing,
    /// Those of some parcels.
    Some(BTreeSet<usize>),
}

/// Of any number of values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    /// How many there are; one that comes twice counts twice.
    pub(crate) values: u64,
    /// Nanoseconds; 0 where no slices are told apart.
    slice: u64,
    /// The sum of the hashes in each slice.
    pub(crate) slices: BTreeMap<Timestamp, u128>,
    /// Empty where there are no values.
    parcels: Vec<Parcel>,
    /// What is hashed, for it is one in memory.
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Parcel {
    values: u64,
    /// Of their texts.
    bytes: u64,
    hash: u128,
}

impl Held {
    pub(super) fn has(&self, parcel: usize) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Some(parcels) => parcels.contains(&parcel),
        }
    }
}

impl Digest {
    /// One of slices of so many nanoseconds.
    pub(super) fn new(slice: u64) -> Self {
        Self { slice, ..Self::default() }
    }

    /// One of no values yet, of the same slices.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.slice)
    }

    /// Takes a value, with names and value as line protocol; returns the parcel that it is in.
    pub(super) fn add(&mut self, time: Timestamp, series: &str, field: &str, value: &str) -> usize {
        let (key, hash) = hashes(&mut self.text, time, series, field, value);
        let place = usize::try_from(key % PARCELS as u64).unwrap_or(0);
        self.parcels.resize(PARCELS, Parcel::default());
        let bytes = (series.len() + field.len() + value.len()) as u64;
        self.parcels[place].add(Parcel { values: 1, bytes, hash });
        if self.slice > 0 {
            let of_slice = self.slices.entry(slice_of(time, self.slice)).or_default();
            *of_slice = of_slice.wrapping_add(hash);
        }
        self.values += 1;
        place
    }

    /// Takes that of other values.
    pub(super) fn absorb(&mut self, other: Self) {
        self.values = self.values.saturating_add(other.values);
        self.slice = other.slice;
        for (start, hash) in other.slices {
            let of_slice = self.slices.entry(start).or_default();
            *of_slice = of_slice.wrapping_add(hash);
        }
        if self.parcels.is_empty() {
            self.parcels = other.parcels;
        } else {
            self.parcels.iter_mut().zip(other.parcels).for_each(|(one, other)| one.add(other));
        }
    }

    /// The parcels in which two digests differ, together as long as the larger side of them has no more than so
    /// many values and bytes.
    pub(crate) fn differing(&self, other: &Self, values_max: u64, bytes_max: u64) -> Vec<Held> {
        let of =
            |digest: &Self, place: usize| digest.parcels.get(place).copied().unwrap_or_default();
        let (mut all, mut some, mut values, mut bytes) = (Vec::new(), BTreeSet::new(), 0, 0);
        for place in 0..PARCELS {
            let (one, other) = (of(self, place), of(other, place));
            if (one.values, one.hash) == (other.values, other.hash) {
                continue;
            }
            values += one.values.max(other.values);
            bytes += one.bytes.max(other.bytes);
            if !some.is_empty() && (values > values_max || bytes > bytes_max) {
                all.push(Held::Some(std::mem::take(&mut some)));
                (values, bytes) = (one.values.max(other.values), one.bytes.max(other.bytes));
            }
            some.insert(place);
        }
        if !some.is_empty() {
            all.push(Held::Some(some));
        }
        all
    }
}

/// Of a value, with names and value as line protocol: a hash of what tells it from others, and one of all of
/// it. Floats count as their bits, for they may be written in several ways. `text` is what is hashed: it is a
/// buffer, and what it held before is gone.
pub(crate) fn hashes(
    text: &mut Vec<u8>,
    time: Timestamp,
    series: &str,
    field: &str,
    value: &str,
) -> (u64, u128) {
    text.clear();
    for part in [series, field] {
        text.extend_from_slice(&(part.len() as u64).to_le_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(&time.0.to_le_bytes());
    let key = xxh3_64(text);
    match float(value) {
        Some(float) => text.extend_from_slice(&float.to_bits().to_le_bytes()),
        None => text.extend_from_slice(value.as_bytes()),
    }
    (key, xxh3_128(text))
}

impl Parcel {
    fn add(&mut self, other: Self) {
        self.values = self.values.saturating_add(other.values);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.hash = self.hash.wrapping_add(other.hash);
    }
}
