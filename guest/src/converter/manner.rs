//! How points are to be written, as far as somebody may say so.
//!
//! Does not know points.

use std::sync::Arc;

use serde::Deserialize;

use super::names::Dialect;
use crate::rules::Rules;

/// What settings say of a conversion; by default nothing is altered, and nothing is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// How the destination reads names.
    pub(crate) dialect: Dialect,
    pub(crate) line_breaks: LineBreaks,
    pub(crate) unfit: UnfitValues,
    /// Shared, so that a line can be named by them while it is written.
    pub(crate) rules: Arc<Rules>,
}

/// What becomes of strings with line breaks in a response of Flux, which does not tell what they
/// were: it has `\r\n` for `\n` as for `\r\n`, and nothing for a lone `\r` (observed on InfluxDB
/// 2.9.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LineBreaks {
    /// They are not taken.
    #[default]
    Refuse,
    /// They become `\n`, and are counted.
    Accept,
}

/// What becomes of values that line protocol, or the product of the destination, is known not to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnfitValues {
    /// No line leaves after the first of them.
    #[default]
    Refuse,
    /// They are set aside, and all others arrive.
    SetAside,
}
