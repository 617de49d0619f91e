//! What is read out of the recorded answers that refuse points.

use super::{Refusal, explanation, listed, message};
use crate::converter::{Blame, Lines};

/// What was written where an answer was recorded.
const TO_V3: [&str; 4] = [
    "w,t=a f=1i 1640995200000000001",
    "w,t=a f=2 1640995200000000002",
    "broken line here without any field",
    "w,f=x g=1 1640995200000000003",
];

fn body(lines: &[&str]) -> Lines {
    let mut body = Lines::default();
    lines.iter().for_each(|line| body.push_line(&format!("{line}\n")));
    body
}

/// The body of a recorded answer.
macro_rules! recorded {
    ($name:literal) => {{
        let text = include_str!(concat!("../../../../tests/recorded/http/", $name, ".http"));
        let (_, body) = text.split_once("\r\n\r\n").expect("a blank line ends the head");
        body.as_bytes()
    }};
}

/// Place, reason and blame of each line that an answer names.
fn named(answer: &[u8], lines: &[&str]) -> Option<Vec<(usize, String, Blame)>> {
    let places = Refusal::read(400, answer).places(&body(lines))?;
    Some(places.into_iter().map(|(place, why)| (place, why.text, why.blame)).collect())
}

#[track_caller]
fn check(answer: &[u8], lines: &[&str], expected: &[(usize, &str, Blame)]) {
    let expected = expected.iter().cloned().map(|(at, why, blame)| (at, why.to_owned(), blame));
    assert_eq!(named(answer, lines), Some(expected.collect()));
}

fn field(name: &str) -> Blame {
    Blame::Field(name.to_owned())
}

const INTEGER: &str = "invalid column type for column 'f', expected \
    iox::column_type::field::float, got iox::column_type::field::integer";

#[test]
fn influxdb_3_names_points_by_number() {
    let tag = "invalid column type for column 'f', expected iox::column_type::field::float, got \
               iox::column_type::tag";
    let answer = recorded!("write_v3_partial");
    check(
        answer,
        &TO_V3,
        &[
            (0, INTEGER, field("f")),
            (2, "No fields were provided", Blame::Unknown),
            (3, tag, Blame::Tag("f".to_owned())),
        ],
    );
    assert!(Refusal::read(400, answer).others_are_stored);
    let answer = recorded!("write_v3_refused_whole");
    check(answer, &TO_V3, &[(0, INTEGER, field("f"))]);
    assert!(!Refusal::read(400, answer).others_are_stored);
}

#[test]
fn the_older_path_of_influxdb_3_names_no_point_but_a_column() {
    let answer = recorded!("write_v2_on_v3_core");
    assert_eq!(named(answer, &TO_V3), None);
    let why = format!("write buffer error: line protocol parse failed: {INTEGER}");
    check(answer, &TO_V3[..1], &[(0, &why, field("f"))]);
}

#[test]
fn cloud_names_points_in_its_message() {
    let answer = br#"{"code":"invalid","line":2,"message":"partial write has occurred, errors encountered on line(s):\nerror parsing line 2 (1-based): Invalid measurement was provided\nerror writing line 3 (1-based): the field 'f' is specified more than once with conflicting types\ntimestamp overflows i64 on line 4 (1-based)"}"#;
    check(
        answer,
        &["a f=1 1"; 4],
        &[
            (1, "Invalid measurement was provided", Blame::Unknown),
            (2, "the field 'f' is specified more than once with conflicting types", field("f")),
            (3, "timestamp overflows i64 on line 4 (1-based)", Blame::Unknown),
        ],
    );
    // It lists 100 lines at most.
    assert!(!Refusal::read(400, answer).others_are_stored);
}

#[test]
fn influxdb_1_and_2_quote_unparsable_lines() {
    let parsable = "w f=3 1000000000000000008";
    let odd = "w,t=a f=1e400,s=\"it's: ': \nunable to parse 'w f=3 1000000000000000008': no\" \
               1000000000000000009";
    let late = "w f=1 9223372036854775807";
    let range = "time outside range -9223372036854775806 - 9223372036854775806";
    let lines = [parsable, odd, late, odd];
    check(
        recorded!("write_v2_unparsable_string"),
        &lines,
        &[
            (1, "invalid float", Blame::Unknown),
            (2, range, Blame::Unknown),
            (3, "invalid float", Blame::Unknown),
        ],
    );
    check(
        recorded!("write_v1_unsigned"),
        &["w f=3 3", "w u=1u 1", "w f=1u,g=2 2"],
        &[(1, "invalid number", Blame::Unknown), (2, "invalid number", Blame::Unknown)],
    );
    // Lines of somebody else.
    assert_eq!(named(recorded!("write_v1_unsigned"), &["w f=3 3", "w u=1u 1"]), None);
}

#[test]
fn influxdb_1_and_2_count_conflicts_but_name_no_line() {
    for (answer, blame) in [
        (recorded!("write_v2_conflict"), "f"),
        (recorded!("write_v2_conflict_two_groups"), "f"),
        (recorded!("write_v2_field_time"), "time"),
        (recorded!("write_v1_conflict"), "f"),
        (recorded!("write_v1_conflict_hides_unparsable"), "f"),
    ] {
        assert_eq!(named(answer, &["w f=1 1", "w f=1i 2"]), None);
        let place = named(answer, &["w f=1i 2"]).expect("there is but one line");
        assert_eq!(place[0].2, field(blame));
        assert!(!Refusal::read(422, answer).others_are_stored);
    }
}

#[test]
fn a_number_beyond_the_body_names_nothing() {
    let answer = |number| {
        format!(r#"{{"error":"e","data":[{{"error_message":"why","line_number":{number}}}]}}"#)
    };
    assert_eq!(named(answer(0).as_bytes(), &TO_V3), None);
    assert_eq!(named(answer(5).as_bytes(), &TO_V3), None);
    check(answer(4).as_bytes(), &TO_V3, &[(3, "why", Blame::Unknown)]);
}

#[test]
fn a_list_that_is_cut_names_what_is_left_of_it_and_says_nothing_of_others() {
    let answer = recorded!("write_v3_partial");
    let begins = |place: usize| {
        let entry = answer.windows(16).enumerate().filter(|(_, at)| *at == b"{\"error_message\"");
        entry.map(|(at, _)| at).nth(place).expect("it lists three")
    };
    for cut in begins(1)..begins(2) {
        let refusal = Refusal::read(400, &answer[..cut]);
        let places = refusal.places(&body(&TO_V3)).expect("the first is named");
        assert_eq!(places.len(), 1 + usize::from(cut >= begins(2) - 1));
        assert!(!refusal.others_are_stored);
    }
    assert_eq!(listed(&answer[..begins(0)]).expect("a list begins").0.len(), 0);
}

#[test]
fn a_message_that_is_cut_is_a_message() {
    let answer = "{\"code\":\"invalid\",\"message\":\"a \\\"b\\\" \\ud83d\\ude00 ü c\"}";
    for (cut, _) in answer.char_indices().filter(|(at, _)| *at > 31) {
        let found = message(&answer.as_bytes()[..cut]);
        assert!("a \"b\" \u{1F600} ü c".starts_with(&found), "{found}");
    }
}

#[test]
fn an_explanation_holds_the_first_reason() {
    assert_eq!(
        explanation(recorded!("write_v3_partial")),
        format!("partial write of line protocol occurred: {INTEGER}")
    );
}
