//! The order of things: plans driven natively, without a network, through every fault by number.

use serde_json::{Value, json};
use tsm2iox_guest::plan::{Answer, Batch, Ending, Outcome, Plan, Purpose, Step};
use tsm2iox_guest::protocol::Response;
use tsm2iox_guest::time::{TimeRange, Timestamp};

mod answers;
mod asked;
mod beginning;
mod bounds;
mod credentials;
mod dialogues;
mod influxql;
mod left_out;
mod records;
mod refusals;
mod set_aside;
mod splits;
mod stopping;
mod tiles;
mod tsm;
mod world;
use tiles::done;
use world::{Fault, Killed, World};

/// A migration of six and a half hours in batches of one.
fn settings(changes: &Value) -> String {
    let mut settings = json!({
        "migration": {
            "start": "1970-01-01T00:00:00Z",
            "stop": "1970-01-01T06:30:00Z",
            "batch_interval": "1h",
        },
        "source": {
            "api": "v2",
            "language": "flux",
            "url": "http://source",
            "org": "o",
            "bucket": "src",
        },
        "destination": { "api": "v3", "url": "http://destination", "bucket": "dst" },
        "limits": { "attempts": 3 },
    });
    for (table, keys) in changes.as_object().expect("changes are tables") {
        for (key, value) in keys.as_object().expect("a table has keys") {
            settings[table][key] = value.clone();
        }
    }
    settings.to_string()
}

fn to_file() -> String {
    let mut settings: Value = serde_json::from_str(&settings(&json!({}))).expect("it is JSON");
    settings["destination"] = json!({ "api": "lp", "path": "out.lp" });
    settings.to_string()
}

/// A point every 10 minutes of eight hours, and none in the third.
fn world() -> World {
    let seconds = (0..8 * 3600).step_by(600).filter(|second| !(7200..10800).contains(second));
    World { seconds: seconds.collect(), ..World::default() }
}

fn complete(outcome: Result<Outcome, Killed>) -> Outcome {
    let outcome = outcome.expect("nobody killed it");
    assert_eq!(outcome.ending, Ending::Complete);
    outcome
}

#[test]
fn all_points_of_the_range_arrive_and_no_others() {
    let mut world = world();
    let outcome = complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    assert_eq!(world.arrived(), world.expected(0..23400));
    let rows = world.expected(0..23400).len() as u64;
    assert_eq!((outcome.totals.rows, outcome.totals.points), (rows, rows));
    // Seven batches, the empty one too; none asks beyond the stop.
    assert_eq!(world.queries.len(), 7);
    assert_eq!(world.checkpoint.lines().count(), 1 + 7);
    assert!(world.queries[6].contains("stop: 1970-01-01T06:30:00Z"), "{}", world.queries[6]);
    assert!(
        world
            .checkpoint
            .lines()
            .last()
            .is_some_and(|line| line.contains("percent_complete=100.0 "))
    );
}

#[test]
fn a_complete_migration_does_nothing() {
    let mut world = world();
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    let (written, recorded) = (world.destination.clone(), world.checkpoint.clone());
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    assert_eq!((world.destination, world.checkpoint), (written, recorded));
    assert_eq!(world.queries.len(), 7);
}

/// Runs with each exchange broken in turn, until the fault lies beyond the last; then heals.
#[track_caller]
fn check_every_exchange(settings: &str, new: impl Fn() -> World, fault: Fault) -> Vec<World> {
    let mut worlds = Vec::new();
    for nth in 1.. {
        let mut world = World { fault: Some((nth, fault)), ..new() };
        let outcome = world.run(Purpose::Migrate, settings);
        let context = format!("{fault:?} at exchange {nth}");
        if !world.struck {
            complete(outcome);
            return worlds;
        }
        if let Ok(Outcome { ending: Ending::Complete, .. }) = outcome {
            assert_eq!(world.arrived(), world.expected(0..23400), "{context}");
        }
        world.fault = None;
        complete(world.run(Purpose::Migrate, settings));
        assert_eq!(world.arrived(), world.expected(0..23400), "{context}");
        worlds.push(world);
    }
    unreachable!("a run has an end")
}

const FAULTS: [Fault; 10] = [
    Fault::Lost,
    Fault::Unanswered,
    Fault::Cut,
    Fault::Status(500),
    Fault::Status(503),
    Fault::Status(429),
    Fault::Status(401),
    Fault::Status(400),
    Fault::KilledBefore,
    Fault::KilledAfter,
];

#[test]
fn no_fault_loses_or_invents_a_point() {
    for fault in FAULTS {
        let worlds = check_every_exchange(&settings(&json!({})), world, fault);
        // Two for the checkpoint, a look at the destination, and seven times query, write and record, but for the write of
        // the empty batch.
        assert_eq!(worlds.len(), 3 + 7 * 3 - 1, "{fault:?}");
    }
}

#[test]
fn a_file_has_the_same_bytes_after_any_fault() {
    let file = || World { destination_is_file: true, ..world() };
    let mut whole = file();
    complete(whole.run(Purpose::Migrate, &to_file()));
    for fault in FAULTS {
        for world in check_every_exchange(&to_file(), file, fault) {
            assert_eq!(world.destination, whole.destination, "{fault:?}");
        }
    }
}

#[test]
fn what_is_written_after_an_interruption_is_what_would_have_been() {
    let mut whole = world();
    complete(whole.run(Purpose::Migrate, &settings(&json!({}))));
    // The checkpoint is read and opened, the destination looked at, three batches are done (one of them empty), and the
    // fourth is asked for.
    let mut world = World { fault: Some((12, Fault::KilledBefore)), ..world() };
    world.run(Purpose::Migrate, &settings(&json!({}))).expect_err("it is killed");
    assert_eq!(world.checkpoint.lines().count(), 1 + 3);
    world.fault = None;
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    assert_eq!(world.destination, whole.destination);
}

#[test]
fn a_body_that_is_too_large_is_halved() {
    // The fifth exchange is the first write.
    let fault = Some((5, Fault::Status(413)));
    let mut world = World { fault, ..world() };
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    assert_eq!(world.arrived(), world.expected(0..23400));
    // Nor is any later one so large, of this batch or another.
    let lines = |body: &String| body.lines().count();
    assert_eq!(world.destination.iter().take(2).map(lines).collect::<Vec<_>>(), [3, 3]);
    let largest = world.destination.iter().take(2).map(String::len).max();
    assert!(world.destination.iter().map(String::len).max() <= largest, "one is larger");
}

/// The batches of a plan of purpose `split` that are left in a world.
fn split(world: &mut World, settings: &str) -> Vec<Batch> {
    let mut plan = Plan::open(Purpose::Split, settings).expect("the settings are fit");
    let (mut batches, mut body) = (Vec::new(), Vec::new());
    loop {
        match plan.next(Timestamp(0)) {
            Step::Send(request) => {
                let (response, pieces) = world.serve(&request);
                body = pieces;
                plan.answer(request.id, Answer::Response(response));
            }
            Step::Read(id) => plan.answer(id, body.pop().unwrap_or(Answer::End)),
            Step::Recall(_) => panic!("a split hands out no bodies"),
            Step::Batch(batch) => batches.push(batch),
            Step::Done(_) => return batches,
            Step::Note(_) | Step::Report(_) | Step::Wait(_) => {}
        }
    }
}

/// The order of the first.
fn first_order(settings: &str) -> String {
    split(&mut World::default(), settings).swap_remove(0).order
}

#[test]
fn a_batch_of_a_split_does_not_take_a_file_for_its_own() {
    let order = first_order(&to_file());
    let error = Plan::open(Purpose::Batch, &order).expect_err("batches at once share no file");
    assert_eq!(
        error.message,
        "the order is unfit: a file takes its batches in order, so each must know its `offset`"
    );
}

#[track_caller]
fn check_batches(start: &str, stop: &str, interval: &str, expected: &[&str]) {
    let changes =
        json!({ "migration": { "start": start, "stop": stop, "batch_interval": interval } });
    let batches = split(&mut World::default(), &settings(&changes));
    let ranges: Vec<_> = batches.iter().map(|batch| batch.range.to_string()).collect();
    assert_eq!(ranges, expected);
}

#[test]
fn batches_follow_the_calendar_and_the_last_is_cut_at_the_stop() {
    check_batches(
        "2022-01-31T00:00:00Z",
        "2022-04-15T00:00:00Z",
        "1mo",
        &[
            "2022-01-31T00:00:00Z/2022-02-28T00:00:00Z",
            "2022-02-28T00:00:00Z/2022-03-31T00:00:00Z",
            "2022-03-31T00:00:00Z/2022-04-15T00:00:00Z",
        ],
    );
    check_batches(
        "2022-01-01T00:00:00Z",
        "2022-01-03T01:00:00Z",
        "1d1h30m",
        &["2022-01-01T00:00:00Z/2022-01-02T01:30:00Z", "2022-01-02T01:30:00Z/2022-01-03T01:00:00Z"],
    );
    check_batches(
        "2022-01-01T00:00:00Z",
        "2022-01-01T00:00:00.000000001Z",
        "1y",
        &["2022-01-01T00:00:00Z/2022-01-01T00:00:00.000000001Z"],
    );
    check_batches(
        "2262-04-11T23:47:15Z",
        "2262-04-11T23:47:16.854775807Z",
        "1s",
        &[
            "2262-04-11T23:47:15Z/2262-04-11T23:47:16Z",
            "2262-04-11T23:47:16Z/2262-04-11T23:47:16.854775807Z",
        ],
    );
}

#[test]
fn an_outcome_of_another_batch_is_noticed() {
    let settings = settings(&json!({ "limits": { "concurrency": 2 } }));
    let mut plan = Plan::open(Purpose::Migrate, &settings).expect("the settings are fit");
    let mut batches = Vec::new();
    let outcome = loop {
        match plan.next(Timestamp(0)) {
            Step::Send(request) => {
                let status = if request.method == "GET" { 404 } else { 204 };
                let response = Response { status, headers: Vec::new() };
                plan.answer(request.id, Answer::Response(response));
            }
            Step::Read(id) => plan.answer(id, Answer::End),
            Step::Recall(_) => panic!("a migration keeps its records"),
            Step::Batch(batch) => batches.push(batch),
            // The host answers each of the two with the outcome of another.
            Step::Wait(_) => plan.answer(batches.remove(0).id, done(TimeRange::ALL, String::new())),
            Step::Note(_) | Step::Report(_) => {}
            Step::Done(outcome) => break outcome,
        }
    };
    let Ending::Stopped(error) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(
        error.message,
        "the outcome of batch 1970-01-01T00:00:00Z/1970-01-01T01:00:00Z is not of this batch"
    );
}

#[test]
fn an_answer_that_was_not_asked_for_ends_the_plan() {
    let mut plan =
        Plan::open(Purpose::Migrate, &settings(&json!({}))).expect("the settings are fit");
    plan.answer(7, Answer::End);
    let Step::Done(Outcome { ending: Ending::Stopped(error), .. }) = plan.next(Timestamp(0)) else {
        panic!("it goes on")
    };
    assert_eq!(error.message, "the host answered step 7, which was not asked for");
}
