//! A batch that anyone may answer comes to an end, and writes nothing that is not line protocol.

use std::collections::HashMap;

use serde_json::json;
use tsm2iox_guest::error::Endpoint;
use tsm2iox_guest::plan::{Answer, Ending, Outcome, Plan, Purpose, Step};
use tsm2iox_guest::protocol::{Cause, Failure, Request, Response};
use tsm2iox_guest::time::Timestamp;

use crate::lines::Values;

/// So many bytes at the beginning decide what becomes of the steps; the rest is what the source
/// says.
const DECISIONS: usize = 32;

/// 2023, when nobody should still write points of 2022: they are counted.
const LATE: Timestamp = Timestamp(1_672_531_200_000_000_000);

/// Between the bodies of two responses. Neither format has it.
const BETWEEN_BODIES: [u8; 2] = [0xff, 0xff];

/// No answers give a plan more to do: attempts, waits and pieces are some hundreds.
const STEPS_MAX: usize = 10_000;

/// Checks a batch for these answers.
///
/// # Panics
/// If it panics, has no end, or writes what it should not.
pub fn check_batch(answers: &[u8]) {
    let mut host = Host::new(answers);
    let mut plan = Plan::open(Purpose::Batch, &host.order()).expect("the order is fit");
    let outcome = host.run(&mut plan);
    assert_eq!(plan.next(host.now), Step::Done(outcome.clone()), "after the end");
    if outcome.ending == Ending::Complete {
        let totals = (outcome.totals.points, outcome.totals.rows);
        assert_eq!(totals, host.acknowledged, "lines and values that the destination took");
    }
}

struct Host<'a> {
    /// What is left of them; 0 once they are used up, with which all goes well.
    decisions: &'a [u8],
    /// What is left of all bodies, and of the one that is read.
    bodies: &'a [u8],
    body: &'a [u8],
    now: Timestamp,
    /// Bodies that may be asked for again.
    sent: HashMap<u64, String>,
    /// Lines and values that the destination took.
    acknowledged: (u64, u64),
}

impl<'a> Host<'a> {
    fn new(answers: &'a [u8]) -> Self {
        let (decisions, bodies) = answers.split_at(answers.len().min(DECISIONS));
        let (sent, now) = (HashMap::new(), Timestamp(0));
        Self { decisions, bodies, body: &[], now, sent, acknowledged: (0, 0) }
    }

    fn decide(&mut self) -> u8 {
        self.decisions.split_off_first().copied().unwrap_or(0)
    }

    fn order(&mut self) -> String {
        let decision = self.decide();
        let language = if decision.is_multiple_of(2) { "flux" } else { "influxql" };
        if decision & 2 > 0 {
            self.now = LATE;
        }
        // The day of most responses in the corpus.
        let range = ["1640995200000000000", "1641081600000000000"];
        let settings = json!({
            "migration": {
                "start": "2022-01-01T00:00:00Z",
                "stop": "2022-01-02T00:00:00Z",
                "batch_interval": "1d",
            },
            "source": {
                "api": "v2",
                "language": language,
                "url": "http://source",
                "org": "o",
                "bucket": "src",
            },
            "destination": { "api": "v3", "url": "http://destination", "bucket": "dst" },
            "limits": { "attempts": 3 },
        });
        let order = json!({ "settings": settings, "batch": range, "migration": range });
        order.to_string()
    }

    fn run(&mut self, plan: &mut Plan) -> Outcome {
        for _ in 0..STEPS_MAX {
            match plan.next(self.now) {
                Step::Send(request) => {
                    let answer = self.send(&request);
                    plan.answer(request.id, answer);
                    self.sent.insert(request.id, request.body);
                }
                Step::Recall(id) => {
                    let body = self.sent.remove(&id).expect("it was sent, and not given back");
                    plan.answer(id, Answer::Body(body));
                }
                Step::Read(id) => {
                    let answer = self.read();
                    plan.answer(id, answer);
                }
                Step::Wait(until) => {
                    assert!(until > self.now, "a wait for what has passed");
                    self.now = until;
                }
                Step::Note(_) | Step::Report(_) => {}
                Step::Batch(batch) => panic!("a batch asks for another: {batch:?}"),
                Step::Done(outcome) => return outcome,
            }
        }
        panic!("no end within {STEPS_MAX} steps");
    }

    fn send(&mut self, request: &Request) -> Answer {
        let is_write = request.endpoint == Endpoint::Destination && request.method == "POST";
        let status = match (self.decide() % 32, is_write) {
            (0..=15, true) => 204,
            (0..=15, false) => 200,
            (16, _) => 201,
            (17, _) => 400,
            (18, _) => 401,
            (19, _) => 404,
            (20 | 21, _) => 413,
            (22, _) => 422,
            (23 | 24, _) => 429,
            (25, _) => 500,
            (26, _) => 503,
            (27, _) => return failed(Cause::Unreachable),
            (28, _) => return failed(Cause::TimedOut),
            (29, _) => return failed(Cause::Broken),
            (other, _) => u16::from(other) * 10,
        };
        if is_write {
            let values = Values::of(&request.body);
            if status == 204 {
                self.acknowledged.0 += values.lines;
                self.acknowledged.1 += values.count;
            }
        }
        let end = self.bodies.windows(2).position(|bytes| bytes == BETWEEN_BODIES);
        let end = end.unwrap_or(self.bodies.len());
        (self.body, self.bodies) = self.bodies.split_at(end);
        self.bodies = self.bodies.get(BETWEEN_BODIES.len()..).unwrap_or_default();
        let retry = ("retry-after".to_owned(), (self.body.len() % 100).to_string());
        let headers = if self.body.len() % 3 == 1 { vec![retry] } else { Vec::new() };
        Answer::Response(Response { status, headers })
    }

    fn read(&mut self) -> Answer {
        let length = match self.decide() % 64 {
            63 => return failed(Cause::Broken),
            62 => return failed(Cause::TimedOut),
            0 => self.body.len(),
            length => usize::from(length).min(self.body.len()),
        };
        if self.body.is_empty() {
            return Answer::End;
        }
        let (piece, rest) = self.body.split_at(length);
        self.body = rest;
        Answer::Bytes(piece.to_vec())
    }
}

fn failed(cause: Cause) -> Answer {
    Answer::Failed(Failure { cause, message: "as told".to_owned() })
}
