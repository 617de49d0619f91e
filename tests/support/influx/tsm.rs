//! Writes as InfluxDB OSS judges them: 2.9.1 on its own path, 1.6.7 on the older one.
//!
//! Both take any tag and field; a field has one type in a shard group. Knows no request.

use influxdb_line_protocol::{parse_lines, split_lines};

use super::answer::{Face, Reply};
use super::points::{Point, Type};
use super::store::{Bucket, Conflict};
use super::write::Lines;

/// Takes all lines or, if one of them cannot be parsed, none. Of those, points whose fields have
/// other types than the bucket knows are left out.
pub(super) fn write_v2(bucket: &mut Bucket, lines: &Lines<'_>) -> Reply {
    let Parsed { points, unparsable } = parsed(lines, |_| None);
    if !unparsable.is_empty() {
        return Face::V2.refused(400, "invalid", &unparsable.join("\n"));
    }
    match insert(bucket, points, lines.text) {
        Ok(()) => Face::V2.accepted(),
        Err(refusal) => {
            let message = format!("failure writing points to database: partial write: {refusal}");
            Face::V2.refused(422, "unprocessable entity", &message)
        }
    }
}

/// Takes the good lines, and knows no unsigned integers.
pub(super) fn write_v1(bucket: &mut Bucket, lines: &Lines<'_>) -> Reply {
    let is_unsigned = |point: &Point| {
        let mut types = point.fields.values().map(|value| value.value_type());
        types.any(|value_type| value_type == Type::Unsigned).then_some("invalid number")
    };
    let Parsed { points, unparsable } = parsed(lines, is_unsigned);
    if points.is_empty() && !unparsable.is_empty() {
        return Face::V1.refused(400, "", &unparsable.join("\n"));
    }
    if let Err(refusal) = insert(bucket, points, lines.text) {
        return Face::V1.refused(400, "", &format!("partial write: {refusal}"));
    }
    if !unparsable.is_empty() {
        let message = format!("partial write: {} dropped=0", unparsable.join("\n"));
        return Face::V1.refused(400, "", &message);
    }
    Face::V1.accepted()
}

struct Parsed<'a> {
    /// Each with its line.
    points: Vec<(&'a str, Point)>,
    /// The complaints about the others.
    unparsable: Vec<String>,
}

fn parsed<'a>(lines: &Lines<'a>, refusal: impl Fn(&Point) -> Option<&'static str>) -> Parsed<'a> {
    let mut all = Parsed { points: Vec::new(), unparsable: Vec::new() };
    for text in split_lines(lines.text) {
        for line in parse_lines(text) {
            let point = line.map_err(|_| reason(text)).and_then(|line| {
                let point = Point::of(&line, lines.unit, lines.now).ok_or("time outside range")?;
                refusal(&point).map_or(Ok(point), Err)
            });
            match point {
                Ok(point) => all.points.push((text, point)),
                Err(reason) => all.unparsable.push(format!("unable to parse '{text}': {reason}")),
            }
        }
    }
    all
}

/// Inserts the points whose types fit; the error is what the server says of the others.
fn insert(bucket: &mut Bucket, points: Vec<(&str, Point)>, body: &str) -> Result<(), String> {
    let mut taken = String::new();
    let mut taken_count = 0;
    let mut first_conflict = None;
    // Of the first shard group with conflicts alone, as on 2.9.1 (`write_v2_conflict_two_groups`).
    let mut dropped = 0;
    for (line, point) in points {
        if let Some(conflict) = bucket.conflict(&point) {
            let group = bucket.shards.group_of(point.time).map(|group| group.start);
            let (first_group, _) = first_conflict.get_or_insert((group, conflict));
            dropped += usize::from(*first_group == group);
            continue;
        }
        bucket.insert(point);
        taken.push_str(line);
        taken.push('\n');
        taken_count += 1;
    }
    if taken_count > 0 {
        // Whole bodies are kept as they came.
        let is_whole = split_lines(body).filter(|line| !line.is_empty()).count() == taken_count;
        bucket.written.push(if is_whole { body.to_owned() } else { taken });
    }
    let Some((_, Conflict { measurement, field, existing, new })) = first_conflict else {
        return Ok(());
    };
    let (new, existing) = (new.name(), existing.name());
    Err(format!(
        "field type conflict: input field \"{field}\" on measurement \"{measurement}\" is type \
         {new}, already exists as type {existing} dropped={dropped}"
    ))
}

/// What Go's parser says of a line, for the faults that tests make.
fn reason(line: &str) -> &'static str {
    let Some((key, rest)) = line.split_once(' ') else {
        return "missing fields";
    };
    if key.split(',').skip(1).any(|tag| !tag.contains('=')) {
        return "missing tag value";
    }
    let rest = rest.trim_start();
    if rest.matches('"').count() % 2 == 1 {
        return "unbalanced quotes";
    }
    if rest.starts_with('=') || rest.contains(",=") {
        return "missing field key";
    }
    let ends_at = |(at, _)| matches!(rest[at + 1..].chars().next(), None | Some(',' | ' '));
    if rest.match_indices('=').any(ends_at) {
        return "missing field value";
    }
    if !rest.contains('=') {
        return "invalid field format";
    }
    let last = rest.rsplit(' ').next().unwrap_or_default();
    let is_bad_time = rest.contains(' ') && !last.contains('=') && last.parse::<i64>().is_err();
    if is_bad_time { "bad timestamp" } else { "invalid number" }
}
