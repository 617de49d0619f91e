//! Fields whose types change with every shard group, in batches of many groups: each value arrives
//! as what it was, by every road of InfluxQL.

use std::fmt::Write;
use std::time::Duration;

use support::influx::{FakeInflux, Points, Settings};

use crate::influxdb_1::{HOUR, NEW_YEAR, TO_FILE};
use crate::run::{Host, INFLUXDB_1, INFLUXQL, Migration};

/// Three values of each type. No float is the large integers, and the small numbers of two types
/// come as the same bytes.
const VALUES: [[&str; 3]; 5] = [
    ["1.5", "-0.0", "5"],
    ["9007199254740993i", "-5i", "5i"],
    ["18446744073709551615u", "0u", "5u"],
    ["\"\"", "\"5\"", "\"text\""],
    ["true", "false", "true"],
];

/// Every order of every selection of types that begins with these.
fn orders(first: &[usize]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    for next in (0..VALUES.len()).filter(|next| !first.contains(next)) {
        let order = [first, &[next]].concat();
        found.extend(orders(&order));
        found.push(order);
    }
    found
}

/// A measurement for each order. Its field `f` has one type an hour, `g` the same ones backwards,
/// and `same` has the same one always.
fn points() -> String {
    let mut lines = String::new();
    for (number, order) in orders(&[]).iter().enumerate() {
        for ((f, g), hour) in order.iter().zip(order.iter().rev()).zip(0..) {
            let start = NEW_YEAR + hour * HOUR;
            for (value, time) in [start, start + 1, start + HOUR - 1].iter().enumerate() {
                let (f, g) = (VALUES[*f][value], VALUES[*g][value]);
                writeln!(
                    lines,
                    "c{number},host=a f={f},g={g},same={value}i {time}\nc{number} f={f} {time}"
                )
                .expect("a string takes all that is written");
            }
        }
    }
    lines
}

#[test]
fn every_order_of_types_in_a_batch_of_many_shard_groups_arrives() {
    let points = points();
    let expected = Points::parse(&points);
    // By the groups that are listed, and by the hours that stand in for them.
    for (road, is_admin) in [(INFLUXDB_1, true), (INFLUXDB_1, false), (INFLUXQL, true)] {
        let shard_group = Duration::from_secs(60 * 60);
        let version = road.version;
        let source =
            FakeInflux::with(Settings { shard_group, version, is_admin, ..Settings::default() });
        source.load("src", &points);
        let config = road.config(&source, &source).replace("\"1h\"", "\"1d\"");
        let (config, _) = config.split_once("[destination]").expect("there is one");
        let migration = Migration::new(Host::Binary, &format!("{config}{TO_FILE}"));
        migration.complete();
        Points::parse(&migration.read("out.lp")).assert_same(&expected);
    }
}
