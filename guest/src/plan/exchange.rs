//! One request until it is answered or has failed for good: when to send, to read, to try again.
//!
//! Does not know what the request is for.

use super::{Answer, Note, Step};
use crate::error::{Error, Fault};
use crate::protocol::judge::{RetryAfter, Verdict, judge};
use crate::protocol::refusal::Refusal;
use crate::protocol::{Call, Cause, Failure, Response};
use crate::time::Timestamp;

/// Hands out the ids of a plan, each once.
#[derive(Debug, Default)]
pub(crate) struct Ids(u64);

impl Ids {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// A request, all its attempts, and the reading of its response.
#[derive(Debug)]
pub(crate) struct Exchange {
    call: Call,
    attempts_max: u32,
    /// Whether it begins again when a body breaks off.
    restarts: bool,
    /// Whether it ends where it takes too long: a smaller one is asked instead.
    ends_late: bool,
    /// Attempts that failed, and answers that asked to wait.
    failed: u32,
    delayed: u32,
    /// Answers that did not accept the credentials; they are among the attempts that failed.
    unauthorized: u32,
    state: State,
    /// What a person should know of the last fault.
    note: Option<Note>,
    /// Once it has failed: which points of its body were refused, if that is why.
    pub(crate) refusal: Option<Refusal>,
}

#[derive(Debug)]
enum State {
    /// To be sent as soon as somebody asks.
    Ready,
    /// To be sent after a pause, which begins when somebody asks.
    Pause(Pause),
    /// To be sent at this time.
    Until(Timestamp),
    Sent {
        id: u64,
    },
    /// A success, whose body is read piece by piece.
    Body {
        id: u64,
        asked: bool,
    },
    /// No success: the body says why.
    Refusal {
        id: u64,
        asked: bool,
        response: Response,
        body: Vec<u8>,
    },
    Over,
}

#[derive(Clone, Copy, Debug)]
enum Pause {
    /// At most so many seconds, by the number of failures.
    Backoff(u32),
    Seconds(u64),
    At(Timestamp),
}

/// What an exchange wants.
#[derive(Debug)]
pub(crate) enum Want {
    Step(Step),
    /// Nothing before this time.
    Wait(Timestamp),
    /// Nothing until an answer comes.
    Nothing,
}

/// What an answer meant.
#[derive(Debug)]
pub(crate) enum Event {
    Nothing,
    /// A success has begun, perhaps not for the first time; its body follows if it matters, else
    /// it is over.
    Begun(Response),
    Piece(Vec<u8>),
    /// The body of a success is whole.
    Ended,
    Failed(Error),
}

/// A server that says nothing but "later" so many times is not there: with the pauses below that
/// is most of an hour, or as long as the server wants.
const DELAYS_MAX: u32 = 100;
/// An answer that is cut so often before it begins is perhaps too large.
const CUTS_MAX: u32 = 2;
/// A token may have been rotated while the run goes on: so often the one that the host reads anew is tried.
const UNAUTHORIZED_MAX: u32 = 1;
/// The longest pause after a fault.
const BACKOFF_SECONDS_MAX: u64 = 60;
/// No server is believed that wants a longer pause: windows of quotas are 5 minutes long.
const RETRY_AFTER_SECONDS_MAX: u64 = 3600;
/// So much of a body that says why is read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
const SECOND: u64 = 1_000_000_000;

impl Exchange {
    pub(crate) fn new(call: Call, attempts_max: u32) -> Self {
        Self {
            call,
            attempts_max,
            restarts: false,
            ends_late: false,
            failed: 0,
            delayed: 0,
            unauthorized: 0,
            state: State::Ready,
            note: None,
            refusal: None,
        }
    }

    /// One that begins again when a body breaks off: what came of it must then be forgotten.
    pub(crate) fn restarting(call: Call, attempts_max: u32) -> Self {
        Self { restarts: true, ..Self::new(call, attempts_max) }
    }

    /// It is not sent again as it is where it takes too long.
    pub(crate) fn ending_late(self) -> Self {
        Self { ends_late: true, ..self }
    }

    /// Attempts that failed, each perhaps not without effect.
    pub(crate) fn failed(&self) -> u32 {
        self.failed
    }

    /// How often it was asked to wait.
    pub(crate) fn delayed(&self) -> u32 {
        self.delayed
    }

    /// What to do now. A body is only read on if `may_read`.
    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, may_read: bool) -> Want {
        if let Some(note) = self.note.take() {
            return Want::Step(Step::Note(note));
        }
        if let State::Pause(pause) = self.state {
            self.state = State::Until(self.end_of(pause, now));
        }
        match &mut self.state {
            State::Until(until) if *until > now => return Want::Wait(*until),
            State::Ready | State::Until(_) => {
                let id = ids.next();
                self.state = State::Sent { id };
                return Want::Step(Step::Send(self.call.to_request(id)));
            }
            State::Body { id, asked: asked @ false } if may_read => {
                *asked = true;
                return Want::Step(Step::Read(*id));
            }
            State::Refusal { id, asked: asked @ false, .. } => {
                *asked = true;
                return Want::Step(Step::Read(*id));
            }
            State::Pause(_)
            | State::Sent { .. }
            | State::Body { .. }
            | State::Refusal { .. }
            | State::Over => {}
        }
        Want::Nothing
    }

    /// Whether an answer to this id is for it.
    pub(crate) fn owns(&self, answered: u64) -> bool {
        match &self.state {
            State::Sent { id } | State::Body { id, .. } | State::Refusal { id, .. } => {
                *id == answered
            }
            State::Ready | State::Pause(_) | State::Until(_) | State::Over => false,
        }
    }

    /// Whether a request of it may be in effect that is not answered yet.
    pub(crate) fn is_in_flight(&self) -> bool {
        matches!(self.state, State::Sent { .. })
    }

    /// Takes an answer.
    pub(crate) fn answer(&mut self, answer: Answer) -> Event {
        match (std::mem::replace(&mut self.state, State::Over), answer) {
            (State::Sent { id }, Answer::Response(response)) => self.begin(id, response),
            (State::Body { id, .. }, Answer::Bytes(piece)) => {
                self.state = State::Body { id, asked: false };
                Event::Piece(piece)
            }
            (State::Body { .. }, Answer::End) => Event::Ended,
            (State::Body { .. }, Answer::Failed(failure)) => {
                let lost = self.lost(&failure);
                let error = match self.ends_late && lost.fault == Fault::TimedOut {
                    true => return Event::Failed(lost),
                    false => Error { fault: Fault::Truncated, ..lost },
                };
                // What came of the body may be used already: only the plan knows.
                if self.restarts { self.again(error) } else { Event::Failed(error) }
            }
            (State::Refusal { id, response, mut body, .. }, Answer::Bytes(piece)) => {
                body.extend(piece);
                if body.len() >= REFUSAL_BYTES_MAX {
                    return self.refused(&response, &body);
                }
                self.state = State::Refusal { id, asked: false, response, body };
                Event::Nothing
            }
            // The status alone says enough.
            (State::Refusal { response, body, .. }, Answer::End | Answer::Failed(_)) => {
                self.refused(&response, &body)
            }
            (State::Sent { .. }, Answer::Failed(failure)) => {
                let error = self.lost(&failure);
                // It has waited for as long as anybody would.
                if self.ends_late && error.fault == Fault::TimedOut {
                    return Event::Failed(error);
                }
                self.again(error)
            }
            (_, answer) => {
                let what = match answer {
                    Answer::Response(_) => "a response",
                    Answer::Bytes(_) => "bytes",
                    Answer::End => "an end",
                    Answer::Failed(_) => "a failure",
                    Answer::Body(_) => "a body",
                    Answer::Report(_) => "a report",
                    Answer::Outcome(_) => "an outcome",
                };
                let message = format!("the host answered {what} where none was due");
                Event::Failed(Error::new(Fault::Internal, message))
            }
        }
    }

    fn begin(&mut self, id: u64, response: Response) -> Event {
        if !self.call.kind.succeeds(response.status) {
            self.state = State::Refusal { id, asked: false, response, body: Vec::new() };
            return Event::Nothing;
        }
        if self.call.kind.reads_body() {
            self.state = State::Body { id, asked: false };
        }
        Event::Begun(response)
    }

    fn refused(&mut self, response: &Response, body: &[u8]) -> Event {
        match judge(&self.call, response, body) {
            Verdict::Final(error) => Event::Failed(error),
            Verdict::Refused(refusal, error) => {
                self.refusal = Some(refusal);
                Event::Failed(error)
            }
            Verdict::Again(error) => self.again(error),
            Verdict::Unauthorized(error) => self.once_more(error),
            Verdict::Later { after, error } => self.later(after.as_ref(), error),
        }
    }

    fn again(&mut self, error: Error) -> Event {
        self.failed += 1;
        // 2.9.1 ends what takes longer than its `http-write-timeout` without a word (observed).
        let may_be_large = matches!(error.fault, Fault::Truncated | Fault::TimedOut);
        if self.ends_late && may_be_large && self.failed >= CUTS_MAX {
            return Event::Failed(error);
        }
        if self.failed >= self.attempts_max {
            let fault = match error.fault {
                Fault::TimedOut | Fault::Unreachable => error.fault,
                _ => Fault::Unavailable,
            };
            return Event::Failed(Error { fault, ..error });
        }
        let attempt = format!("attempt {} of {}", self.failed + 1, self.attempts_max);
        self.note = Some(Note::warning(format!("{error}; {attempt} follows")));
        self.state = State::Pause(Pause::Backoff(self.failed));
        Event::Nothing
    }

    fn once_more(&mut self, error: Error) -> Event {
        self.failed += 1;
        if self.unauthorized >= UNAUTHORIZED_MAX || self.failed >= self.attempts_max {
            return Event::Failed(error);
        }
        self.unauthorized += 1;
        let then = "it is tried once more, for a token file may hold another one now";
        self.note = Some(Note::warning(format!("{error}; {then}")));
        self.state = State::Pause(Pause::Backoff(self.failed));
        Event::Nothing
    }

    fn later(&mut self, after: Option<&RetryAfter>, error: Error) -> Event {
        self.delayed += 1;
        if self.delayed >= DELAYS_MAX {
            return Event::Failed(error);
        }
        let mut waiting = "waiting".to_owned();
        let pause = match after {
            Some(RetryAfter::Seconds(seconds)) => {
                let seconds = (*seconds).min(RETRY_AFTER_SECONDS_MAX);
                waiting = format!("waiting {seconds} s");
                Pause::Seconds(seconds)
            }
            Some(RetryAfter::At(seconds)) => {
                Pause::At(Timestamp(seconds.saturating_mul(1_000_000_000)))
            }
            None => Pause::Backoff(self.delayed),
        };
        self.note = Some(Note::info(format!("{error}; {waiting}")));
        self.state = State::Pause(pause);
        Event::Nothing
    }

    fn end_of(&self, pause: Pause, now: Timestamp) -> Timestamp {
        let longest = now.saturating_add(RETRY_AFTER_SECONDS_MAX * SECOND);
        match pause {
            // A server that says "at once", or whose clock is behind, is not asked without a pause.
            Pause::Seconds(0) => now.saturating_add(backoff(self.delayed, now)),
            Pause::At(time) if time <= now => now.saturating_add(backoff(self.delayed, now)),
            Pause::Backoff(failures) => now.saturating_add(backoff(failures, now)),
            Pause::Seconds(seconds) => {
                now.saturating_add(seconds.saturating_mul(SECOND)).min(longest)
            }
            Pause::At(time) => time.max(now).min(longest),
        }
    }

    fn lost(&self, failure: &Failure) -> Error {
        let Failure { cause, message } = failure;
        let side = self.call.endpoint.title();
        let (fault, what) = match cause {
            Cause::Unreachable => (Fault::Unreachable, "cannot be reached"),
            Cause::TimedOut => (Fault::TimedOut, "did not answer in time"),
            Cause::Broken => (Fault::Truncated, "broke off its answer"),
            Cause::Crashed => (Fault::Internal, "could not be asked"),
        };
        Error::new(fault, format!("the {side} {what}: {message}")).at(self.call.endpoint)
    }
}

/// Nanoseconds to pause after so many failures in a row: at most 1, 2, 4 … seconds, all of it
/// jitter, so that several plans do not come back at once. The time is random enough.
pub(crate) fn backoff(failures: u32, now: Timestamp) -> u64 {
    let seconds = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    let longest = seconds.min(BACKOFF_SECONDS_MAX) * SECOND;
    // One step of splitmix64.
    let mut bits = now.0.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) % longest
}
