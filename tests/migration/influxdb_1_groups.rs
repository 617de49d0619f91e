//! Shard groups of InfluxDB 1.6.7 that overlap: a longer shard duration makes groups that reach
//! over older ones, and every query of that time sees the types of both.
//!
//! ```text
//! 3 January          4                  5 … 9
//! | day: f integer   | day              |
//! | week: f float                                |
//! ```

use support::influx::Points;
use support::servers::RealServer;

use crate::influxdb_1::{
    BUCKET, DAY, NEW_YEAR, RANGE, TO_FILE, create, ended, execute, migrated, table, write,
};

/// A value of each type; no float is this integer.
const VALUES: [&str; 4] = ["1.5", "9007199254740993i", "\"text\"", "true"];

/// What is said of numbers of two types.
/// How it ends: the other batches are done all the same.
const REFUSAL: &str = "87.3 % complete\n\
     error: batch 2021-12-31T12:00:00Z/2022-01-04T12:00:00Z could not be moved\n  \
     caused by: the response of the source: field `f` of `c` has several types, and in \
     2022-01-03T00:00:00Z/2022-01-04T00:00:00Z there are several shard groups: InfluxQL makes one type of \
     them\n\n\
     hint: leave the measurement out with `measurements`, and export it with `influx_inspect export`\n\
     87.3 % is recorded and stays; once that is mended, run the same command again\n";

/// A server on which a field has had one value on a day, and then another in the week around it;
/// and both as lines.
fn overlapping(old: &str, new: &str) -> Option<(RealServer, String)> {
    let server = RealServer::influxdb_1()?;
    create(&server);
    let old = format!("c f={old} {}\n", NEW_YEAR + 2 * DAY);
    let new = format!("c f={new} {0}\nc f={new} {1}\n", NEW_YEAR + 4 * DAY, NEW_YEAR + 6 * DAY);
    write(&server, BUCKET, &old);
    execute(&server, "alter retention policy days on db shard duration 7d");
    write(&server, BUCKET, &new);
    Some((server, old + &new))
}

#[test]
fn groups_that_overlap_in_one_type_are_read_exactly() {
    for value in VALUES {
        let Some((server, lines)) = overlapping(value, value) else { return };
        migrated(&server, BUCKET).assert_same(&Points::parse(&lines));
    }
}

#[test]
fn groups_that_overlap_in_two_types_are_read_exactly_unless_both_are_numbers() {
    let [float, integer, ..] = VALUES;
    let different = VALUES.iter().flat_map(|old| VALUES.map(|new| [*old, new]));
    for values in different.filter(|[old, new]| old != new) {
        let [old, new] = values;
        let Some((server, lines)) = overlapping(old, new) else { return };
        if values == [float, integer] || values == [integer, float] {
            let source = table("source", server.url(), BUCKET);
            let talk = ended(&format!("{RANGE}{source}{TO_FILE}"), 2);
            assert!(talk.ends_with(REFUSAL), "{old} below {new}: {talk}");
        } else {
            migrated(&server, BUCKET).assert_same(&Points::parse(&lines));
        }
    }
}
