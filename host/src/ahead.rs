//! Reading ahead: the next pieces of a body come while the last one is being worked on.
//!
//! Does not know where they come from, nor what is in them.

use tokio::sync::mpsc::{self, Receiver};
use tokio::task::AbortHandle;
use tsm2iox_guest::plan::Answer;

use crate::endpoint::{Answered, Body};

/// So many pieces, of a megabyte at most, wait for the plan, and one more is in hand; then the other side
/// waits as well.
const PIECES_AHEAD_MAX: usize = 4;

/// A body that is read ahead until it is dropped.
#[derive(Debug)]
pub struct Ahead {
    answers: Receiver<Answer>,
    reading: AbortHandle,
}

impl Ahead {
    /// Begins to read; needs a runtime.
    pub fn of(body: Body) -> Self {
        let (sender, answers) = mpsc::channel(PIECES_AHEAD_MAX);
        let reading = async move {
            let mut left = Some(body);
            while let Some(body) = left {
                let (answer, rest) = body.read().await;
                left = rest;
                if sender.send(answer).await.is_err() {
                    break;
                }
            }
        };
        Self { answers, reading: tokio::spawn(reading).abort_handle() }
    }

    /// The next piece, and what is left after it; or the end.
    pub async fn read(mut self) -> Answered {
        match self.answers.recv().await {
            Some(answer @ Answer::Bytes(_)) => (answer, Some(self)),
            Some(answer) => (answer, None),
            None => (crate::pending::crashed("the host crashed".to_owned()), None),
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
