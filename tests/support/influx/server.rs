//! The order of things in a fake server: accept, read, strike or apply, answer.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use super::answer::{Face, Reply};
use super::exchange::Exchange;
use super::fault::{Fate, Fault, Gate, Moment, Plans};
use super::http::{Connection, Course, Head, Manner, Place, decompressed};
use super::query::{self, Ending};
use super::settings::{Settings, Version};
use super::shards::Neighbours;
use super::stop::Stop;
use super::store::Store;
use super::{access, broken, influxql, listings, sql, tasks, write};

/// The message of the error table, as recorded in `tests/recorded/error_midstream.csv`.
const QUERY_ERROR: &str = "runtime error @3:135-3:228: map: failed to evaluate map function: boom";

/// What all threads of a server share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) stop: Stop,
    state: Mutex<State>,
}

/// What changes with each request.
#[derive(Debug)]
pub(super) struct State {
    pub(super) store: Store,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) plans: Plans,
    pub(super) gates: Vec<Arc<Gate>>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        let shard_group = settings.shard_group.as_nanos();
        let shard_group = i64::try_from(shard_group).expect("a shard group is not that long");
        let neighbours = match settings.version {
            Version::V1_6 => Neighbours::Overlap,
            Version::V2 => Neighbours::Clip,
        };
        let state = State {
            store: Store::new(shard_group, neighbours),
            exchanges: Vec::new(),
            plans: Plans::default(),
            gates: Vec::new(),
        };
        Self { settings, stop: Stop::default(), state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has said so; the others, and the test, go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections, each into a thread of its own, until the sign to stop. Returns when all
/// of these threads have ended.
pub(super) fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections: Vec<(Weak<TcpStream>, JoinHandle<()>)> = Vec::new();
    for stream in listener.incoming() {
        if shared.stop.is_set() {
            break;
        }
        let Ok(stream) = stream else {
            continue;
        };
        // Each piece of an answer is to be on its way at once.
        drop(stream.set_nodelay(true));
        let stream = Arc::new(stream);
        // Weak, for a stream closes when its last owner lets go of it.
        let handle = Arc::downgrade(&stream);
        let shared = Arc::clone(shared);
        let thread = thread::spawn(move || drop(serve(stream, &shared)));
        connections.retain(|(_, thread)| !thread.is_finished());
        connections.push((handle, thread));
    }
    for (stream, _) in &connections {
        if let Some(stream) = stream.upgrade() {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
    for (_, thread) in connections {
        drop(thread.join());
    }
}

/// Serves one connection to its end.
fn serve(stream: Arc<TcpStream>, shared: &Shared) -> io::Result<()> {
    let mut connection = Connection::new(stream);
    while let Some(head) = connection.read_head()? {
        let (number, mut fate) = arrive(&head, shared);
        if fate.fault == Some(Fault::Refused) {
            return Ok(());
        }
        let sent = connection.read_body(&head)?;
        let exchange = keep_body(number, &head, &sent, shared);
        fate.call(Moment::Arrived, &exchange);
        if fate.fault == Some(Fault::Reset) {
            return connection.reset();
        }
        let reply = replied(&exchange, sent.len(), &fate, shared);
        fate.call(Moment::Applied, &exchange);
        match &fate.fault {
            Some(Fault::Unanswered) => return Ok(()),
            Some(Fault::AfterEffect(fault)) if **fault == Fault::Reset => {
                return connection.reset();
            }
            Some(Fault::Delayed(duration)) => shared.stop.wait(*duration),
            _ => {}
        }
        // Only now does the log say what was answered; what is sent after that can be read in it.
        shared.state().exchanges[number - 1].status = Some(reply.status);
        let reply = dressed(reply, &head, fate.fault.as_ref());
        let manner = Manner {
            piece_bytes: shared.settings.piece_bytes,
            course: course(fate.fault.as_ref()),
        };
        connection.send(&reply, &manner, &shared.stop)?;
        if !head.keeps_alive || fate.fault == Some(Fault::Incomplete) {
            return Ok(());
        }
    }
    Ok(())
}

/// Counts a request and looks up what is to happen to it.
fn arrive(head: &Head, shared: &Shared) -> (usize, Fate) {
    let mut state = shared.state();
    let number = state.exchanges.len() + 1;
    state.exchanges.push(Exchange {
        number,
        method: head.method.clone(),
        target: head.target.clone(),
        headers: head.headers.clone(),
        body: Vec::new(),
        status: None,
    });
    (number, state.plans.fate(&head.target))
}

/// Adds the body to the log. One that cannot be decompressed stays as it is.
fn keep_body(number: usize, head: &Head, sent: &[u8], shared: &Shared) -> Exchange {
    let body = if head.is_compressed() { decompressed(sent).ok() } else { None };
    let mut state = shared.state();
    let exchange = &mut state.exchanges[number - 1];
    exchange.body = body.unwrap_or_else(|| sent.to_vec());
    exchange.clone()
}

/// The answer to a request, with its effect if nothing forbids it.
fn replied(exchange: &Exchange, sent_bytes: usize, fate: &Fate, shared: &Shared) -> Reply {
    let face = access::face(exchange, &shared.settings);
    let refused = |fault| broken::refused(fault, exchange, face, &shared.settings);
    match fate.fault.as_ref() {
        Some(Fault::AfterEffect(fault)) => {
            let reply = applied(exchange, face, sent_bytes, None, shared);
            refused(fault).unwrap_or(reply)
        }
        Some(fault) if let Some(reply) = refused(fault) => reply,
        Some(fault) if let Some(reply) = broken::taken_in_part(fault, exchange, face) => {
            if let Some(part) = broken::part(fault, exchange) {
                applied(&part, face, part.body.len(), None, shared);
            }
            reply
        }
        fault => applied(exchange, face, sent_bytes, fault, shared),
    }
}

/// The effect of a request, and its answer.
fn applied(
    exchange: &Exchange,
    face: Face,
    sent_bytes: usize,
    fault: Option<&Fault>,
    shared: &Shared,
) -> Reply {
    let settings = &shared.settings;
    let has_path = access::has_path(exchange.path(), settings);
    // Version 1 does not ask who wants a path that it does not have.
    if !has_path && face == Face::V1 {
        return face.no_such_path();
    }
    if let Some(refusal) = access::refusal(exchange, face, settings) {
        return refusal;
    }
    if !has_path {
        return face.no_such_path();
    }
    let state = || shared.state();
    match (exchange.path(), exchange.method.as_str()) {
        (query::PATH, "POST") => {
            query::answer(exchange, &state().store, settings, flux_ending(fault))
        }
        (influxql::PATH, "GET" | "POST") => {
            influxql::answer(exchange, face, &state().store, settings, influxql_ending(fault))
        }
        (sql::PATH, "GET" | "POST") => sql::answer(exchange, &state().store, settings),
        (listings::BUCKETS, "GET") => listings::buckets(exchange, &state().store, settings),
        (listings::DBRPS, "GET") => listings::mappings(exchange, &state().store, settings),
        (tasks::PATH, "GET") => tasks::answer(exchange, settings),
        (write::V1 | write::V2 | write::V3, "POST") => {
            write::answer(exchange, face, sent_bytes, &mut state().store, settings)
        }
        _ => face.no_such_method(),
    }
}

fn flux_ending(fault: Option<&Fault>) -> Ending {
    match fault {
        Some(Fault::ErrorTable) => Ending::Failed(QUERY_ERROR),
        Some(Fault::RowLost) => Ending::WithoutLastRow,
        _ => Ending::Whole,
    }
}

fn influxql_ending(fault: Option<&Fault>) -> influxql::Ending {
    match fault {
        Some(Fault::StatementError(number)) => influxql::Ending::Failed(*number),
        Some(Fault::RowLimit(rows_max)) => influxql::Ending::Limited(*rows_max),
        Some(Fault::TruncatedBetweenMaps) => influxql::Ending::HalfOfTheMaps,
        Some(Fault::RowLost) => influxql::Ending::WithoutLastRow,
        _ => influxql::Ending::Whole,
    }
}

/// An answer as it goes over the wire: cut in its text, compressed, framed.
fn dressed(reply: Reply, head: &Head, fault: Option<&Fault>) -> Reply {
    let mut reply = broken::shortened(reply, fault);
    if head.header("accept-encoding").is_some_and(|codings| codings.contains("gzip")) {
        reply = reply.compressed();
    }
    if !head.keeps_alive {
        reply = reply.with_header("Connection", "close".to_owned());
    }
    broken::reframed(reply, fault)
}

fn course(fault: Option<&Fault>) -> Course {
    match fault {
        Some(Fault::CutLength | Fault::CutChunks) => Course::Close(Place::Half),
        Some(Fault::CutHead) => Course::Close(Place::Head),
        Some(Fault::CutAfter(_)) => Course::Close(Place::LastChunk),
        Some(Fault::Stalled(duration)) => Course::Silence(*duration),
        Some(Fault::Dripped(pause)) => Course::Drip(*pause),
        _ => Course::Smooth,
    }
}
