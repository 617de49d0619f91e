//! What is left of lines, and what is refused.

use std::collections::BTreeMap;

use influxdb_line_protocol::parse_lines;

use super::super::lines::{Lines, push_field_key, push_series};
use super::super::names::{Dialect, Part, unsayable};
use super::{Blame, Parts, Reason, is_called, key, sift};

/// Names with all that is special in them, but for what line protocol cannot say.
const NAMES: [&str; 9] =
    ["f", "a b", "a,b", "a=b", "a\"b", "back\\slash", "\"", "ü=é, \u{1F600}", "'x', expected "];
const TEXTS: [&str; 9] =
    ["", "plain", "a, b=\"c\" d", "\\", "\"", "\\\"", "two\nlines 5\n", "x\" 5", "ü ,= "];

fn field(name: &str, value: &str) -> String {
    let mut field = String::new();
    push_field_key(&mut field, Dialect::Iox, &[], name).expect("line protocol can say it");
    field + value
}

#[test]
fn names_with_backslashes_are_found_as_each_product_is_written() {
    for dialect in [Dialect::Iox, Dialect::Tsm] {
        let mut names = vec![r"a\\,b", r"a\,b", r"a\=b", r"\\server\share", "b"];
        names.retain(|name| unsayable(dialect, Part::TagKey, name).is_none());
        assert!(names.len() > 2, "{dialect:?}");
        let tags: Vec<_> = names.iter().map(|name| (*name, r"v\,\=w")).collect();
        let mut series = String::new();
        push_series(&mut series, dialect, "m", &tags).expect("line protocol can say it");
        let line = format!("{series} f=\"\\\\\",g=1 5\n");
        let parts = Parts::of(&line).expect("it is a line of ours");
        assert_eq!((parts.series, parts.fields.len()), (series.as_str(), 2));
        assert!(names.iter().all(|name| parts.has_tag(name)), "{line}");
        assert!(!["w", "a", "server"].iter().any(|name| parts.has_tag(name)), "{line}");
    }
}

/// A line for each measurement, each with a field of each name and text, and of each type.
fn lines() -> Lines {
    let mut lines = Lines::default();
    for (measurement, time) in NAMES.iter().zip([i64::MIN, -1, 0, 1, 2, 3, 4, 5, i64::MAX]) {
        let mut series = String::new();
        let tags: Vec<_> = NAMES.iter().map(|name| (*name, *name)).collect();
        push_series(&mut series, Dialect::Iox, measurement, &tags)
            .expect("line protocol can say it");
        let strings =
            NAMES.iter().zip(TEXTS).map(|(name, text)| field(name, &super::super::string(text)));
        let others = ["-0.5", "1e300", "5i", "5u", "true"].map(|value| field(value, value));
        let fields: Vec<_> = strings.chain(others).collect();
        lines.push_point(series.as_bytes(), fields.join(",").as_bytes(), time);
    }
    lines
}

#[test]
fn the_parts_of_a_line_are_those_that_influxdb_3_parses_and_make_the_line_again() {
    let mut count = 0;
    for line in lines().each() {
        let parts = Parts::of(line).expect("it is a line of ours");
        assert_eq!(parts.line(&parts.fields), line);
        let parsed: Vec<_> = parse_lines(line).collect();
        let [Ok(parsed)] = &parsed[..] else { panic!("{line} is not one line: {parsed:?}") };
        assert_eq!(parsed.field_set.len(), parts.fields.len());
        for (text, (name, _)) in parts.fields.iter().zip(&parsed.field_set) {
            assert!(is_called(key(text), Part::FieldKey, name), "{text}");
            // Alone it is the same field.
            let alone = parts.line(&[text]);
            let alone = parse_lines(&alone).next().expect("there is one").expect("it is one");
            assert_eq!(alone.series.to_string(), parsed.series.to_string());
            assert_eq!(alone.timestamp, parsed.timestamp);
            assert_eq!(alone.field_set.len(), 1);
            assert_eq!(Some(&alone.field_set[0].1), parsed.field_value(name.as_str()));
            count += 1;
        }
        assert!(NAMES.iter().all(|name| parts.has_tag(name)));
        assert!(!parts.has_tag("b") && !parts.has_tag("5i"));
    }
    assert_eq!(count, 9 * 14);
}

#[test]
fn what_is_no_line_of_ours_has_no_parts() {
    for line in [
        "m f=1 5",
        "m f=1\n",
        "m f=1 \n",
        "m f=1 x\n",
        "m f=1,\n",
        "m f=1,=2 5\n",
        "m f= 5\n",
        "m f=\"x 5\n",
        "m f=\"x\"y 5\n",
        "m 5\n",
        " f=1 5\n",
        "m  f=1 5\n",
        "m f=1 5 5\n",
        "\n",
    ] {
        assert!(Parts::of(line).is_none(), "{line:?}");
    }
}

fn reason(blame: Blame) -> Reason {
    Reason { text: "why".to_owned(), blame }
}

/// What is left and what is refused of one line between two others.
fn sifted(line: &str, blame: Blame) -> Option<(String, Vec<String>)> {
    let mut lines = Lines::default();
    for line in ["a g=1,h=1 1", line, "b g=1,h=1 1"] {
        lines.push_line(&format!("{line}\n"));
    }
    let sifted = sift(&lines, &BTreeMap::from([(1, reason(blame))]))?;
    let text = sifted.lines.text().strip_prefix("a g=1,h=1 1\n");
    let text = text.and_then(|text| text.strip_suffix("b g=1,h=1 1\n"));
    assert_eq!(text, Some(sifted.rests.text()), "the others stay as and where they were");
    let refused = sifted.refused.iter();
    let refused = refused.map(|refused| format!("{} {}", refused.series, refused.fields));
    Some((sifted.rests.text().to_owned(), refused.collect()))
}

#[track_caller]
fn check(line: &str, blame: Blame, rests: &str, refused: &[&str]) {
    let (found_rests, found_refused) = sifted(line, blame).expect("it fits the line");
    assert_eq!((found_rests.as_str(), found_refused), (rests, strings(refused)));
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn of_a_line_the_field_to_blame_is_refused_and_the_others_are_left() {
    let field = |name: &str| Blame::Field(name.to_owned());
    check("m,t=a f=1i,g=2,h=3 5", field("f"), "m,t=a g=2,h=3 5\n", &["m,t=a f=1i"]);
    check("m,t=a f=1i,g=2,h=3 5", field("h"), "m,t=a f=1i,g=2 5\n", &["m,t=a h=3"]);
    check("m f=1i 5", field("f"), "", &["m f=1i"]);
    check(
        "m a\\ b=\"x,y=\\\"1\\\"\",g=2 5",
        field("a b"),
        "m g=2 5\n",
        &["m a\\ b=\"x,y=\\\"1\\\"\""],
    );
    // The field of a name that is a tag as well is to blame, not the tag.
    check("m,k=a k=1,g=2 5", field("k"), "m,k=a g=2 5\n", &["m,k=a k=1"]);
}

#[test]
fn of_a_line_whose_tag_is_to_blame_nothing_is_left() {
    check("m,t=a f=1,g=2 5", Blame::Tag("t".into()), "", &["m,t=a f=1,g=2"]);
    check("m,t=a f=1,g=2 5", Blame::Field("t".into()), "", &["m,t=a f=1,g=2"]);
}

#[test]
fn a_line_without_anything_to_blame_is_halved_down_to_the_field() {
    check("m f=1,g=2,h=3 5", Blame::Unknown, "m f=1 5\nm g=2,h=3 5\n", &[]);
    check("m f=1 5", Blame::Unknown, "", &["m f=1"]);
}

#[test]
fn a_reason_that_does_not_fit_its_line_is_about_another_line_unless_there_is_none() {
    assert_eq!(sifted("m,t=a f=1,g=2 5", Blame::Field("x".into())), None);
    assert_eq!(sifted("m,t=a f=1 5", Blame::Field("x".into())), None);
    assert_eq!(sifted("m,t=a f=1 5", Blame::Tag("f".into())), None);
    let mut alone = Lines::default();
    alone.push_line("m,t=a f=1,g=2 5\n");
    let refused = BTreeMap::from([(0, reason(Blame::Field("x".into())))]);
    let sifted = sift(&alone, &refused).expect("it is meant");
    assert_eq!(sifted.rests.text(), "m,t=a f=1 5\nm,t=a g=2 5\n");
}
