//! A file or standard input, converted as it comes. Knows the order of things, and nothing of formats.

use std::io;
use std::path::Path;

use anyhow::anyhow;
use tsm2iox_guest::converter::{Converted, altered_warning};

use crate::component::{Component, Conversion};
use crate::init::open_content;
use crate::report::{self, ExitStatus, Unfit, Warning};

/// Writes the lines to standard output. They are written before a fault is found, and then they are not all.
///
/// # Errors
/// If the file cannot be opened, or standard output not be written.
pub(crate) fn convert(file: &Path, settings: &str) -> anyhow::Result<ExitStatus> {
    let (name, content) = open_content(file);
    let unreadable =
        |error: io::Error| format!("{name} cannot be read: {}", report::reason(&error));
    let mut content = content.map_err(|error| Unfit::new(unreadable(error)))?;
    let mut conversion = match Conversion::open(&Component::embedded()?, settings)? {
        Ok(conversion) => conversion,
        Err(error) => return Ok(report::refusal(&error, ExitStatus::Stopped)),
    };
    let mut altered = 0;
    let mut write = |converted: &Converted| {
        altered += converted.altered;
        report::write_data(converted.lines.as_bytes())
    };
    let last = loop {
        // The lines so far are written; nobody may take them for all.
        let piece = content.piece().map_err(|error| anyhow!(unreadable(error)))?;
        let converted = match piece.is_empty() {
            true => break conversion.finish()?,
            false => conversion.push(&piece)?,
        };
        match converted {
            Ok(converted) => write(&converted)?,
            Err(error) => break Err(error),
        }
    };
    if let Ok(converted) = &last {
        write(converted)?;
    }
    if altered > 0 {
        report::warning(&Warning::new(altered_warning(altered)));
    }
    Ok(match last {
        Ok(_) => ExitStatus::Complete,
        Err(error) => report::refusal(&error, ExitStatus::Stopped),
    })
}
