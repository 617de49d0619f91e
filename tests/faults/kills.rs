//! The real binary is killed at random moments, started again, and killed again, until it is complete.
//!
//! `SEED=7` takes other moments; a seed that fails prints itself.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use support::influx::{Fault, Moment};
use support::process::{END_MAX, end};

use crate::run::{INFLUXDB_1, INFLUXQL, Migration, talk};
use crate::sides::{AT_ONCE, ONE_BY_ONE, Records, Shape, Sides, Target};

/// So often each shape is killed: eight of them make 200.
const KILLS: u32 = 25;
/// Each answer comes so much later, so that a kill falls between an effect and its answer too.
const ANSWER_DELAY: Duration = Duration::from_millis(1);
/// Of the exchanges with one server, one of so many is followed by a kill.
const EXCHANGES: usize = 12;
/// The kill comes at most so much later: most exchanges are over by then.
const DELAY_MICROSECONDS: u64 = 4000;
/// Between two looks whether a run has ended by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Most kills let a batch pass, and there are two dozens of them.
pub(crate) const RUNS_MAX: usize = 400;

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Complete,
    Killed,
}

/// The first seed.
fn seed() -> u64 {
    env::var("SEED").map_or(0, |text| text.parse().expect("it is a number"))
}

/// Does something that follows from a seed and a number; says which seed it was if it fails.
pub(crate) fn seeded(number: u64, what: impl FnOnce(&mut Rng)) {
    let seed = seed();
    let mut rng = Rng::with_seed(seed.wrapping_mul(1000).wrapping_add(number));
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| what(&mut rng))) {
        eprintln!("SEED={seed} takes the same moments");
        resume_unwind(panic);
    }
}

/// Starts a run, and kills it when its moment has come and the pause after it is over.
#[track_caller]
pub(crate) fn run(migration: &Migration, moment: &Receiver<Duration>) -> Ended {
    let mut process = migration.start();
    let is_killed = wait(&mut process, moment);
    if is_killed {
        process.kill().expect("it is not waited for yet");
    }
    let output = end(process);
    let talk = talk(&output);
    assert!(!talk.contains("panicked"), "{talk}");
    match output.status.code() {
        Some(0) => Ended::Complete,
        None if is_killed => Ended::Killed,
        status => panic!("status {status:?}: {talk}"),
    }
}

/// Waits until a process is to be killed, and says so; or until it has ended.
#[track_caller]
fn wait(process: &mut Child, moment: &Receiver<Duration>) -> bool {
    let start = Instant::now();
    loop {
        match moment.recv_timeout(LOOK_AGAIN) {
            Ok(pause) => {
                thread::sleep(pause);
                return true;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if process.try_wait().expect("it can be waited for").is_some() {
            return false;
        }
        // `end` kills it then, and says so.
        if start.elapsed() > END_MAX {
            return false;
        }
    }
}

/// Migrates undisturbed, and says how long that takes.
pub(crate) fn time_whole(migration: &Migration) -> Duration {
    let start = Instant::now();
    migration.complete();
    start.elapsed()
}

/// A moment within so long after the start, whatever goes on then.
pub(crate) fn at_some_time(rng: &mut Rng, within: Duration) -> Receiver<Duration> {
    let (sender, moment) = mpsc::channel();
    sender.send(within.mul_f64(rng.f64())).expect("it is received below");
    moment
}

/// A moment soon after some exchange with some server.
fn after_some_exchange(rng: &mut Rng, shape: &Shape, sides: &Sides) -> Receiver<Duration> {
    let (sender, moment) = mpsc::channel();
    let roles = shape.roles();
    let server = sides.server(roles[rng.usize(0..roles.len())]);
    let pause = if rng.bool() { rng.u64(0..DELAY_MICROSECONDS) } else { 0 };
    let when = if rng.bool() { Moment::Arrived } else { Moment::Applied };
    server.on_request(when, "", rng.usize(1..=EXCHANGES), move |_| {
        // Nobody listens any more where the run has ended before.
        let _ = sender.send(Duration::from_micros(pause));
    });
    moment
}

/// Migrates again and again, until it has been killed often enough on the way.
fn kill_often(rng: &mut Rng, shape: &Shape) {
    let Shape { road, target, records, concurrency, .. } = shape;
    let context = format!(
        "from {} of {:?} to {target:?}, records in {records:?}, {concurrency} at once",
        road.path, road.version
    );
    let whole = Sides::new(shape);
    let takes = time_whole(&whole.migration);
    let whole = whole.migration.read("out.lp");
    let (mut kills, mut runs, mut migrations) = (0, 0, 0);
    while kills < KILLS {
        migrations += 1;
        let sides = Sides::new(shape);
        let ended = || {
            for role in shape.roles() {
                sides.server(role).heal();
                sides.server(role).break_from("", 1, Fault::Delayed(ANSWER_DELAY));
            }
            let moment = match rng.u8(0..4) {
                0 => at_some_time(rng, takes),
                _ => after_some_exchange(rng, shape, &sides),
            };
            runs += 1;
            let ended = run(&sides.migration, &moment);
            sides.check_midway(&context);
            kills += u32::from(ended == Ended::Killed);
            ended
        };
        assert!(
            std::iter::repeat_with(ended).take(RUNS_MAX).any(|ended| ended == Ended::Complete),
            "{context}: it does not complete in {RUNS_MAX} runs"
        );
        sides.check_complete(&context);
        assert_eq!(sides.migration.read("out.lp"), whole, "{context}");
    }
    eprintln!("{kills} kills, {runs} runs until {migrations} migrations were complete: {context}");
}

/// Two dozens of batches.
const LONG: Shape = Shape { batches: 24, minutes: 15, attempts: 3, ..ONE_BY_ONE };
/// Four of them in flight.
const LONG_AT_ONCE: Shape = Shape { concurrency: AT_ONCE.concurrency, ..LONG };

/// Kills each of these often, all of them side by side.
fn check(first: u64, shapes: &[Shape]) {
    thread::scope(|scope| {
        for (number, shape) in (first..).zip(shapes) {
            scope.spawn(move || seeded(number, |rng| kill_often(rng, shape)));
        }
    });
}

#[test]
fn a_hundred_kills_lose_no_point_on_the_way_to_a_server() {
    let shapes = [
        LONG,
        Shape { records: Records::File, ..LONG_AT_ONCE },
        Shape { road: &INFLUXQL, target: Target::V2, ..LONG_AT_ONCE },
        Shape { road: &INFLUXDB_1, target: Target::V1, records: Records::File, ..LONG },
    ];
    check(0, &shapes);
}

#[test]
fn a_hundred_kills_leave_each_line_once_in_a_file() {
    let to_file = |shape| Shape { target: Target::File, ..shape };
    let shapes = [
        Shape { records: Records::File, ..to_file(LONG) },
        Shape { road: &INFLUXQL, ..to_file(LONG) },
        Shape { road: &INFLUXDB_1, records: Records::File, ..to_file(LONG_AT_ONCE) },
        to_file(LONG_AT_ONCE),
    ];
    check(100, &shapes);
}
