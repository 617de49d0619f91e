//! HTTP/1.1 by hand, so that a body or a connection can end wherever a test wants it to.
//!
//! Knows no path and no status.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use httparse::Status;

use super::answer::Reply;
use super::stop::Stop;
use crate::wire::{BODY_BYTES_MAX, Wire, header, invalid};

/// The longest head that is read.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most headers in a head.
const HEADERS_MAX: usize = 64;
/// Go's gzip handler leaves smaller bodies as they are.
const COMPRESSED_BYTES_MIN: usize = 1400;

/// The head of a request.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    /// Whether the client wants to send more requests on this connection.
    pub(super) keeps_alive: bool,
}

/// How an answer is sent.
#[derive(Debug)]
pub(super) struct Manner {
    pub(super) piece_bytes: usize,
    pub(super) course: Course,
}

/// What happens while an answer is sent.
#[derive(Debug)]
pub(super) enum Course {
    Smooth,
    Close(Place),
    Silence(Duration),
    /// It comes in a few pieces, and before each there is silence.
    Drip(Duration),
}

/// Where in an answer.
#[derive(Debug)]
pub(super) enum Place {
    /// In the middle of the body, or of the head if there is no body.
    Half,
    /// In the middle of the head.
    Head,
    /// Before the last chunk, which is empty; in the middle of the head if there is no body.
    LastChunk,
}

/// The last chunk of a body, and what follows it.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// In so many pieces a slow answer comes.
const DRIPS: usize = 8;

/// A connection, seen from the server.
#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
}

impl Connection {
    pub(super) fn new(stream: Arc<TcpStream>) -> Self {
        Self { wire: Wire::new(stream) }
    }

    /// The next head, or `None` if the client has closed the connection.
    pub(super) fn read_head(&mut self) -> io::Result<Option<Head>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut request = httparse::Request::new(&mut headers);
            let parsed = request.parse(self.wire.received());
            if let Status::Complete(length) = parsed.map_err(|error| invalid(error.to_string()))? {
                let head = Head::from_parsed(&request);
                self.wire.take(length)?;
                return Ok(Some(head));
            }
            if self.wire.received().len() > HEAD_BYTES_MAX {
                return Err(invalid("a head without end"));
            }
            if self.wire.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    /// The body that belongs to a head, not decompressed.
    pub(super) fn read_body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if head.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let coding = head.header("transfer-encoding").unwrap_or_default();
        if coding.eq_ignore_ascii_case("chunked") {
            let mut body = Vec::new();
            return self.wire.chunks(&mut body).map(|()| body);
        }
        let length = head.header("content-length").unwrap_or("0");
        let length = length.parse().map_err(|_| invalid("content-length is no number"))?;
        self.wire.take(length)
    }

    /// Sends an answer. Fails if the connection ends before the answer does, be it as planned.
    pub(super) fn send(&mut self, reply: &Reply, manner: &Manner, stop: &Stop) -> io::Result<()> {
        let head = head_text(reply);
        let head_length = head.len();
        let mut segments = vec![head];
        segments.extend(body_segments(reply, manner.piece_bytes));
        let length = segments.iter().map(Vec::len).sum::<usize>();
        let body_length = length - head_length;
        let place = match manner.course {
            Course::Drip(pause) => return self.drip(&segments.concat(), pause, stop),
            Course::Close(Place::Head) => head_length / 2,
            _ if body_length == 0 => head_length / 2,
            Course::Close(Place::LastChunk) => length - LAST_CHUNK.len(),
            Course::Smooth | Course::Silence(_) | Course::Close(Place::Half) => {
                head_length + body_length / 2
            }
        };
        let mut sent = 0;
        for segment in &segments {
            if sent <= place && place < sent + segment.len() {
                let (one, two) = segment.split_at(place - sent);
                self.wire.send(one)?;
                match manner.course {
                    Course::Smooth | Course::Drip(_) => {}
                    Course::Close(_) => return Err(ErrorKind::ConnectionAborted.into()),
                    Course::Silence(duration) => stop.wait(duration),
                }
                self.wire.send(two)?;
            } else {
                self.wire.send(segment)?;
            }
            sent += segment.len();
        }
        Ok(())
    }

    fn drip(&mut self, answer: &[u8], pause: Duration, stop: &Stop) -> io::Result<()> {
        for drop in answer.chunks(answer.len().div_ceil(DRIPS)) {
            stop.wait(pause);
            self.wire.send(drop)?;
        }
        Ok(())
    }

    /// Ends it so that what is still under way is lost as well.
    pub(super) fn reset(self) -> io::Result<()> {
        self.wire.reset()
    }
}

fn head_text(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reply.phrase());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// What is sent of a body, write by write.
fn body_segments(reply: &Reply, piece_bytes: usize) -> Vec<Vec<u8>> {
    let pieces = reply.body.chunks(piece_bytes);
    if !reply.is_chunked() {
        return pieces.map(<[u8]>::to_vec).collect();
    }
    let chunk = |piece: &[u8]| {
        let size = format!("{:x}\r\n", piece.len()).into_bytes();
        [&size, piece, b"\r\n"].concat()
    };
    let mut segments = pieces.map(chunk).collect::<Vec<_>>();
    segments.push(LAST_CHUNK.to_vec());
    segments
}

impl Head {
    fn from_parsed(request: &httparse::Request<'_, '_>) -> Self {
        let headers = request.headers.iter().map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_owned(), value)
        });
        let mut head = Self {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            headers: headers.collect(),
            keeps_alive: request.version == Some(1),
        };
        let wants_close =
            head.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
        head.keeps_alive &= !wants_close;
        head
    }

    /// A header, whatever the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())), name)
    }

    /// Whether the body is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.header("content-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"))
    }
}

/// Whether a header says where a body ends.
fn is_framing(name: &str) -> bool {
    ["content-length", "transfer-encoding"].contains(&name.to_lowercase().as_str())
}

/// The text of a gzipped body.
pub(super) fn decompressed(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let bytes_max = u64::try_from(BODY_BYTES_MAX).expect("a constant");
    MultiGzDecoder::new(body).take(bytes_max).read_to_end(&mut text)?;
    Ok(text)
}

impl Reply {
    /// The same, compressed as a Go server does it when it is asked to.
    pub(super) fn compressed(mut self) -> Self {
        if self.status != 200 || self.body.len() < COMPRESSED_BYTES_MIN {
            return self;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.body).expect("memory takes it");
        self.body = encoder.finish().expect("memory takes it");
        self.with_header("Content-Encoding", "gzip".to_owned())
    }

    /// The same with a `content-length`.
    pub(super) fn framed_by_length(self) -> Self {
        let length = self.body.len().to_string();
        self.framed("Content-Length", length)
    }

    /// The same in chunks.
    pub(super) fn framed_by_chunks(self) -> Self {
        self.framed("Transfer-Encoding", "chunked".to_owned())
    }

    fn framed(mut self, name: &'static str, value: String) -> Self {
        if self.status != 204 {
            self.headers.retain(|(name, _)| !is_framing(name));
            self.headers.push((name, value));
        }
        self
    }

    /// The same with a `content-length` that is wrong.
    pub(super) fn misframed(mut self, length: usize) -> Self {
        self.headers.retain(|(name, _)| !is_framing(name));
        self.with_header("Content-Length", length.to_string())
    }
}
