//! What a look at both sides has found: printed, and kept in files for whoever signs a migration off.
//!
//! Does not know what it says: the guest's report has a text for people, and the rest is for programs. The
//! host adds what it alone knows, which program and which component have found it.

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

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
        let unfit = "the component reports what is no report";
        let mut data: Map<String, Value> = serde_json::from_str(report).context(unfit)?;
        let text = data.remove("text").and_then(|text| text.as_str().map(str::to_owned));
        let text = text.ok_or_else(|| anyhow!(unfit))?;
        let (version, digest) = (env!("CARGO_PKG_VERSION"), hexadecimal(component));
        data.insert(
            "program".to_owned(),
            json!({ "tsm2iox": version, "component_sha256": digest }),
        );
        let lines: Vec<_> = text.lines().map(visible).collect();
        let text =
            format!("{}\n\ntsm2iox {version}, component sha256 {digest}\n", lines.join("\n"));
        let data = serde_json::to_string_pretty(&data).context(unfit)?;
        Ok(Self { text, data: visible_json(&data) + "\n" })
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

    /// Writes it to two files, as text and as JSON, in place of what is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, text: &Path, data: &Path) -> anyhow::Result<()> {
        for (path, content) in [(text, &self.text), (data, &self.data)] {
            let failed = |error| {
                anyhow!("the report {} cannot be written: {}", path.display(), reason(&error))
            };
            fs::write(path, content).map_err(failed)?;
        }
        Ok(())
    }
}

/// Credentials are masked; what else there is in JSON cannot move a cursor.
fn visible_json(data: &str) -> String {
    crate::secrets::masked(data).into_owned()
}

fn hexadecimal(component: &[u8]) -> String {
    Sha256::digest(component).iter().map(|byte| format!("{byte:02x}")).collect()
}
