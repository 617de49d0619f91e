//! Answers with the heads of the servers they are taken from, line by line.
//!
//! `tests/recorded/http` holds the originals. Knows when which is due as little as a form does.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use serde_json::json;

use crate::wire::header;

/// What is sent in answer to a request.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// In the order of the original, `content-length` or `transfer-encoding` among them.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// The server whose manner of speaking an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// InfluxDB OSS 1.6.7.
    V1,
    /// InfluxDB OSS 2.9.1.
    V2,
    /// InfluxDB 3 Core 3.10 on its own path, and on `/write`.
    V3,
    /// InfluxDB 3 Core 3.10 on `/api/v2/write`.
    V2OnV3,
}

impl Face {
    /// 204.
    pub(super) fn accepted(self) -> Reply {
        let headers = match self {
            Self::V1 => v1_headers(None),
            Self::V2 => [BUILD.map(owned).to_vec(), vec![date("Date")]].concat(),
            Self::V3 | Self::V2OnV3 => {
                let open = ("access-control-allow-origin", "*".to_owned());
                vec![open, cluster(), date("date")]
            }
        };
        Reply { status: 204, headers, body: Vec::new() }
    }

    /// A refusal; `code` is the word that version 2 has for it.
    pub(super) fn refused(self, status: u16, code: &'static str, message: &str) -> Reply {
        match self {
            Self::V1 => v1_refused(status, message),
            Self::V2 => {
                let body = coded(code, message);
                let length = ("Content-Length", body.len().to_string());
                let headers = v2_headers(code, None, length);
                Reply { status, headers, body }
            }
            Self::V3 => v3(status, message.as_bytes().to_vec()),
            Self::V2OnV3 => v3(status, coded(code, message)),
        }
    }

    /// 401, in the words of each server.
    pub(super) fn unauthorized(self) -> Reply {
        match self {
            Self::V1 => {
                let mut reply = v1_refused(401, "unable to parse authentication credentials");
                let realm = ("Www-Authenticate", "Basic realm=\"InfluxDB\"".to_owned());
                reply.headers.retain(|(name, _)| *name != "X-Influxdb-Error");
                reply.headers.insert(2, realm);
                reply
            }
            Self::V2 | Self::V2OnV3 => self.refused(401, "unauthorized", "unauthorized access"),
            // The source of Core answers nothing here, so that nothing is given away.
            Self::V3 => v3(401, Vec::new()),
        }
    }

    /// 413, in the words of each server.
    pub(super) fn too_large(self, bytes_max: usize) -> Reply {
        match self {
            Self::V1 => self.refused(413, "", "Request Entity Too Large"),
            Self::V2 => {
                let message = "unable to read data: points batch is too large";
                self.refused(413, "request too large", message)
            }
            Self::V3 | Self::V2OnV3 => {
                let message = format!("max request size ({bytes_max} bytes) exceeded");
                self.refused(413, "request too large", &message)
            }
        }
    }
}

/// 200 with the rows of a query, in chunks.
pub(super) fn query_answered(body: Vec<u8>) -> Reply {
    let mut headers = vec![
        ("Content-Type", "text/csv; charset=utf-8".to_owned()),
        ("Vary", "Accept-Encoding".to_owned()),
    ];
    headers.extend(BUILD.map(owned));
    headers.extend([date("Date"), chunked()]);
    Reply { status: 200, headers, body }
}

/// A query that is refused, which is sent in chunks as well.
pub(super) fn query_refused(status: u16, code: &'static str, message: &str) -> Reply {
    let headers = v2_headers(code, Some("Accept-Encoding"), chunked());
    Reply { status, headers, body: coded(code, message) }
}

/// A query that is refused before it is read.
pub(super) fn query_undecoded(message: &str) -> Reply {
    let body = coded("invalid", message);
    let length = ("Content-Length", body.len().to_string());
    let headers = v2_headers("invalid", Some("Accept-Encoding"), length);
    Reply { status: 400, headers, body }
}

/// An answer of InfluxDB 3 Core with a body.
pub(super) fn v3(status: u16, body: Vec<u8>) -> Reply {
    let length = ("content-length", body.len().to_string());
    Reply { status, headers: vec![cluster(), length, date("date")], body }
}

const BUILD: [(&str, &str); 2] = [("X-Influxdb-Build", "OSS"), ("X-Influxdb-Version", "dev")];

fn owned((name, value): (&'static str, &str)) -> (&'static str, String) {
    (name, value.to_owned())
}

fn v2_headers(
    code: &str,
    vary: Option<&str>,
    framing: (&'static str, String),
) -> Vec<(&'static str, String)> {
    let mut headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    headers.extend(vary.map(|vary| ("Vary", vary.to_owned())));
    headers.extend(BUILD.map(owned));
    headers.extend([("X-Platform-Error-Code", code.to_owned()), date("Date"), framing]);
    headers
}

fn v1_headers(error: Option<&str>) -> Vec<(&'static str, String)> {
    // One number for all requests will do: nobody asks for it.
    let id = "d959fb66-e696-11f1-8002-000000000000".to_owned();
    let mut headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Request-Id", id.clone()),
        ("X-Influxdb-Build", "OSS".to_owned()),
    ];
    // A header cannot hold a line end.
    headers.extend(error.map(|error| ("X-Influxdb-Error", error.replace('\n', " "))));
    headers.push(("X-Influxdb-Version", "1.6.7~rc0".to_owned()));
    headers.extend([("X-Request-Id", id), date("Date")]);
    headers
}

fn v1_refused(status: u16, message: &str) -> Reply {
    let body = format!("{}\n", json!({ "error": message })).into_bytes();
    let mut headers = v1_headers(Some(message));
    headers.push(("Content-Length", body.len().to_string()));
    Reply { status, headers, body }
}

fn coded(code: &str, message: &str) -> Vec<u8> {
    let (code, message) = (json!(code), json!(message));
    format!("{{\"code\":{code},\"message\":{message}}}").into_bytes()
}

fn chunked() -> (&'static str, String) {
    ("Transfer-Encoding", "chunked".to_owned())
}

fn cluster() -> (&'static str, String) {
    ("cluster-uuid", "62870a32-d799-4244-a2dd-6ec131b21a0e".to_owned())
}

fn date(name: &'static str) -> (&'static str, String) {
    let now = DateTime::from_timestamp_nanos(now());
    (name, now.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// Nanoseconds since 1970.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("1970 has been");
    i64::try_from(now.as_nanos()).expect("2262 is far")
}

impl Reply {
    /// The same with a header more.
    pub(super) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.insert(0, (name, value));
        self
    }

    /// Whether the body is sent in chunks.
    pub(super) fn is_chunked(&self) -> bool {
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        header(headers, "transfer-encoding").is_some()
    }

    /// The words after the status.
    pub(super) fn phrase(&self) -> &'static str {
        match self.status {
            200 => "OK",
            204 => "No Content",
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            405 => "Method Not Allowed",
            413 if self.headers.iter().any(|(name, _)| *name == "cluster-uuid") => {
                "Payload Too Large"
            }
            413 => "Request Entity Too Large",
            422 => "Unprocessable Entity",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            503 => "Service Unavailable",
            other => unreachable!("no answer has the status {other}"),
        }
    }
}
