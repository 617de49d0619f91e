//! The loop: next, do, answer. The same for every purpose.
//!
//! Does not know what a plan is about: it obeys. Each plan has a thread and an instance of its
//! own; requests are tasks of one runtime, and their answers come back to the thread of the plan
//! that asked (`pending.rs`), so no plan is ever called by two at once.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use tokio::runtime::Handle;
use tsm2iox_guest::error::{Endpoint, Error};
use tsm2iox_guest::plan::{Answer, Batch, Ending, Outcome, Purpose, Step, Totals};
use tsm2iox_guest::protocol::Request;
use tsm2iox_guest::time::Timestamp;

use crate::clock::Clock;
use crate::component::{Component, Plan};
use crate::endpoint::Endpoints;
use crate::pending::{Pending, Reply, crashed};
use crate::stop::Stop;
use crate::watch::{Of, Watch};

/// A plan is asked again after this, however long it would wait, so that a signal is heard soon.
/// Asking early costs a microsecond and changes nothing.
const WAIT_MAX: Duration = Duration::from_millis(200);
/// And not before this: a plan that waits for the past must not keep a processor busy.
const WAIT_MIN: Duration = Duration::from_millis(1);
/// So many steps may follow one another without a wait: a plan that has more to say never ends.
const STEPS_MAX: u32 = 10_000_000;

/// A batch reports once; more would fill the memory.
const REPORTS_MAX: u32 = 1;

/// All that a plan needs of this machine.
#[derive(Clone, Debug)]
pub struct Host {
    /// What opens plans for batches.
    pub component: Component,
    /// Where requests go.
    pub endpoints: Arc<Endpoints>,
    /// Who watches.
    pub watch: Watch,
    /// Which plan this is.
    pub of: Of,
    /// Where requests are made.
    pub runtime: Handle,
    /// Whether a signal has come.
    pub stop: Stop,
    /// What time it is, for all plans.
    pub clock: Clock,
}

/// What is done with the batches that a plan hands out.
pub enum Batches<'a> {
    /// Each is driven, on a thread of its own.
    Driven,
    /// They are listed, and not answered.
    Listed(&'a mut dyn FnMut(&Batch) -> anyhow::Result<()>),
    /// There are none.
    Refused,
    /// There are none, for it is one; what it reports goes there.
    OfBatch(&'a Reply),
}

impl fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Driven => "Driven",
            Self::Listed(_) => "Listed",
            Self::Refused => "Refused",
            Self::OfBatch(_) => "OfBatch",
        })
    }
}

/// Obeys a plan until it is done.
///
/// # Errors
/// If the component is at fault: it crashed, or asked for what a host does not do. The plan is
/// then lost, and what is recorded is not.
pub fn drive(host: &Host, mut plan: Plan, mut batches: Batches<'_>) -> anyhow::Result<Outcome> {
    let mut pending = Pending::default();
    let mut told_to_stop = false;
    let (mut steps, mut reports) = (0, 0);
    let (mut told, mut waits_until) = (Instant::now(), None);
    host.watch.begin(host.of, host.clock.now());
    loop {
        if told.elapsed() >= host.watch.interval() {
            let now = host.clock.now();
            host.watch.progress(host.of, &plan.progress(now)?, waits_until, now)?;
            told = Instant::now();
        }
        if host.stop.is_raised() && !mem::replace(&mut told_to_stop, true) {
            if let Batches::Driven = batches {
                host.watch.stopping();
            }
            plan.stop()?;
        }
        match plan.next(host.clock.now())? {
            Step::Send(request) => send(host, &mut pending, request)?,
            Step::Read(id) => {
                let (reply, body) = (pending.reply(id)?, pending.body(id)?);
                host.runtime.spawn(async move { reply.give(body.read().await) });
            }
            Step::Recall(id) => plan.answer(id, Answer::Body(pending.recall(id)?))?,
            Step::Batch(batch) => match &mut batches {
                Batches::Driven => {
                    host.watch.batch_begins(&batch);
                    let host = Host { of: Of::Batch(batch.id), ..host.clone() };
                    drive_batch(host, batch.order, pending.reply(batch.id)?)?;
                }
                Batches::Listed(list) => list(&batch)?,
                Batches::Refused | Batches::OfBatch(_) => {
                    bail!("the component hands out a batch where there is none")
                }
            },
            Step::Report(report) => {
                reports += 1;
                ensure!(reports <= REPORTS_MAX, "the component reports more than once");
                if let Batches::OfBatch(reply) = &batches {
                    reply.report(report);
                }
            }
            Step::Note(note) => {
                host.watch.note(&note, host.clock.now())?;
            }
            Step::Wait(until) => {
                // Where an answer is to come, nobody knows when.
                waits_until = pending.is_empty().then_some(until);
                if let Some((id, answer)) = pending.next_answer(wait(host.clock.now(), until)) {
                    let moved = moved(&answer);
                    plan.answer(id, answer)?;
                    if let (Of::Whole, Some(totals)) = (host.of, moved) {
                        host.watch.batch_counts(id, totals);
                    }
                }
                steps = 0;
            }
            Step::Done(outcome) => {
                let now = host.clock.now();
                // What it came to is known already: if it cannot say how far it was, that changes nothing.
                if let Ok(progress) = plan.progress(now) {
                    host.watch.progress_at_last(host.of, &progress, now);
                }
                return Ok(outcome);
            }
        }
        steps += 1;
        ensure!(steps < STEPS_MAX, "the component hands out steps without end");
    }
}

/// What a batch has moved that this is the end of; of other steps nothing is watched.
fn moved(answer: &Answer) -> Option<Totals> {
    match answer {
        Answer::Outcome(outcome) => Some(outcome.totals),
        Answer::Failed(_) => Some(Totals::default()),
        Answer::Response(_)
        | Answer::Bytes(_)
        | Answer::End
        | Answer::Body(_)
        | Answer::Report(_) => None,
    }
}

/// Sends a request, and has its answer given to the plan that asked.
fn send(host: &Host, pending: &mut Pending, mut request: Request) -> anyhow::Result<()> {
    let reply = pending.reply(request.id)?;
    let (side, body) = (request.endpoint, Bytes::from(mem::take(&mut request.body)));
    match side {
        Endpoint::Destination => {
            host.watch.sends(body.len() as u64, host.clock.now());
            pending.keep(request.id, &body)?;
        }
        Endpoint::Rejected => {
            host.watch.refused(&String::from_utf8_lossy(&body), host.clock.now());
        }
        Endpoint::Source | Endpoint::Checkpoint => {}
    }
    let endpoint = host.endpoints.get(&side);
    let endpoint = endpoint.with_context(|| format!("no {} is open", side.name()))?;
    let answer =
        endpoint.send(request, body).context("the component asks for what a host does not do")?;
    host.runtime.spawn(async move { reply.give(answer.await) });
    Ok(())
}

/// Opens the plan of a batch and drives it, on a thread of its own.
fn drive_batch(host: Host, order: String, reply: Reply) -> anyhow::Result<()> {
    let work = move || {
        let outcome =
            Plan::open(&host.component, Purpose::Batch, &order).and_then(|plan| match plan {
                Ok(plan) => drive(&host, plan, Batches::OfBatch(&reply)),
                Err(error) => Ok(failed(error)),
            });
        let answer = match outcome {
            Ok(outcome) => Answer::Outcome(outcome),
            Err(error) => crashed(format!("{error:#}")),
        };
        if let Of::Batch(id) = host.of {
            host.watch.batch_ends(id);
        }
        reply.give((answer, None));
    };
    thread::Builder::new().name("batch".to_owned()).spawn(work).context("no thread for a batch")?;
    Ok(())
}

/// How a plan ends that does not take its settings.
pub fn failed(error: Error) -> Outcome {
    Outcome::new(Ending::Failed(error), Totals::default())
}

fn wait(now: Timestamp, until: Timestamp) -> Duration {
    let left = Duration::from_nanos(until.0.saturating_sub(now.0).try_into().unwrap_or(0));
    left.clamp(WAIT_MIN, WAIT_MAX)
}
