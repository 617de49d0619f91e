//! A response of annotated CSV in pieces: what repeats itself by the short way, the rest record by
//! record.
//!
//! Does not know what a record means.

use super::annotated::Tables;
use super::draft;
use super::error::{ConversionError, ErrorKind, quoted};
use super::points::Points;
use super::records::Records;
use super::text::without_line_end;

/// Reads a response.
#[derive(Debug)]
pub(super) struct Csv {
    records: Records,
    tables: Tables,
    /// The bytes of a record of which the rest has not come.
    cut: Vec<u8>,
}

impl Csv {
    pub(super) fn new() -> Self {
        Self { records: Records::new(), tables: Tables::default(), cut: Vec::new() }
    }

    /// Takes the next piece, cut anywhere.
    pub(super) fn read(
        &mut self,
        bytes: &mut &[u8],
        points: &mut Points,
    ) -> Result<(), ConversionError> {
        let Self { records, tables, cut } = self;
        loop {
            let is_whole = records.skip_line_ends(bytes);
            if is_whole && tables.push_repeated(bytes, records, points)? {
                continue;
            }
            let before = *bytes;
            match records.next(bytes) {
                Ok(None) => {
                    cut.extend_from_slice(before);
                    return Ok(());
                }
                Ok(Some(record)) => {
                    let mut read = &before[..before.len() - bytes.len()];
                    if !is_whole {
                        cut.extend_from_slice(read);
                        read = cut;
                    }
                    tables.push(record, read, points)?;
                }
                Err(error) if tables.is_in_rows() => {
                    let read = &before[..before.len() - bytes.len()];
                    let mut bare = cut.iter().chain(read).filter(|byte| **byte != b'"');
                    let is_annotation = bare.next() == Some(&b'#');
                    // What is no row decides what the rows after it mean.
                    if !is_annotation && points.sets_aside(&error.kind) {
                        let text = draft::text(without_line_end(&[cut, read].concat()));
                        points.set_aside(error, 1, text);
                    } else {
                        points.note(error)?;
                    }
                }
                Err(error) => return Err(error),
            }
            cut.clear();
        }
    }

    /// Ends the response. InfluxDB ends each with an empty line (observed on 2.9.1; so does the
    /// encoder of Flux): without it, one that was cut at the end of a row would look whole.
    pub(super) fn end(&self) -> Result<(), ConversionError> {
        let Self { records, tables, cut } = self;
        if records.is_first() && !cut.is_empty() && !cut.starts_with(b"#") {
            // An answer of an API, mostly, which says why there is no response.
            let found = quoted(&String::from_utf8_lossy(cut));
            return Err(records.error(ErrorKind::NotAnnotated { found }));
        }
        if records.is_inside() || !tables.may_end() {
            return Err(records.error(ErrorKind::Truncated));
        }
        if !records.ends_with_empty_line() {
            return Err(records.error(ErrorKind::NoEmptyLine));
        }
        Ok(())
    }
}
