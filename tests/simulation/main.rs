//! Whole migrations in a world that follows from a seed: virtual time, many series, time-outs, quotas,
//! faults and crashes. What must hold, holds for each seed.
//!
//! `SEEDS=100000 cargo test --release -p tsm2iox-guest --test simulation` takes more of them, `SEED=7` one alone.

#![expect(clippy::print_stderr, reason = "a seed that fails says so, and what happened")]

use std::collections::BTreeSet;
use std::ops::Range;

use fastrand::Rng;
use serde_json::{Value, json};
use tsm2iox_guest::plan::Ending;

mod guide;
mod limits;
mod pipeline;
mod records;
mod refused;
mod smallest;
mod source;
mod world;

use source::{SECOND, Source};
use world::{Ended, Faults, ServerQuota, World};

/// In an ordinary run of the tests.
const SEEDS: u64 = 1000;

/// After so many crashes the process is left alone; a migration that then still stops has no end.
const CRASHES_MAX: u32 = 20;
const RUNS_MAX: u32 = 100;

#[test]
fn what_must_hold_holds_for_each_seed() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("it is a number"));
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| simulate(seed)) {
            eprintln!("SEED={seed} replays it");
            std::panic::resume_unwind(panic);
        }
    }
}

/// More than there are points.
const REJECTED_MAX: u64 = 1_000_000;

/// A migration and what it may use.
struct Case {
    settings: Value,
    times: Range<i64>,
    window: i64,
    read: Option<u64>,
    write: Option<u64>,
    concurrency: u64,
    is_auto: bool,
}

fn case(rng: &mut Rng) -> Case {
    let start = rng.i64(-500_000_000..1_600_000_000) * SECOND;
    let days = if rng.u8(0..8) == 0 { rng.i64(8..40) } else { rng.i64(0..8) };
    let times = start..start + days * 86_400 * SECOND + rng.i64(0..SECOND);
    let window = 300 * SECOND;
    let mut allowance = |least: u64| rng.bool().then(|| rng.u64(least..20 * least));
    let (read, write) = (allowance(4000), allowance(500));
    let concurrency = if rng.bool() { 1 } else { rng.u64(1..4) };
    let is_auto = rng.u8(0..4) > 0;
    let time = |time| tsm2iox_guest::time::Timestamp(time).to_string();
    let mut limits = json!({ "concurrency": concurrency, "share": 1.0 });
    for (key, bytes) in [("read_mb", read), ("write_mb", write)] {
        if let Some(bytes) = bytes {
            limits[key] = json!(bytes as f64 / 1e6);
        }
    }
    let settings = json!({
        "migration": {
            "start": time(times.start),
            "stop": time(times.end),
            "batch_interval": if is_auto { "auto" } else { "12h" },
        },
        "source": { "api": "v2", "language": "flux", "url": "http://s", "org": "o", "bucket": "b" },
        "destination": { "api": "v3", "url": "http://d", "bucket": "b" },
        "limits": limits,
        "rejected": { "max": REJECTED_MAX },
    });
    Case { settings, times, window, read, write, concurrency, is_auto }
}

fn simulate(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let case = case(&mut rng);
    let source = Source::random(&mut rng, case.times.clone());
    let faults = match rng.u8(0..3) {
        0 => Faults::default(),
        1 => Faults { exchange: 20, busy: 20, crash: 0, jump: 0 },
        _ => Faults { exchange: 10, busy: 10, crash: 5, jump: if rng.bool() { 5 } else { 0 } },
    };
    let mut world = World::new(rng, source);
    world.faults = faults;
    world.tells_reports = world.rng.u8(0..4) > 0;
    if let Some(bytes) = case.write.filter(|_| world.rng.bool()) {
        let (window, phase) = (case.window, world.rng.i64(0..case.window));
        // Others may use so much that even one body of ours has to wait for the next window.
        let others = world.rng.u64(0..bytes);
        world.quota = Some(ServerQuota { window, phase, bytes: bytes + others, others });
    }
    if world.rng.u8(0..4) == 0 {
        world.refuses = refused::is_refused;
    }
    let settings = case.settings.to_string();
    world.is_shown = std::env::var("SEED").is_ok();
    if world.is_shown {
        eprintln!("{settings}");
    }
    let mut runs = 0;
    let is_different = loop {
        runs += 1;
        assert!(runs < RUNS_MAX, "it never comes to an end");
        match world.run(&settings) {
            Ended::Done(outcome) if outcome.ending == Ending::Complete => break false,
            Ended::Done(outcome) if outcome.ending == Ending::Different => break true,
            Ended::Done(outcome) => {
                // Whatever stops it, the same command goes on.
                assert!(matches!(outcome.ending, Ending::Stopped(_)), "{:?}", outcome.ending);
                world.now += world.rng.i64(0..600 * SECOND);
            }
            Ended::Crashed => {
                records::disturb(&mut world);
                refused::disturb(&mut world);
                world.now += world.rng.i64(0..600 * SECOND);
                if world.crashes == CRASHES_MAX {
                    world.faults.crash = 0;
                }
            }
        }
    };
    check(&case, &world, is_different);
}

/// `is_different`: how it ended.
fn check(case: &Case, world: &World, is_different: bool) {
    let (expected, refused) = refused::divide(world, world.source.lines(&case.times));
    assert_eq!(is_different, !refused.is_empty(), "a person must hear of it");
    refused::check(world, &refused);
    let missing: Vec<_> = expected.difference(&world.destination).collect();
    let invented: Vec<_> = world.destination.difference(&expected).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "missing {missing:?}, invented {invented:?}"
    );
    records::check(&world.checkpoint, &case.times);
    if world.faults.jump > 0 {
        // Whoever does not know what time it is cannot keep to a window.
        return;
    }
    if let Some(write) = case.write {
        let most = within_a_window(&world.written, case.window);
        // A line is not cut.
        let line = expected.iter().map(|line| line.len() as u64 + 1).max().unwrap_or(0);
        let share = (write / case.concurrency).max(line) * case.concurrency;
        assert!(most <= share, "{most} of {write} bytes were written in a window");
    }
    if let Some(read) = case.read {
        let most = within_a_window(&world.read, case.window);
        // Its points, and an answer of a few bytes that says how many there are.
        let batch = world.read.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0) + 200;
        let most_allowed = read + case.concurrency * batch;
        assert!(most <= most_allowed, "{most} of {read} bytes were read, and {batch} are a batch");
    }
    let at_once = |time| world.queries.iter().filter(|query| query.contains(&time)).count() as u64;
    let most = world.queries.iter().map(|query| at_once(query.start)).max().unwrap_or(0);
    assert!(most <= case.concurrency, "{most} queries were with the source at once");
    // What a window leaves may be small, and is used.
    if case.is_auto && case.write.is_none() && case.read.is_none() {
        check_sizes(case, world);
    }
}

/// The most that came in any stretch of time as long as a window.
fn within_a_window(amounts: &[(i64, u64)], window: i64) -> u64 {
    let mut amounts = amounts.to_vec();
    amounts.sort_unstable();
    let from = |start: i64| {
        let within = amounts.iter().filter(|(at, _)| (start..start + window).contains(at));
        within.map(|(_, amount)| amount).sum()
    };
    amounts.iter().map(|(at, _)| from(*at)).max().unwrap_or(0)
}

/// What is small was asked for only where something larger around it was too slow, or at the end.
fn check_sizes(case: &Case, world: &World) {
    let asked = &world.source.asked;
    for (place, small) in asked.iter().enumerate() {
        let length = small.times.end - small.times.start;
        let is_last = small.times.end == case.times.end;
        let before_midnight = small.times.end % (86_400 * SECOND) == 0;
        let all: BTreeSet<_> = (0..world.source.series.len()).collect();
        if (length >= 60 * SECOND && small.series == all) || is_last || before_midnight {
            continue;
        }
        let around = asked[..place].iter().any(|large| {
            // A minute of it would have been.
            let minutes = (large.times.end - large.times.start) as f64 / (60 * SECOND) as f64;
            let seconds = world.source.takes(large) as f64 / SECOND as f64;
            let is_slow = large.in_vain || seconds / minutes.min(1.0) > 7.0;
            is_slow && large.series.is_superset(&small.series)
        });
        assert!(around, "{small:?} was asked for, and nothing larger was too slow");
    }
}
