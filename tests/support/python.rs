//! Python, for the examples in it. Does not know what they do.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::missing;

/// The folder of the examples.
#[must_use]
pub fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Python that finds what `examples/python` has: the program `PYTHON`, or else `python3`.
#[must_use]
pub fn python() -> Command {
    let mut python = Command::new(env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
    python.env("PYTHONPATH", examples().join("python"));
    python
}

/// Whether Python can import these modules, separated by commas.
///
/// # Panics
/// If it cannot, in CI.
#[must_use]
#[track_caller]
pub fn has_modules(names: &str) -> bool {
    let imports = python().args(["-c", &format!("import {names}")]).output();
    let is_there = imports.is_ok_and(|output| output.status.success());
    if !is_there {
        missing(&format!("Python with {names}"));
    }
    is_there
}
