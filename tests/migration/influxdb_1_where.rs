//! Conditions and long lists on InfluxDB 1.6.7, where types change: a condition means in each shard
//! group what it means there, and no type of a field is beyond the end of a list.

use std::fmt::Write;

use support::influx::Points;
use support::servers::RealServer;

use crate::influxdb_1::{BUCKET, DAY, NEW_YEAR, RANGE, TO_FILE, create, migrated, table, write};
use crate::run::{Host, Migration};

/// Migrates with a condition, and returns what arrives.
#[track_caller]
fn selected(server: &RealServer, condition: &str, range: &str) -> Points {
    let range = range.replacen('\n', &format!("\nwhere = \"{condition}\"\n"), 1);
    let source = table("source", server.url(), BUCKET);
    let migration = Migration::new(Host::Binary, &format!("{range}{source}{TO_FILE}"));
    migration.complete();
    Points::parse(&migration.read("out.lp"))
}

#[test]
fn a_condition_on_a_field_whose_type_changes_finds_every_row() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    // In one batch, each in a shard group of its own.
    let a = format!("m,h=a f=1.5,s=\"a\" {NEW_YEAR}\n");
    let b = format!("m,h=b f=2.5,s=1i {}\n", NEW_YEAR + DAY);
    let c = format!("m,h=c f=3.5,s=true {}\n", NEW_YEAR + 2 * DAY);
    write(&server, BUCKET, &(a.clone() + &b + &c));
    let both = a.clone() + &b;
    selected(&server, "s = 'a' OR h = 'b'", RANGE).assert_same(&Points::parse(&both));
    selected(&server, "s = 'a'", RANGE).assert_same(&Points::parse(&a));
    selected(&server, "s = 1", RANGE).assert_same(&Points::parse(&b));
    let earliest = RANGE.replace("start = 2021-12-31T12:00:00Z", "start = \"earliest\"");
    assert_ne!(earliest, RANGE);
    selected(&server, "s = 'a'", &earliest).assert_same(&Points::parse(&a));
}

#[test]
fn a_type_at_the_end_of_a_long_list_of_fields_is_seen() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    // The answer to `SHOW FIELD KEYS` has more rows than one part of a response.
    let mut lines = "m ".to_owned();
    for number in 0..10_000 {
        let comma = if number == 0 { "" } else { "," };
        write!(lines, "{comma}f{number:05}={number}").expect("a string takes all that is written");
    }
    let later = NEW_YEAR + DAY;
    writeln!(lines, " {NEW_YEAR}\nm f09999=\"text\" {later}").expect("as above");
    write(&server, BUCKET, &lines);
    migrated(&server, BUCKET).assert_same(&Points::parse(&lines));
}
