//! Columns of small responses of annotated CSV, for the plan: a table of them need hold no points.
//!
//! Does not know what was asked.

use super::annotated::failed_query;
use super::error::{ConversionError, ErrorKind, quoted};
use super::header::OWN_COLUMNS;
use super::records::{Record, Records};
use crate::error::Error;
use crate::time::Timestamp;

/// The earliest `_time` in a response whose tables need hold no points, if there is one:
///
/// ```csv
/// ,result,table,_time
/// ,,0,1969-12-31T23:59:59.999999999Z
/// ```
pub(crate) fn first_time(response: &[u8]) -> Result<Option<Timestamp>, Error> {
    let mut first = None;
    each_cell(response, "_time", |record, cell| {
        let time = Timestamp::parse(cell).map_err(|_| {
            let (column, found) = ("_time".to_owned(), quoted(cell));
            record.error(ErrorKind::Value { column, expected: "a time", found })
        })?;
        first = Some(first.map_or(time, |first: Timestamp| first.min(time)));
        Ok(())
    })?;
    Ok(first)
}

/// The texts of a column in such a response.
pub(crate) fn flux_column(response: &[u8], column: &'static str) -> Result<Vec<String>, Error> {
    let mut values = Vec::new();
    each_cell(response, column, |_, cell| {
        values.push(cell.to_owned());
        Ok(())
    })?;
    Ok(values)
}

/// The sum of the column `_value` in such a response.
pub(crate) fn flux_count(response: &[u8]) -> Result<u64, Error> {
    let mut sum = 0_u64;
    each_cell(response, "_value", |record, cell| {
        let count = cell.parse().ok().and_then(|count| sum.checked_add(count));
        sum = count.ok_or_else(|| {
            let (column, found) = ("_value".to_owned(), quoted(cell));
            record.error(ErrorKind::Value { column, expected: "a count", found })
        })?;
        Ok(())
    })?;
    Ok(sum)
}

/// Takes what each row has in this column.
fn each_cell(
    mut response: &[u8],
    column: &'static str,
    mut take: impl FnMut(Record<'_>, &str) -> Result<(), ConversionError>,
) -> Result<(), Error> {
    let (mut records, mut place) = (Records::new(), None);
    while let Some(record) = records.next(&mut response)? {
        if record.field(0).starts_with('#') {
            place = None;
            continue;
        }
        let Some(place) = place else {
            let at = record.fields().position(|name| name == column || name == "error");
            let missing = || record.error(ErrorKind::ColumnMissing { column });
            place = Some(at.ok_or_else(missing)?);
            continue;
        };
        // The server's own columns come first, so this is the place of `error`.
        if place < OWN_COLUMNS {
            return Err(failed_query(record).into());
        }
        take(record, record.field(place))?;
    }
    if records.is_inside() {
        return Err(records.error(ErrorKind::Truncated).into());
    }
    if !records.ends_with_empty_line() {
        return Err(records.error(ErrorKind::NoEmptyLine).into());
    }
    Ok(())
}
