//! What a host owes to a plan (`wit/planner.wit`): each obligation is kept, by
//! servers, files, locks and the cage of the component. And what it owes to a person: an end when
//! a signal asks for one.

mod configurations;
mod conformance;
mod requests;
mod files;
mod inputs;
mod pending;
mod components;
mod conversions;
#[cfg(unix)]
mod signals;
mod tokens;
mod masks;
mod tls;
mod warnings;
mod server;
mod stub;

use std::mem;
use std::path::PathBuf;
use std::sync::LazyLock;

use bytes::Bytes;
use tokio::runtime::Runtime;
use tsm2iox::endpoint::Endpoint;
use tsm2iox_guest::error::Endpoint as Side;
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::{Access, Request};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new().expect("the machine has threads"));

/// A request without headers and body.
fn request(method: &'static str, path: &str) -> Request {
    Request {
        id: 1,
        endpoint: Side::Source,
        access: if method == "POST" { Access::Write } else { Access::Read },
        method,
        path: path.to_owned(),
        headers: Vec::new(),
        body: String::new(),
        timeout: 30,
    }
}

/// The same with a header.
fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    request.headers.push((name.to_owned(), value.to_owned()));
    request
}

/// A request and its body, as a host hands them on.
fn split(mut request: Request) -> (Request, Bytes) {
    let body = mem::take(&mut request.body).into();
    (request, body)
}

/// Sends a request and reads its response to the end: all answers, in their order.
#[track_caller]
fn answers(endpoint: &Endpoint, request: Request) -> Vec<Answer> {
    let (request, body) = split(request);
    let answered = endpoint.send(request, body).expect("nothing in it is forbidden");
    RUNTIME.block_on(async {
        let (answer, mut rest) = answered.await;
        let mut answers = vec![answer];
        while let Some(body) = rest {
            let (answer, left) = body.read().await;
            answers.push(answer);
            rest = left;
        }
        answers
    })
}

/// All bytes among answers.
fn bytes(answers: &[Answer]) -> Vec<u8> {
    let piece = |answer: &Answer| match answer {
        Answer::Bytes(bytes) => bytes.clone(),
        _ => Vec::new(),
    };
    answers.iter().flat_map(piece).collect()
}

/// A new empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // The one of the last run.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("the target folder can be written");
    path
}
