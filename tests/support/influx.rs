//! An InfluxDB that does as it is told: source, destination and bucket of checkpoints in one.
//!
//! It answers over HTTP on a port of its own, in Flux and in InfluxQL, holds points by bucket,
//! keeps every request and every accepted body, and breaks the exchanges that a test names. It
//! answers as the servers did that `tests/recorded` was taken from, to the byte; `tests/fake`
//! proves it.

mod access;
mod answer;
mod broken;
mod csv;
mod exchange;
mod fault;
mod flux;
mod http;
mod influxql;
mod iox;
mod listings;
mod msgpack;
mod points;
mod query;
mod schema;
mod server;
mod settings;
mod shards;
mod sql;
mod stop;
mod store;
mod table;
mod tamper;
mod tasks;
mod tsm;
mod write;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use influxdb_line_protocol::split_lines;

pub use exchange::Exchange;
pub use fault::{Fault, Hold, Moment, Piece, Share};
pub use points::{Fields, Point, Points, Series, Type, Value};
pub use settings::{
    ContinuousQuery, Databases, Engine, Mapping, Release, Settings, Sql, Task, Version,
};

use server::{Shared, accept};

/// A fake InfluxDB. It stops when it is dropped.
///
/// Where a function takes a `path`, it means all requests whose target begins with it: `""` for
/// all, `"/api/v2/query"` for queries, `"/api/v3/write_lp?db=b"` for writes to one database.
pub struct FakeInflux {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl FakeInflux {
    /// Starts a server that lets anyone in.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Settings::default())
    }

    /// Starts a server.
    ///
    /// # Panics
    /// If this machine has no port left.
    #[must_use]
    pub fn with(settings: Settings) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared::new(settings));
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { shared, address, acceptor: Some(acceptor) }
    }

    /// Its base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes an empty bucket, if there is none of this name.
    pub fn create(&self, bucket: &str) {
        self.shared.state().store.bucket_or_new(bucket);
    }

    /// Makes the shard groups that a bucket does not have yet so long. The bucket is made if there
    /// is none of this name.
    ///
    /// # Panics
    /// If it is more than an `i64` of nanoseconds.
    pub fn set_shard_group(&self, bucket: &str, length: Duration) {
        let length = i64::try_from(length.as_nanos()).expect("a shard group is not that long");
        self.shared.state().store.bucket_or_new(bucket).shards.length = length;
    }

    /// Lists this as the time after which the points of a bucket expire. None does. The bucket is
    /// made if there is none of this name.
    pub fn set_retention(&self, bucket: &str, retention: Duration) {
        self.shared.state().store.bucket_or_new(bucket).retention = retention.as_secs();
    }

    /// Puts points into a bucket, past HTTP and past the log of what was written.
    ///
    /// # Panics
    /// If a line is none, or a field has two types in one shard group: no TSM engine holds that.
    #[track_caller]
    pub fn load(&self, bucket: &str, lines: &str) {
        self.insert(bucket, &Points::parse(lines));
    }

    /// The same with points that are parsed already.
    ///
    /// # Panics
    /// As `load`.
    #[track_caller]
    pub fn insert(&self, bucket: &str, points: &Points) {
        let mut conflict = None;
        let mut state = self.shared.state();
        let bucket = state.store.bucket_or_new(bucket);
        for (series, times) in points.series() {
            for (time, fields) in times {
                let (series, fields) = (series.clone(), fields.clone());
                let point = Point { series, time: *time, fields };
                conflict = conflict.or(bucket.conflict(&point));
                bucket.insert(point);
            }
        }
        // Not under the lock: a panic there would take the server along.
        drop(state);
        assert!(conflict.is_none(), "no TSM engine holds these points: {conflict:?}");
    }

    /// All points of a bucket. None if there is no such bucket.
    #[must_use]
    pub fn points(&self, bucket: &str) -> Points {
        let state = self.shared.state();
        state.store.bucket(bucket).map(|bucket| bucket.points.clone()).unwrap_or_default()
    }

    /// The bodies that were accepted, in the order of their arrival. Of a body that was taken in
    /// part it is the lines that were taken.
    #[must_use]
    pub fn written(&self, bucket: &str) -> Vec<String> {
        let state = self.shared.state();
        state.store.bucket(bucket).map(|bucket| bucket.written.clone()).unwrap_or_default()
    }

    /// The lines of these bodies, in the order of their arrival, twice if written twice.
    #[must_use]
    pub fn lines(&self, bucket: &str) -> Vec<String> {
        let bodies = self.written(bucket);
        // A string may hold a line end, so that not every line end ends a line.
        let lines = bodies.iter().flat_map(|body| split_lines(body));
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The same, sorted.
    #[must_use]
    pub fn sorted_lines(&self, bucket: &str) -> Vec<String> {
        let mut lines = self.lines(bucket);
        lines.sort();
        lines
    }

    /// All requests so far, in the order of their arrival.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.state().exchanges.clone()
    }

    /// Those on a path.
    #[must_use]
    pub fn exchanges_on(&self, path: &str) -> Vec<Exchange> {
        let mut exchanges = self.exchanges();
        exchanges.retain(|exchange| exchange.target.starts_with(path));
        exchanges
    }

    /// Breaks the nth exchange, counted from 1 and from now.
    pub fn break_exchange(&self, nth: usize, fault: Fault) {
        self.break_request("", nth, fault);
    }

    /// Breaks the nth exchange on a path, counted from 1 and from now.
    pub fn break_request(&self, path: &str, nth: usize, fault: Fault) {
        self.shared.state().plans.plan_fault(path, nth, nth, fault);
    }

    /// Breaks the nth exchange on a path and all that follow, counted from 1 and from now.
    pub fn break_from(&self, path: &str, nth: usize, fault: Fault) {
        self.shared.state().plans.plan_fault(path, nth, usize::MAX, fault);
    }

    /// Whether a fault has struck.
    #[must_use]
    pub fn struck(&self) -> bool {
        self.strikes() > 0
    }

    /// So many faults have struck.
    #[must_use]
    pub fn strikes(&self) -> usize {
        self.shared.state().plans.struck()
    }

    /// Forgets faults and callbacks that are still to come.
    pub fn heal(&self) {
        self.shared.state().plans.clear();
    }

    /// Calls back when the nth request on a path is there, counted from 1 and from now. The
    /// request goes on when the callback returns.
    pub fn on_request(
        &self,
        moment: Moment,
        path: &str,
        nth: usize,
        callback: impl FnOnce(&Exchange) + Send + 'static,
    ) {
        self.shared.state().plans.plan_callback(moment, path, nth, callback);
    }

    /// Holds the nth request on a path, counted from 1 and from now, until it is released.
    #[must_use = "dropping it lets the request go on"]
    pub fn hold(&self, moment: Moment, path: &str, nth: usize) -> Hold {
        let (hold, gate) = Hold::new();
        self.shared.state().gates.push(Arc::clone(&gate));
        self.on_request(moment, path, nth, move |_| gate.pass());
        hold
    }
}

impl Drop for FakeInflux {
    fn drop(&mut self) {
        self.shared.stop.set();
        self.shared.state().gates.iter().for_each(|gate| gate.open());
        // Wakes the acceptor, which closes all other connections and waits for their threads.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

impl fmt::Debug for FakeInflux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeInflux").field("address", &self.address).finish_non_exhaustive()
    }
}
