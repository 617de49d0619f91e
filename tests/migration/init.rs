//! `init`: what it prints is a configuration that a run takes, of all keys and of a task of the guide.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use super::run::{Host, Migration, binary, talk};
use super::{expected, sides};

/// What the command prints with these arguments, and this file at its standard input.
fn init(arguments: &[&str], input: Stdio) -> Output {
    binary().arg("init").args(arguments).stdin(input).output().expect("the binary starts")
}

#[track_caller]
fn printed(arguments: &[&str], input: Stdio) -> String {
    let output = init(arguments, input);
    assert_eq!((output.status.code(), talk(&output).as_str()), (Some(0), ""));
    String::from_utf8(output.stdout).expect("a configuration is text")
}

/// The script of a task in the guide's form.
fn task() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/configuration/task.flux");
    fs::read_to_string(path).expect("it is in the repository")
}

#[test]
fn a_run_takes_the_commented_configuration() {
    let text = printed(&[], Stdio::null());
    assert_eq!(text, tsm2iox_guest::configuration::commented());
    // A dry run of it asks nobody: its time range is known, and no batch is recorded.
    let migration = Migration::new(Host::Binary, &text);
    let mut command = binary();
    command.args(["run", "--dry-run"]).arg(migration.path("migration.toml"));
    for name in ["INFLUX_SOURCE_TOKEN", "INFLUX_DESTINATION_TOKEN"] {
        command.env(name, "secret");
    }
    let output = command.stdin(Stdio::null()).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(output.stdout.starts_with(b"2022-01-01T00:00:00Z/"), "{output:?}");
}

#[test]
fn a_task_of_the_guide_becomes_a_migration_of_the_same_points() {
    let (source, destination) = sides();
    source.create("migration");
    destination.create("dst");
    let script = task()
        .replace("https://us-east-1-1.aws.cloud2.influxdata.com", &destination.url())
        .replace("2021-06-01T00:00:00Z", "2022-01-01T00:00:00Z")
        .replace("2021-07-01T00:00:00Z", "2022-01-01T06:30:00Z")
        .replace("telegraf-iox", "dst")
        .replace("telegraf", "src");
    let migration = Migration::new(Host::Binary, "");
    let path = migration.path("task.flux");
    fs::write(&path, script).expect("a folder takes a file");
    let from_task = ["--from-task", path.to_str().expect("its name is text")];
    let text = printed(&from_task, Stdio::null());
    let input = fs::File::open(&path).expect("it was written");
    assert_eq!(printed(&["--from-task", "-"], input.into()), text, "by standard input");

    // What the task does not say, and the names of the variables that this test has.
    let text = text
        .replace("https://source.example", &source.url())
        .replace("source-org", "o")
        .replace("INFLUX_SOURCE_TOKEN", "TOKEN")
        .replace("INFLUX_DESTINATION_TOKEN", "TOKEN");
    fs::write(migration.path("migration.toml"), text).expect("a folder takes a file");
    migration.complete();
    destination.points("dst").assert_same(&expected());
    assert!(!source.lines("migration").is_empty(), "the task's bucket has the records");
}

#[test]
fn a_task_that_is_not_understood_is_an_error_with_its_line() {
    let migration = Migration::new(Host::Binary, "");
    let check = |script: &[u8], error: &str| {
        let path = migration.path("task.flux");
        fs::write(&path, script).expect("a folder takes a file");
        let path = path.to_str().expect("its name is text");
        let output = init(&["--from-task", path], Stdio::null());
        let talk = talk(&output).replace(path, "task.flux");
        assert_eq!((talk.as_str(), output.status.code()), (error, Some(2)));
        assert_eq!(output.stdout, b"");
    };
    let script = task().replace("start: 2021", "strat: 2021");
    check(
        script.as_bytes(),
        "error: task.flux: line 10: expected a field of `migration`, found `strat`\n\n\
         hint: the nearest field is `start`\n",
    );
    check(b"\xff", "error: task.flux cannot be read: it is not UTF-8\n");
    let message =
        "error: task.flux: the script has more than 1000000 bytes: it is no task of the guide\n";
    check(&b"x".repeat(3_000_000), message);

    let missing = migration.path("none.flux");
    let output = init(&["--from-task", missing.to_str().expect("it is text")], Stdio::null());
    let message =
        format!("error: {} cannot be read: no such file or directory\n", missing.display());
    assert_eq!((talk(&output), output.status.code()), (message, Some(2)));
}
