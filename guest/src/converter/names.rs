//! Names and tag values as the products of InfluxDB read them: escaping, and what cannot be said.
//!
//! Does not know lines. The two engines take the same lines for plain names and read a `\`
//! differently, so what is written depends on what the destination runs on:
//!
//! | name | for TSM | for InfluxDB 3 |
//! | --- | --- | --- |
//! | `air quality` | `air\ quality` | `air\ quality` |
//! | `a\b` | `a\b` | `a\b` |
//! | `a\\b` | `a\\b` | `a\\\b` |
//! | `a\,b`, a tag value | `a\\,b` | `a\\\,b` |
//! | `a\"b`, a field key | `a\\"b` | `a\"b` |
//!
//! The rules were found by writing all names of up to 5 of the characters that matter in all ways:
//! InfluxDB 3 with its own parser, the crate `influxdb-line-protocol` 2.0.0; TSM with the parser of
//! 1.8.10, and up to 3 characters with 1.6.7 and 2.9.1, where the points were read back.

use serde::Deserialize;

use super::error::{ErrorKind, quoted};
use super::text::any;

/// What the destination is, in the words of its maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Product {
    /// InfluxDB 3 Core.
    Core,
    /// InfluxDB 3 Enterprise.
    Enterprise,
    /// InfluxDB Cloud Serverless.
    Serverless,
    /// InfluxDB Cloud Dedicated.
    Dedicated,
    /// InfluxDB Clustered.
    Clustered,
    /// InfluxDB Cloud (TSM).
    Cloud,
    /// InfluxDB OSS 1.x and 2.x, and Enterprise 1.x, which reads as they do.
    Oss,
}

/// What a product is called in settings and options.
pub const PRODUCTS: [&str; 7] =
    ["core", "enterprise", "serverless", "dedicated", "clustered", "cloud", "oss"];

impl Product {
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Core
            | Self::Enterprise
            | Self::Serverless
            | Self::Dedicated
            | Self::Clustered => Dialect::Iox,
            Self::Cloud | Self::Oss => Dialect::Tsm,
        }
    }
}

/// How names are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// As 1.x and 2.x do: `\` escapes some characters, and never itself.
    Tsm,
    /// As InfluxDB 3 does, whose engine is called IOx: `\` escapes itself too.
    Iox,
    /// Nobody has said: only what both read alike is written.
    #[default]
    Common,
}

/// Which part of a line a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Measurement,
    TagKey,
    TagValue,
    FieldKey,
}

impl Part {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Measurement => "measurement",
            Self::TagKey => "tag key",
            Self::TagValue => "tag value",
            Self::FieldKey => "field key",
        }
    }

    /// Whether `\` must stand before this character. A `=` in a measurement separates nothing, and
    /// TSM keeps a `\` before it as a part of the name.
    fn escapes(self, character: char) -> bool {
        matches!(character, ',' | ' ') || (character == '=' && self != Self::Measurement)
    }
}

/// Before these a `\` may be needed, or may mean something.
fn needs_care(byte: u8) -> bool {
    matches!(byte, b'\\' | b',' | b'=' | b' ' | b'\t' | b'\n' | b'\r' | b'\0')
}

/// All of these and a few more, with less to compare: most names have none of them.
fn may_need_care(byte: u8) -> bool {
    (byte < b'-') | (byte == b'=') | (byte == b'\\')
}

/// Appends a name or a tag value, or tells why line protocol cannot say it; nothing is appended
/// then.
pub(crate) fn push_name(
    line: &mut String,
    dialect: Dialect,
    part: Part,
    name: &str,
) -> Result<(), &'static str> {
    if let Some(reason) = fault_of_plain(part, name) {
        return Err(reason);
    }
    let mut found = match any(name.as_bytes(), may_need_care) {
        true => name.bytes().position(needs_care),
        false => None,
    };
    // Without these no product reads a name differently: blanks, commas and `=` are but escaped.
    if any(name.as_bytes(), |byte| (byte == b'\\') | (byte < b' '))
        && let Some(reason) = fault_of_careful(dialect, part, name)
    {
        return Err(reason);
    }
    // Bytes that need care are ASCII, so a name can be cut before and after each.
    let mut rest = name;
    while let Some(at) = found {
        line.push_str(&rest[..at]);
        rest = push_careful(line, dialect, part, &rest[at..]);
        found = rest.bytes().position(needs_care);
    }
    line.push_str(rest);
    Ok(())
}

/// Appends what needs care at the beginning of this, with what stands behind backslashes, and returns
/// the rest of the name.
fn push_careful<'a>(line: &mut String, dialect: Dialect, part: Part, rest: &'a str) -> &'a str {
    let next = rest.trim_start_matches('\\');
    let backslashes = rest.len() - next.len();
    let mut characters = next.chars();
    let character = characters.next();
    let escaped = character.is_some_and(|character| part.escapes(character));
    let doubled = match dialect {
        // `\` before another `\` or an escaped character is one that escapes; before any other it
        // is a part of the name, as it is in TSM (`escape_or_fallback`).
        Dialect::Iox if escaped => backslashes,
        Dialect::Iox => backslashes.saturating_sub(1),
        Dialect::Tsm | Dialect::Common => 0,
    };
    // TSM reads `\"` in a field key as `"` (`escape.Unescape`); with one `\` more both keep one.
    let quote = part == Part::FieldKey && character == Some('"') && dialect != Dialect::Iox;
    let count = backslashes + doubled + usize::from(escaped) + usize::from(quote);
    line.extend(std::iter::repeat_n('\\', count));
    line.extend(character);
    characters.as_str()
}

/// Why a name or a tag value cannot be said in line protocol, if it cannot.
pub(crate) fn unsayable(dialect: Dialect, part: Part, name: &str) -> Option<&'static str> {
    fault_of_plain(part, name).or_else(|| fault_of_careful(dialect, part, name))
}

/// What no product takes, whichever characters a name is made of.
fn fault_of_plain(part: Part, name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.ends_with('\\') {
        // It would escape what follows it; InfluxDB 3 refuses it (`EndsWithBackslash`).
        return Some(r"it ends in `\`");
    }
    if part == Part::Measurement && name.starts_with('#') {
        // Such a line is a comment, and an escaped `#` is another name.
        return Some("it begins with `#`, as a comment does");
    }
    if name == "time" && matches!(part, Part::TagKey | Part::FieldKey) {
        // 1.6.7 takes a point with other fields too, answers 204 and leaves this one out (observed);
        // 2.9.1 does that with 422, and both refuse the tag. InfluxDB 3 keeps its time there.
        return Some("it is reserved for the time");
    }
    None
}

/// What is wrong with the characters of a name that does not end in `\`.
fn fault_of_careful(dialect: Dialect, part: Part, name: &str) -> Option<&'static str> {
    match dialect {
        Dialect::Tsm => fault(part, name, tsm_fault),
        Dialect::Iox => fault(part, name, iox_fault),
        Dialect::Common => {
            let (tsm, iox) = (fault(part, name, tsm_fault), fault(part, name, iox_fault));
            if tsm.is_some() && iox.is_some() {
                return iox;
            }
            if name.contains(['\t', '\0']) && !(tsm.is_none() && iox.is_none()) {
                return Some(BLANK_DIFFERS);
            }
            let differs = tsm.is_some() || iox.is_some() || fault(part, name, difference).is_some();
            differs.then_some(BACKSLASH_DIFFERS)
        }
    }
}

/// Why a field of this key cannot be on a point with these tags, which are sorted.
///
/// InfluxDB 3 refuses such a line (`tests/recorded/http/write_v3_partial.http`), 1.6.7 and 2.9.1
/// take it (observed). Where nobody has said what the destination is, it is the judge.
pub(crate) fn clash(dialect: Dialect, tags: &[(&str, &str)], field: &str) -> Option<ErrorKind> {
    let is_tag = || tags.binary_search_by(|(key, _)| (*key).cmp(field)).is_ok();
    (dialect == Dialect::Iox && is_tag()).then(|| ErrorKind::NotInLineProtocol {
        what: Part::FieldKey.name(),
        found: quoted(field),
        of: String::new(),
        reason: ONE_OF_BOTH,
    })
}

/// Why there is no field of this name.
pub(crate) const ONE_OF_BOTH: &str =
    "a tag of the point has this name too, and InfluxDB 3 takes only one of both";

const BACKSLASH_DIFFERS: &str = r#"servers differ on a `\` before `\`, `,`, `=`, `"` or a blank"#;
const BLANK_DIFFERS: &str = "servers differ on a tab or a NUL";

/// Whether this reason might go once the product of the destination is known.
pub(crate) fn depends_on_product(reason: &str) -> bool {
    [BACKSLASH_DIFFERS, BLANK_DIFFERS].contains(&reason)
}

/// A character of a name that is no `\`, and where it stands.
#[derive(Clone, Copy)]
struct Place {
    part: Part,
    /// Whether nothing stands before it.
    first: bool,
    /// So many `\` stand right before it.
    backslashes: usize,
    character: char,
}

/// The first fault of a name that does not end in `\`.
fn fault(part: Part, name: &str, of: fn(Place) -> Option<&'static str>) -> Option<&'static str> {
    let mut backslashes = 0;
    for (at, character) in name.char_indices() {
        if character == '\\' {
            backslashes += 1;
            continue;
        }
        let found = of(Place { part, first: at == 0, backslashes, character });
        if found.is_some() {
            return found;
        }
        backslashes = 0;
    }
    None
}

/// What the parser of InfluxDB 3 ends a name at, unless a `\` stands before it, which then stays a
/// part of the name (`is_whitespace_boundary_char`, `is_null_char`).
fn iox_fault(place: Place) -> Option<&'static str> {
    match place.character {
        _ if place.backslashes > 0 => None,
        '\t' => Some("it holds a tab"),
        '\n' => Some("it holds a line break"),
        '\0' if place.part == Part::Measurement => Some("it holds a NUL"),
        _ => None,
    }
}

/// TSM has three ways to see whether a character is escaped: by the byte before it (`scanMeasurement`,
/// `scanTagsKey`), by pairs from the left (`scanLine`, `scanFields`), and by what it puts into and
/// takes out of the key of a series (`escape.Unescape`). Here they contradict each other.
fn tsm_fault(place: Place) -> Option<&'static str> {
    let Place { part, first, backslashes, character } = place;
    let odd = backslashes % 2 == 1;
    let contradicts = match (character, part) {
        // Stored under another name, without the `\`, and often where no query finds the points
        // (observed on 1.6.7).
        (',' | ' ' | '=' | '"', Part::Measurement) => backslashes > 0,
        (',' | '=', Part::FieldKey) => odd,
        // After it, quotes and commas are counted as if fields had begun: the line may not end
        // where it ends.
        (' ', _) => odd,
        _ => false,
    };
    match character {
        _ if contradicts => Some(r"InfluxDB 1.x and 2.x take this `\` for one that escapes"),
        '\n' if !odd => Some("it holds a line break"),
        // Before these two, all that is blank is skipped.
        '\t' | '\0' if first && matches!(part, Part::Measurement | Part::FieldKey) => {
            Some("it begins with a tab or a NUL")
        }
        _ => None,
    }
}

/// Where both can say a name, but not with the same bytes.
fn difference(place: Place) -> Option<&'static str> {
    let Place { part, backslashes, character, .. } = place;
    let differs = backslashes > 1 || (backslashes == 1 && part.escapes(character));
    differs.then_some(BACKSLASH_DIFFERS)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::{PRODUCTS, Product, may_need_care, needs_care};

    #[test]
    fn each_product_is_called_as_it_is_read() {
        for name in PRODUCTS {
            Product::deserialize(Value::from(name)).expect("it is the name of one");
        }
        let error = Product::deserialize(Value::from("v3")).expect_err("no product is called so");
        let names = PRODUCTS.map(|name| format!("`{name}`")).join(", ");
        assert_eq!(error.to_string(), format!("unknown variant `v3`, expected one of {names}"));
    }

    #[test]
    fn no_byte_that_needs_care_is_passed_over() {
        for byte in 0..=255 {
            assert!(may_need_care(byte) || !needs_care(byte), "byte {byte}");
        }
    }
}
