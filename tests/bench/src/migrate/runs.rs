//! Migrations by the program, each in a folder of its own. Does not know what they are compared
//! with.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use chrono::{DateTime, SecondsFormat};
use tempfile::TempDir;

use super::data::Content;
use super::destination::StandIn;
use super::digest::Digest;
use super::source::{Language, Source};
use super::stand_in::Counts;
use crate::usage::{self, Usage};

/// Who migrates what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migrator<'a> {
    pub(crate) program: &'a Path,
    pub(crate) source: &'a Source,
    pub(crate) language: Language,
}

/// The points of the first so many stretches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) stretches: u32,
    pub(crate) start: i64,
    pub(crate) stop: i64,
    pub(crate) content: Content,
}

/// A migration that was run to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) usage: Usage,
    /// Batches that are recorded.
    pub(crate) batches: usize,
    /// What came, where it was the stand-in.
    pub(crate) counts: Counts,
}

/// A configuration in a folder of its own, with what a run leaves there.
#[derive(Debug)]
pub(crate) struct Migration<'a> {
    program: &'a Path,
    folder: TempDir,
}

impl<'a> Migrator<'a> {
    /// A migration of a part, of the source behind a URL, to a destination.
    ///
    /// # Errors
    /// If it cannot be written down.
    pub(crate) fn migration(
        self,
        part: Part,
        url: &str,
        destination: &str,
    ) -> anyhow::Result<Migration<'a>> {
        let (start, stop) = (time(part.start), time(part.stop));
        let range = format!("[migration]\nstart = {start}\nstop = {stop}\n");
        let source = self.source.table(self.language, url);
        let folder = TempDir::new()?;
        let config = format!("{range}{source}[destination]\n{destination}");
        fs::write(folder.path().join("migration.toml"), config)?;
        Ok(Migration { program: self.program, folder })
    }

    /// Migrates a part to a file.
    ///
    /// # Errors
    /// If it fails, or the file does not hold the points.
    pub(crate) fn to_file(self, part: Part, url: &str) -> anyhow::Result<Run> {
        let migration = self.migration(part, url, "api = \"lp\"\npath = \"out.lp\"\n")?;
        let run = migration.run()?;
        let mut lines = Digest::default();
        let file = File::open(migration.folder.path().join("out.lp"))?;
        lines.push_all(BufReader::new(file)).context("the file cannot be read")?;
        ensure!(lines == part.content.lines, "{}", other("the file", lines, part));
        Ok(run)
    }

    /// Migrates a part to a new stand-in.
    ///
    /// # Errors
    /// If it fails, or other lines than those of the points have come.
    pub(crate) fn to_stand_in(self, part: Part, url: &str) -> anyhow::Result<Run> {
        let stand_in = StandIn::start()?;
        let migration = self.migration(part, url, &to(stand_in.url()))?;
        arrived(&migration, part, &stand_in)
    }

    /// The same, and then once more, when there is nothing left to do.
    ///
    /// # Errors
    /// As `to_stand_in`.
    pub(crate) fn to_stand_in_twice(self, part: Part, url: &str) -> anyhow::Result<(Run, Run)> {
        let stand_in = StandIn::start()?;
        let migration = self.migration(part, url, &to(stand_in.url()))?;
        let run = arrived(&migration, part, &stand_in)?;
        Ok((run, arrived(&migration, part, &stand_in)?))
    }
}

/// Runs a migration, after which all points are to have come.
fn arrived(migration: &Migration<'_>, part: Part, stand_in: &StandIn) -> anyhow::Result<Run> {
    let run = migration.run()?;
    let counts = stand_in.counts()?;
    let lines = counts.lines;
    ensure!(lines == part.content.lines, "{}", other("the stand-in", lines, part));
    Ok(Run { counts, ..run })
}

impl Migration<'_> {
    /// The file that says what it is.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("migration.toml")
    }

    /// Bytes that its batches have read, as they are recorded.
    ///
    /// # Errors
    /// If there are no records.
    pub(crate) fn read(&self) -> anyhow::Result<f64> {
        let records = fs::read_to_string(self.folder.path().join("migration.checkpoint.lp"))?;
        let read = records.lines().filter_map(|line| line.split_once(",read="));
        let read = read.filter_map(|(_, rest)| rest.split_once('i')?.0.parse::<f64>().ok());
        Ok(read.sum())
    }

    /// Runs it, or what is left of it.
    ///
    /// # Errors
    /// If it does not complete.
    pub(crate) fn run(&self) -> anyhow::Result<Run> {
        let mut command = Command::new(self.program);
        command.arg("run").arg(self.config());
        let usage = usage::of_command(&command, |_| Ok(()))?;
        let records = fs::read_to_string(self.folder.path().join("migration.checkpoint.lp"))?;
        let batches = records.lines().filter(|line| line.starts_with("batches,")).count();
        Ok(Run { usage, batches, counts: Counts::default() })
    }
}

/// The keys of a destination that is as Core.
pub(crate) fn to(url: &str) -> String {
    format!("api = \"v3\"\nurl = \"{url}\"\nbucket = \"bench\"\n")
}

fn time(nanoseconds: i64) -> String {
    DateTime::from_timestamp_nanos(nanoseconds).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn other(who: &str, found: Digest, part: Part) -> String {
    let expected = part.content.lines;
    format!(
        "{who} has other lines than those of the points: {} instead of {}, {} bytes instead of {}",
        found.lines, expected.lines, found.bytes, expected.bytes
    )
}
