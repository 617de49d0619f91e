//! The scenario of the guide: 5 MB in five minutes, ten times as many points by day as by night, and a week
//! without any. How many windows it takes, beside what the guide's own rule takes for the same points.
//!
//! All amounts are a fiftieth of those, points and quota alike.

use std::ops::Range;

use fastrand::Rng;
use serde_json::json;
use tsm2iox_guest::plan::Ending;
use tsm2iox_guest::time::Timestamp;

use crate::source::{SECOND, Series, Source};
use crate::world::{Ended, World};

const DAY: i64 = 86_400 * SECOND;
const WINDOW: i64 = 300 * SECOND;
const QUOTA: u64 = 100_000;

/// 1.5 s for each million of values, as 2.9.1 takes them by Flux (observed), and a part of a second.
const COSTS: [i64; 3] = [200_000_000, 1_000_000, 6_000];

fn series() -> Vec<Series> {
    let start = 19_000 * DAY;
    let days = (0..7).chain(14..21);
    let times: Vec<_> = days
        .flat_map(|day| {
            let midnight = start + day * DAY;
            let night = (0..6).map(move |nth| midnight + nth * 7200 * SECOND);
            let noon = midnight + DAY / 2;
            night.chain((0..60).map(move |nth| noon + nth * 720 * SECOND))
        })
        .collect();
    let series = |nth| Series {
        measurement: "cpu".to_owned(),
        host: format!("host{nth:02}"),
        fields: 4,
        times: times.clone(),
    };
    (0..25).map(series).collect()
}

/// Windows that the guide's task takes: it moves one interval in each, which its rule makes so long that
/// the densest fills 80 % of one, and writes a line for each field.
fn windows_of_the_guide(series: &[Series], times: &Range<i64>) -> i64 {
    let bytes = |of: &Series, time| -> u64 {
        (0..of.fields).map(|field| of.line(field..field + 1, time).len() as u64 + 1).sum()
    };
    let densest = |interval: i64| {
        let mut amounts = std::collections::BTreeMap::<i64, u64>::new();
        for of in series {
            for time in &of.times {
                *amounts.entry((time - times.start) / interval).or_default() += bytes(of, *time);
            }
        }
        amounts.into_values().max().unwrap_or(0)
    };
    let minutes = (1..).find(|minutes| densest((minutes + 1) * 60 * SECOND) > QUOTA * 8 / 10);
    let interval = minutes.expect("some interval is too long") * 60 * SECOND;
    (times.end - times.start + interval - 1) / interval
}

#[test]
fn windows_are_used_as_far_as_the_bytes_allow() {
    let series = series();
    let times = 19_000 * DAY..19_021 * DAY;
    let of_the_guide = windows_of_the_guide(&series, &times);
    let mut world = World::new(Rng::with_seed(1), Source::new(series, COSTS, 90 * SECOND));
    let settings = json!({
        "migration": { "start": Timestamp(times.start).to_string(), "stop": Timestamp(times.end).to_string() },
        "source": { "api": "v2", "language": "flux", "url": "http://s", "org": "o", "bucket": "b" },
        "destination": { "api": "v2", "product": "serverless", "url": "http://d", "bucket": "b" },
        "limits": { "write_mb": QUOTA as f64 / 1e6, "share": 1.0 },
    });
    let Ended::Done(outcome) = world.run(&settings.to_string()) else { panic!("nothing crashes") };
    assert_eq!(outcome.ending, Ending::Complete);
    assert_eq!(world.destination, world.source.lines(&times));
    let bytes: u64 = world.written.iter().map(|(_, bytes)| bytes).sum();
    let least = i64::try_from(bytes.div_ceil(QUOTA)).expect("there are few");
    let (first, last) = (world.written[0].0, world.written[world.written.len() - 1].0);
    let used = (last - first) / WINDOW + 1;
    eprintln!("{used} windows, {least} at least, {of_the_guide} by the rule of the guide");
    assert!(
        used as f64 <= 1.05 * least as f64,
        "{used} windows were used, {least} would have done"
    );
    assert!(of_the_guide >= 3 * used, "the guide takes {of_the_guide} windows, and this {used}");
}
