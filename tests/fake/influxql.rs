//! `/query` against what InfluxDB OSS 1.6.7 and 2.9.1 answered, byte for byte but for the order of
//! tags, which is that of a map of Go.

use std::fs;
use std::time::Duration;

use support::client;
use support::influx::{FakeInflux, Settings, Version};

use super::queries::tricky;
use super::{FORM, INFLUXQL, ask_influxql, check_answer, influxql_form};

/// The versions that were recorded, and how their files are called.
pub(super) const VERSIONS: [(Version, &str); 2] = [(Version::V1_6, "v1"), (Version::V2, "v2")];
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A recorded file of InfluxQL.
pub(super) fn recorded(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../recorded/influxql/");
    fs::read(format!("{folder}{name}")).expect("it is recorded")
}

/// The same, if it is a text.
pub(super) fn recorded_text(name: &str) -> String {
    String::from_utf8(recorded(name)).expect("it is a text")
}

pub(super) fn server(version: Version) -> FakeInflux {
    let influx = FakeInflux::with(Settings { version, ..Settings::default() });
    influx.create("fake");
    influx
}

/// Compares answers map by map, with the tags of each in order.
#[track_caller]
pub(super) fn check_maps(answer: &[u8], recorded: &[u8]) {
    let (answer, recorded) = (maps(&with_sorted_tags(answer)), maps(&with_sorted_tags(recorded)));
    for (index, (map, expected)) in answer.iter().zip(&recorded).enumerate() {
        assert_eq!(map, expected, "map {index}");
    }
    assert_eq!(answer.len(), recorded.len());
}

/// The maps of an answer, legible.
fn maps(answer: &[u8]) -> Vec<String> {
    let text = answer.escape_ascii().to_string();
    text.split(r"\x81\xa7results").skip(1).map(str::to_owned).collect()
}

/// An answer in which the tags of every series are sorted. No name or value that was recorded
/// looks like the word that stands before them.
fn with_sorted_tags(answer: &[u8]) -> Vec<u8> {
    const WORD: &[u8] = b"\xa4tags";
    let mut sorted = Vec::new();
    let mut rest = answer;
    while let Some(at) = rest.windows(WORD.len()).position(|window| window == WORD) {
        let (before, tags) = rest.split_at(at + WORD.len());
        sorted.extend_from_slice(before);
        let (count, head_length) = match tags {
            [0xde, high, low, ..] => (usize::from(*high) << 8 | usize::from(*low), 3),
            [marker, ..] => (usize::from(*marker & 0x0f), 1),
            [] => panic!("an answer ends before its tags"),
        };
        let (head, mut pairs_on) = tags.split_at(head_length);
        sorted.extend_from_slice(head);
        let mut pairs = Vec::new();
        for _ in 0..count {
            let key_length = text_length(pairs_on);
            let length = key_length + text_length(&pairs_on[key_length..]);
            let (pair, others) = pairs_on.split_at(length);
            pairs.push((&pair[..key_length], pair));
            pairs_on = others;
        }
        pairs.sort_unstable();
        pairs.iter().for_each(|(_, pair)| sorted.extend_from_slice(pair));
        rest = pairs_on;
    }
    sorted.extend_from_slice(rest);
    sorted
}

fn text_length(bytes: &[u8]) -> usize {
    match bytes {
        [0xd9, length, ..] => 2 + usize::from(*length),
        [marker @ 0xa0..=0xbf, ..] => 1 + usize::from(*marker & 0x1f),
        _ => panic!("tags are short texts"),
    }
}

/// Asks a server for a recorded case, as it was asked then.
#[track_caller]
pub(super) fn check_case(influx: &FakeInflux, case: &str, suffix: &str) {
    let reply = ask_influxql(influx, INFLUXQL, &recorded_text(&format!("{case}.influxql")));
    check_maps(&reply.body, &recorded(&format!("{case}_{suffix}.msgpack")));
}

/// Asks both versions, whose points are those of the case.
#[track_caller]
fn check_both(case: &str) {
    for (version, suffix) in VERSIONS {
        let influx = server(version);
        influx.load("fake", &known_to(version, &recorded_text(&format!("{case}.lp"))));
        check_case(&influx, case, suffix);
    }
}

/// Points without unsigned integers for version 1, which refuses them.
pub(super) fn known_to(version: Version, lines: &str) -> String {
    if version == Version::V2 {
        return lines.to_owned();
    }
    let lines = lines.replace(",u=4u", "").replace(",u=18446744073709551615u", "");
    let is_unsigned = |window: &[u8]| matches!(window, [b'0'..=b'9', b'u', b' ' | b',']);
    let is_known = |line: &&str| !line.as_bytes().windows(3).any(is_unsigned);
    lines.split_inclusive('\n').filter(is_known).collect()
}

/// The database that the recorded lists are of: two policies, with shard groups of their own.
fn two_policies(version: Version) -> FakeInflux {
    let influx = server(version);
    influx.create("fake/r p");
    influx.set_shard_group("fake", DAY);
    influx.set_shard_group("fake/r p", DAY * 3 / 2);
    influx.load("fake", &recorded_text("show.lp"));
    influx.load("fake/r p", &recorded_text("tag_keys.other.lp"));
    influx
}

#[test]
fn answers_with_one_tag_come_back_byte_for_byte() {
    let influx = server(Version::V2);
    let check = |lines: &str, statement: &str, file: &str| {
        influx.load("fake", lines);
        let reply = ask_influxql(&influx, INFLUXQL, statement);
        assert_eq!(reply.body, recorded(file), "{file}");
    };
    check(
        "m,tag=a s=\"a\r\nb\" 1640995200000000000\n\
         m,tag=a s=\"lone\rcr\" 1640995201000000000\n\
         m,tag=a s=\"lf\nonly\" 1640995202000000000\n",
        r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 1640995203000000000 GROUP BY *"#,
        "line_ends.msgpack",
    );
    let nothing =
        r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 1 GROUP BY *"#;
    check("", nothing, "empty.msgpack");
    check("", &nothing.replace("fake", "nosuch"), "error.msgpack");
    let influx = server(Version::V2);
    let points = include_str!("../recorded/type_conflict/points.lp");
    influx.load("fake", points);
    let whole = r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 1650000000000000000 GROUP BY *"#;
    let reply = ask_influxql(&influx, INFLUXQL, whole);
    assert_eq!(reply.body, recorded("type_conflict.msgpack"));
}

#[test]
fn tricky_points_come_in_chunks_of_three() {
    for (version, suffix) in VERSIONS {
        let influx = server(version);
        influx.load("fake", &known_to(version, &tricky()));
        let target = INFLUXQL.replace("10000", "3");
        let reply = ask_influxql(&influx, &target, &recorded_text("tricky.influxql"));
        check_maps(&reply.body, &recorded(&format!("tricky_{suffix}.msgpack")));
    }
}

#[test]
fn one_minute_of_two_measurements_comes_back_as_recorded() {
    let influx = server(Version::V2);
    influx.load("fake", include_str!("../recorded/one_minute.points.lp"));
    check_case(&influx, "one_minute", "v2");
}

#[test]
fn numbers_and_texts_of_every_size_are_encoded_as_recorded() {
    check_both("encodings");
}

#[test]
fn many_tags_fields_and_rows_are_counted_as_recorded() {
    check_both("wide");
}

#[test]
fn rows_and_counts_at_the_ends_of_time_are_those_recorded() {
    check_both("ends_of_time");
}

#[test]
fn conditions_first_rows_and_counts_of_nothing_are_those_recorded() {
    check_both("conditions");
}

#[test]
fn a_series_has_the_tag_keys_of_its_database_or_of_its_shards_as_recorded() {
    for (version, suffix) in VERSIONS {
        let influx = server(version);
        influx.load("fake", &recorded_text("tag_keys.lp"));
        influx.load("fake/r p", &recorded_text("tag_keys.other.lp"));
        check_case(&influx, "tag_keys", suffix);
    }
}

#[test]
fn shard_groups_of_new_lengths_overlap_or_are_clipped_as_recorded() {
    for (version, suffix) in VERSIONS {
        let influx = server(version);
        let lines = recorded_text("shards.lp");
        let lines = lines.lines().collect::<Vec<_>>();
        for (days, lines) in [
            (1, &lines[..1]),
            (7, &lines[1..3]),
            (1, &lines[3..5]),
            (7, &lines[5..7]),
            (1, &lines[7..]),
        ] {
            influx.set_shard_group("fake", DAY * days);
            influx.load("fake", &lines.join("\n"));
        }
        check_case(&influx, "shards", suffix);
        if version == Version::V1_6 {
            check_case(&influx, "shards_listed", suffix);
        }
    }
}

#[test]
fn policies_shards_and_fields_are_shown_as_recorded() {
    for (version, suffix) in VERSIONS {
        let influx = two_policies(version);
        check_case(&influx, "show_shards", suffix);
        // What is selected comes in chunks, be it by `SHOW`.
        let target = INFLUXQL.replace("10000", "3");
        let reply = ask_influxql(&influx, &target, &recorded_text("show.influxql"));
        check_maps(&reply.body, &recorded(&format!("show_{suffix}.msgpack")));
    }
}

#[test]
fn statements_fail_as_recorded_and_those_after_them_are_not_executed() {
    for (version, suffix) in VERSIONS {
        let influx = two_policies(version);
        for case in ["error_not_executed", "error_policies", "error_policy", "error_time"] {
            check_case(&influx, case, suffix);
        }
    }
}

#[test]
fn without_chunks_there_is_one_map_as_recorded() {
    for (version, suffix) in VERSIONS {
        for (influx, case) in
            [(two_policies(version), "unchunked"), (server(version), "error_unchunked")]
        {
            let statements = recorded_text(&format!("{case}.influxql"));
            let reply = ask_influxql(&influx, "/query?epoch=ns", &statements);
            check_maps(&reply.body, &recorded(&format!("{case}_{suffix}.msgpack")));
        }
    }
}

#[test]
fn a_whole_series_of_many_rows_stays_partial_on_version_1_without_chunks() {
    let lines = (0..10_001).map(|time| format!("m f=1 {time}\n")).collect::<String>();
    let statement =
        r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 20000 GROUP BY *"#;
    // Observed; ten thousand and one rows would make a long file.
    for (version, end) in [(Version::V1_6, &b"\xa7partial\xc3"[..]), (Version::V2, b"\0\0\0")] {
        let influx = server(version);
        influx.load("fake", &lines);
        let reply = ask_influxql(&influx, "/query?epoch=ns", statement);
        assert_eq!(maps(&reply.body).len(), 1);
        assert!(reply.body.ends_with(end), "{version:?}");
    }
}

#[test]
fn tags_come_in_another_order_with_each_part_of_a_series() {
    let influx = server(Version::V2);
    influx.load("fake", "m,a=1,b=1 f=1 1\nm,a=1,b=1 f=1 2\n");
    let statement =
        r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 10 GROUP BY *"#;
    let reply = ask_influxql(&influx, &INFLUXQL.replace("10000", "1"), statement);
    let maps = maps(&reply.body);
    let orders = [r"\xa4tags\x82\xa1a\xa11\xa1b\xa11", r"\xa4tags\x82\xa1b\xa11\xa1a\xa11"];
    assert!(maps.len() == 2 && maps[0].contains(orders[0]) && maps[1].contains(orders[1]));
}

#[test]
fn a_query_may_be_in_the_url() {
    let influx = server(Version::V2);
    influx.load("fake", &recorded_text("wide.lp"));
    let statements = recorded_text("wide.influxql");
    let form = String::from_utf8(influxql_form(&statements)).unwrap();
    let target = format!("{INFLUXQL}&{form}");
    let reply = client::request(&influx.url(), "GET", &target, &FORM[1..], &[]);
    check_maps(&reply.body, &recorded("wide_v2.msgpack"));
}

#[test]
fn answers_have_the_heads_that_were_recorded() {
    let select =
        r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 10 GROUP BY *"#;
    let many = r#"SELECT *::field FROM "fake"."autogen"."big" WHERE time >= 1640995200000000000 AND time < 1640995200000000001 GROUP BY *"#;
    let ask = |version, statements| {
        let influx = server(version);
        let big = (0..60).map(|i| format!("big,t={i:03} f={i}i 1640995200000000000\n"));
        influx.load("fake", &format!("m f=1 1\n{}", big.collect::<String>()));
        ask_influxql(&influx, INFLUXQL, statements)
    };
    let v1 = |statements| ask(Version::V1_6, statements);
    check_answer(&v1(select), include_bytes!("../recorded/http/influxql_v1_ok.http"));
    check_answer(&v1("selec"), include_bytes!("../recorded/http/influxql_v1_parse.http"));
    check_answer(&v1(""), include_bytes!("../recorded/http/influxql_v1_no_query.http"));
    let v2 = |statements| ask(Version::V2, statements);
    check_answer(&v2(select), include_bytes!("../recorded/http/influxql_v2_ok.http"));
    check_answer(&v2(many), include_bytes!("../recorded/http/influxql_v2_ok_long.http"));
    check_answer(&v2("selec"), include_bytes!("../recorded/http/influxql_v2_parse.http"));
    check_answer(&v2(""), include_bytes!("../recorded/http/influxql_v2_no_query.http"));
    let influx = server(Version::V2);
    let reply = client::request(&influx.url(), "POST", INFLUXQL, &FORM[1..], &[]);
    check_answer(&reply, include_bytes!("../recorded/http/influxql_v2_no_media_type.http"));
    let influx = server(Version::V1_6);
    let reply = client::request(&influx.url(), "PUT", INFLUXQL, &FORM[1..], &[]);
    check_answer(&reply, include_bytes!("../recorded/http/influxql_v1_method.http"));
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let influx = server(Version::V2);
    influx.load("fake", "m,t=a f=1 1");
    let check = |statements: &str, expected: &str| {
        let reply = ask_influxql(&influx, INFLUXQL, statements);
        assert_eq!(reply.status, 400, "{statements}");
        let expected =
            format!(r#"{{"code":"invalid","message":"failed to parse query: {expected}"}}"#);
        assert_eq!(reply.text(), expected);
    };
    let select = r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 10"#;
    // As 2.9.1 has it.
    let commands = "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL";
    let place = "at line 3, char 3";
    check(
        &format!("{select} GROUP BY *;\n\n  selec"),
        &format!("found selec, expected {commands} {place}"),
    );
    let group = format!("{select} GROUP BY *");
    check(&format!("{group} {group}"), "found SELECT, expected ; at line 1, char 84");
    check(&format!("{group} ☃"), "found ☃, expected ; at line 1, char 84");
    check(&format!("{select} GROUP"), "found EOF, expected BY at line 1, char 79");
    check("SELECT", "found EOF, expected identifier, string, number, bool at line 1, char 8");
    check("SELECT *::fielt", "found fielt, expected field, tag at line 1, char 11");
    check("SHOW FIELD", "found EOF, expected KEY, KEYS at line 1, char 12");
    let too_small = select.replace(">= 0", ">= -9223372036854775809");
    check(&too_small, "constant -9223372036854775809 underflows int64");
    let too_large = select.replace(">= 0", ">= 18446744073709551616");
    check(&too_large, "unable to parse integer at line 1, char 57");
    check(
        "SELECT \"f\"::flo FROM m",
        "found flo, expected float, integer, unsigned, string, boolean, field, tag at line 1, char 13",
    );
    // Of the fake: it knows no more than is sent.
    check("SELECT * FROM m", "found m, expected identifier at line 1, char 15");
    check(&group.replace(">= 0", "> 0"), "found >, expected >= at line 1, char 54");
    check("SELECT first(\"f\") * 0 FROM m", "found FROM, expected + at line 1, char 23");
    check("SELECT first(\"f\") * 1 + 1000", "found 1, expected integer at line 1, char 21");
    let twice = "SELECT \"f\"::float, \"f\"::string FROM m";
    check(twice, "the fake reads a field once, at line 1, char 20");
    check(&format!("{select} LIMIT 2"), "found 2, expected integer at line 1, char 79");
    check(
        &format!("{select} AND (\"t\" =~ /a/) GROUP BY *"),
        r"found /, expected /\\r/ at line 1, char 85",
    );
}

#[test]
fn conditions_on_fields_and_other_forms_of_answers_are_refused() {
    let influx = server(Version::V2);
    influx.load("fake", "m,t=a f=\"x\" 1");
    let select = r#"SELECT *::field FROM "fake"."autogen"."m" WHERE time >= 0 AND time < 10 AND ("f" = 'x') GROUP BY *"#;
    let reply = ask_influxql(&influx, INFLUXQL, select);
    let message = b"\xa5error\xd9\x2af is a field; the fake compares tags alone";
    assert!(reply.body.ends_with(message), "{}", reply.body.escape_ascii());
    let form = influxql_form("SHOW SHARDS");
    for (target, headers) in [(INFLUXQL, &FORM[..1]), ("/query?db=fake", &FORM[..])] {
        let reply = client::request(&influx.url(), "POST", target, headers, &form);
        assert_eq!(reply.status, 400, "{target}");
    }
}
