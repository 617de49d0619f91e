//! What an answer that is no success means: try again, send less, or give up, and in what words.
//!
//! Bodies as servers send them are in `tests/recorded/http/`.

use super::refusal::{Refusal, explanation};
use super::{Call, Kind, Response};
use crate::converter::{fault_of_query, quoted};
use crate::error::{Error, Fault};

/// What to do about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again; this does not count as an attempt, for the server asks to wait.
    Later { after: Option<RetryAfter>, error: Error },
    /// Try again.
    Again(Error),
    /// The credentials are not accepted; those that the host reads anew may be.
    Unauthorized(Error),
    /// Trying again would change nothing.
    Final(Error),
    /// Points of the body are refused; trying again with the others may do better.
    Refused(Refusal, Error),
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
        let mut message = format!("the {}{name} {what}", endpoint.title());
        // A file has neither statuses nor words of its own.
        if !call.path.is_empty() {
            message += &format!(" ({status})");
        }
        if !said.is_empty() {
            message += &format!(": {said}");
        }
        Error::new(fault, message).at(*endpoint)
    };
    if *kind == Kind::Query
        && let Some(verdict) = of_query(status, &said, error)
    {
        return verdict;
    }
    match status {
        // A file; the body says why.
        403 | 410 if call.path.is_empty() => {
            Verdict::Final(error(Fault::Settings, "cannot be used"))
        }
        401 | 403 => {
            let right = kind.access().name();
            let hint =
                format!("the token or user of the {side} needs {right} access to this bucket");
            let error = error(Fault::Unauthorized, "does not accept the credentials");
            let error = error.with_hint(hint);
            // 403 knows who asks.
            if status == 401 { Verdict::Unauthorized(error) } else { Verdict::Final(error) }
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
        507 => {
            Verdict::Final(error(Fault::Exhausted, "has no room left").with_hint("make room there"))
        }
        201 | 400 | 422 => match kind {
            Kind::Points => refused_points(call, status, body, &said, error),
            Kind::Record => Verdict::Final(error(Fault::Refused, "refused a record")),
            Kind::Query | Kind::Content { .. } | Kind::Length => {
                Verdict::Final(error(Fault::Settings, "refused the query"))
            }
        },
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

/// What a query meets beside what any request does.
fn of_query(status: u16, said: &str, error: impl Fn(Fault, &str) -> Error) -> Option<Verdict> {
    match (status, fault_of_query(said)) {
        // As 2.9.1 answers where `query-queue-size` is reached (observed).
        (400, _) if said.contains("queue length exceeded") => {
            Some(Verdict::Later { after: None, error: error(Fault::Unavailable, "asks to wait") })
        }
        // A smaller query may do: the plan decides.
        (400 | 500, Fault::TooLarge) => {
            Some(Verdict::Final(error(Fault::TooLarge, "takes no such query")))
        }
        (408 | 504, _) | (400 | 500, Fault::TimedOut) => {
            Some(Verdict::Again(error(Fault::TimedOut, "did not answer in time")))
        }
        _ => None,
    }
}

fn refused_points(
    call: &Call,
    status: u16,
    body: &[u8],
    said: &str,
    error: impl Fn(Fault, &str) -> Error,
) -> Verdict {
    // A limit of InfluxDB 3 on columns, tables or databases (422, and 400 on `/api/v2/write`): other
    // points would only take their place.
    if said.contains(" would exceed ") {
        let error = error(Fault::Refused, "is at a limit");
        return Verdict::Final(error.with_hint(
            "raise it there, delete what nobody needs there, or move fewer measurements",
        ));
    }
    let error = error(Fault::Refused, "refused points");
    // A file names none. 201 is a partial write of older deployments.
    match call.path.is_empty() {
        true => Verdict::Final(error),
        false => Verdict::Refused(Refusal::read(status, body), error),
    }
}

fn retry_after(response: &Response) -> Option<RetryAfter> {
    let text = response.header("retry-after")?.trim();
    let date = |_| chrono::DateTime::parse_from_rfc2822(text).map(|date| date.timestamp());
    text.parse()
        .map(RetryAfter::Seconds)
        .or_else(|e: std::num::ParseIntError| date(e).map(RetryAfter::At))
        .ok()
}
