//! A stand-in for InfluxDB 3 Core, as a process of its own: it takes what is written as Core does,
//! keeps nothing, and says what it was.
//!
//! Bodies of at most 10 MiB, as sent and decompressed, and each acknowledged at the next whole second
//! of its clock, when Core flushes its log. Of line protocol it knows that a line ends with `\n`:
//! what it takes away from those that are measured is to be little.

use std::io::{self, BufReader, Read, Write};
use std::mem;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use super::digest::Digest;
use super::http::Head;

/// As Core 3.10.1 has it, of the body as it is sent and decompressed.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// What is acknowledged together.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Each has a thread; no client here opens so many.
const CONNECTIONS_MAX: usize = 1_000;
/// A body comes in few reads.
const BUFFER_BYTES: usize = 256 * 1024;

/// What has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// Those on which bodies came.
    pub(crate) connections: u64,
    /// Those that were taken.
    pub(crate) bodies: u64,
    /// What they were as they were sent.
    pub(crate) bytes_sent: u64,
    /// The most that waited for their acknowledgement at a time.
    pub(crate) bodies_at_once: u64,
    /// Acknowledgements at different times.
    pub(crate) flushes: u64,
    /// The CPU time of the stand-in.
    pub(crate) cpu: Duration,
    pub(crate) lines: Digest,
}

/// What all connections share.
struct Shared {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    /// Bodies that wait.
    waiting: u64,
    /// Which flush was the last with a body.
    flush: u128,
}

/// Serves until `input` ends. Its base URL is the first line of `out`.
///
/// # Errors
/// If it cannot listen, or `out` not be written.
pub(crate) fn serve(mut input: impl Read, out: &mut impl Write) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    writeln!(out, "http://{}", listener.local_addr()?)?;
    out.flush()?;
    let shared = Shared { began: Instant::now(), state: Mutex::default() };
    thread::spawn(move || accept(&listener, &Arc::new(shared)));
    io::copy(&mut input, &mut io::sink())?;
    Ok(())
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().map_while(Result::ok).take(CONNECTIONS_MAX) {
        let shared = Arc::clone(shared);
        // What breaks a connection, its other end sees.
        thread::spawn(move || drop(shared.converse(stream)));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers requests until there are no more.
    fn converse(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut out = stream.try_clone()?;
        let mut input = BufReader::with_capacity(BUFFER_BYTES, stream);
        let (mut body, mut lines) = (Vec::new(), Vec::new());
        let mut new_connections = 1;
        while let Some(head) = Head::read(&mut input)? {
            if head.expects_continue() {
                out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            head.read_body(&mut input, BODY_BYTES_MAX, &mut body)?;
            let path = head.target.split('?').next().unwrap_or_default();
            match (head.method.as_str(), path) {
                ("POST", "/api/v3/write_lp" | "/api/v2/write") => {
                    let lines = match head.header("content-encoding") {
                        Some("gzip") => {
                            lines.clear();
                            let decoder = GzDecoder::new(&body[..]);
                            decoder.take(BODY_BYTES_MAX as u64 + 1).read_to_end(&mut lines)?;
                            &lines
                        }
                        _ => &body,
                    };
                    if body.len().max(lines.len()) > BODY_BYTES_MAX {
                        out.write_all(&answer("413 Payload Too Large", ""))?;
                        // The rest of the body is not read.
                        return Ok(());
                    }
                    self.state().counts.connections += mem::take(&mut new_connections);
                    self.take(body.len() as u64, lines);
                    out.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
                }
                ("GET", "/ping") => out.write_all(&answer("200 OK", ""))?,
                ("GET", "/counts") => {
                    let counts = self.state().counts.to_json();
                    out.write_all(&answer("200 OK", &counts))?;
                }
                _ => out.write_all(&answer("404 Not Found", ""))?,
            }
        }
        Ok(())
    }

    /// Counts a body, and returns when it is acknowledged.
    fn take(&self, bytes_sent: u64, lines: &[u8]) {
        let mut digest = Digest::default();
        digest.push(lines);
        let since = self.began.elapsed();
        let flush = since.as_nanos() / FLUSH_INTERVAL.as_nanos() + 1;
        let mut state = self.state();
        state.waiting += 1;
        if flush > state.flush {
            state.counts.flushes += 1;
            state.flush = flush;
        }
        state.counts.bodies += 1;
        state.counts.bytes_sent += bytes_sent;
        state.counts.bodies_at_once = state.counts.bodies_at_once.max(state.waiting);
        state.counts.lines.add(digest);
        drop(state);
        let into = Duration::from_nanos_u128(since.as_nanos() % FLUSH_INTERVAL.as_nanos());
        thread::sleep(FLUSH_INTERVAL - into);
        self.state().waiting -= 1;
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Counts {
    fn to_json(self) -> String {
        // Without them, none were used.
        let usage = getrusage(UsageWho::RUSAGE_SELF);
        let cpu = usage.map(|usage| (usage.user_time() + usage.system_time()).num_microseconds());
        json!({
            "connections": self.connections,
            "bodies": self.bodies,
            "bytes_sent": self.bytes_sent,
            "bodies_at_once": self.bodies_at_once,
            "flushes": self.flushes,
            "cpu": cpu.unwrap_or_default(),
            "lines": self.lines.lines,
            "bytes": self.lines.bytes,
            "sum": self.lines.sum,
        })
        .to_string()
    }

    /// What `GET /counts` answers.
    pub(crate) fn of_json(text: &[u8]) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_slice(text)?;
        let number = |key: &str| {
            value[key].as_u64().ok_or_else(|| anyhow::anyhow!("the stand-in says no `{key}`"))
        };
        Ok(Self {
            connections: number("connections")?,
            bodies: number("bodies")?,
            bytes_sent: number("bytes_sent")?,
            bodies_at_once: number("bodies_at_once")?,
            flushes: number("flushes")?,
            cpu: Duration::from_micros(number("cpu")?),
            lines: Digest { lines: number("lines")?, bytes: number("bytes")?, sum: number("sum")? },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead, BufReader, Write};
    use std::thread;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use support::client::Client;

    use super::{BODY_BYTES_MAX, Counts, serve};
    use crate::migrate::digest::Digest;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn it_takes_what_core_takes_and_says_what_it_was() {
        let (input, end) = io::pipe().unwrap();
        let (output, mut out) = io::pipe().unwrap();
        let serving = thread::spawn(move || serve(input, &mut out));
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url).unwrap();
        let write = |headers: &[(&str, &str)], body: &[u8]| {
            let target = "/api/v3/write_lp?db=bench&precision=nanosecond";
            let mut client = Client::connect(url.trim_end());
            client.exchange("POST", target, headers, body).unwrap().status
        };
        let coded = [("content-encoding", "gzip")];
        let lines = "cpu,host=a load=1i 1\ncpu,host=b load=2i 2\n".as_bytes();
        let statuses: Vec<_> = thread::scope(|scope| {
            let plain = scope.spawn(|| write(&[], lines));
            let gzipped = scope.spawn(|| write(&coded, &gzip(lines)));
            [plain, gzipped].map(|status| status.join().unwrap()).to_vec()
        });
        assert_eq!(statuses, [204, 204]);
        // One that is small only on its way.
        assert_eq!(write(&coded, &gzip(&vec![b'\n'; BODY_BYTES_MAX + 1])), 413);

        let mut client = Client::connect(url.trim_end());
        let counts = client.exchange("GET", "/counts", &[], &[]).unwrap().body;
        let counts = Counts::of_json(&counts).unwrap();
        let mut expected = Digest::default();
        expected.push(lines);
        expected.push(lines);
        assert_eq!((counts.connections, counts.bodies, counts.lines), (2, 2, expected));
        assert_eq!(counts.bytes_sent, (lines.len() + gzip(lines).len()) as u64);
        drop(end);
        serving.join().unwrap().unwrap();
    }
}
