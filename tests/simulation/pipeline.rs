//! What is done at once: the next query while the last writes are acknowledged, and as many writes as the
//! destination takes without becoming slower.

use fastrand::Rng;
use serde_json::json;
use tsm2iox_guest::plan::Ending;
use tsm2iox_guest::time::Timestamp;

use crate::source::{SECOND, Series, Source};
use crate::world::{Ended, World};

const DAY: i64 = 86_400 * SECOND;
const START: i64 = 19_000 * DAY;

/// A measurement with a point every minute for some days, of a source that takes no time to speak of.
fn world(days: i64) -> World {
    let times = (0..days * 1440).map(|n| START + n * 60 * SECOND).collect();
    let series = Series { measurement: "m".to_owned(), host: String::new(), fields: 2, times };
    World::new(Rng::with_seed(1), Source::new(vec![series], [1_000_000, 0, 1_000], 90 * SECOND))
}

/// Runs it, and says how many seconds it took.
fn migrate(world: &mut World, days: i64) -> i64 {
    let settings = json!({
        "migration": {
            "start": Timestamp(START).to_string(),
            "stop": Timestamp(START + days * DAY).to_string(),
        },
        "source": { "api": "v2", "language": "flux", "url": "http://s", "org": "o", "bucket": "b" },
        "destination": { "api": "v3", "url": "http://d", "bucket": "b" },
    });
    let began = world.now;
    let Ended::Done(outcome) = world.run(&settings.to_string()) else { panic!("nothing crashes") };
    assert_eq!(outcome.ending, Ending::Complete);
    assert_eq!(world.destination, world.source.lines(&(START..START + days * DAY)));
    (world.now - began) / SECOND
}

/// The most that were with the destination at once, of those that set out in the second half.
fn at_once(world: &World) -> usize {
    let bodies = &world.bodies[world.bodies.len() / 2..];
    let with = |time: &i64| bodies.iter().filter(|(body, _)| body.contains(time)).count();
    bodies.iter().map(|(body, _)| with(&body.start)).max().unwrap_or(0)
}

#[test]
fn the_source_is_asked_on_while_writes_are_acknowledged() {
    let took = |tells_reports| {
        let mut world = world(40);
        world.tells_reports = tells_reports;
        migrate(&mut world, 40)
    };
    let (told, untold) = (took(true), took(false));
    assert!(told * 2 < untold, "{told} s, and {untold} s where no host tells that all is read");
}

#[test]
fn bodies_in_flight_grow_while_they_come_back_soon_and_are_learnt_smaller() {
    let mut world = world(200);
    // A day is some dozens of such bodies.
    world.body_bytes_max = 3000;
    migrate(&mut world, 200);
    let at_once = at_once(&world);
    // Those of a batch that is read, and of the next.
    assert!((10..=16).contains(&at_once), "{at_once} bodies were under way at once");
    // Each of the first batches, which are under way together, learns it by some thirty; 200 would by 6000.
    assert!(world.too_large < 1000, "{} bodies were too large", world.too_large);
}
