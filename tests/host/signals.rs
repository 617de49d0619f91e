//! A person who wants an end: the first signal lets a run come to it, the second does not wait.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tsm2iox_guest::time::Timestamp;

use support::influx::{Engine, FakeInflux, Moment, Points, Settings};
use support::process::{END_MAX, end};

use super::folder;

/// A point in each of six hours.
fn points() -> String {
    (0..6).map(|hour| format!("m f={hour}i {}\n", hour * 3_600_000_000_000_i64)).collect()
}

/// A source that holds them, and a destination that has none.
fn sides() -> (FakeInflux, FakeInflux) {
    let source = FakeInflux::start();
    source.load("src", &points());
    (source, FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() }))
}

/// Starts a run of six batches, in this folder.
fn start(folder: &Path, source: &FakeInflux, destination: &FakeInflux) -> Child {
    let times = "start = 1970-01-01T00:00:00Z\nstop = 1970-01-01T06:00:00Z";
    start_with(folder, source, destination, times, &[])
}

/// The same for other times, with other options.
fn start_with(
    folder: &Path,
    source: &FakeInflux,
    destination: &FakeInflux,
    times: &str,
    options: &[&str],
) -> Child {
    let (source, destination) = (source.url(), destination.url());
    let config = format!(
        r#"
[migration]
{times}
batch_interval = "1h"

[source]
api = "v2"
url = "{source}"
org = "o"
bucket = "src"
language = "flux"

[destination]
api = "v3"
url = "{destination}"
bucket = "dst"
"#
    );
    let path = folder.join("migration.toml");
    fs::write(&path, config).expect("the folder can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tsm2iox"));
    command.arg("run").arg(path).args(options).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().expect("the binary starts")
}

/// Sends a signal to a process that was started here and not waited for.
fn send(signal: &str, process: &Child) {
    let status = Command::new("kill").args(["-s", signal, &process.id().to_string()]).status();
    assert!(status.expect("every Unix has it").success(), "{signal} was not sent");
}

/// Waits until so many records are made.
#[track_caller]
fn wait_for_records(folder: &Path, count: usize) {
    let began = Instant::now();
    let records = || fs::read_to_string(folder.join("migration.checkpoint.lp")).unwrap_or_default();
    while records().lines().count() < count {
        assert!(began.elapsed() < END_MAX, "there are not {count} records within {END_MAX:?}");
        thread::yield_now();
    }
}

/// The status is 1, and the talk ends with this: before it may be what was done so far.
#[track_caller]
fn check_stopped(output: &Output, last_words: &str) {
    let talk = String::from_utf8_lossy(&output.stderr);
    // A second signal may come before there is time to say that.
    let talk = talk.replace(STOPPING, "");
    let (_, last) = talk.rsplit_once("complete\n").unwrap_or(("", &talk));
    assert_eq!(
        (output.status.code(), without_percent(last).as_str()),
        (Some(1), last_words),
        "{talk}"
    );
    assert_eq!(output.stdout, b"");
}

/// How much is recorded depends on when the signal came.
fn without_percent(text: &str) -> String {
    let is_number = |character: char| character.is_ascii_digit() || character == '.';
    text.split_once(" % is recorded").map_or(text.to_owned(), |(before, after)| {
        format!("{}… % is recorded{after}", before.trim_end_matches(is_number))
    })
}

/// What each run by Flux says first.
const FLUX: &str = "warning: Flux does not tell what it leaves out: values of a field whose type changes from \
                    one shard group to another, tags called `_start` and `_stop`, a lone `\\r` in a \
                    string that has a comma or a quote, and the last nanosecond that there is\n";

/// What a run says when the first signal comes, and what it says last.
const STOPPING: &str =
    "stopping: what is under way may take a few seconds; a second signal ends it at once\n";
const STOPPED: &str =
    "error: interrupted\n\n… % is recorded and stays; run the same command to resume\n";

#[test]
fn a_run_does_not_wait_for_a_destination_that_does_not_answer() {
    let (source, destination) = sides();
    // It may have its effect, and nobody will ever hear of it.
    let hold = destination.hold(Moment::Applied, "/api/v3/write_lp", 2);
    let folder = folder("interrupted_in_silence");
    let run = start(&folder, &source, &destination);
    hold.wait();
    send("INT", &run);
    // The wait of the destination is much longer than that of the test.
    check_stopped(&end(run), STOPPED);
    let records = fs::read_to_string(folder.join("migration.checkpoint.lp"));
    let records = records.expect("there are some");
    let held = destination.lines("dst").swap_remove(1);
    let time =
        Timestamp(held.rsplit(' ').next().and_then(|time| time.parse().ok()).expect("it has one"));
    assert!(!records.contains(&format!("batch_start=\"{}", &time.to_string()[..13])), "{records}");
    assert!(records.lines().count() > 1, "what was acknowledged is on record");
    hold.release();
    let output = end(start(&folder, &source, &destination));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    destination.points("dst").assert_same(&Points::parse(&points()));
}

#[test]
fn a_run_that_was_interrupted_says_how_to_resume_and_does() {
    for signal in ["INT", "TERM"] {
        let (source, destination) = sides();
        let folder = folder(&format!("interrupted_by_{signal}"));
        // Each is read and counted. Nothing of the fourth batch is written then, so nothing needs to be waited for.
        let hold = source.hold(Moment::Arrived, "/api/v2/query", 2 * 3 + 1);
        let run = start(&folder, &source, &destination);
        hold.wait();
        // The fourth is asked for before the third is acknowledged, and recorded after that.
        wait_for_records(&folder, 1 + 3);
        send(signal, &run);
        let output = end(run);
        check_stopped(&output, STOPPED);
        assert!(String::from_utf8_lossy(&output.stderr).contains(STOPPING));
        assert_eq!(destination.lines("dst").len(), 3, "three batches are done");
        hold.release();

        let output = end(start(&folder, &source, &destination));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        destination.points("dst").assert_same(&Points::parse(&points()));
        assert_eq!(destination.lines("dst").len(), 6, "none is written twice");
    }
}

#[test]
fn a_run_that_goes_on_moves_what_is_new_until_a_signal_ends_it() {
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        i64::try_from(since.as_nanos()).expect("and before 2262")
    };
    let (source, destination) = sides();
    let first = now();
    source.load("src", &format!("m f=1i {first}\n"));
    let start = Timestamp(first - 60_000_000_000);
    let times = format!("start = {start}\nstop = \"now\"\nlag = \"0s\"");
    let folder = folder("goes_on");
    let mut run = start_with(&folder, &source, &destination, &times, &["--every", "1s"]);
    let (sender, lines) = mpsc::channel();
    let talk = run.stderr.take().expect("it is piped");
    thread::spawn(move || {
        BufReader::new(talk).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    let wait_for = |beginning: &str| {
        while !lines.recv_timeout(END_MAX).expect("it goes on").starts_with(beginning) {}
    };
    wait_for("complete: 1 row");
    let second = now();
    source.load("src", &format!("m f=2i {second}\n"));
    wait_for("complete: 1 row");
    send("INT", &run);
    // Between two rounds it was complete.
    let status = end(run).status.code();
    assert!(matches!(status, Some(0 | 1)), "{status:?}");
    let expected = format!("m f=1i {first}\nm f=2i {second}\n");
    destination.points("dst").assert_same(&Points::parse(&expected));
}

#[test]
fn a_second_signal_does_not_wait() {
    for (first, second) in [("INT", "TERM"), ("TERM", "INT")] {
        let (source, destination) = sides();
        // A write may have its effect: the first signal has to wait for its answer.
        let hold = destination.hold(Moment::Applied, "/api/v3/write_lp", 1);
        let folder = folder(&format!("interrupted_by_{first}_and_{second}"));
        let run = start(&folder, &source, &destination);
        hold.wait();
        send(first, &run);
        send(second, &run);
        check_stopped(&end(run), FLUX);
        hold.release();
    }
}

#[test]
fn a_signal_that_is_repeated_does_not_wait_either() {
    for signal in ["INT", "TERM"] {
        let (source, destination) = sides();
        let hold = destination.hold(Moment::Applied, "/api/v3/write_lp", 1);
        let folder = folder(&format!("interrupted_by_{signal}_again"));
        let mut run = start(&folder, &source, &destination);
        hold.wait();
        // Two that come at once may count as one, so there are as many as it takes.
        let began = Instant::now();
        while run.try_wait().expect("it can be waited for").is_none() {
            assert!(began.elapsed() < END_MAX, "it has not come to its end within {END_MAX:?}");
            send(signal, &run);
        }
        check_stopped(&end(run), FLUX);
        hold.release();
    }
}
