//! The program that is measured, as users have it. Does not know what is asked of it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail, ensure};

/// `tsm2iox` beside this program, built of the present sources where cargo runs this one.
///
/// # Errors
/// If it cannot be built, or is not there.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    if let Some(cargo) = env::var_os("CARGO") {
        let build = ["build", "--quiet", "--release", "--package", "tsm2iox"];
        let mut build_of_program = Command::new(cargo);
        build_of_program.args(build).current_dir(env!("CARGO_MANIFEST_DIR"));
        let status = build_of_program.status().context("cargo cannot be run")?;
        ensure!(status.success(), "`cargo build --release --package tsm2iox` failed");
    }
    let program = env::current_exe()?.with_file_name("tsm2iox");
    if !program.exists() {
        bail!("{} is not there: `cargo build --release --package tsm2iox`", program.display());
    }
    Ok(program)
}
