//! The configuration: a TOML file, of which the guest gets all and the host reads what is its own.
//!
//! The host's own keys say where an endpoint is and what opens it; what the others mean, and which
//! there are, the guest knows. No credential is ever part of a message.
//!
//! ```toml
//! [source]
//! url = "http://127.0.0.1:8086"
//! token_env = "INFLUX_SOURCE_TOKEN"
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};
use tsm2iox_guest::error::Endpoint as Side;
use tsm2iox_guest::time::Interval;

use crate::endpoint::{AppendFile, Endpoint, Endpoints, folder_of};
use crate::http::Server;
use crate::input::Input;
use crate::report::{Unfit, reason};

mod server;
mod warnings;

/// The path of a source that is standard input.
const STANDARD_INPUT: &str = "-";

/// A configuration that is TOML; whether it is fit the guest says.
#[derive(Clone, Debug)]
pub struct Config {
    path: PathBuf,
    settings: Map<String, Value>,
}

/// Where an endpoint is.
enum Place {
    File(PathBuf),
    StandardInput,
    Server(Box<server::Address>),
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read, or is not TOML.
    pub fn read(path: &Path) -> Result<Self, Unfit> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            Unfit::new(format!("the configuration {shown} cannot be read: {}", reason(&error)))
        })?;
        let table = text.parse::<toml::Table>().map_err(|error| {
            // Only the place and the reason: the line itself may hold what nobody should see.
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
            Unfit::new(format!("{shown}, line {line}: {}", error.message().trim()))
        })?;
        Ok(Self { path: path.to_owned(), settings: json_table(table) })
    }

    /// Sets a key of a table, as if the file said it.
    pub fn set(&mut self, table: &str, key: &str, value: impl Into<Value>) {
        let table = self.settings.entry(table).or_insert_with(|| Map::new().into());
        if let Value::Object(table) = table {
            table.insert(key.to_owned(), value.into());
        }
    }

    /// The file beside it, named after it, with this ending.
    pub fn named_after(&self, ending: &str) -> PathBuf {
        self.path.with_extension(ending)
    }

    /// Whether a key of a table is true; the guest says what is no truth at all.
    pub fn flag(&self, table: &str, key: &str) -> bool {
        let value = self.settings.get(table).and_then(|table| table.get(key));
        value.and_then(Value::as_bool).unwrap_or(false)
    }

    /// How often a run begins anew, if it does; the guest is to be asked first whether that is fit.
    pub fn every(&self) -> Option<Duration> {
        let text = self.settings.get("migration")?.get("every")?.as_str()?;
        let nanoseconds = Interval::parse(text)?.clock_nanoseconds()?;
        Some(Duration::from_nanos(nanoseconds))
    }

    /// All of it as a JSON object, for the guest.
    pub fn settings(&self) -> String {
        Value::Object(self.settings.clone()).to_string()
    }

    /// Opens the endpoints of these sides. One without a table is left out, but a checkpoint and the file
    /// of refused points always have a place.
    ///
    /// # Errors
    /// `Unfit` if a place or a token is not there, or two sides are one file; the guest is to be
    /// asked first, for it explains a misspelt key better.
    pub fn endpoints(&self, sides: &[Side]) -> anyhow::Result<Endpoints> {
        let mut places = Vec::new();
        for &side in sides {
            places.extend(self.place(side)?.map(|place| (side, place)));
        }
        self.check_files(&places)?;
        places.into_iter().map(|(side, place)| Ok((side, place.open(side)?))).collect()
    }

    /// Refuses two sides that are one file: what is written to one would be read as the other.
    fn check_files(&self, places: &[(Side, Place)]) -> Result<(), Unfit> {
        let mut files = vec![
            (resolved(&self.path), "the configuration".to_owned()),
            (resolved(&self.lock_path()?), "the lock file".to_owned()),
        ];
        for side in [Side::Source, Side::Destination, Side::Checkpoint] {
            for key in ["token_file", "read_token_file", "ca_file"] {
                let path = self.text(side, key)?.map(|path| resolved(&self.beside(path)));
                files.extend(path.map(|path| (path, format!("`{}.{key}`", side.name()))));
            }
        }
        for (side, place) in places {
            let Place::File(path) = place else { continue };
            let (file, name) = (resolved(path), self.file_name(*side)?);
            if let Some((_, other)) = files.iter().find(|(other, _)| *other == file) {
                let file = file.display();
                return Err(Unfit::new(format!("{other} and {name} are one file: {file}")));
            }
            files.push((file, name));
        }
        Ok(())
    }

    /// The file that stands for the right to run. Two runs with one checkpoint file have one lock.
    /// A checkpoint in a bucket has its lock beside the configuration: two runs of that are kept
    /// apart, and those of two configurations, or on two machines, are not.
    ///
    /// # Errors
    /// As `endpoints`.
    pub fn lock_path(&self) -> Result<PathBuf, Unfit> {
        Ok(match self.file(Side::Checkpoint)? {
            Some(path) => {
                let mut name = resolved(&path).into_os_string();
                name.push(".lock");
                name.into()
            }
            None => self.path.with_extension("lock"),
        })
    }

    /// The file that a side is, by its path or by default; `None` for a server, and for one without a table.
    fn file(&self, side: Side) -> Result<Option<PathBuf>, Unfit> {
        if let Some(path) = self.text(side, "path")? {
            return Ok(Some(self.beside(path)));
        }
        Ok(match side {
            Side::Checkpoint if self.text(side, "bucket")?.is_none() => {
                Some(self.path.with_extension("checkpoint.lp"))
            }
            Side::Rejected => Some(self.path.with_extension("rejected.lp")),
            Side::Source | Side::Destination | Side::Checkpoint => None,
        })
    }

    /// Whether a side is a server; else it is a file, or not there.
    fn is_server(&self, side: Side) -> Result<bool, Unfit> {
        Ok(self.file(side)?.is_none() && self.settings.contains_key(side.name()))
    }

    /// Where a side is, and what opens it.
    fn place(&self, side: Side) -> Result<Option<Place>, Unfit> {
        if side == Side::Source && self.text(side, "path")? == Some(STANDARD_INPUT) {
            return Ok(Some(Place::StandardInput));
        }
        if let Some(path) = self.file(side)? {
            let folder = folder_of(&path);
            if !folder.is_dir() {
                let message = format!("there is no folder {}", folder.display());
                return Err(Unfit::new(message).with_hint(named(side, "path", "a file in it")));
            }
            return Ok(Some(Place::File(path)));
        }
        match self.is_server(side)? {
            true => Ok(Some(Place::Server(self.address(side)?.into()))),
            false => Ok(None),
        }
    }

    /// Whose key counts for a side: a checkpoint in a bucket is by default where the source is.
    fn owner(&self, side: Side, keys: &[&str]) -> Side {
        let table = self.settings.get(side.name());
        let has = |key: &&str| table.is_some_and(|table| table.get(key).is_some());
        match side {
            Side::Checkpoint if !keys.iter().any(has) => Side::Source,
            Side::Source | Side::Destination | Side::Checkpoint | Side::Rejected => side,
        }
    }

    /// What the file of a side is called in messages.
    fn file_name(&self, side: Side) -> Result<String, Unfit> {
        Ok(match self.text(side, "path")? {
            Some(_) => format!("`{}.path`", side.name()),
            None => format!("the {}", side.name()), // Only a checkpoint has a path by default.
        })
    }

    /// The text under a key of the host's.
    fn text(&self, side: Side, key: &str) -> Result<Option<&str>, Unfit> {
        match self.settings.get(side.name()).and_then(|table| table.get(key)) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(Unfit::new(format!("`{}.{key}` is not a text", side.name()))),
        }
    }

    /// A path of the configuration: relative to the folder that it is in.
    fn beside(&self, path: &str) -> PathBuf {
        self.path.with_file_name(path)
    }
}

impl Place {
    fn open(self, side: Side) -> anyhow::Result<Endpoint> {
        Ok(match self {
            // What people have is often compressed; what is written here is not.
            Self::File(path) if side == Side::Source => Endpoint::Input(Input::File(path)),
            Self::File(path) => Endpoint::File(AppendFile::new(path)),
            Self::StandardInput => Endpoint::Input(Input::standard()),
            Self::Server(address) => {
                let server::Address { url, login, way } = *address;
                Endpoint::Server(Server::new(&url, login, &way)?)
            }
        })
    }
}

/// The file that a path leads to, by whatever way; of one that is not there yet its place.
fn resolved(path: &Path) -> PathBuf {
    let of_folder = |name| folder_of(path).canonicalize().map(|folder| folder.join(name));
    let found = path.canonicalize().ok();
    let found = found.or_else(|| path.file_name().and_then(|name| of_folder(name).ok()));
    found.unwrap_or_else(|| path.to_owned())
}

fn named(side: Side, key: &str, what: &str) -> String {
    format!("`{}.{key}` names {what}", side.name())
}

fn json_table(table: toml::Table) -> Map<String, Value> {
    table.into_iter().map(|(key, value)| (key, json(value))).collect()
}

/// Times become texts as they were written, and so does what JSON has no number for: the guest
/// says what it thinks of them.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) if number.is_finite() => Value::from(number),
        toml::Value::Float(number) => Value::String(number.to_string()),
        toml::Value::Boolean(fact) => Value::Bool(fact),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => Value::Object(json_table(table)),
    }
}
