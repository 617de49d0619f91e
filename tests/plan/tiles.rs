//! Several batches under way at once, whose answers come in any order: what is recorded is each part of
//! the migration, and once.

use serde_json::{Value, json};
use tsm2iox_guest::error::{Error, Fault};
use tsm2iox_guest::plan::{Answer, Batch, Ending, Outcome, Plan, Purpose, Step, Totals};
use tsm2iox_guest::protocol::Response;
use tsm2iox_guest::time::{TimeRange, Timestamp};

use crate::settings;

/// A small generator: the same dice for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % sides
    }
}

/// What a batch reports that took a second; it used nothing of what its order lets it use, and has so many
/// bytes left.
fn report(batch: &Batch, bytes: usize) -> String {
    let order: Value = serde_json::from_str(&batch.order).expect("an order is JSON");
    json!({
        "source_nanoseconds": 1_000_000_000, "source_delays": 0, "tables": 1, "rows": 1, "read": 1,
        "written": 1, "unacknowledged_bodies": 1, "unacknowledged_bytes": bytes, "slot": order["slot"],
        "window": order["window"],
    })
    .to_string()
}

/// The outcome of a batch, as its own plan would end.
pub(crate) fn done(range: TimeRange, report: String) -> Answer {
    let (start, stop) = (range.start().nine_digits(), range.stop().nine_digits());
    let checkpoint = format!(
        "batches,dstBucket=dst,dstHost=http://destination,srcBucket=src,srcHost=http://source,srcOrg=o \
         batch_start=\"{start}\",batch_stop=\"{stop}\",migration_start=\"1970-01-01T00:00:00Z\",\
         migration_stop=\"1970-01-01T06:30:00Z\",rows=1i,percent_complete=1.0 1"
    );
    Answer::Outcome(Outcome {
        ending: Ending::Complete,
        totals: Totals { rows: 1, points: 1, read: 1, written: 1, rejected: 0, saved: 0 },
        checkpoint,
        report,
    })
}

/// A migration of several batches at once, whose answers come in any order, some of them faults,
/// and whose process is killed now and then. Returns the recorded ranges, and how many batches were under
/// way at once at most.
fn simulate(seed: u64, settings: &str) -> (Vec<String>, usize) {
    let (mut dice, mut most) = (Dice(seed), 0);
    let mut checkpoint = String::new();
    for _ in 0..100 {
        let mut plan = Plan::open(Purpose::Migrate, settings).expect("the settings are fit");
        let (mut in_hand, mut now, mut bodies) = (Vec::new(), 0, std::collections::HashMap::new());
        loop {
            match plan.next(Timestamp(now)) {
                Step::Send(request) if request.method == "GET" => {
                    bodies.insert(request.id, vec![Answer::Bytes(checkpoint.clone().into_bytes())]);
                    let response = Response { status: 200, headers: Vec::new() };
                    plan.answer(request.id, Answer::Response(response));
                }
                Step::Send(request) => in_hand.push((request.id, None, request.body)),
                Step::Read(id) => {
                    let body = bodies.get_mut(&id).and_then(Vec::pop).unwrap_or(Answer::End);
                    plan.answer(id, body);
                }
                Step::Recall(_) => panic!("a migration keeps its records"),
                Step::Batch(batch) => {
                    in_hand.push((batch.id, Some(batch), String::new()));
                    most = most.max(in_hand.iter().filter(|(_, batch, _)| batch.is_some()).count());
                }
                Step::Wait(_) if !in_hand.is_empty() => {
                    let place = dice.roll(in_hand.len());
                    if let (id, Some(batch), _) = &in_hand[place]
                        && dice.roll(2) == 0
                    {
                        // Once or more: only the first counts.
                        plan.answer(*id, Answer::Report(report(batch, dice.roll(1000))));
                        continue;
                    }
                    let (id, batch, body) = in_hand.swap_remove(place);
                    match batch {
                        Some(batch) if dice.roll(4) > 0 => {
                            plan.answer(id, done(batch.range, report(&batch, 0)));
                        }
                        Some(_) => {
                            let error = Error::new(Fault::Unavailable, "");
                            let ending = Ending::Stopped(error);
                            let (totals, checkpoint) = (Totals::default(), String::new());
                            let report = String::new();
                            let outcome = Outcome { ending, totals, checkpoint, report };
                            plan.answer(id, Answer::Outcome(outcome));
                        }
                        None => {
                            checkpoint += &body;
                            let response = Response { status: 204, headers: Vec::new() };
                            plan.answer(id, Answer::Response(response));
                        }
                    }
                }
                Step::Wait(until) => now = until.0,
                Step::Note(_) | Step::Report(_) => {}
                Step::Done(Outcome { ending: Ending::Complete, .. }) => {
                    assert!(in_hand.is_empty(), "seed {seed}: complete with batches in hand");
                    return (recorded(&checkpoint), most);
                }
                Step::Done(_) => break,
            }
            if dice.roll(50) == 0 {
                break; // Killed.
            }
        }
    }
    panic!("seed {seed}: it comes to no end");
}

fn recorded(checkpoint: &str) -> Vec<String> {
    let text = |line: &str, key: &str| {
        let text = line.split(&format!("{key}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        text.expect("a record says its range").to_owned()
    };
    let mut ranges: Vec<_> = checkpoint
        .lines()
        .filter(|line| line.starts_with("batches"))
        .map(|line| format!("{}/{}", text(line, " batch_start"), text(line, "batch_stop")))
        .collect();
    ranges.sort();
    ranges
}

#[test]
fn records_tile_the_migration_exactly_whatever_the_dice_say() {
    let settings = settings(&json!({ "limits": { "concurrency": 3, "attempts": 2 } }));
    let hour = |n: i64| Timestamp(n * 3_600_000_000_000).nine_digits();
    let mut tiles: Vec<_> = (0..6).map(|n| format!("{}/{}", hour(n), hour(n + 1))).collect();
    tiles.push(format!("{}/1970-01-01T06:30:00.000000000Z", hour(6)));
    let mut most = 0;
    for seed in 0..300 {
        let (recorded, at_once) = simulate(seed, &settings);
        assert_eq!(recorded, tiles, "seed {seed}");
        most = most.max(at_once);
    }
    assert!(most > 3, "{most} batches were under way at once");
}
