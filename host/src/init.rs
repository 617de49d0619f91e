//! A configuration to begin with, on standard output. What it says the component knows.

use std::io;
use std::path::Path;

use crate::component::Component;
use crate::input::Content;
use crate::report::{self, ExitStatus, Unfit};

/// The component takes a megabyte at most (`wit/configuration.wit`); what is beyond is not read.
const SCRIPT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A commented one.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn write_configuration() -> anyhow::Result<ExitStatus> {
    let text = Component::embedded()?.commented_configuration()?;
    report::write_data(text.as_bytes())?;
    Ok(ExitStatus::Complete)
}

/// One that moves what a Flux task of InfluxData's guide moves.
///
/// # Errors
/// If the task cannot be read, or standard output not be written.
pub(crate) fn write_configuration_of(task: &Path) -> anyhow::Result<ExitStatus> {
    let (name, content) = open_content(task);
    let unfit = |reason: &str| Unfit::new(format!("{name} cannot be read: {reason}"));
    let unreadable = |error: io::Error| unfit(&report::reason(&error));
    let mut content = content.map_err(unreadable)?;
    let mut script = Vec::new();
    // The component refuses what is longer, and says so.
    while script.len() <= SCRIPT_BYTES_MAX {
        let piece = content.piece().map_err(unreadable)?;
        if piece.is_empty() {
            break;
        }
        script.extend(piece);
    }
    script.truncate(SCRIPT_BYTES_MAX + 1);
    let script = String::from_utf8(script).map_err(|_| unfit("it is not UTF-8"))?;
    match Component::embedded()?.configuration_of_task(&script)? {
        Ok(text) => {
            report::write_data(text.as_bytes())?;
            Ok(ExitStatus::Complete)
        }
        Err(error) => {
            let error = error.within(&name);
            Ok(report::refusal(&error, ExitStatus::Unfit))
        }
    }
}

/// What a command reads, with its name for messages; `-` is standard input.
pub(crate) fn open_content(file: &Path) -> (String, io::Result<Content>) {
    match file.as_os_str() == "-" {
        true => ("the input".to_owned(), Content::of_standard_input()),
        false => (file.display().to_string(), Content::of_file(file)),
    }
}
