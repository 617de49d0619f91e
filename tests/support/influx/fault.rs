//! What goes wrong, and when: faults, callbacks and holds, each bound to a request by its number.
//!
//! Knows neither sockets nor points.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::exchange::Exchange;

/// What goes wrong with one exchange. Unless it says otherwise, the request has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed as soon as the head of the request has come.
    Refused,
    /// The request takes effect, and the connection is closed without an answer.
    Unanswered,
    /// The connection is reset once the request is there.
    Reset,
    /// The request takes effect; then goes wrong what this fault says, which has no effect by itself.
    AfterEffect(Box<Self>),
    /// 503, with `Retry-After` in seconds or without.
    Unavailable(Option<u64>),
    /// 429, with `Retry-After` in seconds or without.
    TooManyRequests(Option<u64>),
    /// 500.
    Internal,
    /// 401.
    Unauthorized,
    /// 413.
    TooLarge,
    /// A page of HTML with this status, as those send it who stand before a server.
    Html(u16),
    /// A write takes effect but for every other point, of which the server says that it refuses them,
    /// as its version does. All else answers 500.
    PartialWrite,
    /// A write answers 201, as older deployments of InfluxDB 3 do whatever they have taken. All else
    /// answers 500.
    Created(Share),
    /// The request takes effect. Half of the answer is sent under a `content-length` that
    /// promises all of it; then the connection is closed. An answer without a body is cut in
    /// its head.
    CutLength,
    /// The same in chunks, without the last one.
    CutChunks,
    /// The request takes effect. Half of the head of the answer is sent; then the connection is closed.
    CutHead,
    /// The request takes effect. About half of the answer is sent in chunks, up to here and without the
    /// last one; then the connection is closed. An answer without a body is cut in its head.
    CutAfter(Piece),
    /// The request takes effect. Half of the body is sent as if it were all: no fault of HTTP.
    Truncated,
    /// The same up to the end of a row, or of a map of `InfluxQL`.
    TruncatedAfterRow,
    /// The request takes effect. The head of the answer promises less than what comes, up to the end of
    /// a row; of an answer without a body, nothing, and something comes.
    Overlong,
    /// The request takes effect. The head of the answer promises more than what comes before the
    /// connection is closed.
    Incomplete,
    /// A query in Flux answers 200, its first table, and then the table that says that it failed.
    /// All else answers 500.
    ErrorTable,
    /// A query in InfluxQL answers 200; its nth statement, counted from 1, fails before the last
    /// part of what it finds, and those after it are not executed. All else answers 500.
    StatementError(usize),
    /// A query in InfluxQL is answered without chunks, and cut off at so many rows, as by
    /// `max-row-limit` of InfluxDB 1. All else answers 500.
    RowLimit(usize),
    /// Of the maps that answer a query in InfluxQL half are sent, as if they were all. All else
    /// answers 500.
    TruncatedBetweenMaps,
    /// A query is answered without the last of its rows of points, or of counts, as if that were all:
    /// no fault of HTTP, and none of its format. All else answers 500.
    RowLost,
    /// The request takes effect; the answer comes so much later.
    Delayed(Duration),
    /// The request takes effect; in the middle of the answer there is silence for so long.
    Stalled(Duration),
    /// The request takes effect; the answer comes in a few pieces, and before each there is silence for so
    /// long.
    Dripped(Duration),
}

/// How much of a write takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// No point.
    Nothing,
    /// Every other point, from the first.
    Half,
    /// All points.
    All,
}

/// What the body of an answer consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A line of annotated CSV, or a map of `InfluxQL`.
    Row,
    /// What ends with an empty line: tables of the same columns. Or a map.
    Block,
}

/// When a callback is called or a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has come, and nothing has happened yet.
    Arrived,
    /// It has taken effect, and is not answered yet.
    Applied,
}

/// Something that is to happen to the requests first to last on a path.
struct Planned<T> {
    path: String,
    first: usize,
    last: usize,
    seen: usize,
    what: T,
}

impl<T> Planned<T> {
    /// Counts a request, and says whether it is one of those that are meant.
    fn meets(&mut self, target: &str) -> bool {
        if !target.starts_with(&self.path) {
            return false;
        }
        self.seen += 1;
        self.first <= self.seen && self.seen <= self.last
    }
}

type Callback = Box<dyn FnOnce(&Exchange) + Send>;

/// All that is to happen.
#[derive(Default)]
pub(super) struct Plans {
    faults: Vec<Planned<Fault>>,
    callbacks: Vec<Planned<(Moment, Callback)>>,
    struck: usize,
}

/// What happens to one request.
#[derive(Default)]
pub(super) struct Fate {
    pub(super) fault: Option<Fault>,
    callbacks: Vec<(Moment, Callback)>,
}

impl Plans {
    pub(super) fn plan_fault(&mut self, path: &str, first: usize, last: usize, fault: Fault) {
        let path = path.to_owned();
        self.faults.push(Planned { path, first, last, seen: 0, what: fault });
    }

    pub(super) fn plan_callback(
        &mut self,
        moment: Moment,
        path: &str,
        nth: usize,
        callback: impl FnOnce(&Exchange) + Send + 'static,
    ) {
        let (path, what) = (path.to_owned(), (moment, Box::new(callback) as Callback));
        self.callbacks.push(Planned { path, first: nth, last: nth, seen: 0, what });
    }

    /// What happens to a request that has come. Of several faults the one planned first strikes.
    pub(super) fn fate(&mut self, target: &str) -> Fate {
        let mut fate = Fate::default();
        for plan in &mut self.faults {
            if plan.meets(target) && fate.fault.is_none() {
                fate.fault = Some(plan.what.clone());
            }
        }
        self.struck += usize::from(fate.fault.is_some());
        let due = self.callbacks.extract_if(.., |plan| plan.meets(target));
        fate.callbacks = due.map(|plan| plan.what).collect();
        fate
    }

    pub(super) fn struck(&self) -> usize {
        self.struck
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
        self.callbacks.clear();
    }
}

impl Fate {
    /// Calls what is to be called at this moment.
    pub(super) fn call(&mut self, moment: Moment, exchange: &Exchange) {
        for (_, callback) in self.callbacks.extract_if(.., |(other, _)| *other == moment) {
            callback(exchange);
        }
    }
}

/// A request that is held, or will be. Dropping it lets the request go on.
#[derive(Debug)]
pub struct Hold {
    gate: Arc<Gate>,
}

/// Where a held request stands and waits.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    arrived: bool,
    open: bool,
}

impl Hold {
    pub(super) fn new() -> (Self, Arc<Gate>) {
        let gate = Arc::new(Gate::default());
        (Self { gate: Arc::clone(&gate) }, gate)
    }

    /// Waits until the request is there.
    ///
    /// # Panics
    /// If it does not come within a minute.
    #[track_caller]
    pub fn wait(&self) {
        let state = self.gate.state.lock().expect(LOCK);
        let minute = Duration::from_secs(60);
        let waited = self.gate.changed.wait_timeout_while(state, minute, |state| !state.arrived);
        assert!(waited.expect(LOCK).0.arrived, "the request that was to be held did not come");
    }

    /// Whether the request is there.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.gate.state.lock().expect(LOCK).arrived
    }

    /// Lets the request go on.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.gate.open();
    }
}

impl Gate {
    /// Says that the request is there, and waits until the gate is open.
    pub(super) fn pass(&self) {
        let mut state = self.state.lock().expect(LOCK);
        state.arrived = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.open).expect(LOCK));
    }

    pub(super) fn open(&self) {
        self.state.lock().expect(LOCK).open = true;
        self.changed.notify_all();
    }
}

/// Why a lock can be taken.
const LOCK: &str = "nothing panics while it holds this lock";

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.iter().map(|plan| (&plan.path, plan.first, plan.last, &plan.what));
        f.debug_list().entries(faults).finish()
    }
}
