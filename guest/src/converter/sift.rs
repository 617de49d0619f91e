//! Sifts what a destination refused out of lines: fields, or whole lines.
//!
//! Knows lines as this program writes them, and why each was refused; does not know how a server
//! says so. Of this line, if its field `temp` is refused,
//!
//! ```text
//! room,city=Lima temp=18i,note="a, b=\"c\" d" 1640995200000000000
//! ```
//!
//! the field `temp=18i` is left out, and the line with `note` alone is to be written again.

use std::collections::BTreeMap;

use super::lines::Lines;
use super::names::{Dialect, Part, push_name};

/// What ends the key of a field, unless a `\` stands before it.
const KEY_ENDS: &[char] = &[',', '=', ' '];

/// Why a line was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// In the words of the server, on one line and not too long.
    pub(crate) text: String,
    pub(crate) blame: Blame,
}

/// What of a line is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The field of this name.
    Field(String),
    /// The tag of this name: no part of the line can be written.
    Tag(String),
    /// Nobody says.
    Unknown,
}

/// Fields of a point that were refused, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Which point it is of all that were converted, counted from 0.
    pub(crate) number: u64,
    /// Measurement and tags, as line protocol.
    pub(crate) series: String,
    /// As line protocol: `key=value`, separated by commas.
    pub(crate) fields: String,
    pub(crate) time: String,
    pub(crate) reason: String,
}

/// What becomes of lines some of which were refused.
#[derive(Debug, Default)]
pub(crate) struct Sifted {
    /// All that is not refused yet, in its order: lines as they were, and what is left of others.
    pub(crate) lines: Lines,
    /// Only what is left of others.
    pub(crate) rests: Lines,
    pub(crate) refused: Vec<Refused>,
}

/// A line in its parts, none of which is empty.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) series: &'a str,
    pub(crate) fields: Vec<&'a str>,
    pub(crate) time: &'a str,
}

/// Sifts out of lines what was refused of those at these places, counted from 0.
///
/// `None` if a reason blames what its line does not have: then it is about another line, for a
/// server may count otherwise. A line that is alone is meant anyway.
pub(crate) fn sift(lines: &Lines, refused: &BTreeMap<usize, Reason>) -> Option<Sifted> {
    let is_alone = lines.len() == 1;
    let mut sifted = Sifted::default();
    let (mut of_lines, mut of_rests) = (Vec::new(), Vec::new());
    for (place, line) in lines.each().enumerate() {
        let number = lines.number(place);
        match refused.get(&place) {
            Some(reason) => sifted.take_apart(number, line, reason, is_alone)?,
            None => sifted.lines.push_line(line),
        }
        of_lines.resize(sifted.lines.len(), number);
        of_rests.resize(sifted.rests.len(), number);
    }
    sifted.lines.set_numbers(of_lines);
    sifted.rests.set_numbers(of_rests);
    Some(sifted)
}

impl Refused {
    /// As line protocol, with its line feed.
    pub(crate) fn line(&self) -> String {
        let Self { series, fields, time, .. } = self;
        format!("{series} {fields} {time}\n")
    }

    /// Which point it is of; earlier ones come first.
    pub(crate) fn place(&self) -> (i64, &str) {
        let time = self.time.parse().expect("a line is taken apart only if its time is a number");
        (time, &self.series)
    }
}

impl Blame {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Field(name) | Self::Tag(name) => Some(name),
            Self::Unknown => None,
        }
    }
}

impl Sifted {
    fn take_apart(
        &mut self,
        number: u64,
        line: &str,
        reason: &Reason,
        is_alone: bool,
    ) -> Option<()> {
        let parts = Parts::of(line)?;
        let is_bad = |field: &&str| match &reason.blame {
            Blame::Field(name) => is_called(key(field), Part::FieldKey, name),
            Blame::Tag(_) | Blame::Unknown => false,
        };
        let (bad, good): (Vec<_>, Vec<_>) = parts.fields.iter().copied().partition(is_bad);
        let has_tag = reason.blame.name().is_some_and(|name| parts.has_tag(name));
        let fits = reason.blame == Blame::Unknown || !bad.is_empty() || has_tag;
        if !fits && !is_alone {
            return None;
        }
        if !bad.is_empty() {
            self.refuse(number, &parts, &bad, reason);
            self.keep(&parts, &good);
        } else if has_tag || parts.fields.len() == 1 {
            self.refuse(number, &parts, &parts.fields, reason);
        } else {
            // Which field it is shows when each half is refused or taken.
            let (first, second) = good.split_at(good.len() / 2);
            self.keep(&parts, first);
            self.keep(&parts, second);
        }
        Some(())
    }

    fn refuse(&mut self, number: u64, parts: &Parts<'_>, fields: &[&str], reason: &Reason) {
        self.refused.push(Refused {
            number,
            series: parts.series.to_owned(),
            fields: fields.join(","),
            time: parts.time.to_owned(),
            reason: reason.text.clone(),
        });
    }

    fn keep(&mut self, parts: &Parts<'_>, fields: &[&str]) {
        if !fields.is_empty() {
            let line = parts.line(fields);
            self.lines.push_line(&line);
            self.rests.push_line(&line);
        }
    }
}

impl<'a> Parts<'a> {
    /// The measurement, as line protocol.
    pub(crate) fn measurement(&self) -> &'a str {
        split_before(self.series, &[',']).map_or(self.series, |(measurement, _)| measurement)
    }

    /// The parts of a line as this program writes it, with its line feed; `None` for any other.
    pub(crate) fn of(line: &'a str) -> Option<Self> {
        let line = line.strip_suffix('\n')?;
        let (series, mut rest) = split_before(line, &[' '])?;
        let mut fields = Vec::new();
        loop {
            // A blank comes before the first field, a comma before the others.
            rest = &rest[1..];
            let length = field_length(rest)?;
            fields.push(&rest[..length]);
            rest = &rest[length..];
            if !rest.starts_with(',') {
                break;
            }
        }
        let time = rest.strip_prefix(' ')?;
        time.parse::<i64>().ok()?;
        (!series.is_empty()).then_some(Self { series, fields, time })
    }

    /// The line with some of its fields.
    fn line(&self, fields: &[&str]) -> String {
        format!("{} {} {}\n", self.series, fields.join(","), self.time)
    }

    fn has_tag(&self, name: &str) -> bool {
        let mut rest = self.series;
        while let Some((_, after)) = split_before(rest, &[',']) {
            rest = &after[1..];
            if is_called(key(rest), Part::TagKey, name) {
                return true;
            }
        }
        false
    }
}

/// The key and the value of a field, as line protocol.
pub(crate) fn key_and_value(field: &str) -> Option<(&str, &str)> {
    let (key, value) = split_before(field, &['='])?;
    Some((key, &value[1..]))
}

/// Splits before the first of these characters that stands behind no `\`. No name that is written
/// ends in one, so whatever a product reads `\\` as, what ends a name never stands behind it.
fn split_before<'a>(text: &'a str, special: &[char]) -> Option<(&'a str, &'a str)> {
    let ends = |(at, _): &(usize, &str)| !text[..*at].ends_with('\\');
    let (at, _) = text.match_indices(special).find(ends)?;
    Some(text.split_at(at))
}

/// How many bytes the string has before the quote that ends it, which all products read alike.
fn string_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

/// How many bytes the field has with which this text begins.
fn field_length(text: &str) -> Option<usize> {
    let (key, value) = split_before(text, KEY_ENDS)?;
    let value = value.strip_prefix('=')?;
    let length = match value.strip_prefix('"') {
        Some(string) => 1 + string_length(string)? + 1,
        None => value.find([',', ' '])?,
    };
    (!key.is_empty() && length > 0).then_some(key.len() + 1 + length)
}

/// The key of a field or a tag, as line protocol.
fn key(part: &str) -> &str {
    split_before(part, &['=']).map_or(part, |(key, _)| key)
}

/// Whether a key, as line protocol of whichever product, has this name.
fn is_called(key: &str, part: Part, name: &str) -> bool {
    [Dialect::Iox, Dialect::Tsm].into_iter().any(|dialect| {
        let mut written = String::new();
        push_name(&mut written, dialect, part, name).is_ok() && written == key
    })
}

#[cfg(test)]
mod tests;
