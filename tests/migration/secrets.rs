//! Tokens in a whole migration: rotated while it runs, and never seen by anybody.

use std::fs;

use support::influx::Moment;

use crate::run::{FLUX, Host, Migration, config, hosts, talk};
use crate::{expected, sides};

#[test]
fn a_token_that_is_rotated_while_a_run_goes_on_stops_nothing() {
    for host in hosts() {
        let (source, destination) = sides();
        let config = config(&source, &destination);
        let (head, tail) = config.rsplit_once("token_env = \"TOKEN\"").expect("both have one");
        let migration = Migration::new(host, &format!("{head}token_file = \"token\"{tail}"));
        fs::write(migration.path("token"), "the one before").expect("a folder takes a file");
        let hold = source.hold(Moment::Arrived, FLUX.path, 1);
        let process = migration.start();
        hold.wait();
        fs::write(migration.path("token"), "secret\n").expect("a folder takes a file");
        hold.release();
        let output = process.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{host:?}: {}", talk(&output));
        destination.points("dst").assert_same(&expected());
        let again =
            "the destination `dst` does not accept the credentials (401); it is tried once more";
        // Python's host looks at the file each time, and has no need of it.
        assert_eq!(talk(&output).contains(again), host == Host::Binary, "{}", talk(&output));
    }
}
