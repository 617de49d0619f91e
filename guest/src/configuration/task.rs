//! The task of the guide: what its record `migration`, its filters and its `option task` say.
//!
//! Knows the form of the guide's script, and nothing of a configuration. What has another form is an
//! error: a part that is not understood would be moved in another way, or not at all.

use super::flux::Kind;
use super::pipeline;
use super::predicate::Selection;
use super::script::{Entry, Script, Value};
use crate::error::{Error, Fault};
use crate::time::{Interval, Timestamp};

/// A task of the guide has 4 kB; what has so much more is something else.
const SCRIPT_BYTES_MAX: usize = 1_000_000;

/// The fields of `migration`, in the guide's order.
const FIELDS: [&str; 9] = [
    "start",
    "stop",
    "batchInterval",
    "batchBucket",
    "sourceBucket",
    "destinationHost",
    "destinationOrg",
    "destinationToken",
    "destinationBucket",
];

/// A longer name of a secret may be the secret.
const SECRET_CHARACTERS_MAX: usize = 64;

/// What a task moves.
#[derive(Debug)]
pub(super) struct Task {
    /// With an offset.
    pub(super) start: String,
    pub(super) stop: Stop,
    /// Durations as they are written.
    pub(super) batch_interval: String,
    pub(super) every: Option<String>,
    pub(super) batch_bucket: String,
    pub(super) source_bucket: String,
    pub(super) destination_host: String,
    pub(super) destination_org: String,
    pub(super) destination_bucket: String,
    /// The name of the secret that is the destination's token, if it is one.
    pub(super) secret: Option<String>,
    /// All if it is empty.
    pub(super) measurements: Vec<String>,
    pub(super) filter: Option<String>,
}

/// Where a task ends.
#[derive(Debug)]
pub(super) enum Stop {
    At(String),
    /// At the present of each of its runs.
    Now,
}

impl Task {
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        if text.len() > SCRIPT_BYTES_MAX {
            let message = format!(
                "the script has more than {SCRIPT_BYTES_MAX} bytes: it is no task of the guide"
            );
            return Err(Error::new(Fault::Settings, message));
        }
        let script = Script::read(text)?;
        let migration = Migration::read(&script)?;
        let secret = migration.secret()?;
        let source_bucket = migration.text("sourceBucket")?;
        let Selection { measurements, filter } =
            Selection::of(&script, &pipeline::filters(&script)?)?;
        pipeline::check_destination(&script)?;
        Ok(Self {
            start: migration.time("start")?,
            stop: migration.stop()?,
            batch_interval: migration.duration("batchInterval")?,
            every: every(&script)?,
            batch_bucket: migration.text("batchBucket")?,
            source_bucket,
            destination_host: migration.text("destinationHost")?,
            destination_org: migration.text("destinationOrg")?,
            destination_bucket: migration.text("destinationBucket")?,
            secret,
            measurements,
            filter,
        })
    }
}

/// The record `migration`, whose fields are all there.
struct Migration<'s, 'a> {
    script: &'s Script<'a>,
    entries: Vec<Entry<'a>>,
}

impl<'s, 'a> Migration<'s, 'a> {
    fn read(script: &'s Script<'a>) -> Result<Self, Error> {
        let at = script.definition("migration", "record `migration`")?;
        let (entries, _) = script.entries(at, ["{", "}"])?;
        for entry in &entries {
            let name = entry.name;
            if !FIELDS.contains(&name.text) {
                let likeness = |field: &&&str| strsim::jaro_winkler(field, name.text);
                let nearest = FIELDS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
                let hint = format!("the nearest field is `{}`", nearest.unwrap_or(&""));
                return Err(script.unexpected("a field of `migration`", name).with_hint(hint));
            }
        }
        for field in FIELDS {
            if !entries.iter().any(|entry| entry.name.text == field) {
                let message = format!("`migration` has no `{field}`");
                return Err(script.fault(script.token(at), &message));
            }
        }
        Ok(Self { script, entries })
    }

    fn value(&self, field: &str) -> &Value {
        let entry = self.entries.iter().find(|entry| entry.name.text == field);
        &entry.expect("no field is missing").value
    }

    /// The only token of a value.
    fn single(&self, field: &str, kind: Kind, expected: &str) -> Result<&'a str, Error> {
        single(self.script, self.value(field), kind, &format!("{expected} as `{field}`"))
    }

    fn text(&self, field: &str) -> Result<String, Error> {
        let value = self.value(field);
        let expected = format!("a text in quotes as `{field}`");
        let text = single(self.script, value, Kind::Text, &expected)?;
        unescaped(text).ok_or_else(|| {
            let message = format!("the text of `{field}` has an escape that is none of Flux");
            self.script.fault(self.script.token(value.start), &message)
        })
    }

    fn time(&self, field: &str) -> Result<String, Error> {
        let value = self.value(field);
        let first = self.script.token(value.start);
        if first.is("-") || first.is_name("now") {
            let shown = self.script.on_one_line(value);
            let message = format!(
                "`{field}` is `{shown}`, which is another time in each run of the task; a migration has one"
            );
            let hint =
                format!("write the time into the script, such as `{field}: 2022-01-01T00:00:00Z`");
            return Err(self.script.fault(first, &message).with_hint(hint));
        }
        let text = self.single(field, Kind::Time, "a time such as `2022-01-01T00:00:00Z`")?;
        // Flux takes a date for its midnight in UTC.
        let is_date = !text.contains('T');
        let time = if is_date { format!("{text}T00:00:00Z") } else { text.to_owned() };
        match Timestamp::parse(&time) {
            Ok(_) => Ok(time),
            Err(reason) => {
                let message = format!("`{field}`: `{text}` {reason}");
                Err(self.script.fault(first, &message))
            }
        }
    }

    fn stop(&self) -> Result<Stop, Error> {
        match self.script.on_one_line(self.value("stop")).as_str() {
            "now()" => Ok(Stop::Now),
            _ => self.time("stop").map(Stop::At),
        }
    }

    fn duration(&self, field: &str) -> Result<String, Error> {
        duration(self.script, self.value(field), &format!("a duration such as `1h` as `{field}`"))
    }

    /// What is said of the token but itself. Nothing of this value is ever shown.
    fn secret(&self) -> Result<Option<String>, Error> {
        let value = self.value("destinationToken");
        let tokens = self.script.tokens(value);
        let (first, after) = (self.script.token(value.start), self.script.token(value.end));
        let fault = |expected: &str| {
            let message =
                format!("expected {expected} as `destinationToken`, found something else");
            Err(self.script.fault(first, &message).with_hint(
                "`secrets.get(key: \"NAME\")`, or a text in quotes; a comma ends it if another field follows",
            ))
        };
        match tokens {
            [text] if text.kind == Kind::Text => return Ok(None),
            [secrets, dot, get, open, .., close]
                if secrets.is_name("secrets")
                    && dot.is(".")
                    && get.is_name("get")
                    && open.is("(")
                    && close.is(")") => {}
            _ => return fault("a secret or a text"),
        }
        let (arguments, end) = self.script.entries(value.start + 3, ["(", ")"])?;
        match (arguments.as_slice(), end == value.end && after.kind == Kind::Sign) {
            ([key], true) if key.name.text == "key" => {
                let name = match self.script.tokens(&key.value) {
                    [name] if name.kind == Kind::Text => unescaped(name.text),
                    _ => None,
                };
                Ok(name.filter(|name| is_name_of_secret(name)))
            }
            _ => fault("a secret"),
        }
    }
}

/// `every` of `option task`, if it is there.
fn every(script: &Script<'_>) -> Result<Option<String>, Error> {
    let definitions = script.definitions("task");
    let mut options = definitions.iter().filter(|at| {
        // `option`, `task`, `=`, and the record.
        at.checked_sub(3).is_some_and(|before| script.token(before).is_name("option"))
    });
    let Some(at) = options.next() else { return Ok(None) };
    let (entries, _) = script.entries(*at, ["{", "}"])?;
    let every = entries.iter().find(|entry| entry.name.text == "every");
    let expected = "a duration such as `5m` as `every` of `task`";
    every.map(|entry| duration(script, &entry.value, expected)).transpose()
}

/// The only token of a value.
pub(super) fn single<'a>(
    script: &Script<'a>,
    value: &Value,
    kind: Kind,
    expected: &str,
) -> Result<&'a str, Error> {
    match script.tokens(value) {
        [token] if token.kind == kind => Ok(token.text),
        [token, second, ..] if token.kind == kind => {
            Err(script.unexpected(&format!("nothing but {expected}"), *second))
        }
        _ => Err(script.unexpected(expected, script.token(value.start))),
    }
}

fn duration(script: &Script<'_>, value: &Value, expected: &str) -> Result<String, Error> {
    let text = single(script, value, Kind::Number, expected)?;
    match Interval::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(script.unexpected(expected, script.token(value.start))),
    }
}

/// Whether it is spelt as names of secrets are, and no token is.
fn is_name_of_secret(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.len() <= SECRET_CHARACTERS_MAX && name.chars().all(fits)
}

/// What a text in quotes says; `None` if it has an escape that Flux does not know.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        bytes.extend(rest[..at].bytes());
        let escape = &rest[at + 1..];
        rest = escape.get(1..)?;
        bytes.push(match escape.bytes().next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            // Of `${`, which is none then.
            same @ (b'\\' | b'"' | b'$') => same,
            b'x' => {
                let digits = rest.get(..2)?;
                rest = rest.get(2..)?;
                u8::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        });
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).ok()
}
