//! The live page over HTTP: what it serves, to whom, and what it tells while a run goes on.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::client::Client;
use support::influx::Moment;
use support::process::end;

use crate::run::binary;
use crate::{Sides, sides};

/// A run that serves its page, and where that is.
pub(crate) fn serve(sides: &Sides) -> (Child, String) {
    let mut command: Command = binary();
    command.args(["run", "--listen", "0"]).arg(sides.migration.path("migration.toml"));
    command.env("TOKEN", "secret").stdin(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("it starts");
    let stderr = process.stderr.take().expect("it is piped");
    let mut lines = BufReader::new(stderr).lines();
    let line = lines.next().expect("it says something").expect("it is text");
    let url = line.strip_prefix("the page is at ").unwrap_or_else(|| panic!("{line}"));
    let url = url.trim_end_matches('/').to_owned();
    // Whatever else it says must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (process, url)
}

pub(crate) fn get(url: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let reply = Client::connect(url).exchange("GET", path, headers, &[]).expect("it answers");
    (reply.status, reply.head.clone(), reply.text().to_owned())
}

#[test]
fn a_page_shows_a_run_and_nothing_else_to_nobody_else() {
    let sides = sides("write_mb = 100\n");
    // A batch waits until all is looked at.
    let hold = sides.destination.hold(Moment::Arrived, "/api/v3/write_lp", 3);
    let (process, url) = serve(&sides);
    hold.wait();
    let (status, head, page) = get(&url, "/", &[]);
    assert_eq!(status, 200);
    assert!(head.contains("content-security-policy: default-src 'self'"), "{head}");
    assert!(page.contains("<title>"));
    // All that it names is served here.
    for name in
        page.split(['"', '\'']).filter(|name| name.ends_with(".js") || name.ends_with(".css"))
    {
        assert_eq!(get(&url, &format!("/{}", name.trim_start_matches("./")), &[]).0, 200, "{name}");
    }
    let state = state_with_percent(&url);
    assert_eq!(state["ending"], Value::Null, "{state:#}");
    assert_eq!(state["settings"]["source"]["token_env"], "TOKEN");
    assert!(!state.to_string().contains("secret"));
    assert!(state["batches"].as_array().is_some_and(|batches| !batches.is_empty()), "{state:#}");
    // A page of another name must not read it.
    for host in ["example.com", "127.0.0.1.example.com"] {
        assert_eq!(host_status(&url, host), 403, "{host}");
    }
    assert_eq!(get(&url, "/healthz", &[]), (200, get(&url, "/healthz", &[]).1, "ok\n".to_owned()));
    let (_, _, metrics) = get(&url, "/metrics", &[]);
    assert!(
        metrics.contains("\ntsm2iox_window_limit_bytes{direction=\"write\"} 50000000\n"),
        "{metrics}"
    );
    let (_, head, _) = ask(&url, "POST /state");
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");

    let mut events = follow(&url);
    assert_eq!(events.next().map(|(name, _)| name).as_deref(), Some("state"));
    drop(hold);
    let mut batches = 0;
    let ending = events.by_ref().find_map(|(name, data)| {
        batches += u32::from(name == "batch");
        (name == "ending").then_some(data)
    });
    assert_eq!(ending.expect("it ends")["status"], "complete");
    assert_eq!(events.count(), 0, "nothing comes after the end");
    assert!(batches >= 4, "{batches}");
    assert!(end(process).status.success());
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it has one").port().to_string();
    let output = sides("").migration.does("run", &["--listen", &port]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("no page can be served at 127.0.0.1:"), "{text}");
}

/// Who looks at the page cannot take a migration's files: others wait until somebody goes.
#[test]
fn more_than_128_connections_wait() {
    let sides = sides("");
    let hold = sides.destination.hold(Moment::Arrived, "/api/v3/write_lp", 1);
    let (process, url) = serve(&sides);
    hold.wait();
    let ask = |client: &mut Client| {
        client.exchange("GET", "/healthz", &[], &[]).map(|reply| reply.status)
    };
    let mut clients: Vec<_> = (0..128).map(|_| Client::connect(&url)).collect();
    for client in &mut clients {
        assert_eq!(ask(client).expect("it answers"), 200);
    }
    let (tell, told) = std::sync::mpsc::channel();
    let one_more = url.clone();
    std::thread::spawn(move || tell.send(ask(&mut Client::connect(&one_more)).ok()));
    let is_answered = told.recv_timeout(Duration::from_millis(500));
    assert!(is_answered.is_err(), "{is_answered:?}");
    clients.pop();
    assert_eq!(told.recv().expect("it is answered"), Some(200));
    drop(clients);
    hold.release();
    assert!(end(process).status.success());
}

/// The state, once a part of the migration is on record: a page gets news four times a second.
pub(crate) fn state_with_percent(url: &str) -> Value {
    loop {
        let (status, _, state) = get(url, "/state", &[]);
        let state: Value = serde_json::from_str(&state).expect("it is JSON");
        assert_eq!(status, 200);
        if state["progress"]["percent"].as_f64().is_some_and(|percent| percent > 0.0) {
            return state;
        }
        std::thread::yield_now();
    }
}

fn host_status(url: &str, host: &str) -> u16 {
    let (_, head, _) = ask_as(url, "GET /state", host);
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("there is a status")
}

fn ask(url: &str, what: &str) -> (u16, String, Vec<u8>) {
    ask_as(url, what, "127.0.0.1")
}

/// A request of this host, whatever the URL says.
fn ask_as(url: &str, what: &str, host: &str) -> (u16, String, Vec<u8>) {
    let mut client = Client::connect(url);
    let request = format!("{what} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n");
    client.send(request.as_bytes()).expect("it listens");
    let (reply, _) = client.receive_part();
    (reply.status, reply.head, reply.body)
}

/// The events of a page, as they come.
fn follow(url: &str) -> impl Iterator<Item = (String, Value)> {
    let host = url.strip_prefix("http://").expect("it is plain HTTP");
    let mut stream = TcpStream::connect(host).expect("it listens");
    stream.set_read_timeout(Some(support::process::END_MAX)).expect("a minute is no zero");
    let request = format!("GET /events HTTP/1.0\r\nhost: {host}\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it listens");
    let mut name = String::new();
    BufReader::new(stream).lines().map_while(Result::ok).filter_map(move |line| {
        if let Some(event) = line.strip_prefix("event: ") {
            event.clone_into(&mut name);
        }
        let data = line.strip_prefix("data: ")?;
        Some((name.clone(), serde_json::from_str(data).expect("it is JSON")))
    })
}
