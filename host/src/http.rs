//! One server: base URL, credentials, compression, time-outs. Tries once and follows nothing.
//!
//! Does not know what is asked or what a status means. No plan sees a credential, and none can
//! send one elsewhere: its path is appended to the base URL, never resolved against it.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::Body as _;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue,
};
use reqwest::{Certificate, Client, Method, Proxy, StatusCode, Url, redirect};
use tokio::sync::Semaphore;
use tsm2iox_guest::protocol::{Cause, Failure, Request, Response};

use crate::credentials::Login;
use crate::report;
use crate::secrets::{masked, masked_bytes};
use crate::upload::{Progress, Upload};

/// A host that does not answer within this is not there; the request had no effect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Below this, gzip makes little of a body but another header.
const GZIP_BYTES_MIN: usize = 1024;
/// Pieces are gathered to this, for each is a call into the component; the contract asks for 64 KiB
/// at least.
const PIECE_BYTES: usize = 256 * 1024;
/// No piece is larger: that is what the contract calls fastest, and a bound on memory.
const PIECE_BYTES_MAX: usize = 1024 * 1024;
/// A piece that is not full by then is handed on as it is: a slow server is heard too.
const GATHER: Duration = Duration::from_secs(1);

/// What is said where something else answers than TLS: plain text, or nothing.
const NO_TLS: [&str; 2] = ["received corrupt message", "tls handshake eof"];
/// How rustls begins what it says of a certificate, and how it calls the most frequent fault.
const CERTIFICATE_FAULT: &str = "invalid peer certificate: ";
const UNKNOWN_ISSUER: &str = "UnknownIssuer";

/// What a component must not say: credentials, and what is about transport alone.
const FORBIDDEN: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How a server is reached, beside its address.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// Those whose signature is taken beside that of those whom this machine trusts.
    pub authorities: Vec<Certificate>,
    /// Who is asked to carry requests there; if nobody is, whom the environment names.
    pub proxy: Option<Url>,
}

/// An HTTP API.
#[derive(Clone, Debug)]
pub struct Server {
    client: Client,
    // Invariant: scheme, host and perhaps a path; no credentials, no `/` at the end.
    base: String,
    // For messages: the base without its path, and the proxy on the way.
    origin: String,
    login: Login,
    accept_encoding: HeaderValue,
    // Bodies are compressed where the way is longer than to this machine; so many at a time.
    compressions: Option<Arc<Semaphore>>,
}

/// The body of a response, as far as it has not been read.
#[derive(Debug)]
pub struct Body {
    // `None` after its end.
    response: Option<reqwest::Response>,
    // What came beyond the largest piece.
    rest: Vec<u8>,
    idle: Duration,
    origin: String,
    // What a server says of itself is masked, data never is.
    is_data: bool,
}

impl Server {
    /// A server at this base URL, with one login for all, or one for each right, reached in this way.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(url: &Url, login: impl Into<Login>, way: &Way) -> anyhow::Result<Self> {
        let near = is_this_machine(url);
        let client = Client::builder()
            .user_agent(concat!("tsm2iox/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        let client = match &way.proxy {
            Some(proxy) => client.proxy(Proxy::all(proxy.clone())?),
            // A proxy that is for all cannot reach what is on this machine.
            None if near => client.no_proxy(),
            None => client,
        };
        // Nor is there anybody with a certificate, of which some systems have hundreds of files.
        let is_plain = near && url.scheme() == "http" && way.proxy.is_none();
        let client = match is_plain {
            true => client.tls_certs_only([]),
            false => client.tls_certs_merge(way.authorities.iter().cloned()),
        };
        let origin = url.origin().ascii_serialization();
        let origin = match &way.proxy {
            Some(proxy) => format!("{origin} through {}", proxy.origin().ascii_serialization()),
            None => origin,
        };
        Ok(Self {
            client: client.build().context("TLS cannot be set up")?,
            base: url.as_str().trim_end_matches('/').to_owned(),
            origin,
            login: login.into(),
            // InfluxDB's gzip makes about 46 MB/s a core: slower than a loopback, faster than
            // most networks.
            accept_encoding: HeaderValue::from_static(if near { "identity" } else { "gzip" }),
            compressions: (!near).then(|| Arc::new(Semaphore::new(compressions_max()))),
        })
    }

    /// Makes a request of it and a body, empty for none. Nothing is sent before the future is polled.
    ///
    /// # Errors
    /// If the request holds what a component must not say.
    pub fn send(
        &self,
        request: Request,
        body: Bytes,
        idle: Duration,
    ) -> anyhow::Result<impl Future<Output = Result<(Response, Body), Failure>> + Send + use<>>
    {
        let Request { id: _, endpoint: _, access, method, path, headers, body: _, timeout: _ } =
            request;
        let url = appended(&self.base, &path)?;
        let mut headers = header_map(&headers)?;
        headers.entry(ACCEPT_ENCODING).or_insert(self.accept_encoding.clone());
        if method == "POST" && body.is_empty() {
            // RFC 9110, 8.6: no length at all would leave it open whether a body follows.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let may_compress = body.len() >= GZIP_BYTES_MIN && takes_gzip(&headers);
        let compressions = self.compressions.clone().filter(|_| may_compress);
        if compressions.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let credentials = self.login.for_access(access).clone();
        headers.extend(credentials.authorization().map(|value| (AUTHORIZATION, value)));
        let builder = self.client.request(Method::from_bytes(method.as_bytes())?, url);
        let builder = builder.headers(headers);
        let origin = self.origin.clone();
        Ok(async move {
            let body = match compressions {
                Some(compressions) => gzipped(body, &compressions).await.ok_or_else(|| {
                    let message = "the program is ending".to_owned();
                    Failure { cause: Cause::Unreachable, message }
                })?,
                None => body,
            };
            let progress = Progress::begin();
            let upload = Upload::new(body, &progress);
            let builder = if upload.is_end_stream() {
                builder
            } else {
                builder.body(reqwest::Body::wrap(upload))
            };
            let answer = progress.wait(idle, builder.send()).await;
            let Some(answer) = answer else { return Err(silence(&origin, idle)) };
            let response = answer.map_err(|error| failure(&origin, error))?;
            if response.status() == StatusCode::UNAUTHORIZED {
                credentials.refuse();
            }
            if let Some(coding) = unasked_coding(&response) {
                let message =
                    format!("{origin}: the body is coded in a way not asked for: {coding}");
                return Err(Failure { cause: Cause::Broken, message });
            }
            let is_data = response.status() == StatusCode::OK;
            let head = head(&response, is_data);
            Ok((head, Body { response: Some(response), rest: Vec::new(), idle, origin, is_data }))
        })
    }
}

impl Body {
    /// The next piece, decompressed; empty after the end, and only if that was where it should be.
    ///
    /// # Errors
    /// `Broken` if the body stops before its end, `TimedOut` if no byte came in time.
    pub async fn piece(&mut self) -> Result<Vec<u8>, Failure> {
        let mut piece = std::mem::take(&mut self.rest);
        let began = Instant::now();
        while piece.len() < PIECE_BYTES {
            let Some(response) = &mut self.response else { break };
            // A secret must not be cut in two: what is masked comes as a whole, as far as a plan reads it.
            let patience = match piece.is_empty() || !self.is_data {
                true => self.idle,
                false => self.idle.min(GATHER.saturating_sub(began.elapsed())),
            };
            match tokio::time::timeout(patience, response.chunk()).await {
                Ok(Ok(Some(chunk))) => piece.extend_from_slice(&chunk),
                Ok(Ok(None)) => self.response = None,
                Ok(Err(error)) => return Err(failure(&self.origin, error)),
                Err(_) if piece.is_empty() || !self.is_data => {
                    return Err(silence(&self.origin, self.idle));
                }
                Err(_) => break,
            }
        }
        if piece.len() > PIECE_BYTES_MAX {
            self.rest = piece.split_off(PIECE_BYTES_MAX);
        }
        Ok(if self.is_data { piece } else { masked_bytes(piece) })
    }
}

/// Whether a server is on this machine, as far as its name says so.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Appends a path to a base URL. It must not be able to change the server or to leave the base's
/// own path: what a URL does not leave as it is, such as a segment `..`, is refused.
fn appended(base: &str, path: &str) -> anyhow::Result<Url> {
    ensure!(path.is_empty() || path.starts_with('/'), "its path does not begin with `/`");
    let text = format!("{base}{path}");
    match Url::parse(&text) {
        Ok(url) if path.is_empty() || url.as_str() == text && url.fragment().is_none() => Ok(url),
        _ => bail!("its path is not one that is sent as it is"),
    }
}

fn header_map(headers: &[(String, String)]) -> anyhow::Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            bail!("one of its headers has no proper name");
        };
        ensure!(!FORBIDDEN.contains(&name.as_str()), "its header `{name}` is the host's to set");
        let Ok(value) = HeaderValue::from_str(value) else {
            bail!("its header `{name}` holds a line end or the like");
        };
        map.append(name, value);
    }
    Ok(map)
}

/// Whether a body may be compressed: where its coding is not said, and where it is not a form or
/// JSON. Those are questions, and many servers read gzip only where they take data.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let is_question = |content: &HeaderValue| content.as_bytes().starts_with(b"application/");
    !headers.contains_key(CONTENT_ENCODING) && !headers.get(CONTENT_TYPE).is_some_and(is_question)
}

/// On a thread of its own: it takes a tenth of a second for 10 MB. `None` where no threads are left, at
/// the end of the program.
async fn gzipped(body: Bytes, compressions: &Semaphore) -> Option<Bytes> {
    let _place = compressions.acquire().await;
    let compress = move || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&body).expect("a vector takes all that is written");
        encoder.finish().expect("a vector takes all that is written")
    };
    tokio::task::spawn_blocking(compress).await.ok().map(Bytes::from)
}

/// One processor is left to what makes the bodies.
fn compressions_max() -> usize {
    thread::available_parallelism()
        .map_or(1, |processors| processors.get().saturating_sub(1).max(1))
}

/// How the body is still coded after gzip, the only coding we ask for, was taken off.
fn unasked_coding(response: &reqwest::Response) -> Option<String> {
    let coding = response.headers().get(CONTENT_ENCODING)?;
    (coding != "identity").then(|| String::from_utf8_lossy(coding.as_bytes()).into_owned())
}

fn head(response: &reqwest::Response, is_data: bool) -> Response {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = if is_data { value } else { masked(&value).into_owned().into() };
        (name.to_string(), value.into_owned())
    };
    Response {
        status: response.status().as_u16(),
        headers: response.headers().iter().map(header).collect(),
    }
}

fn failure(origin: &str, error: reqwest::Error) -> Failure {
    // A connection that was not made in time had no effect either.
    let cause = match (error.is_connect(), error.is_timeout()) {
        (true, _) => Cause::Unreachable,
        (false, true) => Cause::TimedOut,
        (false, false) => Cause::Broken,
    };
    // The last error of the chain says what happened, those above it only where. None of them
    // holds the URL: reqwest puts it into its own, the first.
    let mut last: &dyn std::error::Error = &error.without_url();
    while let Some(source) = last.source() {
        last = source;
    }
    let reason = match last.downcast_ref() {
        Some(error) => report::reason(error),
        None => last.to_string(),
    };
    let reason = match reason.strip_prefix(CERTIFICATE_FAULT) {
        Some(UNKNOWN_ISSUER) => {
            "its certificate is signed by nobody whom this machine trusts; `ca_file` may name the \
             certificate of its own CA"
                .to_owned()
        }
        Some(fault) => format!("its certificate is not accepted: {fault}"),
        None if NO_TLS.iter().any(|fault| reason.starts_with(fault)) => {
            "it does not speak TLS there; does its URL begin with `http`, not `https`?".to_owned()
        }
        None => reason,
    };
    Failure { cause, message: format!("{origin}: {reason}") }
}

fn silence(origin: &str, idle: Duration) -> Failure {
    let message = format!("{origin}: no byte for {} s", idle.as_secs());
    Failure { cause: Cause::TimedOut, message }
}
