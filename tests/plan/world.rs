//! A host without a network: it does each step at once, in memory, and breaks the one it is told.

use crate::asked::{Asked, IsKept};
use crate::tsm::Tsm;
use serde_json::json;
use tsm2iox_guest::error::Endpoint;
use tsm2iox_guest::plan::{Answer, Note, Outcome, Purpose, Step};
use tsm2iox_guest::protocol::{Access, Cause, Failure, Request, Response};
use tsm2iox_guest::time::Timestamp;

/// What happens to one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not arrive.
    Lost,
    /// It has its effect, and the answer does not arrive.
    Unanswered,
    /// The answer breaks off in its body.
    Cut,
    /// It is answered with this status and has no effect.
    Status(u16),
    /// The process ends before it is sent, as by `kill -9`.
    KilledBefore,
    /// The process ends once it had its effect.
    KilledAfter,
}

/// The process is no more.
#[derive(Debug)]
pub(crate) struct Killed;

/// Both sides, the checkpoint, and the clock.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// The source, if it is read by InfluxQL.
    pub(crate) tsm: Option<Tsm>,
    /// The answers to requests whose path begins so: status and body.
    pub(crate) scripted: Vec<(&'static str, u16, String)>,
    /// How many of them there were.
    pub(crate) scripted_requests: usize,
    /// Of all requests, where they went, on which path, and what they needed.
    pub(crate) accesses: Vec<(Endpoint, &'static str, String, Access)>,
    /// The times of the source's points, in seconds; each has one float.
    pub(crate) seconds: Vec<i64>,
    /// What was written, body by body. As a file: one text.
    pub(crate) destination: Vec<String>,
    pub(crate) destination_is_file: bool,
    pub(crate) checkpoint: String,
    /// The file of refused points.
    pub(crate) rejected: String,
    /// The destination refuses lines that hold this.
    pub(crate) refuses: Option<&'static str>,
    /// The checkpoint takes no records.
    pub(crate) refuses_records: bool,
    /// The source answers so to queries that hold this.
    pub(crate) fails: Option<(&'static str, u16)>,
    /// The source leaves out the last row of the answers to these queries, and says nothing.
    pub(crate) loses: Option<fn(&str) -> bool>,
    /// Points before this second cannot be said in line protocol.
    pub(crate) spoils: Option<i64>,
    pub(crate) notes: Vec<Note>,
    /// The queries' texts.
    pub(crate) queries: Vec<String>,
    pub(crate) fault: Option<(usize, Fault)>,
    pub(crate) struck: bool,
    pub(crate) exchanges: usize,
    pub(crate) now: i64,
    /// What was said to plans and by them, plan by plan as they ended, if somebody wants to read it.
    pub(crate) dialogues: Option<Vec<String>>,
}

impl World {
    /// Opens a plan and does what it says, one step after the other.
    pub(crate) fn run(&mut self, purpose: Purpose, settings: &str) -> Result<Outcome, Killed> {
        let is_kept = if self.dialogues.is_some() { IsKept::Yes } else { IsKept::No };
        let mut plan = Asked::open(purpose, settings, is_kept);
        let mut bodies = std::collections::HashMap::new();
        let mut sent = std::collections::HashMap::new();
        loop {
            self.now += 1_000;
            match plan.next(Timestamp(self.now)) {
                Step::Send(request) => {
                    let answer = self.exchange(&request)?;
                    let id = request.id;
                    sent.insert(id, request.body);
                    match answer {
                        Ok((response, body)) => {
                            if response.status == 204 {
                                sent.remove(&id);
                            }
                            bodies.insert(id, body);
                            plan.answer(id, Answer::Response(response));
                        }
                        Err(failure) => plan.answer(id, Answer::Failed(failure)),
                    }
                }
                Step::Recall(id) => {
                    let body = sent.remove(&id).expect("it was sent, and not given back");
                    plan.answer(id, Answer::Body(body));
                }
                Step::Read(id) => {
                    let body = bodies.get_mut(&id).expect("only a response has a body");
                    plan.answer(id, body.pop().unwrap_or(Answer::End));
                }
                Step::Batch(batch) => {
                    let outcome = self.run(Purpose::Batch, &batch.order)?;
                    plan.answer(batch.id, Answer::Outcome(outcome));
                }
                Step::Note(note) => self.notes.push(note),
                // A host that does one thing after the other has nobody to tell it to.
                Step::Report(_) => {}
                Step::Wait(until) => self.now = self.now.max(until.0),
                Step::Done(outcome) => {
                    if let (Some(dialogues), Some(text)) = (&mut self.dialogues, plan.into_text()) {
                        dialogues.push(text);
                    }
                    return Ok(outcome);
                }
            }
        }
    }

    /// The lines that arrived, each once, in order.
    pub(crate) fn arrived(&self) -> Vec<String> {
        let text = self.destination.concat();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines.dedup();
        lines
    }

    /// The lines that should arrive of the seconds in this range.
    pub(crate) fn expected(&self, seconds: std::ops::Range<i64>) -> Vec<String> {
        if let Some(tsm) = &self.tsm {
            return tsm.lines(seconds);
        }
        let mut lines: Vec<_> = self
            .seconds
            .iter()
            .filter(|second| seconds.contains(second))
            .map(|second| format!("m,tag=a f={second} {}", second * 1_000_000_000))
            .collect();
        lines.sort();
        lines
    }

    fn exchange(
        &mut self,
        request: &Request,
    ) -> Result<Result<(Response, Vec<Answer>), Failure>, Killed> {
        self.exchanges += 1;
        let fault = self.fault.filter(|(nth, _)| *nth == self.exchanges).map(|(_, fault)| fault);
        self.struck |= fault.is_some();
        let failure = |cause| Ok(Err(Failure { cause, message: "as told".to_owned() }));
        match fault {
            Some(Fault::Lost) => return failure(Cause::Unreachable),
            Some(Fault::KilledBefore) => return Err(Killed),
            Some(Fault::Status(status)) => return Ok(Ok(answer(status, b"no"))),
            Some(Fault::Unanswered | Fault::Cut | Fault::KilledAfter) | None => {}
        }
        let (response, mut body) = self.serve(request);
        match fault {
            Some(Fault::Unanswered) => failure(Cause::Broken),
            Some(Fault::KilledAfter) => Err(Killed),
            Some(Fault::Cut) => {
                // The last piece is the first of this list.
                let lost = Failure { cause: Cause::Broken, message: "as told".to_owned() };
                if let Some(last) = body.first_mut() {
                    *last = Answer::Failed(lost);
                }
                Ok(Ok((response, body)))
            }
            _ => Ok(Ok((response, body))),
        }
    }

    fn scripted_answer(&self, path: &str) -> Option<(&'static str, u16, String)> {
        self.scripted.iter().find(|(begin, ..)| path.starts_with(begin)).cloned()
    }

    /// What a request has done, and its answer.
    pub(crate) fn serve(&mut self, request: &Request) -> (Response, Vec<Answer>) {
        let path = request.path.clone();
        self.accesses.push((request.endpoint, request.method, path, request.access));
        if let Some((_, status, body)) = self.scripted_answer(&request.path) {
            self.scripted_requests += 1;
            return answer(status, body.as_bytes());
        }
        match (request.endpoint, request.method) {
            (Endpoint::Source, "GET") => answer(404, b"not found"),
            (Endpoint::Source, _) if request.path.starts_with("/query") => {
                self.queries.push(request.body.clone());
                let shards = request.body == "q=SHOW%20SHARDS";
                match &self.tsm {
                    // As for a user who is no administrator.
                    Some(tsm) if shards && !tsm.shows_shards => answer(403, b"no"),
                    Some(tsm) => answer(200, &tsm.answer(&request.body, self.loses)),
                    None => answer(404, b"not found"),
                }
            }
            (Endpoint::Source, _) => {
                let text = self.csv(&request.body);
                match self.fails.filter(|(text, _)| request.body.contains(text)) {
                    Some((_, status)) => answer(status, b"no"),
                    None => answer(200, text.as_bytes()),
                }
            }
            // As InfluxDB 3 Core, where nothing was written.
            (Endpoint::Destination, "POST") if request.path == "/api/v3/query_sql" => {
                answer(404, br#"{"error":"query error: database not found: dst"}"#)
            }
            (Endpoint::Destination, "HEAD") => {
                let length: usize = self.destination.iter().map(String::len).sum();
                with_length(length)
            }
            (Endpoint::Destination, _) if self.destination_is_file => {
                let mut text = self.destination.concat();
                let offset = request.headers.iter().find(|(name, _)| name == "upload-offset");
                let offset = offset.expect("a file is written at an offset").1.parse();
                text.truncate(offset.expect("an offset is a number"));
                text += &request.body;
                self.destination = vec![text.clone()];
                with_length(text.len())
            }
            (Endpoint::Destination, _) if self.refuses.is_some() => {
                let refuses = self.refuses.unwrap_or_default();
                let (bad, good): (Vec<_>, Vec<_>) =
                    request.body.lines().enumerate().partition(|(_, line)| line.contains(refuses));
                self.destination.push(good.iter().map(|(_, line)| format!("{line}\n")).collect());
                if bad.is_empty() {
                    return answer(204, b"");
                }
                let listed = |(place, _): (usize, &str)| json!({ "error_message": "it is refused", "line_number": place + 1 });
                let list: Vec<_> = bad.into_iter().map(listed).collect();
                let error = "partial write of line protocol occurred";
                answer(400, json!({ "error": error, "data": list }).to_string().as_bytes())
            }
            (Endpoint::Destination, _) => {
                self.destination.push(request.body.clone());
                answer(204, b"")
            }
            (Endpoint::Checkpoint, "GET") if self.checkpoint.is_empty() => answer(404, b""),
            (Endpoint::Checkpoint, "GET") => answer(200, self.checkpoint.as_bytes()),
            (Endpoint::Checkpoint, _) if self.refuses_records => answer(403, b"no"),
            (Endpoint::Checkpoint, _) => {
                self.checkpoint += &request.body;
                answer(204, b"")
            }
            (Endpoint::Rejected, _) => {
                self.rejected += &request.body;
                answer(204, b"")
            }
        }
    }

    /// The points in the range of a Flux query, as annotated CSV.
    fn csv(&mut self, body: &str) -> String {
        let json: serde_json::Value = serde_json::from_str(body).expect("a query is JSON");
        let query = json["query"].as_str().expect("a query has a text");
        self.queries.push(query.to_owned());
        let time = |name: &str| {
            let text = query.split(name).nth(1).expect("a query has a range");
            let text = text.split([',', ')']).next().expect("a split has a first part");
            Timestamp::parse(text.trim()).expect("a range has times").0
        };
        if query.contains("min(column") {
            let first = self.seconds.iter().min().map(|second| Timestamp(second * 1_000_000_000));
            let row = |time| format!(",,0,{time}\r\n");
            return "#datatype,string,long,dateTime:RFC3339\r\n#default,_result,,\r\n,result,table,_time\r\n"
                .to_owned() + &first.map(row).unwrap_or_default() + "\r\n";
        }
        let range = time("start:")..time("stop:");
        let mut seconds: Vec<_> = self
            .seconds
            .iter()
            .filter(|second| range.contains(&(*second * 1_000_000_000)))
            .collect();
        if self.loses.is_some_and(|loses| loses(query)) {
            seconds.pop();
        }
        if query.contains("count()") {
            let row = format!(",,0,{}\r\n", seconds.len());
            return "#datatype,string,long,long\r\n#default,_result,,\r\n,result,table,_value\r\n"
                .to_owned()
                + if seconds.is_empty() { "" } else { &row }
                + "\r\n";
        }
        let mut text = "#datatype,string,long,dateTime:RFC3339,double,string,string,string\r\n\
                        #default,_result,,,,,,\r\n,result,table,_time,_value,_field,_measurement,tag\r\n"
            .to_owned();
        for second in seconds {
            let is_spoilt = self.spoils.is_some_and(|before| *second < before);
            let value = if is_spoilt { "NaN".to_owned() } else { second.to_string() };
            text += &format!(",,0,{},{value},f,m,a\r\n", Timestamp(second * 1_000_000_000));
        }
        text + "\r\n"
    }
}

fn answer(status: u16, body: &[u8]) -> (Response, Vec<Answer>) {
    // Two pieces, the last first.
    let (head, tail) = body.split_at(body.len() / 2);
    let pieces = [tail, head].into_iter().map(|piece| Answer::Bytes(piece.to_vec()));
    (Response { status, headers: Vec::new() }, pieces.collect())
}

fn with_length(length: usize) -> (Response, Vec<Answer>) {
    let headers = vec![("Upload-Offset".to_owned(), length.to_string())];
    (Response { status: 204, headers }, Vec::new())
}
