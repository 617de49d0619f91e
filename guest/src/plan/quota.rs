//! What may be read and written in a window: as the configuration says, or as the organization's API
//! does.
//!
//! Does not know what is used of it (`pace`).

use std::collections::VecDeque;

use super::collect::Collect;
use super::exchange::{Ids, Want};
use super::note::bytes;
use super::pace::Quota;
use super::{Answer, Note};
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::{Call, limits};
use crate::settings::{Allowance, Limits, Place, Settings};
use crate::time::Timestamp;

/// The quotas of both sides, while they are looked for.
#[derive(Debug)]
pub(crate) struct QuotaFinder {
    limits: Limits,
    source: Place,
    destination: Place,
    read: Option<Quota>,
    write: Option<Quota>,
    /// The sides whose API is to be asked.
    left: VecDeque<Endpoint>,
    asking: Option<(Endpoint, Stage, Collect)>,
    pub(crate) notes: VecDeque<Note>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Organization,
    Limits,
}

/// Limits are told in kilobytes: of the two kinds that there are, the smaller one is safe.
const KILOBYTE: f64 = 1000.0;

impl QuotaFinder {
    pub(crate) fn new(settings: &Settings) -> Self {
        let limits = settings.limits.clone();
        let mut left = VecDeque::new();
        let mut of = |allowance, endpoint| match allowance {
            Allowance::Unlimited => None,
            Allowance::Bytes(bytes) => Some(quota(&limits, bytes)),
            Allowance::Auto => {
                left.push_back(endpoint);
                None
            }
        };
        let read = of(limits.read, Endpoint::Source);
        let write = of(limits.write, Endpoint::Destination);
        Self {
            source: settings.source.place().clone(),
            destination: settings.destination.place().clone(),
            read,
            write,
            left,
            asking: None,
            notes: VecDeque::new(),
            limits,
        }
    }

    /// What is ours of both, reading and writing, once it is known.
    pub(crate) fn found(&self) -> Option<(Option<Quota>, Option<Quota>)> {
        (self.left.is_empty() && self.asking.is_none()).then_some((self.read, self.write))
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        if self.asking.is_none()
            && let Some(side) = self.left.pop_front()
        {
            let call = limits::organization(side, self.place(side));
            self.ask(side, Stage::Organization, call);
        }
        self.asking.as_mut().map_or(Want::Nothing, |(_, _, asking)| asking.want(now, ids))
    }

    fn place(&self, side: Endpoint) -> &Place {
        if side == Endpoint::Source { &self.source } else { &self.destination }
    }

    fn ask(&mut self, side: Endpoint, stage: Stage, call: Call) {
        self.asking = Some((side, stage, Collect::new(call, self.limits.attempts_max)));
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        self.asking.as_ref().is_some_and(|(_, _, asking)| asking.owns(id))
    }

    /// Takes an answer. A token that may not see limits is no reason to stop: then the server says when
    /// it is enough.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        let Some((side, stage, asking)) = &mut self.asking else { return Ok(()) };
        let (side, stage) = (*side, *stage);
        match asking.answer(answer) {
            Ok(None) => Ok(()),
            Ok(Some(body)) => {
                self.asking = None;
                self.take(side, stage, &body).or_else(|error| self.go_without(side, error))
            }
            Err(error) => {
                self.asking = None;
                self.go_without(side, error)
            }
        }
    }

    fn take(&mut self, side: Endpoint, stage: Stage, body: &[u8]) -> Result<(), Error> {
        let place = self.place(side).clone();
        match stage {
            Stage::Organization => {
                let id = limits::found_organization(&place, body)?;
                self.ask(side, Stage::Limits, limits::of_organization(side, &place, &id));
            }
            Stage::Limits => {
                let rate = limits::rate(body)?;
                let (what, rate) = match side {
                    Endpoint::Source => ("read", rate.read),
                    Endpoint::Destination | Endpoint::Checkpoint | Endpoint::Rejected => {
                        ("write", rate.write)
                    }
                };
                self.set(side, what, rate);
            }
        }
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit is a round number; a float out of range is cut by `as`"
    )]
    fn set(&mut self, side: Endpoint, what: &str, rate: u64) {
        let seconds = self.limits.window as f64 / 1e9;
        let name = side.name();
        if rate == 0 {
            let message = format!("the organization of the {name} may {what} without limit");
            return self.notes.push_back(Note::info(message));
        }
        let all = rate as f64 * KILOBYTE * seconds;
        let quota = quota(&self.limits, all);
        let (all, ours) = (bytes(all as u64), bytes(quota.amount));
        self.notes.push_back(Note::info(format!(
            "the organization of the {name} may {what} {all} in {seconds} s; this migration takes {ours} of it at most"
        )));
        match side {
            Endpoint::Source => self.read = Some(quota),
            Endpoint::Destination | Endpoint::Checkpoint | Endpoint::Rejected => {
                self.write = Some(quota);
            }
        }
    }

    fn go_without(&mut self, side: Endpoint, error: Error) -> Result<(), Error> {
        match error.fault {
            // Nobody is there.
            Fault::Stopped
            | Fault::Unreachable
            | Fault::Unavailable
            | Fault::TimedOut
            | Fault::Truncated
            | Fault::Internal => Err(error),
            Fault::Settings
            | Fault::Unauthorized
            | Fault::Missing
            | Fault::TooLarge
            | Fault::Exhausted
            | Fault::Refused
            | Fault::Malformed
            | Fault::Unsupported => {
                let key = if side == Endpoint::Source { "read_mb" } else { "write_mb" };
                let name = side.name();
                let message = format!("the limits of the {name} cannot be asked for: {error}");
                self.notes.push_back(Note::warning(message).with_hint(format!(
                    "set `limits.{key}` to a number of megabytes; until then it goes as fast as the {name} lets it"
                )));
                Ok(())
            }
        }
    }
}

/// Our share.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float out of range is cut by `as`"
)]
fn quota(limits: &Limits, bytes: f64) -> Quota {
    Quota { amount: ((bytes * limits.share) as u64).max(1), window: limits.window }
}
