//! Strings that hold a carriage return, counted by a query on the server. Does not know what else they hold.
//!
//! InfluxQL reads them as they are; whoever reads by Flux, or exports to CSV, does not.

use serde_json::json;

use super::density::Density;
use super::finding::Finding;
use super::schema::Tables;
use crate::converter::quoted;
use crate::error::{Error, Fault};
use crate::plan::inquiry::Asker;
use crate::plan::note::counted;
use crate::plan::side::{Column, Side};
use crate::rules::Type;
use crate::time::TimeRange;

/// An engine looks at each string for that: of fields with more of them it is not asked.
const STRINGS_MAX: u64 = 2_000_000;

/// Looks at the fields that are strings and nothing else.
pub(super) async fn findings(
    asker: &Asker,
    source: &Side,
    tables: &Tables,
    density: &Density,
    range: TimeRange,
) -> Result<Vec<Finding>, Error> {
    if source.database().is_none() {
        return Ok(Vec::new());
    }
    let (mut asked, mut too_many) = (Vec::new(), Vec::new());
    for (name, table) in tables {
        for part in &table.parts {
            for field in part.fields.iter().filter(|field| field.types == [Type::String]) {
                let column = Column { field: field.name.clone(), class: None };
                match density.tables.get(name).map(|counted| counted.of(&column)) {
                    Some(0) => {}
                    Some(count) if count <= STRINGS_MAX => asked.push((table, part, field)),
                    Some(_) | None => too_many.push(format!("{}.{}", part.name, field.name)),
                }
            }
        }
    }
    let mut found = Vec::new();
    asker.does("looking for carriage returns".to_owned(), 0.0);
    for (table, part, field) in asked {
        let count = source.carriage_returns(asker, table, part, &field.name, range).await;
        let count = match count {
            Ok(0) => continue,
            Ok(count) => count,
            // It is too much at once, or no such query is known there.
            Err(error)
                if matches!(
                    error.fault,
                    Fault::TooLarge | Fault::TimedOut | Fault::Settings | Fault::Malformed
                ) =>
            {
                let message = format!("carriage returns in strings were not counted: {error}");
                found.push(Finding::info("strings", message));
                break;
            }
            Err(error) => return Err(error),
        };
        let strings = counted(count, "string holds", "strings hold");
        let (table, name) = (quoted(&part.name), quoted(&field.name));
        let message = format!("{strings} a carriage return in `{name}` of `{table}`");
        let hint = "InfluxQL reads them as they are; Flux would alter them";
        let data = json!({ "measurement": part.name, "field": field.name, "values": count });
        found.push(Finding::info("strings", message).with_hint(hint).with(data));
    }
    if !too_many.is_empty() {
        let message = format!(
            "carriage returns were not counted in {}, for they are many",
            crate::plan::note::list(&too_many)
        );
        found.push(Finding::info("strings", message));
    }
    Ok(found)
}
