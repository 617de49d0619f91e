//! What a plan has in the hands of its host: each step is answered once, whatever happens to it.
//!
//! Does not know what the steps are for. Of answers it knows that 204 means that a body is taken.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::{Cause, Failure};

use crate::ahead::Ahead;
use crate::endpoint::Answered;

/// So many steps of one plan may be unanswered. A migration hands out as many batches at once as
/// `limits.concurrency` says, 32 at most (`CONCURRENCY_MAX` in `guest/src/settings`), has 16 more that are
/// read already (`SETTLING_MAX` in `guest/src/plan/migrate`), and a request for its records: who raises
/// those has to look here.
const IN_FLIGHT_MAX: usize = 256;
/// What says of a body that all of it is taken.
const TAKEN: u16 = 204;
/// So many bodies may be left unread: each may hold a connection.
const BODIES_MAX: usize = 64;

/// So many bytes may be kept to be asked for again: a plan has a dozen bodies of 10 MB with the
/// destination.
const KEPT_BYTES_MAX: usize = 512 * 1024 * 1024;

/// What a plan has in the hands of its host.
#[derive(Debug)]
pub struct Pending {
    sender: Sender<(u64, Given)>,
    answers: Receiver<(u64, Given)>,
    // The steps that are not answered.
    ids: HashSet<u64>,
    // The bodies that may be read on, the oldest first. Not every body is read to its end.
    bodies: VecDeque<(u64, Ahead)>,
    // What it may ask for again, and how many bytes that is.
    kept: HashMap<u64, Bytes>,
    kept_bytes: usize,
}

/// What comes for a step.
#[derive(Debug)]
enum Given {
    /// Its answer.
    Answer(Answered),
    /// What a batch reports before it.
    Report(String),
}

/// The duty to answer a step: once, even if what was to answer it panics.
#[derive(Debug)]
pub struct Reply {
    id: u64,
    sender: Sender<(u64, Given)>,
    given: bool,
}

impl Default for Pending {
    fn default() -> Self {
        let (sender, answers) = mpsc::channel();
        Self {
            sender,
            answers,
            ids: HashSet::new(),
            bodies: VecDeque::new(),
            kept: HashMap::new(),
            kept_bytes: 0,
        }
    }
}

impl Pending {
    /// Whether no answer is to come.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Promises an answer to a step.
    ///
    /// # Errors
    /// If the component hands out too much, or this id while it stands for another step.
    pub fn reply(&mut self, id: u64) -> anyhow::Result<Reply> {
        ensure!(self.ids.insert(id), "the component uses the id {id} twice at once");
        ensure!(self.ids.len() <= IN_FLIGHT_MAX, "the component hands out too much at once");
        Ok(Reply { id, sender: self.sender.clone(), given: false })
    }

    /// The body of the response to a request, to be read on.
    ///
    /// # Errors
    /// If it is not there: it has ended, is being read, or is the oldest of too many.
    pub fn body(&mut self, id: u64) -> anyhow::Result<Ahead> {
        let at = self.bodies.iter().position(|(other, _)| *other == id);
        let body = at.and_then(|at| self.bodies.remove(at));
        let (_, body) = body.context("the component reads a body that is not there")?;
        Ok(body)
    }

    /// Keeps the body of a request until it is taken, which 204 says, or asked for again.
    ///
    /// # Errors
    /// If the component hands out too many.
    pub fn keep(&mut self, id: u64, body: &Bytes) -> anyhow::Result<()> {
        self.forget(id);
        self.kept_bytes += body.len();
        self.kept.insert(id, body.clone());
        ensure!(
            self.kept_bytes <= KEPT_BYTES_MAX,
            "the component has more than {KEPT_BYTES_MAX} bytes with the destination at once"
        );
        Ok(())
    }

    /// Gives back the body of a request, once.
    ///
    /// # Errors
    /// If it is not there.
    pub fn recall(&mut self, id: u64) -> anyhow::Result<String> {
        let body = self.forget(id).context("the component asks for a body that is not there")?;
        String::from_utf8(body.into()).context("a body has changed")
    }

    fn forget(&mut self, id: u64) -> Option<Bytes> {
        let body = self.kept.remove(&id)?;
        self.kept_bytes -= body.len();
        Some(body)
    }

    /// The next answer that comes within this time.
    pub fn next_answer(&mut self, patience: Duration) -> Option<(u64, Answer)> {
        let (id, given) = self.answers.recv_timeout(patience).ok()?;
        let (answer, body) = match given {
            Given::Report(report) => return Some((id, Answer::Report(report))),
            Given::Answer(answered) => answered,
        };
        self.ids.remove(&id);
        let is_taken = matches!(&answer, Answer::Response(head) if head.status == TAKEN);
        if is_taken {
            self.forget(id);
        }
        // Nor does such a response have a body: those of many must not push out one that is being read.
        let body = body.filter(|_| !is_taken);
        self.bodies.extend(body.map(|body| (id, body)));
        if self.bodies.len() > BODIES_MAX {
            self.bodies.pop_front();
        }
        Some((id, answer))
    }
}

impl Reply {
    /// Hands on what a batch reports before it is answered.
    pub fn report(&self, report: String) {
        // A plan that is done wants to hear no more.
        let _ = self.sender.send((self.id, Given::Report(report)));
    }

    /// Answers it.
    pub fn give(mut self, answered: Answered) {
        self.given = true;
        // A plan that is done wants no more answers.
        let _ = self.sender.send((self.id, Given::Answer(answered)));
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.given {
            let answered = (crashed("the host crashed".to_owned()), None);
            let _ = self.sender.send((self.id, Given::Answer(answered)));
        }
    }
}

/// The answer of a batch whose instance is lost.
pub fn crashed(message: String) -> Answer {
    Answer::Failed(Failure { cause: Cause::Crashed, message })
}
