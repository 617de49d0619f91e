//! What comes over a connection, read by lines, lengths and chunks. Both ends use it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;

/// The largest body that is read: more than any test sends.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A connection and what was received on it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Arc<TcpStream>,
    /// What was received and is not read yet.
    received: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: Arc<TcpStream>) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// Sends all bytes, in one piece if that is possible.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(bytes)
    }

    /// Closes the connection so that the other end sees it reset, whatever was sent.
    pub(crate) fn reset(self) -> io::Result<()> {
        SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO))
    }

    /// What was received and is not read yet.
    pub(crate) fn received(&self) -> &[u8] {
        &self.received
    }

    /// Receives more; 0 at the end.
    pub(crate) fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let length = (&*self.stream).read(&mut buffer)?;
        self.received.extend_from_slice(&buffer[..length]);
        Ok(length)
    }

    /// Reads so many bytes.
    pub(crate) fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > BODY_BYTES_MAX {
            return Err(invalid("a body without end"));
        }
        while self.received.len() < length {
            if self.fill()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.received.drain(..length).collect())
    }

    /// Reads a line, without its end.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|two| two == b"\r\n") {
                let line = self.take(end + 2)?;
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.fill()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads a body in chunks, to the last one. What was read stays in `body` if that fails.
    pub(crate) fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let size = self.line()?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size =
                usize::from_str_radix(size, 16).map_err(|_| invalid("no size of a chunk"))?;
            if size == 0 {
                break;
            }
            body.extend(self.take(size)?);
            if body.len() > BODY_BYTES_MAX {
                return Err(invalid("a body without end"));
            }
            self.line()?;
        }
        while !self.line()?.is_empty() {}
        Ok(())
    }
}

/// The value of a header, whatever the case of its name.
pub(crate) fn header<'a>(
    mut headers: impl Iterator<Item = (&'a str, &'a str)>,
    name: &str,
) -> Option<&'a str> {
    let (_, value) = headers.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
    Some(value)
}

/// Something that HTTP does not allow.
pub(crate) fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason.into())
}
