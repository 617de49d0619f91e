//! The same points in all forms: the responses that hold them, and the lines that must come.

use std::iter::Peekable;

use anyhow::ensure;

use crate::annotated::Annotated;
use crate::influxql::{self, Place};
use crate::lines;
use crate::points::{AIR_QUALITY, HUMIDITY, Series};

/// Points, as two languages answer them.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    pub(crate) annotated: Vec<u8>,
    pub(crate) influxql: Vec<u8>,
    /// The points' own line protocol.
    pub(crate) lines: String,
    pub(crate) values: usize,
    pub(crate) series: usize,
}

/// The settings of a conversion of annotated CSV.
pub(crate) const ANNOTATED: &str = r#"{"format":"csv"}"#;

/// Those of a conversion of MessagePack.
pub(crate) fn influxql_settings() -> String {
    format!(r#"{{"format":"influxql","unsigned":{{"{AIR_QUALITY}":["{HUMIDITY}"]}}}}"#)
}

impl Responses {
    /// The responses to queries of this range, which finds these points.
    pub(crate) fn of(start: i64, stop: i64, all: impl Iterator<Item = Series>) -> Self {
        let mut all = all.peekable();
        let mut responses = Self::default();
        let mut annotated = Annotated::new(start, stop);
        let mut statement = 0;
        while let Some(series) = all.next() {
            annotated.push(&mut responses.annotated, &series);
            let place = place(&series, &mut all);
            influxql::push_series(&mut responses.influxql, statement, &series, place);
            statement += u32::from(place == Place::Last);
            lines::push_series(&mut responses.lines, &series);
            responses.values += series.values();
            responses.series += 1;
        }
        annotated.end(&mut responses.annotated);
        responses
    }

    /// Whether these are the lines of the points, in any order.
    ///
    /// # Errors
    /// If they are not: what made them is then worth no benchmark.
    pub(crate) fn check(&self, whose: &str, lines: &str) -> anyhow::Result<()> {
        // Nothing in these points is a line break.
        let sorted = |lines: &str| {
            let mut lines: Vec<_> = lines.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        let is_same = lines == self.lines || sorted(lines) == sorted(&self.lines);
        ensure!(is_same, "{whose} made other lines than those of the points");
        Ok(())
    }
}

fn place(series: &Series, all: &mut Peekable<impl Iterator<Item = Series>>) -> Place {
    match all.peek() {
        Some(next) if next.measurement == series.measurement => Place::Within,
        _ => Place::Last,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use influxdb_line_protocol::{FieldValue, parse_lines};
    use tsm2iox_guest::converter::Conversion;

    use super::{ANNOTATED, Responses, influxql_settings};
    use crate::points::{Field, SECOND, START, Series, Value, machines, machines_and_air, meters};

    fn recorded(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../recorded");
        fs::read(folder.join(name)).expect("it is in the repository")
    }

    fn text(text: impl ToString) -> &'static str {
        text.to_string().leak()
    }

    /// The points that `tests/recorded` has the answers to.
    fn recorded_points() -> Vec<Series> {
        let lines = String::from_utf8(recorded("one_minute.points.lp")).unwrap();
        let mut all: Vec<Series> = Vec::new();
        for line in parse_lines(&lines) {
            let line = line.unwrap();
            let measurement = text(&line.series.measurement);
            let tags = line.series.tag_set.iter().flatten();
            let tags: Vec<_> = tags.map(|(key, value)| (text(key), value.to_string())).collect();
            if all.last().is_none_or(|last| (last.measurement, &last.tags) != (measurement, &tags))
            {
                let keys = line.field_set.iter().map(|(key, _)| text(key));
                let fields = keys.map(|key| Field { key, values: Vec::new() }).collect();
                all.push(Series { measurement, tags, times: Vec::new(), fields });
            }
            let series = all.last_mut().unwrap();
            series.times.push(line.timestamp.unwrap());
            for (field, (_, value)) in series.fields.iter_mut().zip(&line.field_set) {
                field.values.push(match value {
                    FieldValue::F64(value) => Value::Float(*value),
                    FieldValue::I64(value) => Value::Integer(*value),
                    FieldValue::U64(value) => Value::Unsigned(*value),
                    FieldValue::Boolean(value) => Value::Boolean(*value),
                    FieldValue::String(value) => Value::String(value.to_string()),
                });
            }
        }
        all
    }

    fn recorded_responses() -> Responses {
        Responses::of(START, START + 60 * SECOND, recorded_points().into_iter())
    }

    #[test]
    fn annotated_csv_is_written_as_a_server_does() {
        assert!(recorded_responses().annotated == recorded("one_minute.csv"));
    }

    #[test]
    fn messagepack_is_written_as_a_server_does() {
        // But for the order of tags, which is another one in each answer of a server.
        let sorted = |mut bytes: Vec<u8>| {
            bytes.sort_unstable();
            bytes
        };
        let written = sorted(recorded_responses().influxql);
        assert!(written == sorted(recorded("influxql/one_minute_v2.msgpack")));
    }

    #[test]
    fn lines_are_those_of_the_points() {
        assert!(recorded_responses().lines.as_bytes() == recorded("one_minute.points.lp"));
    }

    #[track_caller]
    fn check_converted(settings: &str, response: &[u8], expected: &str) {
        let mut conversion = Conversion::open(settings).unwrap();
        let mut lines = conversion.push(response).unwrap().lines;
        lines += &conversion.finish().unwrap().lines;
        assert!(lines == expected, "{lines}");
    }

    #[track_caller]
    fn check_both(series: impl Iterator<Item = Series>) -> Responses {
        let responses = Responses::of(START, START + 86_400 * SECOND, series);
        check_converted(ANNOTATED, &responses.annotated, &responses.lines);
        check_converted(&influxql_settings(), &responses.influxql, &responses.lines);
        responses
    }

    #[test]
    fn all_points_are_converted_to_their_own_lines_by_both_roads() {
        let responses = check_both(machines_and_air(600));
        assert_eq!((responses.series, responses.values), (25, 20 * 60 * 5 + 5 * 10 * 3));
        let responses = check_both(meters(30));
        assert_eq!((responses.series, responses.values), (30, 30 * 3 * 2));
    }

    #[test]
    fn a_series_longer_than_a_chunk_comes_in_several() {
        check_both(machines(10_001).take(2));
    }

    #[test]
    fn other_lines_are_found_out() {
        let responses = check_both(machines(2).take(1));
        let reversed: String =
            responses.lines.lines().rev().flat_map(|line| [line, "\n"]).collect();
        responses.check("nobody", &reversed).unwrap();
        let (first, _) = responses.lines.split_at(responses.lines.find('\n').unwrap() + 1);
        assert!(responses.check("nobody", first).is_err());
        let altered = responses.lines.replacen("server00", "server01", 1);
        assert!(responses.check("nobody", &altered).is_err());
    }
}
