//! What a migration learns from a batch beside its record: the text `report` of the contract.
//!
//! Does not know what becomes of it. It comes back from outside, perhaps from another machine.

use serde::{Deserialize, Serialize};

use super::slot::Slot;
use super::window::Window;

/// What a batch took: once all is read, and at its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// For how long the source was waited for, in nanoseconds.
    pub(crate) source_nanoseconds: u64,
    /// How often it asked to wait, or failed.
    pub(crate) source_delays: u32,
    /// How many tables a response of Flux had: one for each field of each series.
    pub(crate) tables: u64,
    /// Field values.
    pub(crate) rows: u64,
    /// Bytes of responses.
    pub(crate) read: u64,
    /// Bytes of lines, with those that are not acknowledged; if it has failed, they will not be.
    pub(crate) written: u64,
    /// What is not acknowledged: bodies, and their bytes.
    pub(crate) unacknowledged_bodies: usize,
    pub(crate) unacknowledged_bytes: u64,
    /// What is used of it.
    pub(crate) slot: Slot,
    /// How much the destination takes at once.
    pub(crate) window: Window,
}

impl Report {
    /// `None` if it is none: of a batch that crashed, or was not opened.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a report is plain JSON")
    }
}
