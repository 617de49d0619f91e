//! A batch that cannot be done, and the others, which can.

use serde_json::json;
use tsm2iox_guest::plan::{Ending, Purpose, Severity};

use crate::world::World;
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
    let begins =
        "batch 1970-01-01T03:00:00Z/1970-01-01T04:00:00Z: the source `src` has a fault (500)";
    assert!(error.message.starts_with(begins), "{error}");
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
fn what_stops_several_in_a_row_is_not_about_them() {
    let mut world = World { fails: Some(("range(", 500)), ..world() };
    let Ending::Stopped(error) = run(&mut world) else { panic!("it passes for a success") };
    assert!(error.message.contains("has a fault (500)"), "{error}");
    // Three batches, each asked for three times, and none of the other four.
    assert_eq!(world.queries.len(), 3 * 3);
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
