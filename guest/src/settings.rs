//! The configuration as the guest sees it: every key is checked here, for every host.
//!
//! Gets the whole configuration file as JSON. The keys that are the host's own (`url`, `path`,
//! tokens) are known by name, so that a misspelt one is noticed; no token ever comes here.

use serde_json::{Map, Value};

use crate::error::{Error, Fault};
use crate::time::{Interval, Timestamp};

/// What a migration is to do.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) start: Start,
    pub(crate) stop: Stop,
    /// Only a file has none: it is one batch.
    pub(crate) batch_interval: Option<Interval>,
    pub(crate) selection: Selection,
    pub(crate) source: Source,
    pub(crate) destination: Destination,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) concurrency: usize,
    pub(crate) attempts_max: u32,
}

/// Where a migration begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    At(Timestamp),
    /// At the first point that the source has.
    Earliest,
}

/// Where a migration ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    At(Timestamp),
    /// `LAG_SECONDS` before the present of the first run.
    Now,
}

/// Which part of a bucket is migrated; all of it if both are empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) measurements: Vec<String>,
    /// A Flux predicate over `r`.
    pub(crate) filter: Option<String>,
}

/// Where points are read.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// `/api/v2/query` with Flux.
    Flux(Place),
    /// A file of annotated CSV.
    Csv(Place),
}

/// Where points are written.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// `/api/v3/write_lp`.
    V3(Place),
    /// `/api/v2/write`.
    V2(Place),
    /// `/write` of 1.x: database and retention policy.
    V1(Place),
    /// A file of line protocol.
    File(Place),
}

/// Where progress is recorded.
#[derive(Clone, Debug)]
pub(crate) enum Checkpoint {
    /// A file of line protocol.
    File,
    /// A bucket, as the guide's task has it.
    Bucket(Place),
}

/// What tells a bucket or a file from others. What does not apply is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) org: String,
    /// A bucket or database, or the path of a file.
    pub(crate) bucket: String,
}

/// Points that are on their way when a migration to "now" begins should still be in it.
pub(crate) const LAG_SECONDS: u64 = 300;

/// An exchange, and a batch, is tried so often. With waits of at most 1, 2, 4, 8 and 16 s between
/// them that is what InfluxData advises for Dedicated and Clustered.
const ATTEMPTS_MAX: u32 = 6;

/// The keys of each table: what is not here is an error.
const TABLES: [(&str, &[&str]); 5] = [
    (
        "migration",
        &["start", "stop", "batch_interval", "measurements", "filter"],
    ),
    ("source", PLACE_KEYS),
    ("destination", PLACE_KEYS),
    (
        "checkpoint",
        &["path", "bucket", "url", "org", "token_env", "token_file"],
    ),
    ("limits", &["concurrency", "attempts"]),
];
const PLACE_KEYS: &[&str] = &[
    "api",
    "url",
    "org",
    "bucket",
    "path",
    "token_env",
    "token_file",
    "user",
    "password_env",
];

impl Settings {
    /// Reads the whole configuration.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let root: Value = serde_json::from_str(text)
            .map_err(|error| fault(format!("the settings are not JSON: {error}")))?;
        let Value::Object(root) = root else {
            return Err(fault("the settings are not a JSON object".to_owned()));
        };
        let names: Vec<_> = TABLES.iter().map(|(name, _)| *name).collect();
        check_keys(&root, "", &names)?;
        let table = |name| Table::open(&root, name);
        let (migration, limits) = (table("migration")?, table("limits")?);
        let source = Source::read(&table("source")?)?;
        let destination = Destination::read(&table("destination")?)?;
        let checkpoint = Checkpoint::read(&table("checkpoint")?, &source)?;
        let file = matches!(source, Source::Csv(_));
        let settings = Self {
            start: start(&migration, file)?,
            stop: stop(&migration, file)?,
            batch_interval: batch_interval(&migration, file)?,
            selection: Selection::read(&migration, file)?,
            source,
            destination,
            checkpoint,
            concurrency: limits.count("concurrency", 1)? as usize,
            attempts_max: limits.count("attempts", ATTEMPTS_MAX)?,
        };
        match (settings.start, settings.stop) {
            (Start::At(start), Stop::At(stop)) if stop <= start => Err(fault(format!(
                "`migration.stop` ({stop}) must be later than `migration.start` ({start})"
            ))),
            _ => Ok(settings),
        }
    }

    /// How many batches may be in flight: a file takes them in their order.
    pub(crate) fn concurrency(&self) -> usize {
        match self.destination {
            Destination::File(_) => 1,
            Destination::V1(_) | Destination::V2(_) | Destination::V3(_) => self.concurrency,
        }
    }
}

impl Source {
    fn read(table: &Table<'_>) -> Result<Self, Error> {
        match table.api(&["v2", "csv"])? {
            "v2" => Ok(Self::Flux(table.server(true)?)),
            _ => Ok(Self::Csv(table.file()?)),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Flux(place) | Self::Csv(place) => place,
        }
    }
}

impl Destination {
    fn read(table: &Table<'_>) -> Result<Self, Error> {
        match table.api(&["v3", "v2", "v1", "lp"])? {
            "v3" => Ok(Self::V3(table.server(false)?)),
            // Serverless, Dedicated and Clustered ignore `org`; 2.x needs it.
            "v2" => Ok(Self::V2(table.server(false)?)),
            "v1" => Ok(Self::V1(table.server(false)?)),
            _ => Ok(Self::File(table.file()?)),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::V3(place) | Self::V2(place) | Self::V1(place) | Self::File(place) => place,
        }
    }
}

impl Checkpoint {
    /// A bucket is in the source's organization, unless it is said to be elsewhere.
    fn read(table: &Table<'_>, source: &Source) -> Result<Self, Error> {
        let Some(bucket) = table.text("bucket")? else {
            for key in ["url", "org", "token_env", "token_file"] {
                if table.text(key)?.is_some() {
                    return Err(fault(format!(
                        "`checkpoint.{key}` needs `checkpoint.bucket`; a file has none"
                    )));
                }
            }
            return Ok(Self::File);
        };
        if table.text("path")?.is_some() {
            return Err(fault(
                "`checkpoint` has a `path` and a `bucket`: choose one".to_owned(),
            ));
        }
        let of_source = |key, own: &str| -> Result<String, Error> {
            let text = table.text(key)?.unwrap_or(own);
            if text.is_empty() {
                Err(table.missing(key))
            } else {
                Ok(text.to_owned())
            }
        };
        let place = source.place();
        Ok(Self::Bucket(Place {
            url: of_source("url", &place.url)?,
            org: of_source("org", &place.org)?,
            bucket: bucket.to_owned(),
        }))
    }
}

impl Selection {
    fn read(table: &Table<'_>, file: bool) -> Result<Self, Error> {
        let measurements = table.texts("measurements")?;
        let filter = table.text("filter")?.map(str::to_owned);
        for (key, set) in [
            ("measurements", !measurements.is_empty()),
            ("filter", filter.is_some()),
        ] {
            if file && set {
                return Err(fault(format!(
                    "`migration.{key}` selects from a bucket; a file is migrated as a whole"
                )));
            }
        }
        Ok(Self {
            measurements,
            filter,
        })
    }

    /// In one line, for people and for the record; empty for all.
    pub(crate) fn to_text(&self) -> String {
        let parts = [
            self.measurements.join(", "),
            self.filter.clone().unwrap_or_default(),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("; ").replace(['\n', '\r'], " ")
    }
}

fn start(table: &Table<'_>, file: bool) -> Result<Start, Error> {
    match table.text("start")? {
        None if file => Ok(Start::At(Timestamp::MIN)),
        None => Err(table.missing("start")),
        Some("earliest") if file => Ok(Start::At(Timestamp::MIN)),
        Some("earliest") => Ok(Start::Earliest),
        Some(text) => table.time("start", text).map(Start::At),
    }
}

fn stop(table: &Table<'_>, file: bool) -> Result<Stop, Error> {
    match table.text("stop")? {
        None if file => Ok(Stop::At(Timestamp::MAX)),
        None => Err(table.missing("stop")),
        Some("now") => Ok(Stop::Now),
        Some(text) => table.time("stop", text).map(Stop::At),
    }
}

fn batch_interval(table: &Table<'_>, file: bool) -> Result<Option<Interval>, Error> {
    let Some(text) = table.text("batch_interval")? else {
        return if file {
            Ok(None)
        } else {
            Err(table.missing("batch_interval"))
        };
    };
    if file {
        let message = "`migration.batch_interval` divides a bucket; a file is one batch";
        return Err(fault(message.to_owned()));
    }
    Interval::parse(text).map(Some).ok_or_else(|| {
        fault(format!(
            "`migration.batch_interval`: `{text}` is not a duration such as `1h`, `1d` or `1mo`"
        ))
    })
}

/// A table of the configuration.
struct Table<'a> {
    name: &'static str,
    entries: Option<&'a Map<String, Value>>,
}

impl<'a> Table<'a> {
    fn open(root: &'a Map<String, Value>, name: &'static str) -> Result<Self, Error> {
        let known = TABLES
            .iter()
            .find(|(other, _)| *other == name)
            .map_or(&[][..], |(_, keys)| keys);
        let entries = match root.get(name) {
            None => None,
            Some(Value::Object(entries)) => Some(entries),
            Some(_) => return Err(fault(format!("`{name}` must be a table: `[{name}]`"))),
        };
        if let Some(entries) = entries {
            check_keys(entries, &format!("{name}."), known)?;
        }
        Ok(Self { name, entries })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.entries.and_then(|entries| entries.get(key))
    }

    fn missing(&self, key: &str) -> Error {
        fault(format!("`{}.{key}` is missing", self.name))
    }

    fn unfit(&self, key: &str, expected: &str) -> Error {
        fault(format!("`{}.{key}` must be {expected}", self.name))
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(self.unfit(key, "a text in quotes that is not empty")),
        }
    }

    fn required(&self, key: &str) -> Result<&'a str, Error> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// The name of something, which is to be a tag of the record.
    fn name(&self, key: &str) -> Result<&'a str, Error> {
        let name = self.required(key)?;
        if name.ends_with('\\') || name.contains(['\n', '\r']) {
            return Err(self.unfit(key, "without line breaks and without a `\\` at its end"));
        }
        Ok(name)
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        let unfit = || self.unfit(key, "a list of texts, such as `[\"cpu\"]`");
        let Some(list) = self.get(key) else {
            return Ok(Vec::new());
        };
        let list = list
            .as_array()
            .filter(|list| !list.is_empty())
            .ok_or_else(unfit)?;
        list.iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(unfit))
            .collect()
    }

    /// A number of at least 1.
    fn count(&self, key: &str, default: u32) -> Result<u32, Error> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        let count = value.as_u64().filter(|count| (1..=1000).contains(count));
        let count = count.and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| self.unfit(key, "a number from 1 to 1000"))
    }

    fn time(&self, key: &str, text: &str) -> Result<Timestamp, Error> {
        Timestamp::parse(text)
            .map_err(|reason| fault(format!("`{}.{key}`: `{text}` {reason}", self.name)))
    }

    /// The word of `api`, which must be one of these.
    fn api(&self, known: &[&'static str]) -> Result<&'static str, Error> {
        let text = self.required("api")?;
        known
            .iter()
            .find(|api| **api == text)
            .copied()
            .ok_or_else(|| {
                let known: Vec<_> = known.iter().map(|api| format!("\"{api}\"")).collect();
                fault(format!(
                    "`{}.api` must be one of {}; found \"{text}\"",
                    self.name,
                    known.join(", ")
                ))
            })
    }

    fn server(&self, org: bool) -> Result<Place, Error> {
        if self.text("path")?.is_some() {
            return Err(fault(format!(
                "`{0}.path` is for a file; this `{0}.api` has a `url`",
                self.name
            )));
        }
        let place = Place {
            url: self.name("url")?.trim_end_matches('/').to_owned(),
            org: match self.get("org") {
                None if !org => String::new(),
                _ => self.name("org")?.to_owned(),
            },
            bucket: self.name("bucket")?.to_owned(),
        };
        Ok(place)
    }

    fn file(&self) -> Result<Place, Error> {
        for key in PLACE_KEYS {
            if !matches!(*key, "api" | "path") && self.get(key).is_some() {
                return Err(fault(format!(
                    "`{0}.{key}` is for a server; this `{0}.api` has a `path`",
                    self.name
                )));
            }
        }
        Ok(Place {
            bucket: self.name("path")?.to_owned(),
            ..Place::default()
        })
    }
}

/// A key that is not known is an error that names the nearest one that is.
fn check_keys(entries: &Map<String, Value>, table: &str, known: &[&str]) -> Result<(), Error> {
    let Some(unknown) = entries.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let likeness = |key: &&&str| strsim::jaro_winkler(key, unknown);
    let nearest = known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let error = fault(format!("unknown key `{table}{unknown}`"));
    Err(match nearest {
        Some(nearest) => error.with_hint(format!("the nearest key is `{table}{nearest}`")),
        None => error,
    })
}

fn fault(message: String) -> Error {
    Error::new(Fault::Settings, message)
}
