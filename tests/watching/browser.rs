//! The live page in a real browser: what `tests/browser` finds when it looks at it there.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use support::influx::Moment;
use support::missing;
use support::process::end;

use crate::page::serve;
use crate::sides;

/// As many batches as a page lists.
const BATCHES: usize = 10_000;

/// Starts a script of `tests/browser`. `None` where that is not installed.
fn start(script: &str, arguments: &[&str]) -> Option<Child> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/browser");
    if !folder.join("node_modules").is_dir() {
        missing("the packages of tests/browser (`npm ci --prefix tests/browser`)");
        return None;
    }
    let Some(chromium) = chromium() else {
        missing("Chromium (package `chromium`)");
        return None;
    };
    let mut command = Command::new("node");
    command.arg(folder.join(script)).args(arguments).env("CHROMIUM", chromium);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command.spawn().expect("Node is where its packages are"))
}

/// Where it is, or where packages put it.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let packaged = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].map(PathBuf::from);
    named.into_iter().chain(packaged).find(|path| path.is_file())
}

/// Waits for the end of a script, which calls back whenever it wants the run to go on.
fn follow(mut script: Child, mut go_on: impl FnMut()) {
    let (stdout, stderr) = (script.stdout.take(), script.stderr.take());
    let complaint = thread::spawn(move || {
        let mut text = String::new();
        stderr.expect("it is piped").read_to_string(&mut text).expect("it is text");
        text
    });
    let lines = BufReader::new(stdout.expect("it is piped")).lines().map_while(Result::ok);
    lines.filter(|line| line == "go on").for_each(|_| go_on());
    let status = end(script).status;
    assert!(status.success(), "{}", complaint.join().expect("it only reads"));
}

#[test]
fn a_browser_shows_the_page_while_a_run_goes_on() {
    let sides = sides("write_mb = 100\n");
    let holds = [3, 6].map(|nth| sides.destination.hold(Moment::Arrived, "/api/v3/write_lp", nth));
    let mut holds = Vec::from(holds);
    holds.reverse();
    let (process, url) = serve(&sides);
    holds.last().expect("there are two").wait();
    let Some(script) = start("page.mjs", &[&url]) else {
        holds.clear();
        drop(end(process));
        return;
    };
    follow(script, || drop(holds.pop()));
    assert!(end(process).status.success());
}

#[test]
fn a_browser_shows_ten_thousand_batches() {
    let sides = sides("");
    sides.migration.complete();
    lengthen(&sides.migration.path("migration.checkpoint.lp"));
    let hold = sides.source.hold(Moment::Arrived, "/query", 1);
    let config = fs::read_to_string(sides.migration.path("migration.toml")).expect("it is there");
    let config = config.replace("stop = 2022-01-01T06:30", "stop = 2022-01-31T00:00");
    fs::write(sides.migration.path("migration.toml"), config).expect("it can be written");
    let (mut process, url) = serve(&sides);
    if let Some(script) = start("many.mjs", &[&url, &BATCHES.to_string()]) {
        follow(script, || {});
    }
    // Nothing of what is left of that month is wanted.
    process.kill().expect("it is under way");
    drop(end(process));
    drop(hold);
}

/// Makes of the first record of a batch as many as a page lists, one of each minute.
fn lengthen(checkpoint: &Path) {
    let text = fs::read_to_string(checkpoint).expect("there is a checkpoint");
    let record = text.lines().find(|line| line.contains("batch_start=")).expect("a batch is done");
    let (record, recorded) = record.rsplit_once(' ').expect("it has a time");
    let recorded: usize = recorded.parse().expect("times are numbers");
    // With their keys: the migration begins when its first batch does.
    let [start, stop] = ["batch_start=", "batch_stop="].map(|key| {
        let (_, value) = record.split_once(key).expect("it has both");
        format!("{key}{}", value.split(',').next().expect("the first of some"))
    });
    let of_minute = |minute: usize| {
        let [from, to] = [minute, minute + 1].map(time);
        record
            .replace(&start, &format!("batch_start=\"{from}\""))
            .replace(&stop, &format!("batch_stop=\"{to}\""))
    };
    let lines: String = (0..BATCHES)
        .map(|minute| format!("{} {}\n", of_minute(minute), recorded + minute))
        .collect();
    fs::write(checkpoint, lines).expect("it can be written");
}

/// So many minutes after the begin of the migration, as records have it.
fn time(minute: usize) -> String {
    let (day, hour, minute) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
    format!("2022-01-{day:02}T{hour:02}:{minute:02}:00.000000000Z")
}
