//! Rows of one field in several retention policies and batches.

use super::super::points::Points;
use super::{ErrorKind, Expected, Overlap, PointRows, Rows, Series, Timestamp, Token, Writer};
use crate::time::TimeRange;

/// What is known of a statement about `f` of `m`, which several retention policies have.
fn known(policy: usize, values: u64) -> Expected {
    Expected {
        measurement: "m".to_owned(),
        values: Some(values),
        policy,
        shared: vec!["f".to_owned()],
        ..Expected::default()
    }
}

/// The rows of the one statement, at its one series.
fn begin<'a>(rows: &'a mut PointRows, points: &'a mut Points) -> Writer<'a> {
    let columns = ["time", "f"].map(str::to_owned).to_vec();
    let series = Series { name: "m".to_owned(), columns, ..Series::default() };
    let mut writer = Writer { rows, points };
    writer.begin_series(0, &series).expect("it is the series of the statement");
    writer
}

/// A statement of these values of `f` at the times 1, 2, 3, of which so many are counted before.
fn statement(values: &[i64], counted: u64) -> (Result<(), ErrorKind>, Points) {
    let mut rows = PointRows::of_statements(vec![known(0, counted)], Overlap::default());
    let range = TimeRange::new(Timestamp(1), Timestamp(3)).expect("it is not empty");
    let mut points = Points::new(range, usize::MAX);
    let mut writer = begin(&mut rows, &mut points);
    for (time, value) in (1..).zip(values) {
        writer.push_value(0, Token::Integer(time)).expect("it is a time");
        writer.push_value(1, Token::Integer(*value)).expect("it is a value");
        writer.end_row();
    }
    (writer.end_statement(0), points)
}

#[test]
fn a_statement_has_as_many_values_as_were_counted() {
    let (ended, points) = statement(&[5, 6], 2);
    assert_eq!((ended, points.counts.rows, points.counts.outside), (Ok(()), 2, 0));
    assert_eq!(points.merge.lines.text(), "m f=5i 1\nm f=6i 2\n");
    for counted in [1, 3] {
        let measurement = "m".to_owned();
        let error = ErrorKind::Values { measurement, expected: counted, found: 2 };
        assert_eq!(statement(&[5, 6], counted).0, Err(error));
    }
}

/// Its fields are not those of the next row: that has but one, and nothing is saved by merging it.
#[test]
fn a_row_that_is_dropped_saves_nothing() {
    let mut rows = PointRows::of_statements(vec![known(0, 3)], Overlap::default());
    let mut points = Points::new(TimeRange::ALL, usize::MAX);
    let mut writer = begin(&mut rows, &mut points);
    for time in [1, 2] {
        writer.push_value(0, Token::Integer(time)).expect("it is a time");
        writer.push_value(1, Token::Integer(5)).expect("it is a value");
        if time == 1 {
            writer.drop_row();
        }
    }
    writer.end_row();
    assert_eq!(points.merge.lines.text(), "m f=5i 2\n");
    assert_eq!(points.merge.saved, 0);
}

#[test]
fn what_a_policy_holds_is_known_in_the_response_about_the_next() {
    let mut overlap = Overlap::default();
    for (policy, value, is_equal) in [(0, 5, true), (1, 5, true), (2, 6, false)] {
        let mut rows = PointRows::of_statements(vec![known(policy, 1)], overlap);
        let mut points = Points::new(TimeRange::ALL, usize::MAX);
        let mut writer = begin(&mut rows, &mut points);
        writer.push_value(0, Token::Integer(1)).expect("it is a time");
        assert_eq!(writer.push_value(1, Token::Integer(value)).is_ok(), is_equal, "{policy}");
        overlap = rows.take_overlap();
    }
}

#[test]
fn values_outside_of_the_range_are_left_out_and_counted() {
    let (_, points) = statement(&[5, 6, 7, 8], 2);
    assert_eq!((points.counts.rows, points.counts.outside), (2, 2));
    assert_eq!(points.merge.lines.len(), 2);
}
