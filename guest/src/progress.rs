//! What is recorded of a migration and its batches.
//!
//! The record of a batch is that of the guide's task, with more tags and fields, so its dashboard
//! reads it; `section` is there where a batch is not of all points. Before the first one stands what the
//! whole migration is:
//!
//! ```text
//! migrations,dstBucket=dst,dstHost=http://127.0.0.1:8181,srcBucket=src,srcHost=…,srcOrg=o migration_start="2022-01-01T00:00:00.000000000Z",migration_stop="2022-02-01T00:00:00.000000000Z" 1669130060000000000
//! batches,dstBucket=dst,dstHost=http://127.0.0.1:8181,srcBucket=src,srcHost=…,srcOrg=o batch_start="2022-01-01T00:00:00.000000000Z",batch_stop="2022-01-01T01:00:00.000000000Z",rows=36900i,percent_complete=3.2,… 1669130064000000000
//! ```

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};

use crate::converter::{Dialect, push_series, string};
use crate::plan::Totals;
use crate::section::Section;
use crate::settings::{Place, Settings};
use crate::terms::Terms;
use crate::time::{TimeRange, Timestamp};

/// The measurement of the guide's task.
const BATCHES: &str = "batches";
/// The measurement of what the whole migration is.
const MIGRATIONS: &str = "migrations";
/// The tags of the guide's task. Of them, only the hosts and `srcOrg` are ours: without them two
/// migrations would share their progress.
const SOURCE_TAGS: [&str; 3] = ["srcHost", "srcOrg", "srcBucket"];
const DESTINATION_TAGS: [&str; 3] = ["dstHost", "dstOrg", "dstBucket"];

/// What tells one migration from another: its records count for no other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) source: Place,
    pub(crate) destination: Place,
    /// As `Selection::to_text`.
    pub(crate) selection: String,
}

/// What is recorded: a line of the checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// Once, before the first batch: from here on a file as destination is this migration's.
    Opened(Opening),
    Done(Record),
    /// A record of the guide's task, which knows of no source but its bucket, and may be of points
    /// that never arrived.
    Task {
        route: Route,
        batch: TimeRange,
    },
}

/// A migration that has begun.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opening {
    pub(crate) route: Route,
    pub(crate) terms: Terms,
    pub(crate) migration: TimeRange,
    /// Whether its start was "earliest", and its stop "now": this is what they mean from then on.
    pub(crate) earliest: bool,
    pub(crate) now: bool,
    pub(crate) time: Timestamp,
}

/// A batch that is done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) route: Route,
    pub(crate) terms: Terms,
    pub(crate) batch: TimeRange,
    /// Of which points it is.
    pub(crate) section: Section,
    /// As in `Opening`.
    pub(crate) migration: TimeRange,
    pub(crate) totals: Totals,
    pub(crate) percent_complete: f64,
    /// For how long the source was waited for; 0 if nobody knows.
    pub(crate) source_nanoseconds: u64,
    /// The length of a file as destination, once the batch is in it.
    pub(crate) destination_bytes: Option<u64>,
    /// When it was done.
    pub(crate) time: Timestamp,
}

impl Route {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            source: settings.source.place().clone(),
            destination: settings.destination.place().clone(),
            selection: settings.selection.to_text(),
        }
    }

    /// The measurement and the tags of a line.
    fn begin_line(&self, measurement: &str) -> String {
        let mut tags: Vec<_> = SOURCE_TAGS.into_iter().zip(self.source.parts()).collect();
        tags.extend(DESTINATION_TAGS.into_iter().zip(self.destination.parts()));
        // A tag cannot be empty.
        tags.retain(|(_, value)| !value.is_empty());
        tags.sort_unstable();
        let mut line = String::new();
        push_series(&mut line, Dialect::Common, measurement, &tags)
            .expect("the settings refuse such names");
        line
    }

    /// Whether this, of a record of the guide's task, leads where the other does, as far as it says.
    pub(crate) fn is_of_task(&self, other: &Self) -> bool {
        self.source.bucket == other.source.bucket
            && self.destination.bucket == other.destination.bucket
            && (self.destination.org == other.destination.org || other.destination.org.is_empty())
    }

    /// Whether it is the same but for the addresses of the servers.
    pub(crate) fn differs_in_hosts_alone(&self, other: &Self) -> bool {
        let hostless = |place: &Place| Place { url: String::new(), ..place.clone() };
        self != other
            && hostless(&self.source) == hostless(&other.source)
            && hostless(&self.destination) == hostless(&other.destination)
            && self.selection == other.selection
    }
}

impl Place {
    fn parts(&self) -> [&str; 3] {
        let Self { url, org, bucket } = self;
        [url, org, bucket]
    }
}

impl Entry {
    /// Reads one line. `None` if it is not a whole entry.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut lines = parse_lines(line);
        let (Some(Ok(line)), None) = (lines.next(), lines.next()) else { return None };
        let place = |names: [&str; 3]| {
            let [url, org, bucket] = names.map(|name| tag(&line, name));
            Place { url, org, bucket }
        };
        let route = Route {
            source: place(SOURCE_TAGS),
            destination: place(DESTINATION_TAGS),
            selection: text(&line, "selection").unwrap_or_default(),
        };
        match line.series.measurement.as_str() {
            BATCHES if line.field_value("migration_start").is_none() => {
                let batch = range(&line, "batch_start", "batch_stop")?;
                Some(Self::Task { route, batch })
            }
            BATCHES => Record::of(&line, route).map(Self::Done),
            MIGRATIONS => Opening::of(&line, route).map(Self::Opened),
            _ => None,
        }
    }

    pub(crate) fn route(&self) -> &Route {
        match self {
            Self::Opened(Opening { route, .. })
            | Self::Done(Record { route, .. })
            | Self::Task { route, .. } => route,
        }
    }
}

impl Opening {
    /// One line of line protocol, without a line feed.
    pub(crate) fn to_line(&self) -> String {
        let mut line = self.route.begin_line(MIGRATIONS);
        push_texts(&mut line, &migration_texts(self.migration, &self.route, &self.terms));
        for (key, fact) in [("earliest", self.earliest), ("now", self.now)] {
            if fact {
                line = line + "," + key + "=true";
            }
        }
        line + " " + &self.time.0.to_string()
    }

    fn of(line: &ParsedLine<'_>, route: Route) -> Option<Self> {
        let migration = range(line, "migration_start", "migration_stop")?;
        let is = |key| matches!(line.field_value(key), Some(FieldValue::Boolean(true)));
        let (earliest, now) = (is("earliest"), is("now"));
        let (terms, time) = (Terms::read(line), Timestamp(line.timestamp?));
        Some(Self { route, terms, migration, earliest, now, time })
    }
}

fn migration_texts(
    migration: TimeRange,
    route: &Route,
    terms: &Terms,
) -> Vec<(&'static str, String)> {
    let mut texts = vec![
        ("migration_start", migration.start().nine_digits()),
        ("migration_stop", migration.stop().nine_digits()),
        ("selection", route.selection.clone()),
    ];
    texts.extend(terms.texts());
    texts
}

/// Appends string fields, the first of a line.
fn push_texts(line: &mut String, texts: &[(&str, String)]) {
    let mut separator = ' ';
    for (key, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
        line.push(separator);
        line.push_str(key);
        line.push('=');
        line.push_str(&string(text));
        separator = ',';
    }
}

impl Record {
    /// One line of line protocol, without a line feed.
    pub(crate) fn to_line(&self) -> String {
        use std::fmt::Write;
        let mut line = self.route.begin_line(BATCHES);
        let mut texts = vec![
            ("batch_start", self.batch.start().nine_digits()),
            ("batch_stop", self.batch.stop().nine_digits()),
        ];
        texts.push(("section", self.section.to_text()));
        texts.extend(migration_texts(self.migration, &self.route, &self.terms));
        push_texts(&mut line, &texts);
        let Totals { rows, points, read, written, rejected, saved } = self.totals;
        let mut counts = vec![
            ("rows", rows),
            ("points", points),
            ("read", read),
            ("written", written),
            ("rejected", rejected),
            ("saved", saved),
            ("source_milliseconds", self.source_nanoseconds / MILLISECOND),
        ];
        counts.extend(self.destination_bytes.map(|bytes| ("destination_bytes", bytes)));
        for (key, count) in counts {
            write!(line, ",{key}={count}i").expect("writing to a string cannot fail");
        }
        // `{:?}` writes a float so that it is told from an integer.
        write!(line, ",percent_complete={:?} {}", self.percent_complete, self.time.0)
            .expect("writing to a string cannot fail");
        line
    }

    fn of(line: &ParsedLine<'_>, route: Route) -> Option<Self> {
        let count = |key| number(line, key).unwrap_or(0);
        let batch = range(line, "batch_start", "batch_stop")?;
        Some(Self {
            route,
            terms: Terms::read(line),
            section: Section::parse(&text(line, "section").unwrap_or_default())?,
            batch,
            migration: range(line, "migration_start", "migration_stop")?,
            totals: Totals {
                rows: number(line, "rows")?,
                points: count("points"),
                read: count("read"),
                written: count("written"),
                rejected: count("rejected"),
                saved: count("saved"),
            },
            percent_complete: match line.field_value("percent_complete") {
                Some(FieldValue::F64(percent)) => *percent,
                _ => return None,
            },
            source_nanoseconds: count("source_milliseconds").saturating_mul(MILLISECOND),
            destination_bytes: number(line, "destination_bytes"),
            time: Timestamp(line.timestamp?),
        })
    }
}

/// In nanoseconds.
const MILLISECOND: u64 = 1_000_000;

fn tag(line: &ParsedLine<'_>, name: &str) -> String {
    line.tag_value(name).map(|value| value.as_str().to_owned()).unwrap_or_default()
}

pub(crate) fn text(line: &ParsedLine<'_>, name: &str) -> Option<String> {
    match line.field_value(name) {
        Some(FieldValue::String(text)) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

fn number(line: &ParsedLine<'_>, name: &str) -> Option<u64> {
    match line.field_value(name) {
        Some(FieldValue::I64(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn range(line: &ParsedLine<'_>, start: &str, stop: &str) -> Option<TimeRange> {
    let time = |name| Timestamp::parse(&text(line, name)?).ok();
    TimeRange::new(time(start)?, time(stop)?)
}
