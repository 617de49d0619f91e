//! How many tables and columns each product of InfluxDB 3 takes (its documents). Asks nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::finding::{Finding, Weight};
use super::schema::{Shape, Tables};
use crate::converter::{Product, quoted};
use crate::plan::note::counted;
use crate::settings::{Destination, Settings};

/// What a product takes.
struct Most {
    product: &'static str,
    tables: usize,
    columns: usize,
    /// What happens beyond it: others set their limits themselves, as far as this.
    columns_ever: usize,
}

const CORE: Most =
    Most { product: "InfluxDB 3 Core", tables: 2000, columns: 500, columns_ever: 500 };
const ENTERPRISE: Most =
    Most { product: "InfluxDB 3 Enterprise", tables: 10_000, columns: 500, columns_ever: 500 };
const SERVERLESS: Most =
    Most { product: "Cloud Serverless", tables: 500, columns: 200, columns_ever: 200 };
const DEDICATED: Most =
    Most { product: "Cloud Dedicated", tables: 500, columns: 250, columns_ever: 1000 };
const CLUSTERED: Most = Most { product: "Clustered", ..DEDICATED };

fn most(settings: &Settings) -> Option<Most> {
    match (settings.product, &settings.destination) {
        (Some(Product::Core), _) => Some(CORE),
        // Which of both it is, nobody has said: what both take is safe.
        (None, Destination::V3(_)) => Some(CORE),
        (Some(Product::Enterprise), _) => Some(ENTERPRISE),
        (Some(Product::Serverless), _) => Some(SERVERLESS),
        (Some(Product::Dedicated), _) => Some(DEDICATED),
        (Some(Product::Clustered), _) => Some(CLUSTERED),
        (Some(Product::Cloud | Product::Oss), _)
        | (None, Destination::V1(_) | Destination::V2(_) | Destination::File(_)) => None,
    }
}

/// The columns and tables that there would be, with those that there are.
pub(super) fn findings(
    settings: &Settings,
    shapes: &BTreeMap<String, Shape>,
    destination: Option<&Tables>,
    found: &mut Vec<Finding>,
) {
    let Some(most) = most(settings) else { return };
    let hint = "raise it there if you can; or move fewer: name others in `migration.measurements`";
    for (name, shape) in shapes {
        let mut columns = BTreeSet::new();
        if let Some(there) = destination.and_then(|tables| tables.get(name)) {
            let fields = there.parts.iter().flat_map(|part| &part.fields);
            columns.extend(there.tags.iter().map(String::as_str));
            columns.extend(fields.map(|field| field.name.as_str()));
        }
        let before = columns.len();
        columns.extend(shape.tags.keys().chain(shape.fields.keys()).map(String::as_str));
        // And the time.
        let count = columns.len() + 1;
        // What is there already shows that there is room for it.
        if columns.len() > before && count > most.columns {
            // Each column beyond it is refused, with all points that have it, and ends the run.
            let is_certain = count > most.columns_ever;
            let weight = if is_certain { Weight::Stop } else { Weight::Warning };
            let message = format!(
                "`{}` would have {}, and {} takes {}",
                quoted(name),
                counted(count as u64, "column", "columns"),
                most.product,
                most.columns
            );
            let data =
                json!({ "measurement": name, "columns": count, "columns_max": most.columns });
            found.push(Finding::new(weight, "limits", message).with_hint(hint).with(data));
        }
    }
    let is_new =
        |name: &&String| destination.is_none_or(|tables| !tables.contains_key(name.as_str()));
    let new = shapes.keys().filter(is_new).count();
    let before = destination.map_or(0, BTreeMap::len);
    let count = new + before;
    if new > 0 && count > most.tables {
        let message = format!(
            "the destination would have {}, and {} takes {}",
            counted(count as u64, "table", "tables"),
            most.product,
            most.tables
        );
        let data = json!({ "tables": count, "tables_max": most.tables });
        // Where there are more than are taken by default, the limit was raised.
        let is_certain = before <= most.tables;
        let weight = if is_certain { Weight::Stop } else { Weight::Warning };
        found.push(Finding::new(weight, "limits", message).with_hint(hint).with(data));
    }
}
