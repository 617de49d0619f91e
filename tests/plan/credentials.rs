//! A server that does not accept the credentials, once or for good.

use serde_json::json;
use tsm2iox_guest::error::{Endpoint, Error, Fault as Kind};
use tsm2iox_guest::plan::{Ending, Purpose};
use tsm2iox_guest::protocol::Access;

use crate::world::{Fault, World};
use crate::{complete, settings, world};

#[test]
fn what_is_not_let_in_once_is_asked_once_more() {
    // The checkpoint is read and opened, and the destination looked at between; then come query and write
    // of the first batch.
    for (nth, side) in [(2, "destination `dst`"), (4, "source `src`"), (5, "destination `dst`")] {
        let mut world = World { fault: Some((nth, Fault::Status(401))), ..world() };
        complete(world.run(Purpose::Migrate, &settings(&json!({}))));
        assert_eq!(world.arrived(), world.expected(0..23400));
        let notes = world.notes.iter().map(|note| note.message.as_str());
        let notes: Vec<_> = notes.filter(|message| message.contains("401")).collect();
        let expected = format!(
            "the {side} does not accept the credentials (401): no; it is tried once more, for a \
             token file may hold another one now"
        );
        assert_eq!(notes, [expected]);
    }
}

/// A run in which requests to these paths are not let in; how often they were sent, and its error.
#[track_caller]
fn refused(paths: &'static str, status: u16, attempts: u32) -> (usize, Error) {
    let mut world = World { scripted: vec![(paths, status, "no".to_owned())], ..world() };
    let settings = settings(&json!({ "limits": { "attempts": attempts } }));
    let outcome = world.run(Purpose::Migrate, &settings).expect("nobody killed it");
    let Ending::Failed(error) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(error.fault, Kind::Unauthorized);
    (world.scripted_requests, error)
}

#[test]
fn what_is_not_let_in_twice_says_which_side_and_which_right() {
    let source = ("/api/v2/query", "source `src`", "source", "read");
    let destination = ("/api/v3/write_lp", "destination `dst`", "destination", "write");
    for (path, bucket, side, right) in [source, destination] {
        let (requests, error) = refused(path, 401, 6);
        assert!(error.message.ends_with("Z could not be moved"), "{error}");
        let cause = format!("the {bucket} does not accept the credentials (401): no");
        assert_eq!((requests, error.causes), (2, vec![cause]));
        let hint = format!("the token or user of the {side} needs {right} access to this bucket");
        assert_eq!(error.hint, Some(hint));
    }
}

#[test]
fn one_attempt_is_one_and_who_is_known_is_not_asked_twice() {
    assert_eq!(refused("/api/v2/query", 401, 1).0, 1);
    assert_eq!(refused("/api/v2/query", 403, 6).0, 1);
}

#[test]
fn each_request_says_which_right_it_needs() {
    let mut world = world();
    complete(world.run(Purpose::Migrate, &settings(&json!({}))));
    for (endpoint, method, path, access) in &world.accesses {
        let is_looked_at = path == "/api/v3/query_sql";
        let expected = match (endpoint, *method) {
            (Endpoint::Source, _) | (_, "GET" | "HEAD") => Access::Read,
            (Endpoint::Destination, _) if is_looked_at => Access::Read,
            _ => Access::Write,
        };
        assert_eq!(*access, expected, "{method} {} {path}", endpoint.name());
    }
    assert!(world.accesses.len() > 20, "{}", world.accesses.len());
}
