//! What a run looks at before its first batch: what is known not to arrive, and what is there already.
//!
//! Decides as `check` does, and asks less. Does not know batches.

use super::destination;
use super::finding::Finding;
use super::schema;
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::road::Road;
use crate::plan::side::{Changes, Classes, Side};
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
    // What the source has is looked at even where the destination shows nothing.
    let (there, mut findings) = match destination::there(asker, settings, range).await? {
        Ok(there) => (Some(there), Vec::new()),
        Err(finding) => (None, vec![finding]),
    };
    let source = Side::by_road(settings, road);
    let nothing_is_there = there.as_ref().is_none_or(|there| there.tables.is_empty());
    if !source.tells_types() && nothing_is_there {
        return Ok(findings);
    }
    let (tables, classes) = match of_source(asker, &source, range).await {
        Ok(found) => found,
        Err(error) => return of_batches(error).map(|()| findings),
    };
    let of_destination = there.as_ref().map(|there| &there.tables);
    findings.extend(schema::findings(settings, &tables, &classes, &Changes::new(), of_destination));
    if let Some(there) = there {
        findings.extend(there.data(asker, settings, range, &tables).await?);
    }
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
fn of_batches(error: Error) -> Result<(), Error> {
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
        | Fault::Unsupported => Ok(()),
    }
}
