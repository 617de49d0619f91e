//! The statements by which a migration is planned and checked, as InfluxDB OSS 1.6.7 and 2.9.1
//! answer them: counts in slices of time, carriage returns, the last row, and what a database has.

use support::influx::{ContinuousQuery, FakeInflux, Settings, Version};

use super::influxql::{DAY, VERSIONS, check_case, check_maps, known_to, recorded, recorded_text};
use super::{INFLUXQL, ask_influxql};

/// The database that was asked: shard groups of a day, and a policy with points of its own.
fn server(version: Version) -> FakeInflux {
    let continuous_queries = vec![ContinuousQuery {
        database: "fake".to_owned(),
        name: "cq 1".to_owned(),
        query: "CREATE CONTINUOUS QUERY \"cq 1\" ON fake BEGIN SELECT mean(f) INTO \
             fake.\"r p\".avg FROM fake.autogen.c GROUP BY time(1h), * END"
            .to_owned(),
    }];
    let influx = FakeInflux::with(Settings { version, continuous_queries, ..Settings::default() });
    influx.set_shard_group("fake", DAY);
    influx.load("fake", &known_to(version, &recorded_text("counts.lp")));
    influx.load("fake/r p", &recorded_text("keys_of_all.other.lp"));
    influx
}

#[track_caller]
fn check(case: &str) {
    VERSIONS.iter().for_each(|(version, suffix)| check_case(&server(*version), case, suffix));
}

#[test]
fn counts_in_slices_and_last_rows_are_those_recorded() {
    check("counts");
}

#[test]
fn the_tag_keys_of_all_measurements_are_those_recorded() {
    check("keys_of_all");
    check("error_tag_keys");
    // Observed: no size of a chunk parts them.
    let influx = server(Version::V1_6);
    let target = INFLUXQL.replace("10000", "1");
    let reply = ask_influxql(&influx, &target, &recorded_text("keys_of_all.influxql"));
    check_maps(&reply.body, &recorded("keys_of_all_v1.msgpack"));
}

#[test]
fn cardinalities_and_continuous_queries_are_those_recorded() {
    check("cardinality");
    check("continuous_queries");
    check_case(&server(Version::V2), "error_cardinality", "v2");
}

#[test]
fn carriage_returns_alone_are_looked_for_and_once() {
    let influx = server(Version::V2);
    let count = r#"SELECT count("s") FROM "s" WHERE time >= 0 AND time < 10 AND "#;
    for condition in
        [r#""s" =~ /\n/"#, r#""s" =~ /\r/ AND "t" =~ /\r/"#, r#"("s" =~ /\r/ AND "t" =~ /\r/)"#]
    {
        let reply = ask_influxql(&influx, INFLUXQL, &format!("{count}{condition}"));
        assert_eq!(reply.status, 400, "{condition}");
    }
    for end in ["GROUP BY time(1d)", "GROUP BY time(1x) fill(none)", "GROUP BY time(0s) fill(none)"]
    {
        let reply =
            ask_influxql(&influx, INFLUXQL, &format!("{} {end}", count.trim_end_matches(" AND ")));
        assert_eq!(reply.status, 400, "{end}");
    }
}
