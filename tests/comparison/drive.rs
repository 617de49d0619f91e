//! A host of a few lines: what a plan asks for goes over HTTP to the two sides, one after the other, and to
//! files in memory.

use support::client::request;
use tsm2iox_guest::error::Endpoint;
use tsm2iox_guest::plan::{Answer, Outcome, Plan, Purpose, Step};
use tsm2iox_guest::protocol::{Request, Response};
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
    let mut bodies = std::collections::BTreeMap::new();
    for _ in 0..STEPS_MAX {
        match plan.next(now) {
            Step::Send(request) => {
                let (response, body) = answer(&request, sides, files);
                bodies.insert(request.id, body);
                plan.answer(request.id, Answer::Response(response));
            }
            Step::Read(id) => {
                let body = bodies.get_mut(&id).expect("it was sent");
                match std::mem::take(body) {
                    body if body.is_empty() => plan.answer(id, Answer::End),
                    body => plan.answer(id, Answer::Bytes(body)),
                }
            }
            Step::Note(_) | Step::Report(_) => {}
            // Nothing is under way: time passes.
            Step::Wait(until) => now = until.max(Timestamp(now.0 + 1)),
            Step::Recall(_) | Step::Batch(_) => panic!("a comparison does not do that"),
            Step::Done(outcome) => return outcome,
        }
    }
    panic!("it does not come to an end");
}

fn answer(request: &Request, sides: &Sides, files: &mut Files) -> (Response, Vec<u8>) {
    let url = match request.endpoint {
        Endpoint::Source => &sides.source,
        Endpoint::Destination => &sides.destination,
        Endpoint::Checkpoint => return of_file(request, &mut files.checkpoint),
        Endpoint::Rejected => return of_file(request, &mut files.rejected),
    };
    over_http(request, url)
}

fn over_http(sent: &Request, url: &str) -> (Response, Vec<u8>) {
    let headers: Vec<_> =
        sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let reply = request(url, sent.method, &sent.path, &headers, sent.body.as_bytes());
    let headers = reply.head.lines().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (Response { status: reply.status, headers }, reply.body)
}

fn of_file(request: &Request, file: &mut Option<String>) -> (Response, Vec<u8>) {
    let response = |status| Response { status, headers: Vec::new() };
    match request.method {
        "GET" => match file {
            Some(text) => (response(200), text.clone().into_bytes()),
            None => (response(404), Vec::new()),
        },
        _ => {
            file.get_or_insert_default().push_str(&request.body);
            (response(204), Vec::new())
        }
    }
}
