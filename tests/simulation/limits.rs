//! What is kept to beside the quotas of a configuration: those that an API tells, measurement-days, and a
//! destination that says nothing but takes longer.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Value, json};
use tsm2iox_guest::plan::Ending;
use tsm2iox_guest::time::Timestamp;

use crate::source::{SECOND, Series, Source};
use crate::within_a_window;
use crate::world::{Ended, World};

const DAY: i64 = 86_400 * SECOND;
const START: i64 = 19_000 * DAY;

/// Measurements with a point every so many seconds, for some days.
fn world(measurements: usize, every: i64, days: i64) -> World {
    let times: Vec<_> =
        (0..days * DAY / (every * SECOND)).map(|n| START + n * every * SECOND).collect();
    let series = |nth| Series {
        measurement: format!("m{nth}"),
        host: String::new(),
        fields: 2,
        times: times.clone(),
    };
    let series = (0..measurements).map(series).collect();
    World::new(Rng::with_seed(1), Source::new(series, [100_000_000, 0, 1_000], 90 * SECOND))
}

/// Runs it for so many days with these limits.
fn migrate(world: &mut World, days: i64, destination: Value, limits: Value) {
    let settings = json!({
        "migration": {
            "start": Timestamp(START).to_string(),
            "stop": Timestamp(START + days * DAY).to_string(),
        },
        "source": { "api": "v2", "language": "flux", "url": "http://s", "org": "o", "bucket": "b" },
        "destination": destination,
        "limits": limits,
    });
    let Ended::Done(outcome) = world.run(&settings.to_string()) else { panic!("nothing crashes") };
    assert_eq!(outcome.ending, Ending::Complete);
    assert_eq!(world.destination, world.source.lines(&(START..START + days * DAY)));
}

#[test]
fn an_organization_tells_what_it_may_write() {
    let mut world = world(3, 200, 5);
    // 0.3 MB in five minutes, of which half is left to others.
    world.organization = Some([1000, 1]);
    let to_cloud =
        json!({ "api": "v2", "product": "cloud", "url": "http://d", "org": "o", "bucket": "b" });
    migrate(&mut world, 5, to_cloud.clone(), json!({ "write_mb": "auto", "read_mb": "auto" }));
    let all: u64 = world.written.iter().map(|(_, bytes)| bytes).sum();
    assert!(all > 150_000, "{all} bytes are too few to see a quota");
    let most = within_a_window(&world.written, 300 * SECOND);
    assert!(most <= 150_000 && most > 140_000, "{most} bytes were written in a window");

    // Where it does not tell, nothing is assumed.
    let mut world = self::world(3, 200, 5);
    migrate(&mut world, 5, to_cloud, json!({ "write_mb": "auto" }));
    assert!(within_a_window(&world.written, 300 * SECOND) > 150_000);
}

#[test]
fn no_more_measurement_days_are_written_than_serverless_takes() {
    let mut world = world(40, 21_600, 30);
    let to_serverless =
        json!({ "api": "v2", "product": "serverless", "url": "http://d", "bucket": "b" });
    // 250 of the 5000.
    migrate(&mut world, 30, to_serverless, json!({ "share": 0.05 }));
    let days_within = |start: i64| {
        let bodies = world
            .bodies
            .iter()
            .filter(|(time, _)| time.end > start && time.end <= start + 900 * SECOND);
        let day = |line: &str| {
            let (measurement, _) = line.split_once(' ').expect("a line has fields");
            let (_, time) = line.rsplit_once(' ').expect("and a time");
            (measurement.to_owned(), time.parse::<i64>().expect("a number") / DAY)
        };
        let days: BTreeSet<_> = bodies.flat_map(|(_, body)| body.lines().map(day)).collect();
        days.len()
    };
    let most = world.bodies.iter().map(|(time, _)| days_within(time.start)).max();
    assert!(most.is_some_and(|most| most <= 250 && most > 200), "{most:?} in 15 minutes");
    let took = world.bodies.last().expect("there are some").0.end - world.bodies[0].0.start;
    assert!(took < 6 * 900 * SECOND, "1200 are five times 250, and it took {} s", took / SECOND);
}

#[test]
fn a_destination_that_takes_longer_is_given_pauses() {
    let mut world = world(1, 60, 40);
    let slow = world.now + 30 * SECOND..world.now + 300 * SECOND;
    world.slow = slow.clone();
    let to_core = json!({ "api": "v3", "url": "http://d", "bucket": "b" });
    migrate(&mut world, 40, to_core, json!({ "rate_mb_per_s": 0.03 }));
    let bodies: Vec<_> = world.bodies.iter().map(|(time, _)| time.clone()).collect();
    let in_slow: Vec<_> = bodies.iter().filter(|body| slow.contains(&body.start)).collect();
    assert!(in_slow.len() > 3, "{in_slow:?}");
    // After the first, which could not know.
    for pair in in_slow.windows(2).skip(1) {
        let pause = pair[1].start - pair[0].end;
        assert!(pause >= 19 * SECOND, "a pause of {} s in {in_slow:?}", pause / SECOND);
    }
    let after: Vec<_> = bodies.iter().filter(|body| body.start > slow.end + 120 * SECOND).collect();
    assert!(after.windows(2).any(|pair| pair[1].start - pair[0].end < 10 * SECOND), "{after:?}");
}
