//! The report for people. Does not know more than the report does.

use super::{About, Example, Kind, NotCompared, Report, Sum, Unexplained, What};
use crate::plan::note::{bytes, counted, percentage};
use crate::plan::text::{push_table, say, side};

/// So many rows are shown, and ranges of each kind; the JSON has more.
const SHOWN_MAX: usize = 20;
/// So many values of each kind are shown.
const EXAMPLES_SHOWN_MAX: usize = 5;

impl Report {
    /// Sentences, and a table of what differs.
    pub(super) fn to_people(&self, read: u64) -> String {
        let mut text = String::new();
        self.push_head(&mut text, read);
        self.push_kinds(&mut text);
        self.push_sums(&mut text);
        self.push_examples(&mut text);
        self.push_advice(&mut text);
        text
    }

    fn push_head(&self, text: &mut String, read: u64) {
        let Some(range) = self.range else {
            return say(text, format_args!("there is nothing to compare"));
        };
        let how = if self.is_deep { "value by value" } else { "by counts" };
        let verdict = match (self.is_same(), self.of_kind(Kind::Known)) {
            (true, 0) => "both sides are the same".to_owned(),
            (true, known) => {
                let values = counted(known, "value", "values");
                format!("both sides are the same but for {values} set aside")
            }
            (false, _) if self.is_open() => "not all could be compared".to_owned(),
            (false, _) => "both sides are not the same".to_owned(),
        };
        let verdict = if self.is_empty() { "nothing was compared" } else { &verdict };
        say(text, format_args!("{range}, compared {how} at {}: {verdict}", self.compared_at));
        for (name, (about, values)) in
            ["source", "destination"].into_iter().zip(self.sides.iter().zip(self.values()))
        {
            let About { place, language } = about;
            let mut values = counted(values, "value", "values");
            let repaired = self.of_kind(Kind::Repaired);
            if name == "destination" && repaired > 0 {
                values += &format!(" and {repaired} that were repaired");
            }
            say(text, format_args!("{}: {values}, by {language}", side(name, place)));
        }
        let measurements = counted(self.tables().len() as u64, "measurement", "measurements");
        let fields = counted(self.fields.len() as u64, "field", "fields");
        let slices = counted(self.slices.len() as u64, "slice", "slices");
        let length = hours(self.slice);
        let read = bytes(read);
        say(
            text,
            format_args!(
                "compared     {fields} of {measurements} in {slices} of {length} with values; {read} \
                 read"
            ),
        );
        // Where nothing is, another program may have moved it.
        if let Some(percent) = self.recorded_percent.filter(|percent| *percent > 0.0) {
            let percent = percentage(percent);
            say(text, format_args!("on record    {percent}: what is left of it counts as missing"));
        }
        if let Some(range) = self.left_out {
            say(text, format_args!("too young    {range}"));
        }
    }

    fn push_kinds(&self, text: &mut String) {
        for kind in Kind::ALL {
            let count = self.of_kind(kind);
            if count > 0 {
                let values = counted(count, "value", "values");
                say(text, format_args!("{:<12} {values}: {}", kind.name(), meaning(kind)));
            }
        }
        if self.refused > 0 {
            let points = counted(self.refused, "point", "points");
            say(
                text,
                format_args!("refused      {points}: set aside, when they were to be repaired"),
            );
        }
        if let Some(why) = &self.broken_off {
            say(text, format_args!("broken off   {why}; what follows was not compared"));
        }
        for NotCompared { table, range, why } in self.not_compared.iter().take(SHOWN_MAX) {
            say(text, format_args!("not compared {table} in {range}: {why}"));
        }
        push_more(text, self.not_compared.len(), "range more", "ranges more");
        for Unexplained { table, range, values: [source, destination] } in
            self.unexplained.iter().take(SHOWN_MAX)
        {
            say(
                text,
                format_args!(
                    "unexplained  {table} in {range}: {source} and {destination} were counted, and the \
                     values that were read are the same; compare again"
                ),
            );
        }
        push_more(text, self.unexplained.len(), "range more", "ranges more");
    }

    fn push_sums(&self, text: &mut String) {
        if self.sums.is_empty() {
            return;
        }
        let mut cells =
            vec![["measurement", "field", "first slice", "last slice"].map(str::to_owned).to_vec()];
        cells[0].extend(Kind::ALL.map(|kind| kind.name().to_owned()));
        for ((table, field), Sum { kinds, first, last }) in self.sums.iter().take(SHOWN_MAX) {
            let mut row = vec![table.clone(), field.clone(), first.to_string(), last.to_string()];
            row.extend(Kind::ALL.map(|kind| kinds.get(&kind).copied().unwrap_or(0).to_string()));
            cells.push(row);
        }
        say(text, format_args!(""));
        push_table(text, 4, &cells);
        push_more(text, self.sums.len(), "row more", "rows more");
    }

    /// Whether something extra is in a table named as Core names deleted ones: `cpu-20220101T000000`.
    fn has_deleted_tables(&self) -> bool {
        let is_deleted = |name: &str| {
            let digits = |text: &str, count| {
                text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
            };
            let time = name.rsplit_once('-').and_then(|(_, time)| time.split_once('T'));
            time.is_some_and(|(day, time)| digits(day, 8) && digits(time, 6))
        };
        self.sums
            .iter()
            .any(|((table, _), sum)| sum.kinds.contains_key(&Kind::Extra) && is_deleted(table))
    }

    fn push_examples(&self, text: &mut String) {
        let differs = |(kind, _): &(&Kind, &Vec<Example>)| kind.differs();
        for (kind, examples) in self.examples.iter().filter(differs) {
            say(text, format_args!("\n{}, for example:", kind.name()));
            for Example { key, values } in examples.iter().take(EXAMPLES_SHOWN_MAX) {
                let shown = |value: &Option<String>| match value {
                    // On one line.
                    Some(text) => text.replace('\n', "\\n").replace('\r', "\\r"),
                    None => "nothing".to_owned(),
                };
                let [source, destination] = values.each_ref().map(shown);
                let (series, field, time) = (&key.series, &key.field, key.time);
                say(text, format_args!("  {series} {field} {time}: {source} → {destination}"));
            }
        }
    }

    fn push_advice(&self, text: &mut String) {
        let [missing, different, extra] =
            [Kind::Missing, Kind::Different, Kind::Extra].map(|kind| self.of_kind(kind));
        if self.recorded_percent == Some(0.0) && missing > 0 {
            say(text, format_args!("\nnothing is on record: `run` moves all of it"));
        } else if missing > 0 && !self.repairs && self.destination_is != What::File {
            say(
                text,
                format_args!(
                    "\n`--repair` moves what is missing, and looks whether it has arrived"
                ),
            );
        }
        if self.is_same() && !self.is_deep {
            say(text, format_args!("\nvalues themselves were not compared: `--deep` does"));
        }
        if extra > 0 && self.destination_is == What::Influx3 && self.has_deleted_tables() {
            say(
                text,
                format_args!(
                    "\nInfluxDB 3 Core lists a table that was deleted for three days more, with the \
                     time of that behind its name"
                ),
            );
        }
        if different > 0 {
            say(
                text,
                format_args!(
                    "\nwhat is different is left as it is{}",
                    match self.destination_is {
                        What::Influx3 => {
                            ": which of two values of one point and field InfluxDB 3 keeps is not defined"
                        }
                        What::File | What::Other => "",
                    }
                ),
            );
        }
        if extra > 0 {
            say(
                text,
                format_args!("\nwhat is extra is left as it is: rows cannot be deleted everywhere"),
            );
        }
    }
}

/// A length of time, in nanoseconds.
fn hours(length: u64) -> String {
    match length / 3_600_000_000_000 {
        0 => format!("{} s", length / 1_000_000_000),
        1 => "an hour".to_owned(),
        24 => "a day".to_owned(),
        hours if hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    }
}

/// Says how many there are beyond those that are shown.
fn push_more(text: &mut String, count: usize, one: &str, many: &str) {
    let more = count.saturating_sub(SHOWN_MAX);
    if more > 0 {
        say(text, format_args!("… and {}, in the JSON", counted(more as u64, one, many)));
    }
}

fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::Missing => "only the source has them",
        Kind::Different => "both sides have them, and they differ",
        Kind::Extra => "only the destination has them",
        Kind::Known => "only the source has them, and they were set aside",
        Kind::Repaired => "they were missing, and have arrived now",
    }
}
