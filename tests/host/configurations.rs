//! What the host reads of a configuration: places, tokens and the lock.

use std::fs;
use std::path::Path;

use tsm2iox::config::Config;
use tsm2iox::endpoint::Endpoint;
use tsm2iox::input::Input;
use tsm2iox::lock::Lock;
use tsm2iox::report::Unfit;
use tsm2iox_guest::error::Endpoint as Side;

use super::inputs::gzip;
use super::server::FakeServer;
use super::{answers, folder, request};

const SIDES: [Side; 4] = [Side::Checkpoint, Side::Source, Side::Destination, Side::Rejected];

/// A configuration in a folder of its own.
fn config(folder: &Path, text: &str) -> Result<Config, Unfit> {
    let path = folder.join("migration.toml");
    fs::write(&path, text).expect("the folder can be written");
    Config::read(&path)
}

#[test]
fn the_guest_gets_all_of_it_with_times_as_texts() {
    let text = r#"
        other = 1
        [migration]
        start = 2022-01-01T00:00:00Z
        stop = 2022-01-02T00:00:00.5+01:00
        local = 2022-01-01T00:00:00
        [limits]
        write_mb = 4.5
        odd = nan
        list = [1, "a", true]
    "#;
    let config = config(&folder("settings"), text).unwrap();
    let expected = concat!(
        r#"{"limits":{"list":[1,"a",true],"odd":"NaN","write_mb":4.5},"#,
        r#""migration":{"local":"2022-01-01T00:00:00","start":"2022-01-01T00:00:00Z","#,
        r#""stop":"2022-01-02T00:00:00.5+01:00"},"other":1}"#
    );
    assert_eq!(config.settings(), expected);
}

#[test]
fn what_is_not_toml_is_said_with_its_line() {
    let folder = folder("no_toml");
    let error = config(&folder, "[source]\ntoken = \"secret\nurl = 1").unwrap_err();
    let expected = format!("{}, line 2: ", folder.join("migration.toml").display());
    assert!(error.message.starts_with(&expected), "{}", error.message);
    assert!(!error.message.contains("secret"), "{}", error.message);
    let error = Config::read(&folder.join("none.toml")).unwrap_err();
    assert!(error.message.contains("none.toml cannot be read: "), "{}", error.message);
}

#[test]
fn a_checkpoint_is_by_default_a_file_beside_the_configuration() {
    let folder = folder("checkpoint");
    let config = config(&folder, "").unwrap();
    let endpoints = config.endpoints(&SIDES).unwrap();
    // And so is what is refused.
    let mut sides: Vec<_> = endpoints.keys().map(|side| side.name()).collect();
    sides.sort_unstable();
    assert_eq!(sides, ["checkpoint", "rejected"]);
    let mut record = request("POST", "");
    record.body.push_str("batches rows=1i 1\n");
    answers(&endpoints[&Side::Checkpoint], record);
    let written = fs::read_to_string(folder.join("migration.checkpoint.lp")).unwrap();
    assert_eq!(written, "batches rows=1i 1\n");
    let folder = folder.canonicalize().unwrap();
    assert_eq!(config.lock_path().unwrap(), folder.join("migration.checkpoint.lp.lock"));
}

#[test]
fn a_checkpoint_in_a_bucket_is_by_default_where_the_source_is() {
    let folder = folder("bucket");
    fs::write(folder.join("token"), " \nsecret\n").unwrap();
    let server = FakeServer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let source = format!("[source]\nurl = \"{}\"\ntoken_file = \"token\"\n", server.url("/a/"));
    let config = config(&folder, &format!("{source}[checkpoint]\nbucket = \"b\"\n")).unwrap();
    let endpoints = config.endpoints(&[Side::Checkpoint]).unwrap();
    answers(&endpoints[&Side::Checkpoint], request("GET", "/x"));
    let exchange = server.exchange();
    assert_eq!(exchange.head[0], "GET /a/x HTTP/1.1");
    assert_eq!(exchange.header("authorization"), Some("Token secret"));
    assert_eq!(config.lock_path().unwrap(), folder.join("migration.lock"));
}

#[test]
fn paths_are_relative_to_the_configuration() {
    let folder = folder("paths");
    fs::create_dir(folder.join("data")).unwrap();
    let config = config(&folder, "[source]\npath = \"data/a.csv\"\n").unwrap();
    fs::write(folder.join("data/a.csv"), "a").unwrap();
    let endpoints = config.endpoints(&[Side::Source]).unwrap();
    assert_eq!(super::bytes(&answers(&endpoints[&Side::Source], request("GET", ""))), b"a");
}

/// Two sides of this configuration, with these names, are this one file.
#[track_caller]
fn check_one_file(folder: &Path, text: &str, names: &str, file: &str) {
    let config = config(folder, text).expect("it is TOML");
    let error = config.endpoints(&SIDES).expect_err("they are one file");
    let file = folder.canonicalize().expect("it is there").join(file);
    let unfit = error.downcast::<Unfit>().expect("it is unfit");
    assert_eq!(unfit.message, format!("{names} are one file: {}", file.display()));
}

#[test]
fn two_sides_are_two_files() {
    let folder = folder("one_file");
    fs::create_dir(folder.join("data")).unwrap();
    let sides = "`source.path` and `destination.path`";
    let two = |source: &str, destination: &str| {
        format!("[source]\npath = '{source}'\n[destination]\npath = '{destination}'\n")
    };
    for there in [false, true] {
        if there {
            fs::write(folder.join("out.lp"), "").unwrap();
        }
        check_one_file(&folder, &two("out.lp", "out.lp"), sides, "out.lp");
        check_one_file(&folder, &two("./out.lp", "out.lp"), sides, "out.lp");
        check_one_file(&folder, &two("out.lp", "data/../out.lp"), sides, "out.lp");
        let absolute = folder.join("out.lp").display().to_string();
        check_one_file(&folder, &two("out.lp", &absolute), sides, "out.lp");
    }
    let checkpoint = "migration.checkpoint.lp";
    let text = two("a.csv", checkpoint);
    check_one_file(&folder, &text, "the checkpoint and `destination.path`", checkpoint);
    let text = two("out.lp", "b.lp") + "[checkpoint]\npath = 'out.lp'\n";
    check_one_file(&folder, &text, "`checkpoint.path` and `source.path`", "out.lp");
    let text = two("a.csv", "out.lp") + "[rejected]\npath = 'out.lp'\n";
    check_one_file(&folder, &text, "`destination.path` and `rejected.path`", "out.lp");
    for (source, destination) in [("out.lp", "data/out.lp"), ("-", "-"), ("-", "data/-")] {
        config(&folder, &two(source, destination)).unwrap().endpoints(&SIDES).unwrap();
    }
    for (name, path) in [
        ("the configuration", "migration.toml"),
        ("the lock file", "migration.checkpoint.lp.lock"),
        ("`source.token_file`", "token"),
    ] {
        let source = "[source]\napi = 'v1'\nurl = 'http://127.0.0.1:1'\ntoken_file = 'token'\n";
        fs::write(folder.join("token"), "secret").unwrap();
        let text = format!("{source}[rejected]\npath = '{path}'\n");
        check_one_file(&folder, &text, &format!("{name} and `rejected.path`"), path);
    }
    let text = two("-", "-") + "[checkpoint]\npath = '-'\n";
    check_one_file(&folder, &text, "`checkpoint.path` and `destination.path`", "-");
}

#[test]
fn a_hyphen_is_standard_input_for_a_source_alone() {
    let folder = folder("hyphen");
    fs::write(folder.join("-"), "a").unwrap();
    for side in [Side::Checkpoint, Side::Destination, Side::Rejected] {
        let text = format!("[{}]\npath = '-'\n", side.name());
        let endpoints = config(&folder, &text).unwrap().endpoints(&[side]).unwrap();
        assert_eq!(super::bytes(&answers(&endpoints[&side], request("GET", ""))), b"a");
    }
    let config = config(&folder, "[source]\npath = '-'\n[checkpoint]\npath = '-'\n").unwrap();
    let endpoints = config.endpoints(&SIDES).unwrap();
    let is_stream = matches!(endpoints[&Side::Source], Endpoint::Input(Input::Stream(_)));
    assert!(is_stream, "{endpoints:?}");
    assert_eq!(config.lock_path().unwrap(), folder.canonicalize().unwrap().join("-.lock"));
}

#[test]
fn only_a_source_is_decompressed() {
    let folder = folder("decompressed");
    fs::write(folder.join("a"), gzip(b"a")).unwrap();
    for (side, content) in [
        (Side::Source, b"a".to_vec()),
        (Side::Destination, gzip(b"a")),
        (Side::Checkpoint, gzip(b"a")),
        (Side::Rejected, gzip(b"a")),
    ] {
        let text = format!("[{}]\npath = 'a'\n", side.name());
        let endpoints = config(&folder, &text).unwrap().endpoints(&[side]).unwrap();
        assert_eq!(super::bytes(&answers(&endpoints[&side], request("GET", ""))), content);
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_the_file_that_it_leads_to() {
    use std::os::unix::fs::symlink;
    let folder = folder("links");
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/out.lp"), "").unwrap();
    symlink("data/out.lp", folder.join("link.lp")).unwrap();
    symlink("data", folder.join("linked")).unwrap();
    for (one, other, file) in [
        ("link.lp", "data/out.lp", "data/out.lp"),
        ("linked/out.lp", "link.lp", "data/out.lp"),
        ("linked/new.lp", "data/new.lp", "data/new.lp"),
    ] {
        let text = format!("[source]\npath = '{one}'\n[destination]\npath = '{other}'\n");
        check_one_file(&folder, &text, "`source.path` and `destination.path`", file);
        // Whichever way it is named, a checkpoint has one lock.
        let lock = |path: &str| {
            let text = format!("[checkpoint]\npath = '{path}'\n");
            config(&folder, &text).unwrap().lock_path().unwrap()
        };
        assert_eq!(lock(one), lock(other));
    }
}

/// The source of this configuration cannot be opened; neither message nor hint tells a secret.
#[track_caller]
fn check_unfit(folder: &Path, source: &str, message: &str, hint: Option<&str>) {
    let config = config(folder, &format!("[source]\n{source}\n")).expect("it is TOML");
    let error = config.endpoints(&[Side::Source]).expect_err("it is unfit");
    let unfit = error.downcast::<Unfit>().expect("it is unfit");
    let folder = format!("{}/", folder.display());
    assert_eq!(
        (unfit.message.replace(&folder, "").as_str(), unfit.hint.as_deref()),
        (message, hint)
    );
}

#[test]
fn what_is_unfit_is_named_and_never_shown() {
    let folder = folder("unfit");
    let shape = Some("write it as http://127.0.0.1:8086; user and token have keys of their own");
    check_unfit(&folder, "", "`source.url` is missing", None);
    check_unfit(&folder, "url = 1", "`source.url` is not a text", None);
    check_unfit(&folder, "url = 'secret'", "`source.url` is not a URL", shape);
    check_unfit(&folder, "url = 'http://'", "`source.url` is not a URL", shape);
    check_unfit(&folder, "url = 'ftp://host'", "`source.url` is not of http or https", shape);
    let held = "`source.url` holds a user or a password";
    check_unfit(&folder, "url = 'http://secret@host'", held, shape);
    check_unfit(&folder, "url = 'http://ann:secret@host'", held, shape);
    let more = "`source.url` holds more than scheme, host, port and path";
    check_unfit(&folder, "url = 'http://host/?secret'", more, shape);
    check_unfit(&folder, "url = 'http://host/#secret'", more, shape);
    check_unfit(
        &folder,
        "path = 'no/a.csv'",
        "there is no folder no",
        Some("`source.path` names a file in it"),
    );
}

#[test]
fn a_token_that_is_not_there_is_named() {
    let folder = folder("unfit_token");
    fs::write(folder.join("empty"), "\n").unwrap();
    fs::write(folder.join("two_lines"), "secret\nother\n").unwrap();
    let login = |keys: &str| format!("url = 'http://host'\n{keys}");
    let variable = Some("`source.token_env` names it");
    let key = login("token_env = 'TSM2IOX_NO_SUCH_VARIABLE'");
    check_unfit(
        &folder,
        &key,
        "environment variable `TSM2IOX_NO_SUCH_VARIABLE` is not set",
        variable,
    );
    let place = Some("put the token into a variable, and the variable's name here");
    for secret in ["c2VjcmV0==", &format!("apiv3_{}", "s".repeat(86))] {
        let key = login(&format!("token_env = '{secret}'"));
        check_unfit(
            &folder,
            &key,
            "`source.token_env` is not the name of an environment variable",
            place,
        );
    }
    let file = Some("`source.token_file` names this file");
    let empty = login("token_file = 'empty'");
    check_unfit(&folder, &empty, "the token file is empty", file);
    check_unfit(
        &folder,
        &login("token_file = 'two_lines'"),
        "the token file holds more than one line",
        file,
    );
    let needed = "`source.user` needs `source.password_env`";
    check_unfit(&folder, &login("user = 'ann'"), needed, None);
    let unclear = "it is not clear how to log in to the source";
    let choices = Some("give one of `token_env`, `token_file`, or `user` and `password_env`");
    for keys in [
        "token_env = 'A'\ntoken_file = 'b'",
        "password_env = 'A'",
        "user = 'a:b'\npassword_env = 'A'",
        "user = 'ann'\npassword_env = 'A'\ntoken_env = 'B'",
    ] {
        check_unfit(&folder, &login(keys), unclear, choices);
    }
}

#[test]
fn a_lock_is_taken_once_at_a_time() {
    let path = folder("lock").join("migration.checkpoint.lp.lock");
    let lock = Lock::take(&path).unwrap();
    let error = Lock::take(&path).unwrap_err();
    assert_eq!(error.message, format!("another run is under way: it holds {}", path.display()));
    drop(lock);
    Lock::take(&path).unwrap();
}
