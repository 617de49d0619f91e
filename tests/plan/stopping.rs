//! A wish to come to an end: what can be done within a few seconds is done and recorded, and the rest is
//! left to the next run.

use serde_json::json;
use tsm2iox_guest::error::{Endpoint, Fault};
use tsm2iox_guest::plan::{Answer, Ending, Outcome, Plan, Purpose, Step};
use tsm2iox_guest::protocol::{Request, Response};
use tsm2iox_guest::time::Timestamp;

use crate::world::World;
use crate::{first_order, settings, world};

const SECOND: i64 = 1_000_000_000;

/// What a plan had done when it was at its end.
struct End {
    outcome: Outcome,
    seconds: i64,
}

/// Drives a batch whose destination answers only after so many seconds, and wishes an end when the
/// `nth` request is in the host's hands.
fn stop_batch(nth: usize, destination_seconds: i64) -> End {
    let order = first_order(&settings(&json!({})));
    let mut plan = Plan::open(Purpose::Batch, &order).expect("the order is fit");
    let mut world = World { now: 1, ..world() };
    let (mut requests, mut stopped) = (0, None);
    let mut due: Vec<(i64, Request)> = Vec::new();
    let mut bodies: Vec<(u64, Vec<Answer>)> = Vec::new();
    loop {
        let at = due.iter().position(|(time, _)| *time <= world.now);
        if let Some((_, request)) = at.map(|at| due.swap_remove(at)) {
            let (response, body) = world.serve(&request);
            bodies.push((request.id, body));
            plan.answer(request.id, Answer::Response(response));
        }
        match plan.next(Timestamp(world.now)) {
            Step::Send(request) => {
                requests += 1;
                let is_slow = request.endpoint == Endpoint::Destination;
                let seconds = if is_slow { destination_seconds } else { 0 };
                due.push((world.now + seconds * SECOND, request));
                if requests == nth {
                    plan.stop();
                    stopped = Some(world.now);
                }
            }
            Step::Read(id) => {
                let body = bodies.iter_mut().find(|(other, _)| *other == id);
                let piece = body.expect("only a response has a body").1.pop();
                plan.answer(id, piece.unwrap_or(Answer::End));
            }
            Step::Wait(until) => {
                let next = due.iter().map(|(time, _)| *time).min();
                world.now = next.map_or(until.0, |next| next.min(until.0)).max(world.now + 1);
            }
            Step::Note(_) | Step::Report(_) => {}
            Step::Recall(_) | Step::Batch(_) => panic!("nothing is refused, and it is a batch"),
            Step::Done(outcome) => {
                let stopped = stopped.expect("it was asked to stop");
                return End { outcome, seconds: (world.now - stopped) / SECOND };
            }
        }
    }
}

fn is_interrupted(end: &End) -> bool {
    matches!(&end.outcome.ending, Ending::Stopped(error) if error.fault == Fault::Stopped)
}

#[test]
fn a_batch_that_reads_is_abandoned_at_once() {
    let end = stop_batch(1, 0);
    assert!(is_interrupted(&end), "{:?}", end.outcome.ending);
    assert_eq!((end.seconds, end.outcome.checkpoint.as_str()), (0, ""));
}

#[test]
fn a_batch_that_is_read_goes_to_its_end_if_that_is_near() {
    // As InfluxDB 3 Core acknowledges.
    let end = stop_batch(2, 1);
    assert_eq!(end.outcome.ending, Ending::Complete);
    assert_eq!(end.seconds, 1);
    assert!(end.outcome.checkpoint.starts_with("batches,"));
}

#[test]
fn nobody_waits_for_a_destination_that_does_not_answer() {
    let end = stop_batch(2, 60);
    assert!(is_interrupted(&end), "{:?}", end.outcome.ending);
    assert_eq!(end.outcome.checkpoint, "");
    assert!(end.seconds <= 5, "{} s", end.seconds);
}

#[test]
fn nobody_waits_for_a_batch_or_a_checkpoint_that_does_not_answer() {
    // The checkpoint is read, then opened, then a batch is in the host's hands.
    for answers in 0..3 {
        let settings = settings(&json!({}));
        let mut plan = Plan::open(Purpose::Migrate, &settings).expect("the settings are fit");
        let (mut now, mut stopped, mut answered) = (1, None, 0);
        let outcome = loop {
            match plan.next(Timestamp(now)) {
                Step::Send(request) if answered < answers => {
                    answered += 1;
                    let status = if request.method == "GET" { 404 } else { 204 };
                    let response = Response { status, headers: Vec::new() };
                    plan.answer(request.id, Answer::Response(response));
                }
                Step::Read(id) => plan.answer(id, Answer::End),
                Step::Send(_) | Step::Batch(_) => {
                    plan.stop();
                    stopped.get_or_insert(now);
                }
                Step::Recall(_) => panic!("a migration keeps its records"),
                Step::Note(_) | Step::Report(_) => {}
                Step::Wait(until) => now = until.0.max(now + 1),
                Step::Done(outcome) => break outcome,
            }
        };
        let seconds = (now - stopped.expect("it was asked to stop")) / SECOND;
        assert!(seconds <= 10, "{answers}: {seconds} s");
        let Ending::Stopped(error) = outcome.ending else { panic!("it passes for a success") };
        assert_eq!(error.fault, Fault::Stopped, "{answers}");
    }
}
