//! HTTP/1.1 as far as servers for benchmarks need it: the head of a request, and its body.
//!
//! Knows neither what is asked nor TLS.

use std::io::{self, BufRead, ErrorKind, Read};

/// Longer heads are none of ours.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The head of a request: `POST /write?db=d HTTP/1.1` and what follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in small letters.
    headers: Vec<(String, String)>,
    /// All of it, as it came.
    pub(crate) text: String,
}

impl Head {
    /// Reads the next one. Nothing, where the connection ends before it.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self::default();
        loop {
            let start = head.text.len();
            // One byte more than it may have shows that it has too many.
            let left = HEAD_BYTES_MAX + 1 - start;
            if from.by_ref().take(left as u64).read_line(&mut head.text)? == 0 {
                return if start == 0 { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
            if head.text.len() > HEAD_BYTES_MAX {
                return Err(invalid("a head without end"));
            }
            let line = head.text[start..].trim_end();
            if line.is_empty() {
                return Ok(Some(head));
            }
            if start == 0 {
                let mut words = line.split(' ');
                let mut word = || words.next().unwrap_or_default().to_owned();
                (head.method, head.target) = (word(), word());
            } else {
                let (name, value) = line.split_once(':').ok_or_else(|| invalid("no header"))?;
                head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }

    /// The value of a header, whose name is in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(other, _)| other == name)?;
        Some(value)
    }

    /// Whether the other side waits for a word before it sends the body.
    pub(crate) fn expects_continue(&self) -> bool {
        self.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// Reads the body to the end of `body`, but no more than one byte beyond `bytes_max`: one that
    /// is longer than that was not read to its end.
    ///
    /// # Errors
    /// If it cannot be read, or ends too early.
    pub(crate) fn read_body(
        &self,
        from: &mut impl BufRead,
        bytes_max: usize,
        body: &mut Vec<u8>,
    ) -> io::Result<()> {
        body.clear();
        if self.header("transfer-encoding").is_some() {
            return read_chunks(from, bytes_max, body);
        }
        let length = self.header("content-length").unwrap_or("0");
        let length: usize = length.parse().map_err(|_| invalid("no length"))?;
        read_exactly(from, length.min(bytes_max + 1), body)
    }
}

fn read_chunks(from: &mut impl BufRead, bytes_max: usize, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let size = read_line(from)?;
        let size = usize::from_str_radix(size.trim_end(), 16);
        let size = size.map_err(|_| invalid("no size of a chunk"))?;
        let left = (bytes_max + 1).saturating_sub(body.len());
        read_exactly(from, size.min(left), body)?;
        if size > left || body.len() > bytes_max {
            return Ok(());
        }
        // The end of the chunk; after the last, that of all, for nobody here sends trailers.
        read_line(from)?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(HEAD_BYTES_MAX as u64).read_line(&mut line)?;
    Ok(line)
}

fn read_exactly(from: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> io::Result<()> {
    let read = from.take(length as u64).read_to_end(body)?;
    if read < length { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// Something that HTTP does not allow.
pub(crate) fn invalid(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[track_caller]
    fn check_body(request: &str, bytes_max: usize, expected: &str) {
        let mut rest = request.as_bytes();
        let head = Head::read(&mut rest).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str()), ("POST", "/write?db=d"));
        let mut body = Vec::new();
        head.read_body(&mut rest, bytes_max, &mut body).unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn a_body_is_read_to_its_end_or_to_one_byte_too_many() {
        let sized = "POST /write?db=d HTTP/1.1\r\nContent-Length: 5\r\n\r\nm f=1GET";
        let chunked = "POST /write?db=d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                       3\r\nm f\r\n2\r\n=1\r\n0\r\n\r\nGET";
        for request in [sized, chunked] {
            check_body(request, 5, "m f=1");
            check_body(request, 3, "m f=");
        }
        check_body("POST /write?db=d HTTP/1.1\r\n\r\nGET", 5, "");
    }

    #[test]
    fn what_ends_too_early_is_an_error() {
        assert!(Head::read(&mut "".as_bytes()).unwrap().is_none());
        assert!(Head::read(&mut "POST / HTTP/1.1\r\n".as_bytes()).is_err());
        let mut rest = "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nm f=1".as_bytes();
        let head = Head::read(&mut rest).unwrap().unwrap();
        assert!(head.read_body(&mut rest, 10, &mut Vec::new()).is_err());
    }
}
