//! InfluxDB 1.6.7 with the limits that an administrator sets, and a query that is killed: what they
//! cut off is noticed, and no part of an answer is taken for the whole.

use std::fmt::Write;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::thread;

use support::client;
use support::influx::Points;
use support::servers::RealServer;

use crate::influxdb_1::{
    BUCKET, NEW_YEAR, RANGE, TO_FILE, changing, create, execute, migrated, migrated_saying, table,
    write,
};
use crate::influxdb_1_relay::Relay;
use crate::run::{Host, Migration, talk};

/// Points of one series, a second apart, each with a text of so many bytes.
fn row(numbers: Range<i64>, bytes: usize) -> String {
    let (mut lines, text) = (String::new(), "x".repeat(bytes));
    for number in numbers {
        let time = NEW_YEAR + number * 1_000_000_000;
        writeln!(lines, "row n={number}i,text=\"{text}\" {time}")
            .expect("a string takes all that is written");
    }
    lines
}

#[test]
fn a_limit_of_rows_hides_none() {
    // It is for answers that are not chunked, and cuts them without an error.
    let Some(server) = RealServer::influxdb_1_with("max-row-limit = 100") else { return };
    create(&server);
    let lines = changing(150) + &row(0..25_000, 0);
    write(&server, BUCKET, &lines);
    migrated(&server, BUCKET).assert_same(&Points::parse(&lines));
}

#[test]
fn a_limit_of_series_is_kept_by_smaller_queries() {
    let limits = "[coordinator]\nmax-select-series = 4";
    let Some(server) = RealServer::influxdb_1_with(limits) else { return };
    create(&server);
    // Many on one day, of two measurements; some without the tag, and with names that mean something
    // to a regular expression, or to nobody.
    let mut lines = changing(4);
    for name in ["", "a.b", "a/b", "a[b", "a$", "(", "\u{e4}", "\u{65e5}", "\\ ", "x\\,y", "Z"] {
        let tag = if name.is_empty() { String::new() } else { format!(",host={name}") };
        for other in 0..7 {
            let time = NEW_YEAR + other;
            writeln!(lines, "c{tag},other=o{other} n={other}i,host=1.5 {time}")
                .expect("it is text");
            writeln!(lines, "d{tag} n={other}i {time}").expect("it is text");
        }
    }
    write(&server, BUCKET, &lines);
    let (points, talk) = migrated_saying(&server, BUCKET);
    points.assert_same(&Points::parse(&lines));
    assert!(talk.contains("sections from here on"), "{talk}");
}

/// What is said where the only query is taken.
const REFUSAL: &str = "max-concurrent-queries limit exceeded(1, 1)";

#[test]
fn queries_that_are_too_many_at_once_are_asked_again() {
    let limits = "[coordinator]\nmax-concurrent-queries = 1";
    let Some(server) = RealServer::influxdb_1_with(limits) else { return };
    let Some(second) = RealServer::influxdb_1() else { return };
    create(&server);
    create(&second);
    let lines = changing(2) + &row(0..25_000, 400);
    write(&server, BUCKET, &lines);
    let (to_server, to_second) = (Relay::to(server.url()), Relay::to(second.url()));
    let source = table("source", server.url(), BUCKET);
    let destination = table("destination", to_second.url(), BUCKET);
    let config = format!("{RANGE}{source}{destination}[limits]\nconcurrency = 4\nattempts = 20\n");
    let migration = Migration::new(Host::Binary, &config.replace("\"4d\"", "\"12h\""));
    // It stands still at its first write, until somebody else has the only query.
    to_second.hold_after(1);
    let mut process = migration.start();
    to_second.wait();
    to_server.hold_after(100_000);
    let url = to_server.url().to_owned();
    let other = thread::spawn(move || {
        let target = "/query?db=db&chunked=true&q=select+*+from+days.row";
        while client::request(&url, "GET", target, &[], &[]).text().contains(REFUSAL) {}
    });
    to_server.wait();
    to_second.release();
    let mut talk = String::new();
    let mut stderr = BufReader::new(process.stderr.take().expect("it is a pipe"));
    while !talk.contains(&format!("{REFUSAL}; attempt 2 of 20 follows\n")) {
        let length = stderr.read_line(&mut talk).expect("it is text");
        assert!(length > 0, "{talk}");
    }
    to_server.release();
    other.join().expect("it is answered");
    stderr.read_to_string(&mut talk).expect("it is text");
    assert!(process.wait().expect("it ends").success(), "{talk}");
    migrated(&second, BUCKET).assert_same(&Points::parse(&lines));
}

#[test]
fn a_query_that_is_killed_midway_is_not_taken_for_whole() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    // More than the buffers between here and there hold, in more than one chunk.
    let mut lines = String::new();
    for first in (0..25_000).step_by(5_000) {
        let body = row(first..first + 5_000, 2_000);
        write(&server, BUCKET, &body);
        lines += &body;
    }
    let relay = Relay::to(server.url());
    let source = table("source", relay.url(), BUCKET);
    let migration = Migration::new(Host::Binary, &format!("{RANGE}{source}{TO_FILE}"));
    relay.hold_after(1_000_000);
    let process = migration.start();
    relay.wait();
    let queries = execute(&server, "show queries");
    let rows = queries["results"][0]["series"][0]["values"].as_array().expect("they are listed");
    let id = rows.iter().find(|row| row[1].as_str().is_some_and(|text| text.starts_with("SELECT")));
    execute(&server, &format!("kill query {}", id.expect("it is under way")[0]));
    relay.release();
    let output = process.wait_with_output().expect("it ends");
    let talk = talk(&output);
    assert!(output.status.success(), "{talk}");
    assert!(talk.contains("query interrupted; attempt 2 of "), "{talk}");
    Points::parse(&migration.read("out.lp")).assert_same(&Points::parse(&lines));
}
