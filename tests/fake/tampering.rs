//! Points that a test takes out or alters behind the back of who wrote them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use support::influx::{FakeInflux, Points};

const POINTS: &str = "m,t=a f=1,i=1i 1\nm,t=b f=2 1\nm,t=a f=3 2\n";

fn server() -> FakeInflux {
    let influx = FakeInflux::start();
    influx.load("b", POINTS);
    influx
}

#[test]
fn single_values_are_removed_and_altered() {
    let influx = server();
    influx.remove("b", "m,t=a f=1 1\nm,t=b f=2 1");
    influx.points("b").assert_same(&Points::parse("m,t=a i=1i 1\nm,t=a f=3 2"));
    influx.alter("b", "m,t=a f=-3 2");
    influx.points("b").assert_same(&Points::parse("m,t=a i=1i 1\nm,t=a f=-3 2"));
    assert!(influx.written("b").is_empty());
}

#[test]
fn values_are_removed_by_what_they_are() {
    let influx = server();
    let removed =
        influx.retain("b", |series, _, field, _| series.tag("t") == Some("b") || field == "i");
    assert_eq!(removed, 2);
    influx.points("b").assert_same(&Points::parse("m,t=a i=1i 1\nm,t=b f=2 1"));
    assert_eq!(influx.retain("nope", |_, _, _, _| false), 0);
}

#[test]
fn what_would_change_nothing_is_a_mistake_of_the_test() {
    let influx = server();
    let fails = |act: &dyn Fn()| catch_unwind(AssertUnwindSafe(act)).is_err();
    assert!(fails(&|| influx.remove("b", "m,t=a f=9 1")));
    assert!(fails(&|| influx.remove("b", "m,t=c f=1 1")));
    assert!(fails(&|| influx.alter("b", "m,t=a f=1 1")));
    assert!(fails(&|| influx.alter("b", "m,t=a f=1i 1")));
    assert!(fails(&|| influx.alter("b", "m,t=a f=1 9")));
    influx.points("b").assert_same(&Points::parse(POINTS));
}
