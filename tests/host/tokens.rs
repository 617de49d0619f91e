//! Tokens: one for each right, and one that is rotated while a run goes on.

use std::fs;
use std::path::Path;

use tsm2iox::config::Config;
use tsm2iox::credentials::{Credentials, TokenFile};
use tsm2iox::report::Unfit;
use tsm2iox_guest::error::Endpoint as Side;
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::{Access, Request};

use super::server::{Exchange, FakeServer};
use super::{answers, folder, request};

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";

/// A server that lets in this token alone.
fn taking(token: &'static str) -> FakeServer {
    FakeServer::answering_by(move |exchange: &Exchange| {
        let is_known = exchange.header("authorization") == Some(&format!("Token {token}"));
        if is_known { NO_CONTENT.into() } else { UNAUTHORIZED.into() }
    })
}

#[track_caller]
fn status(answers: &[Answer]) -> u16 {
    match answers.first() {
        Some(Answer::Response(response)) => response.status,
        _ => panic!("{answers:?}"),
    }
}

#[test]
fn a_token_file_is_read_anew_after_a_401() {
    let path = folder("rotated").join("token");
    fs::write(&path, "first\n").unwrap();
    let server = taking("second");
    let file = TokenFile::open(path.clone()).unwrap();
    let endpoint = server.endpoint_at("", Credentials::TokenFile(file));
    let status = || status(&answers(&endpoint, request("GET", "/")));
    fs::write(&path, "second").unwrap();
    // Nobody looks at the file as long as its token is taken.
    assert_eq!((status(), status(), status()), (401, 204, 204));
}

#[test]
fn a_token_file_that_is_empty_for_a_moment_is_looked_at_again() {
    let path = folder("half_rotated").join("token");
    fs::write(&path, "third").unwrap();
    let server = taking("fourth");
    let file = TokenFile::open(path.clone()).unwrap();
    let endpoint = server.endpoint_at("", Credentials::TokenFile(file));
    let status = || status(&answers(&endpoint, request("GET", "/")));
    fs::write(&path, "").unwrap();
    assert_eq!((status(), status()), (401, 401));
    fs::write(&path, "fourth\n").unwrap();
    assert_eq!(status(), 204);
    let tokens = server
        .exchanges()
        .into_iter()
        .map(|exchange| exchange.header("authorization").map(str::to_owned).unwrap_or_default());
    assert_eq!(tokens.collect::<Vec<_>>(), ["Token third", "Token third", "Token fourth"]);
}

#[test]
fn a_403_changes_no_token() {
    let path = folder("forbidden").join("token");
    fs::write(&path, "first").unwrap();
    let server = FakeServer::answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let file = TokenFile::open(path.clone()).unwrap();
    let endpoint = server.endpoint_at("", Credentials::TokenFile(file));
    answers(&endpoint, request("GET", "/"));
    fs::write(&path, "second").unwrap();
    answers(&endpoint, request("GET", "/"));
    let [first, second] = server.exchanges().try_into().unwrap();
    assert_eq!(first.header("authorization"), Some("Token first"));
    assert_eq!(second.header("authorization"), Some("Token first"));
}

/// A configuration of one server with the keys of a login, in a folder with two tokens.
fn config(name: &str, side: Side, server: &FakeServer, keys: &str) -> Config {
    let folder = folder(name);
    fs::write(folder.join("write.token"), "writes").expect("the folder can be written");
    fs::write(folder.join("read.token"), "reads").expect("the folder can be written");
    let (side, url) = (side.name(), server.url(""));
    read(&folder, &format!("[{side}]\nurl = \"{url}\"\nbucket = \"b\"\n{keys}"))
}

fn read(folder: &Path, text: &str) -> Config {
    let path = folder.join("migration.toml");
    fs::write(&path, text).expect("the folder can be written");
    Config::read(&path).expect("it is TOML")
}

/// Which token a request of this access brings.
#[track_caller]
fn check_brought(config: &Config, side: Side, server: &FakeServer, access: Access, token: &str) {
    let endpoints = config.endpoints(&[side]).expect("it is fit");
    answers(&endpoints[&side], Request { access, ..request("POST", "/") });
    let exchanges = server.exchanges();
    let brought = exchanges.last().and_then(|exchange| exchange.header("authorization"));
    assert_eq!(brought, Some(format!("Token {token}").as_str()));
}

#[test]
fn a_side_may_have_a_token_for_each_right() {
    let server = FakeServer::answering(NO_CONTENT);
    let both = "token_file = \"write.token\"\nread_token_file = \"read.token\"\n";
    for side in [Side::Source, Side::Destination, Side::Checkpoint] {
        let config = config("two_tokens", side, &server, both);
        check_brought(&config, side, &server, Access::Read, "reads");
        check_brought(&config, side, &server, Access::Write, "writes");
        let config = self::config("one_token", side, &server, "token_file = \"write.token\"\n");
        check_brought(&config, side, &server, Access::Read, "writes");
        check_brought(&config, side, &server, Access::Write, "writes");
    }
}

#[test]
fn a_checkpoint_has_both_tokens_of_the_source_or_none() {
    let server = FakeServer::answering(NO_CONTENT);
    let both = "token_file = \"write.token\"\nread_token_file = \"read.token\"\n";
    let inherited = config(
        "inherited",
        Side::Source,
        &server,
        &format!("{both}[checkpoint]\nbucket = \"c\"\n"),
    );
    check_brought(&inherited, Side::Checkpoint, &server, Access::Read, "reads");
    check_brought(&inherited, Side::Checkpoint, &server, Access::Write, "writes");
    let own = format!("{both}[checkpoint]\nbucket = \"c\"\ntoken_file = \"write.token\"\n");
    let own = config("own", Side::Source, &server, &own);
    check_brought(&own, Side::Checkpoint, &server, Access::Read, "writes");
}

#[test]
fn a_token_for_reading_is_beside_another_one() {
    let server = FakeServer::answering(NO_CONTENT);
    let check = |keys: &str, message: &str| {
        let config = config("beside", Side::Source, &server, keys);
        let error = config.endpoints(&[Side::Source]).expect_err("it is unfit");
        assert_eq!(error.downcast::<Unfit>().expect("it is unfit").message, message);
    };
    let needed = "`source.read_token_file` needs `source.token_env` or `source.token_file`";
    check("read_token_file = \"read.token\"", needed);
    check(
        "token_file = \"write.token\"\nread_token_file = \"read.token\"\nread_token_env = \"A\"",
        "it is not clear with which token to read from the source",
    );
    check(
        "token_file = \"write.token\"\nread_token_env = \"TSM2IOX_NO_SUCH_VARIABLE\"",
        "environment variable `TSM2IOX_NO_SUCH_VARIABLE` is not set",
    );
    check(
        "token_file = \"write.token\"\nread_token_file = \"none\"",
        "the token file cannot be read: no such file or directory",
    );
}
