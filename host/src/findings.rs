//! What a look at both sides has found: printed, and kept in files for whoever signs a migration off.
//!
//! Does not know what it says: the guest's report has a text for people, and the rest is for programs. The
//! host adds what it alone knows, which program and which component have found it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::report::{self, reason, visible};

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A report.
#[derive(Debug)]
pub struct Findings {
    text: String,
    data: String,
}

impl Findings {
    /// Takes the report of a plan that was done by the component of these bytes.
    ///
    /// # Errors
    /// If the component does not report as ours does.
    pub fn read(report: &str, component: &[u8]) -> anyhow::Result<Self> {
        let (text, mut data) = parts(report)?;
        let (version, digest) = (env!("CARGO_PKG_VERSION"), hexadecimal(component));
        data.insert(
            "program".to_owned(),
            json!({ "tsm2iox": version, "component_sha256": digest }),
        );
        let text = format!("{text}\ntsm2iox {version}, component sha256 {digest}\n");
        Ok(Self { text, data: visible_json(data) })
    }

    /// Takes what a plan tells of the records: of that nobody asks who has found it.
    ///
    /// # Errors
    /// If the component does not report as ours does.
    pub fn of_records(report: &str) -> anyhow::Result<Self> {
        let (text, data) = parts(report)?;
        Ok(Self { text, data: visible_json(data) })
    }

    /// Writes it to standard output.
    ///
    /// # Errors
    /// As `report::write_data`.
    pub fn print(&self, format: Format) -> anyhow::Result<()> {
        report::write_data(match format {
            Format::Text => self.text.as_bytes(),
            Format::Json => self.data.as_bytes(),
        })
    }
}

/// Where the report of a comparison is kept: two files beside the configuration.
#[derive(Debug)]
pub struct Place {
    text: PathBuf,
    data: PathBuf,
}

impl Place {
    /// Those that are named after the configuration.
    pub fn beside(config: &Config) -> Self {
        let [text, data] = ["verify.txt", "verify.json"].map(|ending| config.named_after(ending));
        Self { text, data }
    }

    /// Gives other names to the files that are there.
    ///
    /// # Errors
    /// What the system says.
    pub fn put_away(&self) -> anyhow::Result<()> {
        for path in [&self.text, &self.data] {
            match fs::rename(path, path.with_added_extension("old")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let reason = reason(&error);
                    bail!("the report {} cannot be put away: {reason}", path.display());
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Writes a report, as text and as JSON: what fails midway leaves no part of it under these names.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, findings: &Findings) -> anyhow::Result<()> {
        let files = [(&self.data, &findings.data), (&self.text, &findings.text)];
        let failed = |path: &Path, error| {
            anyhow!("the report {} cannot be written: {}", path.display(), reason(&error))
        };
        let new = |path: &Path| path.with_added_extension("new");
        for (path, content) in files {
            fs::write(new(path), content).map_err(|error| failed(path, error))?;
        }
        for (path, _) in files {
            fs::rename(new(path), path).map_err(|error| failed(path, error))?;
        }
        Ok(())
    }
}

/// The text for people, and the rest.
fn parts(report: &str) -> anyhow::Result<(String, Map<String, Value>)> {
    let unfit = "the component reports what is no report";
    let mut data: Map<String, Value> = serde_json::from_str(report).context(unfit)?;
    let text = data.remove("text");
    let text = text.as_ref().and_then(Value::as_str).ok_or_else(|| anyhow!(unfit))?;
    let lines = text.lines().map(|line| visible(line) + "\n");
    Ok((lines.collect(), data))
}

/// Credentials are masked, and what would move a cursor is escaped: JSON itself leaves some of it as it is.
fn visible_json(data: Map<String, Value>) -> String {
    let data = format!("{:#}\n", Value::Object(data));
    let mut visible = String::with_capacity(data.len());
    for character in crate::secrets::masked(&data).chars() {
        match character.is_control() && character != '\n' {
            true => visible += &format!("\\u{:04x}", u32::from(character)),
            false => visible.push(character),
        }
    }
    visible
}

fn hexadecimal(component: &[u8]) -> String {
    Sha256::digest(component).iter().map(|byte| format!("{byte:02x}")).collect()
}
