//! The report for people. Does not know more than the report does.

use super::{About, Report};
use crate::plan::check::finding::{Finding, Weight};
use crate::plan::check::forecast::Forecast;
use crate::plan::note::{bytes, counted};
use crate::plan::text::{push_table, say, side};

/// So many measurements are shown; the JSON has all.
const SHOWN_MAX: usize = 20;
/// And so many findings of each weight.
const FINDINGS_MAX: usize = 50;

impl Report {
    /// Sentences and a table.
    pub(super) fn to_people(&self) -> String {
        let mut text = String::new();
        self.push_head(&mut text);
        if let Some(forecast) = &self.forecast {
            push_forecast(&mut text, forecast);
        }
        self.push_measurements(&mut text);
        for weight in [Weight::Stop, Weight::Warning, Weight::Info] {
            for (place, finding) in self.of_weight(weight).enumerate() {
                if place < FINDINGS_MAX {
                    push_finding(&mut text, finding);
                }
            }
            let more = self.of_weight(weight).count().saturating_sub(FINDINGS_MAX);
            if more > 0 {
                say(&mut text, format_args!("{}: {more} more", weight.name()));
            }
        }
        text
    }

    fn push_head(&self, text: &mut String) {
        let [stops, warnings] =
            [Weight::Stop, Weight::Warning].map(|weight| self.of_weight(weight).count() as u64);
        let warnings = counted(warnings, "warning", "warnings");
        match stops {
            0 => say(text, format_args!("a run would start; {warnings}")),
            stops => {
                let stops = counted(stops, "finding stops it", "findings stop it");
                say(text, format_args!("a run would not start: {stops}; {warnings}"));
            }
        }
        for (name, About { place, language }) in
            ["source", "destination"].into_iter().zip(&self.sides)
        {
            let by = language.map_or("not read".to_owned(), |language| format!("by {language}"));
            say(text, format_args!("{}, {by}", side(name, place)));
        }
        if let Some(range) = self.range {
            say(text, format_args!("range        {range}"));
        }
        if let Some((first, last)) = self.extent() {
            say(text, format_args!("points       from {first} to {last}, of the whole bucket"));
        }
        if let Some(series) = self.series() {
            say(text, format_args!("series       {series} at most"));
        }
    }

    fn push_measurements(&self, text: &mut String) {
        if self.tables.is_empty() {
            return;
        }
        // By Flux nobody tells tags and fields.
        let is_told = self.tables.values().any(|table| !table.tags.is_empty())
            || self.tables.values().flat_map(|table| &table.parts).any(|p| !p.fields.is_empty());
        let shown = |count: usize| if is_told { count.to_string() } else { "?".to_owned() };
        let mut rows =
            vec![["measurement", "tags", "fields", "values"].map(str::to_owned).to_vec()];
        for (name, table) in self.tables.iter().take(SHOWN_MAX) {
            let counted = self.density.as_ref().and_then(|density| density.tables.get(name));
            let values = match counted {
                None => "?".to_owned(),
                Some(counted) if counted.is_sampled() => format!("~{}", counted.values()),
                Some(counted) => counted.values().to_string(),
            };
            let mut fields: Vec<_> =
                table.parts.iter().flat_map(|part| &part.fields).map(|field| &field.name).collect();
            fields.sort_unstable();
            fields.dedup();
            rows.push(vec![name.clone(), shown(table.tags.len()), shown(fields.len()), values]);
        }
        say(text, format_args!(""));
        push_table(text, 1, &rows);
        let more = self.tables.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            let more = counted(more as u64, "measurement", "measurements");
            say(text, format_args!("… and {more} more"));
        }
        if self.density.as_ref().is_some_and(|density| !density.is_exact()) {
            let message =
                "counting all would take long: `~` is estimated from a part, `?` is not known";
            say(text, format_args!("{message}"));
        }
        say(text, format_args!(""));
    }
}

fn push_finding(text: &mut String, finding: &Finding) {
    let name = match finding.weight {
        Weight::Stop => "stop: ",
        Weight::Warning => "warning: ",
        Weight::Info => "",
    };
    say(text, format_args!("{name}{}", finding.message));
    if let Some(hint) = &finding.hint {
        say(text, format_args!("  hint: {hint}"));
    }
    for line in &finding.lines {
        say(text, format_args!("    {line}"));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a forecast is no count; a float out of range is cut by `as`"
)]
fn push_forecast(text: &mut String, forecast: &Forecast) {
    let [read, written] =
        [forecast.read_bytes, forecast.written_bytes].map(|amount| bytes(amount as u64));
    let of =
        if forecast.is_of_values { "as a sample of values has them" } else { "by names alone" };
    let values = counted(forecast.values, "value", "values");
    let batches = counted(forecast.batches, "batch", "batches");
    say(text, format_args!("values       {values}: {read} to read, {written} to write, {of}"));
    let mut takes = vec![format!("{batches} or more")];
    if let Some(days) = forecast.measurement_days {
        takes.push(counted(days, "measurement-day", "measurement-days"));
    }
    if forecast.windows > 0 {
        let windows = counted(forecast.windows, "window", "windows");
        takes.push(format!("{windows} of {} s", forecast.window_seconds));
    }
    match forecast.seconds {
        Some(seconds) => takes.push(format!("{} at least", shown(seconds))),
        None => takes.push("as fast as the source answers".to_owned()),
    }
    say(text, format_args!("takes        {}", takes.join(", ")));
    let prices = [("read", forecast.read_price), ("write", forecast.write_price)];
    let prices: Vec<_> = prices
        .into_iter()
        .filter_map(|(what, price)| price.map(|price| format!("{price:.2} to {what}")))
        .collect();
    if !prices.is_empty() {
        say(text, format_args!("costs        {}", prices.join(", ")));
    }
}

/// As exact as a forecast is.
fn shown(seconds: f64) -> String {
    match seconds {
        ..60.0 => format!("{seconds:.0} s"),
        ..3600.0 => format!("{:.0} minutes", seconds / 60.0),
        ..86_400.0 => format!("{:.1} hours", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}
