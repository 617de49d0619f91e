//! Events, as lines of JSON on standard output, and what is left unsaid.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;
use support::influx::{Fault, Moment};
use support::process::end;

use crate::run::{binary, talk};
use crate::sides;

/// The keys of an object.
fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("it is an object").keys().map(String::as_str).collect()
}

#[test]
fn events_are_lines_of_json_with_the_keys_that_the_readme_lists() {
    let sides = sides("");
    let output = sides.migration.does("run", &["--json"]);
    assert!(output.status.success(), "{}", talk(&output));
    assert_eq!(talk(&output), "", "events are not said twice");
    let lines = String::from_utf8(output.stdout).expect("it is text");
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.lines().all(|line| line.starts_with("{\"event\":\"")), "{lines}");
    let named =
        |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    assert_eq!(
        keys(named("note")[0]),
        BTreeSet::from(["event", "time", "severity", "message", "hint"])
    );
    let batches = named("batch");
    assert_eq!(batches.len(), 7);
    assert_eq!(
        keys(batches[0]),
        BTreeSet::from([
            "event", "start", "stop", "section", "rows", "points", "read", "written", "rejected",
            "recorded",
        ])
    );
    let (end, before) = events.split_last().expect("there are some");
    assert_eq!((&end["event"], &end["status"]), (&"ending".into(), &"complete".into()));
    assert_eq!(
        keys(end),
        BTreeSet::from([
            "event",
            "status",
            "exit_status",
            "message",
            "causes",
            "hint",
            "rows",
            "points",
            "read",
            "written",
            "rejected",
            "saved",
            "seconds",
        ])
    );
    let sum: u64 = before.iter().filter_map(|event| event["rows"].as_u64()).sum();
    assert_eq!(end["rows"], sum);
}

#[test]
fn a_run_that_cannot_go_on_says_so_in_its_last_event() {
    let sides = sides("");
    sides.source.break_from("", 1, Fault::Refused);
    let output = sides.migration.does("run", &["--json"]);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let last: Value = serde_json::from_str(lines.lines().last().expect("there is one"))
        .unwrap_or_else(|error| panic!("{error}: {lines}"));
    assert_eq!((output.status.code(), &last["exit_status"]), (Some(1), &1.into()), "{lines}");
    assert_eq!(last["status"], "stopped");
    assert!(last["message"].as_str().is_some_and(|text| text.contains("the source broke off")));
}

#[test]
fn a_quiet_run_says_nothing_but_warnings_and_errors() {
    let sides = sides("");
    let output = sides.migration.does("run", &["--quiet"]);
    assert!(output.status.success());
    assert_eq!((talk(&output).as_str(), output.stdout.len()), ("", 0));
    sides.source.break_from("", 1, Fault::Refused);
    let output = sides.migration.does("verify", &["--quiet"]);
    assert!(talk(&output).contains("error: the source broke off"), "{}", talk(&output));
}

#[test]
fn status_lists_the_batches_for_programs() {
    let sides = sides("");
    sides.migration.complete();
    let output = sides.migration.does("status", &["--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(status["is_complete"], true, "{status:#}");
    assert_eq!(status["batches"], 7);
    assert_eq!(status["last_batches"].as_array().map(Vec::len), Some(7));
    let text = String::from_utf8(sides.migration.does("status", &[]).stdout).expect("it is text");
    let first = "100.0 % of 2022-01-01T00:00:00Z/2022-01-01T06:30:00Z complete, in 7 batches\n";
    assert!(text.starts_with(first), "{text}");
}

#[test]
fn each_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = crate::run::binary().args(["completions", shell]).output();
        let script = String::from_utf8(output.expect("it starts").stdout).expect("it is text");
        assert!(script.contains("--dry-run") || script.contains("dry-run"), "{shell}: {script}");
    }
}

#[test]
fn the_component_and_what_is_made_of_it_are_written_as_they_are() {
    let component =
        |options: &[&str]| binary().arg("component").args(options).output().expect("it starts");
    assert!(component(&[]).stdout == tsm2iox_guest::COMPONENT);
    assert!(component(&["--text"]).stdout == tsm2iox_guest::TEXT_MODULE);
    let contract = String::from_utf8(component(&["--wit"]).stdout).expect("it is text");
    assert!(contract.starts_with("package tsm2iox:migration@"), "{contract}");
    assert_eq!(component(&["--wit", "--text"]).status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_leaves_no_run_that_seems_complete() {
    let sides = sides("");
    let mut command = crate::run::binary();
    command.args(["run", "--json"]).arg(sides.migration.path("migration.toml"));
    command.env("TOKEN", "secret").stdout(Stdio::piped()).stderr(Stdio::piped());
    let hold = sides.source.hold(Moment::Arrived, "", 1);
    let mut process = command.spawn().expect("it starts");
    drop(process.stdout.take());
    drop(hold);
    let output = end(process);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("nobody reads standard output any more"), "{}", talk(&output));
}

/// What keeps a later round from beginning is its ending: who reads the events has seen one before.
#[test]
fn a_later_round_that_cannot_begin_ends_with_an_event() {
    let sides = sides("");
    let config = sides.migration.read("migration.toml");
    let config = config.replace("token_env = \"TOKEN\"", "token_file = \"token\"");
    let file = |name| sides.migration.path(name);
    fs::write(file("migration.toml"), config).expect("a folder takes a file");
    fs::write(file("token"), "secret\n").expect("a folder takes a file");
    let mut command = binary();
    command.args(["run", "--json", "--every", "1s"]).arg(file("migration.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("it starts");
    let events = BufReader::new(process.stdout.take().expect("it is piped")).lines();
    let events = events.map(|line| line.expect("it is text"));
    let events = events.map(|line| serde_json::from_str(&line).expect("it is JSON"));
    let mut events = events.peekable();
    let warning: &Value = events.peek().expect("it says something");
    assert_eq!(warning["severity"], "warning", "others can read the tokens: {warning}");
    let mut endings = events.filter(|event: &Value| event["event"] == "ending");
    let first = endings.next().expect("a round has an ending");
    assert_eq!(first["status"], "complete", "{first}");
    fs::remove_file(file("token")).expect("it is there");
    // A round may have begun before.
    let last = endings.find(|event| event["status"] != "complete").expect("it ends");
    assert_eq!((&last["status"], &last["exit_status"]), (&"failed".into(), &2.into()), "{last}");
    let said = last["message"].as_str().expect("it says why");
    assert!(said.contains("token"), "{said}");
    let output = end(process);
    assert_eq!((output.status.code(), talk(&output).as_str()), (Some(2), ""));
}
