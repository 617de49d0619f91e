//! What travels between a plan and an endpoint, and how each API wants it.
//!
//! Knows paths, statements, headers and statuses; does not know when or how often to ask.

pub(crate) mod file;
pub(crate) mod flux;
pub(crate) mod influxql;
pub(crate) mod iox;
pub(crate) mod judge;
pub(crate) mod limits;
pub(crate) mod mapping;
pub(crate) mod refusal;
pub(crate) mod sql;
pub(crate) mod tasks;
pub(crate) mod write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::error::{Endpoint, Error, Fault};

/// An HTTP request without base URL and credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Names the exchange. Never the same twice in one plan.
    pub id: u64,
    /// Where it goes.
    pub endpoint: Endpoint,
    /// The right that it needs.
    pub access: Access,
    /// `GET`, `HEAD` or `POST`.
    pub method: &'static str,
    /// Path and query, percent-encoded. Empty for a file.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: String,
    /// Seconds without a byte after which the host gives up.
    pub timeout: u32,
}

/// The right that a request needs; a side may have a token for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It changes nothing.
    Read,
    /// It appends.
    Write,
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Whatever it is: success, redirect or error.
    pub status: u16,
    /// All of them, names in any case.
    pub headers: Vec<(String, String)>,
}

/// Why there is no response, or not the rest of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the plan decides by.
    pub cause: Cause,
    /// The host's own words.
    pub message: String,
}

/// What went wrong between the host and an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// No connection. The request had no effect.
    Unreachable,
    /// The time-out of the request has passed. Its effect is unknown.
    TimedOut,
    /// The connection, or a coding of the body, ended before its end. The effect is unknown.
    Broken,
    /// For a batch: its instance trapped, or used up its memory or its time.
    Crashed,
}

impl Access {
    /// The word for it, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Response {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A request that has not been sent, and what is expected of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// Seconds without a byte.
    pub(crate) timeout: u32,
    pub(crate) kind: Kind,
    /// What it is about, for messages: a bucket or a file; empty if that goes without saying.
    pub(crate) name: String,
}

/// What a request is for, which says what a success is and what a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The answer to a query: 200.
    Query,
    /// The content of a file: 200. 404 is an answer too where `may_be_missing`.
    Content { may_be_missing: bool },
    /// The length of a file: 204, or 404.
    Length,
    /// Appends points: 204. Not 200 or 201: older deployments of v3 answer a partial write with
    /// 201 (docs-v2#5273).
    Points,
    /// Appends a record of what is done: 204.
    Record,
}

impl Kind {
    /// Whether a status is a success.
    pub(crate) fn succeeds(self, status: u16) -> bool {
        match self {
            Self::Query => status == 200,
            Self::Content { may_be_missing } => status == 200 || (may_be_missing && status == 404),
            Self::Length => matches!(status, 204 | 404),
            Self::Points | Self::Record => status == 204,
        }
    }

    /// The right that it needs.
    pub(crate) fn access(self) -> Access {
        match self {
            Self::Query | Self::Content { .. } | Self::Length => Access::Read,
            Self::Points | Self::Record => Access::Write,
        }
    }

    /// Whether the body of a success matters.
    pub(crate) fn reads_body(self) -> bool {
        match self {
            Self::Query | Self::Content { .. } => true,
            Self::Length | Self::Points | Self::Record => false,
        }
    }
}

impl Call {
    /// The same to this side.
    pub(crate) fn at(self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self }
    }

    pub(crate) fn to_request(&self, id: u64) -> Request {
        let headers = self.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Request {
            id,
            endpoint: self.endpoint,
            access: self.kind.access(),
            method: self.method,
            path: self.path.clone(),
            headers: headers.collect(),
            body: self.body.clone(),
            timeout: self.timeout,
        }
    }
}

/// What a response holds as JSON. One that ends too early was cut.
fn json<T: for<'de> Deserialize<'de>>(response: &[u8], what: &str) -> Result<T, Error> {
    serde_json::from_slice(response).map_err(|error| unfit_json(what, &error))
}

fn unfit_json(what: &str, error: &serde_json::Error) -> Error {
    let fault = if error.is_eof() { Fault::Truncated } else { Fault::Malformed };
    Error::new(fault, format!("expected {what} as JSON, found something else: {error}"))
}

/// A value for the query of a path.
fn encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}
