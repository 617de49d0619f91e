//! A server that answers with the bytes it was given and keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use reqwest::Url;
use tsm2iox::credentials::{Credentials, Login};
use tsm2iox::endpoint::Endpoint;
use tsm2iox::http::{Server, Way};

/// A server on a port of its own. It ends with the test.
pub(super) struct FakeServer {
    address: SocketAddr,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// The request line and the headers, names in lower case.
    pub(super) head: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl FakeServer {
    /// Answers each connection with these bytes, and then closes it.
    pub(super) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::answering_by(move |_| answer.clone())
    }

    /// The same with bytes that depend on what was asked.
    pub(super) fn answering_by(answer: impl Fn(&Exchange) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the machine has a free port");
        let address = listener.local_addr().expect("it listens");
        let exchanges = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&exchanges);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(exchange) = receive(&stream) {
                    let answer = answer(&exchange);
                    kept.lock().expect("no test panics with it").push(exchange);
                    // Whoever does not read to the end is tested too.
                    let _ = (&stream).write_all(&answer);
                }
            }
        });
        Self { address, exchanges }
    }

    pub(super) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().expect("it is a URL")
    }

    /// The endpoint of it, for nobody in particular.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.endpoint_at("", Credentials::None)
    }

    /// The same by an address that is not said to be of this machine.
    pub(super) fn endpoint_elsewhere(&self) -> Endpoint {
        let mut url = self.url("");
        url.set_host(Some("0.0.0.0")).expect("it is a host");
        Endpoint::Server(
            Server::new(&url, Credentials::None, &Way::default()).expect("TLS is there"),
        )
    }

    pub(super) fn endpoint_at(&self, path: &str, login: impl Into<Login>) -> Endpoint {
        let server = Server::new(&self.url(path), login, &Way::default()).expect("TLS is there");
        Endpoint::Server(server)
    }

    /// What it was asked so far.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().expect("no test panics with it").clone()
    }

    /// What it was asked, if that was once.
    #[track_caller]
    pub(super) fn exchange(&self) -> Exchange {
        match self.exchanges().as_slice() {
            [exchange] => exchange.clone(),
            exchanges => panic!("{} requests instead of one", exchanges.len()),
        }
    }
}

impl Exchange {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let values = self.head.iter().filter_map(|line| line.split_once(": "));
        values.into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }
}

/// Reads a request. `None` if there is none.
fn receive(stream: &TcpStream) -> Option<Exchange> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" if head.is_empty() => return None,
            "" => break,
            line => head.push(match line.split_once(": ") {
                Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
                None => line.to_owned(),
            }),
        }
    }
    let mut exchange = Exchange { head, body: Vec::new() };
    let length = exchange.header("content-length").unwrap_or("0").parse().ok()?;
    reader.take(length).read_to_end(&mut exchange.body).ok()?;
    Some(exchange)
}
