//! When a migration begins and ends, what is recorded of that, and what a torn record is worth.

use serde_json::json;
use tsm2iox_guest::plan::{Ending, Outcome, Purpose};

use crate::world::{Fault, World};
use crate::{complete, settings, to_file, world};

#[test]
fn the_first_point_and_the_present_are_fixed_by_the_first_record() {
    let settings =
        settings(&json!({ "migration": { "start": "earliest", "stop": "now", "lag": "5m" } }));
    let mut world = World { seconds: vec![-7000, -3000, -100], ..World::default() };
    world.fault = Some((5, Fault::KilledBefore));
    world.run(Purpose::Migrate, &settings).expect_err("it is killed");
    assert_eq!(world.checkpoint.lines().count(), 1);
    // Points that come later, before the first and after the present of the first run.
    world.seconds.extend([-9000, -200]);
    world.fault = None;
    complete(world.run(Purpose::Migrate, &settings));
    assert_eq!(world.arrived(), world.expected(-7000..-300));
}

#[test]
fn a_source_without_points_is_complete() {
    let settings = settings(&json!({ "migration": { "start": "earliest" } }));
    let mut world = World::default();
    complete(world.run(Purpose::Migrate, &settings));
    assert!(world.notes.iter().any(|note| note.message == "the source has no points"));
}

#[test]
fn a_torn_record_is_no_record_and_its_batch_is_done_again() {
    let mut whole = World { destination_is_file: true, ..world() };
    complete(whole.run(Purpose::Migrate, &to_file()));
    // Nineteen digits of time, and the line feed: what is left still looks like a record.
    for torn in 1..=21 {
        let mut world = World { destination_is_file: true, ..world() };
        complete(world.run(Purpose::Migrate, &to_file()));
        let length = world.checkpoint.len() - torn;
        world.checkpoint.truncate(length);
        complete(world.run(Purpose::Migrate, &to_file()));
        assert_eq!(world.destination, whole.destination, "{torn} bytes torn off");
    }
}

#[test]
fn earliest_and_now_are_not_what_explicit_times_were() {
    let mut world = World { seconds: vec![-7000, 100, 200, 25000], ..World::default() };
    let explicit = json!({ "migration": { "stop": "1970-01-01T00:03:00Z" } });
    complete(world.run(Purpose::Migrate, &settings(&explicit)));
    world.now = 30000 * 1_000_000_000;
    let open = json!({ "migration": { "start": "earliest", "stop": "now" } });
    complete(world.run(Purpose::Migrate, &settings(&open)));
    assert_eq!(world.arrived(), world.expected(-7000..30000));
}

#[test]
fn a_start_after_now_is_an_error() {
    let changes = json!({ "migration": { "stop": "now" } });
    let outcome = World::default().run(Purpose::Migrate, &settings(&changes));
    let Ok(Outcome { ending: Ending::Failed(error), .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        error.message,
        "there is nothing to migrate from 1970-01-01T00:00:00Z to 1969-12-31T23:00:00Z"
    );
}

#[test]
fn a_range_without_rows_is_said() {
    let mut world = World::default();
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    let note = world.notes.last().expect("there are notes");
    let expected = "no rows were found in 1970-01-01T00:00:00Z/1970-01-01T06:30:00Z";
    assert_eq!(note.message, expected);
}
