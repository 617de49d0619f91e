//! What is only read: files and standard input, gzip or not.

use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tsm2iox::endpoint::Endpoint;
use tsm2iox::input::Input;
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::{Cause, Request};

use super::{RUNTIME, answers, bytes, folder, request};

/// A gzip stream of one member.
pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("a vector takes all that is written");
    encoder.finish().expect("a vector takes all that is written")
}

fn stream(bytes: impl Into<Vec<u8>>) -> Endpoint {
    Endpoint::Input(Input::stream(Cursor::new(bytes.into())))
}

/// A file of these bytes.
fn file(folder: &Path, name: &str, bytes: &[u8]) -> Endpoint {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("the folder can be written");
    Endpoint::Input(Input::File(path))
}

/// The status, and the body if it comes to its end.
#[track_caller]
fn check(endpoint: &Endpoint, request: Request, status: u16, body: &[u8]) {
    let answers = answers(endpoint, request);
    let Some(Answer::Response(response)) = answers.first() else { panic!("{answers:?}") };
    assert_eq!((response.status, bytes(&answers)), (status, body.to_owned()));
    assert_eq!(answers.last(), Some(&Answer::End));
}

#[test]
fn gzip_is_known_by_its_content_and_never_by_its_name() {
    let folder = folder("gzip");
    let is = |name: &str, content: &[u8], body: &[u8]| {
        check(&file(&folder, name, content), request("GET", ""), 200, body);
        if !content.is_empty() {
            check(&stream(content), request("GET", ""), 200, body);
        }
    };
    is("points.lp", &gzip(b"m f=1 1\n"), b"m f=1 1\n");
    is("points.lp.gz", b"m f=1 1\n", b"m f=1 1\n");
    is("nothing.gz", &gzip(b""), b"");
    is("empty.gz", b"", b"");
    is("one_byte.gz", b"\x1f", b"\x1f");
    is("half_of_it.gz", b"\x1f\x1f\x8b", b"\x1f\x1f\x8b");
}

#[test]
fn members_one_after_the_other_are_one_file_and_zeros_pad_them() {
    let zeros = [0; 200_000];
    let (one, none, two) = (gzip(b"one\n"), gzip(b""), gzip(b"two\n"));
    for parts in [
        vec![&one[..], &two],
        vec![&one, &none, &two],
        vec![&one, &two, &zeros],
        vec![&one, &zeros[..1], &two, &zeros[..512]],
    ] {
        check(&stream(parts.concat()), request("GET", ""), 200, b"one\ntwo\n");
    }
}

/// The body of a stream, and whether it ended as it should.
#[track_caller]
fn read(stored: &[u8]) -> (Vec<u8>, bool) {
    let answers = answers(&stream(stored), request("GET", ""));
    let whole = match answers.last() {
        Some(Answer::End) => true,
        Some(Answer::Failed(failure)) => {
            let known = failure.message.starts_with("standard input: the gzip stream ");
            assert!(failure.cause == Cause::Broken && known, "{failure:?}");
            false
        }
        _ => panic!("{answers:?}"),
    };
    (bytes(&answers), whole)
}

#[test]
fn a_gzip_stream_that_is_cut_anywhere_is_broken() {
    let (one, two) = (gzip(&b"m f=1 1\n".repeat(1000)), gzip(b"m f=2 2\n"));
    let both = [&one[..], &two].concat();
    for cut in 2..both.len() {
        let (body, whole) = read(&both[..cut]);
        // Between its members, nothing tells a stream that is cut from one that is not.
        assert_eq!(whole, cut == one.len(), "cut at byte {cut}: {} bytes", body.len());
    }
    assert_eq!(read(&both).0.len(), 8 * 1001);
}

#[test]
fn a_gzip_stream_with_a_wrong_bit_never_passes_for_another() {
    let text = b"m,host=a f=1,g=\"text\" 1\nm,host=b f=1,g=\"other text\" 1\n";
    let stored = gzip(text);
    for bit in 16..stored.len() * 8 {
        let mut stored = stored.clone();
        stored[bit / 8] ^= 1 << (bit % 8);
        let (body, whole) = read(&stored);
        // Some bits say when and where it was made. The last 64 are its checksum and its length.
        assert!(!whole || body == text && bit < (stored.len() - 8) * 8, "bit {bit}");
    }
    assert!(!read(&[&stored[..], b"x"].concat()).1, "what follows is no member");
}

#[test]
fn a_gzip_stream_that_swells_comes_in_pieces() {
    let spaces = vec![b' '; 64 << 20];
    let answers = answers(&stream(gzip(&spaces)), request("GET", ""));
    let length = |answer: &Answer| match answer {
        Answer::Bytes(piece) => piece.len(),
        _ => 0,
    };
    assert!(answers.iter().all(|answer| length(answer) <= 1 << 20));
    assert_eq!(answers.iter().map(length).sum::<usize>(), spaces.len());
}

#[test]
fn standard_input_can_be_read_once() {
    for stored in [b"m f=1 1\n".to_vec(), gzip(b"m f=1 1\n")] {
        let input = stream(stored);
        check(&input, request("HEAD", ""), 405, b"");
        check(&input, request("GET", ""), 200, b"m f=1 1\n");
        for _ in 0..2 {
            check(&input, request("GET", ""), 410, b"standard input can be read only once");
        }
    }
}

#[test]
fn a_file_that_is_only_read_is_never_written() {
    let folder = folder("only_read");
    let input = file(&folder, "points.lp", b"m f=1 1\n");
    let post = Request { body: "x".to_owned(), ..request("POST", "") };
    check(&input, post, 405, b"");
    check(&input, request("GET", ""), 200, b"m f=1 1\n");
    check(&input, request("GET", ""), 200, b"m f=1 1\n");
    let none = Endpoint::Input(Input::File(folder.join("none.lp")));
    check(&none, request("GET", ""), 404, b"");
    let folder = Endpoint::Input(Input::File(folder));
    check(&folder, request("GET", ""), 403, b"is a directory");
}

#[test]
fn nothing_at_standard_input_is_no_source() {
    check(&stream(""), request("GET", ""), 403, b"standard input is empty");
}

/// Gives a byte each time that it may.
struct Slow {
    left: Vec<u8>,
    turns: Receiver<()>,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.is_empty() || self.turns.recv().is_err() {
            return Ok(0);
        }
        buffer[0] = self.left.remove(0);
        Ok(1)
    }
}

#[test]
fn a_stream_is_read_as_it_comes_however_slow() {
    let (next, turns) = mpsc::channel();
    let left = b"m f=1 1\n".to_vec();
    let length = left.len();
    let input = Endpoint::Input(Input::stream(Slow { left, turns }));
    // Nobody knows when it goes on, so the time-out of the request does not count.
    let answered = input.send(Request { timeout: 0, ..request("GET", "") }, Bytes::new());
    let answered = answered.expect("nothing in it is forbidden");
    // Gzip is told from the rest by two bytes, and more is not asked for.
    next.send(()).and_then(|()| next.send(())).expect("it waits");
    RUNTIME.block_on(async {
        let (answer, mut rest) = answered.await;
        assert!(matches!(answer, Answer::Response(_)), "{answer:?}");
        for read in 2..=length {
            let body = rest.take().expect("there is more");
            let (answer, left) = body.read().await;
            assert!(matches!(answer, Answer::Bytes(_)), "{answer:?}");
            rest = left;
            if read < length {
                next.send(()).expect("it waits");
            }
        }
        let (answer, _) = rest.expect("its end is to come").read().await;
        assert_eq!(answer, Answer::End);
    });
}

/// Runs a migration from this source, into `out.lp`, with this at its standard input.
fn run(folder: &Path, source: &str, input: impl Into<Stdio>) -> Output {
    let path = folder.join("migration.toml");
    let config = format!(
        "[source]\napi = \"csv\"\npath = '{source}'\n[destination]\napi = \"lp\"\npath = 'out.lp'\n"
    );
    fs::write(&path, config).expect("the folder can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tsm2iox"));
    command.arg("run").arg(path).stdin(input).output().expect("the binary starts")
}

/// A pipe into which this is written.
pub(super) fn pipe(bytes: Vec<u8>) -> io::PipeReader {
    let (reader, mut writer) = io::pipe().expect("the machine has pipes");
    // Who does not read to the end is tested too.
    thread::spawn(move || drop(writer.write_all(&bytes)));
    reader
}

fn case(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/one_minute");
    fs::read(folder.join(file)).expect("it is in the repository")
}

#[track_caller]
fn check_complete(folder: &Path, output: &Output) {
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    assert_eq!(fs::read(folder.join("out.lp")).expect("it is there"), case("lines.lp"));
}

#[test]
fn a_migration_reads_standard_input_and_gzip() {
    let response = case("response.csv");
    for (name, stored) in [("stdin", response.clone()), ("stdin_gzip", gzip(&response))] {
        let folder = folder(name);
        fs::write(folder.join("-"), "another file").unwrap();
        check_complete(&folder, &run(&folder, "-", pipe(stored)));
        // Once it is recorded, nothing is read.
        check_complete(&folder, &run(&folder, "-", Stdio::null()));
    }
    let folder = folder("file_gzip");
    fs::write(folder.join("response"), gzip(&response)).unwrap();
    check_complete(&folder, &run(&folder, "response", Stdio::null()));
}

#[test]
fn a_migration_whose_source_is_a_file_leaves_standard_input_alone() {
    let folder = folder("no_stdin");
    fs::write(folder.join("response.csv"), case("response.csv")).unwrap();
    let input = pipe(b"for somebody else".to_vec());
    let given = input.try_clone().expect("the machine has pipes");
    check_complete(&folder, &run(&folder, "response.csv", given));
    assert_eq!(io::read_to_string(input).unwrap(), "for somebody else");
}

#[test]
fn a_migration_of_an_empty_or_cut_standard_input_is_not_complete() {
    let gzip = gzip(&case("response.csv"));
    for (name, stored, said) in [
        ("stdin_empty", Vec::new(), "standard input is empty"),
        ("stdin_cut", gzip[..gzip.len() - 1].to_vec(), "the gzip stream stops before its end"),
    ] {
        let folder = folder(name);
        let output = run(&folder, "-", pipe(stored));
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && talk.contains(said), "{talk}");
        let records = fs::read_to_string(folder.join("migration.checkpoint.lp"));
        let records = records.unwrap_or_default();
        assert!(!records.contains("batches"), "{records}");
    }
}
