//! Every short name of the characters that matter is written so that its destination reads the same
//! name, or refused because nothing can be written that it would read so.

use influxdb_line_protocol::{FieldValue, parse_lines};
use tsm2iox_guest::error::Error;

#[path = "support/names.rs"]
mod names;

use names::{CHARACTERS, ESCAPED, PARTS, Part, Point, QUOTED_FIELD, QUOTED_TAG, STRING, texts};

/// A line of InfluxDB 3 with each field, as its parser reads it among others.
fn is_read_as(line: &str, point: &Point) -> bool {
    let text = format!("z z=1i 1\n{line}z z=1i 2\n");
    let Ok(lines) = parse_lines(&text).collect::<Result<Vec<_>, _>>() else { return false };
    let [first, line, last] = lines.as_slice() else { return false };
    let mut tags: Vec<_> = line.series.tag_set.iter().flatten().collect();
    tags.sort_unstable();
    let mut expected = [(point.tag.0.as_str(), point.tag.1.as_str()), (QUOTED_TAG, QUOTED_TAG)];
    expected.sort_unstable();
    let is_string = |value: &FieldValue<'_>| matches!(value, FieldValue::String(text) if text.as_str() == STRING);
    [first, last].iter().all(|line| line.series.measurement == "z")
        && line.series.measurement == point.measurement
        && tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected)
        && line.field_set.iter().map(|(key, _)| key.as_str()).eq([&point.field, QUOTED_FIELD])
        && line.field_set.iter().all(|(_, value)| is_string(value))
        && line.timestamp == Some(0)
}

fn line(product: &str, point: &Point) -> Result<String, Error> {
    point.line(product, "1970-01-01T00:00:00Z")
}

/// All short names as each part of a point.
fn points() -> impl Iterator<Item = (Part, String)> {
    let all = texts(CHARACTERS, 3).into_iter().chain(texts(ESCAPED, 4));
    all.flat_map(|name| PARTS.map(|part| (part, name.clone())))
}

/// Whether some choice of characters with a `\` before them is read as this name.
fn is_sayable(part: Part, name: &str) -> bool {
    let count = name.chars().count();
    (0..1_u32 << count).any(|choice| {
        let mut escaped = String::new();
        for (place, character) in name.chars().enumerate() {
            escaped.extend((choice >> place & 1 == 1).then_some('\\'));
            escaped.push(character);
        }
        let Point { measurement, tag: (key, value), field } = Point::with(part, &escaped);
        let line = format!(
            "{measurement},{key}={value},{QUOTED_TAG}={QUOTED_TAG} \
             {field}=\"{STRING}\",{QUOTED_FIELD}=\"{STRING}\" 0\n"
        );
        is_read_as(&line, &Point::with(part, name))
    })
}

#[test]
fn influxdb_3_reads_every_name_that_is_written_for_it() {
    let mut said = 0;
    for (part, name) in points() {
        let point = Point::with(part, &name);
        if let Ok(line) = line("core", &point) {
            assert!(is_read_as(&line, &point), "{part:?} {name:?}: {line:?}");
            said += 1;
        }
    }
    assert!(said > 6_000, "{said}");
}

#[test]
fn only_names_that_influxdb_3_can_never_read_are_refused_for_it() {
    let mut refused = 0;
    for (part, name) in texts(CHARACTERS, 3).iter().flat_map(|name| PARTS.map(|part| (part, name)))
    {
        if let Err(error) = line("core", &Point::with(part, name)) {
            assert!(!is_sayable(part, name), "{part:?} {name:?}: {error}");
            refused += 1;
        }
    }
    assert!(refused > 3000, "{refused}");
}

#[test]
fn what_is_written_for_any_product_is_what_each_would_be_written() {
    let mut said = 0;
    for (part, name) in points() {
        let point = Point::with(part, &name);
        let Ok(any) = line("", &point) else { continue };
        // That 1.x and 2.x read the line so is tried on a real server, in `tests/migration`.
        assert_eq!(line("oss", &point).as_ref(), Ok(&any), "{part:?} {name:?}");
        assert!(is_read_as(&any, &point), "{part:?} {name:?}: {any:?}");
        said += 1;
    }
    assert!(said > 4_000, "{said}");
}

const HINT: &str = "say what the destination is: `destination.product`, `convert --product`";

#[test]
fn a_name_that_only_a_known_product_could_take_is_refused_with_a_hint() {
    let outcome = |product, name| match line(product, &Point::with(Part::TagValue, name)) {
        Ok(_) => "said",
        Err(error) if error.hint.as_deref() == Some(HINT) => "refused with a hint",
        Err(_) => "refused",
    };
    let check = |name, core, oss, any| {
        assert_eq!(["core", "oss", ""].map(|product| outcome(product, name)), [core, oss, any]);
    };
    check(r"a\b", "said", "said", "said");
    check(r"\\server", "said", "said", "refused with a hint");
    check(r"a\ b", "said", "refused", "refused with a hint");
    check("a\tb", "refused", "said", "refused with a hint");
    check("a\nb", "refused", "refused", "refused");

    let error = line("", &Point::with(Part::TagValue, r"\\server")).expect_err("it is refused");
    assert_eq!(error.hint.as_deref(), Some(HINT));
}

#[test]
fn time_is_no_key() {
    for product in ["core", "oss", ""] {
        for part in PARTS {
            let line = line(product, &Point::with(part, "time"));
            let is_key = matches!(part, Part::TagKey | Part::FieldKey);
            assert_eq!(line.is_err(), is_key, "{part:?} for {product:?}: {line:?}");
        }
    }
}
