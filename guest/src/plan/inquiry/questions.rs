//! What can be asked in a story. Does not know stories.

use std::collections::VecDeque;

use super::{Asker, Question};
use crate::error::{Error, Fault};
use crate::plan::collect::Collect;
use crate::plan::divide::{Divider, Division};
use crate::plan::earliest::{Earliest, First};
use crate::plan::exchange::{Ids, Want, backoff};
use crate::plan::fields::Fields;
use crate::plan::journal::Journal;
use crate::plan::pace::Quota;
use crate::plan::quota::QuotaFinder;
use crate::plan::road::{Road, RoadFinder};
use crate::plan::schema::Measurement;
use crate::plan::{Answer, Note};
use crate::time::Timestamp;

/// A wait that depends on nothing but time.
pub(super) struct Pause {
    pub(super) failures: u32,
    pub(super) until: Option<Timestamp>,
    pub(super) is_over: bool,
}

impl Asker {
    /// Why a question that began then is given up, if it has taken too long.
    pub(super) fn late(&self, began: &mut Option<Timestamp>) -> Option<Error> {
        let (now, most) = (self.now(), self.0.borrow().question_max?);
        let took = now.nanoseconds_since(*began.get_or_insert(now));
        (took > most).then(|| {
            let seconds = took / 1_000_000_000;
            let message = format!("a question was not answered in {seconds} s");
            Error::new(Fault::TimedOut, message)
        })
    }
}

impl Question for Pause {
    type Found = ();

    fn want(&mut self, now: Timestamp, _ids: &mut Ids) -> Want {
        let failures = self.failures;
        let until = *self.until.get_or_insert_with(|| now.saturating_add(backoff(failures, now)));
        self.is_over = until <= now;
        Want::Wait(until)
    }

    fn owns(&self, _id: u64) -> bool {
        false
    }

    fn answer(&mut self, _id: u64, _answer: Answer) -> Result<Option<()>, Error> {
        Ok(None)
    }

    fn found(&mut self) -> Option<()> {
        self.is_over.then_some(())
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

    fn owns(&self, id: u64) -> bool {
        self.owns(id)
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
        Self::found(self).cloned()
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
    /// Reading, and writing.
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
        Self::found(self)
    }

    fn notes(&mut self) -> VecDeque<Note> {
        std::mem::take(&mut self.notes)
    }
}
