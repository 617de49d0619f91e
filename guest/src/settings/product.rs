//! `destination.product`: what the destination is, as far as its `api` does not say it.

use serde::Deserialize;
use serde_json::Value;

use super::Destination;
use super::table::{Table, fault};
use crate::converter::{Dialect, PRODUCTS, Product};
use crate::error::Error;

/// How the destination reads names: only InfluxDB 3 has an `/api/v3`; behind the others may be any
/// product, and a file may be for any.
pub(super) fn dialect(table: &Table<'_>, destination: &Destination) -> Result<Dialect, Error> {
    let Some(word) = table.text("product")? else {
        let is_3 = matches!(destination, Destination::V3(_));
        return Ok(if is_3 { Dialect::Iox } else { Dialect::Common });
    };
    let product = Product::deserialize(Value::from(word)).map_err(|_| {
        let words = PRODUCTS.map(|name| format!("\"{name}\"")).join(", ");
        table.unfit("product", &format!("one of {words}"))
    })?;
    let refused = |why| Err(fault(format!("`destination.product` is \"{word}\": {why}")));
    match (destination, product) {
        (Destination::V3(_), Product::Cloud | Product::Oss) => {
            refused("it has no `/api/v3`; choose another `destination.api`")
        }
        // Who writes to `/write` may mean InfluxDB Enterprise 1.x, which reads names as OSS does.
        (Destination::V1(_), Product::Enterprise) => refused(
            "choose `destination.api = \"v3\"` for InfluxDB 3 Enterprise, or `product = \"oss\"` \
             for InfluxDB Enterprise 1.x",
        ),
        _ => Ok(product.dialect()),
    }
}

/// What it is, where that is said, after `dialect` has found nothing wrong with it.
pub(super) fn product(table: &Table<'_>) -> Option<Product> {
    Product::deserialize(table.get("product")?).ok()
}
