//! Real servers, as Debian packages them, each with an empty folder of its own.
//!
//! They listen on 127.0.0.1 alone and end when they are dropped.

mod databases;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::{self, Reply};
use crate::missing;

pub use databases::Values;

/// A server on a busy machine is up within seconds.
const START_MAX: Duration = Duration::from_secs(60);
/// How long a server is left alone between two looks whether it listens.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A port that was free a moment ago may be taken; not so often, though.
const ATTEMPTS_MAX: usize = 3;

/// A server that runs as a process of its own.
#[derive(Debug)]
pub struct RealServer {
    process: Child,
    url: String,
    /// Its files. Removed after the process has ended.
    folder: TempDir,
}

impl RealServer {
    /// InfluxDB 1.6.7 (package `influxdb`): a TSM engine with `/write` and InfluxQL. It has no
    /// databases. `None`, and a line on standard error, where it is not installed.
    ///
    /// # Panics
    /// If it does not start, or in CI if it is not installed.
    #[must_use]
    pub fn influxdb_1() -> Option<Self> {
        Self::influxdb_1_with("")
    }

    /// The same, with more lines of configuration. They follow the table `[http]`, so that the
    /// first of them belong to it: `max-row-limit = 1\n[coordinator]\nmax-select-series = 1`.
    ///
    /// # Panics
    /// As `influxdb_1`.
    #[must_use]
    pub fn influxdb_1_with(more: &str) -> Option<Self> {
        let program = installed("influxdb", "/usr/bin/influxd")?;
        let folder = TempDir::new().expect("a folder can be made");
        let config = folder.path().join("influxdb.conf");
        let lines = influxdb_1_config(folder.path()) + more + "\n";
        fs::write(&config, lines).expect("a folder takes a file");
        let mut command = Command::new(program);
        command.arg("-config").arg(config);
        let (mut process, log) = spawn(command);
        // It chooses its port itself and says which, so that nobody can take it in between.
        let Some(address) = await_line(&log, "Listening on HTTP", "addr=") else {
            end(&mut process);
            panic!("influxd has not started within {START_MAX:?}");
        };
        Some(Self { process, url: format!("http://{address}"), folder })
    }

    /// `VictoriaMetrics` (package `victoria-metrics`): takes line protocol on `/write` and
    /// `/api/v2/write`, keeps numbers and milliseconds. `None`, and a line on standard error,
    /// where it is not installed.
    ///
    /// # Panics
    /// If it does not start, or in CI if it is not installed.
    #[must_use]
    pub fn victoria_metrics() -> Option<Self> {
        let program = installed("victoria-metrics", "/usr/bin/victoria-metrics")?;
        (0..ATTEMPTS_MAX)
            .find_map(|_| Self::victoria_metrics_on(program, free_port()))
            .or_else(|| panic!("victoria-metrics has not started in {ATTEMPTS_MAX} attempts"))
    }

    fn victoria_metrics_on(program: &str, address: SocketAddr) -> Option<Self> {
        let folder = TempDir::new().expect("a folder can be made");
        let mut command = Command::new(program);
        command.arg(format!("-httpListenAddr={address}"));
        command.arg(format!("-storageDataPath={}", folder.path().join("data").display()));
        // Otherwise points of a few months ago are dropped without a word.
        command.arg("-retentionPeriod=100y");
        let (mut process, log) = spawn(command);
        // It says that it starts to listen, not that it listens, and ends if it cannot.
        let listens = await_line(&log, "starting http server at", "http://").is_some()
            && await_port(&log, address);
        if !listens {
            end(&mut process);
            return None;
        }
        Some(Self { process, url: format!("http://{address}"), folder })
    }

    /// Prometheus (package `prometheus`), which scrapes `/metrics` of this URL each second. `None`, and
    /// a line on standard error, where it is not installed.
    ///
    /// # Panics
    /// If it does not start, or in CI if it is not installed.
    #[must_use]
    pub fn prometheus(target: &str) -> Option<Self> {
        let program = installed("prometheus", "/usr/bin/prometheus")?;
        let target = target.trim_start_matches("http://");
        (0..ATTEMPTS_MAX)
            .find_map(|_| Self::prometheus_on(program, free_port(), target))
            .or_else(|| panic!("prometheus has not started in {ATTEMPTS_MAX} attempts"))
    }

    fn prometheus_on(program: &str, address: SocketAddr, target: &str) -> Option<Self> {
        let folder = TempDir::new().expect("a folder can be made");
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, prometheus_config(target)).expect("a folder takes a file");
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        let (mut process, log) = spawn(command);
        // It ends if it cannot listen.
        if await_line(&log, "ready to receive web requests", "msg=").is_none() {
            end(&mut process);
            return None;
        }
        Some(Self { process, url: format!("http://{address}"), folder })
    }

    /// Its base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it, and returns the folder with its files: those of InfluxDB 1.x are in `data` and
    /// `wal`, with all that it has acknowledged.
    pub fn stop(&mut self) -> &Path {
        end(&mut self.process);
        self.folder.path()
    }

    /// Sends `GET`.
    ///
    /// # Panics
    /// If there is no whole answer.
    #[must_use]
    #[track_caller]
    pub fn get(&self, target: &str) -> Reply {
        client::request(&self.url, "GET", target, &[], &[])
    }

    /// Sends `POST`.
    ///
    /// # Panics
    /// If there is no whole answer.
    #[track_caller]
    pub fn post(&self, target: &str, body: &str) -> Reply {
        client::request(&self.url, "POST", target, &[], body.as_bytes())
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Only the process that was started here, by its handle.
fn end(process: &mut Child) {
    // It may have ended by itself. Nothing of its data is wanted, so it need not clear up.
    drop(process.kill());
    drop(process.wait());
}

fn influxdb_1_config(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[continuous_queries]
enabled = false
[http]
bind-address = "127.0.0.1:0"
log-enabled = false
"#
    )
}

fn prometheus_config(target: &str) -> String {
    format!(
        "scrape_configs:
  - job_name: target
    scrape_interval: 1s
    static_configs:
      - targets: ['{target}']
"
    )
}

/// The program, where a package puts it.
#[track_caller]
fn installed(package: &str, program: &'static str) -> Option<&'static str> {
    let found = Path::new(program).is_file();
    if !found {
        missing(&format!("{program} (package `{package}`)"));
    }
    found.then_some(program)
}

/// Starts a process, and hands on what it logs line by line.
fn spawn(mut command: Command) -> (Child, Receiver<String>) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("an installed program starts");
    let stderr = process.stderr.take().expect("it is piped");
    let (sender, receiver) = mpsc::channel();
    // Reads on to the end, heard or not: a server whose pipe is full stands still.
    let read = move |stderr: ChildStderr| {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            drop(sender.send(line));
        }
    };
    thread::spawn(move || read(stderr));
    (process, receiver)
}

/// Waits for a line with this text; returns the word in it that follows `before`. `None` if the
/// process ends, or time is up.
fn await_line(log: &Receiver<String>, text: &str, before: &str) -> Option<String> {
    let end = Instant::now() + START_MAX;
    loop {
        let line = log.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
        if line.contains(text) {
            let (_, rest) = line.split_once(before)?;
            return rest.split_whitespace().next().map(str::to_owned);
        }
    }
}

/// Waits until somebody listens there. `false` if the process ends, or time is up.
fn await_port(log: &Receiver<String>, address: SocketAddr) -> bool {
    let end = Instant::now() + START_MAX;
    while Instant::now() < end {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        // The log closes when the process ends.
        if log.recv_timeout(LOOK_AGAIN) == Err(RecvTimeoutError::Disconnected) {
            return false;
        }
    }
    false
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("a listener has an address")
}
