//! A batch that cannot be done, and the others, which can.

use serde_json::json;
use tsm2iox_guest::plan::{Ending, Purpose, Severity};

use crate::world::{Fault, World};
use crate::{complete, settings, world};

/// The batch of the fourth hour.
const FOURTH: &str = "start: 1970-01-01T03:00:00Z";

fn run(world: &mut World) -> Ending {
    world.run(Purpose::Migrate, &settings(&json!({}))).expect("nobody killed it").ending
}

#[test]
fn a_batch_that_cannot_be_done_does_not_stop_the_others() {
    let mut world = World { fails: Some((FOURTH, 500)), ..world() };
    let Ending::Stopped(error) = run(&mut world) else { panic!("it passes for a success") };
    let begins = "batch 1970-01-01T03:00:00Z/1970-01-01T04:00:00Z could not be moved: the source `src` \
                  has a fault (500)";
    assert!(error.to_string().starts_with(begins), "{error}");
    let mut others = world.expected(0..23400);
    let of_fourth = world.expected(10800..14400);
    others.retain(|line| !of_fourth.contains(line));
    assert_eq!(world.arrived(), others);
    let note = world.notes.iter().find(|note| note.severity == Severity::Error);
    let message = note.map(|note| note.message.clone()).unwrap_or_default();
    assert!(message.ends_with("; the others go on without it"), "{message}");
    // The next run has only this one left.
    world.fails = None;
    let queries = world.queries.len();
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    assert_eq!(world.queries.len(), queries + 1);
    assert_eq!(world.arrived(), world.expected(0..23400));
}

#[test]
fn what_fails_several_in_a_row_is_not_about_them() {
    let mut world = World { fails: Some(("range(", 500)), ..world() };
    let Ending::Stopped(error) = run(&mut world) else { panic!("it passes for a success") };
    let begins = "it stopped after 4 batches that could not be moved: batch 1970-01-01T04:00:00Z/";
    assert!(error.to_string().starts_with(begins), "{error}");
    // Five batches, each asked for three times, and none of the other two.
    assert_eq!(world.queries.len(), 5 * 3);
}

/// A bucket with a string that line protocol cannot take from Flux, in each hour but the last.
#[test]
fn however_many_batches_have_what_cannot_be_said_the_others_are_done() {
    for concurrency in [1, 4] {
        let mut world = World { spoils: Some(6 * 3600), ..world() };
        let changes = json!({ "limits": { "concurrency": concurrency } });
        let outcome = world.run(Purpose::Migrate, &settings(&changes)).expect("nobody killed it");
        let Ending::Failed(error) = outcome.ending else { panic!("it passes for a success") };
        // The third hour has no points.
        let begins =
            "5 batches could not be moved; this is one of them: batch 1970-01-01T00:00:00Z/";
        assert!(error.to_string().starts_with(begins), "{error}");
        assert_eq!(world.arrived(), world.expected(6 * 3600..23400));
        assert_eq!(world.queries.len(), 7, "each is asked for once");
    }
}

#[test]
fn a_side_that_is_not_there_stops_all_at_once() {
    let mut world = World { fault: Some((4, Fault::Lost)), ..world() };
    let settings = settings(&json!({ "limits": { "attempts": 1 } }));
    let outcome = world.run(Purpose::Migrate, &settings).expect("nobody killed it");
    let Ending::Stopped(error) = outcome.ending else { panic!("it passes for a success") };
    assert!(error.to_string().contains("the source cannot be reached"), "{error}");
    assert_eq!(world.queries.len(), 0);
}

#[test]
fn what_is_wrong_with_a_side_stops_all_at_once() {
    for status in [400, 403, 404, 418] {
        let mut world = World { fails: Some((FOURTH, status)), ..world() };
        let Ending::Failed(_) = run(&mut world) else { panic!("it passes for a success") };
        assert_eq!(world.queries.len(), 4, "{status}");
        assert_eq!(world.arrived(), world.expected(0..10800), "{status}");
    }
}

#[test]
fn a_second_that_takes_too_long_is_left_out_once() {
    for concurrency in [1, 4] {
        // However short it is.
        let mut world = World { fails: Some((FOURTH, 504)), ..world() };
        let changes = json!({ "limits": { "concurrency": concurrency, "attempts": 1 } });
        let outcome = world.run(Purpose::Migrate, &settings(&changes)).expect("nobody killed it");
        let Ending::Failed(error) = outcome.ending else { panic!("it passes for a success") };
        assert!(error.message.contains("03:00:00Z/1970-01-01T03:00:01Z"), "{error}");
        let mut others = world.expected(0..23400);
        others.retain(|line| !line.contains("f=10800 "));
        assert_eq!(world.arrived(), others);
        let left_out = world.notes.iter().filter(|note| note.severity == Severity::Error);
        assert_eq!(left_out.count(), 1, "{:?}", world.notes);
    }
}
