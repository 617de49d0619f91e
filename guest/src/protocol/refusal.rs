//! What a server says of points that it refused: which, why, and what became of the others.
//!
//! Does not know what to do about it. Bodies as servers send them are in `tests/recorded/http/`.
//!
//! ```text
//! InfluxDB 3       {"error":"partial write …","data":[{"error_message":…,"line_number":1,…},…]}
//! Cloud            {"code":"invalid","message":"… errors encountered on line(s):\nerror parsing line 2 (1-based): …"}
//! InfluxDB 1, 2    unable to parse 'w f=1u 5': invalid number        (each line in full)
//!                  partial write: field type conflict: … dropped=2   (which ones it does not say)
//! ```

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

use crate::converter::{Blame, Lines, Reason, bounded, message_of, quoted};

/// What an answer says that refuses points of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// Why, where it does not say of which point.
    reason: Reason,
    named: Named,
    /// Whether all points that it does not name are stored. Only InfluxDB 3 says so for certain:
    /// of 2.9.1 it was observed that `dropped=2` left out 4 points, for it speaks of one shard
    /// group alone, and Cloud lists 100 lines at most.
    pub(crate) others_are_stored: bool,
}

/// Which points of the body it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    /// By their numbers, counted from 0.
    Numbers(BTreeMap<usize, Reason>),
    /// A text with the lines themselves.
    Lines(String),
    Unknown,
}

/// A line in the list of InfluxDB 3. Its text is there as well, cut to 20 bytes, and another one
/// where strings hold line feeds: only its number is of use.
#[derive(Debug, Deserialize)]
struct Listed {
    error_message: String,
    /// Counts points from 1, not physical lines (observed on InfluxDB 3 Core 3.10.1).
    line_number: usize,
}

/// So many characters of a server's message are shown.
const MESSAGE_CHARACTERS_MAX: usize = 500;

/// What InfluxDB 1 and 2 say before a line that they cannot parse.
const UNPARSABLE: &str = "unable to parse '";

impl Refusal {
    /// Reads the body of an answer that refuses points.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let whole = message(body);
        let reason = reason(&whole);
        let mut refusal = Self { status, reason, named: Named::Unknown, others_are_stored: false };
        if let Some((listed, is_whole)) = listed(body) {
            // As it is with `accept_partial=true`, the default.
            refusal.others_are_stored = is_whole;
            if let [one] = &listed[..] {
                refusal.reason = self::reason(&one.error_message);
            }
            refusal.named = numbers(
                listed.iter().map(|listed| (listed.line_number, listed.error_message.as_str())),
            );
        } else if whole.contains(UNPARSABLE) {
            refusal.named = Named::Lines(whole);
        } else if whole.contains("on line") {
            refusal.named = numbers(whole.lines().filter_map(numbered));
        }
        refusal
    }

    /// The places of the refused lines in the body, counted from 0, if it names them.
    pub(crate) fn places(&self, body: &Lines) -> Option<BTreeMap<usize, Reason>> {
        let mut places = match &self.named {
            Named::Numbers(numbers) => numbers.clone(),
            Named::Lines(text) => places_of(text, body).unwrap_or_default(),
            Named::Unknown => BTreeMap::new(),
        };
        if body.len() == 1 {
            // It can only be this one.
            let reason = places.remove(&0).unwrap_or_else(|| self.reason.clone());
            return Some(BTreeMap::from([(0, reason)]));
        }
        let fits = places.last_key_value().is_some_and(|(last, _)| *last < body.len());
        fits.then_some(places)
    }
}

/// What a body says, on one line and not too long.
pub(crate) fn explanation(body: &[u8]) -> String {
    let message = message(body);
    let said = match listed(body) {
        Some((listed, _)) if !listed.is_empty() => {
            format!("{message}: {}", listed[0].error_message)
        }
        _ => message,
    };
    bounded(&said, MESSAGE_CHARACTERS_MAX)
}

/// The message in a body, in full; of a body that is none the first words.
fn message(body: &[u8]) -> String {
    // InfluxDB 1.x answers in what was asked for, also where it refuses.
    if let Some(message) = message_of(body) {
        return message;
    }
    let text = String::from_utf8_lossy(body);
    let json = serde_json::from_slice(body).ok().filter(Value::is_object);
    let message = ["message", "error"].iter().find_map(|key| match &json {
        Some(json) => json.get(key)?.as_str().map(str::to_owned),
        None => cut_message(&text, key),
    });
    message.unwrap_or_else(|| quoted(text.trim()))
}

/// The message in an object that was not read to its end.
fn cut_message(text: &str, key: &str) -> Option<String> {
    let (_, rest) = text.strip_prefix('{')?.split_once(&format!("\"{key}\":\""))?;
    // The cut may lie in an escape, which is at most `\uD83D\uDE00`.
    (0..12).find_map(|less| {
        let text = rest.get(..rest.len().checked_sub(less)?)?;
        serde_json::from_str(&format!("\"{text}\"")).ok()
    })
}

/// The lines that InfluxDB 3 lists, and whether these are all that it refused: not if it stopped at
/// one, and not if the list was not read to its end.
fn listed(body: &[u8]) -> Option<(Vec<Listed>, bool)> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Data {
        List(Vec<Listed>),
        One(Listed),
    }
    #[derive(Deserialize)]
    struct Answer {
        data: Data,
    }
    match serde_json::from_slice(body) {
        Ok(Answer { data: Data::List(list) }) => return Some((list, true)),
        Ok(Answer { data: Data::One(one) }) => return Some((vec![one], false)),
        Err(error) if !error.is_eof() => return None,
        Err(_) => {}
    }
    let text = str::from_utf8(body).ok().or_else(|| {
        // The cut may lie in a character.
        (1..4).find_map(|less| str::from_utf8(body.get(..body.len().checked_sub(less)?)?).ok())
    })?;
    let (_, mut rest) = text.split_once("\"data\":[")?;
    let mut list = Vec::new();
    loop {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let Some(Ok(value)) = values.next() else { break };
        list.push(value);
        rest = &rest[values.byte_offset()..];
        let Some(after) = rest.strip_prefix(',') else { break };
        rest = after;
    }
    Some((list, false))
}

fn numbers<'a>(named: impl Iterator<Item = (usize, &'a str)>) -> Named {
    let mut numbers = BTreeMap::new();
    for (number, text) in named {
        // None is the last place of all, which no body has.
        numbers.entry(number.wrapping_sub(1)).or_insert_with(|| reason(text));
    }
    if numbers.is_empty() { Named::Unknown } else { Named::Numbers(numbers) }
}

/// The number and the reason in a line such as `error parsing line 2 (1-based): No fields were
/// provided`, `error writing line 2 (1-based): …` or `timestamp overflows i64 on line 2 (1-based)`.
fn numbered(text: &str) -> Option<(usize, &str)> {
    let text = text.trim();
    let (before, after) = text.split_once(" line ")?;
    if !before.starts_with("error ") && !before.ends_with(" on") {
        return None;
    }
    let digits = after.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(after.len());
    let number = after[..digits].parse().ok()?;
    let reason = after[digits..].trim_start().trim_start_matches("(1-based)");
    let reason = reason.strip_prefix(": ").unwrap_or(reason);
    Some((number, if reason.is_empty() { text } else { reason }))
}

/// The places of lines that a text quotes in full. `None` if it quotes what is not in the body.
fn places_of(text: &str, body: &Lines) -> Option<BTreeMap<usize, Reason>> {
    let mut lines: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, line) in body.each().enumerate() {
        lines.entry(line.trim_end_matches('\n')).or_default().push(place);
    }
    let mut places = BTreeMap::new();
    let mut rest = text;
    while let Some((_, quoted)) = rest.split_once(UNPARSABLE) {
        // A line may hold what ends the quotation.
        let mut ends = quoted.match_indices("': ").map(|(end, _)| end);
        let (end, found) = ends.find_map(|end| Some((end, lines.get(&quoted[..end])?)))?;
        let after = &quoted[end + 3..];
        let stop = after.find(&format!("\n{UNPARSABLE}")).unwrap_or(after.len());
        let why = after[..stop].trim_end_matches(" dropped=0");
        places.extend(found.iter().map(|place| (*place, reason(why))));
        rest = &after[stop..];
    }
    Some(places)
}

fn reason(text: &str) -> Reason {
    Reason { text: bounded(text.trim(), MESSAGE_CHARACTERS_MAX), blame: blame(text) }
}

/// What a reason blames, in the words of InfluxDB 3 Core 3.10, of Cloud (`mutable_batch_lp`), and
/// of InfluxDB 1.6.7 and 2.9.1.
fn blame(text: &str) -> Blame {
    let between = |before: &str, after: &str| {
        let (_, rest) = text.split_once(before)?;
        Some(rest.split_once(after)?.0.to_owned())
    };
    if let Some(name) = between("invalid column type for column '", "', expected ") {
        let is_tag = text.ends_with("got iox::column_type::tag");
        return if is_tag { Blame::Tag(name) } else { Blame::Field(name) };
    }
    if let Some(name) = between("input field \"", "\" on measurement \"")
        .or_else(|| between("multiple instances of '", "' field found"))
        .or_else(|| between("the field '", "' is specified more than once"))
    {
        return Blame::Field(name);
    }
    between("input tag \"", "\" on measurement \"")
        .or_else(|| between("the tag '", "' is specified more than once"))
        .map_or(Blame::Unknown, Blame::Tag)
}

#[cfg(test)]
mod tests;
