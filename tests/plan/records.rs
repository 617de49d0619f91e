//! What is believed of records: another's, the guide's, and those that were made with other settings.

use serde_json::json;
use tsm2iox_guest::plan::{Ending, Outcome, Purpose};

use crate::world::World;
use crate::{complete, settings, world};

/// What the guide's task has recorded of the first three hours; of one it says what never arrived.
fn of_the_guide() -> String {
    (0..3)
        .map(|hour| {
            format!(
                "batches,srcBucket=src,dstOrg=there,dstBucket=dst batch_start=\"1970-01-01T0{hour}:00:00Z\",\
                 batch_stop=\"1970-01-01T0{}:00:00Z\",rows=3i,percent_complete=15.0 {hour}\n",
                hour + 1
            )
        })
        .collect()
}

#[test]
fn what_the_guide_s_task_has_recorded_counts_only_if_a_person_says_so() {
    let mut world = World { checkpoint: of_the_guide(), ..world() };
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    assert_eq!(world.arrived(), world.expected(0..23400));
    let note = world.notes.iter().find(|note| note.message.contains("guide's task"));
    let note = note.expect("it is said");
    assert_eq!(
        note.message,
        "3 records of the guide's task in the checkpoint, which do not count: it records batches that \
         may not have arrived"
    );
    let hint = "if you know that they have, set `checkpoint.trust_task = true`";
    assert_eq!(note.hint.as_deref(), Some(hint));

    let mut world = World { checkpoint: of_the_guide(), ..self::world() };
    let trusting = settings(&json!({ "checkpoint": { "trust_task": true } }));
    complete(world.run(Purpose::Migrate, &trusting));
    assert_eq!(world.arrived(), world.expected(3 * 3600..23400));

    // Of another bucket it says nothing.
    let other = of_the_guide().replace("dstBucket=dst", "dstBucket=other");
    let mut world = World { checkpoint: other, ..self::world() };
    complete(world.run(Purpose::Migrate, &trusting));
    assert_eq!(world.arrived(), world.expected(0..23400));
}

#[test]
fn what_decides_the_lines_must_not_change_midway() {
    let product =
        |product| settings(&json!({ "destination": { "api": "v2", "product": product } }));
    let unsaid = settings(&json!({ "destination": { "api": "v2" } }));
    let accepting = settings(&json!({ "schema": { "line_breaks": "accept" } }));
    let strict = settings(&json!({}));
    let setting_aside = settings(&json!({
        "schema": { "unfit": "set_aside" }, "rejected": { "max": 1 },
    }));
    let renaming = |to: &str| {
        settings(&json!({ "schema": { "rename": [{ "tag": "no such tag", "to": to }] } }))
    };
    let floats = settings(&json!({ "schema": { "types": [{ "field": "none", "as": "float" }] } }));
    // What was refused before may be allowed later: it was not moved yet.
    for (first, second) in [
        (&unsaid, &product("oss")),
        (&strict, &accepting),
        (&strict, &setting_aside),
        (&unsaid, &unsaid),
        (&renaming("a"), &renaming("a")),
        (&floats, &floats),
    ] {
        let mut world = world();
        complete(world.run(Purpose::Migrate, first));
        complete(world.run(Purpose::Migrate, second));
    }
    for (first, second, key) in [
        (&product("oss"), &product("serverless"), "destination.product"),
        (&accepting, &strict, "schema.line_breaks"),
        (&setting_aside, &strict, "schema.unfit"),
        (&strict, &renaming("a"), "schema.rename"),
        (&renaming("a"), &renaming("b"), "schema.rename"),
        (&renaming("a"), &strict, "schema.rename"),
        (&floats, &strict, "schema.types"),
    ] {
        let mut world = world();
        complete(world.run(Purpose::Migrate, first));
        let outcome = world.run(Purpose::Migrate, second);
        let Ok(Outcome { ending: Ending::Failed(error), .. }) = outcome else {
            panic!("{outcome:?}")
        };
        let message =
            format!("the migration was begun with another `{key}`, which decides the lines");
        assert_eq!(error.message, message);
    }
}

#[test]
fn a_migration_that_goes_on_moves_to_the_present_of_each_round() {
    let every = json!({ "migration": { "stop": "now", "lag": "0s", "every": "5m" } });
    let mut world =
        World { seconds: vec![100, 5000, 9000], now: 6_000_000_000_000, ..World::default() };
    complete(world.run(Purpose::Migrate, &settings(&every)));
    assert_eq!(world.arrived(), world.expected(0..6000));
    world.now = 10_000_000_000_000;
    complete(world.run(Purpose::Migrate, &settings(&every)));
    assert_eq!(world.arrived(), world.expected(0..10_000));
    // Without it, "now" is what it was.
    world.seconds.push(11_000);
    world.now = 12_000_000_000_000;
    let once = json!({ "migration": { "stop": "now", "lag": "0s" } });
    complete(world.run(Purpose::Migrate, &settings(&once)));
    assert_eq!(world.arrived(), world.expected(0..10_000));
}

#[test]
fn a_migration_that_goes_on_goes_on_from_what_the_guide_s_task_has_done() {
    let every = json!({
        "migration": { "stop": "now", "lag": "0s", "every": "5m" },
        "checkpoint": { "trust_task": true },
    });
    let now = 3 * 3600 * 1_000_000_000;
    let mut world = World { checkpoint: of_the_guide(), now, ..world() };
    complete(world.run(Purpose::Migrate, &settings(&every)));
    assert_eq!(world.arrived(), world.expected(0..0));
    world.now = 5 * 3600 * 1_000_000_000;
    complete(world.run(Purpose::Migrate, &settings(&every)));
    assert_eq!(world.arrived(), world.expected(3 * 3600..5 * 3600));
}

#[test]
fn a_start_in_the_future_is_no_error_where_a_later_round_comes_to_it() {
    let every = json!({ "migration": { "stop": "now", "lag": "1h", "every": "5m" } });
    let mut world = World { now: 600_000_000_000, ..world() };
    complete(world.run(Purpose::Migrate, &settings(&every)));
    world.now = 3 * 3600 * 1_000_000_000;
    complete(world.run(Purpose::Migrate, &settings(&every)));
    assert_eq!(world.arrived(), world.expected(0..2 * 3600));
}

#[test]
fn a_section_that_is_recorded_is_not_moved_again_and_the_others_are() {
    let mut world = world();
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    // As if only the measurements before "n", of which there is one, had been recorded.
    let section =
        "section=\"[{\\\"of\\\":\\\"measurement\\\",\\\"before\\\":\\\"n\\\"}]\",migration_start=";
    let lines = world.checkpoint.lines().map(|line| match line.starts_with("batches") {
        true => line.replace("migration_start=", section) + "\n",
        false => line.to_owned() + "\n",
    });
    world.checkpoint = lines.collect();
    world.queries.clear();
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    let not_before_n = "r._measurement =~ /^(?:[\\x5cx{6f}-\\x5cx{10ffff}](?s:.*)|n(?s:.*))$/";
    assert_eq!(world.queries.len(), 7);
    assert!(world.queries.iter().all(|query| query.contains(not_before_n)), "{:?}", world.queries);
    // All is done now, of all sections.
    world.queries.clear();
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    assert_eq!(world.queries.len(), 0);
}
