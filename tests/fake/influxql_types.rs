//! A field of several types, as InfluxDB OSS 1.6.7 and 2.9.1 read it by InfluxQL: in `types.lp`, and
//! in shard groups of a day, it has another type each day.

use support::influx::Version;

use super::influxql::{DAY, VERSIONS, check_case, known_to, recorded_text, server};
use super::{INFLUXQL, ask_influxql};

/// Asks both versions, in which a field has another type each day.
#[track_caller]
fn check_types(case: &str) {
    for (version, suffix) in VERSIONS {
        let influx = server(version);
        influx.set_shard_group("fake", DAY);
        influx.load("fake", &known_to(version, &recorded_text("types.lp")));
        check_case(&influx, case, suffix);
    }
}

#[test]
fn the_strongest_type_is_read_in_every_range_of_days_as_recorded() {
    check_types("types");
}

#[test]
fn a_column_of_a_named_type_holds_its_values_of_all_days_as_recorded() {
    check_types("columns");
}

#[test]
fn a_number_of_the_type_that_is_read_is_the_one_recorded() {
    check_types("kinds");
}

#[test]
fn all_fields_are_counted_as_they_are_read_as_recorded() {
    check_types("count_all");
}

#[test]
fn what_is_read_as_no_number_cannot_be_multiplied_as_recorded() {
    check_types("error_kind_string");
    check_types("error_kind_boolean");
    // Observed on both versions.
    let influx = server(Version::V2);
    influx.load("fake", "d a\\ \"b\"\\ ü=\"x\" 1");
    let kind = r#"SELECT first("a \"b\" ü") * 0 + 1000 FROM "fake"."autogen"."d" WHERE time >= 0 AND time < 10"#;
    let reply = ask_influxql(&influx, INFLUXQL, kind);
    let message =
        r#"type error: first("a \"b\" ü"::string) * 0: incompatible types: string and integer"#;
    assert!(reply.body.ends_with(message.as_bytes()), "{}", reply.body.escape_ascii());
}
