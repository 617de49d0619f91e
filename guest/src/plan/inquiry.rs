//! A plan that asks one question after the other, written as a story: an `async fn` that awaits answers.
//!
//! Does not know what is asked. There is no runtime: the story is polled by `next`, when it says what it
//! wants, and by `answer`, when it gets on. So it is as pure as any other plan: same calls, same steps.
//!
//! ```text
//! next(now) ──▶ poll ──▶ the question that waits: want ──▶ Step
//! answer(id) ─▶ poll ──▶ the question that owns the id: answer ──▶ the story goes on, to the next question
//! ```

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::collect::Collect;
use super::divide::{Divider, Division};
use super::earliest::{Earliest, First};
use super::exchange::{Ids, Want};
use super::fields::Fields;
use super::journal::Journal;
use super::pace::{Held, Pace, Quota};
use super::quota::QuotaFinder;
use super::road::{Road, RoadFinder};
use super::schema::Measurement;
use super::stopping::Stopping;
use super::{Answer, Note, Outcome, Progress, Step, Totals};
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::{Call, Request};
use crate::time::Timestamp;

/// A story in the course of being told.
pub(crate) struct Inquiry {
    asker: Asker,
    story: Pin<Box<dyn Future<Output = Outcome>>>,
    stopping: Stopping,
}

/// What a story asks by. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Asker(Rc<RefCell<Desk>>);

/// What is between the story and its host.
#[derive(Default)]
struct Desk {
    ids: Ids,
    now: Timestamp,
    turn: Turn,
    /// What the questions that wait want; a step goes first.
    want: Option<Want>,
    notes: VecDeque<Note>,
    totals: Totals,
    /// What may be read of the source, and when; and which requests are to it.
    reading: Pace,
    of_source: BTreeSet<u64>,
    held: Held,
    doing: String,
    percent: f64,
}

/// Why the story is polled.
#[derive(Default)]
enum Turn {
    #[default]
    Next,
    Answer(Option<(u64, Answer)>),
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

impl Inquiry {
    /// Begins a story, which gets what it asks by.
    pub(crate) fn new<F>(story: impl FnOnce(Asker) -> F) -> Self
    where
        F: Future<Output = Outcome> + 'static,
    {
        let asker = Asker::default();
        Self { story: Box::pin(story(asker.clone())), asker, stopping: Stopping::default() }
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Step {
        {
            let mut desk = self.asker.0.borrow_mut();
            desk.now = now;
            if let Some(note) = desk.notes.pop_front() {
                return Step::Note(note);
            }
            if self.stopping.is_asked() {
                let error = Error::new(Fault::Stopped, "interrupted");
                return Step::Done(Outcome::new(super::Ending::of(error), desk.totals));
            }
            let ready = desk.reading.ready(now, 1);
            if ready > now {
                desk.held.until(ready, Endpoint::Source);
                return desk.held.note(now).map_or(Step::Wait(ready), Step::Note);
            }
            desk.turn = Turn::Next;
            desk.want = None;
        }
        let polled = self.poll();
        let mut desk = self.asker.0.borrow_mut();
        let until = match (polled, desk.want.take()) {
            // What a question wanted that is not waited for any more is not asked.
            (Poll::Ready(outcome), _) => {
                self.story = Box::pin(ready(outcome.clone()));
                let note = desk.notes.pop_front();
                return note.map_or(Step::Done(outcome), Step::Note);
            }
            // A request that is not handed out now would be lost: what was noted follows it.
            (Poll::Pending, Some(Want::Step(step))) => {
                if let Step::Send(Request { id, endpoint: Endpoint::Source, .. }) = &step {
                    desk.of_source.insert(*id);
                }
                return step;
            }
            (Poll::Pending, Some(Want::Wait(until))) => until,
            (Poll::Pending, Some(Want::Nothing) | None) => Timestamp::MAX,
        };
        desk.notes.pop_front().map_or(Step::Wait(until), Step::Note)
    }

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
            desk.turn = Turn::Answer(Some((id, answer)));
        }
        if let Poll::Ready(outcome) = self.poll() {
            self.story = Box::pin(ready(outcome));
        }
    }

    fn poll(&mut self) -> Poll<Outcome> {
        self.story.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    pub(crate) fn stop(&mut self) {
        self.stopping.ask();
    }

    pub(crate) fn progress(&self) -> Progress {
        let desk = self.asker.0.borrow();
        let (percent, totals, doing) = (desk.percent, desk.totals, desk.doing.clone());
        Progress { percent, totals, rate: 0.0, left: None, doing }
    }
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry").field("progress", &self.progress()).finish_non_exhaustive()
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
        poll_fn(|_| self.poll(question)).await
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
            let found = question.answer(id, answer);
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

    /// No more is read of the source than this from now on.
    pub(crate) fn keep_to(&self, reading: Pace) {
        self.0.borrow_mut().reading = reading;
    }

    /// The host's clock, as it was told last.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    pub(crate) fn note(&self, note: Note) {
        self.0.borrow_mut().notes.push_back(note);
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

impl Question for Collect {
    type Found = Vec<u8>;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.want(now, ids)
    }

    fn owns(&self, id: u64) -> bool {
        self.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Vec<u8>>, Error> {
        self.answer(answer)
    }
}

impl Question for Fields {
    type Found = Vec<Measurement>;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.want(now, ids)
    }

    fn owns(&self, id: u64) -> bool {
        self.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Vec<Measurement>>, Error> {
        self.answer(answer)
    }
}

impl Question for Earliest {
    type Found = First;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.want(now, ids)
    }

    fn owns(&self, _id: u64) -> bool {
        true
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<First>, Error> {
        self.answer(answer)
    }
}

impl Question for RoadFinder {
    type Found = Road;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.want(now, ids)
    }

    fn owns(&self, id: u64) -> bool {
        self.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Road>, Error> {
        self.answer(answer)?;
        Ok(None)
    }

    fn found(&mut self) -> Option<Road> {
        RoadFinder::found(self).cloned()
    }

    fn notes(&mut self) -> VecDeque<Note> {
        std::mem::take(&mut self.notes)
    }
}

impl Question for Journal {
    type Found = ();

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.want(now, ids)
    }

    fn owns(&self, id: u64) -> bool {
        self.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<()>, Error> {
        self.answer(answer)?;
        Ok(None)
    }

    fn found(&mut self) -> Option<()> {
        self.is_read().then_some(())
    }

    fn notes(&mut self) -> VecDeque<Note> {
        std::mem::take(&mut self.notes)
    }
}

impl Question for Divider {
    type Found = Division;

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.want(now, ids)
    }

    fn owns(&self, id: u64) -> bool {
        self.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Division>, Error> {
        self.answer(answer)
    }
}

impl Question for QuotaFinder {
    type Found = (Option<Quota>, Option<Quota>);

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.want(now, ids)
    }

    fn owns(&self, id: u64) -> bool {
        self.owns(id)
    }

    fn answer(&mut self, _id: u64, answer: Answer) -> Result<Option<Self::Found>, Error> {
        self.answer(answer)?;
        Ok(None)
    }

    fn found(&mut self) -> Option<Self::Found> {
        QuotaFinder::found(self)
    }

    fn notes(&mut self) -> VecDeque<Note> {
        std::mem::take(&mut self.notes)
    }
}
