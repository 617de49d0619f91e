//! Dialogues with plans, as `tests/dialogues` keeps them for hosts in other languages: what they hear must be what
//! this says.
//!
//! `BLESS=1 cargo test` writes what is said now: review the diff.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tsm2iox_guest::plan::Purpose;
use tsm2iox_guest::text::Dialogue;

use crate::influxql::{from_v1, reading, tsm};
use crate::tsm::{Tsm, Type};
use crate::world::{Fault, World};
use crate::{settings, world};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/dialogues")
}

/// Runs a migration, and compares what was said with what was said before.
#[track_caller]
fn check(name: &str, world: &mut World, purpose: Purpose, settings: &str) {
    world.dialogues = Some(Vec::new());
    let outcome = world.run(purpose, settings).expect("nobody killed it");
    let dialogues = world.dialogues.take().unwrap_or_default();
    assert!(!dialogues.is_empty(), "{outcome:?}");
    for (number, dialogue) in dialogues.iter().enumerate() {
        let path = folder().join(format!("{name}_{number}.txt"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, dialogue).expect("the folder can be written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(*dialogue == kept, "{}: it is another one now", path.display());
    }
}

#[test]
fn dialogues_by_flux_are_what_they_were() {
    let mut world = World { fault: Some((6, Fault::Status(503))), ..world() };
    let settings = settings(&json!({ "migration": { "stop": "1970-01-01T02:00:00Z" } }));
    check("flux", &mut world, Purpose::Migrate, &settings);
    // The same checkpoint is read, and there is nothing to do.
    check("flux_again", &mut world, Purpose::Migrate, &settings);
    check("status", &mut world, Purpose::Status, &settings);
}

#[test]
fn dialogues_by_influxql_are_what_they_were() {
    let types = vec![Type::Float];
    let mut world = reading(Tsm { group: 900, types, ..tsm() });
    let settings = from_v1(&json!({ "migration": { "stop": "1970-01-01T00:30:00Z" } }));
    check("influxql", &mut world, Purpose::Migrate, &settings);
}

#[test]
fn dialogues_of_points_that_are_refused_are_what_they_were() {
    let mut world = World { refuses: Some("f=1800"), ..world() };
    let changes =
        json!({ "migration": { "stop": "1970-01-01T01:00:00Z" }, "rejected": { "max": 5 } });
    check("refused", &mut world, Purpose::Migrate, &settings(&changes));
}

/// As an engine has them: of two workers, one after the other.
#[test]
fn dialogues_of_a_split_are_what_they_were() {
    let changes = json!({
        "migration": { "stop": "1970-01-01T02:00:00Z" },
        "limits": { "concurrency": 2, "write_mb": 300 },
    });
    check("split", &mut world(), Purpose::Split, &settings(&changes));
}

#[test]
fn what_is_no_call_is_said() {
    let mut dialogue = Dialogue::default();
    for (message, said) in [
        ("", "this is no call: EOF while parsing a value"),
        ("{\"next\":{}}", "this is no call: missing field `now`"),
        ("\"stop\"", "no plan is open"),
        ("{\"open\":{\"purpose\":\"status\",\"settings\":{}}}", "`source.api` is missing"),
    ] {
        let error = dialogue.call(message).expect_err("it is none");
        assert!(error.contains(said), "{error}");
        assert!(error.starts_with("{\"fault\":\""), "{error}");
    }
}
