//! The same with InfluxDB 1.6.7 as source and destination, where it is installed, as it is in CI.

use support::servers::{RealServer, Values};

use crate::kills::{Ended, RUNS_MAX, at_some_time, run, seeded, time_whole};
use crate::run::{Host, INFLUXDB_1, Migration};
use crate::sides::{ONE_BY_ONE, Records, Shape, Target, batches};

const KILLS: u32 = 40;

const SHAPE: Shape = Shape {
    road: &INFLUXDB_1,
    target: Target::V1,
    records: Records::File,
    batches: 36,
    minutes: 10,
    attempts: 3,
    ..ONE_BY_ONE
};

/// Values of these that others do not have, be it because they have another one.
fn missing(values: &Values, others: &Values) -> Vec<String> {
    let missing = values.iter().filter(|(place, value)| others.get(*place) != Some(*value));
    missing.map(|(place, value)| format!("{place:?} {value}")).collect()
}

/// Those of the points that the migration is to move.
fn expected(server: &RealServer) -> Values {
    let (start, stop) = SHAPE.range();
    let mut values = server.values("src");
    values.retain(|(_, _, time), _| (start..stop).contains(time));
    values
}

/// Nothing is there that the source does not have, and all of what is recorded is.
#[track_caller]
fn check_midway(records: &str, arrived: &Values, expected: &Values) {
    assert_eq!(missing(arrived, expected), [""; 0], "it is not at the source");
    let recorded = batches(records);
    let mut done = expected.clone();
    done.retain(|(_, _, time), _| {
        recorded.iter().any(|(start, stop)| (*start..*stop).contains(time))
    });
    assert_eq!(missing(&done, arrived), [""; 0], "it is recorded and not there");
}

#[test]
fn kills_lose_no_point_between_two_databases_of_influxdb_1() {
    let Some(server) = RealServer::influxdb_1() else { return };
    server.create_database("src");
    assert_eq!(server.post("/write?db=src&precision=ns", &SHAPE.points()).status, 204);
    let expected = expected(&server);
    assert!(expected.len() > 500, "there is something to move");
    let migration = |database: &str| {
        server.create_database(database);
        let config = SHAPE.config([server.url(), server.url(), ""]);
        let config = config.replace("\"dst\"", &format!("\"{database}\""));
        Migration::new(Host::Binary, &config)
    };
    let takes = time_whole(&migration("whole"));
    seeded(200, |rng| {
        let (mut kills, mut runs) = (0, 0);
        for number in 0.. {
            if kills >= KILLS {
                break;
            }
            let database = format!("dst{number}");
            let migration = migration(&database);
            let ended = || {
                runs += 1;
                let ended = run(&migration, &at_some_time(rng, takes));
                check_midway(&migration.read("records.lp"), &server.values(&database), &expected);
                kills += u32::from(ended == Ended::Killed);
                ended
            };
            let is_complete =
                std::iter::repeat_with(ended).take(RUNS_MAX).any(|ended| ended == Ended::Complete);
            assert!(is_complete, "it does not complete in {RUNS_MAX} runs");
            assert_eq!(missing(&expected, &server.values(&database)), [""; 0]);
            assert_eq!(server.field_types(&database), server.field_types("src"));
        }
        eprintln!("{kills} kills, {runs} runs between databases of InfluxDB 1.6.7");
    });
}
