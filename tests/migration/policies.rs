//! What a destination cannot take as it is, and what the policies of `[schema]` make of it: fields whose
//! types change, a tag and a field of one name, values that cannot be written. Without a policy the run
//! stops, and says why.

use support::influx::{Engine, FakeInflux, Points, Settings, Version};
use support::servers::RealServer;

use crate::influxdb_1::{BUCKET, create, table, write};
use crate::run::{Host, INFLUXDB_1, INFLUXQL, Migration, Road, hosts, talk};

/// A float in January, an integer in February and a string in March of 2022, in two series.
const CHANGING: &str = include_str!("../recorded/type_conflict/points.lp");

/// The quarter that they are of. By auto batches some are of one type and some of several.
const QUARTER: &str = "[migration]\nstart = 2022-01-01T00:00:00Z\nstop = 2022-04-01T00:00:00Z\n";

/// What becomes of them, by policy.
const AS_FLOAT: &str = "m,t=a f=1 1640995200000000000\n\
     m,t=a f=2 1643673600000000000\n\
     m,t=b f_string=\"x\" 1646092800000000000\n";
const AS_SUFFIX: &str = "m,t=a f_float=1 1640995200000000000\n\
     m,t=a f_integer=2i 1643673600000000000\n\
     m,t=b f_string=\"x\" 1646092800000000000\n";

fn types(policy: &str) -> String {
    format!("[[schema.types]]\nmeasurement = \"m\"\nfield = \"f\"\nas = \"{policy}\"\n")
}

fn rename(what: &str, to: &str) -> String {
    format!("[[schema.rename]]\n{what}\nto = \"{to}\"\n")
}

/// A source of this version that holds these points.
fn source(version: Version, token: Option<String>, points: &str) -> FakeInflux {
    let source = FakeInflux::with(Settings { version, token, ..Settings::default() });
    source.load("src", points);
    source
}

fn source_of(road: &Road, points: &str) -> FakeInflux {
    source(road.version, Some(road.token()), points)
}

/// InfluxDB 3, with nothing in it.
fn destination() -> FakeInflux {
    FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() })
}

/// From there to there, with more tables.
fn config(road: &Road, source: &FakeInflux, destination: &FakeInflux, more: &str) -> String {
    let (source, destination) = (road.source(&source.url()), destination.url());
    format!(
        "{QUARTER}{source}[destination]\napi = \"v3\"\nurl = \"{destination}\"\nbucket = \"dst\"\n{more}"
    )
}

#[test]
fn a_field_whose_type_changes_arrives_whole_with_each_policy() {
    for host in hosts() {
        for road in [INFLUXQL, INFLUXDB_1] {
            let policies = [
                ("float", AS_FLOAT, "1 integer written as floats, as `schema.types` says"),
                ("suffix", AS_SUFFIX, "1 value written to fields called after their types"),
            ];
            for (policy, expected, said) in policies {
                let (source, destination) = (source_of(&road, CHANGING), destination());
                let more = types(policy);
                let migration = Migration::new(host, &config(&road, &source, &destination, &more));
                let output = migration.run();
                assert!(output.status.success(), "{host:?} {policy}: {}", talk(&output));
                destination.points("dst").assert_same(&Points::parse(expected));
                assert!(talk(&output).contains(said), "{host:?} {policy}: {}", talk(&output));
                let records = migration.read("migration.checkpoint.lp");
                let rules = format!(
                    "types=\"[{{\\\"as\\\":\\\"{policy}\\\",\\\"field\\\":\\\"f\\\",\\\"measurement\\\":\\\"m\\\"}}]\""
                );
                assert!(records.lines().all(|record| record.contains(&rules)), "{records}");
            }
        }
    }
}

#[test]
fn a_field_whose_type_changes_stops_the_run_without_a_policy() {
    for road in [INFLUXQL, INFLUXDB_1] {
        let (source, destination) = (source_of(&road, CHANGING), destination());
        let migration = Migration::new(Host::Binary, &config(&road, &source, &destination, ""));
        let output = migration.run();
        assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
        let message = "error: it is not begun: field `f` of `m` has several types (float, integer, string), and \
                       InfluxDB 3 takes one\n";
        assert!(talk(&output).contains(message), "{}", talk(&output));
        // Nothing is moved, and nothing is on record.
        assert_eq!(destination.points("dst").rows(), 0);
        assert_eq!(migration.read("migration.checkpoint.lp"), "");
    }
}

#[test]
fn a_field_whose_type_changes_arrives_from_a_real_influxdb_1_with_each_policy() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    write(&server, BUCKET, CHANGING);
    let source = table("source", server.url(), BUCKET);
    for (policy, expected) in [("float", AS_FLOAT), ("suffix", AS_SUFFIX)] {
        let destination = destination();
        let url = destination.url();
        let policy = types(policy);
        let config = format!(
            "{QUARTER}{source}[destination]\napi = \"v3\"\nurl = \"{url}\"\nbucket = \"dst\"\n{policy}"
        );
        Migration::new(Host::Binary, &config).complete();
        destination.points("dst").assert_same(&Points::parse(expected));
    }
}

/// A tag and a field of one name, on some points, and points with one of both.
const COLLIDING: &str = "cpu,host=a host=1.5,load=1i 1640995200000000000\n\
     cpu,host=a load=2i 1640995201000000000\n\
     cpu host=3 1643673600000000000\n\
     mem host=4 1643673600000000000\n";

#[test]
fn a_tag_and_a_field_of_one_name_arrive_if_one_is_renamed() {
    for road in [INFLUXQL, INFLUXDB_1] {
        for (what, to, expected) in [
            (
                "measurement = \"cpu\"\nfield = \"host\"",
                "host_value",
                COLLIDING
                    .replace("cpu,host=a host=", "cpu,host=a host_value=")
                    .replace("cpu host=", "cpu host_value="),
            ),
            ("tag = \"host\"", "node", COLLIDING.replace("cpu,host=", "cpu,node=")),
        ] {
            let (source, destination) = (source_of(&road, COLLIDING), destination());
            let more = rename(what, to);
            let config = config(&road, &source, &destination, &more);
            Migration::new(Host::Binary, &config).complete();
            destination.points("dst").assert_same(&Points::parse(&expected));
        }
        let (source, destination) = (source_of(&road, COLLIDING), destination());
        let migration = Migration::new(Host::Binary, &config(&road, &source, &destination, ""));
        let output = migration.run();
        assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
        let hint =
            "hint: give one of them another name in `[[schema.rename]]`; `tsm2iox check` shows";
        assert!(talk(&output).contains(hint), "{}", talk(&output));
    }
}

#[test]
fn two_that_would_become_one_stop_the_run() {
    let points = "m a=1,b=2 1640995200000000000\nm b=3 1640995201000000000\n";
    let (source, destination) = (source_of(&INFLUXQL, points), destination());
    let more = rename("field = \"a\"", "b");
    let migration = Migration::new(Host::Binary, &config(&INFLUXQL, &source, &destination, &more));
    let output = migration.run();
    assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
    let message = "`a` is renamed to `b`, and there is such a name already";
    assert!(talk(&output).contains(message), "{}", talk(&output));
    assert_eq!(destination.points("dst").rows(), 0);
}

/// A file with values that InfluxDB 3 does not take, among others that it does.
const UNFIT: &str = "cpu,host=a host=1.5,load=1i 1640995200000000000\n\
     cpu,host=a load=2i,time=7i 1640995201000000000\n\
     cpu,time=noon load=3i,note=\"a\nb\" 1640995202000000000\n\
     cpu,host=a load=4i 1640995203000000000\n";
const FIT: &str = "cpu,host=a load=1i 1640995200000000000\n\
     cpu,host=a load=2i 1640995201000000000\n\
     cpu,host=a load=4i 1640995203000000000\n";

fn from_file(path: &str, destination: &FakeInflux, more: &str) -> String {
    let url = destination.url();
    format!(
        "[source]\napi = \"lp\"\npath = \"{path}\"\n\
         [destination]\napi = \"v3\"\nurl = \"{url}\"\nbucket = \"dst\"\n{more}"
    )
}

#[test]
fn values_that_cannot_be_written_are_set_aside_as_comments() {
    for host in hosts() {
        let destination = destination();
        let more = "[schema]\nunfit = \"set_aside\"\n[rejected]\nmax = 3\n";
        let migration = Migration::new(host, &from_file("in.lp", &destination, more));
        std::fs::write(migration.path("in.lp"), UNFIT).expect("a folder takes a file");
        let output = migration.run();
        assert_eq!(output.status.code(), Some(3), "{host:?}: {}", talk(&output));
        destination.points("dst").assert_same(&Points::parse(FIT));
        let said = "3 points that cannot be written set aside: line 1: line protocol cannot say";
        assert!(talk(&output).contains(said), "{host:?}: {}", talk(&output));
        let rejected = migration.read("migration.rejected.lp");
        let set_aside: Vec<_> =
            rejected.lines().filter_map(|line| line.strip_prefix("# set aside: ")).collect();
        assert_eq!(
            set_aside,
            [
                "cpu,host=a host=1.5 1640995200000000000",
                "cpu,host=a time=7i 1640995201000000000",
                "cpu,time=noon load=3i,note=\"a\\nb\" 1640995202000000000",
            ]
        );
        let why = "line 3: line protocol cannot say the tag key `time` of `cpu`: it is reserved for the time\n";
        assert!(rejected.contains(why), "{rejected}");
        // Nothing of it is a point, until somebody makes one of it.
        let again = self::destination();
        let path = migration.path("migration.rejected.lp");
        let config = from_file(path.to_str().expect("it is text"), &again, "");
        Migration::new(host, &config).complete();
        assert_eq!(again.points("dst").rows(), 0, "{host:?}");
        // Once more: nothing is left to be done, and it is no plain success either.
        assert_eq!(migration.run().status.code(), Some(3), "{host:?}");
    }
}

#[test]
fn more_than_may_be_set_aside_stop_the_run() {
    let destination = destination();
    let more = "[schema]\nunfit = \"set_aside\"\n[rejected]\nmax = 2\n";
    let migration = Migration::new(Host::Binary, &from_file("in.lp", &destination, more));
    std::fs::write(migration.path("in.lp"), UNFIT).expect("a folder takes a file");
    let output = migration.run();
    assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
    let said = "more than may be set aside: 2 of `rejected.max` are left";
    assert!(talk(&output).contains(said), "{}", talk(&output));
    let records = migration.read("migration.checkpoint.lp");
    assert_eq!(records.lines().count(), 1, "only that it has begun is recorded");
    // Without leave, nothing is.
    let migration = Migration::new(Host::Binary, &from_file("in.lp", &destination, ""));
    std::fs::write(migration.path("in.lp"), UNFIT).expect("a folder takes a file");
    assert_eq!(migration.run().status.code(), Some(2));
    assert_eq!(migration.read("migration.rejected.lp"), "");
}
