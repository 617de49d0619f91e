//! A database of InfluxDB 1.6.7 with all that may go wrong on the way: every type, odd names,
//! line breaks, and a field whose type changes from shard group to shard group. All of it arrives
//! in a file and in a second server.

use std::fmt::Write;

use support::influx::Points;
use support::servers::RealServer;

use crate::influxdb_1::{
    DAY, HOUR, NEW_YEAR, RANGE, TO_FILE, execute, exported, exported_points, migrated, quoted,
    table, write,
};
use crate::run::{Host, Migration};

/// Names of a measurement, a tag, its value and a field at once. Some would end a statement, begin
/// a comment, be a keyword, a cast or a regular expression, if they were not quoted well.
const NAMES: [&str; 42] = [
    "bl ank",
    " leading",
    "trailing ",
    "two  blanks",
    "com,ma",
    "equal=sign",
    "quo\"te",
    "\"quoted\"",
    "apo'strophe",
    "back\\slash",
    "new\\nline",
    "\\leading",
    "q\\'",
    "semi;colon",
    "-- comment",
    "/* comment */",
    "sl/ash",
    "regex.*[a(",
    "^$",
    "*",
    "()",
    "a|b",
    "?",
    "a::float",
    "select",
    "name",
    "tags",
    "null",
    "true",
    "1i",
    "123",
    "$1",
    "{brace}",
    "per%20cent",
    "plus+amp&",
    "has#hash",
    "..",
    "result",
    "_time",
    "_field",
    "ünï cødé ☃ 🦀",
    "nbsp\u{a0}\u{2028}",
];

/// The database of these tests: its name has to be quoted, percent-encoded and escaped.
const DATABASE: &str = "all \"kinds\" ü";

/// Its retention policies, each with the first duration of its shard groups.
const POLICIES: [(&str, &str); 3] = [("days", "1d"), ("r p, \"x\"=1 ü", "1h"), ("ten years", "7d")];

fn bucket(policy: &str) -> String {
    format!("{DATABASE}/{policy}")
}

/// With a `\` before what would end a name.
fn escaped(name: &str) -> String {
    name.replace(' ', "\\ ").replace(',', "\\,").replace('=', "\\=")
}

fn push(lines: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(lines, "{line}").expect("a string takes all that is written");
}

/// A point for each name, and some that no name is needed for.
fn odd_names() -> String {
    let mut lines = String::new();
    for (name, time) in NAMES.iter().zip(NEW_YEAR..) {
        let (key, measurement) = (escaped(name), escaped(name).replace("\\=", "="));
        push(&mut lines, format_args!("{measurement},{key}={key} {key}=1,other=2i {time}"));
        // Both would match the name of the other, if one were a pattern.
        push(&mut lines, format_args!("x{measurement}x {key}=3 {time}"));
    }
    // A tag and a field of one name, and the names that a query would give to tell them apart.
    push(&mut lines, format_args!("same,x=tag,x_1=tag x=5i,x_2=\"no tag\",y=1 {NEW_YEAR}"));
    push(&mut lines, format_args!("same,x=tag x_1=7,y_1=8 {NEW_YEAR}"));
    // A tag that is absent is none, and neither is one of another series.
    push(&mut lines, format_args!("tags f=1 {NEW_YEAR}\ntags,a=1 f=2 {NEW_YEAR}"));
    push(&mut lines, format_args!("tags,b=1 f=3 {NEW_YEAR}\ntags,a=1,b=1 f=4 {NEW_YEAR}"));
    push(&mut lines, format_args!("time,time2=x value=1 {NEW_YEAR}"));
    let fields: Vec<_> = (0..300).map(|field| format!("f{field}={field}i")).collect();
    push(&mut lines, format_args!("wide {} {NEW_YEAR}", fields.join(",")));
    lines
}

/// Values at the limits of each type, and every kind of line break.
fn values() -> String {
    let mut lines = String::new();
    let long = "long ".repeat(13_000);
    let numbers =
        ["-9223372036854775808i", "9223372036854775807i", "9007199254740993i", "0i", "-1i"];
    let floats = [
        "0.0",
        "-0.0",
        "1e300",
        "-1.7976931348623157e308",
        "5e-324",
        "1e-7",
        "0.1",
        "3",
        "1e21",
        "123456789.125",
        "9007199254740993",
    ];
    let strings = [
        "",
        " ",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "a\n",
        "\rb",
        "\n\r",
        "\t",
        "a\nm f=1 5\n# no comment\n",
        "\\\"quoted\\\"",
        "\\\\",
        "a\\\\nb",
        "a,b=c d",
        "☃ 🦀",
        "e\u{301}",
        "1i",
        "true",
        "\u{feff}",
        "\u{1}",
        &long,
    ];
    let all = [&numbers[..], &floats, &["t", "false", "True"]].concat();
    for (kind, values) in [("i", &numbers[..]), ("f", &floats), ("s", &strings)] {
        for (value, time) in values.iter().zip(NEW_YEAR..) {
            let value = if kind == "s" { format!("\"{value}\"") } else { (*value).to_owned() };
            push(&mut lines, format_args!("values,of={kind} {kind}={value} {time}"));
            push(&mut lines, format_args!("only{kind} v={value} {time}"));
            push(&mut lines, format_args!("one {kind}={value},n=1i {time}"));
        }
    }
    for (value, time) in all.iter().zip(NEW_YEAR..) {
        push(&mut lines, format_args!("column{} v={value},w=\"\" {time}", time - NEW_YEAR));
    }
    lines
}

/// A field in the type of this number: float, integer, string, boolean.
fn typed(number: i64) -> String {
    match number % 4 {
        0 => format!("{number}.5"),
        // No float is this integer.
        1 => format!("{}i", 9_007_199_254_740_993 + number),
        2 => format!("\"{number}\""),
        _ => format!("{}", number % 8 == 3),
    }
}

/// A shard group from its first nanosecond to its last, in the type of this number.
fn group(lines: &mut String, start: i64, length: i64, number: i64) {
    let value = typed(number);
    for time in [start, start + 1, start + length / 3, start + length / 2, start + length - 1] {
        push(lines, format_args!("c,host=a f={value},same={number}i {time}"));
        push(lines, format_args!("c,host=b f={value} {time}"));
        // Two numeric types alone: there is no string that could be missed.
        let count = if number % 2 == 0 { "0.25".to_owned() } else { typed(1) };
        push(lines, format_args!("numbers v={count},w=1 {time}"));
    }
    push(lines, format_args!("c,f=tag f={value} {}\nsteady f=1i {start}", start + 2));
}

/// A server with the database, and what was written to each of its retention policies.
fn source() -> Option<(RealServer, Vec<(String, String)>)> {
    let server = RealServer::influxdb_1()?;
    create(&server, None);
    let database = quoted(DATABASE);
    let alter = |duration: &str| {
        let policy = quoted("days");
        let clause = format!("shard duration {duration}");
        execute(&server, &format!("alter retention policy {policy} on {database} {clause}"));
    };
    let mut written = Vec::new();
    let days = bucket("days");
    let mut all = String::new();
    // Four types in four days, then four in each day: each batch has several.
    for (duration, hours, groups) in [("1d", 24, 0..5), ("6h", 6, 20..28)] {
        alter(duration);
        let mut lines = String::new();
        for number in groups {
            group(&mut lines, NEW_YEAR + number * hours * HOUR, hours * HOUR, number);
        }
        write(&server, &days, &lines);
        all += &lines;
    }
    // Weeks begin on Mondays. These reach over none of the days, as that of 3 January would: there
    // no query tells integers from floats.
    alter("7d");
    let mut lines = String::new();
    for number in [1, 2] {
        group(&mut lines, NEW_YEAR + (2 + 7 * number) * DAY, 7 * DAY, number);
    }
    write(&server, &days, &lines);
    written.push((days, all + &lines));

    // The same measurement and times as in the other policy, in other types.
    let mut lines = odd_names() + &values();
    for number in 0..30 {
        group(&mut lines, NEW_YEAR + number * HOUR, HOUR, number + 1);
    }
    write(&server, &bucket(POLICIES[1].0), &lines);
    written.push((bucket(POLICIES[1].0), lines));

    let lines = format!("elsewhere,host=a f=1,i=2i {NEW_YEAR}\nelsewhere f=1 {}\n", NEW_YEAR + DAY);
    write(&server, &bucket("ten years"), &lines);
    written.push((bucket("ten years"), lines));
    Some((server, written))
}

/// The database, with shard groups of these durations, or each with one of this.
fn create(server: &RealServer, shard_duration: Option<&str>) {
    let database = quoted(DATABASE);
    execute(server, &format!("create database {database}"));
    for (policy, duration) in POLICIES {
        let duration = shard_duration.unwrap_or(duration);
        let policy = quoted(policy);
        // Some centuries, but for the one that keeps less.
        let keeps = if policy.contains("ten") { "520w" } else { "inf" };
        execute(
            server,
            &format!(
                "create retention policy {policy} on {database} duration {keeps} replication 1 \
                 shard duration {duration}"
            ),
        );
    }
}

#[test]
fn every_type_and_name_arrives_in_a_file_and_in_a_second_server() {
    let Some((mut server, written)) = source() else { return };
    let Some(mut second) = RealServer::influxdb_1() else { return };
    // No hour has two types of a field.
    create(&second, Some("1h"));
    for (bucket, lines) in &written {
        migrated(&server, bucket).assert_same(&Points::parse(lines));
        let source = table("source", server.url(), bucket);
        let destination = table("destination", second.url(), bucket);
        Migration::new(Host::Binary, &format!("{RANGE}{source}{destination}")).complete();
    }
    for (bucket, lines) in &written {
        let expected = Points::parse(lines);
        for server in [&mut server, &mut second] {
            let Some(lines) = exported(server, bucket) else { return };
            exported_points(&lines).assert_same(&expected);
        }
    }
}

#[test]
fn a_database_without_a_retention_policy_is_all_of_them() {
    let Some((server, written)) = source() else { return };
    // The two that have no series and time in common.
    let policy = quoted(POLICIES[1].0);
    execute(&server, &format!("drop retention policy {policy} on {}", quoted(DATABASE)));
    let expected = written[0].1.clone() + &written[2].1;
    migrated(&server, DATABASE).assert_same(&Points::parse(&expected));
}

#[test]
fn points_at_both_ends_of_time_arrive() {
    let Some(server) = RealServer::influxdb_1() else { return };
    execute(&server, "create database ends");
    let times = [-9_223_372_036_854_775_806, -HOUR, -1, 0, 1, 9_223_372_036_854_775_806];
    let mut lines = String::new();
    for (time, number) in times.iter().zip(1..) {
        push(&mut lines, format_args!("m,of=ends f={number}.5,i={number}i {time}"));
    }
    write(&server, "ends/autogen", &lines);
    let config = format!(
        "[migration]\nstart = 1677-09-21T00:12:43.145224194Z\n\
         stop = 2262-04-11T23:47:16.854775807Z\nbatch_interval = \"100y\"\n{}{TO_FILE}",
        table("source", server.url(), "ends/autogen")
    );
    for config in [config.replace("1677-09-21T00:12:43.145224194Z", "\"earliest\""), config] {
        let migration = Migration::new(Host::Binary, &config);
        migration.complete();
        Points::parse(&migration.read("out.lp")).assert_same(&Points::parse(&lines));
    }
}
