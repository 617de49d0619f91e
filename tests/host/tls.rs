//! The way to a server: whose certificates are taken, and who carries requests there.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tsm2iox::config::Config;
use tsm2iox::report::Unfit;
use tsm2iox_guest::error::Endpoint as Side;
use tsm2iox_guest::plan::Answer;
use tsm2iox_guest::protocol::Cause;

use super::server::FakeServer;
use super::{answers, folder, request};

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority of this name that no machine trusts.
fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).expect("it has no names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("the machine has randomness");
    CertifiedIssuer::self_signed(params, key).expect("it can sign")
}

/// A server with a certificate of this authority, for this name, that answers 204.
fn server_of(authority: &Authority, name: &str) -> SocketAddr {
    let key = KeyPair::generate().expect("the machine has randomness");
    let params = CertificateParams::new([name.to_owned()]).expect("it is a name");
    let certificate = params.signed_by(&key, authority).expect("it can sign");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("it has some")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key is of the certificate");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("the machine has a free port");
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("it is fit");
            // Who does not trust it goes away.
            let _ = answer(StreamOwned::new(connection, stream));
        }
    });
    address
}

fn answer(mut stream: impl Read + Write) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    stream.write_all(NO_CONTENT)?;
    stream.flush()
}

/// A source in a folder with these keys, asked once.
#[track_caller]
fn asked(folder: &Path, url: &str, keys: &str) -> Vec<Answer> {
    let config = config(folder, &format!("[source]\nurl = \"{url}\"\n{keys}\n"));
    let endpoints = config.endpoints(&[Side::Source]).expect("it is fit");
    answers(&endpoints[&Side::Source], request("GET", "/"))
}

fn config(folder: &Path, text: &str) -> Config {
    let path = folder.join("migration.toml");
    fs::write(&path, text).expect("the folder can be written");
    Config::read(&path).expect("it is TOML")
}

#[track_caller]
fn check_taken(answers: &[Answer]) {
    assert!(
        matches!(answers, [Answer::Response(head), Answer::End] if head.status == 204),
        "{answers:?}"
    );
}

#[track_caller]
fn check_unreachable(answers: &[Answer], expected: &str) {
    let [Answer::Failed(failure)] = answers else { panic!("{answers:?}") };
    assert_eq!((failure.cause, failure.message.as_str()), (Cause::Unreachable, expected));
}

#[test]
fn the_authority_of_a_ca_file_is_trusted_and_no_other() {
    let folder = folder("authorities");
    let (own, other) = (authority("own"), authority("other"));
    fs::write(folder.join("own.pem"), own.pem()).unwrap();
    fs::write(folder.join("other.pem"), other.pem()).unwrap();
    fs::write(folder.join("both.pem"), other.pem() + &own.pem()).unwrap();
    let address = server_of(&own, "127.0.0.1");
    let url = format!("https://{address}");
    let untrusted = format!(
        "{url}: its certificate is signed by nobody whom this machine trusts; `ca_file` may name the \
         certificate of its own CA"
    );
    check_unreachable(&asked(&folder, &url, ""), &untrusted);
    check_unreachable(&asked(&folder, &url, "ca_file = \"other.pem\""), &untrusted);
    check_taken(&asked(&folder, &url, "ca_file = \"own.pem\""));
    check_taken(&asked(&folder, &url, "ca_file = \"both.pem\""));
}

#[test]
fn a_certificate_is_of_the_server_that_is_named() {
    let folder = folder("other_name");
    let own = authority("own");
    fs::write(folder.join("own.pem"), own.pem()).unwrap();
    let url = format!("https://{}", server_of(&own, "elsewhere.example"));
    let answers = asked(&folder, &url, "ca_file = \"own.pem\"");
    let [Answer::Failed(failure)] = answers.as_slice() else { panic!("{answers:?}") };
    let expected = format!("{url}: its certificate is not accepted: ");
    assert!(failure.message.starts_with(&expected), "{failure:?}");
    assert_eq!(failure.cause, Cause::Unreachable);
}

/// The source of this configuration cannot be opened.
#[track_caller]
fn check_unfit(folder: &Path, keys: &str, message: &str) {
    let config = config(folder, &format!("[source]\nurl = \"https://127.0.0.1\"\n{keys}\n"));
    let error = config.endpoints(&[Side::Source]).expect_err("it is unfit");
    let unfit = error.downcast::<Unfit>().expect("it is unfit");
    assert_eq!(unfit.message, message);
    assert!(unfit.hint.is_some_and(|hint| !hint.contains("secret")));
}

#[test]
fn a_ca_file_or_a_proxy_that_is_unfit_is_named() {
    let folder = folder("unfit_way");
    fs::write(folder.join("text.pem"), "a text").unwrap();
    let file = "the file of `source.ca_file`";
    let missing = format!("{file} cannot be read: no such file or directory");
    check_unfit(&folder, "ca_file = \"none.pem\"", &missing);
    check_unfit(&folder, "ca_file = \"text.pem\"", &format!("{file} holds no certificate"));
    let held = "`source.proxy` holds a user or a password";
    check_unfit(&folder, "proxy = \"http://ann:secret@127.0.0.1\"", held);
    check_unfit(&folder, "proxy = \"socks5://a\"", "`source.proxy` is not of http or https");
}

#[test]
fn a_checkpoint_is_reached_as_the_source_is() {
    let folder = folder("way_of_checkpoint");
    let own = authority("own");
    fs::write(folder.join("own.pem"), own.pem()).unwrap();
    let url = format!("https://{}", server_of(&own, "127.0.0.1"));
    let source = format!("[source]\nurl = \"{url}\"\nca_file = \"own.pem\"\n");
    let ask = |checkpoint: &str| {
        let config =
            config(&folder, &format!("{source}[checkpoint]\nbucket = \"c\"\n{checkpoint}"));
        let endpoints = config.endpoints(&[Side::Checkpoint]).unwrap();
        answers(&endpoints[&Side::Checkpoint], request("GET", "/"))
    };
    check_taken(&ask(""));
    // One that is elsewhere is another server.
    let answers = ask(&format!("url = \"{url}\"\n"));
    assert!(matches!(answers.as_slice(), [Answer::Failed(_)]), "{answers:?}");
    check_taken(&ask(&format!("url = \"{url}\"\nca_file = \"own.pem\"\n")));
}

/// A proxy that connects where it is told to, answers 204 to what it would have to carry itself, and
/// keeps what it was asked.
fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the machine has a free port");
    let address = listener.local_addr().expect("it listens");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            thread::spawn(move || carry(stream, &kept));
        }
    });
    (address, asked)
}

fn carry(mut stream: TcpStream, kept: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let line = head.lines().next().unwrap_or_default().to_owned();
    kept.lock().expect("no test panics with it").push(line.clone());
    let Some(target) = line.strip_prefix("CONNECT ") else { return stream.write_all(NO_CONTENT) };
    let mut target = TcpStream::connect(target.split(' ').next().unwrap_or_default())?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut from, mut to) = (stream.try_clone()?, target.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut target, &mut stream).map(drop)
}

#[test]
fn a_proxy_carries_what_is_asked() {
    let folder = folder("proxy");
    let own = authority("own");
    fs::write(folder.join("own.pem"), own.pem()).unwrap();
    let (address, asked_for) = proxy();
    let keys = format!("proxy = \"http://{address}\"\nca_file = \"own.pem\"\n");
    let server = server_of(&own, "127.0.0.1");
    check_taken(&asked(&folder, &format!("https://{server}"), &keys));
    let plain = FakeServer::answering("");
    let url = plain.url("/a").to_string();
    check_taken(&asked(&folder, &url, &keys));
    assert!(plain.exchanges().is_empty(), "it was asked without the proxy");
    let expected = [format!("CONNECT {server} HTTP/1.1"), format!("GET {url}/ HTTP/1.1")];
    assert_eq!(*asked_for.lock().unwrap(), expected);
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let folder = folder("no_proxy");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    drop(listener);
    let answers = asked(&folder, "https://a.example", &format!("proxy = \"http://{proxy}\""));
    let expected = format!("https://a.example through http://{proxy}: connection refused");
    check_unreachable(&answers, &expected);
}
