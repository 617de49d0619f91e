//! The same requests by `curl`: what it costs to ask the source and to throw the answers away.
//!
//! One process and one connection, one request after the other. Does not know what they ask.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::ensure;
use tempfile::TempDir;

use super::relay::Exchange;
use super::source::Source;
use crate::usage::{self, Usage};

/// Answers may differ by such a part: the relay counts the sizes of chunks as well.
const SPREAD_PARTS: u64 = 100;

/// Requests, ready to be sent.
#[derive(Debug)]
pub(crate) struct Curl {
    folder: TempDir,
}

impl Curl {
    /// Whether it is here.
    pub(crate) fn is_installed() -> bool {
        Command::new("curl").arg("--version").output().is_ok()
    }

    /// Prepares these requests to this source.
    ///
    /// # Errors
    /// If the files for it cannot be written.
    pub(crate) fn prepare(source: &Source, exchanges: &[Exchange]) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        // Else the exit status would be that of the last request.
        let mut config = "fail-early\n".to_owned();
        for (nth, exchange) in exchanges.iter().enumerate() {
            let body = folder.path().join(format!("{nth}.body"));
            fs::write(&body, &exchange.body)?;
            // What stands before it is of the request before.
            if nth > 0 {
                config.push_str("next\n");
            }
            let mut set = |key: &str, value: &str| {
                writeln!(config, "{key} = {}", quoted(value)).expect("a text takes all");
            };
            set("url", &format!("{}{}", source.url(), exchange.target));
            set("request", &exchange.method);
            for (name, value) in &exchange.headers {
                set("header", &format!("{name}: {value}"));
            }
            if let Some(authorization) = source.authorization() {
                set("header", &format!("authorization: {authorization}"));
            }
            if exchange.method == "POST" {
                set("data-binary", &format!("@{}", body.display()));
            }
            set("output", "/dev/null");
            config.push_str("silent\nshow-error\nfail\n");
        }
        fs::write(folder.path().join("config"), config)?;
        Ok(Self { folder })
    }

    /// Sends them all.
    ///
    /// # Errors
    /// If one fails.
    pub(crate) fn run(&self) -> anyhow::Result<Usage> {
        let mut curl = Command::new("curl");
        curl.arg("--disable").arg("--config").arg(self.config());
        usage::of_command(&curl, |_| Ok(()))
    }

    /// Errors inside an answer of 200 show in no status: so the bytes are compared with what tsm2iox was
    /// answered.
    ///
    /// # Errors
    /// If a request fails, or the answers are of another size.
    pub(crate) fn check(&self, bytes: u64) -> anyhow::Result<()> {
        let format = "%{size_download} %{size_header}\n";
        let config = fs::read_to_string(self.config())?;
        let mut checked = String::new();
        for line in config.lines() {
            writeln!(checked, "{line}")?;
            if line == "fail" {
                writeln!(checked, "write-out = {}", quoted(format))?;
            }
        }
        let path = self.folder.path().join("checked");
        fs::write(&path, checked)?;
        let output = Command::new("curl").arg("--disable").arg("--config").arg(path).output()?;
        ensure!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
        let sizes = String::from_utf8(output.stdout)?;
        let sizes: Result<Vec<u64>, _> = sizes.split_whitespace().map(str::parse).collect();
        let found: u64 = sizes?.iter().sum();
        ensure!(
            found.abs_diff(bytes) <= bytes / SPREAD_PARTS,
            "curl was answered {found} bytes, tsm2iox {bytes}"
        );
        Ok(())
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }
}

/// As a configuration of curl has it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
