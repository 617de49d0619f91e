//! What the tree promises about itself: who knows what, and how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

/// The longest file that can be read in one go.
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Rust files below a folder: name and text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut folders = vec![root().join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is in the repository") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source is text");
                sources.push((path.display().to_string(), text));
            }
        }
    }
    assert!(!sources.is_empty(), "there is nothing in {folder}");
    sources
}

/// The code of a file, without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The files of a folder whose code holds one of these words.
#[track_caller]
fn check_absent(folder: &str, words: &[&str], but_in: &[&str]) {
    for (name, text) in sources(folder) {
        if but_in.iter().any(|file| name.ends_with(file)) {
            continue;
        }
        let code = code(&text);
        for word in words {
            assert!(!code.contains(word), "{name} knows `{word}`");
        }
    }
}

#[test]
fn the_host_knows_no_influxdb() {
    let words = [
        "/api/",
        "/write",
        "/query",
        "bucket:",
        "csv",
        // In any spelling of InfluxQL as well.
        "flux",
        "msgpack",
        "precision=",
        "measurement",
        "line_protocol",
        "csv_core",
        "StatusCode",
        ".status()",
    ];
    // The command line explains itself, and the head of a response is mapped in one place; a page has answers
    // of its own.
    check_absent("host/src", &words[..10], &["cli.rs"]);
    check_absent("host/src", &words[10..], &["http.rs", "page.rs"]);
}

#[test]
fn the_guest_does_nothing() {
    let words = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "std::io",
        "SystemTime",
        "Instant",
        "Utc::now",
        "rand::",
        "println",
        "unsafe {",
    ];
    check_absent("guest/src", &words, &[]);
}

#[test]
fn one_place_on_each_side_knows_the_types_of_the_contract() {
    check_absent("guest/src", &["wit_bindgen", "bindings::"], &["component.rs"]);
    check_absent(
        "host/src",
        &["bindgen!", "bindings::"],
        &["component.rs", "component/contract.rs"],
    );
}

#[test]
fn every_file_says_first_what_it_is_and_can_be_read_in_one_go() {
    for folder in ["guest/src", "host/src", "tests"] {
        for (name, text) in sources(folder) {
            assert!(text.starts_with("//! "), "{name} does not say what it is");
            assert!(text.lines().count() <= LINES_MAX, "{name} is longer than {LINES_MAX} lines");
        }
    }
}

#[test]
fn the_top_level_holds_what_it_should() {
    let mut names: Vec<_> = fs::read_dir(root())
        .expect("the repository can be listed")
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    names.sort();
    let expected = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "examples",
        "guest",
        "host",
        "tests",
        "wit",
    ];
    assert_eq!(names, expected);
}

/// The texts of all tests, as what they compare with: without the breaks of long strings.
fn tested() -> String {
    let guest = sources("guest/src").into_iter().filter(|(name, _)| name.ends_with("tests.rs"));
    let rust = sources("tests")
        .into_iter()
        .chain(guest)
        .map(|(_, text)| text.split("\\\n").map(str::trim_start).collect::<Vec<_>>().concat());
    let corpus = fs::read_dir(root().join("tests/corpus")).expect("it is in the repository");
    let errors = corpus.filter_map(|case| {
        fs::read_to_string(case.expect("it can be listed").path().join("error.txt")).ok()
    });
    rust.chain(errors).collect()
}

#[test]
fn each_message_that_the_readme_explains_stands_in_a_test() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is one");
    let (_, table) = readme.split_once("\n## When it stops\n").expect("it has a table");
    let (table, _) = table.split_once("\n#").expect("something follows");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let (tested, mut messages) = (tested(), 0);
    for message in rows.flat_map(|row| row.split("`, `")).map(|one| one.trim_end_matches('`')) {
        // Another status of the same message has no words.
        if message.starts_with('(') {
            continue;
        }
        messages += 1;
        // What differs from case to case is left out there; the rest stands near to one another.
        let parts = message.split('…').map(|part| part.trim_matches([' ', ';', ':']));
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        let (first, rest) = parts.split_first().expect("a message has words");
        let stands = |(at, _)| follow(&tested[at + first.len()..], rest);
        assert!(tested.match_indices(first).any(stands), "no test has `{message}`");
    }
    assert!(messages > 50, "{messages}");
}

/// Whether these parts follow, one after the other, with little between them.
fn follow(text: &str, parts: &[&str]) -> bool {
    const BETWEEN_MAX: usize = 200;
    let mut rest = text;
    parts.iter().all(|part| {
        let near = &rest[..rest.floor_char_boundary(BETWEEN_MAX + part.len())];
        let Some(at) = near.find(part) else { return false };
        rest = &rest[at + part.len()..];
        true
    })
}
