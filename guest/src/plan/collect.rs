//! A small response as a whole: a request, and its body until it ends. Does not know what it is for.

use super::Answer;
use super::exchange::{Event, Exchange, Ids, Want};
use crate::error::{Error, Fault};
use crate::protocol::Call;
use crate::time::Timestamp;

/// Such a response lists names: some hundred thousand of them.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A request, and what has come of its response.
#[derive(Debug)]
pub(crate) struct Collect {
    exchange: Exchange,
    body: Vec<u8>,
    /// What a response is that is too long: where less may be asked for, that will do.
    too_long: Fault,
}

impl Collect {
    pub(crate) fn new(call: Call, attempts_max: u32) -> Self {
        let exchange = Exchange::restarting(call, attempts_max);
        Self { exchange, body: Vec::new(), too_long: Fault::Malformed }
    }

    /// One that is not asked again where it takes too long.
    pub(crate) fn ending_late(call: Call, attempts_max: u32) -> Self {
        let exchange = Exchange::restarting(call, attempts_max).ending_late();
        Self { exchange, body: Vec::new(), too_long: Fault::TooLarge }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.exchange.want(now, ids, true)
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        self.exchange.owns(id)
    }

    /// Takes an answer; returns the body once it is whole.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Option<Vec<u8>>, Error> {
        match self.exchange.answer(answer) {
            Event::Nothing => {}
            // If it broke off before, it begins anew: what came is void.
            Event::Begun(_) => self.body.clear(),
            Event::Piece(piece) => {
                self.body.extend(piece);
                if self.body.len() > ANSWER_BYTES_MAX {
                    let message = format!(
                        "expected a response of at most {ANSWER_BYTES_MAX} bytes, found a longer one"
                    );
                    return Err(Error::new(self.too_long, message));
                }
            }
            Event::Ended => return Ok(Some(std::mem::take(&mut self.body))),
            Event::Failed(error) => return Err(error),
        }
        Ok(None)
    }
}
