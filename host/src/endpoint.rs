//! A server or a file, behind one face: a file answers as a server would (`wit/protocol.wit`).
//!
//! Does not know which side of a migration it is, nor what is in the bytes that it carries.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use tsm2iox_guest::error::Endpoint as Side;
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::{Cause, Failure, Request, Response};

use crate::ahead::Ahead;
use crate::http::{self, Server};
use crate::input::{Content, Input};
use crate::report::reason;

/// No request waits longer for a byte, whatever the plan asks for; and each that reads standard
/// input waits so long, for nobody knows what writes into it, and it cannot be asked again.
const IDLE_MAX: Duration = Duration::from_secs(3600);

/// In requests where an append is to begin, in answers how long the file is.
const UPLOAD_OFFSET: &str = "upload-offset";

/// Where requests go.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// An HTTP API.
    Server(Server),
    /// A file that is read as it is, or appended to.
    File(AppendFile),
    /// A file or standard input that is only read, decompressed if it is gzip.
    Input(Input),
}

/// The endpoints that a command has opened.
pub type Endpoints = HashMap<Side, Endpoint>;

/// An answer, and what is left to read after it.
pub type Answered = (Answer, Option<Ahead>);

/// What is left to read of a response.
#[derive(Debug)]
pub enum Body {
    /// This text; nothing if it is empty.
    Text(String),
    /// The rest of what a server sends.
    Server(http::Body),
    /// The rest of a file.
    File(FileBody),
}

/// A file that is being read.
#[derive(Debug)]
pub struct FileBody {
    content: Content,
    // For messages.
    name: String,
    idle: Duration,
}

/// Why a file does not answer, and what that means for the request.
struct Fault {
    cause: Cause,
    error: io::Error,
}

/// A file that is appended to by one request at a time.
#[derive(Clone, Debug)]
pub struct AppendFile {
    path: PathBuf,
    // Held while a request appends.
    append: Arc<Mutex<()>>,
}

impl Endpoint {
    /// Sends a request with this body, empty for none, instead of its own; the future answers it. Nothing
    /// happens before it is polled.
    ///
    /// # Errors
    /// If the request holds what a component must not say.
    pub fn send(
        &self,
        request: Request,
        body: Bytes,
    ) -> anyhow::Result<Pin<Box<dyn Future<Output = Answered> + Send>>> {
        ensure!(request.body.is_empty(), "it has two bodies");
        let idle = Duration::from_secs(request.timeout.into()).min(IDLE_MAX);
        Ok(match self {
            Self::Server(server) => {
                let response = server.send(request, body, idle)?;
                Box::pin(async {
                    answered(response.await.map(|(head, body)| (head, Body::Server(body))))
                })
            }
            Self::File(file) => {
                let file = file.clone();
                Box::pin(async move {
                    answered(on_disk(idle, move || file.answer(&request, &body, idle)).await)
                })
            }
            Self::Input(input) => {
                let input = input.clone();
                let idle = match input {
                    Input::File(_) => idle,
                    Input::Stream(_) => IDLE_MAX,
                };
                Box::pin(async move {
                    answered(on_disk(idle, move || read_only(&input, &request, idle)).await)
                })
            }
        })
    }
}

impl Body {
    /// The next piece, and what is left after it; or the end.
    pub async fn read(self) -> (Answer, Option<Self>) {
        let read = match self {
            Self::Text(text) => Ok((text.into_bytes(), Self::Text(String::new()))),
            Self::Server(mut body) => body.piece().await.map(|piece| (piece, Self::Server(body))),
            Self::File(body) => on_disk(body.idle, move || body.read()).await,
        };
        match read {
            Ok((piece, _)) if piece.is_empty() => (Answer::End, None),
            Ok((piece, rest)) => (Answer::Bytes(piece), Some(rest)),
            Err(failure) => (Answer::Failed(failure), None),
        }
    }
}

impl FileBody {
    fn read(mut self) -> Result<(Vec<u8>, Body), Failure> {
        match self.content.piece() {
            Ok(piece) => Ok((piece, Body::File(self))),
            Err(error) => Err(failure(Cause::Broken, &self.name, &error)),
        }
    }
}

impl AppendFile {
    /// The file of this path, which need not be there.
    pub fn new(path: PathBuf) -> Self {
        Self { path, append: Arc::default() }
    }

    fn answer(
        &self,
        request: &Request,
        body: &[u8],
        idle: Duration,
    ) -> Result<(Response, Body), Failure> {
        let name = || self.path.display().to_string();
        let answer = match request.method {
            "GET" => Content::as_stored(&self.path)
                .map(|content| whole(content, name(), idle))
                .map_err(Fault::from),
            "HEAD" => self.head().map_err(Fault::from),
            "POST" => self.append(request, body),
            _ => Ok(empty(405, None)),
        };
        answer.or_else(|fault| match fault.error.kind() {
            ErrorKind::NotFound if request.method != "POST" => Ok(empty(404, None)),
            // It could neither be opened nor be made.
            ErrorKind::AlreadyExists if self.path.is_symlink() => {
                Ok(refused(403, "it is a link that leads nowhere".to_owned()))
            }
            _ => fault.answer(&name()),
        })
    }

    fn head(&self) -> io::Result<(Response, Body)> {
        let metadata = fs::metadata(&self.path)?;
        if metadata.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        Ok(empty(204, Some(metadata.len())))
    }

    fn append(&self, request: &Request, body: &[u8]) -> Result<(Response, Body), Fault> {
        let offset = request.headers.iter().find(|(name, _)| name == UPLOAD_OFFSET);
        let Ok(offset) = offset.map(|(_, value)| value.parse::<u64>()).transpose() else {
            return Ok(empty(400, None));
        };
        // A thread that panicked while it had its turn left a file that the next one looks at anew.
        let _turn = self.append.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut file, is_new) = match OpenOptions::new().write(true).open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if offset.is_some_and(|offset| offset > 0) {
                    return Ok(empty(409, None));
                }
                (fs::File::create_new(&self.path)?, true)
            }
            found => (found?, false),
        };
        let length = file.metadata()?.len();
        let start = offset.unwrap_or(length);
        if start > length {
            return Ok(empty(409, Some(length)));
        }
        let cut = if start < length { file.set_len(start) } else { Ok(()) };
        let written = cut.and_then(|()| write_at(&mut file, start, body));
        written
            .and_then(|()| if is_new { sync_folder(&self.path) } else { Ok(()) })
            .map_err(|error| Fault { cause: Cause::Broken, error })?;
        // Only now, with all of it on the disk: this answer is what a batch is recorded upon.
        Ok(empty(204, Some(start + body.len() as u64)))
    }
}

impl Fault {
    /// What it is for a plan.
    fn answer(&self, name: &str) -> Result<(Response, Body), Failure> {
        match (self.cause, self.error.kind()) {
            (_, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) => {
                Ok(empty(507, None))
            }
            // The same again would be refused again: a person has to change something.
            (
                Cause::Unreachable,
                ErrorKind::PermissionDenied
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::IsADirectory
                | ErrorKind::NotADirectory
                | ErrorKind::InvalidFilename
                | ErrorKind::InvalidInput,
            ) => Ok(refused(403, reason(&self.error))),
            _ => Err(failure(self.cause, name, &self.error)),
        }
    }
}

impl From<io::Error> for Fault {
    /// Before anything is written: the request had no effect.
    fn from(error: io::Error) -> Self {
        Self { cause: Cause::Unreachable, error }
    }
}

/// The answer of what is only read.
fn read_only(
    input: &Input,
    request: &Request,
    idle: Duration,
) -> Result<(Response, Body), Failure> {
    if request.method != "GET" {
        return Ok(empty(405, None));
    }
    match input.open() {
        Ok(Some(content)) => Ok(whole(content, input.to_string(), idle)),
        Ok(None) => Ok(refused(410, format!("{input} can be read only once"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(empty(404, None)),
        Err(error) => Fault::from(error).answer(&input.to_string()),
    }
}

/// Writes a body at the end of a file, onto the disk.
fn write_at(file: &mut fs::File, start: u64, body: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    file.write_all(body).and_then(|()| file.sync_all()).inspect_err(|_| {
        // Half a body must not pass for one; if even this fails, the next reader has to cope.
        let _ = file.set_len(start);
    })
}

/// Where a file is; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The name of a new file is on the disk only when its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(folder_of(path))?.sync_all()
}

/// Other systems do not open folders, and see to it themselves.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Does work that blocks on a thread where it may.
async fn on_disk<T: Send + 'static>(
    idle: Duration,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let gone = |cause, message: &str| Err(Failure { cause, message: message.to_owned() });
    match tokio::time::timeout(idle, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => gone(Cause::Broken, "the program is ending"),
        // It may still come to pass: the effect is unknown, as that of a server's would be.
        Err(_) => gone(Cause::TimedOut, &format!("no answer for {} s", idle.as_secs())),
    }
}

fn answered(response: Result<(Response, Body), Failure>) -> Answered {
    match response {
        Ok((head, body)) => (Answer::Response(head), Some(Ahead::of(body))),
        Err(failure) => (Answer::Failed(failure), None),
    }
}

fn whole(content: Content, name: String, idle: Duration) -> (Response, Body) {
    let body = Body::File(FileBody { content, name, idle });
    (Response { status: 200, headers: Vec::new() }, body)
}

fn empty(status: u16, length: Option<u64>) -> (Response, Body) {
    let header = length.map(|length| (UPLOAD_OFFSET.to_owned(), length.to_string()));
    (Response { status, headers: header.into_iter().collect() }, Body::Text(String::new()))
}

fn refused(status: u16, reason: String) -> (Response, Body) {
    (Response { status, headers: Vec::new() }, Body::Text(reason))
}

fn failure(cause: Cause, name: &str, error: &io::Error) -> Failure {
    Failure { cause, message: format!("{name}: {}", reason(error)) }
}
