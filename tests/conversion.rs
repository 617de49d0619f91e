//! Every case of `tests/corpus`: the lines or the error that a response gives, however it is cut.
//!
//! A case is a folder: `response.csv` and what must come of it, `lines.lp`; where its name begins
//! with `error_`, also `error.txt`. `BLESS=1 cargo test` writes what comes now: review the diff.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use influxdb_line_protocol::parse_lines;
use tsm2iox_guest::converter::{Conversion, convert};

fn cases() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let entries = fs::read_dir(corpus).expect("the corpus is in the repository");
    let cases: BTreeSet<_> =
        entries.map(|entry| entry.expect("the corpus can be listed").path()).collect();
    assert!(cases.len() > 30, "the corpus is not where it should be");
    cases.into_iter().collect()
}

/// The lines of a response that comes in these pieces, and the error that ends it.
fn conversion(pieces: &[&[u8]], settings: &str) -> (String, Option<String>) {
    let mut conversion = Conversion::open(settings).expect("the settings are fit");
    let mut lines = String::new();
    for piece in pieces {
        match conversion.push(piece) {
            Ok(converted) => lines += &converted.lines,
            Err(error) => return (lines, Some(error.to_string())),
        }
    }
    match conversion.finish() {
        Ok(converted) => (lines + &converted.lines, None),
        Err(error) => (lines, Some(error.to_string())),
    }
}

#[track_caller]
fn check_file(case: &Path, name: &str, found: Option<&str>) {
    let path = case.join(name);
    if std::env::var_os("BLESS").is_some() {
        match found {
            Some(text) => fs::write(&path, text).expect("the corpus can be written"),
            None => drop(fs::remove_file(&path)),
        }
    }
    let expected = fs::read_to_string(&path).ok();
    assert_eq!(found, expected.as_deref(), "{}", path.display());
}

#[test]
fn every_response_gives_its_lines_or_its_error() {
    for case in cases() {
        let response = fs::read(case.join("response.csv")).expect("each case has a response");
        let (lines, error) = conversion(&[&response], "{}");
        check_file(&case, "lines.lp", Some(&lines));
        check_file(&case, "error.txt", error.map(|error| error + "\n").as_deref());
        let name = case.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        assert_eq!(name.starts_with("error_"), case.join("error.txt").exists(), "{name}");
    }
}

#[test]
fn a_cut_anywhere_changes_nothing() {
    for case in cases() {
        let response = fs::read(case.join("response.csv")).expect("each case has a response");
        let whole = conversion(&[&response], "{}");
        // Long responses repeat themselves: some cuts say as much as all.
        let step = if response.len() < 8000 { 1 } else { response.len() / 199 };
        for cut in (0..response.len()).step_by(step) {
            let (head, tail) = response.split_at(cut);
            assert_eq!(conversion(&[head, tail], "{}"), whole, "{}: byte {cut}", case.display());
        }
        let bytes: Vec<_> = response.chunks(1).collect();
        assert_eq!(conversion(&bytes, "{}"), whole, "{}: byte by byte", case.display());
    }
}

#[test]
fn a_whole_response_converts_in_one_call() {
    for case in cases() {
        let Ok(response) = fs::read_to_string(case.join("response.csv")) else { continue };
        let (lines, error) = conversion(&[response.as_bytes()], "{}");
        match convert(&response, "{}") {
            Ok(converted) => assert_eq!((converted.lines, None), (lines, error)),
            Err(found) => assert_eq!(Some(found.to_string()), error),
        }
    }
}

/// What the parser of InfluxDB 3 makes of lines: series, field, value and time of each value.
fn values(lines: &str) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for line in parse_lines(lines) {
        let line = line.expect("the parser of InfluxDB 3 takes each line");
        let tags: BTreeSet<_> = line.series.tag_set.iter().flatten().collect();
        let series = format!("{} {tags:?}", line.series.measurement);
        for (field, value) in &line.field_set {
            values.insert(format!("{series} {field} {value:?} {:?}", line.timestamp));
        }
    }
    values
}

#[test]
fn the_parser_of_influxdb_3_takes_every_line() {
    for case in cases() {
        let lines = fs::read_to_string(case.join("lines.lp")).expect("each case has lines");
        assert_eq!(values(&lines).is_empty(), lines.is_empty(), "{}", case.display());
    }
}

#[test]
fn tricky_points_arrive_as_they_were_written() {
    let read = |path| fs::read_to_string(format!("{}/../tests/{path}", env!("CARGO_MANIFEST_DIR")));
    let arrived = values(&read("corpus/tricky/lines.lp").expect("it is in the corpus"));
    let written = read("recorded/tricky.points.lp").expect("it is recorded")
        // The bucket held one point more; and this integer is no float.
        + "we\\ ird\\,meas,ta\\ g\\,k\\=1=v fi\\ el\\,d\\=k=5 1640995310000000000\n";
    let written = written.replace("9007199254740993", "9007199254740992");
    assert_eq!(arrived, values(&written));
}

#[test]
fn a_small_memory_merges_less_and_loses_nothing() {
    for case in cases() {
        let response = fs::read(case.join("response.csv")).expect("each case has a response");
        let (lines, error) = conversion(&[&response], "{}");
        let (unmerged, same_error) = conversion(&[&response], r#"{"merge_bytes_max": 1}"#);
        assert_eq!(error, same_error, "{}", case.display());
        assert_eq!(values(&lines), values(&unmerged), "{}", case.display());
    }
}

#[test]
fn an_unknown_setting_is_refused() {
    let error = Conversion::open(r#"{"merge": 1}"#).expect_err("there is no such setting");
    assert_eq!(
        error.to_string(),
        "settings: unknown field `merge`, expected `merge_bytes_max` at line 1 column 8"
    );
}
