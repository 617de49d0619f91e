//! What a run looks at before its first batch: what is known not to arrive, and what is there already.
//!
//! Decides as `check` does, and asks less. Does not know batches.

use super::destination;
use super::finding::Finding;
use super::schema;
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::road::Road;
use crate::plan::side::{Classes, Side};
use crate::settings::{Destination, Settings, Source};
use crate::time::TimeRange;

/// Whether there are two servers to be looked at.
pub(crate) fn is_worth(settings: &Settings) -> bool {
    let is_server = match settings.destination {
        Destination::V1(_) | Destination::V2(_) | Destination::V3(_) => true,
        Destination::File(_) => false,
    };
    is_server && matches!(settings.source, Source::V1(_) | Source::V2(..))
}

/// Looks at both sides.
pub(crate) async fn look(
    asker: &Asker,
    settings: &Settings,
    road: Option<Road>,
    range: TimeRange,
) -> Result<Vec<Finding>, Error> {
    asker.keep_notes();
    let there = match destination::there(asker, settings, range).await? {
        Ok(there) => there,
        Err(finding) => return Ok(vec![finding]),
    };
    let source = Side::by_road(settings, road);
    if !source.tells_types() && there.tables.is_empty() {
        return Ok(Vec::new());
    }
    let (tables, classes) = match of_source(asker, &source, range).await {
        Ok(found) => found,
        Err(error) => return of_batches(error),
    };
    let mut findings = schema::findings(settings, &tables, &classes, Some(&there.tables));
    findings.extend(there.data(asker, settings, range, &tables).await?);
    Ok(findings)
}

async fn of_source(
    asker: &Asker,
    source: &Side,
    range: TimeRange,
) -> Result<(schema::Tables, Classes), Error> {
    let mut tables = source.tables(asker, range, u64::MAX).await?;
    source.add_tags(asker, &mut tables).await?;
    let classes = source.classes(asker, &tables, range).await?;
    Ok((tables, classes))
}

/// What the source does not answer here, each batch would meet, and say of what it is.
fn of_batches(error: Error) -> Result<Vec<Finding>, Error> {
    match error.fault {
        Fault::Stopped
        | Fault::Unreachable
        | Fault::Unavailable
        | Fault::Unauthorized
        | Fault::TimedOut
        | Fault::Truncated
        | Fault::Internal => Err(error),
        Fault::Settings
        | Fault::Missing
        | Fault::TooLarge
        | Fault::Exhausted
        | Fault::Refused
        | Fault::Malformed
        | Fault::Unsupported => Ok(Vec::new()),
    }
}
