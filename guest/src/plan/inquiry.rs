//! A plan that asks one question after the other, written as a story: an `async fn` that awaits answers.
//!
//! Does not know what is asked. There is no runtime: the story is polled by `next`, when it says what it
//! wants, and by `answer`, when it gets on. So it is as pure as any other plan: same calls, same steps.
//!
//! ```text
//! next(now) ──▶ poll ──▶ the question that waits: want ──▶ Step
//! answer(id) ─▶ poll ──▶ the question that owns the id: answer ──▶ the story goes on, to the next question
//! ```

mod questions;

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use questions::Pause;

use super::collect::Collect;
use super::exchange::{Ids, Want};
use super::pace::{Held, Pace};
use super::stopping::Stopping;
use super::{Answer, NO_DATA, Note, Outcome, Progress, Step, Totals};
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::{Call, Request};
use crate::time::Timestamp;

/// A story in the course of being told: a plan of its own, or a part of another one.
pub(crate) struct Inquiry<T = Outcome> {
    asker: Asker,
    story: Pin<Box<dyn Future<Output = T>>>,
    /// What it came to. It is not polled after that.
    told: Option<T>,
    /// Where it is a plan of its own.
    ids: Ids,
    stopping: Stopping,
}

/// What a story asks by. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Asker(Rc<RefCell<Desk>>);

/// What is between the story and its host.
#[derive(Default)]
struct Desk {
    /// Those of the plan, while it is asked what it wants.
    ids: Ids,
    now: Timestamp,
    turn: Turn,
    /// What the questions that wait want; a step goes first.
    want: Option<Want>,
    notes: VecDeque<Note>,
    /// Notes are kept for the story, and not shown as they come.
    keeps_notes: bool,
    totals: Totals,
    /// What may be read of the source, and when; and which requests are to it.
    reading: Pace,
    of_source: BTreeSet<u64>,
    /// A request to the source that waits until something may be read.
    late: Option<Step>,
    held: Held,
    doing: String,
    percent: f64,
    /// No question may take longer, in nanoseconds, if that is set.
    question_max: Option<u64>,
}

/// Why the story is polled.
#[derive(Default)]
enum Turn {
    #[default]
    Next,
    Answer(Option<(u64, Box<Answer>)>),
}

/// Something that is asked, with all its attempts.
pub(crate) trait Question {
    type Found;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want;

    /// Whether an answer to this id is for it.
    fn owns(&self, id: u64) -> bool;

    /// Takes an answer; returns what was found, once that is known.
    fn answer(&mut self, id: u64, answer: Answer) -> Result<Option<Self::Found>, Error>;

    /// What is found without asking, or while it wants nothing.
    fn found(&mut self) -> Option<Self::Found> {
        None
    }

    /// What a person should know meanwhile.
    fn notes(&mut self) -> VecDeque<Note> {
        VecDeque::new()
    }
}

impl Desk {
    /// A request to the source that has no room in its quota waits; what is read already goes on, and so does
    /// the other side.
    fn hold_back(&mut self, now: Timestamp, want: Want) -> Want {
        let ready = self.reading.ready(now, 1);
        let is_late = self.late.is_some();
        match want {
            Want::Step(step @ Step::Send(Request { id, endpoint: Endpoint::Source, .. })) => {
                self.of_source.insert(id);
                // There are never two: each side is asked one question at a time.
                if ready <= now || is_late {
                    return Want::Step(step);
                }
                self.late = Some(step);
                Want::Wait(ready)
            }
            Want::Wait(until) if is_late => Want::Wait(until.min(ready)),
            Want::Nothing if is_late => Want::Wait(ready),
            want => want,
        }
    }
}

impl<T: 'static> Inquiry<T> {
    /// Begins a story, which gets what it asks by.
    pub(crate) fn new<F>(story: impl FnOnce(Asker) -> F) -> Self
    where
        F: Future<Output = T> + 'static,
    {
        let asker = Asker::default();
        let (ids, stopping) = (Ids::default(), Stopping::default());
        Self { story: Box::pin(story(asker.clone())), asker, told: None, ids, stopping }
    }

    /// What it wants now, by the ids of the plan that it is a part of. Nothing, once it is told.
    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        {
            let mut desk = self.asker.0.borrow_mut();
            desk.reading.follow(now);
            if desk.late.is_some() {
                let ready = desk.reading.ready(now, 1);
                if ready <= now {
                    return desk.late.take().map_or(Want::Nothing, Want::Step);
                }
                desk.held.until(ready, Endpoint::Source);
                if let Some(note) = desk.held.note(now) {
                    return Want::Step(Step::Note(note));
                }
            }
            (desk.now, desk.turn, desk.want) = (now, Turn::Next, None);
            std::mem::swap(&mut desk.ids, ids);
        }
        self.poll();
        let mut desk = self.asker.0.borrow_mut();
        std::mem::swap(&mut desk.ids, ids);
        let want = match (&self.told, desk.want.take()) {
            // What a question wanted that is not waited for any more is not asked.
            (Some(_), _) | (None, None) => Want::Nothing,
            (None, Some(want)) => want,
        };
        desk.hold_back(now, want)
    }

    /// Takes an answer; one that none of its questions waits for is ignored.
    pub(crate) fn answer(&mut self, id: u64, answer: Answer) {
        {
            let mut desk = self.asker.0.borrow_mut();
            if let Answer::Bytes(bytes) = &answer {
                desk.totals.read += bytes.len() as u64;
                if desk.of_source.contains(&id) {
                    let now = desk.now;
                    desk.reading.spend(now, bytes.len() as u64);
                }
            } else if !matches!(answer, Answer::Response(_)) {
                desk.of_source.remove(&id);
            }
            desk.turn = Turn::Answer(Some((id, answer.into())));
        }
        self.poll();
    }

    fn poll(&mut self) {
        if self.told.is_none()
            && let Poll::Ready(told) =
                self.story.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.told = Some(told);
        }
    }

    /// What it came to, once it is told.
    pub(crate) fn told(&mut self) -> Option<T> {
        self.told.take()
    }
}

impl Inquiry {
    pub(crate) fn next(&mut self, now: Timestamp) -> Step {
        if let Some(note) = self.asker.note_to_show() {
            return Step::Note(note);
        }
        if self.stopping.is_asked() {
            let error = Error::new(Fault::Stopped, "interrupted");
            let totals = self.asker.totals();
            return Step::Done(Outcome::new(super::Ending::of(error), totals));
        }
        let mut ids = std::mem::take(&mut self.ids);
        let want = self.want(now, &mut ids);
        self.ids = ids;
        let until = match (&self.told, want) {
            (Some(outcome), _) => {
                return self.asker.note_to_show().map_or(Step::Done(outcome.clone()), Step::Note);
            }
            // A request that is not handed out now would be lost: what was noted follows it.
            (None, Want::Step(step)) => return step,
            (None, Want::Wait(until)) => until,
            (None, Want::Nothing) => Timestamp::MAX,
        };
        self.asker.note_to_show().map_or(Step::Wait(until), Step::Note)
    }

    pub(crate) fn stop(&mut self) {
        self.stopping.ask();
    }

    pub(crate) fn progress(&self) -> Progress {
        let desk = self.asker.0.borrow();
        let (percent, totals, doing) = (desk.percent, desk.totals, desk.doing.clone());
        Progress { percent, totals, rate: 0.0, left: None, doing, data: NO_DATA.to_owned() }
    }
}

impl<T> fmt::Debug for Inquiry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asker")
    }
}

impl Asker {
    /// Asks until it is known.
    pub(crate) async fn ask<Q: Question + Unpin>(
        &self,
        mut question: Q,
    ) -> Result<Q::Found, Error> {
        self.asked(&mut question).await
    }

    /// The same, and what else the question has learnt stays with it.
    pub(crate) async fn asked<Q: Question + Unpin>(
        &self,
        question: &mut Q,
    ) -> Result<Q::Found, Error> {
        let mut began = None;
        poll_fn(|_| match self.late(&mut began) {
            Some(error) => Poll::Ready(Err(error)),
            None => self.poll(question),
        })
        .await
    }

    /// The body of the response to a call, which is begun again where it breaks off.
    pub(crate) async fn body(&self, call: Call, attempts_max: u32) -> Result<Vec<u8>, Error> {
        self.ask(Collect::new(call, attempts_max)).await
    }

    /// The same, but not asked again where it takes too long.
    pub(crate) async fn body_soon(&self, call: Call, attempts_max: u32) -> Result<Vec<u8>, Error> {
        self.ask(Collect::ending_late(call, attempts_max)).await
    }

    fn poll<Q: Question>(&self, question: &mut Q) -> Poll<Result<Q::Found, Error>> {
        let mut desk = self.0.borrow_mut();
        if let Turn::Answer(answer) = &mut desk.turn
            && let Some((id, answer)) = answer.take_if(|(id, _)| question.owns(*id))
        {
            let found = question.answer(id, *answer);
            desk.notes.append(&mut question.notes());
            match found {
                Err(error) => return Poll::Ready(Err(error)),
                Ok(Some(found)) => return Poll::Ready(Ok(found)),
                Ok(None) => {}
            }
        }
        if let Some(found) = question.found() {
            desk.notes.append(&mut question.notes());
            return Poll::Ready(Ok(found));
        }
        let has_step = matches!(desk.want, Some(Want::Step(_)));
        if matches!(desk.turn, Turn::Next) && !has_step {
            let Desk { ids, now, .. } = &mut *desk;
            let want = question.want(*now, ids);
            desk.notes.append(&mut question.notes());
            if let Some(found) = question.found() {
                return Poll::Ready(Ok(found));
            }
            desk.want = Some(match (desk.want.take(), want) {
                (_, Want::Step(step)) => Want::Step(step),
                (Some(Want::Wait(one)), Want::Wait(other)) => Want::Wait(one.min(other)),
                (Some(Want::Wait(time)), _) | (_, Want::Wait(time)) => Want::Wait(time),
                (_, Want::Nothing) => Want::Nothing,
            });
        }
        Poll::Pending
    }

    /// Both at once.
    pub(crate) async fn both<A, B>(
        &self,
        one: impl Future<Output = Result<A, Error>>,
        other: impl Future<Output = Result<B, Error>>,
    ) -> Result<(A, B), Error> {
        let (mut one, mut other) = (Box::pin(one), Box::pin(other));
        let (mut first, mut second) = (None, None);
        poll_fn(|context| {
            if first.is_none()
                && let Poll::Ready(found) = one.as_mut().poll(context)
            {
                first = Some(found?);
            }
            if second.is_none()
                && let Poll::Ready(found) = other.as_mut().poll(context)
            {
                second = Some(found?);
            }
            match (first.take(), second.take()) {
                (Some(one), Some(other)) => Poll::Ready(Ok((one, other))),
                (one, other) => {
                    (first, second) = (one, other);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Waits as one does after so many failures in a row.
    pub(crate) async fn pause(&self, failures: u32) -> Result<(), Error> {
        self.ask(Pause { failures, until: None, is_over: false }).await
    }

    /// No more is read of the source than this from now on.
    pub(crate) fn keep_to(&self, reading: Pace) {
        self.0.borrow_mut().reading = reading;
    }

    /// No question may take longer than so many nanoseconds from now on.
    pub(crate) fn give_up_after(&self, nanoseconds: u64) {
        self.0.borrow_mut().question_max = Some(nanoseconds);
    }

    /// The host's clock, as it was told last.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    pub(crate) fn note(&self, note: Note) {
        self.0.borrow_mut().notes.push_back(note);
    }

    /// From now on what questions note is for the story, and nobody sees it as it comes.
    pub(crate) fn keep_notes(&self) {
        self.0.borrow_mut().keeps_notes = true;
    }

    /// What was noted since, and kept.
    pub(crate) fn kept_notes(&self) -> Vec<Note> {
        self.0.borrow_mut().notes.drain(..).collect()
    }

    fn note_to_show(&self) -> Option<Note> {
        let mut desk = self.0.borrow_mut();
        if desk.keeps_notes { None } else { desk.notes.pop_front() }
    }

    /// What it does from now on, in a few words, and how far it is.
    pub(crate) fn does(&self, doing: String, percent: f64) {
        let mut desk = self.0.borrow_mut();
        (desk.doing, desk.percent) = (doing, percent);
    }

    pub(crate) fn totals(&self) -> Totals {
        self.0.borrow().totals
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Totals)) {
        count(&mut self.0.borrow_mut().totals);
    }
}
