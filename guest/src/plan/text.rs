//! Text for people: lines, and tables whose columns are as wide as their widest cell. Does not know what of.

use std::fmt::{Arguments, Write};

use crate::settings::Place;

/// Adds a line.
pub(crate) fn say(text: &mut String, line: Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all");
}

/// Adds a table; so many columns are texts, and those after them numbers, to the right.
pub(crate) fn push_table(text: &mut String, texts: usize, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let cell = |(at, cell): (usize, &String)| match at < texts {
            true => format!("{cell:<width$}", width = widths[at]),
            false => format!("{cell:>width$}", width = widths[at]),
        };
        let cells: Vec<_> = row.iter().enumerate().map(cell).collect();
        say(text, format_args!("{}", cells.join("  ").trim_end()));
    }
}

/// A side, and where it is.
pub(crate) fn side(name: &str, Place { url, bucket, .. }: &Place) -> String {
    let at = if url.is_empty() { String::new() } else { format!(" at {url}") };
    format!("{name:<12} `{bucket}`{at}")
}
