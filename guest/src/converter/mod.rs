//! Annotated CSV in, line protocol out, as a stream.

use crate::error::{Error, Fault};
use crate::plan::Totals;

/// A response in the course of conversion.
#[derive(Debug)]
pub struct Conversion {}

/// What became of a response, or of a piece of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Whole lines, each with its line feed.
    pub lines: String,
    /// What was set aside, in its order.
    pub rejected: Vec<Rejection>,
    /// Of this piece alone.
    pub totals: Totals,
}

/// A point that the destination cannot take and that the settings allow to set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its line in the response, counted from 1.
    pub line: u64,
    /// Why, for people.
    pub reason: String,
    /// The point, as near to line protocol as can be.
    pub text: String,
}

/// Converts a whole response.
///
/// # Errors
/// As `Conversion::push` and `finish`.
pub fn convert(response: &str, settings: &str) -> Result<Converted, Error> {
    let mut conversion = Conversion::open(settings)?;
    let _ = conversion.push(response.as_bytes())?;
    conversion.finish()
}

impl Conversion {
    /// Begins a conversion.
    ///
    /// # Errors
    /// `Settings`.
    pub fn open(_settings: &str) -> Result<Self, Error> {
        Err(Error::new(Fault::Internal, ""))
    }

    /// Takes the next piece of the response, cut anywhere.
    ///
    /// # Errors
    /// After an error only the same error follows.
    pub fn push(&mut self, _bytes: &[u8]) -> Result<Converted, Error> {
        Err(Error::new(Fault::Internal, ""))
    }

    /// Ends the response.
    ///
    /// # Errors
    /// `Truncated` where the response stops inside a record.
    pub fn finish(self) -> Result<Converted, Error> {
        Err(Error::new(Fault::Internal, ""))
    }
}
