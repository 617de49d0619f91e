//! What a run says of credentials that others could read.

use std::fs;
use std::path::Path;

use tsm2iox::config::Config;
use tsm2iox_guest::error::Endpoint as Side;

use super::folder;

const SIDES: [Side; 3] = [Side::Checkpoint, Side::Source, Side::Destination];

/// What is said of a configuration, in a folder that has tokens.
#[track_caller]
fn check(folder: &Path, text: &str, expected: &[&str]) {
    let path = folder.join("migration.toml");
    fs::write(&path, text).expect("the folder can be written");
    let warnings = Config::read(&path).expect("it is TOML").warnings(&SIDES).expect("it is fit");
    let said: Vec<_> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(said, expected);
    assert!(warnings.iter().all(|warning| warning.hint.is_some()));
}

#[cfg(unix)]
fn write(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, "secret").expect("the folder can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[cfg(unix)]
#[test]
fn a_token_file_that_others_can_read_is_said_by_its_key() {
    let folder = folder("readable");
    for (mode, is_open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        write(&folder.join("token"), mode);
        let source = "[source]\nurl = 'https://a.example'\ntoken_file = 'token'\n";
        let said = "others can read the file that `source.token_file` names";
        // Of a checkpoint with the source's credentials it is not said twice.
        let text = format!("{source}[checkpoint]\nbucket = 'c'\n");
        let expected: &[&str] = if is_open { &[said] } else { &[] };
        check(&folder, &text, expected);
    }
    write(&folder.join("token"), 0o600);
    write(&folder.join("other"), 0o644);
    let text = "[destination]\nurl = 'https://a.example'\ntoken_file = 'token'\n\
                read_token_file = 'other'\n";
    check(&folder, text, &["others can read the file that `destination.read_token_file` names"]);
}

#[test]
fn http_with_credentials_is_said_unless_it_stays_here() {
    let folder = folder("plain");
    let text = |url: &str, keys: &str| format!("[source]\nurl = '{url}'\n{keys}\n");
    let user = "user = 'ann'\npassword_env = 'PATH'";
    let said = "`source.url` is of http: others can read the credentials on the way";
    check(&folder, &text("http://a.example", user), &[said]);
    check(&folder, &text("http://10.0.0.1:8086", user), &[said]);
    check(&folder, &text("http://a.example", ""), &[]);
    for url in ["https://a.example", "http://127.0.0.1:8086", "http://[::1]", "http://localhost"] {
        check(&folder, &text(url, user), &[]);
    }
}
