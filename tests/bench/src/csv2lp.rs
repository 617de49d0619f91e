//! InfluxData's own converter, out of their command line tool: the Go module `influx-cli`, package
//! `csv2lp`, in a program of a few lines beside this one.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::usage;

/// The program, built.
#[derive(Debug)]
pub(crate) struct Csv2lp {
    program: PathBuf,
}

impl Csv2lp {
    /// Builds it, beside this program.
    ///
    /// # Errors
    /// If there is no Go, or it cannot build it: it is left out then.
    pub(crate) fn build() -> anyhow::Result<Self> {
        let program = env::current_exe()?.with_file_name("csv2lp");
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("csv2lp");
        let mut go = Command::new("go");
        let built = go.arg("build").arg("-o").arg(&program).current_dir(sources).output();
        let built = built.context("`go` cannot be run")?;
        if !built.status.success() {
            bail!("`go build` failed: {}", String::from_utf8_lossy(&built.stderr).trim_end());
        }
        Ok(Self { program })
    }

    /// The CPU time of converting a file of annotated CSV.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn cpu(&self, response: &Path) -> anyhow::Result<Duration> {
        let arguments: [&OsStr; 1] = [response.as_os_str()];
        Ok(usage::of_program(self.program.as_os_str(), &arguments, |_| Ok(()))?.cpu)
    }

    /// How many bytes of line protocol it makes of a file.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn written(&self, response: &Path) -> anyhow::Result<usize> {
        let output = Command::new(&self.program).arg(response).output()?;
        let written = String::from_utf8(output.stdout)?;
        written.trim_end().parse().with_context(|| {
            format!("csv2lp: {}", String::from_utf8_lossy(&output.stderr).trim_end())
        })
    }
}
