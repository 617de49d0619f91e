//! The tables and keys of the configuration, and reading a value of each type.
//!
//! Does not know what a value means.

use serde_json::{Map, Value};

use super::Place;
use crate::converter::{Dialect, Part, unsayable};
use crate::error::{Error, Fault};
use crate::time::{Interval, Timestamp};

/// The keys of each table: what is not here is an error.
pub(super) const TABLES: [(&str, &[&[&str]]); 8] = [
    (
        "migration",
        &[&["start", "stop", "lag", "every", "batch_interval", "measurements", "filter", "where"]],
    ),
    ("source", &[PLACE_KEYS, LOGIN_KEYS, USER_KEYS, WAY_KEYS, &["language"]]),
    ("destination", &[PLACE_KEYS, LOGIN_KEYS, USER_KEYS, WAY_KEYS, &["product", "holds_data"]]),
    ("checkpoint", &[&["path", "bucket", "url", "org", "trust_task"], LOGIN_KEYS, WAY_KEYS]),
    (
        "limits",
        &[
            &["concurrency", "attempts", "window", "read_mb", "write_mb", "share"],
            &["rate_mb_per_s", "read_price_per_gb", "write_price_per_gb"],
        ],
    ),
    ("rejected", &[&["path", "max"]]),
    ("schema", &[&["line_breaks", "unfit", "rename", "types"]]),
    ("verify", &[&["deep", "repair"]]),
];
const PLACE_KEYS: &[&str] = &["api", "url", "org", "bucket", "path"];
/// The host's own, of a server: where its tokens are.
pub(super) const LOGIN_KEYS: &[&str] =
    &["token_env", "token_file", "read_token_env", "read_token_file"];
/// The host's own, of a server: how it is reached.
pub(super) const WAY_KEYS: &[&str] = &["ca_file", "proxy"];
const USER_KEYS: &[&str] = &["user", "password_env"];

/// In nanoseconds: what is shorter is a mistake.
const CLOCK_MIN: u64 = 1_000_000_000;

/// A table of the configuration.
pub(super) struct Table<'a> {
    name: &'static str,
    entries: Option<&'a Map<String, Value>>,
}

impl<'a> Table<'a> {
    pub(super) fn open(root: &'a Map<String, Value>, name: &'static str) -> Result<Self, Error> {
        let known = TABLES.iter().find(|(other, _)| *other == name);
        let known = known.map(|(_, keys)| keys.concat()).unwrap_or_default();
        let entries = match root.get(name) {
            None => None,
            Some(Value::Object(entries)) => Some(entries),
            Some(_) => return Err(fault(format!("`{name}` must be a table: `[{name}]`"))),
        };
        if let Some(entries) = entries {
            check_keys(entries, &format!("{name}."), &known)?;
        }
        Ok(Self { name, entries })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.entries.and_then(|entries| entries.get(key))
    }

    pub(super) fn missing(&self, key: &str) -> Error {
        fault(format!("`{}.{key}` is missing", self.name))
    }

    pub(super) fn unfit(&self, key: &str, expected: &str) -> Error {
        fault(format!("`{}.{key}` must be {expected}", self.name))
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(self.unfit(key, "a text in quotes that is not empty")),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a str, Error> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// The name of something, which is to be a tag of the record.
    pub(super) fn name(&self, key: &str) -> Result<&'a str, Error> {
        let name = self.required(key)?;
        match unrecordable(name) {
            Some(reason) => {
                Err(fault(format!("`{}.{key}` cannot be recorded: {reason}", self.name)))
            }
            None => Ok(name),
        }
    }

    /// A base URL. It becomes a part of the record, so it must not hold credentials; a message
    /// about one that does must not show it.
    pub(super) fn url(&self, key: &str) -> Result<String, Error> {
        // Checked after it is trimmed: this is what will be recorded.
        let url = self.required(key)?.trim_end_matches('/');
        let scheme = ["http://", "https://"].into_iter().find(|scheme| url.starts_with(scheme));
        if scheme.is_none_or(|scheme| url == scheme.trim_end_matches('/')) {
            return Err(self.unfit(key, "a URL that begins with `http://` or `https://`"));
        }
        if url.contains(['@', '?', '#', '\\', ' ']) || unrecordable(url).is_some() {
            let expected = "a base URL alone, without user, password, `?`, `#`, `\\` and blanks";
            return Err(self.unfit(key, expected));
        }
        Ok(url.to_owned())
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        let unfit = || self.unfit(key, "a list of texts, such as `[\"cpu\"]`");
        let Some(list) = self.get(key) else {
            return Ok(Vec::new());
        };
        let list = list.as_array().filter(|list| !list.is_empty()).ok_or_else(unfit)?;
        list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(unfit)).collect()
    }

    /// A number from 1 to `max`.
    pub(super) fn count(&self, key: &str, default: u32, max: u32) -> Result<u32, Error> {
        self.count_from(1, key, default, max)
    }

    /// The same, from another number on.
    pub(super) fn count_from(
        &self,
        min: u32,
        key: &str,
        default: u32,
        max: u32,
    ) -> Result<u32, Error> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        let count = count.filter(|count| (min..=max).contains(count));
        count.ok_or_else(|| self.unfit(key, &format!("a whole number from {min} to {max}")))
    }

    /// A number above 0.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.as_f64().filter(|number| *number > 0.0 && number.is_finite());
        number.map(Some).ok_or_else(|| self.unfit(key, "a number above 0"))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, Error> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.unfit(key, "`true` or `false`")),
        }
    }

    /// A duration of Flux.
    pub(super) fn duration(&self, key: &str) -> Result<Option<Interval>, Error> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        Interval::parse(text).map(Some).ok_or_else(|| {
            let name = self.name;
            fault(format!("`{name}.{key}`: `{text}` is not a duration such as `1h`, `1d` or `1mo`"))
        })
    }

    /// The same in nanoseconds, without months, which have no length.
    pub(super) fn clock_duration(&self, key: &str, such_as: &str) -> Result<Option<u64>, Error> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let nanoseconds = Interval::parse(text).and_then(Interval::clock_nanoseconds);
        nanoseconds.filter(|length| *length >= CLOCK_MIN).map(Some).ok_or_else(|| {
            let expected =
                format!("a duration of a second or more, without months, such as `{such_as}`");
            self.unfit(key, &expected)
        })
    }

    pub(super) fn time(&self, key: &str, text: &str) -> Result<Timestamp, Error> {
        Timestamp::parse(text)
            .map_err(|reason| fault(format!("`{}.{key}`: `{text}` {reason}", self.name)))
    }

    /// The word of `api`, which must be one of these.
    pub(super) fn api(&self, known: &[&'static str]) -> Result<&'static str, Error> {
        let text = self.required("api")?;
        known.iter().find(|api| **api == text).copied().ok_or_else(|| {
            let known: Vec<_> = known.iter().map(|api| format!("\"{api}\"")).collect();
            fault(format!(
                "`{}.api` must be one of {}; found \"{text}\"",
                self.name,
                known.join(", ")
            ))
        })
    }

    pub(super) fn server(&self, org: bool) -> Result<Place, Error> {
        if self.text("path")?.is_some() {
            return Err(fault(format!(
                "`{0}.path` is for a file; this `{0}.api` has a `url`",
                self.name
            )));
        }
        let place = Place {
            url: self.url("url")?,
            org: match self.get("org") {
                None if !org => String::new(),
                _ => self.name("org")?.to_owned(),
            },
            bucket: self.name("bucket")?.to_owned(),
        };
        Ok(place)
    }

    pub(super) fn file(&self) -> Result<Place, Error> {
        for key in [&["url", "org", "bucket"], LOGIN_KEYS, USER_KEYS, WAY_KEYS].concat() {
            if self.get(key).is_some() {
                return Err(fault(format!(
                    "`{0}.{key}` is for a server; this `{0}.api` has a `path`",
                    self.name
                )));
            }
        }
        Ok(Place { bucket: self.name("path")?.to_owned(), ..Place::default() })
    }
}

/// Why a name cannot be a tag of the record, if it cannot. Records are kept in files, in buckets of
/// any product, and read again by Flux, which loses carriage returns.
fn unrecordable(name: &str) -> Option<&'static str> {
    if name.contains(['\n', '\r']) {
        return Some("it holds a line break");
    }
    unsayable(Dialect::Common, Part::TagValue, name)
}

/// A key that is not known is an error that names the nearest one that is.
pub(super) fn check_keys(
    entries: &Map<String, Value>,
    table: &str,
    known: &[&str],
) -> Result<(), Error> {
    let Some(unknown) = entries.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let likeness = |key: &&&str| strsim::jaro_winkler(key, unknown);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    if ["token", "password", "secret"].contains(&unknown.to_lowercase().as_str()) {
        let hint = "a token never stands here: `token_env` names the variable that holds it, or \
                    `token_file` the file";
        return Err(fault(format!("unknown key `{table}{unknown}`")).with_hint(hint));
    }
    let hint = match nearest.filter(|key| likeness(key) > LIKENESS_MIN) {
        Some(nearest) => format!("the nearest key is `{table}{nearest}`"),
        None => format!("the keys that there are: {}", known.join(", ")),
    };
    Err(fault(format!("unknown key `{table}{unknown}`")).with_hint(hint))
}

/// A key that is less like an unknown one is not what was meant.
const LIKENESS_MIN: f64 = 0.75;

pub(super) fn fault(message: String) -> Error {
    Error::new(Fault::Settings, message)
}
