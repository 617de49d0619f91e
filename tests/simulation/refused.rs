//! What a destination refuses of a field at some times, and what must be there in the end: all else at the
//! destination, and each refused value in the file of them.

use std::collections::BTreeSet;

use crate::world::World;

/// The field, and every so many nanoseconds.
const FIELD: &str = "f1=";
const EACH: i64 = 5;

/// Whether the destination refuses a line.
pub(crate) fn is_refused(line: &str) -> bool {
    line.contains(FIELD) && time(line) % EACH == 0
}

fn time(line: &str) -> i64 {
    let time = line.rsplit(' ').next().and_then(|time| time.parse().ok());
    time.expect("each line ends with its time")
}

/// A line in two: what is taken of it, if anything is, and what is refused.
fn parts(line: &str) -> (Option<String>, String) {
    let (rest, time) = line.rsplit_once(' ').expect("a line has a time");
    let (series, fields) = rest.rsplit_once(' ').expect("a line has fields");
    let (bad, good): (Vec<_>, Vec<_>) =
        fields.split(',').partition(|field| field.starts_with(FIELD));
    let line = |fields: &[&str]| format!("{series} {} {time}", fields.join(","));
    ((!good.is_empty()).then(|| line(&good)), line(&bad))
}

/// Of the lines that come from the source, those that arrive and those that are set aside.
pub(crate) fn divide(
    world: &World,
    lines: BTreeSet<String>,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for line in lines {
        if (world.refuses)(&line) {
            let (good, bad) = parts(&line);
            taken.extend(good);
            refused.insert(bad);
        } else {
            taken.insert(line);
        }
    }
    (taken, refused)
}

/// A crash leaves half an entry at the end of the file.
pub(crate) fn disturb(world: &mut World) {
    let last = world.rejected.rfind("# \"").map_or("", |at| &world.rejected[at..]);
    let ends: Vec<_> = last.char_indices().map(|(at, _)| at).collect();
    let torn = world.rng.choice(&ends).map_or("", |end| &last[..*end]).to_owned();
    world.rejected += &torn;
}

/// Each refused value is in the file, and nothing that was not refused.
pub(crate) fn check(world: &World, refused: &BTreeSet<String>) {
    let whole = world.rejected.rfind('\n').map_or("", |end| &world.rejected[..end]);
    // What follows half an entry shows that it is none.
    let lines = whole.lines().filter(|line| !line.contains("# \""));
    let entries: BTreeSet<_> = lines.map(str::to_owned).collect();
    let missing: Vec<_> = refused.difference(&entries).collect();
    let invented: Vec<_> = entries.difference(refused).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "of what was refused {missing:?} is missing, and {invented:?} was not"
    );
}
