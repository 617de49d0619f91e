//! The world of a migration: a clock that jumps from one event to the next, both sides, the checkpoint,
//! and what goes wrong. All of it follows from a seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::ops::Range;

use fastrand::Rng;
use serde_json::json;
use tsm2iox_guest::error::Endpoint;
use tsm2iox_guest::plan::{Answer, Outcome, Plan, Purpose, Step};
use tsm2iox_guest::protocol::{Access, Cause, Failure, Request, Response};
use tsm2iox_guest::time::Timestamp;

use crate::source::{Answered, SECOND, Source, without_last_row};

/// How often something goes wrong, of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// An exchange: it or its answer does not arrive or breaks off, or the last row is left out of it.
    pub(crate) exchange: u32,
    /// The destination asks to wait.
    pub(crate) busy: u32,
    /// The process ends.
    pub(crate) crash: u32,
    /// Somebody sets the clock of the machine.
    pub(crate) jump: u32,
}

/// What the destination takes in a window; beyond that it answers 429.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerQuota {
    pub(crate) window: i64,
    /// When a window begins.
    pub(crate) phase: i64,
    pub(crate) bytes: u64,
    /// Of it, what others use in each window, from its beginning.
    pub(crate) others: u64,
}

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: i64,
    /// How far the clock of the machine is off.
    pub(crate) skew: i64,
    pub(crate) source: Source,
    /// The lines that arrived.
    pub(crate) destination: BTreeSet<String>,
    /// When how many bytes arrived, and how many were read by a query.
    pub(crate) written: Vec<(i64, u64)>,
    pub(crate) read: Vec<(i64, u64)>,
    pub(crate) quota: Option<ServerQuota>,
    /// A larger body is refused, with 413; and how often that was.
    pub(crate) body_bytes_max: usize,
    pub(crate) too_large: u32,
    /// When a write takes twenty seconds, as where the destination is busy with something else.
    pub(crate) slow: Range<i64>,
    /// When each body set out, when it was acknowledged, and its lines.
    pub(crate) bodies: Vec<(Range<i64>, String)>,
    /// What the API of the organization says it may read and write, in kilobytes a second.
    pub(crate) organization: Option<[u64; 2]>,
    pub(crate) checkpoint: String,
    /// What the destination refuses, and the file of it.
    pub(crate) refuses: Refuses,
    pub(crate) rejected: String,
    /// Whether the host tells what batches report, or leaves it out.
    pub(crate) tells_reports: bool,
    /// When each query was with the source.
    pub(crate) queries: Vec<Range<i64>>,
    pub(crate) faults: Faults,
    pub(crate) crashes: u32,
    /// What happens is told to whoever replays a seed.
    pub(crate) is_shown: bool,
    run: Run,
}

/// What is lost when the process ends.
#[derive(Default)]
struct Run {
    plans: HashMap<usize, Driven>,
    opened: usize,
    /// When an answer comes, in order; of one time, as they were asked for.
    due: BinaryHeap<Reverse<(i64, u64)>>,
    /// To which plan and step.
    answers: BTreeMap<u64, (usize, u64, Answer)>,
    asked: u64,
}

/// A plan, the batch it is of another one, and the bodies that it may read.
struct Driven {
    plan: Plan,
    parent: Option<(usize, u64)>,
    bodies: HashMap<u64, Vec<Answer>>,
    /// What it may ask for again.
    sent: HashMap<u64, String>,
    /// When it is to be asked again without an answer.
    wakes: i64,
}

/// Which lines a destination refuses, as they come from the source.
pub(crate) type Refuses = fn(&str) -> bool;

/// How a run ended.
pub(crate) enum Ended {
    Done(Outcome),
    Crashed,
}

/// Who sets a clock seldom sets it farther.
const JUMP_MAX: i64 = 2 * 86_400 * SECOND;

/// A run that takes more events has no end.
const EVENTS_MAX: u32 = 1_000_000;

impl World {
    pub(crate) fn new(rng: Rng, source: Source) -> Self {
        Self {
            rng,
            now: 1_700_000_000 * SECOND,
            skew: 0,
            source,
            destination: BTreeSet::new(),
            written: Vec::new(),
            read: Vec::new(),
            quota: None,
            body_bytes_max: usize::MAX,
            too_large: 0,
            slow: 0..0,
            bodies: Vec::new(),
            organization: None,
            checkpoint: String::new(),
            refuses: |_| false,
            rejected: String::new(),
            tells_reports: true,
            queries: Vec::new(),
            faults: Faults::default(),
            crashes: 0,
            is_shown: false,
            run: Run::default(),
        }
    }

    /// Runs a migration until it ends, well or not.
    pub(crate) fn run(&mut self, settings: &str) -> Ended {
        self.run = Run::default();
        let plan = Plan::open(Purpose::Migrate, settings).expect("the settings are fit");
        self.open(plan, None);
        for _ in 0..EVENTS_MAX {
            let plans: Vec<_> =
                self.run.plans.keys().copied().collect::<BTreeSet<_>>().into_iter().collect();
            for place in plans {
                if let Some(outcome) = self.drive(place) {
                    return Ended::Done(outcome);
                }
            }
            if self.rng.u32(0..1000) < self.faults.crash {
                self.crashes += 1;
                // A source ends the query of whom is gone.
                self.queries.iter_mut().for_each(|query| query.end = query.end.min(self.now));
                return Ended::Crashed;
            }
            if self.faults.jump > 0 && self.rng.u32(0..1000) < self.faults.jump {
                self.skew = self.rng.i64(-JUMP_MAX..JUMP_MAX);
            }
            self.pass();
        }
        panic!("it comes to no end");
    }

    fn show(&self, what: &str) {
        if self.is_shown {
            eprintln!("{} {what}", Timestamp(self.now));
        }
    }

    fn open(&mut self, plan: Plan, parent: Option<(usize, u64)>) {
        let (bodies, sent) = (HashMap::new(), HashMap::new());
        let driven = Driven { plan, parent, bodies, sent, wakes: 0 };
        self.run.plans.insert(self.run.opened, driven);
        self.run.opened += 1;
    }

    /// Time passes until something happens.
    fn pass(&mut self) {
        let wakes = self.run.plans.values().map(|driven| driven.wakes).min().unwrap_or(i64::MAX);
        let due = self.run.due.peek().map_or(i64::MAX, |Reverse((time, _))| *time);
        assert!(wakes.min(due) < i64::MAX, "nothing will ever happen");
        if wakes < due {
            self.now = self.now.max(wakes);
            return;
        }
        self.now = self.now.max(due);
        let Some(Reverse((_, order))) = self.run.due.pop() else { return };
        let (place, id, answer) = self.run.answers.remove(&order).expect("each is there once");
        if let Some(driven) = self.run.plans.get_mut(&place) {
            driven.plan.answer(id, answer);
            driven.wakes = self.now;
        }
    }

    fn answer_at(&mut self, time: i64, place: usize, id: u64, answer: Answer) {
        self.run.asked += 1;
        self.run.due.push(Reverse((time, self.run.asked)));
        self.run.answers.insert(self.run.asked, (place, id, answer));
    }

    /// Asks a plan until it waits; returns the outcome of the migration when that is done.
    fn drive(&mut self, place: usize) -> Option<Outcome> {
        loop {
            let driven = self.run.plans.get_mut(&place)?;
            if driven.wakes > self.now {
                return None;
            }
            match driven.plan.next(Timestamp(self.now + self.skew)) {
                Step::Send(request) => {
                    driven.sent.insert(request.id, request.body.clone());
                    self.send(place, &request);
                }
                Step::Recall(id) => {
                    let body = driven.sent.remove(&id).expect("it was sent, and not given back");
                    self.answer_at(self.now, place, id, Answer::Body(body));
                }
                Step::Read(id) => {
                    let body = driven.bodies.get_mut(&id).and_then(Vec::pop);
                    let takes = self.rng.i64(1_000..10_000_000);
                    self.answer_at(self.now + takes, place, id, body.unwrap_or(Answer::End));
                }
                Step::Batch(batch) => {
                    let plan = Plan::open(Purpose::Batch, &batch.order).expect("an order is fit");
                    self.open(plan, Some((place, batch.id)));
                    let opened = self.run.opened - 1;
                    self.drive(opened);
                }
                Step::Note(note) => self.show(&note.message),
                Step::Report(report) => {
                    if let (true, Some((parent, id))) = (self.tells_reports, driven.parent) {
                        self.answer_at(self.now, parent, id, Answer::Report(report));
                    }
                }
                Step::Wait(until) => {
                    driven.wakes = until.0.saturating_sub(self.skew);
                    return None;
                }
                Step::Done(outcome) => {
                    let parent = driven.parent;
                    self.run.plans.remove(&place);
                    let Some((parent, id)) = parent else { return Some(outcome) };
                    self.answer_at(self.now, parent, id, Answer::Outcome(outcome));
                    return None;
                }
            }
        }
    }

    /// Does what a request asks for, or lets it fail, and has it answered.
    fn send(&mut self, place: usize, request: &Request) {
        let id = request.id;
        let takes = self.rng.i64(1_000_000..2 * SECOND);
        let fault = (self.rng.u32(0..1000) < self.faults.exchange).then(|| self.rng.u8(0..4));
        let failed = |cause| Answer::Failed(Failure { cause, message: "as told".to_owned() });
        if fault == Some(0) {
            return self.answer_at(self.now + takes, place, id, failed(Cause::Unreachable));
        }
        let takes = match request.endpoint == Endpoint::Destination && self.slow.contains(&self.now)
        {
            true => 20 * SECOND,
            false => takes,
        };
        let (head, mut body, takes) = match request.endpoint {
            // It shows no points.
            Endpoint::Destination if (request.access, request.method) == (Access::Read, "POST") => {
                (status(404), vec![], takes)
            }
            Endpoint::Source | Endpoint::Destination if request.method == "GET" => {
                let (head, text) = self.api(&request.path);
                (head, vec![Answer::Bytes(text.into_bytes())], takes)
            }
            Endpoint::Source => {
                let before = self.source.asked.len();
                let Answered { body, takes } = self.source.answer(&request.body);
                // Whoever is cut off twice asks for less.
                if let Some(asked) = self.source.asked.get_mut(before) {
                    asked.in_vain |= fault.is_some();
                }
                self.queries.push(self.now..self.now + takes);
                let lost = |body: String| without_last_row(&body);
                let Some(body) = (if fault == Some(3) { body.map(lost) } else { body }) else {
                    return self.answer_at(self.now + takes, place, id, failed(Cause::TimedOut));
                };
                // Of an answer that never comes nobody can say what of it was sent.
                if fault != Some(1) {
                    self.read.push((self.now + takes, body.len() as u64));
                }
                (status(200), vec![Answer::Bytes(body.into_bytes())], takes)
            }
            Endpoint::Destination => {
                let (head, body) = self.write(&request.body, takes / 2);
                if head.status == 204 {
                    self.bodies.push((self.now..self.now + takes, request.body.clone()));
                }
                (head, vec![Answer::Bytes(body.into_bytes())], takes)
            }
            Endpoint::Checkpoint | Endpoint::Rejected if request.method == "GET" => {
                let text = self.checkpoint.clone().into_bytes();
                (status(200), vec![Answer::Bytes(text)], takes)
            }
            Endpoint::Checkpoint => {
                self.checkpoint += &request.body;
                (status(204), Vec::new(), takes)
            }
            Endpoint::Rejected => {
                self.rejected += &request.body;
                (status(204), Vec::new(), takes)
            }
        };
        body.retain(|piece| *piece != Answer::Bytes(Vec::new()));
        match fault {
            Some(1) => return self.answer_at(self.now + takes, place, id, failed(Cause::Broken)),
            Some(3) if request.endpoint == Endpoint::Source => {}
            Some(_) => body.insert(0, failed(Cause::Broken)),
            None => {}
        }
        if let Some(driven) = self.run.plans.get_mut(&place) {
            driven.bodies.insert(id, body);
            if head.status == 204 {
                driven.sent.remove(&id);
            }
        }
        self.answer_at(self.now + takes, place, id, Answer::Response(head));
    }

    /// The API of 2.x and Cloud, as far as it tells of an organization.
    fn api(&self, path: &str) -> (Response, String) {
        match self.organization {
            Some(_) if path == "/api/v2/orgs?org=o" => {
                (status(200), r#"{"orgs":[{"id":"0123","name":"o"}]}"#.to_owned())
            }
            Some([read, write]) if path == "/api/v2/orgs/0123/limits" => {
                (status(200), format!(r#"{{"rate":{{"readKBs":{read},"writeKBs":{write}}}}}"#))
            }
            _ => (status(404), r#"{"code":"not found","message":"path not found"}"#.to_owned()),
        }
    }

    /// Takes a body of lines, if the quota has room for it.
    fn write(&mut self, body: &str, takes: i64) -> (Response, String) {
        let nothing = |head| (head, String::new());
        let (at, bytes) = (self.now + takes, body.len() as u64);
        if body.len() > self.body_bytes_max {
            self.too_large += 1;
            return nothing(status(413));
        }
        if self.rng.u32(0..1000) < self.faults.busy {
            return nothing(match self.rng.u8(0..3) {
                0 => retry_after(429, "3".to_owned()),
                1 => status(503),
                _ => status(429),
            });
        }
        if let Some(ServerQuota { window, phase, bytes: most, others }) = self.quota {
            let since = (at - phase).rem_euclid(window);
            let start = at - since;
            let used: u64 = self.written.iter().filter(|(t, _)| *t >= start).map(|(_, b)| b).sum();
            if used + others + bytes > most {
                let seconds = (window - since) / SECOND + 1;
                return nothing(retry_after(429, seconds.to_string()));
            }
        }
        self.show(&format!("{bytes} bytes are written"));
        self.written.push((at, bytes));
        let mut listed = Vec::new();
        for (place, line) in body.lines().enumerate() {
            match (self.refuses)(line) {
                true => {
                    let message = "invalid column type for column 'f1', expected this, got that";
                    listed.push(json!({ "error_message": message, "line_number": place + 1 }));
                }
                false => _ = self.destination.insert(line.to_owned()),
            }
        }
        if listed.is_empty() {
            return nothing(status(204));
        }
        let error = "partial write of line protocol occurred";
        (status(400), json!({ "error": error, "data": listed }).to_string())
    }
}

fn status(status: u16) -> Response {
    Response { status, headers: Vec::new() }
}

fn retry_after(status: u16, seconds: String) -> Response {
    Response { status, headers: vec![("Retry-After".to_owned(), seconds)] }
}
