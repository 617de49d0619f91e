//! A migration by an engine: the orders of a split, each done as a plan of its own, faults by number.

use serde_json::{Value, json};
use tsm2iox_guest::error::Endpoint;
use tsm2iox_guest::plan::{Ending, Outcome, Plan, Purpose};

use crate::influxql::{from_v1, reading, tsm};
use crate::world::{Fault, Killed, World};
use crate::{complete, settings, split, world};

/// So many exchanges a whole migration of this world has at least.
const EXCHANGES_MIN: usize = 15;
const WINDOW: i64 = 300 * 1_000_000_000;

/// What is left, by one worker: an order after the other, each of which hears what those before have used.
fn work(world: &mut World, settings: &str) -> Result<Vec<Outcome>, Killed> {
    let mut recorded = World { checkpoint: world.checkpoint.clone(), ..World::default() };
    let (mut outcomes, mut used) = (Vec::new(), json!({}));
    for batch in split(&mut recorded, settings) {
        let mut order: Value = serde_json::from_str(&batch.order).expect("an order is JSON");
        order.as_object_mut().expect("an object").extend(used.as_object().cloned().expect("one"));
        let outcome = world.run(Purpose::Batch, &order.to_string())?;
        let report: Value = serde_json::from_str(&outcome.report).expect("a report is JSON");
        used = json!({ "slot": report["slot"], "window": report["window"] });
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

#[test]
fn what_an_engine_has_done_is_done() {
    let mut world = world();
    let settings = settings(&json!({}));
    let outcomes = work(&mut world, &settings).expect("nobody killed it");
    assert_eq!(world.arrived(), world.expected(0..23400));
    assert_eq!(outcomes.len(), 7);
    for outcome in outcomes {
        assert_eq!(outcome.ending, Ending::Complete);
        // Written once, as the outcome has it.
        assert_eq!(world.checkpoint.matches(&outcome.checkpoint).count(), 1);
    }
    let queries = world.queries.len();
    complete(world.run(Purpose::Migrate, &settings));
    assert_eq!(world.queries.len(), queries, "a migration after it finds nothing to do");
    assert_eq!(complete(world.run(Purpose::Status, &settings)).totals.rows, 33);
}

#[test]
fn whatever_fails_or_ends_another_attempt_does_what_is_left() {
    let faults = [
        Fault::Lost,
        Fault::Unanswered,
        Fault::Cut,
        Fault::Status(503),
        Fault::KilledBefore,
        Fault::KilledAfter,
    ];
    let settings = settings(&json!({}));
    for fault in faults {
        let mut nth = 0;
        loop {
            nth += 1;
            let mut world = World { fault: Some((nth, fault)), ..world() };
            let first = work(&mut world, &settings);
            if !world.struck {
                break;
            }
            let is_complete = first.is_ok_and(|outcomes| {
                outcomes.iter().all(|outcome| outcome.ending == Ending::Complete)
            });
            if !is_complete {
                let again = work(&mut world, &settings).expect("nobody killed it");
                assert!(again.iter().all(|outcome| outcome.ending == Ending::Complete));
            }
            assert_eq!(world.arrived(), world.expected(0..23400), "{nth} {fault:?}");
            assert_eq!(split(&mut world, &settings).len(), 0, "{nth} {fault:?}");
        }
        assert!(nth > EXCHANGES_MIN, "{nth}");
    }
}

/// Half of a record is at the end of the file, and one more follows.
#[test]
fn a_record_that_was_torn_tears_no_other() {
    let settings = settings(&json!({}));
    let mut world = world();
    work(&mut world, &settings).expect("nobody killed it");
    let whole = world.checkpoint.trim_end().to_owned();
    for cut in [1, 20, 300] {
        world.checkpoint = whole[..whole.len() - cut].to_owned();
        assert_eq!(work(&mut world, &settings).expect("nobody killed it").len(), 1, "{cut}");
        assert_eq!(split(&mut world, &settings).len(), 0, "{cut}");
        let rows = complete(world.run(Purpose::Status, &settings)).totals.rows;
        assert_eq!(rows, 33, "{cut}: the torn one counts as well");
    }
}

#[test]
fn a_record_that_cannot_be_written_is_no_success() {
    let settings = settings(&json!({}));
    let mut world = world();
    let order = split(&mut World::default(), &settings).swap_remove(0).order;
    // Its query and its write are answered, its record is refused.
    world.refuses_records = true;
    let outcome = world.run(Purpose::Batch, &order).expect("nobody killed it");
    let Ending::Failed(error) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(error.endpoint, Some(Endpoint::Checkpoint));
    assert_eq!(outcome.checkpoint, "");
}

#[test]
fn orders_share_quotas_and_rates() {
    let limits = json!({ "concurrency": 4, "write_mb": 80, "read_mb": 160, "rate_mb_per_s": 8 });
    let orders = split(&mut World::default(), &settings(&json!({ "limits": limits })));
    assert_eq!(orders.len(), 7);
    for batch in orders {
        let order: Value = serde_json::from_str(&batch.order).expect("an order is JSON");
        // A fourth of the half that is ours.
        assert_eq!(order["slot"]["writing"]["quota"]["amount"], 10_000_000);
        assert_eq!(order["slot"]["reading"]["quota"]["amount"], 20_000_000);
        assert_eq!(order["slot"]["reading"]["rate"], 2_000_000.0);
    }
}

/// What a worker reads or writes takes four windows if a window takes a quarter of it.
#[test]
fn a_worker_keeps_to_its_part() {
    let mut free = world();
    let outcomes = work(&mut free, &settings(&json!({}))).expect("nobody killed it");
    let sum = |amount: fn(&Outcome) -> u64| outcomes.iter().map(amount).sum::<u64>();
    let (read, written) = (sum(|done| done.totals.read), sum(|done| done.totals.written));
    for (key, amount) in [("read_mb", read), ("write_mb", written)] {
        let limits = json!({ key: amount as f64 / 4e6, "share": 1 });
        let mut world = world();
        work(&mut world, &settings(&json!({ "limits": limits }))).expect("nobody killed it");
        assert_eq!(world.arrived(), world.expected(0..23400));
        // The first window is used at once; a batch that is more than its part may be over by itself.
        assert!((2..=6).contains(&(world.now / WINDOW)), "{key}: {}", world.now / WINDOW);
    }
}

/// Where the language of the source has to be found first, too.
#[test]
fn a_quota_is_waited_for_before_the_first_question() {
    let mut free = reading(tsm());
    let outcomes = work(&mut free, &from_v1(&json!({}))).expect("nobody killed it");
    let read: u64 = outcomes.iter().map(|done| done.totals.read).sum();
    let limits =
        json!({ "read_mb": f64::from(u32::try_from(read).expect("little")) / 4e6, "share": 1 });
    let mut world = reading(tsm());
    work(&mut world, &from_v1(&json!({ "limits": limits }))).expect("nobody killed it");
    assert_eq!(world.arrived(), world.expected(0..23400));
    assert!((2..=6).contains(&(world.now / WINDOW)), "{}", world.now / WINDOW);
}

/// What those before have used nobody knows.
#[test]
fn a_split_that_goes_on_begins_with_used_quotas() {
    let limits = json!({ "limits": { "write_mb": 80, "read_mb": 80 } });
    let mut world = world();
    let first = split(&mut world, &settings(&limits)).swap_remove(0).order;
    complete(world.run(Purpose::Batch, &first));
    for batch in split(&mut world, &settings(&limits)) {
        let order: Value = serde_json::from_str(&batch.order).expect("an order is JSON");
        for side in ["reading", "writing"] {
            assert_eq!(order["slot"][side]["spent"][0][1], 40_000_000, "{side}");
        }
    }
}

/// One batch alone is more than a window takes: it is said, and what follows waits for as many.
#[test]
fn a_batch_that_is_more_than_a_window_waits_for_several() {
    const HOUR: i64 = 3600 * 1_000_000_000;
    // In the second case, an hour is what it waits at most.
    for (quota, least) in [(100_u32, None), (10, Some(6 * HOUR))] {
        let limits = json!({ "read_mb": f64::from(quota) / 1e6, "share": 1 });
        let mut world = world();
        let settings = settings(&json!({ "limits": limits }));
        let outcomes = work(&mut world, &settings).expect("nobody killed it");
        let (_, waited_for) = outcomes.split_last().expect("there are seven");
        let windows = |outcome: &Outcome| outcome.totals.read.div_ceil(quota.into());
        let windows: u64 = waited_for.iter().map(windows).sum();
        let least = least.unwrap_or(windows.cast_signed() * WINDOW);
        assert!(world.now >= least && world.now <= least + HOUR, "{} {least}", world.now);
        let said = "whose part of the quota is";
        assert_eq!(world.notes.iter().filter(|note| note.message.contains(said)).count(), 7);
    }
}

/// What a migration finds out when it begins, and records, no order can be about.
#[test]
fn what_only_a_migration_records_is_refused() {
    for (table, key, word) in [
        ("migration", "start", "earliest"),
        ("migration", "stop", "now"),
        ("limits", "read_mb", "auto"),
    ] {
        let order = split(&mut World::default(), &settings(&json!({}))).swap_remove(0).order;
        let mut order: Value = serde_json::from_str(&order).expect("an order is JSON");
        order["settings"][table][key] = word.into();
        let error = Plan::open(Purpose::Batch, &order.to_string()).expect_err("it is unfit");
        assert!(error.message.contains(&format!("`{key} = \"{word}\"`")), "{error}");
    }
}
