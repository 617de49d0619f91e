//! Answers that are refusals after an effect, pages of somebody else, parts of the truth, cut at an end
//! of rows, or not as long as they say.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use support::client::{Client, Reply};
use support::influx::{Engine, FakeInflux, Fault, Piece, Points, Settings, Share, Version};

use super::faults::{query_under, whole_response, write_under};
use super::influxql_faults::{ask_under, whole_maps};

fn after_effect(fault: Fault) -> Fault {
    Fault::AfterEffect(Box::new(fault))
}

#[test]
fn a_reset_is_seen_as_one() {
    let influx = FakeInflux::start();
    influx.break_exchange(1, Fault::Reset);
    let mut client = Client::connect(&influx.url());
    let error = client.exchange("POST", "/nosuch", &[], b"").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_refusal_may_follow_the_effect() {
    let check = |fault: Fault, status: u16| {
        let (reply, took_effect) = write_under(after_effect(fault));
        assert_eq!((reply.unwrap().status, took_effect), (status, true));
    };
    check(Fault::Unavailable(Some(0)), 503);
    check(Fault::TooManyRequests(None), 429);
    check(Fault::Internal, 500);
    check(Fault::TooLarge, 413);
    check(Fault::Html(502), 502);
}

#[test]
fn a_page_comes_instead_of_an_answer() {
    let page = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n\
                <center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\
                \r\n</body>\r\n</html>\r\n";
    for status in [200, 413, 502] {
        let (reply, took_effect) = write_under(Fault::Html(status));
        let reply = reply.unwrap();
        assert_eq!((reply.status, took_effect), (status, false));
        assert_eq!(reply.header("content-type"), Some("text/html"));
        assert_eq!(query_under(Fault::Html(status)).0.body, reply.body);
        assert!(status != 413 || reply.text() == page, "{}", reply.text());
    }
}

/// Writes three good lines under a fault; returns the answer, and what is stored.
fn three_lines_under(settings: Settings, target: &str, fault: Fault) -> (Reply, Points) {
    let influx = FakeInflux::with(settings);
    influx.create("b");
    influx.break_exchange(1, fault);
    let lines = b"m f=1 1\nm f=2 2\nm f=3 3\n";
    let mut client = Client::connect(&influx.url());
    let reply = client.exchange("POST", target, &[], lines).expect("a whole answer");
    (reply, influx.points("b"))
}

#[test]
fn good_points_are_refused_in_the_words_of_each_server() {
    let half = Points::parse("m f=1 1\nm f=3 3");
    for (version, engine, target, status, body) in [
        (
            Version::V2,
            Engine::Iox,
            "/api/v3/write_lp?db=b&precision=nanosecond",
            400,
            "{\"error\":\"partial write of line protocol occurred\",\"data\":[{\"error_message\":\
             \"no reason at all\",\"line_number\":2,\"original_line\":\"m f=2 2\"}]}",
        ),
        (
            Version::V2,
            Engine::Tsm,
            "/api/v2/write?bucket=b",
            422,
            "{\"code\":\"unprocessable entity\",\"message\":\"failure writing points to database: \
             partial write: no reason at all dropped=1\"}",
        ),
        (
            Version::V1_6,
            Engine::Tsm,
            "/write?db=b",
            400,
            "{\"error\":\"partial write: no reason at all dropped=1\"}\n",
        ),
    ] {
        let settings = Settings { version, engine, ..Settings::default() };
        let (reply, stored) = three_lines_under(settings, target, Fault::PartialWrite);
        assert_eq!((reply.status, reply.text()), (status, body));
        stored.assert_same(&half);
    }
}

#[test]
fn a_write_that_answers_201_takes_nothing_half_or_all() {
    for (share, stored) in [
        (Share::Nothing, ""),
        (Share::Half, "m f=1 1\nm f=3 3"),
        (Share::All, "m f=1 1\nm f=2 2\nm f=3 3"),
    ] {
        let (reply, points) =
            three_lines_under(Settings::default(), "/api/v2/write?bucket=b", Fault::Created(share));
        assert_eq!((reply.status, reply.text()), (201, ""));
        points.assert_same(&Points::parse(stored));
    }
}

#[test]
fn faults_of_writes_make_queries_fail() {
    for fault in [Fault::PartialWrite, Fault::Created(Share::All)] {
        assert_eq!(query_under(fault).0.status, 500);
    }
}

#[test]
fn an_answer_ends_where_a_row_or_a_block_does() {
    let whole = whole_response();
    let (rows, blocks) = (whole.split_inclusive("\r\n"), whole.matches("\r\n\r\n").count());
    assert!(blocks > 1 && rows.count() > 4, "there is something to choose from");
    for (fault, end, ends_well) in [
        (Fault::TruncatedAfterRow, "\r\n", true),
        (Fault::CutAfter(Piece::Row), "\r\n", false),
        (Fault::CutAfter(Piece::Block), "\r\n\r\n", false),
    ] {
        let (reply, is_whole) = query_under(fault.clone());
        assert_eq!((reply.status, is_whole), (200, ends_well), "{fault:?}");
        assert!(whole.starts_with(reply.text()) && reply.body.len() < whole.len(), "{fault:?}");
        assert!(reply.text().ends_with(end), "{fault:?}: {}", reply.text());
    }
    assert_eq!(write_under(Fault::CutAfter(Piece::Row)), (None, true));
}

#[test]
fn an_answer_in_message_pack_ends_where_a_map_does() {
    let maps = whole_maps();
    for (fault, ends_well) in
        [(Fault::TruncatedAfterRow, true), (Fault::CutAfter(Piece::Block), false)]
    {
        let (reply, is_whole) = ask_under(fault.clone());
        assert_eq!((reply.status, is_whole), (200, ends_well), "{fault:?}");
        assert!((1..maps.len()).any(|count| reply.body == maps[..count].concat()), "{fault:?}");
    }
}

#[test]
fn an_answer_is_shorter_or_longer_than_it_says() {
    let whole = whole_response();
    let (reply, is_whole) = query_under(Fault::Overlong);
    assert!(is_whole && whole.starts_with(reply.text()) && reply.body.len() < whole.len());
    let (reply, is_whole) = query_under(Fault::Incomplete);
    assert_eq!((is_whole, reply.text()), (false, &whole[..]));
    let length = (whole.len() + 100).to_string();
    assert_eq!(reply.header("content-length"), Some(&length[..]));
    // A client that reads no body of a 204 sees nothing of that, but what follows it.
    for fault in [Fault::Overlong, Fault::Incomplete] {
        let (reply, took_effect) = write_under(fault);
        assert_eq!((reply.unwrap().status, took_effect), (204, true));
    }
    let influx = FakeInflux::start();
    influx.break_exchange(1, Fault::Overlong);
    let mut client = Client::connect(&influx.url());
    let write = |client: &mut Client| {
        client.exchange("POST", "/api/v3/write_lp?db=b", &[], b"m f=1 1\n").map(|reply| reply.head)
    };
    assert!(write(&mut client).unwrap().starts_with("HTTP/1.1 204 "));
    assert!(write(&mut client).unwrap().starts_with("surplusHTTP/1.1 204 "));
}

#[test]
fn an_answer_comes_drop_by_drop() {
    let pause = Duration::from_millis(20);
    let start = Instant::now();
    let (reply, is_whole) = query_under(Fault::Dripped(pause));
    assert!(is_whole && start.elapsed() >= 8 * pause);
    assert_eq!(reply.text(), whole_response());
}
