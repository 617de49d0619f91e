//! Names written for TSM, and what a real TSM engine makes of them.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use support::servers::RealServer;

#[path = "../support/names.rs"]
mod names;

use names::{CHARACTERS, ESCAPED, PARTS, Part, Point, QUOTED_FIELD, QUOTED_TAG, STRING, texts};

/// What a query finds: each field of each row. `GROUP BY *` puts the tags beside the rows.
fn found(server: &RealServer, database: &str, query: &str) -> BTreeSet<Point> {
    let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
    let answer = server.get(&format!("/query?db={database}&epoch=ns&q={query}"));
    let answer: Value = serde_json::from_slice(&answer.body).expect("it answers JSON");
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut points = BTreeSet::new();
    for series in all(&answer["results"]).iter().flat_map(|result| all(&result["series"])) {
        let tags = series["tags"].as_object().expect("every series has tags");
        // A tag that only other series have is empty.
        let mut tags = tags.iter().filter(|(_, value)| *value != "");
        let tag = tags.find(|(key, _)| *key != QUOTED_TAG).expect("there are two tags");
        let tag = (tag.0.clone(), text(tag.1));
        let columns = all(&series["columns"]);
        for row in all(&series["values"]) {
            for (column, value) in columns.iter().zip(all(&row)).skip(1) {
                let (field, measurement) = (text(column), text(&series["name"]));
                if field != QUOTED_FIELD && value == STRING {
                    points.insert(Point { measurement, tag: tag.clone(), field });
                }
            }
        }
    }
    points
}

/// How a measurement is asked for: by its name, for a regular expression does not find each.
fn query(part: Part, points: &[Point]) -> String {
    let quoted = |text: &str| {
        let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("\"{text}\"")
    };
    if part != Part::Measurement {
        return "select * from m group by *".to_owned();
    }
    let asked = |point: &Point| format!("select * from {} group by *", quoted(&point.measurement));
    points.iter().map(asked).collect::<Vec<_>>().join(";")
}

#[test]
fn influxdb_1_reads_every_name_that_is_written_for_it() {
    let Some(server) = RealServer::influxdb_1() else { return };
    let mut names = texts(ESCAPED, 3);
    names.extend(texts(CHARACTERS, 2));
    names.sort_unstable();
    names.dedup();
    for part in PARTS {
        let database = format!("names_{part:?}");
        let create = format!("q=create%20database%20{database}%20with%20duration%20inf");
        assert_eq!(server.post(&format!("/query?{create}"), "").status, 200);
        // A text with these is no text of InfluxQL: such a measurement cannot be asked for.
        let cannot_be_asked = |name: &str| part == Part::Measurement && name.contains(['\r', '\0']);
        let points: Vec<_> = names
            .iter()
            .filter(|name| !cannot_be_asked(name))
            .map(|name| Point::with(part, name))
            .filter(|point| point.line("oss", "1970-01-01T00:00:00Z").is_ok())
            .collect();
        assert!(points.len() > 150, "{part:?}: {}", points.len());
        let mut body = String::new();
        for point in &points {
            body += &point.line("oss", "1970-01-01T00:00:00Z").expect("it was one above");
        }
        let target = format!("/write?db={database}&precision=ns");
        let reply = server.post(&target, &body);
        let reason = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!((reply.status, reason.as_str()), (204, ""), "{part:?}");
        let found: BTreeSet<_> = points
            .chunks(50)
            .flat_map(|points| found(&server, &database, &query(part, points)))
            .collect();
        let written: BTreeSet<_> = points.into_iter().collect();
        let missing: Vec<_> = written.difference(&found).collect();
        let invented: Vec<_> = found.difference(&written).collect();
        assert!(missing.is_empty() && invented.is_empty(), "{missing:?} {invented:?}");
    }
}
