//! What a look at both sides has found: as JSON, and as text for people.
//!
//! Does not know how it was found. Numbers have their units in their names.

mod text;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::density::Density;
use super::finding::{Finding, Weight};
use super::forecast::Forecast;
use super::schema::Tables;
use crate::error::{Error, Fault};
use crate::plan::side::{Ends, Side};
use crate::settings::{Place, Settings};
use crate::time::{TimeRange, Timestamp};

/// All that was found.
#[derive(Debug)]
pub(super) struct Report {
    sides: [About; 2],
    pub(super) range: Option<TimeRange>,
    pub(super) ends: BTreeMap<String, Ends>,
    pub(super) tables: Tables,
    pub(super) slice: u64,
    pub(super) density: Option<Density>,
    pub(super) forecast: Option<Forecast>,
    pub(super) findings: Vec<Finding>,
    /// Why a side could not be reached.
    pub(super) unreached: Option<Error>,
}

/// A side, for people.
#[derive(Debug)]
struct About {
    place: Place,
    /// What it is asked by, if it answers.
    language: Option<&'static str>,
}

impl Report {
    pub(super) fn new(settings: &Settings) -> Self {
        let about = |place: &Place| About { place: place.clone(), language: None };
        Self {
            sides: [about(settings.source.place()), about(settings.destination.place())],
            range: None,
            ends: BTreeMap::new(),
            tables: Tables::new(),
            slice: 0,
            density: None,
            forecast: None,
            findings: Vec::new(),
            unreached: None,
        }
    }

    pub(super) fn source_is(&mut self, side: &Side) {
        self.sides[0].language = Some(side.language());
    }

    pub(super) fn destination_is(&mut self, side: &Side) {
        self.sides[1].language = Some(side.language());
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Something that could not be asked. What is only too much for a server at once keeps no run from starting:
    /// its batches are smaller.
    pub(super) fn cannot(&mut self, error: Error) {
        let is_too_much = error.fault == Fault::TooLarge;
        let weight = if is_too_much { Weight::Warning } else { Weight::Stop };
        self.push(Finding::of_error(weight, "reach", &error));
        let is_gone = |error: &Error| {
            matches!(crate::plan::Ending::of(error.clone()), crate::plan::Ending::Stopped(_))
        };
        if self.unreached.is_none() && is_gone(&error) {
            self.unreached = Some(error);
        }
    }

    pub(super) fn of_weight(&self, weight: Weight) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.weight == weight)
    }

    pub(super) fn would_start(&self) -> bool {
        self.of_weight(Weight::Stop).next().is_none()
    }

    /// The first and the last point.
    pub(super) fn extent(&self) -> Option<Ends> {
        let first = self.ends.values().map(|(first, _)| *first).min()?;
        let last = self.ends.values().map(|(_, last)| *last).max()?;
        Some((first, last))
    }

    /// How many series there are at most, where that is told: 1.x counts one once for each shard (observed on
    /// 1.6.7).
    pub(super) fn series(&self) -> Option<u64> {
        let series: u64 = self.tables.values().map(|table| table.series).sum();
        (series > 0).then_some(series)
    }

    /// As JSON, the text under `text`.
    pub(super) fn to_text(&self) -> String {
        let times = |(first, last): &Ends| [first.to_string(), last.to_string()];
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(|finding| finding.weight);
        json!({
            "text": self.to_people(),
            "would_start": self.would_start(),
            "source": self.about(0),
            "destination": self.about(1),
            "range": self.range.map(|range| [range.start().to_string(), range.stop().to_string()]),
            "points": self.extent().map(|ends| times(&ends)),
            "series_max": self.series(),
            "slice_seconds": self.slice / SECOND,
            "values_are_exact": self.density.as_ref().map(Density::is_exact),
            "measurements_uncounted": self.density.as_ref().map(|density| &density.uncounted),
            "measurements": self.measurements(),
            "slices": self.slices(),
            "forecast": self.forecast.as_ref().map(Forecast::to_json),
            "findings": findings.into_iter().map(Finding::to_json).collect::<Vec<_>>(),
        })
        .to_string()
    }

    fn about(&self, side: usize) -> Value {
        let About { place: Place { url, org, bucket }, language } = &self.sides[side];
        json!({ "url": url, "org": org, "bucket": bucket, "asked_by": language })
    }

    fn measurements(&self) -> Value {
        let measurement = |(name, table): (&String, &crate::plan::side::Table)| {
            let counted = self.density.as_ref().and_then(|density| density.tables.get(name));
            let mut fields = BTreeMap::<&String, Vec<&str>>::new();
            for field in table.parts.iter().flat_map(|part| &part.fields) {
                let types = fields.entry(&field.name).or_default();
                types.extend(field.types.iter().map(|of| of.name()));
                types.sort_unstable();
                types.dedup();
            }
            let field = |(name, types): (&String, Vec<&str>)| {
                let columns = counted.into_iter().flat_map(|counted| counted.counts.0.keys());
                let of = |column: &&super::Column| column.field == *name;
                let values = columns.filter(of).filter_map(|column| Some(counted?.of(column)));
                json!({ "field": name, "types": types, "values": values.sum::<u64>() })
            };
            json!({
                "measurement": name,
                "tags": table.tags,
                "series_max": table.series,
                "fields": fields.into_iter().map(field).collect::<Vec<_>>(),
                "values": counted.map(super::density::Counted::values),
                "is_sampled": counted.map(super::density::Counted::is_sampled),
                "points": self.ends.get(name).map(|(first, last)| [first.to_string(), last.to_string()]),
            })
        };
        self.tables.iter().map(measurement).collect()
    }

    /// The slices that were counted, of all measurements together.
    fn slices(&self) -> Value {
        let mut slices = BTreeMap::<Timestamp, u64>::new();
        for counted in self.density.iter().flat_map(|density| density.tables.values()) {
            for (start, count) in counted.slices() {
                *slices.entry(start).or_default() += count;
            }
        }
        let slice = |(start, values): (Timestamp, u64)| json!({ "start": start.to_string(), "values": values });
        slices.into_iter().map(slice).collect()
    }
}

const SECOND: u64 = 1_000_000_000;
