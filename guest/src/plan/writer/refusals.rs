//! What becomes of bodies that are refused: what is good of them is sent again, and the rest is counted, or
//! set aside.
//!
//! Does not know how a server tells what it has refused.

use super::Writer;
use crate::converter::{Lines, Refused, Rejection, sift};
use crate::error::Error;
use crate::plan::exchange::{Ids, Want};
use crate::plan::set_aside::Rest;
use crate::protocol::refusal::Refusal;
use crate::time::Timestamp;

/// So many bodies of a batch are sent again in search of refused points: some for each of a hundred, and
/// on InfluxDB 3, which takes up to a second for each, about a quarter of an hour. Where points may be set
/// aside, so many without finding one.
const SEARCHES_MAX: usize = 1000;

impl Writer {
    /// Points that were refused.
    pub(crate) fn rejected(&self) -> u64 {
        self.refused.count()
    }

    /// Sets aside what could not become lines. The number that is allowed, if they are too many.
    pub(crate) fn set_aside_unfit(&mut self, rejected: &[Rejection]) -> Option<u64> {
        for rejection in rejected {
            self.refused.add_unfit();
            self.set_aside.add_unfit(rejection);
        }
        let are_too_many = !rejected.is_empty() && self.refused.are_too_many();
        are_too_many.then_some(self.refused.allowed())
    }

    /// Writes down what is set aside. `Rest::Nothing` if the batch is complete but for that.
    pub(crate) fn want_set_aside(&mut self, now: Timestamp, ids: &mut Ids, rest: Rest) -> Want {
        self.set_aside.want(now, ids, rest)
    }

    /// Whether more is set aside than the disk has taken.
    pub(crate) fn is_behind(&self) -> bool {
        self.set_aside.is_behind()
    }

    /// Whether what was set aside is on the disk.
    pub(crate) fn has_set_aside(&self) -> bool {
        self.set_aside.is_done()
    }

    fn count_refused(&mut self, status: u16, refused: Vec<Refused>) {
        if self.refused.may_be_set_aside() && !refused.is_empty() {
            refused.iter().for_each(|refused| self.set_aside.add(status, refused));
            self.searches = 0;
        }
        self.refused.add(status, refused);
    }

    pub(super) fn halve(&mut self, lines: Lines) {
        let (first, second) = lines.halves();
        self.again.push_front(second);
        self.again.push_front(first);
    }

    /// What a refusal does not name is sent again, unless it is stored for certain: the others, and
    /// the good fields of refused points. If it names nothing, the halves are.
    pub(super) fn sift(
        &mut self,
        lines: Lines,
        refusal: &Refusal,
        error: Error,
    ) -> Result<(), Error> {
        let places = refusal.places(&lines);
        let Some(sifted) = places.as_ref().and_then(|places| sift(&lines, places)) else {
            if lines.len() == 1 {
                return Err(error);
            }
            self.halve(lines);
            return self.count_searches(2, error);
        };
        self.count_refused(refusal.status, sifted.refused);
        // Where the later one of two values counts, it must be written later.
        let body = if refusal.others_are_stored && !self.is_ordered {
            let (all, rests) = (&sifted.lines, &sifted.rests);
            self.acknowledge(all.len() - rests.len(), all.bytes() - rests.bytes());
            sifted.rests
        } else {
            sifted.lines
        };
        let bodies = usize::from(!body.is_empty());
        if !body.is_empty() {
            self.again.push_front(body);
        }
        self.count_searches(bodies, error)
    }

    /// `error` is what ends the search if nothing was found so far.
    fn count_searches(&mut self, bodies: usize, error: Error) -> Result<(), Error> {
        self.searches += bodies;
        match self.refused.is_enough() || self.searches > SEARCHES_MAX {
            true => Err(self.refused_so_far().unwrap_or(error)),
            false => Ok(()),
        }
    }

    /// What the destination has refused of all points, once nothing is left to be sent.
    pub(crate) fn refused_in_all(&self) -> Option<Error> {
        self.refused_of(Some(self.points))
    }

    /// What it has refused before something else went wrong.
    pub(crate) fn refused_so_far(&self) -> Option<Error> {
        self.refused_of(None)
    }

    fn refused_of(&self, all: Option<u64>) -> Option<Error> {
        let bucket = &self.destination.place().bucket;
        let are_too_many = self.refused.are_too_many() && self.refused.refused() > 0;
        are_too_many.then(|| self.refused.error(bucket, all))
    }
}
