//! Credentials that a server says in its answer: nobody gets to see them.

use tsm2iox::credentials::{Credentials, Token};
use tsm2iox_guest::plan::Answer;

use super::server::{Exchange, FakeServer};
use super::{answers, bytes, request};

/// A server that says in header and body how it was asked.
fn echo(status: &'static str) -> FakeServer {
    FakeServer::answering_by(move |exchange: &Exchange| {
        let said = exchange.header("authorization").unwrap_or_default();
        let head = format!("HTTP/1.1 {status}\r\nlocation: /?{said}\r\n");
        format!("{head}content-length: {}\r\n\r\n{said}", said.len()).into()
    })
}

fn token(text: &str) -> Token {
    Token::new(text.to_owned()).expect("a header can carry it")
}

#[test]
fn an_answer_that_is_no_data_has_its_credentials_masked() {
    // echo -n 'ann:a pass phrase' | base64
    let password = Credentials::basic("ann", &token("a pass phrase"));
    let cases =
        [(Credentials::Token(token("Zm9yIG1hc2tz==")), "Token ****=="), (password, "Basic ****=")];
    for (credentials, expected) in cases {
        for status in ["401 Unauthorized", "307 Temporary Redirect", "500 Internal Server Error"] {
            let endpoint = echo(status).endpoint_at("", credentials.clone());
            let answers = answers(&endpoint, request("GET", "/"));
            assert_eq!(String::from_utf8(bytes(&answers)).unwrap(), expected);
            let Answer::Response(head) = &answers[0] else { panic!("{answers:?}") };
            assert_eq!(head.header("location"), Some(format!("/?{expected}").as_str()));
        }
    }
}

#[test]
fn what_json_has_to_escape_is_masked_as_it_stands_there() {
    let said = r#"{"message":"you sent qu\"ote\\back"}"#;
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-length";
    let answer = format!("{head}: {}\r\n\r\n{said}", said.len());
    let server = FakeServer::answering(answer);
    let endpoint = server.endpoint_at("", Credentials::Token(token(r#"qu"ote\back"#)));
    let masked = bytes(&answers(&endpoint, request("GET", "/")));
    assert_eq!(String::from_utf8(masked).unwrap(), r#"{"message":"you sent ****"}"#);
}

#[test]
fn data_stays_what_it_is() {
    let endpoint = echo("200 OK").endpoint_at("", Credentials::Token(token("Zm9yIGRhdGE")));
    let answers = answers(&endpoint, request("GET", "/"));
    assert_eq!(bytes(&answers), b"Token Zm9yIGRhdGE");
}

#[test]
fn what_is_short_is_in_many_words_and_stays() {
    let endpoint =
        echo("500 Internal Server Error").endpoint_at("", Credentials::Token(token("abc")));
    assert_eq!(bytes(&answers(&endpoint, request("GET", "/"))), b"Token abc");
}
