//! Every case of `tests/corpus`: the lines or the error that a response gives, however it is cut.
//!
//! A case is a folder: `response.csv` (or `.msgpack` of InfluxQL, or `.lp`), perhaps `settings.json`,
//! and what must come of it, `lines.lp`; where its name begins with `error_`, also `error.txt`, and where
//! something is set aside, `rejected.txt`.
//! `BLESS=1 cargo test` writes what comes now: review the diff.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use influxdb_line_protocol::parse_lines;
use serde_json::{Value, json};
use tsm2iox_guest::converter::{Conversion, Converted, Rejection, convert};
use tsm2iox_guest::error::Error;
use tsm2iox_guest::text;

/// A response, and how it is to be read.
struct Case {
    folder: PathBuf,
    response: Vec<u8>,
    settings: Value,
}

impl Case {
    fn open(folder: PathBuf) -> Self {
        let formats = [("csv", "csv"), ("msgpack", "influxql"), ("lp", "lp")];
        let mut found = formats.into_iter().filter_map(|(extension, format)| {
            Some((fs::read(folder.join("response").with_extension(extension)).ok()?, format))
        });
        let (response, format) = found.next().expect("each case has a response");
        let settings = fs::read_to_string(folder.join("settings.json")).ok();
        let settings = settings
            .map_or(json!({}), |text| serde_json::from_str(&text).expect("settings are JSON"));
        Self { folder, response, settings }.with("format", format)
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings[key] = value.into();
        self
    }

    /// The lines of the response in these pieces, and the error that ends it.
    fn in_pieces(&self, pieces: &[&[u8]]) -> (String, Option<String>) {
        conversion(pieces, &self.settings.to_string())
    }
}

fn cases() -> impl Iterator<Item = Case> {
    folders().into_iter().map(Case::open)
}

/// Those whose lines its parser is to read: TSM reads `\\` in a name in another way.
fn cases_for_influxdb_3() -> impl Iterator<Item = Case> {
    cases().filter(|case| case.settings["product"] != "oss")
}

fn folders() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let entries = fs::read_dir(corpus).expect("the corpus is in the repository");
    let cases: BTreeSet<_> =
        entries.map(|entry| entry.expect("the corpus can be listed").path()).collect();
    assert!(cases.len() > 90, "the corpus is not where it should be");
    cases.into_iter().collect()
}

/// The lines of a response that comes in these pieces, and the error that ends it.
fn conversion(pieces: &[&[u8]], settings: &str) -> (String, Option<String>) {
    let mut conversion = Conversion::open(settings).expect("the settings are fit");
    let mut lines = String::new();
    for piece in pieces {
        match conversion.push(piece) {
            Ok(converted) => lines += &converted.lines,
            Err(error) => return (lines, Some(said(&error))),
        }
    }
    match conversion.finish() {
        Ok(converted) => (lines + &converted.lines, None),
        Err(error) => (lines, Some(said(&error))),
    }
}

/// An error as a person gets it: what happened, and what to do about it.
fn said(error: &Error) -> String {
    let Error { message, hint, .. } = error;
    hint.as_ref().map_or(message.clone(), |hint| format!("{message}\n\nhint: {hint}"))
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
        let (lines, error) = case.in_pieces(&[&case.response]);
        check_file(&case.folder, "lines.lp", Some(&lines));
        check_file(&case.folder, "error.txt", error.map(|error| error + "\n").as_deref());
        let name = case.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        assert_eq!(name.starts_with("error_"), case.folder.join("error.txt").exists(), "{name}");
    }
}

/// What is set aside of a response that comes in these pieces: where, why and what it is.
fn rejected(pieces: &[&[u8]], settings: &str) -> Option<String> {
    let mut conversion = Conversion::open(settings).expect("the settings are fit");
    let (mut all, mut counted) = (Vec::new(), 0);
    for piece in pieces {
        let converted = conversion.push(piece).ok()?;
        counted += converted.totals.rejected;
        all.extend(converted.rejected);
    }
    let converted = conversion.finish().ok()?;
    all.extend(converted.rejected);
    assert_eq!(counted + converted.totals.rejected, all.len() as u64);
    let texts =
        all.iter().map(|Rejection { line, reason, text }| format!("{line}: {reason}\n{text}\n"));
    Some(texts.collect()).filter(|text: &String| !text.is_empty())
}

#[test]
fn what_is_set_aside_is_told_with_its_reason_however_the_response_is_cut() {
    for case in cases().filter(|case| case.settings["unfit"] == "set_aside") {
        let settings = case.settings.to_string();
        let whole = rejected(&[&case.response], &settings);
        check_file(&case.folder, "rejected.txt", whole.as_deref());
        for cut in 0..case.response.len() {
            let (head, tail) = case.response.split_at(cut);
            let name = case.folder.display();
            assert_eq!(rejected(&[head, tail], &settings), whole, "{name}: byte {cut}");
        }
    }
}

#[test]
fn a_cut_anywhere_changes_nothing() {
    for case in cases() {
        let whole = case.in_pieces(&[&case.response]);
        // Long responses repeat themselves: some cuts say as much as all.
        let step = if case.response.len() < 8000 { 1 } else { case.response.len() / 199 };
        for cut in (0..case.response.len()).step_by(step) {
            let (head, tail) = case.response.split_at(cut);
            let name = case.folder.display();
            assert_eq!(case.in_pieces(&[head, tail]), whole, "{name}: byte {cut}");
        }
        let bytes: Vec<_> = case.response.chunks(1).collect();
        assert_eq!(case.in_pieces(&bytes), whole, "{}: byte by byte", case.folder.display());
    }
}

#[test]
fn a_shorter_response_is_an_error_or_ends_between_two_parts() {
    for case in cases().filter(|case| case.settings["format"] == "influxql") {
        let (whole, None) = case.in_pieces(&[&case.response]) else { continue };
        let step = if case.response.len() < 8000 { 1 } else { 47 };
        for length in (0..case.response.len()).step_by(step) {
            let (lines, error) = case.in_pieces(&[&case.response[..length]]);
            assert!(whole.starts_with(&lines), "{}: {length} bytes", case.folder.display());
            // Whoever sent the statements knows how many there must be; nobody else does.
            let ends_a_part = case.response[length..].starts_with(b"\x81\xa7results");
            assert!(error.is_some() || ends_a_part, "{}: {length} bytes", case.folder.display());
        }
    }
}

#[test]
fn what_merging_saves_is_what_a_line_for_each_value_takes_more() {
    let mut checked = 0;
    for case in cases() {
        let Ok(converted) = convert_whole(&case.response, &case.settings) else { continue };
        // As lines once more, so that a value has as many bytes with and without merging.
        let mut settings = json!({ "format": "lp" });
        settings["product"] = case.settings["product"].clone();
        let lines = converted.lines.as_bytes();
        let Ok(merged) = convert_whole(lines, &settings) else { continue };
        // Where nothing may be held, each value leaves by itself.
        settings["merge_bytes_max"] = json!(0);
        let unmerged = convert_whole(lines, &settings).expect("these lines were read a moment ago");
        let name = case.folder.display();
        assert_eq!(unmerged.totals.points, converted.totals.rows, "{name}");
        assert_eq!(merged.totals.written + merged.totals.saved, unmerged.totals.written, "{name}");
        assert_eq!(unmerged.totals.saved, 0, "{name}");
        if merged.lines.lines().count() == converted.lines.lines().count() {
            assert_eq!(converted.totals.saved, merged.totals.saved, "{name}");
            checked += usize::from(merged.totals.saved > 0);
        }
    }
    assert!(checked > 20, "{checked}");
}

fn convert_whole(response: &[u8], settings: &Value) -> Result<Converted, Error> {
    let mut conversion = Conversion::open(&settings.to_string())?;
    let mut whole = conversion.push(response)?;
    let rest = conversion.finish()?;
    whole.lines += &rest.lines;
    whole.totals += rest.totals;
    Ok(whole)
}

/// As hosts that know nothing but strings have it.
#[test]
fn a_whole_response_converts_as_text() {
    let mut checked = 0;
    for case in cases().filter(|case| case.settings["format"] != "influxql") {
        let Ok(response) = str::from_utf8(&case.response) else { continue };
        let expected = |name: &str| fs::read_to_string(case.folder.join(name)).ok();
        let converted = text::convert(response, &case.settings.to_string());
        match expected("error.txt") {
            Some(error) => assert_eq!(converted.map_err(|said| said + "\n"), Err(error)),
            None => assert_eq!(converted.ok(), expected("lines.lp"), "{}", case.folder.display()),
        }
        checked += 1;
    }
    assert!(checked > 80, "{checked}");
}

#[test]
fn a_whole_response_converts_in_one_call() {
    for case in cases() {
        let Ok(response) = str::from_utf8(&case.response) else { continue };
        let (lines, error) = case.in_pieces(&[&case.response]);
        match convert(response, &case.settings.to_string()) {
            Ok(converted) => assert_eq!((converted.lines, None), (lines, error)),
            Err(found) => assert_eq!(Some(said(&found)), error),
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
    for case in cases_for_influxdb_3() {
        let lines = fs::read_to_string(case.folder.join("lines.lp")).expect("each case has lines");
        assert_eq!(values(&lines).is_empty(), lines.is_empty(), "{}", case.folder.display());
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
fn both_roads_give_the_same_points_wherever_flux_is_lossless() {
    let lines = |case: &str| {
        let path = format!("{}/../tests/corpus/{case}/lines.lp", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(path).expect("each case has lines")
    };
    let both = |case: &str| [case.to_owned(), format!("influxql_{case}")].map(|name| lines(&name));
    let [flux, influxql] = both("one_minute").map(|lines| values(&lines));
    assert!(flux == influxql, "one_minute");

    // The break in a string is a line feed.
    let [flux, influxql] = both("tricky").map(|lines| values(&lines));
    assert!(flux == influxql, "tricky");

    // Flux makes one line break of each kind, and loses a lone carriage return.
    let [flux, influxql] = both("line_ends");
    assert_ne!(values(&flux), values(&influxql));
    assert!(influxql.contains("\"a\r\nb\"") && influxql.contains("\"lone\rcr\""), "{influxql}");
    let breaks = influxql.replace("\r\n", "\n").replace('\r', "");
    assert_eq!(values(&flux), values(&breaks));
}

#[test]
fn a_small_memory_merges_less_and_loses_nothing() {
    for case in cases_for_influxdb_3() {
        let (lines, error) = case.in_pieces(&[&case.response]);
        let case = case.with("merge_bytes_max", 1);
        let (unmerged, same_error) = case.in_pieces(&[&case.response]);
        assert_eq!(error, same_error, "{}", case.folder.display());
        assert_eq!(values(&lines), values(&unmerged), "{}", case.folder.display());
    }
}

#[test]
fn a_series_of_very_many_fields_leaves_in_several_lines_for_a_point() {
    let fields = 10_000;
    let file: String = (0..2 * fields)
        .map(|value| format!("m f{}={value}i {}\n", value % fields, value / fields))
        .collect();
    let (lines, error) = conversion(&[file.as_bytes()], r#"{"format":"lp"}"#);
    assert_eq!(error, None);
    let mut values = BTreeSet::new();
    for line in parse_lines(&lines).map(|line| line.expect("it is line protocol")) {
        let time = line.timestamp.expect("it has a time");
        for (key, value) in &line.field_set {
            values.insert(format!("m {key}={value} {time}"));
        }
    }
    assert_eq!(values, file.lines().map(str::to_owned).collect());
    assert!(lines.lines().count() > 2, "it is bounded");
}

#[test]
fn a_record_without_end_does_not_fill_the_memory() {
    let piece = vec![b'x'; 1 << 20];
    for (format, beginning) in [("csv", "#datatype,\""), ("lp", "m s=\"")] {
        let settings = json!({ "format": format }).to_string();
        let mut conversion = Conversion::open(&settings).expect("the settings are fit");
        conversion.push(beginning.as_bytes()).expect("nothing is wrong so far");
        let mut pieces = (1..100).map(|count| (count, conversion.push(&piece)));
        let (count, error) = pieces
            .find_map(|(count, pushed)| Some((count, pushed.err()?)))
            .expect("there is a limit");
        assert_eq!(
            error.to_string(),
            "line 1: expected the end of the record within 33554432 bytes, found none"
        );
        assert_eq!(count, 32, "MiB of {format}");
    }
}

#[test]
fn an_unknown_setting_is_refused() {
    let error = Conversion::open(r#"{"merge": 1}"#).expect_err("there is no such setting");
    assert_eq!(
        error.to_string(),
        "settings: unknown field `merge`, expected one of `format`, `product`, `merge_bytes_max`, `unsigned`, `line_breaks`, `unfit`, `rename`, `types` at line 1 column 8"
    );
}
