//! The better road: which language a bucket is read by, and that no value is cast or vanishes where
//! types change.

use serde_json::{Value, json};
use tsm2iox_guest::error::Fault as ErrorFault;
use tsm2iox_guest::plan::{Ending, Plan, Purpose, Severity};

use crate::tsm::{Tsm, Type};
use crate::world::World;
use crate::{FAULTS, check_every_exchange, complete, first_order, settings};

/// A point every 10 minutes of eight hours, of one type.
pub(crate) fn tsm() -> Tsm {
    let (every, stop) = (600, 8 * 3600);
    Tsm { group: 3600, types: vec![Type::Float], shows_shards: true, every, start: 0, stop }
}

pub(crate) fn reading(tsm: Tsm) -> World {
    World { tsm: Some(tsm), ..World::default() }
}

/// From InfluxDB 1.x, with changes.
pub(crate) fn from_v1(changes: &Value) -> String {
    let mut settings: Value = serde_json::from_str(&settings(changes)).expect("it is JSON");
    settings["source"] = json!({ "api": "v1", "url": "http://source", "bucket": "src" });
    settings.to_string()
}

/// In batches of this length, to a destination that takes any type here, and may refuse some points: without
/// that, no run begins into several types.
fn in_batches_of(length: &str) -> Value {
    json!({ "migration": { "batch_interval": length }, "rejected": { "max": 1 } })
}

/// From InfluxDB 2.x by whatever language is found.
fn from_v2(migration: &Value) -> String {
    let changes = json!({ "source": { "language": "auto" }, "migration": migration });
    settings(&changes)
}

const BUCKETS: &str = r#"{"buckets":[{"id":"0a","name":"src","type":"user"}]}"#;

fn mappings(of: &[(&str, &str, bool)]) -> String {
    let mapping = |(policy, id, is_virtual): &(&str, &str, bool)| {
        json!({
            "database": "src", "retention_policy": policy, "bucketID": id, "virtual": is_virtual,
            "default": true, "id": "0f", "orgID": "0e",
        })
    };
    json!({ "content": of.iter().map(mapping).collect::<Vec<_>>() }).to_string()
}

/// A 2.x whose bucket has these mappings, and whose database has those.
fn mapped(of_bucket: &[(&str, &str, bool)], of_database: &[(&str, &str, bool)]) -> World {
    let scripted = vec![
        ("/api/v2/buckets?org=o&name=src", 200, BUCKETS.to_owned()),
        ("/api/v2/dbrps?org=o&bucketID=0a", 200, mappings(of_bucket)),
        ("/api/v2/dbrps?org=o&db=src", 200, mappings(of_database)),
    ];
    // Both languages are answered.
    World { seconds: (0..8 * 3600).step_by(600).collect(), scripted, ..reading(tsm()) }
}

/// The first note about the language, and its hint.
fn said(world: &World) -> (String, Option<String>) {
    let mut notes = world.notes.iter().filter(|note| note.message.contains("reads by"));
    let note = notes.next().expect("the run says how it reads");
    assert_eq!(note.severity, Severity::Info);
    (note.message.clone(), note.hint.clone())
}

#[test]
fn a_batch_of_one_type_takes_two_requests() {
    let mut world = reading(tsm());
    complete(world.run(Purpose::Migrate, &from_v1(&json!({}))));
    assert_eq!(world.arrived(), world.expected(0..23400));
    // The retention policies, the shards, fields, series and tags before the first, and for each of seven
    // batches one for the fields and one for the points; the empty rest of the last hour is no batch.
    assert_eq!(world.queries.len(), 2 + 3 + 7 * 2);
}

/// Long after the points.
const LATE: i64 = 1_000_000_000_000_000;

#[test]
fn a_batch_that_nobody_should_still_write_into_is_counted() {
    let mut world = World { now: LATE, ..reading(tsm()) };
    complete(world.run(Purpose::Migrate, &from_v1(&json!({}))));
    assert_eq!(world.arrived(), world.expected(0..23400));
    assert_eq!(world.queries.len(), 2 + 3 + 7 * 3);
    // The last batch is of half an hour, an hour and then a second before.
    let lag = 3600;
    for (now, counted) in [(23_400 + lag, 7), (23_399 + lag, 6), (lag, 0)] {
        let mut world = World { now: now * 1_000_000_000, ..reading(tsm()) };
        complete(world.run(Purpose::Migrate, &from_v1(&json!({}))));
        let counts = world.queries.iter().filter(|query| query.contains("count"));
        assert_eq!(counts.count(), counted, "{now}");
    }
}

/// After half an hour.
const STOP: &str = "1970-01-01T00:30:00Z";

/// Whether counts or points lose a row, it is never recorded that all has arrived.
#[track_caller]
fn check_lossy(new: impl Fn() -> World, settings: &str, message: &str) {
    let queries: [fn(&str) -> bool; 2] =
        [|query| query.contains("count("), |query| !query.contains("count(")];
    for loses in queries {
        let mut world = World { loses: Some(loses), now: LATE, ..new() };
        let outcome = world.run(Purpose::Migrate, settings).expect("nobody killed it");
        let (Ending::Failed(error) | Ending::Stopped(error)) = outcome.ending else {
            panic!("it passes for whole")
        };
        assert_eq!(error.fault, ErrorFault::Truncated, "{error}");
        // Which numbers they are, depends on what is lost.
        let said = error.to_string();
        let mut rest = said.as_str();
        for part in message.split('…') {
            let found = rest.split_once(part);
            rest = found.unwrap_or_else(|| panic!("`{part}` is not in `{said}`")).1;
        }
        assert!(error.hint.is_some_and(|hint| hint.starts_with("either the answer was cut")));
        // What is on record has no points.
        let records = world.checkpoint.lines().filter(|line| line.starts_with("batches,"));
        records.for_each(|line| assert!(line.contains("rows=0i"), "{line}"));
        world.loses = None;
        complete(world.run(Purpose::Migrate, settings));
        assert_eq!(world.arrived(), world.expected(0..1800));
    }
}

#[test]
fn a_row_that_is_left_out_without_a_word_is_missed() {
    for types in [vec![Type::Float], vec![Type::Float, Type::Integer, Type::String]] {
        for condition in [json!({}), json!({ "where": "tag = 'a'" })] {
            let new = || reading(Tsm { group: 900, types: types.clone(), ..tsm() });
            let mut migration = condition;
            migration["stop"] = json!(STOP);
            let changes = json!({ "migration": migration, "rejected": { "max": 1 } });
            let settings = from_v1(&changes);
            check_lossy(
                new,
                &settings,
                "expected … values of `m`, as the source counts them, found …",
            );
        }
    }
    let message = "expected … values, as the source counts them, found …";
    let settings = settings(&json!({ "migration": { "stop": STOP } }));
    check_lossy(crate::world, &settings, message);
}

#[test]
fn no_fault_loses_a_value_of_what_is_counted() {
    for fault in FAULTS {
        let new = || World { now: LATE, ..reading(tsm()) };
        check_every_exchange(&from_v1(&json!({})), new, fault);
        let new = || World { now: LATE, ..crate::world() };
        check_every_exchange(&settings(&json!({})), new, fault);
    }
}

#[test]
fn types_that_change_at_every_shard_group_arrive_as_they_are() {
    let all = vec![Type::Float, Type::Integer, Type::String, Type::Unsigned, Type::Boolean];
    let pairs = all.iter().flat_map(|one| all.iter().map(move |two| vec![*one, *two]));
    for types in pairs.chain([all.clone()]) {
        // Bounds that are told need not be whole hours.
        for (group, shows_shards) in [(2700, true), (3600, true), (3600, false), (7200, false)] {
            let mut world = reading(Tsm { group, types: types.clone(), shows_shards, ..tsm() });
            complete(world.run(Purpose::Migrate, &from_v1(&in_batches_of("1d"))));
            assert_eq!(world.arrived(), world.expected(0..23400), "{types:?} each {group} s");
        }
    }
}

#[test]
fn no_fault_loses_or_alters_a_value_whose_type_changes() {
    let types = vec![Type::Float, Type::Unsigned, Type::String, Type::Integer];
    let new = || reading(Tsm { types: types.clone(), ..tsm() });
    for fault in FAULTS {
        let worlds = check_every_exchange(&from_v1(&in_batches_of("2h")), new, fault);
        assert!(worlds.len() > 30, "{fault:?}: {}", worlds.len());
    }
}

#[test]
fn the_first_point_is_found_whatever_its_type() {
    for first in [Type::Boolean, Type::String, Type::Unsigned] {
        let types = vec![first, Type::Float, Type::Float, Type::Float, Type::Float];
        let mut world = reading(Tsm { start: 1200, group: 9000, types, ..tsm() });
        let mut changes = in_batches_of("1h");
        changes["migration"]["start"] = json!("earliest");
        complete(world.run(Purpose::Migrate, &from_v1(&changes)));
        assert_eq!(world.arrived(), world.expected(0..23400), "{first:?}");
        let opening = world.checkpoint.lines().next().expect("it is recorded");
        assert!(
            opening.contains("migration_start=\"1970-01-01T00:20:00.000000000Z\""),
            "{opening}"
        );
    }
}

#[test]
fn a_bucket_with_a_name_is_read_by_influxql() {
    let virtual_one = [("autogen", "0a", true)];
    let mut world = mapped(&virtual_one, &virtual_one);
    complete(world.run(Purpose::Migrate, &from_v2(&json!({}))));
    assert_eq!(world.arrived(), world.expected(0..23400));
    let (message, hint) = said(&world);
    assert_eq!(message, "reads by InfluxQL: database `src`, retention policy `autogen`");
    assert_eq!(hint, None);
}

#[track_caller]
fn check_flux(mut world: World, message: &str, hint: Option<&str>) {
    complete(world.run(Purpose::Migrate, &from_v2(&json!({}))));
    assert_eq!(said(&world), (message.to_owned(), hint.map(str::to_owned)));
    // By Flux, the points of `seconds` are found.
    world.tsm = None;
    assert_eq!(world.arrived(), world.expected(0..23400));
}

const HOW_TO_MAP: &str = "to map it: influx v1 dbrp create --org 'o' --db 'src-tsm2iox' --rp autogen \
                          --bucket-id 0a";

#[test]
fn a_bucket_without_a_name_is_read_by_flux_and_the_run_says_how_to_give_it_one() {
    let message = "reads by Flux: InfluxQL knows bucket `src` under no name";
    check_flux(mapped(&[], &[]), message, Some(HOW_TO_MAP));
}

#[test]
fn a_name_that_somebody_gave_to_another_bucket_is_not_taken() {
    // The query for `src` reaches bucket 0b (observed on InfluxDB 2.9.1).
    let world = mapped(&[("autogen", "0a", true)], &[("autogen", "0b", false)]);
    let message = "reads by Flux: InfluxQL knows bucket `src` under no name";
    check_flux(world, message, Some(HOW_TO_MAP));
}

#[test]
fn a_server_that_has_only_flux_is_read_by_flux() {
    let mut world = mapped(&[], &[]);
    world.scripted.clear();
    let message = "reads by Flux: the source `src` does not exist (404): not found";
    check_flux(world, message, None);
}

#[test]
fn a_condition_of_influxql_is_never_left_out() {
    let changes = json!({ "where": "tag = 'a'" });
    let mut world = mapped(&[], &[]);
    let outcome = world.run(Purpose::Migrate, &from_v2(&changes)).expect("nobody killed it");
    let Ending::Failed(error) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(error.message, "InfluxQL knows bucket `src` under no name");
    assert_eq!(error.hint.as_deref(), Some(HOW_TO_MAP));

    let virtual_one = [("autogen", "0a", true)];
    let mut world = mapped(&virtual_one, &virtual_one);
    complete(world.run(Purpose::Migrate, &from_v2(&changes)));
    let text = percent_encoding::percent_decode_str(&world.queries[5]).decode_utf8();
    assert!(text.is_ok_and(|text| text.ends_with(" AND (\ntag = 'a'\n) GROUP BY *")));
}

#[test]
fn a_database_or_policy_that_is_not_there_is_named() {
    let mut world = reading(tsm());
    let settings = from_v1(&json!({})).replace("\"bucket\":\"src\"", "\"bucket\":\"src/other\"");
    let outcome = world.run(Purpose::Migrate, &settings).expect("nobody killed it");
    let Ending::Failed(error) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(error.fault, ErrorFault::Missing);
    assert_eq!(error.message, "database `src` has no retention policy `other`");
    assert_eq!(error.hint.as_deref(), Some("it has `autogen`"));
}

#[test]
fn each_batch_of_a_split_finds_its_road_by_itself() {
    let virtual_one = [("autogen", "0a", true)];
    let mut world = mapped(&virtual_one, &virtual_one);
    complete(world.run(Purpose::Split, &from_v2(&json!({}))));
    assert_eq!(world.arrived(), world.expected(0..23400));
    // The retention policies, the fields and the points, seven times.
    assert_eq!(world.queries.len(), 7 * 3);
}

#[test]
fn an_order_that_would_read_nothing_is_refused() {
    for road in [
        json!({ "name": "src", "policies": [], "shows_shards": false, "cell_seconds": 3600 }),
        json!({ "name": "src", "policies": ["a"], "shows_shards": false, "cell_seconds": 0 }),
    ] {
        let mut order: Value =
            serde_json::from_str(&first_order(&from_v1(&json!({})))).expect("an order is JSON");
        order["road"] = json!({ "influxql": road });
        let error = Plan::open(Purpose::Batch, &order.to_string()).expect_err("it is unfit");
        assert_eq!(
            error.message,
            "the order is unfit: `road` leads to no retention policy, or its cell is no part of an \
             hour"
        );
    }
}

/// Flux may leave something out: it is taken only where the source says that there is no InfluxQL.
#[test]
fn who_is_not_let_in_or_not_understood_does_not_read_by_flux() {
    for (status, body, kind) in [
        (401, "", ErrorFault::Unauthorized),
        (200, "<html>maintenance</html>", ErrorFault::Malformed),
        (200, "{\"buckets\":[", ErrorFault::Truncated),
        (500, "", ErrorFault::Unavailable),
    ] {
        let scripted = vec![("/api/v2/buckets", status, body.to_owned())];
        let mut world = World { scripted, ..crate::world() };
        let settings = settings(&json!({ "source": { "language": "auto" } }));
        let outcome = world.run(Purpose::Migrate, &settings).expect("nobody killed it");
        let (Ending::Failed(error) | Ending::Stopped(error)) = outcome.ending else {
            panic!("{status} {body} passes for a success")
        };
        assert_eq!(error.fault, kind, "{error}");
        assert_eq!(world.queries.len(), 0, "{status} {body}");
    }
    // As an older server does that has none.
    let mut world =
        World { scripted: vec![("/api/v2/buckets", 404, String::new())], ..crate::world() };
    let settings = settings(&json!({ "source": { "language": "auto" } }));
    complete(world.run(Purpose::Migrate, &settings));
}
