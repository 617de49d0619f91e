//! What the destination refused of a batch, and what was set aside before it was asked: how many points,
//! whether so many may be, and the first that were refused.
//!
//! Does not know how it was found out.

use std::collections::BTreeSet;

use crate::converter::{Refused, bounded};
use crate::error::{Endpoint, Error, Fault};
use crate::plan::counted;

/// The refused points of a batch.
#[derive(Debug)]
pub(crate) struct RefusedPoints {
    /// So many may be set aside.
    allowed: u64,
    /// Which they are: the fields of a point may be refused one by one.
    numbers: BTreeSet<u64>,
    /// What it was not even asked to take.
    unfit: u64,
    /// For each of the first reasons the earliest point that was refused for it: which one is found
    /// first depends on which answer is.
    examples: Vec<Refused>,
    /// The status of the last answer that refused some.
    status: u16,
}

/// Where more are refused than are allowed, and so many, no more are looked for: the batch cannot pass,
/// and what it says is plain. As many as Cloud names at once.
const REFUSED_MAX: u64 = 100;

/// So many reasons are shown.
const REASONS_MAX: usize = 3;

/// So many characters of a series, and of its fields, are shown.
const PART_CHARACTERS_MAX: usize = 250;

impl RefusedPoints {
    pub(crate) fn new(allowed: u64) -> Self {
        Self { allowed, numbers: BTreeSet::new(), unfit: 0, examples: Vec::new(), status: 0 }
    }

    /// All that is not to arrive.
    pub(crate) fn count(&self) -> u64 {
        self.refused() + self.unfit
    }

    /// What was refused.
    pub(crate) fn refused(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// How many may be set aside.
    pub(crate) fn allowed(&self) -> u64 {
        self.allowed
    }

    pub(crate) fn add_unfit(&mut self) {
        self.unfit += 1;
    }

    /// Whether they are more than may be set aside.
    pub(crate) fn are_too_many(&self) -> bool {
        self.count() > self.allowed
    }

    /// Whether any may be.
    pub(crate) fn may_be_set_aside(&self) -> bool {
        self.allowed > 0
    }

    /// Whether no more are to be looked for.
    pub(crate) fn is_enough(&self) -> bool {
        self.are_too_many() && self.refused() >= REFUSED_MAX
    }

    pub(crate) fn add(&mut self, status: u16, refused: Vec<Refused>) {
        self.status = status;
        for refused in refused {
            self.numbers.insert(refused.number);
            self.show(refused);
        }
    }

    fn show(&mut self, refused: Refused) {
        // Strings may be megabytes, and of a series only names and tags are kept.
        let fields = bounded(&refused.fields, PART_CHARACTERS_MAX);
        let refused = Refused { fields, ..refused };
        let known = self.examples.iter_mut().find(|example| example.reason == refused.reason);
        if let Some(example) = known {
            if example.place() == refused.place() {
                let fields = format!("{},{}", example.fields, refused.fields);
                example.fields = bounded(&fields, PART_CHARACTERS_MAX);
            } else if refused.place() < example.place() {
                *example = refused;
            }
        } else if self.examples.len() < REASONS_MAX {
            self.examples.push(refused);
        }
    }

    /// The error of a batch with refused points. `of` says of how many points, if all of them were
    /// sent.
    pub(crate) fn error(&self, destination: &str, of: Option<u64>) -> Error {
        let (count, status) = (self.refused(), self.status);
        let many = match of {
            Some(all) => format!("{count} of {}", counted(all, "point", "points")),
            None => format!("at least {}", counted(count, "point", "points")),
        };
        let mut message = format!("the destination `{destination}` refused {many} ({status})");
        let mut examples: Vec<_> = self.examples.iter().collect();
        examples.sort_by_key(|example| example.place());
        for (place, example) in examples.into_iter().enumerate() {
            message += match place {
                0 if count == 1 => ": ",
                0 => ", the first: ",
                _ => "; another: ",
            };
            message += &shown(example);
        }
        if self.unfit > 0 {
            let unfit = counted(self.unfit, "point", "points");
            message += &format!("; {unfit} of this batch could not be written at all");
        }
        let others = match of {
            Some(_) => "all other values of this batch have arrived",
            None => "others of this batch may have arrived",
        };
        let more = match self.may_be_set_aside() {
            true => "set more aside with a larger `rejected.max`",
            false => "set them aside with `rejected.max`",
        };
        let hint = format!(
            "{others}; mend what the reason says (a type by `schema.types`, a name by `schema.rename`), or {more}"
        );
        Error::new(Fault::Refused, message).at(Endpoint::Destination).with_hint(hint)
    }
}

/// A refused point as it would be written, and why it was not.
fn shown(refused: &Refused) -> String {
    let Refused { number: _, series, fields, time, reason } = refused;
    let series = bounded(series, PART_CHARACTERS_MAX);
    let reason = if reason.is_empty() { "it does not say why" } else { reason };
    format!("`{series} {fields} {time}`: {reason}")
}
