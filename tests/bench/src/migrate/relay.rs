//! A relay between a client and a server, which keeps what was asked, and when.
//!
//! Passes on every byte as it is. Knows HTTP, and that a connection has one exchange at a time.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::http::Head;

/// No question is larger.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
const BUFFER_BYTES: usize = 256 * 1024;

/// A relay. It listens until the process ends.
#[derive(Debug)]
pub(crate) struct Relay {
    url: String,
    log: Arc<Log>,
}

/// A request, and what came for it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Those that say what is sent and what is wanted.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) asked: Instant,
    /// When the first byte of the answer came.
    pub(crate) heard: Instant,
    /// When the last byte so far of the answer came.
    pub(crate) answered: Instant,
    pub(crate) bytes: u64,
}

impl Exchange {
    /// One that begins.
    pub(crate) fn new(asked: Instant) -> Self {
        Self {
            method: String::new(),
            target: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            asked,
            heard: asked,
            answered: asked,
            bytes: 0,
        }
    }
}

#[derive(Debug, Default)]
struct Log(Mutex<Vec<Exchange>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Relay {
    /// A relay to the server at a base URL such as `http://127.0.0.1:8086`.
    ///
    /// # Errors
    /// If it cannot listen.
    pub(crate) fn to(url: &str) -> io::Result<Self> {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let log = Arc::new(Log::default());
        let logged = Arc::clone(&log);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // Where one side ends, the other sees it.
                drop(connect(client, &server, &logged));
            }
        });
        Ok(Self { url, log })
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What was exchanged, in the order of requests.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.log.lock().clone()
    }
}

fn connect(client: TcpStream, server: &str, log: &Arc<Log>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    // Which of the exchanges is the last of this connection.
    let last = Arc::new(AtomicUsize::new(usize::MAX));
    let (answers, asker, its_last) = (server.try_clone()?, client.try_clone()?, Arc::clone(&last));
    let its_log = Arc::clone(log);
    thread::spawn(move || drop(pass_answers(answers, asker, &its_last, &its_log)));
    let log = Arc::clone(log);
    thread::spawn(move || drop(pass_requests(client, server, &last, &log)));
    Ok(())
}

fn pass_requests(
    client: TcpStream,
    mut server: TcpStream,
    last: &AtomicUsize,
    log: &Log,
) -> io::Result<()> {
    let mut client = BufReader::new(client);
    while let Some(head) = Head::read(&mut client)? {
        let mut body = Vec::new();
        head.read_body(&mut client, BODY_BYTES_MAX, &mut body)?;
        let header = |name: &'static str| Some((name, head.header(name)?.to_owned()));
        let request = [head.text.as_bytes(), &body[..]].concat();
        let exchange = Exchange {
            method: head.method.clone(),
            target: head.target.clone(),
            headers: ["content-type", "accept"].into_iter().filter_map(header).collect(),
            body,
            ..Exchange::new(Instant::now())
        };
        let mut log = log.lock();
        last.store(log.len(), Ordering::Relaxed);
        log.push(exchange);
        drop(log);
        server.write_all(&request)?;
    }
    Ok(())
}

fn pass_answers(
    mut server: TcpStream,
    mut client: TcpStream,
    last: &AtomicUsize,
    log: &Log,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = server.read(&mut buffer)?;
        if length == 0 {
            return client.shutdown(Shutdown::Write);
        }
        if let Some(exchange) = log.lock().get_mut(last.load(Ordering::Relaxed)) {
            exchange.answered = Instant::now();
            if exchange.bytes == 0 {
                exchange.heard = exchange.answered;
            }
            exchange.bytes += length as u64;
        }
        client.write_all(&buffer[..length])?;
    }
}
