//! A client for tests: it sends what it is told, and shows every byte that comes back.
//!
//! Knows neither TLS nor redirects nor a second try.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{Wire, header, invalid};

/// Longer than any answer takes, so that a test that hangs ends.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    host: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200, 204 and so on; 100 is an answer as well.
    pub status: u16,
    /// The status line and the headers as they came, each with its line end, and the blank line.
    pub head: String,
    /// The body, out of its chunks, not decompressed.
    pub body: Vec<u8>,
}

/// Sends one request on a connection of its own.
///
/// # Panics
/// If there is no whole answer.
#[must_use]
#[track_caller]
pub fn request(
    url: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    Client::connect(url).exchange(method, target, headers, body).expect("a whole answer")
}

impl Client {
    /// Connects to a base URL such as `http://127.0.0.1:8086`.
    ///
    /// # Panics
    /// If nobody listens there.
    #[must_use]
    #[track_caller]
    pub fn connect(url: &str) -> Self {
        Self::reach(url).expect("somebody listens")
    }

    /// The same.
    ///
    /// # Errors
    /// If nobody listens there.
    #[track_caller]
    pub fn reach(url: &str) -> io::Result<Self> {
        let host = url.strip_prefix("http://").expect("plain HTTP").to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self { wire: Wire::new(Arc::new(stream)), host })
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// If the connection ends before the answer does.
    pub fn exchange(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        self.ask(method, target, headers, body)?;
        self.receive()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// If the connection has ended.
    pub fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        self.send(&[head.as_bytes(), body].concat())
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// If the connection has ended.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.send(bytes)
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// If the connection ends before the answer does.
    pub fn receive(&mut self) -> io::Result<Reply> {
        let (reply, end) = self.receive_part();
        end.map(|()| reply)
    }

    /// Reads an answer as far as it comes, and says how it ended. The status is 0 if not even
    /// the head is whole.
    pub fn receive_part(&mut self) -> (Reply, io::Result<()>) {
        let mut reply = Reply { status: 0, head: String::new(), body: Vec::new() };
        let end = self.receive_into(&mut reply);
        (reply, end)
    }

    fn receive_into(&mut self, reply: &mut Reply) -> io::Result<()> {
        loop {
            let line = self.wire.line()?;
            reply.head.push_str(&line);
            reply.head.push_str("\r\n");
            if line.is_empty() {
                break;
            }
        }
        let status = reply.head.split(' ').nth(1).and_then(|status| status.parse().ok());
        reply.status = status.ok_or_else(|| invalid("a head without a status"))?;
        if reply.status < 200 || reply.status == 204 {
            return Ok(());
        }
        if reply.header("transfer-encoding").is_some() {
            return self.wire.chunks(&mut reply.body);
        }
        let length = reply.header("content-length").and_then(|length| length.parse().ok());
        let length = length.ok_or_else(|| invalid("a body of unknown length"))?;
        // What there is stays visible, if it is not all.
        while self.wire.received().len() < length && self.wire.fill()? > 0 {}
        let there = length.min(self.wire.received().len());
        reply.body = self.wire.take(there)?;
        if there < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl Reply {
    /// A header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head.lines().filter_map(|line| line.split_once(": ")), name)
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is text")
    }
}
