//! What is recorded covers the whole migration, and nothing of it twice.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;
use tsm2iox_guest::time::Timestamp;

use crate::world::World;

/// A record: times, and bounds of names, as the contract's `section` has them.
struct Tile {
    times: Range<i64>,
    bounds: Vec<Value>,
}

impl Tile {
    /// `None` for one that was torn, or is of another migration.
    fn of(line: &str) -> Option<Self> {
        let time = |key| Some(Timestamp::parse(&field(line, key)?).expect("as times").0);
        if !line.contains("dstBucket=b,") || line.ends_with(" torn") {
            return None;
        }
        let bounds = field(line, "section").map(|text| {
            serde_json::from_str(&text.replace("\\\"", "\"").replace("\\\\", "\\"))
                .expect("a section is JSON")
        });
        let times = time("batch_start")?..time("batch_stop")?;
        Some(Self { times, bounds: bounds.unwrap_or_default() })
    }

    fn holds(&self, time: i64, measurement: &str, host: &str) -> bool {
        self.times.contains(&time)
            && self.bounds.iter().all(|names| {
                let name = match &names["of"] {
                    Value::String(of) if of == "measurement" => measurement,
                    Value::String(_) => "f0",
                    tag => {
                        assert_eq!(tag["tag"], "host");
                        host
                    }
                };
                names["from"].as_str().is_none_or(|from| from <= name)
                    && names["before"].as_str().is_none_or(|before| name < before)
            })
    }
}

/// A string field of a record.
fn field(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("{key}=\""))?;
    let end = rest.match_indices('"').map(|(at, _)| at).find(|at| !rest[..*at].ends_with('\\'))?;
    Some(rest[..end].to_owned())
}

/// What a crash, a person or another program may do to a file of records: the last is torn, one is
/// there twice, and some are no records of this migration.
pub(crate) fn disturb(world: &mut World) {
    if !world.checkpoint.is_empty() && !world.checkpoint.ends_with('\n') {
        return; // It is torn already.
    }
    let lines: Vec<_> = world.checkpoint.lines().map(str::to_owned).collect();
    match world.rng.u8(0..8) {
        0 => {
            let last = lines.last().map_or(0, String::len);
            let keep = world.checkpoint.len() - world.rng.usize(0..=last.min(60));
            world.checkpoint.truncate(keep);
        }
        1 => {
            let line = world.rng.choice(&lines).cloned().unwrap_or_default();
            world.checkpoint += &format!("{line}\n");
        }
        2 => {
            let other = world.rng.choice(&lines).cloned().unwrap_or_default();
            let other = other.replace("dstBucket=b", "dstBucket=another");
            world.checkpoint += &format!("{other}\n\n# a word\nbatches,a=b c=1 1\n\u{0}\n");
        }
        _ => {}
    }
}

/// Probes at all bounds of time there are, just before them, and at names that nobody has.
pub(crate) fn check(checkpoint: &str, migration: &Range<i64>) {
    let lines = checkpoint.lines().filter(|line| line.starts_with("batches"));
    let mut tiles: Vec<_> = lines.filter_map(Tile::of).collect();
    // A record whose acknowledgement was lost, or that was torn at its end, is there twice.
    let key = |tile: &Tile| format!("{:?} {:?}", tile.times, tile.bounds);
    tiles.sort_by_key(key);
    tiles.dedup_by_key(|tile| key(tile));
    let mut times: BTreeSet<_> = tiles.iter().flat_map(|t| [t.times.start, t.times.end]).collect();
    times.extend([migration.start, migration.end]);
    let mut names: BTreeSet<_> =
        ["", "a", "cpu", "cpu ", "q", "\u{ffff}"].map(str::to_owned).into();
    for bound in tiles.iter().flat_map(|tile| &tile.bounds) {
        names.extend(
            ["from", "before"].iter().filter_map(|key| bound[key].as_str()).map(str::to_owned),
        );
    }
    // Few of many are enough: each seed has others.
    let step = (times.len() / 10).max(1);
    let names: Vec<_> = names.iter().step_by((names.len() / 8).max(1)).collect();
    for time in times.into_iter().step_by(step).flat_map(|time| [time - 1, time]) {
        let expected = usize::from(migration.contains(&time));
        for measurement in &names {
            for host in &names {
                let holding = tiles.iter().filter(|tile| tile.holds(time, measurement, host));
                let (time, found) = (Timestamp(time), holding.count());
                assert_eq!(found, expected, "records of {time}, {measurement:?}, {host:?}");
            }
        }
    }
}
