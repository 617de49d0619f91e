//! Random points, written as the sources write them, cut anywhere and converted: the same points
//! leave, by either road and from a file; none is lost, doubled or altered.
//!
//! The same cases each time. `PROPTEST_RNG_SEED=1 PROPTEST_CASES=10000 cargo test --release --test
//! round_trip` tries others. A failure shows the smallest points that make it, and writes no file.

use std::collections::BTreeMap;

use influxdb_line_protocol::parse_lines;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed};
use serde_json::json;
use support::influx::{Points, Type, Value};
use tsm2iox_guest::converter::Conversion;

mod points;
mod text;
mod written;

use points::{Breaks, points};
use written::Bucket;

/// So many of each test take a second or two.
const CASES: u32 = 100;

fn config() -> Config {
    let config = Config { failure_persistence: None, ..Config::default() };
    match config.rng_seed {
        RngSeed::Random => Config { rng_seed: RngSeed::Fixed(5), cases: CASES, ..config },
        RngSeed::Fixed(_) => config,
    }
}

/// What leaves of a response.
struct Left {
    lines: String,
    rows: u64,
    points: u64,
    altered: u64,
}

/// How a response comes, and what memory there is for it.
#[derive(Clone, Debug)]
struct Course {
    cuts: Vec<Index>,
    merge_bytes_max: usize,
}

fn course() -> impl Strategy<Value = Course> {
    let cuts = prop::collection::vec(any::<Index>(), 0..20);
    let memory = prop_oneof![Just(MEMORY), Just(1), Just(100), Just(1000)];
    (cuts, memory).prop_map(|(cuts, merge_bytes_max)| Course { cuts, merge_bytes_max })
}

/// All points of a case fit in.
const MEMORY: usize = 16 << 20;

impl Course {
    /// The pieces of a response.
    fn cut<'a>(&self, response: &'a [u8]) -> Vec<&'a [u8]> {
        let mut places: Vec<_> =
            self.cuts.iter().map(|cut| cut.index(response.len() + 1)).collect();
        places.extend([0, response.len()]);
        places.sort_unstable();
        places.windows(2).map(|ends| &response[ends[0]..ends[1]]).collect()
    }

    #[track_caller]
    fn convert(&self, format: &str, response: &[u8], unsigned: &Unsigned) -> Left {
        let settings = json!({
            "line_breaks": "accept",
            "format": format,
            "merge_bytes_max": self.merge_bytes_max,
            "unsigned": unsigned,
        });
        let mut conversion = Conversion::open(&settings.to_string()).expect("settings are fit");
        let mut left = Left { lines: String::new(), rows: 0, points: 0, altered: 0 };
        let mut take = |converted: tsm2iox_guest::converter::Converted| {
            left.lines += &converted.lines;
            left.rows += converted.totals.rows;
            left.points += converted.totals.points;
            left.altered += converted.altered;
            assert!(converted.rejected.is_empty(), "{:?}", converted.rejected);
        };
        for piece in self.cut(response) {
            take(conversion.push(piece).unwrap_or_else(|error| panic!("{error}")));
        }
        take(conversion.finish().unwrap_or_else(|error| panic!("{error}")));
        left
    }
}

/// The fields that hold unsigned integers, by measurement.
type Unsigned = BTreeMap<String, Vec<String>>;

fn unsigned(points: &Points) -> Unsigned {
    let mut unsigned = Unsigned::new();
    for (series, times) in points.series() {
        for (field, value) in times.values().flatten() {
            if value.value_type() == Type::Unsigned {
                unsigned.entry(series.measurement.clone()).or_default().push(field.clone());
            }
        }
    }
    unsigned
}

/// These points have left, each value once.
#[track_caller]
fn check_left(left: &Left, points: &Points) {
    Points::parse(&left.lines).assert_same(points);
    let lines: Vec<_> = parse_lines(&left.lines).map(|line| line.expect("parsed above")).collect();
    let values = lines.iter().map(|line| line.field_set.len()).sum::<usize>();
    // A value that is there twice would be the same point.
    assert_eq!((values, left.rows), (points.rows(), points.rows() as u64), "values");
    assert_eq!(left.points, lines.len() as u64, "points that are counted, and lines");
}

/// The points as Flux answers them: a lone `\r` is lost, and `\r\n` cannot be told from `\n`.
fn as_flux_has_them(points: &Points) -> Points {
    points::with_strings(points, |text| text.replace('\r', ""))
}

fn broken_strings(points: &Points) -> u64 {
    let values = points.series().flat_map(|(_, times)| times.values()).flatten();
    let broken = |value: &Value| matches!(value, Value::String(text) if leaves_a_trace(text));
    values.filter(|(_, value)| broken(value)).count() as u64
}

/// Whether the cell of a string shows that it had line breaks: by a line feed, or by quotes that
/// what is left of it does not need.
fn leaves_a_trace(text: &str) -> bool {
    let left = text.replace('\r', "");
    let needs_quotes = left.contains([',', '"']) || left.starts_with(char::is_whitespace);
    text.contains('\n') || (left != text && left != r"\." && !needs_quotes)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_points_of_a_bucket_arrive_by_flux(
        points in points(Breaks::InAnnotatedCsv),
        course in course(),
    ) {
        let response = Bucket::holding(&points).by_flux();
        let left = course.convert("csv", response.as_bytes(), &Unsigned::new());
        check_left(&left, &as_flux_has_them(&points));
        prop_assert_eq!(left.altered, broken_strings(&points), "strings that may be altered");
        if course.merge_bytes_max == MEMORY {
            prop_assert_eq!(left.points, points.count() as u64, "one line a point");
        }
    }

    #[test]
    fn the_points_of_a_bucket_arrive_by_influxql(
        points in points(Breaks::All),
        course in course(),
        chunk_rows in 1..20_usize,
    ) {
        let response = Bucket::holding(&points).by_influxql(chunk_rows);
        let left = course.convert("influxql", &response, &unsigned(&points));
        check_left(&left, &points);
        prop_assert_eq!((left.points, left.altered), (points.count() as u64, 0));
    }

    #[test]
    fn both_roads_give_the_same_points(
        points in points(Breaks::None),
        course in course(),
    ) {
        let bucket = Bucket::holding(&points);
        let flux = course.convert("csv", bucket.by_flux().as_bytes(), &Unsigned::new());
        let influxql = course.convert("influxql", &bucket.by_influxql(1000), &unsigned(&points));
        Points::parse(&flux.lines).assert_same(&Points::parse(&influxql.lines));
    }

    #[test]
    fn the_points_of_a_file_arrive_however_it_is_laid_out(
        points in points(Breaks::All),
        layout in text::layout(),
        course in course(),
    ) {
        let left = course.convert("lp", layout.write(&points).as_bytes(), &Unsigned::new());
        check_left(&left, &points);
        prop_assert_eq!(left.altered, 0);
        // The fields of a series and time follow each other, or its series is not left meanwhile.
        if course.merge_bytes_max == MEMORY {
            prop_assert_eq!(left.points, points.count() as u64, "one line a point");
        }
    }
}
