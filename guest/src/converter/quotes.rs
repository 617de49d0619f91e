//! Quotes around a cell that need not be there: the trace of what Flux has lost of it.
//!
//! The encoder of Flux, Go's `encoding/csv`, quotes a cell for a `\r` in it and then drops the `\r`
//! (observed on InfluxDB 2.9.1). Nothing else is quoted without need. Where there is a need besides,
//! a comma or a quote, there is no trace.
//!
//! ```csv
//! ,,0,2022-01-01T00:00:00Z,"ab",note,room,Lima
//! ```

use super::repeat::field_length;
use super::text::without_line_end;

/// The places, counted from 0, of the cells of a record that are quoted without need.
pub(super) fn needless(record: &[u8]) -> impl Iterator<Item = usize> {
    // Mostly there are no quotes at all.
    let mut rest = memchr::memchr(b'"', record).map(|_| without_line_end(record));
    let cells = std::iter::from_fn(move || {
        let text = rest?;
        let length = field_length(text)?;
        rest = text.get(length + 1..);
        Some(&text[..length])
    });
    cells.enumerate().filter(|(_, cell)| is_needless(cell)).map(|(place, _)| place)
}

/// Whether a cell has quotes and needs none (`fieldNeedsQuotes` of Go's `encoding/csv`).
pub(super) fn is_needless(cell: &[u8]) -> bool {
    let Some(inside) = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")) else {
        return false;
    };
    let begins_blank =
        str::from_utf8(inside).is_ok_and(|text| text.starts_with(char::is_whitespace));
    let is_special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    !(begins_blank || inside == br"\." || inside.iter().any(is_special))
}
