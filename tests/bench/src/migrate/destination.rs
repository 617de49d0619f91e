//! The stand-in for a destination, started and asked. Does not know what it does with what comes.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use support::client;

use super::stand_in::Counts;

/// A process with a stand-in, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct StandIn {
    process: Child,
    url: String,
}

impl StandIn {
    /// Starts one, which has counted nothing.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("stand-in").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let mut url = String::new();
        let output = process.stdout.take().context("it was piped")?;
        BufReader::new(output).read_line(&mut url)?;
        let url = url.trim_end().to_owned();
        ensure!(!url.is_empty(), "the stand-in does not say where it is");
        Ok(Self { process, url })
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What has come.
    ///
    /// # Errors
    /// If it does not say so.
    pub(crate) fn counts(&self) -> anyhow::Result<Counts> {
        Counts::of_json(&client::request(&self.url, "GET", "/counts", &[], &[]).body)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Its standard input, which tells it to end.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
