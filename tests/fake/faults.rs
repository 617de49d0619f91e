//! Exchanges break where and how a test says, and nowhere else.

use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use support::client::{self, Client, Reply};
use support::influx::{FakeInflux, Fault, Moment};

use super::query_body;

const WRITE: &str = "/api/v3/write_lp?db=b&precision=nanosecond";
const QUERY: &str = "/api/v2/query?org=o";

/// A day of two tables, in the bucket `b`.
const SCRIPT: &str =
    r#"from(bucket: "b") |> range(start: 1970-01-01T00:00:00Z, stop: 1970-01-02T00:00:00Z)"#;
const LINES: &str = "m f=1,g=2i 0\n";

/// Sends one write while this fault is planned; returns the answer if it is whole, and whether
/// the write took effect.
pub(crate) fn write_under(fault: Fault) -> (Option<Reply>, bool) {
    let influx = FakeInflux::start();
    influx.break_exchange(1, fault);
    let mut client = Client::connect(&influx.url());
    let reply = client.exchange("POST", WRITE, &[], LINES.as_bytes());
    assert!(influx.struck());
    (reply.ok(), influx.points("b").count() > 0)
}

/// Sends one query while this fault is planned; returns what comes, and whether it is whole.
pub(crate) fn query_under(fault: Fault) -> (Reply, bool) {
    let influx = FakeInflux::start();
    influx.load("b", LINES);
    influx.break_exchange(1, fault);
    let mut client = Client::connect(&influx.url());
    let body = query_body(SCRIPT);
    let head =
        format!("POST {QUERY} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", body.len());
    client.send(&[head.as_bytes(), &body].concat()).expect("it listens");
    let (reply, end) = client.receive_part();
    (reply, end.is_ok())
}

pub(crate) fn whole_response() -> String {
    let influx = FakeInflux::start();
    influx.load("b", LINES);
    let reply = client::request(&influx.url(), "POST", QUERY, &[], &query_body(SCRIPT));
    reply.text().to_owned()
}

#[test]
fn a_connection_ends_before_or_after_the_effect() {
    assert_eq!(write_under(Fault::Refused), (None, false));
    assert_eq!(write_under(Fault::Unanswered), (None, true));
    assert_eq!(write_under(Fault::CutLength), (None, true));
    assert_eq!(write_under(Fault::CutChunks), (None, true));
    assert_eq!(write_under(Fault::CutHead), (None, true));
    assert_eq!(write_under(Fault::Reset), (None, false));
    assert_eq!(write_under(Fault::AfterEffect(Box::new(Fault::Reset))), (None, true));
}

#[test]
fn a_large_body_to_a_refused_connection_does_not_hang() {
    let influx = FakeInflux::start();
    influx.break_exchange(1, Fault::Refused);
    let mut client = Client::connect(&influx.url());
    let body = vec![b'x'; 64 * 1024 * 1024];
    assert!(client.exchange("POST", WRITE, &[], &body).is_err());
}

#[test]
fn a_request_is_refused_with_a_status_and_has_no_effect() {
    let check = |fault: Fault, status: u16, retry_after: Option<&str>| {
        let (reply, took_effect) = write_under(fault);
        let reply = reply.unwrap();
        let answered = (reply.status, reply.header("retry-after"), took_effect);
        assert_eq!(answered, (status, retry_after, false));
    };
    check(Fault::Unavailable(Some(7)), 503, Some("7"));
    check(Fault::Unavailable(None), 503, None);
    check(Fault::TooManyRequests(Some(300)), 429, Some("300"));
    check(Fault::TooManyRequests(None), 429, None);
    check(Fault::Internal, 500, None);
    check(Fault::Unauthorized, 401, None);
    check(Fault::TooLarge, 413, None);
    check(Fault::ErrorTable, 500, None);
    check(Fault::RowLost, 500, None);
}

#[test]
fn an_answer_is_cut_so_that_http_shows_it() {
    let whole = whole_response();
    for fault in [Fault::CutLength, Fault::CutChunks] {
        let (reply, is_whole) = query_under(fault.clone());
        assert_eq!((reply.status, is_whole), (200, false), "{fault:?}");
        assert!(whole.starts_with(reply.text()) && reply.body.len() < whole.len());
        assert_eq!(reply.header("content-length").is_some(), fault == Fault::CutLength);
        assert_eq!(reply.header("transfer-encoding").is_some(), fault == Fault::CutChunks);
    }
}

#[test]
fn an_answer_is_cut_so_that_only_its_text_shows_it() {
    let whole = whole_response();
    let (reply, is_whole) = query_under(Fault::Truncated);
    assert!(is_whole);
    assert_eq!(reply.text(), &whole[..whole.len() / 2]);
}

#[test]
fn an_answer_loses_its_last_row_and_nothing_shows_it() {
    let whole = whole_response();
    let (reply, is_whole) = query_under(Fault::RowLost);
    assert!(is_whole && reply.status == 200);
    let rows = whole.strip_suffix("\r\n\r\n").expect("it ends with an empty line");
    let (others, _) = rows.rsplit_once("\r\n").expect("there are several lines");
    assert_eq!(reply.text(), format!("{others}\r\n\r\n"));
}

#[test]
fn a_query_fails_after_its_first_table_as_recorded() {
    let recorded = include_str!("../recorded/error_midstream.csv");
    let (_, error) = recorded.rsplit_once("\r\n\r\n").unwrap();
    let whole = whole_response();
    let (first, _) = whole.split_once("\r\n\r\n").unwrap();
    let (reply, is_whole) = query_under(Fault::ErrorTable);
    assert!(is_whole && reply.status == 200);
    assert_eq!(reply.text(), format!("{first}\r\n\r\n{error}"));
}

#[test]
fn an_answer_comes_late_or_with_a_pause_in_it() {
    let pause = Duration::from_millis(150);
    for fault in [Fault::Delayed(pause), Fault::Stalled(pause)] {
        let start = Instant::now();
        let (reply, is_whole) = query_under(fault);
        assert!(is_whole && start.elapsed() >= pause);
        assert_eq!(reply.text(), whole_response());
    }
}

#[test]
fn faults_strike_the_exchange_that_they_are_meant_for() {
    let influx = FakeInflux::start();
    let write = || client::request(&influx.url(), "POST", WRITE, &[], LINES.as_bytes()).status;
    let query = || client::request(&influx.url(), "POST", QUERY, &[], b"{}").status;
    influx.break_request("/api/v3/write_lp", 2, Fault::Internal);
    assert_eq!((write(), query(), influx.struck()), (204, 400, false));
    assert_eq!((write(), influx.struck()), (500, true));
    // Counted from now.
    influx.break_from("/api/v3/write_lp?db=b", 2, Fault::Unavailable(None));
    assert_eq!([write(), write(), write(), query()], [204, 503, 503, 400]);
    influx.heal();
    assert_eq!(write(), 204);
    let statuses = influx.exchanges_on("/api/v3").into_iter().map(|exchange| exchange.status);
    let expected = [204, 500, 204, 503, 503, 204].map(Some);
    assert_eq!(statuses.collect::<Vec<_>>(), expected);
}

#[test]
fn requests_are_logged_with_all_that_they_say() {
    let influx = FakeInflux::start();
    let target = "/write?db=a%20b&rp=c+d";
    let headers = [("User-Agent", "test")];
    assert_eq!(client::request(&influx.url(), "POST", target, &headers, b"m f=1").status, 404);
    assert_eq!(client::request(&influx.url(), "GET", "/nosuch", &[], b"").status, 404);
    let [write, get] = &influx.exchanges()[..] else { panic!("two requests") };
    assert_eq!((write.number, write.method.as_str(), write.path()), (1, "POST", "/write"));
    assert_eq!(write.parameter("rp").as_deref(), Some("c d"));
    assert_eq!((write.header("user-agent"), write.text()), (Some("test"), "m f=1"));
    assert_eq!((get.number, get.method.as_str(), get.status), (2, "GET", Some(404)));
}

#[test]
fn a_request_is_held_before_or_after_its_effect() {
    for (moment, count) in [(Moment::Arrived, 1), (Moment::Applied, 2)] {
        let influx = FakeInflux::start();
        let url = influx.url();
        let hold = influx.hold(moment, WRITE, 2);
        let writer = thread::spawn(move || {
            let bodies = ["m f=1 1", "m f=2 2"];
            bodies.map(|body| client::request(&url, "POST", WRITE, &[], body.as_bytes()).status)
        });
        hold.wait();
        assert_eq!((hold.is_reached(), influx.points("b").count()), (true, count));
        assert_eq!(influx.exchanges()[1].status, None);
        hold.release();
        assert_eq!(writer.join().unwrap(), [204, 204]);
        assert_eq!(influx.points("b").count(), 2);
    }
}

#[test]
fn a_callback_sees_the_request() {
    let influx = FakeInflux::start();
    let (sender, receiver) = mpsc::channel();
    influx.on_request(Moment::Arrived, "", 1, move |exchange| {
        sender.send(exchange.text().to_owned()).expect("the test waits");
    });
    assert_eq!(client::request(&influx.url(), "POST", WRITE, &[], b"m f=1 1").status, 204);
    assert_eq!(receiver.recv().unwrap(), "m f=1 1");
}

#[test]
fn dropping_a_server_ends_what_it_holds_and_frees_its_port() {
    let influx = FakeInflux::start();
    let (url, address) = (influx.url(), influx.address());
    let hold = influx.hold(Moment::Arrived, "", 1);
    influx.break_exchange(2, Fault::Delayed(Duration::from_secs(3600)));
    let idle = TcpStream::connect(address).unwrap();
    let send = || {
        let mut client = Client::connect(&url);
        thread::spawn(move || client.exchange("POST", WRITE, &[], b"m f=1 1").is_ok())
    };
    let held = send();
    hold.wait();
    let delayed = send();
    while influx.points("b").count() == 0 {
        thread::yield_now();
    }
    drop(influx);
    held.join().unwrap();
    delayed.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
    drop(idle);
}
