//! What a response holds that cannot arrive as it is: counted by kind, each with its first places.
//!
//! Does not know what becomes of it.

use std::mem::discriminant;

use super::error::{ConversionError, ErrorKind, Position};
use crate::error::Error;

/// So many places are listed of each kind.
const PLACES_MAX: usize = 10;

/// What cannot arrive, by kind.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Kind>);

/// Findings that have the same reason.
#[derive(Debug)]
struct Kind {
    first: ConversionError,
    count: u64,
    /// Of those after the first.
    places: Vec<Position>,
}

impl Findings {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, error: ConversionError) {
        let Some(kind) = self.0.iter_mut().find(|kind| is_same(&kind.first.kind, &error.kind))
        else {
            return self.0.push(Kind { first: error, count: 1, places: Vec::new() });
        };
        kind.count += 1;
        if kind.places.len() < PLACES_MAX {
            kind.places.push(error.position);
        }
    }

    /// All of them as one error, that of the first.
    pub(crate) fn to_error(&self) -> Option<Error> {
        let mut errors = self.0.iter().map(|kind| {
            let mut error = Error::from(kind.first.clone());
            error.message += &kind.others();
            error
        });
        let first = errors.next()?;
        let mut hints = Vec::from_iter(first.hint.clone());
        let all = errors.fold(first, |all, error| {
            hints.extend(error.hint.filter(|hint| !hints.contains(hint)));
            Error { message: format!("{}; {}", all.message, error.message), ..all }
        });
        Some(Error { hint: (!hints.is_empty()).then(|| hints.join("; ")), ..all })
    }
}

/// Whether two findings are of one kind, whatever names and values they are about.
fn is_same(one: &ErrorKind, other: &ErrorKind) -> bool {
    let reason = |kind: &ErrorKind| match kind {
        ErrorKind::NotInLineProtocol { what, reason, .. } => Some((*what, *reason)),
        _ => None,
    };
    discriminant(one) == discriminant(other) && reason(one) == reason(other)
}

impl Kind {
    /// The places of those after the first, for a message.
    fn others(&self) -> String {
        let (Some(first), others) = (self.places.first(), self.count - 1) else {
            return String::new();
        };
        let unit = first.unit(others);
        let places: Vec<_> = self.places.iter().map(|place| place.number().to_string()).collect();
        let more = if others > places.len() as u64 { ", …" } else { "" };
        format!(" ({others} more like it, in {unit} {}{more})", places.join(", "))
    }
}
