//! Requests to servers.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use reqwest::Url;
use tsm2iox::credentials::{Credentials, Token};
use tsm2iox::endpoint::Endpoint;
use tsm2iox::http::{Server, Way};
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::{Cause, Request};

use super::server::FakeServer;
use super::{answers, bytes, request, split, with_header};

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn token() -> Token {
    Token::new("secret==".to_owned()).expect("a header can carry it")
}

#[test]
fn credentials_are_added_and_shown_to_nobody() {
    let basic = Credentials::basic("ann", &token());
    // echo -n 'ann:secret==' | base64
    let cases = [
        (Credentials::None, None),
        (Credentials::Token(token()), Some("Token secret==")),
        (basic, Some("Basic YW5uOnNlY3JldD09")),
    ];
    for (credentials, authorization) in cases {
        let server = FakeServer::answering(NO_CONTENT);
        let endpoint = server.endpoint_at("", credentials);
        assert!(!format!("{endpoint:?}").contains("secret"), "{endpoint:?}");
        let answers = answers(&endpoint, request("GET", "/"));
        assert!(!format!("{answers:?}").contains("ecret"), "{answers:?}");
        assert_eq!(server.exchange().header("authorization"), authorization);
    }
}

#[test]
fn a_token_that_no_header_can_carry_is_refused() {
    for text in ["a\nb", "a\r\nhost: b", "ä"] {
        assert!(Token::new(text.to_owned()).is_err(), "{text:?}");
    }
}

#[test]
fn the_path_is_appended_and_never_resolved() {
    let cases = [
        ("", "", "GET / HTTP/1.1"),
        ("/influx/", "", "GET /influx HTTP/1.1"),
        ("/influx/", "/write?db=a%2Fb&q=..%2F", "GET /influx/write?db=a%2Fb&q=..%2F HTTP/1.1"),
        ("/influx", "//evil/x", "GET /influx//evil/x HTTP/1.1"),
        ("", "//evil/x", "GET //evil/x HTTP/1.1"),
        ("", "/@evil:80/x?a=/../b", "GET /@evil:80/x?a=/../b HTTP/1.1"),
    ];
    for (base, path, expected) in cases {
        let server = FakeServer::answering(NO_CONTENT);
        answers(&server.endpoint_at(base, Credentials::None), request("GET", path));
        let exchange = server.exchange();
        assert_eq!(exchange.head[0], expected);
        let host = server.url("").authority().to_owned();
        assert_eq!(exchange.header("host"), Some(host.as_str()));
    }
}

/// Nothing is sent, and the component is told to be at fault.
#[track_caller]
fn check_refused(request: Request, expected: &str) {
    let server = FakeServer::answering(NO_CONTENT);
    let (request, body) = split(request);
    let refused = server.endpoint().send(request, body).err();
    assert_eq!(refused.map(|error| error.to_string()).as_deref(), Some(expected));
    assert_eq!(server.exchanges().len(), 0);
}

#[test]
fn a_path_that_could_be_resolved_is_refused() {
    for path in ["x", "?a", "@evil/", ":80", "evil"] {
        check_refused(request("GET", path), "its path does not begin with `/`");
    }
    let resolved = ["/../x", "/a/..", "/./x", "/%2E%2e/x", "/a/.%2E?b", "/\\..\\x", "/a\\b"];
    let changed = ["/a b", "/a\nb", "/a\r\nhost: b", "/a#b", "/a#", "/ä", "/a\t", "/a?'b'", "/\0"];
    for path in resolved.into_iter().chain(changed) {
        check_refused(request("GET", path), "its path is not one that is sent as it is");
    }
}

#[test]
fn headers_of_the_host_and_line_ends_are_refused() {
    for name in ["authorization", "Authorization", "host", "Host", "content-length"] {
        let expected = format!("its header `{}` is the host's to set", name.to_lowercase());
        check_refused(with_header(request("GET", "/"), name, "a"), &expected);
    }
    for value in ["a\r\nauthorization: b", "a\nb", "a\rb", "a\0"] {
        let expected = "its header `accept` holds a line end or the like";
        check_refused(with_header(request("GET", "/"), "accept", value), expected);
    }
    for name in ["a\r\nhost", "a b", ""] {
        let expected = "one of its headers has no proper name";
        check_refused(with_header(request("GET", "/"), name, "a"), expected);
    }
}

#[test]
fn redirects_are_answers() {
    let target = FakeServer::answering(NO_CONTENT);
    let head = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\n", target.url("/x"));
    let server = FakeServer::answering(format!("{head}content-length: 0\r\n\r\n"));
    let answers = answers(&server.endpoint(), request("GET", "/"));
    let [Answer::Response(response), Answer::End] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert_eq!(
        (response.status, response.header("Location")),
        (307, Some(target.url("/x").as_str()))
    );
    assert_eq!((server.exchanges().len(), target.exchanges().len()), (1, 0));
}

#[test]
fn nothing_is_tried_twice() {
    let server = FakeServer::answering("");
    check_failed(&answers(&server.endpoint(), request("POST", "/")), Cause::Broken);
    assert_eq!(server.exchanges().len(), 1);
}

/// The last answer is a failure, which names the server and no more of the URL.
#[track_caller]
fn check_failed(answers: &[Answer], cause: Cause) -> String {
    match answers.last() {
        Some(Answer::Failed(failure)) => {
            assert_eq!(failure.cause, cause, "{failure:?}");
            assert!(failure.message.starts_with("http://127.0.0.1:"), "{failure:?}");
            assert!(!failure.message.contains("q="), "{failure:?}");
            failure.message.clone()
        }
        _ => panic!("{answers:?}"),
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a vector takes it");
    encoder.finish().expect("a vector takes it")
}

/// A response in chunks, with the last one.
fn chunked(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(7) {
        answer.extend(format!("{:x}\r\n", chunk.len()).bytes());
        answer.extend(chunk);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\n\r\n");
    answer
}

#[test]
fn a_body_that_is_cut_anywhere_is_broken() {
    let text = b"a,b,c\r\nd,e,f\r\n".repeat(9);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
    let measured = [head.as_bytes(), &text].concat();
    let plain = chunked("", &text);
    let coded = chunked("content-encoding: gzip\r\n", &gzipped(&text));
    for whole in [measured, plain, coded] {
        let server = FakeServer::answering(whole.as_slice());
        let answers = answers(&server.endpoint(), request("GET", "/?q=1"));
        assert_eq!(bytes(&answers), text);
        assert_eq!(answers.last(), Some(&Answer::End));

        let cut = FakeServer::answering(&whole[..whole.len() - 1]);
        check_failed(&super::answers(&cut.endpoint(), request("GET", "/?q=1")), Cause::Broken);
        let cut = FakeServer::answering(&whole[..whole.len() - 40]);
        check_failed(&super::answers(&cut.endpoint(), request("GET", "/?q=1")), Cause::Broken);
    }
    // Chunks that end well, of a gzip that does not.
    let coded = gzipped(&text);
    let cut = chunked("content-encoding: gzip\r\n", &coded[..coded.len() - 5]);
    check_failed(
        &answers(&FakeServer::answering(cut).endpoint(), request("GET", "/")),
        Cause::Broken,
    );
    let unasked = chunked("content-encoding: br\r\n", b"x");
    let server = FakeServer::answering(unasked);
    check_failed(&answers(&server.endpoint(), request("GET", "/")), Cause::Broken);
}

#[test]
fn pieces_are_large_but_not_too_large() {
    let text: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
    let server = FakeServer::answering([head.as_bytes(), &text].concat());
    let answers = answers(&server.endpoint(), request("GET", "/"));
    assert_eq!(bytes(&answers), text);
    let lengths: Vec<_> = answers[1..answers.len() - 1]
        .iter()
        .map(|answer| bytes(std::slice::from_ref(answer)).len())
        .collect();
    assert!(lengths.iter().all(|length| *length <= 1 << 20), "{lengths:?}");
    assert!(lengths[..lengths.len() - 1].iter().all(|length| *length >= 1 << 16), "{lengths:?}");
}

#[test]
fn bodies_are_compressed_where_that_is_worth_it() {
    let large = "cpu,host=a value=1i 1640995200000000000\n".repeat(100);
    let cases = [
        (&large, "text/plain; charset=utf-8", Some("gzip")),
        (&large, "application/json", None),
        (&large[..1000].to_owned(), "text/plain; charset=utf-8", None),
    ];
    for (body, content, coding) in cases {
        let server = FakeServer::answering(NO_CONTENT);
        let mut request = with_header(request("POST", "/"), "content-type", content);
        request.body.clone_from(body);
        answers(&server.endpoint_elsewhere(), request);
        let exchange = server.exchange();
        assert_eq!(exchange.header("content-encoding"), coding);
        assert_eq!(
            exchange.header("content-length"),
            Some(exchange.body.len().to_string().as_str())
        );
        let mut received = String::new();
        match coding {
            Some(_) => GzDecoder::new(exchange.body.as_slice()).read_to_string(&mut received),
            None => exchange.body.as_slice().read_to_string(&mut received),
        }
        .expect("it is text");
        assert_eq!(&received, body);
    }
}

#[test]
fn only_what_can_have_a_body_says_how_long_it_is() {
    for (method, length) in [("GET", None), ("HEAD", None), ("POST", Some("0"))] {
        let server = FakeServer::answering(NO_CONTENT);
        answers(&server.endpoint(), request(method, "/"));
        assert_eq!(server.exchange().header("content-length"), length, "{method}");
    }
}

#[test]
fn a_coding_that_the_plan_has_set_is_left_alone() {
    let server = FakeServer::answering(NO_CONTENT);
    let mut request = with_header(request("POST", "/"), "content-encoding", "identity");
    request.body = "x".repeat(5000);
    answers(&server.endpoint(), request);
    assert_eq!(server.exchange().header("content-encoding"), Some("identity"));
    assert_eq!(server.exchange().body.len(), 5000);
}

#[test]
fn nothing_is_compressed_between_a_server_on_this_machine_and_us() {
    let server = FakeServer::answering(NO_CONTENT);
    let mut large = request("POST", "/");
    large.body = "cpu value=1i 1640995200000000000\n".repeat(100);
    answers(&server.endpoint(), large);
    assert_eq!(server.exchange().header("content-encoding"), None);
    let server = FakeServer::answering(NO_CONTENT);
    answers(&server.endpoint(), request("GET", "/"));
    let exchange = server.exchange();
    assert_eq!(exchange.header("accept-encoding"), Some("identity"));
    let agent = format!("tsm2iox/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(exchange.header("user-agent"), Some(agent.as_str()));
}

#[test]
fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let endpoint = Endpoint::Server(Server::new(&url, Credentials::None, &Way::default()).unwrap());
    let message = check_failed(&answers(&endpoint, request("GET", "/?q=1")), Cause::Unreachable);
    assert!(message.ends_with(": connection refused"), "{message}");
}

#[test]
fn silence_is_timed_out() {
    // Accepted by the system, and never by anybody.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let endpoint = Endpoint::Server(Server::new(&url, Credentials::None, &Way::default()).unwrap());
    let request = Request { timeout: 1, ..request("GET", "/?q=1") };
    let message = check_failed(&answers(&endpoint, request), Cause::TimedOut);
    assert!(message.ends_with("no byte for 1 s"), "{message}");
}

#[test]
fn a_line_that_is_slow_is_no_silence() {
    // More than the system keeps of it, taken bit by bit for longer than anybody would be silent.
    let body = "cpu value=1i 1640995200000000000\n".repeat(2_000_000);
    let (bits, pause) = (12, Duration::from_millis(250));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let length = body.len();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bit = vec![0; length / bits];
        for _ in 0..bits {
            thread::sleep(pause);
            stream.read_exact(&mut bit).unwrap();
        }
        // What is left is the head of the request, and less than a bit.
        stream.set_read_timeout(Some(pause)).unwrap();
        let _ = stream.read_to_end(&mut bit);
        stream.write_all(NO_CONTENT.as_bytes()).unwrap();
    });
    let endpoint = Endpoint::Server(Server::new(&url, Credentials::None, &Way::default()).unwrap());
    let slow = Request { timeout: 2, body, ..request("POST", "/") };
    let answers = answers(&endpoint, slow);
    assert!(matches!(&answers[0], Answer::Response(head) if head.status == 204), "{answers:?}");
}
