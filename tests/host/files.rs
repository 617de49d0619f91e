//! Files answer as servers would.

use std::fs;
use std::path::Path;
use std::thread;

use tsm2iox::endpoint::{AppendFile, Endpoint};
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::{Cause, Request};

use super::inputs::gzip;
use super::{answers, bytes, folder, request, with_header};

fn file(path: &Path) -> Endpoint {
    Endpoint::File(AppendFile::new(path.to_owned()))
}

fn post(body: &str) -> Request {
    Request { body: body.to_owned(), ..request("POST", "") }
}

fn post_at(offset: &str, body: &str) -> Request {
    with_header(post(body), "upload-offset", offset)
}

/// The status, the length if the answer has one, and the body.
#[track_caller]
fn check(endpoint: &Endpoint, request: Request, status: u16, length: Option<&str>, body: &str) {
    let answers = answers(endpoint, request);
    let Some(Answer::Response(response)) = answers.first() else { panic!("{answers:?}") };
    assert_eq!((response.status, response.header("upload-offset")), (status, length));
    assert_eq!(bytes(&answers), body.as_bytes());
    assert_eq!(answers.last(), Some(&Answer::End));
}

#[test]
fn a_file_is_written_and_read_as_the_contract_says() {
    let path = folder("a_file").join("points.lp");
    let file = file(&path);
    check(&file, request("GET", ""), 404, None, "");
    check(&file, request("HEAD", ""), 404, None, "");
    check(&file, post_at("1", "x"), 409, None, "");
    assert!(!path.exists());
    check(&file, post("one\n"), 204, Some("4"), "");
    check(&file, request("HEAD", ""), 204, Some("4"), "");
    check(&file, post("two\n"), 204, Some("8"), "");
    check(&file, request("GET", ""), 200, None, "one\ntwo\n");
    check(&file, post_at("9", "no"), 409, Some("8"), "");
    check(&file, post_at("-1", "no"), 400, None, "");
    check(&file, request("GET", ""), 200, None, "one\ntwo\n");
    check(&file, post_at("4", "three\n"), 204, Some("10"), "");
    check(&file, request("GET", ""), 200, None, "one\nthree\n");
    check(&file, post_at("10", ""), 204, Some("10"), "");
    check(&file, post_at("0", ""), 204, Some("0"), "");
    check(&file, request("GET", ""), 200, None, "");
}

#[test]
fn a_large_file_comes_in_pieces() {
    let path = folder("a_large_file").join("points.lp");
    let text = "0123456789abcdef".repeat(200_000);
    fs::write(&path, &text).unwrap();
    let answers = answers(&file(&path), request("GET", ""));
    assert_eq!(bytes(&answers), text.as_bytes());
    assert_eq!(answers.len(), 1 + text.len().div_ceil(1 << 20) + 1);
}

#[test]
fn appends_do_not_mix() {
    let path = folder("appends").join("points.lp");
    let file = file(&path);
    let bodies: Vec<_> = ('a'..='p').map(|letter| letter.to_string().repeat(100_000)).collect();
    thread::scope(|scope| {
        for body in &bodies {
            scope.spawn(|| answers(&file, post(body)));
        }
    });
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written.len(), bodies.len() * 100_000);
    assert!(bodies.iter().all(|body| written.contains(body.as_str())));
}

#[test]
fn a_folder_that_is_not_there_is_unreachable() {
    let file = file(&folder("a_folder").join("no/points.lp"));
    let answers = answers(&file, post("x"));
    let [Answer::Failed(failure)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(failure.cause, Cause::Unreachable);
    assert!(failure.message.contains("no such file"), "{failure:?}");
    // Reading what is in no folder is no more than not to find it.
    check(&file, request("GET", ""), 404, None, "");
}

#[test]
fn a_folder_is_no_file() {
    let file = file(&folder("no_file"));
    for request in [request("GET", ""), request("HEAD", ""), post("x")] {
        check(&file, request, 403, None, "is a directory");
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_no_file() {
    let folder = folder("a_link");
    std::os::unix::fs::symlink("nowhere.lp", folder.join("points.lp")).unwrap();
    let file = file(&folder.join("points.lp"));
    check(&file, request("GET", ""), 404, None, "");
    check(&file, request("HEAD", ""), 404, None, "");
    check(&file, post("x"), 403, None, "it is a link that leads nowhere");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_not_be_written_is_refused() {
    // Root may not write it either.
    let answers = answers(&file(Path::new("/proc/sys/kernel/ostype")), post("x"));
    let Some(Answer::Response(response)) = answers.first() else { panic!("{answers:?}") };
    let reason = bytes(&answers);
    assert_eq!(response.status, 403);
    // In some containers, all there is read-only.
    assert!(reason == b"permission denied" || reason == b"read-only file system", "{answers:?}");
}

#[test]
fn what_was_written_is_read_as_it_is() {
    let path = folder("as_it_is").join("points.lp");
    fs::write(&path, gzip(b"m f=1 1\n")).unwrap();
    let answers = answers(&file(&path), request("GET", ""));
    assert_eq!(bytes(&answers), gzip(b"m f=1 1\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn what_fails_after_it_was_written_may_have_had_its_effect() {
    // It takes all that is written, and cannot be asked to bring it onto a disk.
    let answers = answers(&file(Path::new("/dev/null")), post("x"));
    let [Answer::Failed(failure)] = answers.as_slice() else { panic!("{answers:?}") };
    let message = "/dev/null: invalid argument";
    assert_eq!((failure.cause, failure.message.as_str()), (Cause::Broken, message));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    check(&file(Path::new("/dev/full")), post("x"), 507, None, "");
}
