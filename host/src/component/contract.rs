//! The types of the contract to native ones and back.
//!
//! What comes out of a component is checked here, and no length of it is trusted. Each `match` is
//! without a wildcard: a case more in the contract has to be thought about.

use anyhow::{Context, bail, ensure};
use tsm2iox_guest::converter::{Converted, Rejection};
use tsm2iox_guest::error::{Endpoint, Error, Fault};
use tsm2iox_guest::plan::{
    Answer, Batch, Ending, Note, Outcome, Progress, Purpose, Severity, Step, Totals,
};
use tsm2iox_guest::protocol::{Access, Cause, Failure, Request, Response};
use tsm2iox_guest::time::{TimeRange, Timestamp};

use super::bindings::exports::tsm2iox::migration::{converter, planner, protocol, types};

/// Servers take 10 to 50 MB; a plan has no reason to send more.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Servers commonly refuse a longer request line.
const PATH_BYTES_MAX: usize = 64 * 1024;
/// Of one request, names and values together; servers commonly refuse more.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// An order holds settings and what was found out about one batch.
const ORDER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A configuration has some kilobytes, and a task at most a megabyte, which may stand in it twice.
const CONFIGURATION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What people are to read is cut here.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Refuses what is longer than a host has reason to carry.
fn at_most(bytes_max: usize, bytes: usize, what: &str) -> anyhow::Result<()> {
    ensure!(bytes <= bytes_max, "its {what} of {bytes} bytes is longer than {bytes_max}");
    Ok(())
}

/// An error has a cause, which has a cause; more of them nobody reads.
const CAUSES_MAX: usize = 8;

/// The first ones, and the last: that is where it began.
fn cut_causes(mut causes: Vec<String>) -> Vec<String> {
    if causes.len() > CAUSES_MAX {
        causes.drain(CAUSES_MAX - 1..causes.len() - 1);
    }
    causes.into_iter().map(cut).collect()
}

/// Cuts what is for people.
fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

/// The text of a configuration.
pub(super) fn configuration(text: String) -> anyhow::Result<String> {
    at_most(CONFIGURATION_BYTES_MAX, text.len(), "configuration")
        .context("the component does not keep to the contract")?;
    Ok(text)
}

impl TryFrom<planner::Step> for Step {
    type Error = anyhow::Error;

    fn try_from(step: planner::Step) -> anyhow::Result<Self> {
        Ok(match step {
            planner::Step::Send(request) => Self::Send(request.try_into()?),
            planner::Step::Read(id) => Self::Read(id),
            planner::Step::Recall(id) => Self::Recall(id),
            planner::Step::Batch(batch) => Self::Batch(batch.try_into()?),
            planner::Step::Note(note) => Self::Note(note.try_into()?),
            planner::Step::Report(report) => {
                at_most(ORDER_BYTES_MAX, report.len(), "report")?;
                Self::Report(report)
            }
            planner::Step::Wait(until) => Self::Wait(Timestamp(until)),
            planner::Step::Done(outcome) => Self::Done(outcome.try_into()?),
        })
    }
}

impl TryFrom<protocol::Request> for Request {
    type Error = anyhow::Error;

    fn try_from(request: protocol::Request) -> anyhow::Result<Self> {
        let protocol::Request { id, endpoint, access, method, path, headers, body, timeout } =
            request;
        at_most(PATH_BYTES_MAX, path.len(), "path")?;
        at_most(BODY_BYTES_MAX, body.len(), "body")?;
        let header_bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        at_most(HEADER_BYTES_MAX, header_bytes, "headers")?;
        let method = match method.as_str() {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            _ => bail!("its method is none of GET, HEAD and POST"),
        };
        let (endpoint, access) = (endpoint.into(), access.into());
        Ok(Self { id, endpoint, access, method, path, headers, body, timeout })
    }
}

impl From<protocol::Access> for Access {
    fn from(access: protocol::Access) -> Self {
        match access {
            protocol::Access::Read => Self::Read,
            protocol::Access::Write => Self::Write,
        }
    }
}

impl TryFrom<planner::Batch> for Batch {
    type Error = anyhow::Error;

    fn try_from(batch: planner::Batch) -> anyhow::Result<Self> {
        let planner::Batch { id, range: types::TimeRange { start, stop }, selection, order } =
            batch;
        at_most(ORDER_BYTES_MAX, order.len(), "order")?;
        let range = TimeRange::new(Timestamp(start), Timestamp(stop));
        let range = range.context("the range of its batch is empty")?;
        Ok(Self { id, range, selection: cut(selection), order })
    }
}

impl TryFrom<planner::Outcome> for Outcome {
    type Error = anyhow::Error;

    fn try_from(outcome: planner::Outcome) -> anyhow::Result<Self> {
        let planner::Outcome { ending, totals, checkpoint, report } = outcome;
        at_most(ORDER_BYTES_MAX, checkpoint.len(), "checkpoint")?;
        at_most(ORDER_BYTES_MAX, report.len(), "report")?;
        let ending = match ending {
            planner::Ending::Complete => Ending::Complete,
            planner::Ending::Different => Ending::Different,
            planner::Ending::Stopped(error) => Ending::Stopped(error.into()),
            planner::Ending::Failed(error) => Ending::Failed(error.into()),
        };
        Ok(Self { ending, totals: totals.into(), checkpoint, report })
    }
}

impl From<Outcome> for planner::Outcome {
    fn from(Outcome { ending, totals, checkpoint, report }: Outcome) -> Self {
        let ending = match ending {
            Ending::Complete => planner::Ending::Complete,
            Ending::Different => planner::Ending::Different,
            Ending::Stopped(error) => planner::Ending::Stopped(error.into()),
            Ending::Failed(error) => planner::Ending::Failed(error.into()),
        };
        Self { ending, totals: totals.into(), checkpoint, report }
    }
}

impl TryFrom<planner::Note> for Note {
    type Error = anyhow::Error;

    fn try_from(note: planner::Note) -> anyhow::Result<Self> {
        let planner::Note { severity, message, hint, data } = note;
        at_most(ORDER_BYTES_MAX, data.len(), "data")?;
        let severity = match severity {
            planner::Severity::Info => Severity::Info,
            planner::Severity::Warning => Severity::Warning,
            planner::Severity::Error => Severity::Error,
        };
        Ok(Self { severity, message: cut(message), hint: hint.map(cut), data })
    }
}

impl From<Purpose> for planner::Purpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Check => Self::Check,
            Purpose::Split => Self::Split,
            Purpose::Migrate => Self::Migrate,
            Purpose::Batch => Self::Batch,
            Purpose::Verify => Self::Verify,
            Purpose::Status => Self::Status,
        }
    }
}

impl From<Answer> for planner::Answer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Response(Response { status, headers }) => {
                Self::Response(protocol::Response { status, headers })
            }
            Answer::Bytes(bytes) => Self::Bytes(bytes),
            Answer::End => Self::End,
            Answer::Failed(Failure { cause, message }) => {
                let cause = match cause {
                    Cause::Unreachable => protocol::Cause::Unreachable,
                    Cause::TimedOut => protocol::Cause::TimedOut,
                    Cause::Broken => protocol::Cause::Broken,
                    Cause::Crashed => protocol::Cause::Crashed,
                };
                Self::Failed(protocol::Failure { cause, message })
            }
            Answer::Body(body) => Self::Body(body),
            Answer::Report(report) => Self::Report(report),
            Answer::Outcome(outcome) => Self::Outcome(outcome.into()),
        }
    }
}

impl From<converter::Converted> for Converted {
    fn from(converted: converter::Converted) -> Self {
        let converter::Converted { lines, rejected, altered, totals } = converted;
        let rejection =
            |converter::Rejection { line, reason, text }| Rejection { line, reason, text };
        Self {
            lines,
            rejected: rejected.into_iter().map(rejection).collect(),
            altered,
            totals: totals.into(),
        }
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        let types::Error { fault, endpoint, line, message, causes, hint } = error;
        Self {
            fault: fault.into(),
            endpoint: endpoint.map(Endpoint::from),
            line,
            message: cut(message),
            causes: cut_causes(causes),
            hint: hint.map(cut),
        }
    }
}

impl From<Error> for types::Error {
    fn from(Error { fault, endpoint, line, message, causes, hint }: Error) -> Self {
        let endpoint = endpoint.map(types::Endpoint::from);
        Self { fault: fault.into(), endpoint, line, message, causes, hint }
    }
}

impl From<types::Totals> for Totals {
    fn from(totals: types::Totals) -> Self {
        let types::Totals { rows, points, read, written, rejected, saved } = totals;
        Self { rows, points, read, written, rejected, saved }
    }
}

impl From<Totals> for types::Totals {
    fn from(Totals { rows, points, read, written, rejected, saved }: Totals) -> Self {
        Self { rows, points, read, written, rejected, saved }
    }
}

/// An enum that has the same cases on both sides, both ways.
macro_rules! mirror {
    ($name:ident { $($case:ident),* }) => {
        impl From<types::$name> for $name {
            fn from(it: types::$name) -> Self {
                match it { $(types::$name::$case => Self::$case),* }
            }
        }

        impl From<$name> for types::$name {
            fn from(it: $name) -> Self {
                match it { $($name::$case => Self::$case),* }
            }
        }
    };
}

mirror!(Endpoint { Source, Destination, Checkpoint, Rejected });
mirror!(Fault {
    Stopped,
    Settings,
    Unauthorized,
    Missing,
    Unreachable,
    Unavailable,
    TimedOut,
    TooLarge,
    Exhausted,
    Refused,
    Malformed,
    Truncated,
    Unsupported,
    Internal
});

impl From<planner::Progress> for Progress {
    fn from(progress: planner::Progress) -> Self {
        let planner::Progress { percent, totals, rate, left, doing, data } = progress;
        Self { percent, totals: totals.into(), rate, left, doing: cut(doing), data }
    }
}
