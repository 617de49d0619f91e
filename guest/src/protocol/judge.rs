//! What an answer that is no success means: try again, send less, or give up, and in what words.
//!
//! Bodies as servers send them are in `tests/recorded/http/`.

use serde_json::Value;

use super::{Call, Kind, Response};
use crate::converter::{bounded, message_of, quoted};
use crate::error::{Endpoint, Error, Fault};

/// What to do about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again; this does not count as an attempt, for the server asks to wait.
    Later { after: Option<RetryAfter>, error: Error },
    /// Try again.
    Again(Error),
    /// Trying again would change nothing.
    Final(Error),
}

/// The header of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    Seconds(u64),
    /// An HTTP date, in seconds since 1970.
    At(i64),
}

/// Judges a response that is no success, by its status and what it says.
pub(crate) fn judge(call: &Call, response: &Response, body: &[u8]) -> Verdict {
    let Call { endpoint, kind, name, .. } = call;
    let (side, status, said) = (endpoint.name(), response.status, explanation(body));
    let name = if name.is_empty() { String::new() } else { format!(" `{name}`") };
    let error = |fault, what: &str| {
        let mut message = format!("the {side}{name} {what}");
        // A file has neither statuses nor words of its own.
        if !call.path.is_empty() {
            message += &format!(" ({status})");
        }
        if !said.is_empty() {
            message += &format!(": {said}");
        }
        Error::new(fault, message).at(*endpoint)
    };
    let right = match (endpoint, kind) {
        (Endpoint::Checkpoint, _) => "read and write",
        (_, Kind::Points | Kind::Record) => "write",
        (_, Kind::Query | Kind::Content { .. } | Kind::Length) => "read",
    };
    match status {
        // A file; the body says why.
        403 | 410 if call.path.is_empty() => {
            Verdict::Final(error(Fault::Settings, "cannot be used"))
        }
        401 | 403 => {
            let hint =
                format!("the token or user of the {side} needs {right} access to this bucket");
            Verdict::Final(
                error(Fault::Unauthorized, "does not accept the credentials").with_hint(hint),
            )
        }
        404 => {
            let error = error(Fault::Missing, "does not exist");
            let hint = format!(
                "look at `{side}.url`, `{side}.api`, `{side}.org` and `{side}.bucket`; a bucket that \
                 the token may not see is not there either"
            );
            Verdict::Final(if call.path.is_empty() { error } else { error.with_hint(hint) })
        }
        409 => Verdict::Final(error(Fault::Settings, "is shorter than what is recorded of it")),
        413 => Verdict::Final(error(Fault::TooLarge, "takes less at once")),
        429 | 503 => {
            let error = error(Fault::Unavailable, "asks to wait");
            Verdict::Later { after: retry_after(response), error }
        }
        // As 1.x answers to a write (observed on 1.6.7).
        500 if said.contains("retention policy not found") => {
            Verdict::Final(error(Fault::Missing, "does not exist"))
        }
        408 | 500 | 502 | 504 => Verdict::Again(error(Fault::Unavailable, "has a fault")),
        507 => Verdict::Final(error(Fault::Exhausted, "has no room left")),
        201 | 400 | 422 => Verdict::Final(match (kind, status) {
            (Kind::Points, 201) => error(Fault::Refused, "took only a part of the points"),
            (Kind::Points, _) => error(Fault::Refused, "refused points"),
            (Kind::Record, _) => error(Fault::Refused, "refused a record"),
            (Kind::Query | Kind::Content { .. } | Kind::Length, _) => {
                error(Fault::Settings, "refused the query")
            }
        }),
        300..=399 => {
            let to = quoted(response.header("location").unwrap_or("nowhere"));
            let error = error(Fault::Settings, "is elsewhere").with_hint(format!(
                "redirects are not followed; if you trust it, set `{side}.url`; it points to {to}"
            ));
            Verdict::Final(error)
        }
        _ => Verdict::Final(error(Fault::Malformed, "answered what its API does not")),
    }
}

/// What a body says, on one line and not too long.
fn explanation(body: &[u8]) -> String {
    // InfluxDB 1.x answers in what was asked for, also where it refuses.
    if let Some(message) = message_of(body) {
        return bounded(&message, MESSAGE_CHARACTERS_MAX);
    }
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let body = &String::from_utf8_lossy(body);
    let Some(json) = json.filter(Value::is_object) else {
        return quoted(body.trim());
    };
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.map(|text| bounded(text, MESSAGE_CHARACTERS_MAX))
    };
    let message = text(&json, "message").or_else(|| text(&json, "error"));
    let message = message.unwrap_or_else(|| quoted(body.trim()));
    // InfluxDB 3 lists the lines it refused, or has the one that stopped it.
    let lines = match json.get("data") {
        Some(Value::Array(lines)) => lines.as_slice(),
        Some(line @ Value::Object(_)) => std::slice::from_ref(line),
        _ => &[],
    };
    let Some(first) = lines.first() else {
        return message;
    };
    let line = first.get("line_number").and_then(Value::as_u64).unwrap_or_default();
    let reason = text(first, "error_message").unwrap_or_default();
    let beginning = text(first, "original_line").unwrap_or_default();
    let count = lines.len();
    format!(
        "{message}; refused: {count}, the first in line {line} of the body, `{beginning}`: {reason}"
    )
}

/// So many characters of a server's message are shown.
const MESSAGE_CHARACTERS_MAX: usize = 500;

fn retry_after(response: &Response) -> Option<RetryAfter> {
    let text = response.header("retry-after")?.trim();
    let date = |_| chrono::DateTime::parse_from_rfc2822(text).map(|date| date.timestamp());
    text.parse()
        .map(RetryAfter::Seconds)
        .or_else(|e: std::num::ParseIntError| date(e).map(RetryAfter::At))
        .ok()
}
