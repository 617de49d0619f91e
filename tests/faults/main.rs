//! The real binary between fake servers that break each exchange in turn, in each way, and the same
//! killed at random moments: run again, it completes, and no point is lost, invented or altered.
//!
//! `cargo test --test faults -- --nocapture` shows what each kind of fault costs.

#![expect(clippy::print_stderr, reason = "figures of faults and kills are for people")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use support::influx::Moment;
use support::process::end;

mod kills;
mod kinds;
mod real;
#[path = "../migration/run.rs"]
#[expect(dead_code, reason = "what other tests run by it as well")]
mod run;
mod sides;
mod tally;

use kinds::{Ends, Kind, Strikes, kinds};
use run::{FLUX, INFLUXDB_1, INFLUXQL, talk};
use sides::{AT_ONCE, ONE_BY_ONE, Records, Role, Shape, Sides, Target};
use tally::Tally;

/// Most of the time a run waits for a pause to be over.
const THREADS: usize = 4;
/// No migration here has so many exchanges with one server.
const EXCHANGES_MAX: usize = 100;
/// One run meets the fault, the next one meets none.
const RUNS_MAX: u32 = 2;

/// The path that a kind of fault strikes on, of those that a role has. `None` if it has none.
fn path(shape: &Shape, role: Role, strikes: Strikes) -> Option<&'static str> {
    let is_flux = shape.road.path == FLUX.path;
    match (role, strikes) {
        (_, Strikes::All) => Some(""),
        (Role::Source, Strikes::Queries) => Some(shape.road.path),
        (Role::Source, Strikes::Flux) => is_flux.then_some(FLUX.path),
        (Role::Source, Strikes::InfluxQl) => (!is_flux).then_some(INFLUXQL.path),
        (Role::Source, Strikes::Writes) => None,
        (Role::Destination, Strikes::Writes) => Some(""),
        (Role::Destination, _) => None,
        (Role::Checkpoint, Strikes::Queries | Strikes::Flux) => Some(FLUX.path),
        (Role::Checkpoint, Strikes::Writes) => Some("/api/v2/write"),
        (Role::Checkpoint, Strikes::InfluxQl) => None,
    }
}

/// Breaks each exchange with one server in turn, until the fault lies beyond the last.
fn break_each(shape: &Shape, role: Role, path: &str, kind: &Kind, whole: &[String], tally: &Tally) {
    for nth in 1.. {
        let context = format!("exchange {nth} with the {role:?}, {kind:?}, {shape:?}");
        assert!(nth < EXCHANGES_MAX, "{context}: there is no end");
        let sides = Sides::new(shape);
        sides.server(role).break_request(path, nth, kind.fault.clone());
        let began = Instant::now();
        let runs = complete(&sides, kind, &context);
        let took = began.elapsed();
        if shape.target == Target::File {
            assert_eq!(sides.sorted_lines(), whole, "{context}");
        }
        if !sides.server(role).struck() {
            assert_eq!(runs, 1, "{context}: it needs no second run");
            tally.add("none", runs, took);
            return;
        }
        tally.add(&format!("{:?}", kind.fault), runs, took);
    }
}

/// Runs the same command until it is complete, and says how often that was.
fn complete(sides: &Sides, kind: &Kind, context: &str) -> u32 {
    for run in 1..=RUNS_MAX {
        let output = end(sides.migration.start());
        let talk = talk(&output);
        let context = format!("{context}: {talk}");
        assert!(!talk.contains("panicked"), "{context}");
        sides.check_midway(&context);
        match (output.status.code(), kind.ends) {
            (Some(0), _) => {
                sides.check_complete(&context);
                return run;
            }
            (Some(1), _) | (Some(2), Ends::ForAPerson) => {}
            (status, _) => panic!("status {status:?}: {context}"),
        }
        let struck = [Role::Source, Role::Destination, Role::Checkpoint];
        let struck = struck.into_iter().any(|role| sides.server(role).struck());
        assert!(struck, "no fault has struck: {context}");
    }
    panic!("it does not complete: {context}");
}

/// What a file holds that nothing has disturbed.
fn undisturbed(shape: &Shape) -> Vec<String> {
    if shape.target != Target::File {
        return Vec::new();
    }
    let sides = Sides::new(shape);
    sides.migration.complete();
    sides.sorted_lines()
}

/// Every exchange of these migrations, with each server, broken in each way.
#[track_caller]
fn check(shapes: &[Shape]) {
    let (tally, kinds, next) = (Tally::default(), kinds(), AtomicUsize::new(0));
    let wholes: Vec<_> = shapes.iter().map(undisturbed).collect();
    let mut jobs = Vec::new();
    for (shape, whole) in shapes.iter().zip(&wholes) {
        for (role, kind) in
            kinds.iter().flat_map(|kind| shape.roles().into_iter().map(move |role| (role, kind)))
        {
            jobs.extend(
                path(shape, role, kind.strikes).map(|path| (shape, whole, role, path, kind)),
            );
        }
    }
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((shape, whole, role, path, kind)) =
                    jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    break_each(shape, *role, path, kind, whole, &tally);
                }
            });
        }
    });
    eprintln!("{tally}");
}

#[test]
fn no_fault_loses_a_point_of_one_batch_after_the_other() {
    check(&ONE_BY_ONE.by_each_road());
}

#[test]
fn no_fault_loses_a_point_of_batches_at_once() {
    check(&AT_ONCE.by_each_road());
}

#[test]
fn no_fault_loses_a_point_where_the_exchange_is_tried_again() {
    let again = |shape| Shape { records: Records::File, attempts: 3, ..shape };
    check(&[again(ONE_BY_ONE), Shape { road: &INFLUXDB_1, ..again(AT_ONCE) }]);
}

#[test]
fn a_file_has_each_line_once_after_any_fault() {
    check(&[Shape { target: Target::File, ..ONE_BY_ONE }]);
}

#[test]
fn as_many_batches_are_in_flight_as_may_be() {
    let sides = Sides::new(&AT_ONCE);
    let holds = [1, 2, 3, 4].map(|nth| sides.source.hold(Moment::Arrived, "", nth));
    let process = sides.migration.start();
    holds.iter().for_each(|hold| hold.wait());
    drop(holds);
    let output = end(process);
    assert!(output.status.success(), "{}", talk(&output));
    sides.check_complete(&talk(&output));
}
