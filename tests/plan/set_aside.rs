//! What the destination refuses and `rejected.max` allows: it is in a file before its batch is on record,
//! and the migration never passes for a plain success.

use serde_json::{Value, json};
use tsm2iox_guest::error::{Error, Fault as Kind};
use tsm2iox_guest::plan::{Ending, Outcome, Purpose};

use crate::world::{Fault, World};
use crate::{settings, world};

fn allowing(max: u64) -> String {
    settings(&json!({ "rejected": { "max": max } }))
}

/// A destination that refuses the two points of seconds 600 and 3600, each in a batch of its own.
fn refusing() -> World {
    World { refuses: Some("f=600 "), ..world() }
}

fn ending(world: &mut World, settings: &str) -> Ending {
    world.run(Purpose::Migrate, settings).expect("nobody killed it").ending
}

fn refused(ending: Ending) -> Error {
    let Ending::Failed(error) = ending else { panic!("it passes for a success: {ending:?}") };
    assert_eq!(error.fault, Kind::Refused);
    error
}

fn expected_but(world: &World, refused: &str) -> Vec<String> {
    let mut lines = world.expected(0..23400);
    lines.retain(|line| !line.contains(refused));
    lines
}

const ENTRY: &str = "# \"1970-01-01T00:00:00Z/1970-01-01T01:00:00Z\" point 2 (400): it is refused\n\
                     m,tag=a f=600 600000000000\n";

#[test]
fn none_is_allowed_by_default_and_nothing_is_written_of_it() {
    let mut world = refusing();
    let error = refused(ending(&mut world, &settings(&json!({}))));
    assert!(error.to_string().contains("refused 1 of 6 points"), "{error}");
    assert_eq!(world.rejected, "");
    assert_eq!(world.checkpoint.lines().count(), 1, "the batch is not on record");
}

#[test]
fn what_is_allowed_is_in_the_file_and_the_end_is_no_plain_success() {
    let mut world = refusing();
    let Outcome { ending, totals, .. } =
        world.run(Purpose::Migrate, &allowing(1)).expect("nobody killed it");
    assert_eq!((ending, totals.rejected), (Ending::Different, 1));
    assert_eq!(world.rejected, ENTRY);
    assert_eq!(world.arrived(), expected_but(&world, "f=600 "));
    let record = world.checkpoint.lines().nth(1).expect("the first batch is on record");
    assert!(record.contains("rejected=1i"), "{record}");
    // Nor later, when nothing is left to be done.
    let (entries, notes) = (world.rejected.clone(), world.notes.len());
    assert_eq!(self::ending(&mut world, &allowing(1)), Ending::Different);
    assert_eq!(world.rejected, entries);
    let said = &world.notes[notes..];
    let warning = "1 point was refused by the destination, and set aside";
    assert!(said.iter().any(|note| note.message == warning), "{said:?}");
}

#[test]
fn what_is_set_aside_is_on_the_disk_before_its_batch_is_on_record() {
    for fault in [
        Fault::Lost,
        Fault::Unanswered,
        Fault::KilledBefore,
        Fault::KilledAfter,
        Fault::Status(507),
    ] {
        for nth in 1.. {
            let mut world = World { fault: Some((nth, fault)), ..refusing() };
            let first = world.run(Purpose::Migrate, &allowing(1));
            let is_recorded = world.checkpoint.contains("rejected=1i");
            assert!(!is_recorded || world.rejected.contains(ENTRY), "{fault:?} at {nth}");
            if !world.struck {
                break;
            }
            if !matches!(first, Ok(Outcome { ending: Ending::Different, .. })) {
                world.fault = None;
                assert_eq!(
                    ending(&mut world, &allowing(1)),
                    Ending::Different,
                    "{fault:?} at {nth}"
                );
            }
            assert_eq!(world.arrived(), expected_but(&world, "f=600 "), "{fault:?} at {nth}");
            // A batch that is done again says so again.
            assert_eq!(world.rejected.replace(ENTRY, ""), "", "{fault:?} at {nth}");
        }
    }
}

#[test]
fn more_than_are_allowed_in_all_end_the_migration() {
    // Each point of the migration, six in each batch.
    let mut world = World { refuses: Some("m,tag=a"), ..world() };
    let error = refused(ending(&mut world, &allowing(9)));
    assert!(error.to_string().contains("refused 6 of 6 points"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("a larger `rejected.max`")));
    // The first batch is on record, and the next run goes on with the second.
    assert_eq!(world.checkpoint.matches("rejected=6i").count(), 1);
    let all = world.expected(0..23400).len() as u64;
    assert_eq!(ending(&mut world, &allowing(all)), Ending::Different);
    assert_eq!(world.arrived(), Vec::<String>::new());
    assert_eq!(world.rejected.lines().filter(|line| !line.starts_with('#')).count() as u64, all);
}

#[test]
fn an_order_for_another_engine_allows_what_the_settings_do() {
    let order = crate::first_order(&allowing(1));
    let mut world = refusing();
    let outcome = world.run(Purpose::Batch, &order).expect("nobody killed it");
    assert_eq!(outcome.ending, Ending::Different);
    assert!(outcome.checkpoint.contains("rejected=1i"), "{}", outcome.checkpoint);
    assert_eq!(world.rejected, ENTRY);
    let mut settings: Value = serde_json::from_str(&order).expect("an order is JSON");
    settings["rejected_max"] = json!(0);
    let outcome = refusing().run(Purpose::Batch, &settings.to_string()).expect("nobody killed it");
    refused(outcome.ending);
}
