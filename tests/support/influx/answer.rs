//! Answers with the heads of the servers they are taken from, line by line.
//!
//! `tests/recorded/http` holds the originals. Knows when which is due as little as a form does.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use serde_json::json;

use super::msgpack::{push_map, push_text};
use super::settings::Release;
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
    /// The same where MessagePack is asked for.
    V1MessagePack,
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
            Self::V1 | Self::V1MessagePack => v1_headers(self.content_type(), None),
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
            Self::V1 | Self::V1MessagePack => self.v1_refused(status, message),
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

    /// 401, in the words of each server to who shows no token that it can read.
    pub(super) fn unauthorized(self) -> Reply {
        match self {
            Self::V1 | Self::V1MessagePack => {
                self.unauthorized_as("unable to parse authentication credentials")
            }
            Self::V2 | Self::V2OnV3 => self.unauthorized_as("unauthorized access"),
            // The source of Core answers nothing here, so that nothing is given away.
            Self::V3 => v3(401, Vec::new()),
        }
    }

    /// 401 with this reason.
    pub(super) fn unauthorized_as(self, message: &str) -> Reply {
        let mut reply = self.refused(401, "unauthorized", message);
        if matches!(self, Self::V1 | Self::V1MessagePack) {
            let realm = ("Www-Authenticate", "Basic realm=\"InfluxDB\"".to_owned());
            reply.headers.retain(|(name, _)| *name != "X-Influxdb-Error");
            reply.headers.insert(2, realm);
        }
        reply
    }

    /// 400 to InfluxQL that cannot be executed.
    pub(super) fn query_refused(self, message: &str) -> Reply {
        match self {
            Self::V2 => query_undecoded(message),
            _ => self.refused(400, "invalid", message),
        }
    }

    /// 404 for a path that the server does not have.
    pub(super) fn no_such_path(self) -> Reply {
        match self {
            Self::V1 | Self::V1MessagePack => v1_plain(404, "404 page not found\n", &[]),
            _ => self.refused(404, "not found", "path not found"),
        }
    }

    /// 405.
    pub(super) fn no_such_method(self) -> Reply {
        match self {
            Self::V1 | Self::V1MessagePack => {
                let allowed = ("Allow", "OPTIONS, GET, POST");
                v1_plain(405, "Method Not Allowed\n", &[allowed])
            }
            _ => self.refused(405, "method not allowed", "method not allowed"),
        }
    }

    /// 413, in the words of each server.
    pub(super) fn too_large(self, bytes_max: usize) -> Reply {
        match self {
            Self::V1 | Self::V1MessagePack => self.refused(413, "", "Request Entity Too Large"),
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

    fn content_type(self) -> &'static str {
        match self {
            Self::V1MessagePack => "application/x-msgpack",
            _ => "application/json",
        }
    }

    fn v1_refused(self, status: u16, message: &str) -> Reply {
        let body = match self {
            Self::V1MessagePack => {
                let mut body = Vec::new();
                push_map(&mut body, 1);
                push_text(&mut body, "error");
                push_text(&mut body, message);
                body
            }
            _ => format!("{}\n", json!({ "error": message })).into_bytes(),
        };
        let mut headers = v1_headers(self.content_type(), Some(message));
        headers.push(("Content-Length", body.len().to_string()));
        Reply { status, headers, body }
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

/// 200 with what version 3 finds. It sends it batch by batch, and its head before the last one.
pub(super) fn v3_answered(content_type: &str, body: Vec<u8>) -> Reply {
    let headers = vec![
        ("content-type", content_type.to_owned()),
        ("access-control-allow-origin", "*".to_owned()),
        cluster(),
        ("transfer-encoding", "chunked".to_owned()),
        date("date"),
    ];
    Reply { status: 200, headers, body }
}

/// 200 with what InfluxQL finds.
pub(super) fn influxql_answered(face: Face, body: Vec<u8>) -> Reply {
    let message_pack = "application/x-msgpack";
    let headers = match face {
        Face::V2 => {
            let framing = if body.len() <= UNCHUNKED_BYTES_MAX {
                ("Content-Length", body.len().to_string())
            } else {
                chunked()
            };
            let mut headers = vec![
                ("Content-Type", message_pack.to_owned()),
                ("Vary", "Accept-Encoding".to_owned()),
            ];
            headers.extend(BUILD.map(owned));
            headers.extend([date("Date"), framing]);
            headers
        }
        // It sends its head before it executes anything.
        _ => [v1_headers(message_pack, None), vec![chunked()]].concat(),
    };
    Reply { status: 200, headers, body }
}

/// 200 with what is known of buckets and mappings: JSON on many lines, as it came.
pub(super) fn listed(body: String) -> Reply {
    v2_listed(200, None, body)
}

/// A refusal in the same form.
pub(super) fn listing_refused(status: u16, code: &'static str, message: &str) -> Reply {
    let (code_text, message) = (json!(code), json!(message));
    let body = format!("{{\n\t\"code\": {code_text},\n\t\"message\": {message}\n}}");
    v2_listed(status, Some(code), body)
}

fn v2_listed(status: u16, code: Option<&str>, body: String) -> Reply {
    let mut headers = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
    headers.extend(BUILD.map(owned));
    headers.extend(code.map(|code| ("X-Platform-Error-Code", code.to_owned())));
    headers.extend([date("Date"), ("Content-Length", body.len().to_string())]);
    Reply { status, headers, body: body.into_bytes() }
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

/// What nginx sends instead of an answer of the server that it stands before.
pub(super) fn html(status: u16) -> Reply {
    let mut reply = Reply { status, headers: Vec::new(), body: Vec::new() };
    let title = format!("{status} {}", reply.phrase());
    reply.body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>\
         </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    .into_bytes();
    reply.headers = vec![
        ("Server", "nginx".to_owned()),
        date("Date"),
        ("Content-Type", "text/html".to_owned()),
        ("Content-Length", reply.body.len().to_string()),
    ];
    reply
}

/// An answer of InfluxDB 3 Core with a body.
pub(super) fn v3(status: u16, body: Vec<u8>) -> Reply {
    let length = ("content-length", body.len().to_string());
    Reply { status, headers: vec![cluster(), length, date("date")], body }
}

/// Go's server sends answers that are no longer than this under their length, if they are whole
/// when their handler ends (`bufferBeforeChunkingSize` of `net/http`).
const UNCHUNKED_BYTES_MAX: usize = 2048;
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

const V1_VERSION: &str = "1.6.7~rc0";

fn v1_headers(content_type: &str, error: Option<&str>) -> Vec<(&'static str, String)> {
    // One number for all requests will do: nobody asks for it.
    let id = "d959fb66-e696-11f1-8002-000000000000".to_owned();
    let mut headers = vec![
        ("Content-Type", content_type.to_owned()),
        ("Request-Id", id.clone()),
        ("X-Influxdb-Build", "OSS".to_owned()),
    ];
    // A header cannot hold a line end.
    headers.extend(error.map(|error| ("X-Influxdb-Error", error.replace('\n', " "))));
    headers.push(("X-Influxdb-Version", V1_VERSION.to_owned()));
    headers.extend([("X-Request-Id", id), date("Date")]);
    headers
}

/// What the parts of 1.6.7 answer that know nothing of InfluxDB.
fn v1_plain(status: u16, text: &str, first: &[(&'static str, &str)]) -> Reply {
    let mut headers = first.iter().copied().map(owned).collect::<Vec<_>>();
    headers.push(("Content-Type", "text/plain; charset=utf-8".to_owned()));
    headers.push(("X-Content-Type-Options", "nosniff".to_owned()));
    headers.extend([("X-Influxdb-Build", "OSS"), ("X-Influxdb-Version", V1_VERSION)].map(owned));
    headers.extend([date("Date"), ("Content-Length", text.len().to_string())]);
    Reply { status, headers, body: text.as_bytes().to_vec() }
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

    /// The same from this release of version 3, of which the older one has no name for itself.
    pub(super) fn of(mut self, release: Release) -> Self {
        if release == Release::V3_6 {
            self.headers.retain(|(name, _)| *name != "cluster-uuid");
        }
        self
    }

    /// The same, which says that it has no body.
    pub(super) fn framed_as_empty(mut self) -> Self {
        self.headers.push(("Content-Length", "0".to_owned()));
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
            201 => "Created",
            204 => "No Content",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            413 if self.headers.iter().any(|(name, _)| *name == "cluster-uuid") => {
                "Payload Too Large"
            }
            413 => "Request Entity Too Large",
            422 => "Unprocessable Entity",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            other => unreachable!("no answer has the status {other}"),
        }
    }
}
