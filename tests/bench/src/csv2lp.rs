//! InfluxData's own converter, out of their command line tool: the Go module `influx-cli`, package
//! `csv2lp`, in a program of a few lines beside this one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::{go, usage};

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
        Ok(Self { program: go::build("csv2lp", ".")? })
    }

    /// The CPU time of converting a file of annotated CSV.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn cpu(&self, response: &Path) -> anyhow::Result<Duration> {
        let mut command = Command::new(&self.program);
        // One thread, as the others have.
        command.arg(response).env("GOMAXPROCS", "1");
        Ok(usage::of_command(&command, |_| Ok(()))?.cpu)
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
