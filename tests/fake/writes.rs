//! The three write APIs against what InfluxDB 3 Core 3.10, OSS 2.9.1 and 1.6.7 answered.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::client::{self, Client, Reply};
use support::influx::{Engine, FakeInflux, Points, Settings};

use super::check_answer;

const V3: &str = "/api/v3/write_lp?db=b&precision=nanosecond";
const V2: &str = "/api/v2/write?org=o&bucket=b&precision=ns";
const V1: &str = "/write?db=b&precision=ns";

/// A type that changes, a good line, one that is none, and a tag with the name of a field.
const BAD_LINES: &str = "w,t=a f=1i 1640995200000000001\nw,t=a f=2 1640995200000000002\n\
    broken line here without any field\nw,f=x g=1 1640995200000000003\n";

fn write(influx: &FakeInflux, target: &str, body: &str) -> Reply {
    client::request(&influx.url(), "POST", target, &[], body.as_bytes())
}

/// A server whose bucket `b` has a float `f`, written on this path.
fn with_a_float(engine: Engine, target: &str) -> FakeInflux {
    let influx = FakeInflux::with(Settings { engine, ..Settings::default() });
    influx.create("b");
    let reply = write(&influx, target, "w,t=a f=1 1640995200000000000\n");
    assert_eq!(reply.status, 204);
    influx
}

#[test]
fn good_lines_are_accepted_as_recorded() {
    let check = |target: &str, lines: &str, recorded: &str| {
        let influx = FakeInflux::start();
        influx.create("b");
        check_answer(&write(&influx, target, lines), recorded);
        influx.points("b").assert_same(&Points::parse(lines));
        assert_eq!(influx.written("b"), [lines]);
    };
    let tricky = include_str!("../recorded/tricky.points.lp");
    // Version 3 does not let a tag and a field share a name, version 1 has no unsigned integers.
    let (for_v3, _) = tricky.split_at(tricky.find("same,").unwrap());
    check(V3, for_v3, include_str!("../recorded/http/write_v3_ok.http"));
    check(V2, tricky, include_str!("../recorded/http/write_v2_ok.http"));
    let for_v1 = "m,tag=a f=1,i=2i,s=\"x\",b=t 1640995200000000000\n";
    check(V1, for_v1, include_str!("../recorded/http/write_v1_ok.http"));
}

#[test]
fn version_3_takes_the_good_lines_and_names_the_bad_ones_as_recorded() {
    let influx = with_a_float(Engine::Tsm, V3);
    check_answer(
        &write(&influx, V3, BAD_LINES),
        include_str!("../recorded/http/write_v3_partial.http"),
    );
    let kept = "w,t=a f=1 1640995200000000000\nw,t=a f=2 1640995200000000002\n";
    influx.points("b").assert_same(&Points::parse(kept));
    assert_eq!(influx.written("b").concat(), kept);
}

#[test]
fn version_3_refuses_a_whole_body_if_it_is_told_to_as_recorded() {
    let influx = with_a_float(Engine::Tsm, V3);
    check_answer(
        &write(&influx, &format!("{V3}&accept_partial=false"), BAD_LINES),
        include_str!("../recorded/http/write_v3_refused_whole.http"),
    );
    assert_eq!(influx.points("b").count(), 1);
}

#[test]
fn columns_before_a_bad_one_stay_unless_the_whole_body_is_refused() {
    let influx = with_a_float(Engine::Tsm, V3);
    let widens = "w,t=a new=1i,f=1i 1\n";
    write(&influx, &format!("{V3}&accept_partial=false"), widens);
    assert_eq!(write(&influx, V3, "w new=1u 2\n").status, 204);
    let influx = with_a_float(Engine::Tsm, V3);
    write(&influx, V3, widens);
    assert_eq!(write(&influx, V3, "w new=1u 2\n").status, 400);
}

#[test]
fn the_older_paths_of_version_3_refuse_whole_bodies_as_recorded() {
    let influx = with_a_float(Engine::Iox, V2);
    let recorded = include_str!("../recorded/http/write_v2_on_v3_core.http");
    check_answer(&write(&influx, V2, BAD_LINES), recorded);
    let recorded = include_str!("../recorded/http/write_v3_refused_whole.http");
    check_answer(&write(&influx, V1, BAD_LINES), recorded);
    assert_eq!(influx.points("b").count(), 1);
}

#[test]
fn version_3_makes_a_database_and_guesses_times_unless_told_not_to() {
    let influx = FakeInflux::start();
    write(&influx, "/api/v3/write_lp?db=guessed", "m f=1 1\n");
    influx.points("guessed").assert_same(&Points::parse("m f=1 1000000000"));
    write(&influx, V3, "m f=1 1\n");
    influx.points("b").assert_same(&Points::parse("m f=1 1"));
}

#[test]
fn version_2_refuses_as_recorded() {
    let influx = with_a_float(Engine::Tsm, V2);
    let reply = write(&influx, V2, "broken line here\nw f= 3\nw f=5 3\n");
    check_answer(&reply, include_str!("../recorded/http/write_v2_parse.http"));
    let reply = write(&influx, V2, "w,t=a f=1i 1640995200000000001\nw,t=a f=2 3\n");
    check_answer(&reply, include_str!("../recorded/http/write_v2_conflict.http"));
    influx.points("b").assert_same(&Points::parse("w,t=a f=1 1640995200000000000\nw,t=a f=2 3\n"));
    let reply = write(&influx, "/api/v2/write?org=o&bucket=nosuch", "m f=1 1\n");
    check_answer(&reply, include_str!("../recorded/http/write_v2_nobucket.http"));
}

#[test]
fn version_2_counts_what_it_drops_of_one_shard_group_alone_as_recorded() {
    let influx = FakeInflux::start();
    influx.create("b");
    let first = "w f=1 1000000000000000000\nw f=1 1200000000000000000\n";
    assert_eq!(write(&influx, V2, first).status, 204);
    let reply = write(
        &influx,
        V2,
        "w f=1i 1000000000000000001\nw f=1i,g=2 1000000000000000002\nw f=2i 1200000000000000001\n\
         w f=\"x\" 1200000000000000002\nw f=2 1200000000000000003\n",
    );
    check_answer(&reply, include_str!("../recorded/http/write_v2_conflict_two_groups.http"));
    influx.points("b").assert_same(&Points::parse(&format!("{first}w f=2 1200000000000000003\n")));
}

#[test]
fn version_1_refuses_as_recorded() {
    let influx = with_a_float(Engine::Tsm, V1);
    let reply = write(&influx, V1, "w f=2 5\nbroken line here\nw f= 3");
    check_answer(&reply, include_str!("../recorded/http/write_v1_parse.http"));
    let reply = write(&influx, V1, "w,t=a f=1i 1640995200000000000");
    check_answer(&reply, include_str!("../recorded/http/write_v1_conflict.http"));
    let reply = write(&influx, V1, "w u=1u 1\nw f=1u,g=2 2\nw f=2 5\n");
    check_answer(&reply, include_str!("../recorded/http/write_v1_unsigned.http"));
    let conflict = "w u=1u 1\nw f=2 5\nw,t=a f=1i 1640995200000000000";
    let reply = write(&influx, V1, conflict);
    let recorded = include_str!("../recorded/http/write_v1_conflict_hides_unparsable.http");
    check_answer(&reply, recorded);
    let reply = write(&influx, "/write?db=nosuch", "m f=1 1\n");
    check_answer(&reply, include_str!("../recorded/http/write_v1_nodb.http"));
    influx.points("b").assert_same(&Points::parse("w,t=a f=1 1640995200000000000\nw f=2 5\n"));
}

#[test]
fn a_wrong_token_is_refused_as_recorded() {
    let influx = FakeInflux::with(Settings { token: Some("t".into()), ..Settings::default() });
    for (target, recorded) in [
        (V2, include_str!("../recorded/http/write_v2_auth.http")),
        (V1, include_str!("../recorded/http/write_v1_auth.http")),
    ] {
        check_answer(&write(&influx, target, "m f=1 1"), recorded);
    }
    assert_eq!(write(&influx, V3, "m f=1 1").status, 401);
    let headers = [("authorization", "Token t")];
    let reply = client::request(&influx.url(), "POST", V3, &headers, b"m f=1 1");
    assert_eq!(reply.status, 204);
}

#[test]
fn version_3_refuses_large_bodies_as_recorded() {
    let influx = FakeInflux::start();
    let length = 10 * 1024 * 1024 + 1;
    let mut client = Client::connect(&influx.url());
    let head = format!(
        "POST {V3} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
    );
    client.send(head.as_bytes()).unwrap();
    let goes_on = client.receive().unwrap();
    client.send(&vec![b'x'; length]).unwrap();
    let mut refused = client.receive().unwrap();
    refused.head.insert_str(0, &goes_on.head);
    check_answer(&refused, include_str!("../recorded/http/write_v3_too_large.http"));
}

#[test]
fn bodies_are_measured_before_and_after_decompression() {
    let influx = FakeInflux::with(Settings { request_bytes_max: 1000, ..Settings::default() });
    influx.create("b");
    let lines = (0..200).map(|time| format!("m f=1 {time}\n")).collect::<String>();
    let compressed = compressed(&lines);
    assert!(compressed.len() < 1000);
    let headers = [("content-encoding", "gzip")];
    for target in [V3, V2, V1] {
        let reply = client::request(&influx.url(), "POST", target, &headers, &compressed);
        assert_eq!(reply.status, 413, "{target}");
    }
    let reply = write(&influx, V1, &lines);
    check_answer(&reply, include_str!("../recorded/http/write_v1_too_large.http"));
}

#[test]
fn bodies_may_be_compressed_and_chunked() {
    let influx = FakeInflux::start();
    let compressed = compressed("m f=1 1\n");
    let mut client = Client::connect(&influx.url());
    let headers = [("Content-Encoding", "gzip")];
    assert_eq!(client.exchange("POST", V3, &headers, &compressed).unwrap().status, 204);
    let chunked = format!(
        "POST {V3} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n\
         4\r\nm f=\r\n4;x=y\r\n2 2\n\r\n0\r\n\r\n"
    );
    client.send(chunked.as_bytes()).unwrap();
    assert_eq!(client.receive().unwrap().status, 204);
    assert_eq!(influx.written("b"), ["m f=1 1\n", "m f=2 2\n"]);
    assert_eq!(influx.exchanges()[0].text(), "m f=1 1\n");
}

#[test]
fn points_are_merged_and_lines_are_kept_as_they_came() {
    let influx = FakeInflux::start();
    write(&influx, V3, "m,t=a f=1 1\nm,t=a s=\"two\nlines\" 1\n");
    write(&influx, V3, "m,t=a f=1 1\n");
    influx.points("b").assert_same(&Points::parse("m,t=a f=1,s=\"two\nlines\" 1"));
    assert_eq!(influx.lines("b"), ["m,t=a f=1 1", "m,t=a s=\"two\nlines\" 1", "m,t=a f=1 1"]);
    let sorted = ["m,t=a f=1 1", "m,t=a f=1 1", "m,t=a s=\"two\nlines\" 1"];
    assert_eq!(influx.sorted_lines("b"), sorted);
    assert_eq!((influx.points("b").count(), influx.points("b").rows()), (1, 2));
}

#[test]
fn floats_are_compared_by_their_bits() {
    let (minus, plus) = (Points::parse("m f=-0.0 1"), Points::parse("m f=0.0 1"));
    assert_eq!(minus.difference(&plus), ["-m f=-0 1", "+m f=0 1"]);
    assert_eq!(minus.difference(&minus), Vec::<String>::new());
    assert_ne!(Points::parse("m f=1 1"), Points::parse("m f=1i 1"));
}

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
