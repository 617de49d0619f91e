//! What a response holds, as readers see it that are not the converter's.

use rmpv::Value;

use crate::Format;
use crate::lines::Values;

/// Each value of a response that was taken has left, and no other.
pub(crate) fn check(format: Format, response: &[u8], left: &Values) {
    match format {
        Format::Csv => {
            // A row of a pivoted table has as many values as the point has fields.
            if let Some(rows) = rows_of_csv(response) {
                assert_eq!(left.count, rows, "rows of the response");
            }
        }
        Format::InfluxQl => {
            assert_eq!(left.count, values_of_results(response), "values of the response");
        }
        Format::Lines => check_lines(response, left),
    }
}

/// Whether a response that begins so could end there.
pub(crate) fn may_end(format: Format, prefix: &[u8]) -> bool {
    match format {
        Format::Csv => {
            let text = prefix.strip_prefix("\u{feff}".as_bytes()).unwrap_or(prefix);
            let is_line_end = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
            let line_ends = text.iter().rev().take_while(is_line_end);
            let line_feeds = line_ends.clone().filter(|byte| **byte == b'\n').count();
            let is_blank = line_ends.count() == text.len();
            // InfluxDB ends each with an empty line: else one that was cut at the end of a row would
            // pass for whole.
            line_feeds + usize::from(is_blank) >= 2
        }
        // Whoever sent the statements knows how many results there must be; nobody else does.
        Format::InfluxQl => is_messagepack(prefix),
        Format::Lines => prefix.is_empty() || prefix.ends_with(b"\n"),
    }
}

fn is_messagepack(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        if rmpv::decode::read_value(&mut bytes).is_err() {
            return false;
        }
    }
    true
}

/// Records that are neither an annotation nor a header; `None` if some may be of a pivoted table.
fn rows_of_csv(response: &[u8]) -> Option<u64> {
    let (mut rows, mut is_header) = (0, true);
    for (first, record) in records_of_csv(response) {
        match first {
            Some(b'#') => is_header = true,
            _ if is_header => {
                // A field may be called `_value` and more.
                let mut names = record.split(|byte| matches!(byte, b',' | b'\r' | b'\n'));
                let has_value = names.any(|name| name == b"_value");
                has_value.then_some(())?;
                is_header = false;
            }
            _ => rows += 1,
        }
    }
    Some(rows)
}

/// What each record begins with, quotes aside, `None` if its first cell is empty; and all of it.
fn records_of_csv(response: &[u8]) -> Vec<(Option<u8>, Vec<u8>)> {
    let mut record = Vec::new();
    let mut records = Vec::new();
    let (mut first, mut in_first_cell, mut begun) = (None, true, false);
    let (mut quoted, mut at_start) = (false, true);
    let mut bytes = response.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let mut shown = None;
        record.push(byte);
        match byte {
            b'"' if quoted && bytes.peek() == Some(&b'"') => shown = bytes.next(),
            b'"' if quoted => quoted = false,
            b'"' if at_start => quoted = true,
            b'\r' | b'\n' if !quoted => {
                if begun {
                    records.push((first, std::mem::take(&mut record)));
                }
                (first, in_first_cell, begun, at_start) = (None, true, false, true);
                continue;
            }
            b',' if !quoted => {
                (in_first_cell, begun, at_start) = (false, true, true);
                continue;
            }
            _ => shown = Some(byte),
        }
        (begun, at_start) = (true, false);
        if in_first_cell {
            first = first.or(shown);
        }
    }
    records
}

/// Values in the rows of all series, but for times and nil.
fn values_of_results(mut response: &[u8]) -> u64 {
    let mut count = 0;
    while let Ok(part) = rmpv::decode::read_value(&mut response) {
        for result in items(&part, "results") {
            for series in items(result, "series") {
                for row in items(series, "values") {
                    let values = row.as_array().into_iter().flatten().skip(1);
                    count += values.filter(|value| !value.is_nil()).count() as u64;
                }
            }
        }
    }
    count
}

/// The items of all lists of this name in a map.
fn items<'a>(map: &'a Value, name: &'a str) -> impl Iterator<Item = &'a Value> {
    let pairs = map.as_map().into_iter().flatten();
    let lists = pairs.filter(move |(key, _)| key.as_str() == Some(name));
    lists.filter_map(|(_, list)| list.as_array()).flatten()
}

/// What leaves of line protocol is what the parser of InfluxDB 3 reads in it.
fn check_lines(response: &[u8], left: &Values) {
    let text = str::from_utf8(response).expect("it was taken");
    // For the parser a comment goes on where it holds `="`, and what stands after `# DDL` is not for
    // a server.
    if text.starts_with('#') || text.contains("\n#") {
        return;
    }
    let found = Values::found_in(text.trim_start_matches('\u{feff}'));
    found.expect("it was taken").assert_same(left, "of the source");
}
