//! What a batch is to do: the text `order` of the contract.
//!
//! Does not know how. It goes to another thread or machine, so what comes of it is checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::road::Road;
use super::slot::Slot;
use super::window::Window;
use crate::error::{Error, Fault};
use crate::section::Section;
use crate::settings::{Allowance, Destination, Settings, Start, Stop};
use crate::time::{TimeRange, Timestamp};

/// What a batch needs to know, as JSON: the text `order` of the contract.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// The configuration, as it came.
    pub(crate) settings: Value,
    /// Nanoseconds, as all times here: text, for some readers of JSON have only doubles.
    pub(crate) batch: [String; 2],
    /// Of the whole migration.
    pub(crate) migration: [String; 2],
    /// Where its lines belong in a file.
    pub(crate) offset: Option<u64>,
    /// How it is read, if that is known: else the batch finds out.
    #[serde(default)]
    pub(crate) road: Option<Road>,
    /// Of which points it is.
    #[serde(default)]
    pub(crate) section: Section,
    /// Whether the fields of a point are asked for in one row, by Flux.
    #[serde(default)]
    pub(crate) is_pivoted: bool,
    /// What it may read and write, and when.
    #[serde(default)]
    pub(crate) slot: Slot,
    /// How many bodies may be under way, and how large.
    #[serde(default)]
    pub(crate) window: Window,
    /// Whether the batch makes its own record, because no migration handed it out.
    #[serde(default)]
    pub(crate) records_itself: bool,
    /// How many points may still be refused; by default so many as the settings say of all batches.
    #[serde(default)]
    pub(crate) rejected_max: Option<u64>,
}

impl Order {
    pub(crate) fn new(settings: &Value, batch: TimeRange, migration: TimeRange) -> Self {
        let text = |range: TimeRange| [range.start().0.to_string(), range.stop().0.to_string()];
        Self {
            settings: settings.clone(),
            batch: text(batch),
            migration: text(migration),
            offset: None,
            road: None,
            section: Section::ALL,
            is_pivoted: false,
            slot: Slot::default(),
            window: Window::default(),
            records_itself: false,
            rejected_max: None,
        }
    }

    /// Reads an order, and the configuration in it.
    pub(crate) fn parse(text: &str) -> Result<(Self, Settings), Error> {
        let order: Self = serde_json::from_str(text).map_err(|error| unfit(&error.to_string()))?;
        let settings = Settings::read(&order.settings)?;
        if matches!(&order.road, Some(Road::InfluxQl(database)) if !database.is_fit()) {
            return Err(unfit(
                "`road` leads to no retention policy, or its cell is no part of an hour",
            ));
        }
        if let Some(word) = unrecorded(&settings).filter(|_| order.records_itself) {
            return Err(unfit(&format!(
                "a split takes no {word}: only a migration records what that is"
            )));
        }
        if matches!(settings.destination, Destination::File(_)) && order.offset.is_none() {
            return Err(unfit("a file takes its batches in order, so each must know its `offset`"));
        }
        Ok((order, settings))
    }

    /// The range of the batch, and that of the whole migration.
    pub(crate) fn ranges(&self) -> Result<[TimeRange; 2], Error> {
        Ok([
            range(&self.batch).ok_or_else(|| unfit("`batch` is no range"))?,
            range(&self.migration).ok_or_else(|| unfit("`migration` is no range"))?,
        ])
    }
}

/// What a migration finds out at its beginning, and a split does not record.
fn unrecorded(settings: &Settings) -> Option<&'static str> {
    let Settings { start, stop, limits, .. } = settings;
    match (start, stop) {
        (Start::Earliest, _) => Some("`start = \"earliest\"`"),
        (_, Stop::Now) => Some("`stop = \"now\"`"),
        _ if limits.read == Allowance::Auto => Some("`read_mb = \"auto\"`"),
        _ if limits.write == Allowance::Auto => Some("`write_mb = \"auto\"`"),
        (Start::At(_), Stop::At(_)) => None,
    }
}

fn range(text: &[String; 2]) -> Option<TimeRange> {
    let time = |text: &String| text.parse().map(Timestamp).ok();
    TimeRange::new(time(&text[0])?, time(&text[1])?)
}

fn unfit(what: &str) -> Error {
    Error::new(Fault::Settings, format!("the order is unfit: {what}"))
}
