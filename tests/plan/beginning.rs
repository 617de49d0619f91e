//! What a run looks at before its first batch, and what it does not begin into.

use serde_json::{Value, json};
use tsm2iox_guest::plan::{Ending, Outcome, Purpose, Severity};

use crate::tsm::{Tsm, Type};
use crate::world::World;
use crate::{complete, settings};

/// From InfluxDB 1.x: a point every 10 minutes of eight hours, of these types, an hour each.
fn world(types: &[Type]) -> World {
    let (types, every, stop) = (types.to_vec(), 600, 8 * 3600);
    let tsm = Tsm { group: 3600, types, shows_shards: true, every, start: 0, stop };
    World { tsm: Some(tsm), ..World::default() }
}

fn from_v1(changes: &Value) -> String {
    let mut all: Value = serde_json::from_str(&settings(changes)).expect("it is JSON");
    all["source"] = json!({ "api": "v1", "url": "http://source", "bucket": "src" });
    all.to_string()
}

/// A destination that answers so to any SQL.
fn answering(world: World, status: u16, rows: &Value) -> World {
    World { scripted: vec![("/api/v3/query_sql", status, rows.to_string())], ..world }
}

fn column(table: &str, name: &str, of: &str) -> Value {
    json!({ "table_name": table, "column_name": name, "data_type": of })
}

fn run(world: &mut World, changes: &Value) -> Outcome {
    world.run(Purpose::Migrate, &from_v1(changes)).expect("nobody killed it")
}

#[track_caller]
fn check_stops(mut world: World, changes: &Value, message: &str, hint: &str) {
    let outcome = run(&mut world, changes);
    let Ending::Failed(error) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(error.message, message);
    assert_eq!(error.hint.as_deref(), Some(hint));
    // Nothing is moved, and nothing is recorded: the next run looks anew.
    assert_eq!((world.destination.len(), world.checkpoint.as_str()), (0, ""));
    let again = run(&mut world, changes);
    assert!(matches!(again.ending, Ending::Failed(_)), "{:?}", again.ending);
}

/// It begins, and says no more than it is told.
#[track_caller]
fn check_begins(mut world: World, changes: &Value, warnings: &[&str]) -> World {
    complete(world.run(Purpose::Migrate, &from_v1(changes)));
    let is_warning = |severity| severity == Severity::Warning;
    let said: Vec<_> = world
        .notes
        .iter()
        .filter(|note| is_warning(note.severity))
        .map(|note| note.message.as_str())
        .collect();
    assert_eq!(said, warnings);
    world
}

const HINT_TYPES: &str = "say what becomes of it in `[[schema.types]]`, or how many points may be refused and \
                          set aside: `rejected.max`; `tsm2iox check` shows the lines to paste";
const HINT_RENAME: &str = "give it another name in `[[schema.rename]]`, or mend the destination; `tsm2iox check` shows the \
                           lines to paste";

#[test]
fn a_field_with_several_types_takes_a_rule_or_room_for_what_is_refused() {
    let types = [Type::Float, Type::Integer];
    let message = "it is not begun: field `f` of `m` has several types (float, integer), and InfluxDB 3 \
                   takes one";
    check_stops(world(&types), &json!({}), message, HINT_TYPES);
    let rule = json!({ "schema": { "types": [{ "field": "f", "as": "float" }] } });
    let arrived = check_begins(world(&types), &rule, &[]).arrived();
    assert!(!arrived.is_empty() && !arrived.iter().any(|line| line.contains("i ")), "{arrived:?}");
    let aside = json!({ "rejected": { "max": 1 } });
    check_begins(world(&types), &aside, &[message.trim_start_matches("it is not begun: ")]);
}

#[test]
fn a_type_that_a_field_had_before_the_range_does_not_matter() {
    // The strings are of the first hour.
    let types = [Type::String, Type::Float, Type::Float, Type::Float, Type::Float, Type::Float];
    let changes = json!({ "migration": {
        "start": "1970-01-01T01:00:00Z", "stop": "1970-01-01T05:00:00Z",
    } });
    check_begins(world(&types), &changes, &[]);
}

#[test]
fn the_resulting_schema_is_compared_with_what_the_destination_has() {
    let floats = [Type::Float];
    let with = |columns: &[Value]| answering(world(&floats), 200, &json!(columns));
    let held = json!({ "destination": { "holds_data": true } });
    let fits = [column("m", "f", "Float64"), column("m", "tag", "Dictionary(Int32, Utf8)")];
    check_begins(with(&fits), &held, &[]);
    check_stops(
        with(&[column("m", "f", "Int64")]),
        &held,
        "it is not begun: the destination has a field `f` of type integer, and values of type float would \
         come of `m`",
        HINT_RENAME,
    );
    check_stops(
        with(&[column("m", "f", "Dictionary(Int32, Utf8)")]),
        &held,
        "it is not begun: the destination has a tag `f`, and `f` is a field of `m`",
        HINT_RENAME,
    );
    check_stops(
        with(&[column("m", "tag", "Utf8")]),
        &held,
        "it is not begun: the destination has a field `tag`, and `tag` is a tag of `m`",
        HINT_RENAME,
    );
    // By the names that rules give.
    let renamed = json!({
        "destination": { "holds_data": true },
        "schema": { "rename": [{ "measurement": "m", "to": "n" }] },
    });
    check_begins(with(&[column("m", "f", "Int64")]), &renamed, &[]);
}

#[test]
fn a_destination_that_holds_points_of_the_range_is_written_only_if_that_is_said() {
    // The same rows answer the question for one point.
    let rows = json!([column("m", "f", "Float64")]);
    let with = || answering(world(&[Type::Float]), 200, &rows);
    check_stops(
        with(),
        &json!({}),
        "it is not begun: the destination holds points of `m` in \
         1970-01-01T00:00:00Z/1970-01-01T06:30:00Z",
        "if that may be, set `destination.holds_data = true`: a point written twice is one point, and of two \
         that differ nobody knows which InfluxDB 3 keeps",
    );
    check_begins(with(), &json!({ "destination": { "holds_data": true } }), &[]);
    // What a run has begun, the next goes on with: what is there is its own.
    let mut begun = check_begins(world(&[Type::Float]), &json!({}), &[]);
    begun.scripted = with().scripted;
    let later = json!({ "migration": { "stop": "1970-01-01T07:30:00Z" } });
    check_begins(begun, &later, &[]);
}

#[test]
fn a_destination_that_may_not_be_read_is_written_all_the_same() {
    for (status, said) in [
        (401, "does not accept the credentials (401): no"),
        (403, "does not accept the credentials (403): no"),
        (404, "does not exist (404): no"),
    ] {
        let world = answering(world(&[Type::Float]), status, &json!({ "error": "no" }));
        let warning =
            format!("what the destination holds was not looked at: the destination `dst` {said}");
        let mut warnings = vec![warning.as_str()];
        let again = "the destination `dst` does not accept the credentials (401): no; it is tried once \
                     more, for a token file may hold another one now";
        if status == 401 {
            warnings.insert(0, again);
        }
        check_begins(world, &json!({}), &warnings);
    }
}

#[test]
fn a_destination_of_which_nobody_says_what_it_is_is_written_all_the_same() {
    let changes = json!({ "destination": { "api": "v2", "org": "o" } });
    let warning = "what the destination holds was not looked at: it is not known what the destination `dst` is";
    check_begins(world(&[Type::Float]), &changes, &[warning]);
}
