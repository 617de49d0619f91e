//! Builds programs that are written in Go, beside this one. Does not know what they do.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Builds the package, of the module in this folder beside `src`, to a program with the folder's
/// name.
///
/// # Errors
/// If there is no Go, or it cannot build it: the program is left out then.
pub(crate) fn build(folder: &str, package: &str) -> anyhow::Result<PathBuf> {
    let program = env::current_exe()?.with_file_name(folder);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut go = Command::new("go");
    let built = go.args(["build", "-o"]).arg(&program).arg(package).current_dir(sources).output();
    let built = built.context("`go` cannot be run")?;
    if !built.status.success() {
        bail!("`go build` failed: {}", String::from_utf8_lossy(&built.stderr).trim_end());
    }
    Ok(program)
}
