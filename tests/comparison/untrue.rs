//! Sides that do not give what they have: that must not pass for a difference, nor be repaired.

use serde_json::{Value, json};
use support::influx::{Engine, FakeInflux, Settings, Sql};
use tsm2iox_guest::plan::Ending;

use crate::{HOUR, START, compare, kinds, points, sources};

/// A Core that counts the rows of one time and leaves them out where rows are asked for; a query over more
/// than so many days is too much for it.
fn leaving_out(time: i64, days_max: Option<usize>) -> (FakeInflux, Value) {
    let sql = Sql::Answered { days_max };
    let settings = Settings { engine: Engine::Iox, sql, ..Settings::default() };
    let destination = FakeInflux::with(settings);
    destination.load("dst", &points());
    destination.leave_out("dst", time);
    (destination, json!({ "api": "v3", "bucket": "dst" }))
}

/// That something was not compared, and nothing of it written.
#[track_caller]
fn check(destination: &(FakeInflux, Value), verify: &Value, missing: u64) {
    let source = sources().remove(0);
    source.0.load("src", &points());
    let before = destination.0.lines("dst").len();
    let (ending, report) = compare(&source, destination, &json!({ "verify": verify }));
    assert_eq!((ending, kinds(&report)), (Ending::Different, [missing, 0, 0, 0, 0]), "{report:#}");
    let not_compared = report["not_compared"].as_array().expect("there is a list");
    assert_eq!(not_compared.len(), 1, "{report:#}");
    assert_eq!(not_compared[0]["why"], "the destination gives other values than it counts");
    assert_eq!(destination.0.lines("dst").len(), before, "it is not repaired");
}

#[test]
fn what_a_destination_counts_and_does_not_give_is_not_missing() {
    // Six days in: one of some pieces into which what is asked for is halved.
    let time = START + 150 * HOUR;
    for days_max in [None, Some(2)] {
        for verify in [json!({ "deep": true }), json!({ "deep": true, "repair": true })] {
            check(&leaving_out(time, days_max), &verify, 0);
        }
    }
}

#[test]
fn beside_what_a_destination_does_not_give_nothing_is_repaired() {
    let time = START + 150 * HOUR;
    let destination = leaving_out(time, None);
    destination.0.remove("dst", &format!("cpu,host=a idle=0.9015 {}", time + HOUR / 6));
    check(&destination, &json!({ "repair": true }), 0);
}
