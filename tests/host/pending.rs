//! What a plan has in the hands of its host.

use std::time::Duration;

use tsm2iox::pending::Pending;
use tsm2iox_guest::plan::Answer;

use super::server::FakeServer;
use super::{RUNTIME, request, split};

/// As long as a server on this machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a request with this body, and returns the answer.
fn exchange(pending: &mut Pending, id: u64, server: &FakeServer, body: &str) -> Answer {
    let (mut request, _) = split(request("POST", "/"));
    request.id = id;
    let reply = pending.reply(id).expect("no step has this id");
    let body = body.to_owned().into();
    pending.keep(id, &body).expect("it is small");
    let answer = server.endpoint().send(request, body).expect("nothing in it is forbidden");
    RUNTIME.spawn(async move { reply.give(answer.await) });
    let (answered, answer) = pending.next_answer(PATIENCE).expect("the server answers");
    assert_eq!(answered, id);
    answer
}

#[test]
fn bodies_that_are_taken_push_out_none_that_is_being_read() {
    let source = FakeServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
    let destination = FakeServer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let mut pending = Pending::default();
    exchange(&mut pending, 1, &source, "");
    for id in 2..200 {
        exchange(&mut pending, id, &destination, "m f=1 1\n");
    }
    let body = pending.body(1).expect("it is being read");
    let (answer, _) = RUNTIME.block_on(body.read());
    assert_eq!(answer, Answer::Bytes(b"abc".to_vec()));
}

#[test]
fn a_body_is_given_back_once_unless_it_was_taken() {
    let refusing = FakeServer::answering("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let taking = FakeServer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let mut pending = Pending::default();
    exchange(&mut pending, 1, &refusing, "m f=1 1\n");
    exchange(&mut pending, 2, &taking, "m f=2 2\n");
    assert_eq!(pending.recall(1).expect("it was refused"), "m f=1 1\n");
    assert!(pending.recall(1).is_err());
    assert!(pending.recall(2).is_err());
}

#[test]
fn no_more_is_kept_than_a_plan_has_reason_to_send() {
    let mut pending = Pending::default();
    let body = vec![b'x'; 64 << 20].into();
    let kept = (0..9).map(|id| pending.keep(id, &body)).collect::<Result<Vec<_>, _>>();
    let error = kept.expect_err("nine of 64 MiB are too many").to_string();
    assert_eq!(error, "the component has more than 536870912 bytes with the destination at once");
}
