//! Points that a destination refuses and that may be set aside: a run that ends with 3, a file that can be
//! mended and migrated, and nothing that is in neither.

use std::fs;

use support::client::request;
use support::influx::{Engine, FakeInflux, Points, Settings};

use crate::refusals::{OTHER, expected};
use crate::run::{Migration, config, hosts, talk};
use crate::sides;

/// An InfluxDB 3 in which `load` of `cpu` is a float, and what refuses integers.
fn destination() -> FakeInflux {
    let destination = FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() });
    let path = "/api/v3/write_lp?db=dst&precision=ns";
    assert_eq!(request(&destination.url(), "POST", path, &[], OTHER.as_bytes()).status, 204);
    destination
}

#[test]
fn what_is_set_aside_can_be_mended_and_migrated() {
    for host in hosts() {
        let ((source, _), destination) = (sides(), destination());
        let an_hour = config(&source, &destination)
            .replace("stop = 2022-01-01T06:30", "stop = 2022-01-01T01:00")
            .replace("bucket = \"dst\"", "bucket = \"dst\"\nholds_data = true");
        let migration = Migration::new(host, &(an_hour + "[rejected]\nmax = 90\n"));
        let output = migration.run();
        assert_eq!(output.status.code(), Some(3), "{host:?}: {}", talk(&output));
        destination.points("dst").assert_same(&Points::parse(&expected()));
        let rejected = migration.read("migration.rejected.lp");
        assert_eq!(rejected.lines().count(), 2 * 90, "{host:?}: a comment and a line for each");
        let first = "# \"2022-01-01T00:00:00Z/2022-01-01T01:00:00Z\" point 1 (400): invalid column type for \
                     column 'load', expected iox::column_type::field::float, got \
                     iox::column_type::field::integer\n\
                     cpu,host=a,zone=north load=0i 1640995200000000000\n";
        assert!(rejected.starts_with(first), "{host:?}: {rejected}");
        // Once more: nothing is left to be done, and it is no plain success either.
        let output = migration.run();
        assert_eq!(output.status.code(), Some(3), "{host:?}: {}", talk(&output));
        assert_eq!(migration.read("migration.rejected.lp"), rejected, "{host:?}");

        // Mended: the integers become floats.
        let url = destination.url();
        let again = Migration::new(
            host,
            &format!(
                "[source]\napi = \"lp\"\npath = \"mended.lp\"\n\
                 [destination]\napi = \"v3\"\nurl = \"{url}\"\nbucket = \"dst\"\n"
            ),
        );
        let mend = |line: &str| match line.starts_with('#') {
            true => format!("{line}\n"),
            false => format!("{}\n", line.replace("i ", " ")),
        };
        let mended: String = rejected.lines().map(mend).collect();
        fs::write(again.path("mended.lp"), &mended).expect("a folder takes a file");
        again.complete();
        let values = mended.lines().filter(|line| !line.starts_with('#'));
        let values: String = values.map(|line| format!("{line}\n")).collect();
        destination.points("dst").assert_same(&Points::parse(&(expected() + &values)));
    }
}
