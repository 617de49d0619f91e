//! The commented configuration is valid, whole, and takes each of its keys; and a task of the guide
//! becomes one, or an error with its line, that tells no token.
//!
//! A case is a script, `tests/configuration/NAME.flux`, and what must come of it, `NAME.toml`; where
//! its name begins with `error_`, `NAME.txt`. `BLESS=1 cargo test` writes what comes now: review the diff.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tsm2iox_guest::configuration::{commented, of_task};
use tsm2iox_guest::error::{Error, Fault};
use tsm2iox_guest::plan::{Plan, Purpose};

/// What stands in the place of each token of a script.
const TOKEN: &str = "s3cr3t-Of-The-Task==";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A configuration as a host gives it to the guest.
#[track_caller]
fn settings(text: &str) -> Value {
    fn json(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(time) => Value::from(time.to_string()),
            toml::Value::Table(table) => {
                table.into_iter().map(|(key, value)| (key, json(value))).collect()
            }
            toml::Value::Array(values) => values.into_iter().map(json).collect(),
            other => serde_json::to_value(other).expect("all others are values of JSON"),
        }
    }
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    json(toml::Value::Table(table))
}

fn fault(settings: &Value) -> Option<String> {
    let opened = Plan::open(Purpose::Migrate, &settings.to_string());
    opened.err().map(|error| error.message)
}

/// A key that is commented out, or a block of them that begins with `[[…]]`.
struct Left {
    table: String,
    key: String,
    /// The lines of it.
    lines: Vec<usize>,
}

/// All that is commented out.
fn left(text: &str) -> Vec<Left> {
    let mut left: Vec<Left> = Vec::new();
    let (mut table, mut block) = (String::new(), false);
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut table);
        }
        let code = line.strip_prefix('#').filter(|code| !code.is_empty() && !code.starts_with(' '));
        let Some(code) = code else {
            block = false;
            continue;
        };
        if block {
            left.last_mut().expect("it has begun").lines.push(at);
            continue;
        }
        block = code.starts_with("[[");
        let key = code.split(" = ").next().unwrap_or_default().trim_matches(['[', ']']);
        let key = key.rsplit('.').next().unwrap_or_default().to_owned();
        left.push(Left { table: table.clone(), key, lines: vec![at] });
    }
    left
}

/// The text with these lines no longer commented out.
fn uncommented(text: &str, lines: &[usize]) -> String {
    let line = |(at, line): (usize, &str)| match lines.contains(&at) {
        true => format!("{}\n", line.trim_start_matches('#')),
        false => format!("{line}\n"),
    };
    text.lines().enumerate().map(line).collect()
}

/// What is to be changed too, if a key is set that stands for others.
fn with_what_it_needs(table: &str, key: &str, settings: &mut Value) {
    let file_has_no = ["url", "org", "bucket", "token_env"];
    match (table, key) {
        ("source" | "destination", "path") => {
            let entries = settings[table].as_object_mut().expect("it is a table");
            file_has_no.iter().for_each(|key| drop(entries.remove(*key)));
            entries.insert("api".to_owned(), json!(if table == "source" { "csv" } else { "lp" }));
        }
        ("source", "user" | "password_env") => settings["source"]["api"] = json!("v1"),
        ("checkpoint", "path" | "bucket" | "trust_task") => {}
        ("checkpoint", _) => settings["checkpoint"]["bucket"] = json!("migration"),
        _ => {}
    }
}

#[test]
fn the_commented_configuration_is_valid_as_it_stands() {
    let settings = settings(&commented());
    assert_eq!(fault(&settings), None);
    // As the first one of the README.
    assert_eq!(settings["migration"]["start"], "2022-01-01T00:00:00Z");
    assert_eq!(settings["destination"]["token_env"], "INFLUX_DESTINATION_TOKEN");
}

#[test]
fn each_key_of_it_can_be_set() {
    let text = commented();
    let left = left(&text);
    assert!(left.len() > 50, "{} keys are commented out", left.len());
    for Left { table, key, lines } in left {
        let mut settings = settings(&uncommented(&text, &lines));
        assert!(settings[&table].get(&key).is_some(), "`{table}.{key}` is not set");
        with_what_it_needs(&table, &key, &mut settings);
        assert_eq!(fault(&settings), None, "`{table}.{key}`");
    }
}

/// The tables of the README that have a key, and the key.
fn documented() -> Vec<(Vec<&'static str>, String)> {
    let readme = read("README.md");
    let (_, text) = readme.split_once("\n## Configuration\n").expect("it has that part");
    let rows = text.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let mut keys = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cell = row.split('|').nth(1).expect("a row has cells");
        for name in cell.split('`').skip(1).step_by(2) {
            let key = match name.split_once('.') {
                Some((table, key)) => (vec![table.to_owned().leak() as &str], key.to_owned()),
                None => (vec!["source", "destination"], name.to_owned()),
            };
            keys.push(key);
        }
    }
    keys
}

#[test]
fn every_key_of_the_readme_is_in_it() {
    let text = commented();
    let of_text = |settings: &Value, table: &str| -> BTreeSet<String> {
        let empty = Map::new();
        settings[table].as_object().unwrap_or(&empty).keys().cloned().collect()
    };
    let set = settings(&text);
    let left = left(&text);
    let keys = documented();
    assert!(keys.len() > 40, "only {} keys are documented", keys.len());
    for (tables, key) in keys {
        for table in tables {
            let is_left = left.iter().any(|left| left.table == table && left.key == key);
            let is_there = is_left || of_text(&set, table).contains(&key);
            assert!(is_there, "`{table}.{key}` is in the README alone");
        }
    }
}

/// An error as a person gets it: what happened, and what to do about it.
fn said(error: &Error) -> String {
    let Error { message, hint, .. } = error;
    hint.as_ref().map_or(format!("{message}\n"), |hint| format!("{message}\n\nhint: {hint}\n"))
}

fn cases() -> BTreeSet<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/configuration");
    let entries = fs::read_dir(folder).expect("the cases are in the repository");
    let files = entries.map(|entry| entry.expect("the cases can be listed").path());
    let cases: BTreeSet<_> =
        files.filter(|path| path.extension().is_some_and(|name| name == "flux")).collect();
    assert!(cases.len() > 20, "the cases are not where they should be");
    cases
}

#[track_caller]
fn check_file(path: &Path, found: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, found).expect("the cases can be written");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, expected, "{}", path.display());
}

#[test]
fn a_task_gives_its_configuration_or_its_error() {
    for case in cases() {
        let script = fs::read_to_string(&case).expect("a case is text");
        let name = case.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let found = of_task(&script);
        assert_eq!(name.starts_with("error_"), found.is_err(), "{name}: {found:?}");
        let text = match &found {
            Ok(text) => {
                assert_eq!(fault(&settings(text)), None, "{name}");
                text.clone()
            }
            Err(error) => {
                assert_eq!(error.fault, Fault::Settings, "{name}");
                let line = error.line.map(|line| format!("line {line}: "));
                assert!(error.message.starts_with(&line.unwrap_or_default()), "{name}");
                said(error)
            }
        };
        assert!(!text.contains(TOKEN) && !text.contains("s3cr3t"), "{name} tells the token");
        check_file(&case.with_extension(if found.is_ok() { "toml" } else { "txt" }), &text);
    }
}

/// The script of the guide's form.
fn task() -> String {
    read("tests/configuration/task.flux")
}

#[test]
fn a_script_that_is_cut_anywhere_tells_no_token() {
    let script = read("tests/configuration/literal_token.flux");
    for length in (0..script.len()).filter(|length| script.is_char_boundary(*length)) {
        for text in [&script[..length], &script[length..]] {
            let text = match of_task(text) {
                Ok(text) => text,
                Err(error) => said(&error),
            };
            assert!(!text.contains("s3cr3t"), "cut at byte {length}: {text}");
        }
    }
}

#[test]
fn a_script_without_any_of_its_tokens_tells_no_token() {
    let script = read("tests/configuration/literal_token.flux");
    for (at, character) in script.char_indices().filter(|(_, c)| !c.is_alphanumeric()) {
        let mut text = script.clone();
        text.replace_range(at..at + character.len_utf8(), " ");
        let found = of_task(&text).unwrap_or_else(|error| said(&error));
        assert!(!found.contains("s3cr3t"), "without byte {at}: {found}");
    }
}

#[test]
fn a_script_beyond_a_megabyte_is_refused() {
    let filled = |bytes: usize| {
        let script = task();
        let comment = "/".repeat(bytes - script.len() - 1);
        format!("{script}\n{comment}")
    };
    of_task(&filled(1_000_000)).expect("a comment may be long");
    let error = of_task(&filled(1_000_001)).expect_err("it is too long");
    let message = "the script has more than 1000000 bytes: it is no task of the guide";
    assert_eq!((error.fault, error.message.as_str()), (Fault::Settings, message));
}

#[test]
fn no_depth_of_brackets_takes_the_stack() {
    let deep = 200_000;
    let brackets = format!("x = {}1{}", "(".repeat(deep), ")".repeat(deep));
    of_task(&(task() + &brackets)).expect("other statements are not looked at");
    let filter = format!(
        "|> filter(fn: (r) => {}r._measurement == \"m\"{})",
        "(".repeat(deep),
        ")".repeat(deep)
    );
    let range = "|> range(start: batch.start, stop: batch.stop)";
    let script = task().replacen(range, &format!("{range} {filter}"), 1);
    assert!(of_task(&script).expect("it is a condition").contains("\nfilter = "));
    let texts = "\"${".repeat(deep);
    of_task(&(task() + "x = " + &texts)).expect_err("nobody writes that");
}
