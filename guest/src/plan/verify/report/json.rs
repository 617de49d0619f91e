//! The report for programs. Does not know more than the report does.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{About, Kind, NotCompared, Report, SECOND, Slice, Unexplained};
use crate::converter::Dialect;
use crate::settings::{LineBreaks, Place, Settings, UnfitValues};
use crate::time::{TimeRange, Timestamp};

impl Report {
    /// As JSON, the text under `text`; so many bytes were read for it.
    pub(in crate::plan::verify) fn to_text(&self, read: u64) -> String {
        json!({
            "text": self.to_people(read),
            "read_bytes": read,
            "compared_at": self.compared_at.to_string(),
            "is_same": self.is_same(),
            "range": self.range.map(|range| [range.start().to_string(), range.stop().to_string()]),
            "left_out": self.left_out.map(|range| [range.start().to_string(), range.stop().to_string()]),
            "recorded_percent": self.recorded_percent.unwrap_or(100.0),
            "slice_seconds": self.slice / SECOND,
            "level": if self.is_deep { "content" } else { "counts" },
            "source": self.about(0),
            "destination": self.about(1),
            "policies": self.policies,
            "fingerprint": self.fingerprint,
            "kinds": Kind::ALL.map(|kind| (kind.name().to_owned(), json!(self.of_kind(kind)))).into_iter()
                .collect::<Map<_, _>>(),
            "refused": self.refused,
            "broken_off": self.broken_off,
            "not_compared": self.not_compared.iter().map(|NotCompared { table, range, why }| json!({
                "measurement": table, "range": range.to_string(), "why": why,
            })).collect::<Vec<_>>(),
            "measurements": self.measurements(),
            "slices": self.slices_as_json(),
            "differences": self.rows.iter().map(|((table, field, start), kinds)| {
                let mut row = json!({
                    "measurement": table, "field": field, "start": start.to_string(),
                });
                for kind in Kind::ALL {
                    row[kind.name()] = json!(kinds.get(&kind).copied().unwrap_or(0));
                }
                row
            }).collect::<Vec<_>>(),
            "values_beyond_differences": self.values_beyond_rows,
            "ranges_left_out": self.ranges_left_out,
            "unexplained": self.unexplained.iter().map(|Unexplained { table, range, values }| json!({
                "measurement": table, "range": range.to_string(),
                "source": values[0], "destination": values[1],
            })).collect::<Vec<_>>(),
            "examples": self.examples.iter().flat_map(|(kind, examples)| {
                examples.iter().map(|example| json!({
                    "kind": kind.name(),
                    "series": example.key.series,
                    "field": example.key.field,
                    "time": example.key.time.to_string(),
                    "source": example.values[0],
                    "destination": example.values[1],
                }))
            }).collect::<Vec<_>>(),
        })
        .to_string()
    }

    /// Whether all of these times was compared: only then hashes say something.
    fn is_compared(&self, part: TimeRange) -> bool {
        let is_part = |left_out: &NotCompared| left_out.range.intersection(part).is_some();
        let is_whole = self.broken_off.is_none() && self.ranges_left_out == 0;
        is_whole && !self.not_compared.iter().any(is_part)
    }

    fn about(&self, side: usize) -> Value {
        let About { place: Place { url, org, bucket }, language } = &self.sides[side];
        json!({
            "url": url, "org": org, "bucket": bucket, "asked_by": language,
            "values": self.values()[side],
        })
    }

    fn measurements(&self) -> Value {
        let mut measurements = BTreeMap::<_, Vec<_>>::new();
        for ((table, field), [source, destination]) in &self.fields {
            let field = json!({ "field": field, "source": source, "destination": destination });
            measurements.entry(table).or_default().push(field);
        }
        measurements
            .into_iter()
            .map(|(name, fields)| json!({ "measurement": name, "fields": fields }))
            .collect()
    }

    fn slices_as_json(&self) -> Value {
        let slice = |(start, Slice { values, hashes }): (&Timestamp, &Slice)| {
            let whole = TimeRange::new(*start, start.saturating_add(self.slice));
            let part = whole.zip(self.range).and_then(|(whole, range)| whole.intersection(range));
            let (start, stop) = part.map_or((*start, *start), |part| (part.start(), part.stop()));
            let mut slice = json!({
                "start": start.to_string(), "stop": stop.to_string(),
                "source": values[0], "destination": values[1],
            });
            if self.is_deep {
                let is_whole = part.is_some_and(|part| self.is_compared(part));
                for (name, hash) in ["source_hash", "destination_hash"].into_iter().zip(hashes) {
                    slice[name] = is_whole.then(|| format!("{hash:032x}")).into();
                }
            }
            slice
        };
        self.slices.iter().map(slice).collect()
    }
}

/// What decides the lines beside both sides.
pub(super) fn policies(settings: &Settings) -> Value {
    json!({
        "names": match settings.dialect {
            Dialect::Tsm => "tsm",
            Dialect::Iox => "iox",
            Dialect::Common => "common",
        },
        "line_breaks": match settings.line_breaks {
            LineBreaks::Refuse => "refuse",
            LineBreaks::Accept => "accept",
        },
        "unfit": match settings.unfit {
            UnfitValues::Refuse => "refuse",
            UnfitValues::SetAside => "set_aside",
        },
        "rename": rules(&settings.rules.texts.rename),
        "types": rules(&settings.rules.texts.types),
    })
}

/// The rules that a text of JSON holds; none, if it is empty.
fn rules(text: &str) -> Value {
    match text.is_empty() {
        true => json!([]),
        false => serde_json::from_str(text).expect("the settings write them as JSON"),
    }
}
