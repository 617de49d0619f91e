//! Points with odd names, for the tests of two packages: all short texts of some characters, and a
//! response in which one of them is the name of something. No part of the crate `support`, which does
//! not know the guest.

use tsm2iox_guest::converter::convert;
use tsm2iox_guest::error::Error;

/// The characters that some parser of line protocol treats in its own way, and two others.
pub(crate) const CHARACTERS: &str = "a\\,= \"#\t\r\n\0ä";
/// Those which must be escaped, and what stands beside them.
pub(crate) const ESCAPED: &str = "a\\,= \"";

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Measurement,
    TagKey,
    TagValue,
    FieldKey,
}

pub(crate) const PARTS: [Part; 4] =
    [Part::Measurement, Part::TagKey, Part::TagValue, Part::FieldKey];

/// A point; the parts of it that are not tried have quotes in their names and a line feed in a
/// string, so that a parser that loses count somewhere ends the line at another place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) measurement: String,
    pub(crate) tag: (String, String),
    pub(crate) field: String,
}

/// A second tag of each point; its value is its key.
pub(crate) const QUOTED_TAG: &str = "\"q";
/// The value of the field.
pub(crate) const STRING: &str = "x\ny";
/// A second field of each point, with the same value.
pub(crate) const QUOTED_FIELD: &str = "\"g";

impl Point {
    pub(crate) fn with(part: Part, name: &str) -> Self {
        let of = |other: Part, default: &str| {
            if part == other { name.to_owned() } else { default.to_owned() }
        };
        Self {
            measurement: of(Part::Measurement, "m"),
            tag: (of(Part::TagKey, "k"), of(Part::TagValue, "v")),
            field: of(Part::FieldKey, "f"),
        }
    }

    /// Its line for a destination, or why there is none. An empty product is none.
    pub(crate) fn line(&self, product: &str, time: &str) -> Result<String, Error> {
        // As Go's `encoding/csv` quotes: what needs no quotes has none.
        let cell = |text: &str| match text.contains([',', '"', '\r', '\n'])
            || text.starts_with(char::is_whitespace)
        {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        let Self { measurement, tag: (key, value), field } = self;
        let mut response =
            "#datatype,string,long,dateTime:RFC3339,string,string,string,string,string\r\n\
                            #default,_result,,,,,,,\r\n"
                .to_owned();
        response += &format!(
            ",result,table,_time,_value,_field,_measurement,{},{}\r\n",
            cell(key),
            cell(QUOTED_TAG)
        );
        for (table, field) in [field, QUOTED_FIELD].into_iter().enumerate() {
            let cells = [STRING, field, measurement, value, QUOTED_TAG].map(cell).join(",");
            response += &format!(",,{table},{time},{cells}\r\n");
        }
        response += "\r\n";
        let product =
            if product.is_empty() { String::new() } else { format!(",\"product\":\"{product}\"") };
        let settings = format!("{{\"line_breaks\":\"accept\"{product}}}");
        convert(&response, &settings).map(|converted| converted.lines)
    }
}

/// All texts of so many of these characters, and of fewer.
pub(crate) fn texts(characters: &str, length_max: usize) -> Vec<String> {
    let (mut texts, mut longest) = (Vec::new(), vec![String::new()]);
    for _ in 0..length_max {
        longest = longest
            .iter()
            .flat_map(|text| characters.chars().map(move |character| format!("{text}{character}")))
            .collect();
        texts.extend(longest.iter().cloned());
    }
    texts
}
