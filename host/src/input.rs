//! What is read from its beginning to its end: a file or standard input, decompressed if it is
//! gzip.
//!
//! Gzip is known by its first two bytes, never by a name, and may have several members, as
//! `cat a.gz b.gz` makes it. Does not know what the bytes mean, nor who asks for them.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, IsTerminal, Read};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::GzDecoder;

/// Content is given in pieces of at most this: the largest that the contract calls fastest.
const PIECE_BYTES: usize = 1024 * 1024;
/// So much of a gzip stream is decompressed at once: with the usual ratio, a piece.
const GZIP_BUFFER_BYTES: usize = 128 * 1024;
/// What a gzip stream begins with (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Where there is something to read.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file, which is read anew each time that it is opened.
    File(PathBuf),
    /// Standard input, which can be read only once.
    Stream(Stream),
}

/// Standard input, or what a test puts in its place, until somebody opens it.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<Option<Bytes>>>);

/// Something that is being read.
pub struct Content {
    bytes: Bytes,
    is_empty: bool,
}

type Bytes = Box<dyn Read + Send>;

/// A gzip stream: its members one after the other.
struct Members(GzDecoder<BufReader<Bytes>>);

/// Standard input, unless it is a terminal: a person would sit there and see nothing happen.
struct Piped;

impl Input {
    /// Standard input. Nothing is read before it is opened.
    pub fn standard() -> Self {
        Self::stream(Piped)
    }

    /// A stream that stands for standard input.
    pub fn stream(reader: impl Read + Send + 'static) -> Self {
        Self::Stream(Stream(Arc::new(Mutex::new(Some(Box::new(reader))))))
    }

    /// Begins to read. `None` if it can be read only once, and has been.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` if standard input is a terminal, or empty: what was to
    /// write into it has failed, and nothing must not pass for all of it.
    pub fn open(&self) -> io::Result<Option<Content>> {
        let stream = match self {
            Self::File(path) => return Content::of_file(path).map(Some),
            Self::Stream(Stream(stream)) => stream,
        };
        let taken = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(reader) = taken else { return Ok(None) };
        match Content::begin(reader)? {
            content if content.is_empty => Err(unfit("standard input is empty")),
            content => Ok(Some(content)),
        }
    }
}

impl Content {
    /// The content of a file, decompressed if it is gzip.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Self::begin(Box::new(open(path)?))
    }

    /// The content of standard input, decompressed if it is gzip.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` if it is a terminal.
    pub fn of_standard_input() -> io::Result<Self> {
        Self::begin(Box::new(Piped))
    }

    /// The bytes of a file as they are.
    ///
    /// # Errors
    /// What the system says.
    pub fn as_stored(path: &Path) -> io::Result<Self> {
        Ok(Self { bytes: Box::new(open(path)?), is_empty: false })
    }

    /// The next piece, as soon as there is one; empty after the end.
    ///
    /// # Errors
    /// What the system says; `UnexpectedEof` or `InvalidData` if gzip is cut or corrupt.
    pub fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; PIECE_BYTES];
        let length = loop {
            match self.bytes.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        piece.truncate(length);
        Ok(piece)
    }

    fn begin(mut bytes: Bytes) -> io::Result<Self> {
        let mut head = Vec::new();
        bytes.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut head)?;
        let (is_empty, is_gzip) = (head.is_empty(), head == GZIP_MAGIC);
        let bytes: Bytes = Box::new(Cursor::new(head).chain(bytes));
        let bytes = if is_gzip { Box::new(Members::of(bytes)) } else { bytes };
        Ok(Self { bytes, is_empty })
    }
}

impl Members {
    fn of(bytes: Bytes) -> Self {
        Self(GzDecoder::new(BufReader::with_capacity(GZIP_BUFFER_BYTES, bytes)))
    }

    /// Whether another member follows one that has ended. Zeros may pad it, as tapes wanted it.
    fn has_next(&mut self) -> io::Result<bool> {
        let bytes = self.0.get_mut();
        loop {
            let buffer = bytes.fill_buf()?;
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            let (is_end, is_padding) = (buffer.is_empty(), zeros == buffer.len());
            bytes.consume(zeros);
            if is_end || !is_padding {
                return Ok(!is_end);
            }
        }
    }

    fn begin_next(&mut self) {
        let nothing: Bytes = Box::new(io::empty());
        let bytes = mem::replace(self.0.get_mut(), BufReader::with_capacity(0, nothing));
        self.0 = GzDecoder::new(bytes);
    }
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.0.read(buffer).map_err(gzip_fault)?;
            if length > 0 || !self.has_next()? {
                return Ok(length);
            }
            self.begin_next();
        }
    }
}

impl Read for Piped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if io::stdin().is_terminal() {
            return Err(unfit("standard input is a terminal; pipe something into it"));
        }
        io::stdin().read(buffer)
    }
}

/// Opens a file to read it.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    // A folder can be opened, and then not be read.
    if file.metadata()?.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Ok(file)
}

/// What the decoder says, or the system below it, in words that say what it is about.
fn gzip_fault(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => {
            io::Error::new(ErrorKind::UnexpectedEof, "the gzip stream stops before its end")
        }
        ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            io::Error::new(ErrorKind::InvalidData, format!("the gzip stream is corrupt: {error}"))
        }
        _ => error,
    }
}

fn unfit(message: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, message)
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stream(_) => f.write_str("standard input"),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("is_empty", &self.is_empty).finish_non_exhaustive()
    }
}
