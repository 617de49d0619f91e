//! Answers that a fault makes: instead of an effect, after a part of it, or of a whole answer.
//!
//! Knows neither sockets nor when which fault strikes.

use influxdb_line_protocol::split_lines;

use super::answer::{Face, Reply, html};
use super::exchange::Exchange;
use super::fault::{Fault, Piece, Share};
use super::iox::{self, LineError};
use super::settings::Settings;
use super::{influxql, query, write};

/// What each map of an answer in MessagePack begins with.
const MAP: &[u8] = b"\x81\xa7results";
/// Why lines are refused that nothing is wrong with.
const REASON: &str = "no reason at all";
/// So much more is promised than comes.
const INCOMPLETE_BYTES: usize = 100;
/// What follows an answer without a body that is to be longer than it says.
const SURPLUS: &[u8] = b"surplus";

/// The answer of a fault that lets nothing happen. `None` if the request takes effect, all or in part.
pub(super) fn refused(
    fault: &Fault,
    exchange: &Exchange,
    face: Face,
    settings: &Settings,
) -> Option<Reply> {
    let internal = || face.refused(500, "internal error", "an internal error");
    let retry_after = |reply: Reply, seconds: &Option<u64>| match seconds {
        Some(seconds) => reply.with_header("Retry-After", seconds.to_string()),
        None => reply,
    };
    match fault {
        Fault::Unavailable(seconds) => {
            Some(retry_after(face.refused(503, "unavailable", "service unavailable"), seconds))
        }
        Fault::TooManyRequests(seconds) => {
            let message = "org 1 has exceeded limited_write plan limit";
            Some(retry_after(face.refused(429, "too many requests", message), seconds))
        }
        Fault::Internal => Some(internal()),
        Fault::Unauthorized => Some(face.unauthorized()),
        Fault::TooLarge => Some(face.too_large(settings.request_bytes_max)),
        Fault::Html(status) => Some(html(*status)),
        _ if !is_meant_for(fault, exchange.path()) => Some(internal()),
        _ => None,
    }
}

/// Whether a fault that only some requests know strikes one of them.
fn is_meant_for(fault: &Fault, path: &str) -> bool {
    match fault {
        Fault::ErrorTable => path == query::PATH,
        Fault::RowLost => [query::PATH, influxql::PATH].contains(&path),
        Fault::StatementError(_) | Fault::RowLimit(_) | Fault::TruncatedBetweenMaps => {
            path == influxql::PATH
        }
        Fault::PartialWrite | Fault::Created(_) => {
            [write::V1, write::V2, write::V3].contains(&path)
        }
        _ => true,
    }
}

/// What takes effect of a write, whatever is answered. `None` if nothing does.
pub(super) fn part(fault: &Fault, exchange: &Exchange) -> Option<Exchange> {
    let every = match fault {
        Fault::PartialWrite | Fault::Created(Share::Half) => 2,
        Fault::Created(Share::All) => 1,
        _ => return None,
    };
    let lines = lines(exchange).step_by(every).map(|line| format!("{line}\n"));
    let body = lines.collect::<String>().into_bytes();
    Some(Exchange { body, ..exchange.clone() })
}

fn lines(exchange: &Exchange) -> impl Iterator<Item = &str> {
    let text = str::from_utf8(&exchange.body).unwrap_or_default();
    split_lines(text).filter(|line| !line.is_empty())
}

/// What is said of a write of which only a part takes effect, or perhaps not even that.
pub(super) fn taken_in_part(fault: &Fault, exchange: &Exchange, face: Face) -> Option<Reply> {
    match fault {
        Fault::Created(_) => Some(Reply { status: 201, ..face.accepted().framed_as_empty() }),
        Fault::PartialWrite => Some(partial_write(exchange, face)),
        _ => None,
    }
}

/// A refusal of every other line, from the second; of the only one, of none.
fn partial_write(exchange: &Exchange, face: Face) -> Reply {
    let refused = || lines(exchange).enumerate().skip(1).step_by(2);
    let dropped = refused().count();
    match face {
        Face::V3 => {
            let errors = refused().map(|(index, line)| LineError {
                message: REASON.to_owned(),
                number: index + 1,
                original: line.to_owned(),
            });
            iox::taken_but_for(&errors.collect::<Vec<_>>())
        }
        Face::V1 | Face::V1MessagePack => {
            face.refused(400, "", &format!("partial write: {REASON} dropped={dropped}"))
        }
        Face::V2 | Face::V2OnV3 => {
            let message = "failure writing points to database: partial write:";
            let message = format!("{message} {REASON} dropped={dropped}");
            face.refused(422, "unprocessable entity", &message)
        }
    }
}

/// An answer as far as a fault lets its text come.
pub(super) fn shortened(mut reply: Reply, fault: Option<&Fault>) -> Reply {
    let length = match fault {
        Some(Fault::Truncated) => reply.body.len() / 2,
        Some(Fault::TruncatedAfterRow) => end(&reply.body, Piece::Row),
        Some(Fault::CutAfter(piece)) => end(&reply.body, *piece),
        _ => return reply,
    };
    reply.body.truncate(length);
    if reply.is_chunked() { reply } else { reply.framed_by_length() }
}

/// An answer that says of its length what a fault wants.
pub(super) fn reframed(mut reply: Reply, fault: Option<&Fault>) -> Reply {
    match fault {
        Some(Fault::CutLength) => reply.framed_by_length(),
        Some(Fault::CutChunks | Fault::CutAfter(_)) => reply.framed_by_chunks(),
        Some(Fault::Overlong) if reply.body.is_empty() => {
            reply.body = SURPLUS.to_vec();
            reply.misframed(0)
        }
        Some(Fault::Overlong) => {
            let length = end(&reply.body, Piece::Row);
            reply.misframed(length)
        }
        Some(Fault::Incomplete) => {
            let length = reply.body.len() + INCOMPLETE_BYTES;
            reply.misframed(length)
        }
        _ => reply,
    }
}

/// Where a piece ends, past the middle if one ends there and is not the last. The middle if none ends
/// anywhere.
fn end(body: &[u8], piece: Piece) -> usize {
    let (mark, length) = match piece {
        _ if body.starts_with(MAP) => (MAP, 0),
        Piece::Row => (&b"\r\n"[..], 2),
        Piece::Block => (&b"\r\n\r\n"[..], 4),
    };
    let marks = body.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark);
    let ends = marks.map(|(at, _)| at + length).filter(|end| 0 < *end && *end < body.len());
    let (before, after): (Vec<_>, Vec<_>) = ends.partition(|end| *end < body.len() / 2);
    after.first().or(before.last()).copied().unwrap_or(body.len() / 2)
}
