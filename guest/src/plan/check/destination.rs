//! The destination before anything is written to it: what it has, and whether it holds points of these times.
//!
//! What cannot be read there does not keep a run from writing: it is said. Does not know the source.

use super::finding::{Finding, Weight};
use super::schema::Tables;
use crate::converter::quoted;
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::note::migration_name;
use crate::plan::side::{Side, Table};
use crate::settings::Settings;
use crate::time::TimeRange;

/// What is known of a destination.
#[derive(Debug)]
pub(crate) struct There {
    pub(crate) side: Side,
    pub(crate) tables: Tables,
    /// It will be made by the first write.
    pub(crate) is_new: bool,
}

/// Lists what the destination has. Where it cannot be read, what that means.
pub(crate) async fn there(
    asker: &Asker,
    settings: &Settings,
    range: TimeRange,
) -> Result<Result<There, Finding>, Error> {
    let side = match Side::destination(asker, settings).await {
        Ok(side) => side,
        Err(error) => return unread(error).map(Err),
    };
    let listed = match side.is_file() {
        // A file that is not this migration's is refused elsewhere.
        true => Ok(Tables::new()),
        false => side.tables(asker, range, u64::MAX).await,
    };
    match listed {
        Ok(tables) => Ok(Ok(There { side, tables, is_new: false })),
        Err(error) if is_new(&error) => Ok(Ok(There { side, tables: Tables::new(), is_new: true })),
        // Who does not answer even that is not there.
        Err(error) if error.fault == Fault::TimedOut => Err(error),
        Err(error) => unread(error).map(Err),
    }
}

/// Whether there is no such database yet: InfluxDB 3 Core makes it with the first write (observed on 3.6.0
/// and 3.10.1). Even with an empty one, which so is no way to try a token.
fn is_new(error: &Error) -> bool {
    error.fault == Fault::Missing && error.message.contains("database not found")
}

/// What it means that a destination could not be read; an error where nobody is there.
fn unread(error: Error) -> Result<Finding, Error> {
    match error.fault {
        Fault::Stopped
        | Fault::Unreachable
        | Fault::Unavailable
        | Fault::Truncated
        | Fault::Internal => Err(error),
        Fault::Settings
        | Fault::Unauthorized
        | Fault::Missing
        | Fault::TimedOut
        | Fault::TooLarge
        | Fault::Exhausted
        | Fault::Refused
        | Fault::Malformed
        | Fault::Unsupported => {
            let message = format!("what the destination holds was not looked at: {error}");
            let hint = match error.fault {
                Fault::Unauthorized => {
                    "it is written all the same; to have it looked at, name a token that may read \
                     it: `destination.read_token_env`"
                        .to_owned()
                }
                _ => error.hint.unwrap_or_else(|| "it is written all the same".to_owned()),
            };
            Ok(Finding::warning("destination", message).with_hint(hint))
        }
    }
}

impl There {
    /// Whether it holds points of the range in tables that would be written.
    pub(crate) async fn data(
        &self,
        asker: &Asker,
        settings: &Settings,
        range: TimeRange,
        source: &Tables,
    ) -> Result<Option<Finding>, Error> {
        let common: Vec<_> = self.common(settings, source);
        if common.is_empty() {
            return Ok(None);
        }
        let found = match self.side.first_with_points(asker, &common, range).await {
            Ok(found) => found,
            Err(error) => return unread(error).map(Some),
        };
        Ok(found.map(|name| {
            let (name, range) = (quoted(&name), migration_name(range));
            let message = format!("the destination holds points of `{name}` in {range}");
            match settings.holds_data {
                true => Finding::new(Weight::Info, "destination", message),
                false => Finding::stop("destination", message).with_hint(
                    "if that may be, set `destination.holds_data = true`: a point written twice is \
                     one point, and of two that differ nobody knows which InfluxDB 3 keeps",
                ),
            }
        }))
    }

    /// The tables of the destination that the source would write to.
    fn common(&self, settings: &Settings, source: &Tables) -> Vec<&Table> {
        let names = source.values().map(|table| settings.rules.measurement(&table.name));
        names.filter_map(|name| self.tables.get(name)).collect()
    }
}
