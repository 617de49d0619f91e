//! The configuration as the guest sees it: every key is checked here, for every host.
//!
//! Gets the whole configuration file as JSON. The keys that are the host's own (`url`, `path`,
//! tokens) are known by name, so that a misspelt one is noticed; no token ever comes here.

mod limits;
mod place;
mod product;
pub(crate) mod schema;
mod selection;
mod table;
mod times;

use serde_json::Value;

use crate::converter::{Dialect, Product};
pub(crate) use crate::converter::{Format, LineBreaks, Manner, UnfitValues};
use crate::error::{Endpoint, Error};
use crate::rules::Rules;
use crate::time::{TimeRange, Timestamp};
pub(crate) use limits::{Allowance, BatchInterval, Limits};
pub(crate) use place::Place;
use place::check_apart;
pub(crate) use selection::Selection;
use table::{LOGIN_KEYS, TABLES, Table, WAY_KEYS, check_keys, fault};

/// What a migration is to do.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) start: Start,
    pub(crate) stop: Stop,
    pub(crate) batch_interval: BatchInterval,
    /// Nanoseconds: "now" is so much before the present, for data that comes late.
    pub(crate) lag: u64,
    /// Whether each run goes on to the present, after one that was complete.
    pub(crate) goes_on: bool,
    pub(crate) selection: Selection,
    pub(crate) source: Source,
    /// The side that `source` is of: the source, or for a comparison the destination.
    pub(crate) reads: Endpoint,
    pub(crate) destination: Destination,
    pub(crate) checkpoint: Checkpoint,
    /// Whether what the guide's task has recorded counts as done.
    pub(crate) trusts_task: bool,
    /// What the destination is, if that is said.
    pub(crate) product: Option<Product>,
    /// Whether it may hold points of the same times already.
    pub(crate) holds_data: bool,
    /// How it reads names.
    pub(crate) dialect: Dialect,
    /// Whether the destination counts measurement-days, as Serverless does.
    pub(crate) counts_days: bool,
    /// What becomes of strings whose line breaks a source read by Flux has altered.
    pub(crate) line_breaks: LineBreaks,
    /// What becomes of values that the destination is known not to take.
    pub(crate) unfit: UnfitValues,
    /// What names and types become on their way.
    pub(crate) rules: Rules,
    pub(crate) limits: Limits,
    /// So many points may be refused in all, and are set aside.
    pub(crate) rejected_max: u64,
    pub(crate) verify: Verify,
}

/// How both sides are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verify {
    /// Value by value, also where they count the same.
    pub(crate) deep: bool,
    /// What is missing is moved again.
    pub(crate) repair: bool,
}

/// What is refused is counted by its numbers, in memory.
const REJECTED_MAX: u32 = 10_000_000;

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
    /// `Settings::lag` before the present of the first run.
    Now,
}

/// Where points are read.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// InfluxDB 1.x: `/query`. The bucket is `db/rp`, or `db` with all its retention policies.
    V1(Place),
    /// InfluxDB 2.x: `/api/v2/query`, and `/query` where a database stands for the bucket.
    V2(Place, Language),
    /// A file.
    File(Place, Format),
}

/// What a bucket of InfluxDB 2.x is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// InfluxQL where the bucket answers to it, else Flux.
    Auto,
    InfluxQl,
    Flux,
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

impl Settings {
    /// Whether no more points of these times are expected: what comes late has come.
    pub(crate) fn is_settled(&self, times: TimeRange, now: Timestamp) -> bool {
        times.stop() <= now.saturating_sub(self.lag)
    }

    /// Reads the whole configuration, as JSON.
    pub(crate) fn parse(text: &str) -> Result<(Self, Value), Error> {
        let root: Value = serde_json::from_str(text)
            .map_err(|error| fault(format!("the settings are not JSON: {error}")))?;
        Ok((Self::read(&root)?, root))
    }

    /// Reads the whole configuration.
    pub(crate) fn read(root: &Value) -> Result<Self, Error> {
        let Value::Object(root) = root else {
            return Err(fault("the settings are not a JSON object".to_owned()));
        };
        let names: Vec<_> = TABLES.iter().map(|(name, _)| *name).collect();
        check_keys(root, "", &names)?;
        let table = |name| Table::open(root, name);
        let migration = table("migration")?;
        let source = Source::read(&table("source")?)?;
        let destination = Destination::read(&table("destination")?)?;
        let dialect = product::dialect(&table("destination")?, &destination)?;
        let product = product::product(&table("destination")?);
        let counts_days = product == Some(Product::Serverless);
        let checkpoint = Checkpoint::read(&table("checkpoint")?, &source)?;
        let file = matches!(source, Source::File(..));
        check_apart(&source, &destination, &checkpoint)?;
        let limits = Limits::read(&table("limits")?)?;
        limits.check_auto(&source, &destination)?;
        let limits = match destination {
            // A file takes its batches in their order.
            Destination::File(_) => Limits { concurrency: 1, ..limits },
            Destination::V1(_) | Destination::V2(_) | Destination::V3(_) => limits,
        };
        let schema = table("schema")?;
        let rejected_max = table("rejected")?.count_from(0, "max", 0, REJECTED_MAX)?.into();
        let settings = Self {
            start: times::start(&migration, file)?,
            stop: times::stop(&migration, file)?,
            batch_interval: times::batch_interval(&migration, file)?,
            lag: times::lag(&migration)?,
            goes_on: times::every(&migration)?,
            selection: Selection::read(&migration, &source)?,
            source,
            reads: Endpoint::Source,
            destination,
            checkpoint,
            trusts_task: table("checkpoint")?.flag("trust_task")?,
            product,
            holds_data: table("destination")?.flag("holds_data")?,
            dialect,
            counts_days,
            line_breaks: schema::line_breaks(&schema)?,
            unfit: schema::unfit(&schema, rejected_max)?,
            rules: schema::rules(&schema, dialect)?,
            limits,
            rejected_max,
            verify: Verify {
                deep: table("verify")?.flag("deep")?,
                repair: table("verify")?.flag("repair")?,
            },
        };
        match (settings.start, settings.stop) {
            (Start::At(start), Stop::At(stop)) if stop <= start => Err(fault(format!(
                "`migration.stop` ({stop}) must be later than `migration.start` ({start})"
            ))),
            _ => Ok(settings),
        }
    }
}

impl Settings {
    /// How points are to be written.
    pub(crate) fn manner(&self) -> Manner {
        Manner {
            dialect: self.dialect,
            line_breaks: self.line_breaks,
            unfit: self.unfit,
            rules: self.rules.clone().into(),
        }
    }
}

impl Source {
    fn read(table: &Table<'_>) -> Result<Self, Error> {
        let api = table.api(&["v2", "v1", "csv", "lp"])?;
        if api != "v2" && table.get("language").is_some() {
            let message = "`source.language` is for `source.api = \"v2\"`; the others have but one";
            return Err(fault(message.to_owned()));
        }
        match api {
            "v2" => Ok(Self::V2(table.server(true)?, Language::read(table)?)),
            "v1" => Ok(Self::V1(table.server(false)?)),
            "csv" => Ok(Self::File(table.file()?, Format::Csv)),
            _ => Ok(Self::File(table.file()?, Format::Lp)),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::V1(place) | Self::V2(place, _) | Self::File(place, _) => place,
        }
    }
}

impl Language {
    fn read(table: &Table<'_>) -> Result<Self, Error> {
        match table.text("language")? {
            None | Some("auto") => Ok(Self::Auto),
            Some("influxql") => Ok(Self::InfluxQl),
            Some("flux") => Ok(Self::Flux),
            Some(_) => Err(table.unfit("language", "\"auto\", \"influxql\" or \"flux\"")),
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
            for key in [&["url", "org"], LOGIN_KEYS, WAY_KEYS].concat() {
                if table.text(key)?.is_some() {
                    return Err(fault(format!(
                        "`checkpoint.{key}` needs `checkpoint.bucket`; a file has none"
                    )));
                }
            }
            return Ok(Self::File);
        };
        if table.text("path")?.is_some() {
            return Err(fault("`checkpoint` has a `path` and a `bucket`: choose one".to_owned()));
        }
        let place = source.place();
        let (url, org) = match table.get("url") {
            None => (place.url.clone(), &place.org),
            Some(_) => (table.url("url")?, &place.org),
        };
        let org = table.text("org")?.unwrap_or(org).to_owned();
        for (key, text) in [("url", &url), ("org", &org)] {
            if text.is_empty() {
                return Err(table.missing(key));
            }
        }
        Ok(Self::Bucket(Place { url, org, bucket: bucket.to_owned() }))
    }
}
