//! A host of a few lines: what a plan asks for goes over HTTP to the two sides, one after the other, and to
//! files in memory.

use std::collections::BTreeMap;

use support::client::Client;
use tsm2iox_guest::error::Endpoint;
use tsm2iox_guest::plan::{Answer, Outcome, Plan, Purpose, Step};
use tsm2iox_guest::protocol::{Cause, Failure, Request, Response};
use tsm2iox_guest::time::Timestamp;

/// So many steps are far more than any of these plans needs.
const STEPS_MAX: usize = 1_000_000;

/// Where both sides are.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) source: String,
    pub(crate) destination: String,
}

/// What the files hold; `None` if there is none.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) checkpoint: Option<String>,
    pub(crate) rejected: Option<String>,
}

/// Drives a plan to its end. Its clock stands at noon of 2022-02-01 and does not go on but for waits.
#[track_caller]
pub(crate) fn drive(purpose: Purpose, settings: &str, sides: &Sides, files: &mut Files) -> Outcome {
    let mut plan = Plan::open(purpose, settings).expect("the settings are fit");
    let mut now = Timestamp(1_643_716_800_000_000_000);
    let (mut bodies, mut sent, mut clients) = (BTreeMap::new(), BTreeMap::new(), Clients::new());
    for _ in 0..STEPS_MAX {
        match plan.next(now) {
            Step::Send(request) => {
                let (response, body) = answer(&request, sides, files, &mut clients);
                bodies.insert(request.id, body);
                sent.insert(request.id, request.body);
                plan.answer(request.id, response.map_or_else(broken, Answer::Response));
            }
            Step::Read(id) => {
                let Body { bytes, is_whole } = bodies.get_mut(&id).expect("it was sent");
                plan.answer(
                    id,
                    match (std::mem::take(bytes), *is_whole) {
                        (bytes, _) if !bytes.is_empty() => Answer::Bytes(bytes),
                        (_, true) => Answer::End,
                        (_, false) => broken(),
                    },
                );
            }
            Step::Note(_) | Step::Report(_) => {}
            // Nothing is under way: time passes.
            Step::Wait(until) => now = until.max(Timestamp(now.0 + 1)),
            Step::Recall(id) => {
                let body = sent.get(&id).expect("it was sent");
                plan.answer(id, Answer::Body(body.clone()));
            }
            Step::Batch(_) => panic!("a comparison does not do that"),
            Step::Done(outcome) => return outcome,
        }
    }
    panic!("it does not come to an end");
}

/// What came of a body.
struct Body {
    bytes: Vec<u8>,
    is_whole: bool,
}

/// `None` where not even a head came.
type Answered = (Option<Response>, Body);

fn broken() -> Answer {
    Answer::Failed(Failure { cause: Cause::Broken, message: "the connection broke off".to_owned() })
}

/// Connections that go on, by their URL: thousands of new ones would use up the ports of this machine.
type Clients = BTreeMap<String, Client>;

fn answer(request: &Request, sides: &Sides, files: &mut Files, clients: &mut Clients) -> Answered {
    let url = match request.endpoint {
        Endpoint::Source => &sides.source,
        Endpoint::Destination => &sides.destination,
        Endpoint::Checkpoint => return of_file(request, &mut files.checkpoint),
        Endpoint::Rejected => return of_file(request, &mut files.rejected),
    };
    over_http(request, url, clients)
}

fn over_http(sent: &Request, url: &str, clients: &mut Clients) -> Answered {
    let nothing = (None, Body { bytes: Vec::new(), is_whole: false });
    let headers: Vec<_> =
        sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let Some(mut client) = clients.remove(url).or_else(|| Client::reach(url).ok()) else {
        return nothing;
    };
    let asked = client.ask(sent.method, &sent.path, &headers, sent.body.as_bytes());
    let (reply, end) = match asked {
        Ok(()) => client.receive_part(),
        Err(_) => return nothing,
    };
    if reply.status == 0 {
        return nothing;
    }
    if end.is_ok() && reply.header("connection") != Some("close") {
        clients.insert(url.to_owned(), client);
    }
    let headers = reply.head.lines().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let response = Response { status: reply.status, headers };
    (Some(response), Body { bytes: reply.body, is_whole: end.is_ok() })
}

fn of_file(request: &Request, file: &mut Option<String>) -> Answered {
    let answered = |status, bytes| {
        (Some(Response { status, headers: Vec::new() }), Body { bytes, is_whole: true })
    };
    match request.method {
        "GET" => match file {
            Some(text) => answered(200, text.clone().into_bytes()),
            None => answered(404, Vec::new()),
        },
        _ => {
            file.get_or_insert_default().push_str(&request.body);
            answered(204, Vec::new())
        }
    }
}
