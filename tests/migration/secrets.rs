//! Tokens in a whole migration: rotated while it runs, and never seen by anybody.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::thread;

use support::influx::{Engine, FakeInflux, Moment, Settings};

use crate::run::{FLUX, Host, Migration, config, hosts, talk};
use crate::{expected, sides, sides_with};

#[test]
fn a_token_that_is_rotated_while_a_run_goes_on_stops_nothing() {
    for host in hosts() {
        let (source, destination) = sides();
        let config = config(&source, &destination);
        let (head, tail) = config.rsplit_once("token_env = \"TOKEN\"").expect("both have one");
        let migration = Migration::new(host, &format!("{head}token_file = \"token\"{tail}"));
        write_token(&migration, "token", "the one before");
        allow_others(&migration, "token");
        let hold = source.hold(Moment::Arrived, FLUX.path, 1);
        let process = migration.start();
        hold.wait();
        write_token(&migration, "token", "secret\n");
        hold.release();
        let output = process.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{host:?}: {}", talk(&output));
        destination.points("dst").assert_same(&expected());
        let warning = "warning: others can read the file that `destination.token_file` names\n\
                       hint: `chmod 600` leaves it to its owner\n";
        let warnings = usize::from(cfg!(unix) && host == Host::Binary);
        assert_eq!(talk(&output).matches(warning).count(), warnings, "{}", talk(&output));
        let again =
            "the destination `dst` does not accept the credentials (401); it is tried once more";
        // Before the first batch, when it is looked at with the token of before.
        assert_eq!(talk(&output).matches(again).count(), 1, "{host:?}: {}", talk(&output));
    }
}

/// Tokens that are nowhere by chance: of source, destination and checkpoint.
const TOKENS: [&str; 3] = ["c291cmNlIGlz/Bb+Q==", "apiv3_ZGVzdGluYXRpb24", "Y2hlY2twb2ludA-_x=="];
/// Files of the tokens, in the folder of a migration.
const FILES: [&str; 3] = ["source.token", "destination.token", "checkpoint.token"];

fn write_token(migration: &Migration, name: &str, token: &str) {
    fs::write(migration.path(name), token).expect("a folder takes a file");
}

#[cfg(unix)]
fn allow_others(migration: &Migration, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::Permissions::from_mode(0o644);
    fs::set_permissions(migration.path(name), mode).expect("it is ours");
}

#[cfg(not(unix))]
fn allow_others(_migration: &Migration, _name: &str) {}

/// A server that answers each request with this status, and says how it was asked.
fn echo(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the machine has a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away has heard enough.
            let _ = say_back(stream, status);
        }
    });
    url
}

fn say_back(mut stream: TcpStream, status: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut said, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                said = value.to_owned();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap_or(0);
            }
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let body = format!("{{\"code\":\"echo\",\"message\":\"who is `{said}`?\"}}");
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes())
}

/// Nothing that a run said or left in its folder holds a token, whole or without its padding.
#[track_caller]
fn check_unseen(migration: &Migration, output: &Output) {
    let mut texts = vec![talk(output), String::from_utf8_lossy(&output.stdout).into_owned()];
    for entry in fs::read_dir(migration.path("")).expect("it is a folder") {
        let path = entry.expect("it can be listed").path();
        let is_token = FILES.iter().any(|name| path.ends_with(name));
        if !is_token {
            let bytes = fs::read(&path).expect("it can be read");
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    for token in TOKENS.map(|token| token.trim_end_matches('=')) {
        for text in &texts {
            assert!(!text.contains(token), "{token}: {text}");
        }
    }
}

/// Both sides with their tokens, and where they are.
fn guarded() -> (FakeInflux, FakeInflux) {
    let token = |at: usize| Some(TOKENS[at].to_owned());
    let (source, _) = sides_with(Settings { token: token(0), ..Settings::default() });
    let settings = Settings { token: token(1), engine: Engine::Iox, ..Settings::default() };
    (source, FakeInflux::with(settings))
}

/// A migration of these sides, of which one may be elsewhere, with a checkpoint in a bucket.
fn migration(host: Host, source: &str, destination: &str, checkpoint: &str) -> Migration {
    let migration = Migration::new(
        host,
        &format!(
            r#"
[migration]
start = 2022-01-01T00:00:00Z
stop = 2022-01-01T06:30:00Z
batch_interval = "1h"
[source]
api = "v2"
language = "flux"
org = "o"
bucket = "src"
url = "{source}"
token_file = "source.token"
[destination]
api = "v3"
bucket = "dst"
url = "{destination}"
token_file = "destination.token"
[checkpoint]
bucket = "records"
org = "o"
url = "{checkpoint}"
token_file = "checkpoint.token"
[limits]
attempts = 2
"#
        ),
    );
    for (name, token) in FILES.into_iter().zip(TOKENS) {
        write_token(&migration, name, token);
    }
    migration
}

#[test]
fn a_token_is_in_no_output_and_no_file_whatever_servers_say() {
    for host in hosts() {
        let (source, destination) = guarded();
        let token = Some(TOKENS[2].to_owned());
        let checkpoint = FakeInflux::with(Settings { token, ..Settings::default() });
        checkpoint.create("records");
        let urls = [source.url(), destination.url(), checkpoint.url()];
        // What is done with an answer does not depend on the host.
        let statuses = match host {
            Host::Binary => {
                &["401 Unauthorized", "400 Bad Request", "500 Internal Server Error"][..]
            }
            Host::Python => &["401 Unauthorized"][..],
        };
        for status in statuses {
            thread::scope(|scope| {
                for side in 0..3 {
                    let mut urls = urls.clone();
                    scope.spawn(move || {
                        urls[side] = echo(status);
                        let [source, destination, checkpoint] = &urls;
                        let migration = migration(host, source, destination, checkpoint);
                        let output = migration.run();
                        assert!(!output.status.success(), "{host:?}, {status}, {side}");
                        assert!(talk(&output).contains("****"), "{host:?}: {}", talk(&output));
                        check_unseen(&migration, &output);
                    });
                }
            });
        }
        // Some of those runs may have moved something, and this one the rest.
        let [source, destination, checkpoint] = &urls;
        let migration = migration(host, source, destination, checkpoint);
        let output = migration.run();
        assert!(output.status.success(), "{}", talk(&output));
        check_unseen(&migration, &output);
    }
}

#[test]
fn a_token_at_the_wrong_place_is_not_shown() {
    let (source, destination) = guarded();
    let urls = (source.url(), destination.url());
    let with = |from: &str, to: &str| {
        let migration = migration(Host::Binary, &urls.0, &urls.1, &urls.0);
        let text = migration.read("migration.toml").replace(from, to);
        fs::write(migration.path("migration.toml"), text).expect("a folder takes a file");
        let output = migration.run();
        assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
        for token in TOKENS.map(|token| token.trim_end_matches('=')) {
            assert!(!talk(&output).contains(token), "{}", talk(&output));
        }
    };
    let [token, ..] = TOKENS;
    with("token_file = \"source.token\"", &format!("token_file = \"{token}\""));
    with("token_file = \"source.token\"", &format!("token_env = \"{token}\""));
    with("token_file = \"source.token\"", &format!("token = \"{token}\""));
    with("url = \"http://", &format!("url = \"http://me:{token}@"));
    with("url = \"http://", &format!("url = \"{token}"));
    with("token_file = \"source.token\"", &format!("proxy = \"http://me:{token}@127.0.0.1\""));
    with("token_file = \"source.token\"", &format!("ca_file = \"{token}\""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_token_is_not_in_the_list_of_processes() {
    let (source, destination) = guarded();
    let migration = migration(Host::Binary, &source.url(), &destination.url(), &source.url());
    write_token(&migration, "checkpoint.token", TOKENS[0]);
    source.create("records");
    let hold = source.hold(Moment::Arrived, FLUX.path, 3);
    let mut process = migration.start();
    hold.wait();
    let line = fs::read(format!("/proc/{}/cmdline", process.id())).expect("it runs");
    let line = String::from_utf8_lossy(&line).into_owned();
    assert!(line.contains("migration.toml"), "{line}");
    for token in TOKENS {
        assert!(!line.contains(token), "{line}");
    }
    process.kill().expect("it runs");
    process.wait().expect("it has been killed");
    hold.release();
}
