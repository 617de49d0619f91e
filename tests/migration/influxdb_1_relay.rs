//! A relay between a host and a real server, which can stop in the middle of an answer.
//!
//! Counts what the server answers. Knows nothing of HTTP.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// A relay. It listens until the process ends.
#[derive(Debug)]
pub(crate) struct Relay {
    url: String,
    answers: Arc<Answers>,
}

/// What the server has answered, over all connections.
#[derive(Debug, Default)]
struct Answers {
    count: Mutex<Count>,
    /// Notified when the count is held, and when it is no longer.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Count {
    bytes: usize,
    /// No more than so many are passed on.
    bytes_max: Option<usize>,
}

impl Count {
    fn is_held(&self) -> bool {
        self.bytes_max.is_some_and(|bytes_max| self.bytes >= bytes_max)
    }
}

impl Relay {
    /// A relay to the server at a base URL such as `http://127.0.0.1:8086`.
    pub(crate) fn to(url: &str) -> Self {
        let server = url.strip_prefix("http://").expect("plain HTTP").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let answers = Arc::new(Answers::default());
        let relayed = Arc::clone(&answers);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // Where the server has ended, the connection ends as well.
                drop(connect(client, &server, &relayed));
            }
        });
        Self { url: format!("http://{address}"), answers }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes the server has answered.
    pub(crate) fn bytes(&self) -> usize {
        self.answers.lock().bytes
    }

    /// Passes on so many more bytes of answers, and none that follow.
    pub(crate) fn hold_after(&self, bytes: usize) {
        let mut count = self.answers.lock();
        count.bytes_max = Some(count.bytes + bytes);
    }

    /// Waits until answers are held.
    pub(crate) fn wait(&self) {
        let count = self.answers.lock();
        drop(self.answers.changed.wait_while(count, |count| !count.is_held()));
    }

    /// Passes on all that follows.
    pub(crate) fn release(&self) {
        self.answers.lock().bytes_max = None;
        self.answers.changed.notify_all();
    }
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().expect("nobody panics with the count in hand")
    }

    /// Waits until bytes may be passed on, and says how many of these.
    fn admit(&self, bytes: usize) -> usize {
        let count = self.lock();
        let mut count = self
            .changed
            .wait_while(count, |count| count.is_held())
            .expect("nobody panics with the count in hand");
        let left = count.bytes_max.map_or(bytes, |bytes_max| bytes_max - count.bytes);
        let admitted = bytes.min(left);
        count.bytes += admitted;
        self.changed.notify_all();
        admitted
    }
}

/// Connects a client with the server, each direction on a thread of its own.
fn connect(client: TcpStream, server: &str, answers: &Arc<Answers>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (requests, to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || pass(requests, to_server, |bytes| bytes));
    let answers = Arc::clone(answers);
    thread::spawn(move || pass(server, client, |bytes| answers.admit(bytes)));
    Ok(())
}

/// Passes on what comes, as far as it is admitted, until either side ends.
fn pass(mut from: TcpStream, mut to: TcpStream, admit: impl Fn(usize) -> usize) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut bytes = &buffer[..length];
        while !bytes.is_empty() {
            let (first, rest) = bytes.split_at(admit(bytes.len()));
            if to.write_all(first).is_err() {
                drop(from.shutdown(Shutdown::Both));
                return;
            }
            bytes = rest;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}
