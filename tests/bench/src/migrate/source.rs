//! The server that is migrated: InfluxDB 1.6.7, started for it, or an InfluxDB 2.x that runs
//! somewhere. It is filled, and says how to configure a migration from it.
//!
//! Does not know what runs against it. Knows HTTP without TLS alone.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use support::client::{Client, Reply};
use support::servers::RealServer;

use super::data::Unsigned;

/// A database of 1.x.
const DATABASE: &str = "bench";
/// What tells whether the server is still at work on what it was given: it reads a fifth of all
/// values.
const PROBE: &str = "SELECT count(usage_user) FROM cpu";
/// The server is at rest when so many answers in a row …
const PROBES: usize = 5;
/// … took no longer than this many times the quickest of them, and this much more.
const SPREAD_MAX: f64 = 1.1;
const SPREAD_SECONDS: f64 = 0.01;
const PROBE_INTERVAL: Duration = Duration::from_millis(200);
/// Then it is measured as it is: another program may be at work.
const SETTLE_MAX: Duration = Duration::from_secs(120);

/// What the source is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    InfluxQl,
    Flux,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Source {
    url: String,
    api: Api,
    /// As it says.
    version: String,
    /// That was started here, and ends with this.
    _server: Option<RealServer>,
}

#[derive(Debug)]
enum Api {
    V1,
    V2(Bucket),
}

/// Where an InfluxDB 2.x takes points.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) org: String,
    pub(crate) name: String,
    /// The variable that holds the token.
    pub(crate) token_env: String,
    pub(crate) token: String,
}

impl Source {
    /// Starts InfluxDB 1.6.7. Nothing, and a line on standard error, where it is not installed.
    ///
    /// # Errors
    /// If it takes no database.
    pub(crate) fn start() -> anyhow::Result<Option<Self>> {
        // Its own limit of a body is 25 MB; ours are less.
        let Some(server) = RealServer::influxdb_1() else { return Ok(None) };
        let mut source = Self {
            url: server.url().to_owned(),
            api: Api::V1,
            version: String::new(),
            _server: Some(server),
        };
        source.ask_version()?;
        source.post(&format!("/query?q=CREATE%20DATABASE%20{DATABASE}"), "", 200)?;
        Ok(Some(source))
    }

    /// An InfluxDB 2.x that runs, with a bucket that is empty or holds the points of a run before, which
    /// InfluxQL is told of.
    ///
    /// # Errors
    /// If it does not have the bucket.
    pub(crate) fn at(url: &str, bucket: Bucket) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        ensure!(url.starts_with("http://"), "only http:// can be measured");
        let api = Api::V2(bucket);
        let mut source = Self { url, api, version: String::new(), _server: None };
        source.ask_version()?;
        source.map()?;
        Ok(source)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What can be measured.
    pub(crate) fn languages(&self) -> &'static [Language] {
        match self.api {
            Api::V1 => &[Language::InfluxQl],
            Api::V2(_) => &[Language::InfluxQl, Language::Flux],
        }
    }

    pub(crate) fn unsigned(&self) -> Unsigned {
        match self.api {
            Api::V1 => Unsigned::Integers,
            Api::V2(_) => Unsigned::Kept,
        }
    }

    /// The table of a configuration, for this server behind a URL.
    pub(crate) fn table(&self, language: Language, url: &str) -> String {
        let keys = match &self.api {
            Api::V1 => format!("api = \"v1\"\nbucket = \"{DATABASE}\"\n"),
            Api::V2(Bucket { org, name, token_env, .. }) => {
                let language = if language == Language::Flux { "flux" } else { "influxql" };
                let (org, name, token_env) = (json!(org), json!(name), json!(token_env));
                format!(
                    "api = \"v2\"\nlanguage = \"{language}\"\norg = {org}\nbucket = {name}\n\
                     token_env = {token_env}\n"
                )
            }
        };
        format!("[source]\nurl = {}\n{keys}", json!(url))
    }

    /// What each request needs, beside what it asks.
    pub(crate) fn authorization(&self) -> Option<String> {
        match &self.api {
            Api::V1 => None,
            Api::V2(Bucket { token, .. }) => Some(format!("Token {token}")),
        }
    }

    /// Writes lines.
    ///
    /// # Errors
    /// If they are not taken.
    pub(crate) fn write(&self, lines: &str) -> anyhow::Result<()> {
        let target = match &self.api {
            Api::V1 => format!("/write?db={DATABASE}&precision=ns"),
            Api::V2(Bucket { org, name, .. }) => {
                let (org, name) = (encoded(org), encoded(name));
                format!("/api/v2/write?org={org}&bucket={name}&precision=ns")
            }
        };
        self.post(&target, lines, 204)?;
        Ok(())
    }

    /// Waits until it is at rest, so that what it does with new points disturbs nobody; says how
    /// long that took.
    ///
    /// # Errors
    /// If it does not answer.
    pub(crate) fn settle(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut times = Vec::new();
        while began.elapsed() < SETTLE_MAX {
            let asked = Instant::now();
            self.influxql(PROBE)?;
            times.push(asked.elapsed().as_secs_f64());
            if let Some(last) = times.last_chunk::<PROBES>() {
                let quickest = last.iter().copied().fold(f64::INFINITY, f64::min);
                if last.iter().all(|time| *time <= quickest * SPREAD_MAX + SPREAD_SECONDS) {
                    break;
                }
            }
            thread::sleep(PROBE_INTERVAL);
        }
        Ok(began.elapsed())
    }

    fn influxql(&self, statement: &str) -> anyhow::Result<Reply> {
        let database = match &self.api {
            Api::V1 => DATABASE,
            Api::V2(Bucket { name, .. }) => name,
        };
        let (database, statement) = (encoded(database), encoded(statement));
        self.exchange("GET", &format!("/query?db={database}&q={statement}"), "", 200)
    }

    fn ask_version(&mut self) -> anyhow::Result<()> {
        let reply = Client::connect(&self.url).exchange("GET", "/ping", &[], &[])?;
        let version = reply.header("x-influxdb-version").unwrap_or("of an unknown version");
        self.version = version.trim_start_matches('v').to_owned();
        Ok(())
    }

    /// Lets InfluxQL find the bucket by its name, where it does not.
    fn map(&self) -> anyhow::Result<()> {
        let Api::V2(Bucket { org, name, .. }) = &self.api else { return Ok(()) };
        let (its_org, its_name) = (encoded(org), encoded(name));
        let buckets = format!("/api/v2/buckets?org={its_org}&name={its_name}");
        let found: Value = serde_json::from_slice(&self.exchange("GET", &buckets, "", 200)?.body)?;
        let id = found["buckets"][0]["id"].as_str();
        let id = id.with_context(|| format!("there is no bucket `{name}`"))?;
        let mapping = json!({
            "bucketID": id, "database": name, "retention_policy": "autogen", "default": true,
            "org": org,
        });
        let mappings = format!("/api/v2/dbrps?org={its_org}&db={its_name}");
        let known: Value = serde_json::from_slice(&self.exchange("GET", &mappings, "", 200)?.body)?;
        // 2.9.1 maps each bucket by itself, and calls that virtual.
        let is_mapped = |mapping: &Value| mapping["bucketID"] == id;
        if !known["content"].as_array().into_iter().flatten().any(is_mapped) {
            self.post("/api/v2/dbrps", &mapping.to_string(), 201)?;
        }
        Ok(())
    }

    fn post(&self, target: &str, body: &str, status: u16) -> anyhow::Result<Reply> {
        self.exchange("POST", target, body, status)
    }

    fn exchange(
        &self,
        method: &str,
        target: &str,
        body: &str,
        status: u16,
    ) -> anyhow::Result<Reply> {
        let authorization = self.authorization();
        let headers: Vec<_> =
            authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let mut client = Client::connect(&self.url);
        let reply = client.exchange(method, target, &headers, body.as_bytes())?;
        let text = String::from_utf8_lossy(&reply.body);
        ensure!(reply.status == status, "{method} {target}: {} {text}", reply.status);
        Ok(reply)
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfluxDB {}", self.version)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InfluxQl => "InfluxQL",
            Self::Flux => "Flux",
        })
    }
}
