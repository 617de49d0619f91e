//! Where to cut a section: which names there are in it. Asks by the language that it is read by.
//!
//! Does not know how points lie: names are cut into equal numbers, and what is still too large is cut
//! again. Measurements come first, then the tag with the most values, and fields last: a point whose
//! fields are apart becomes several lines.

use std::collections::{BTreeSet, VecDeque};

use super::Answer;
use super::collect::Collect;
use super::exchange::{Ids, Want};
use super::road::Road;
use crate::converter::{flux_column, tables};
use crate::error::Error;
use crate::protocol::{Call, flux, influxql};
use crate::section::{Dimension, FIRST_NAME, Section};
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// So many tags of a measurement are looked at, each with a request.
const TAGS_MAX: usize = 256;

/// A name beyond this is not cut at: the regular expression that says so grows with its square.
const NAME_CHARACTERS_MAX: usize = 200;

/// A section, while it is found out where to cut it.
#[derive(Debug)]
pub(crate) struct Divider {
    settings: Settings,
    road: Road,
    pub(crate) section: Section,
    /// When names are looked for, as far as the source can tell.
    pub(crate) range: TimeRange,
    /// Into how many sections.
    count: usize,
    /// The one that it is in, once it is known that there is no other.
    measurement: String,
    /// The tags whose values are to be asked for.
    tags: VecDeque<String>,
    /// The tag with the most values so far.
    best: Option<(String, BTreeSet<String>)>,
    asked: Question,
    asking: Collect,
}

#[derive(Clone, Debug)]
enum Question {
    Measurements,
    TagKeys,
    TagValues(String),
    Fields,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Division {
    /// They tile it.
    Sections(Vec<Section>),
    /// There is but one name of each kind in it.
    Nothing,
}

impl Divider {
    /// `count` is 2 or more; `road` leads to the source.
    pub(crate) fn new(
        settings: &Settings,
        road: &Road,
        section: Section,
        range: TimeRange,
        count: usize,
    ) -> Self {
        let call = call(settings, road, &section, range, "", &Question::Measurements);
        Self {
            settings: settings.clone(),
            road: road.clone(),
            section,
            range,
            count,
            measurement: String::new(),
            tags: VecDeque::new(),
            best: None,
            asked: Question::Measurements,
            asking: Collect::new(call.at(settings.reads), settings.limits.attempts_max),
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.asking.want(now, ids)
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        self.asking.owns(id)
    }

    /// Takes an answer; returns what was found, once that is known.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Option<Division>, Error> {
        let Some(body) = self.asking.answer(answer)? else { return Ok(None) };
        let mut names = self.names(&body).map_err(|error| error.of_side(self.settings.reads))?;
        Ok(match self.asked.clone() {
            Question::Measurements => {
                let wanted = &self.settings.selection.measurements;
                names.retain(|name| wanted.is_empty() || wanted.contains(name));
                names.retain(|name| self.section.contains_name(&Dimension::Measurement, name));
                match names.len() {
                    0 => Some(Division::Nothing),
                    1 => {
                        self.measurement = names.pop_first().unwrap_or_default();
                        self.ask(Question::TagKeys);
                        None
                    }
                    _ => Some(self.cut(&Dimension::Measurement, &names)),
                }
            }
            Question::TagKeys => {
                self.tags = names.into_iter().take(TAGS_MAX).collect();
                self.ask_next()
            }
            Question::TagValues(key) => {
                let tag = Dimension::Tag(key.clone());
                names.retain(|name| self.section.contains_name(&tag, name));
                if self.best.as_ref().is_none_or(|(_, best)| best.len() < names.len()) {
                    self.best = Some((key, names));
                }
                self.ask_next()
            }
            Question::Fields => {
                names.retain(|name| self.section.contains_name(&Dimension::Field, name));
                Some(self.cut(&Dimension::Field, &names))
            }
        })
    }

    /// Asks for the values of the next tag; once all are known, the best of them is cut.
    fn ask_next(&mut self) -> Option<Division> {
        if let Some(key) = self.tags.pop_front() {
            self.ask(Question::TagValues(key));
            return None;
        }
        match self.best.take() {
            Some((key, names)) if names.len() > 1 => Some(self.cut(&Dimension::Tag(key), &names)),
            _ => {
                self.ask(Question::Fields);
                None
            }
        }
    }

    fn cut(&self, of: &Dimension, names: &BTreeSet<String>) -> Division {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let count = self.count.min(names.len());
        let bounds = (1..count).map(|nth| nth * names.len() / count);
        let bounds = bounds.map(|at| shortest_between(names[at - 1], names[at]).to_owned());
        let mut bounds: Vec<_> =
            bounds.filter(|name| name.chars().count() <= NAME_CHARACTERS_MAX).collect();
        if matches!(of, Dimension::Tag(_)) && self.section.names(of).is_none() {
            // The series without the tag by themselves: an expression that matches the empty name is
            // slow, and mostly there is none of them.
            bounds.insert(0, FIRST_NAME.to_owned());
            bounds.dedup();
        }
        match self.section.clone().divide(of, &bounds) {
            sections if sections.len() > 1 => Division::Sections(sections),
            _ => Division::Nothing,
        }
    }

    fn ask(&mut self, question: Question) {
        let Self { settings, road, section, range, measurement, .. } = self;
        let call = call(settings, road, section, *range, measurement, &question);
        self.asking = Collect::new(call.at(self.settings.reads), self.settings.limits.attempts_max);
        self.asked = question;
    }

    /// The names that a response lists.
    fn names(&self, body: &[u8]) -> Result<BTreeSet<String>, Error> {
        let Road::InfluxQl(database) = &self.road else {
            // Columns of Flux's own are no tags.
            let is_own = |name: &String| name.starts_with('_');
            let names = flux_column(body, "_value")?.into_iter();
            return Ok(match self.asked {
                Question::TagKeys => names.filter(|name| !is_own(name)).collect(),
                Question::Measurements | Question::TagValues(_) | Question::Fields => {
                    names.collect()
                }
            });
        };
        let (column, statements) = match self.asked {
            Question::Measurements => ("name", 1),
            Question::TagKeys => ("tagKey", database.policies.len()),
            Question::TagValues(_) => ("value", database.policies.len()),
            Question::Fields => ("fieldKey", database.policies.len()),
        };
        let mut names = BTreeSet::new();
        for table in tables(body, statements)? {
            names.extend(table.texts([column])?.into_iter().map(|[name]| name.to_owned()));
        }
        Ok(names)
    }
}

/// What to ask; a measurement is known for all questions but the first.
fn call(
    settings: &Settings,
    road: &Road,
    section: &Section,
    range: TimeRange,
    measurement: &str,
    question: &Question,
) -> Call {
    let place = settings.source.place();
    let Road::InfluxQl(database) = road else {
        let column = match question {
            Question::Measurements => Some("_measurement"),
            Question::TagValues(key) => Some(key.as_str()),
            Question::Fields => Some("_field"),
            Question::TagKeys => None,
        };
        return flux::names(place, range, &settings.selection, section, column);
    };
    let of = |policy: &String| match question {
        Question::Measurements => influxql::measurements(&database.name),
        Question::TagKeys => influxql::tag_keys(&database.name, policy, measurement),
        Question::TagValues(key) => {
            influxql::tag_values(&database.name, policy, measurement, key, section)
        }
        Question::Fields => influxql::fields(&database.name, policy, measurement),
    };
    let mut statements: Vec<_> = database.policies.iter().map(of).collect();
    if matches!(question, Question::Measurements) {
        // Those of all retention policies at once.
        statements.truncate(1);
    }
    influxql::call(&database.name, &statements, &place.bucket)
}

/// The shortest beginning of `upper` that is after `lower`: a name to cut at.
fn shortest_between<'a>(lower: &str, upper: &'a str) -> &'a str {
    let ends = upper.char_indices().map(|(at, character)| at + character.len_utf8());
    let beginnings = ends.map(|end| &upper[..end]);
    beginnings.into_iter().find(|beginning| *beginning > lower).unwrap_or(upper)
}
