//! The live page of a run, served by this program: what `watch` knows, and what comes after that.
//!
//! Nothing can be changed here, and no file comes from elsewhere. A page of a foreign name must not read it
//! through the browser of somebody who can: the header `Host` has to be an address, or `localhost`. Does not
//! know what a migration is.

mod connections;
mod metrics;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tsm2iox_guest::time::Timestamp;

use self::connections::Connections;
use crate::clock::Clock;
use crate::report::{Unfit, reason};
use crate::watch::{self, Watch};

/// A run that moves nothing for so long, and waits for nothing, is not well: a query of a source may take
/// five minutes, and is tried again.
const STALLED: Duration = Duration::from_secs(15 * 60);

/// The files of the page: name, type, content.
macro_rules! files {
    ($($name:literal: $type:literal),+ $(,)?) => {
        [$(($name, $type, include_bytes!(concat!("page/", $name)).as_slice())),+]
    };
}

const FILES: [(&str, &str, &[u8]); 10] = files![
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "app.js": "text/javascript; charset=utf-8",
    "overview.js": "text/javascript; charset=utf-8",
    "figures.js": "text/javascript; charset=utf-8",
    "plots.js": "text/javascript; charset=utf-8",
    "table.js": "text/javascript; charset=utf-8",
    "lists.js": "text/javascript; charset=utf-8",
    "format.js": "text/javascript; charset=utf-8",
];

/// What a browser may do with an answer.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Whoever reads gets so long to take what came last.
const CLOSING: Duration = Duration::from_secs(2);

/// A page that is served until it is dropped.
#[derive(Debug)]
pub struct Page {
    /// Where it is.
    pub address: SocketAddr,
    runtime: Handle,
    /// `None` once it is closed.
    served: Option<JoinHandle<()>>,
    close: Arc<Notify>,
    watch: Watch,
}

impl Page {
    /// Begins to serve.
    ///
    /// # Errors
    /// If the address is not free, or not of this machine.
    pub fn open(runtime: &Handle, address: SocketAddr, watch: Watch) -> Result<Self, Unfit> {
        let unfit = |error: std::io::Error| {
            let message = format!("no page can be served at {address}: {}", reason(&error));
            Unfit::new(message).with_hint("`--listen` takes another port")
        };
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(unfit)?;
        let address = listener.local_addr().map_err(unfit)?;
        let (service, close) = (router(watch.clone()), Arc::new(Notify::new()));
        let closed = Arc::clone(&close);
        let serve = axum::serve(Connections::new(listener), service)
            .with_graceful_shutdown(async move { closed.notified().await });
        let served = Some(runtime.spawn(async move {
            // A connection that breaks is no fault of the page.
            let _ = serve.await;
        }));
        Ok(Self { address, runtime: runtime.clone(), served, close, watch })
    }
}

impl Drop for Page {
    /// Those who follow get the end, and their connections end as they should.
    fn drop(&mut self) {
        self.watch.close();
        self.close.notify_one();
        if let Some(served) = self.served.take() {
            let _ = self.runtime.block_on(async { tokio::time::timeout(CLOSING, served).await });
        }
    }
}

fn router(watch: Watch) -> Router {
    let mut router = Router::new()
        .route("/state", get(state))
        .route("/events", get(events))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz));
    for (name, kind, content) in FILES {
        let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
        let file = move || async move { ([(header::CONTENT_TYPE, kind)], content) };
        router = router.route(&path, get(file));
    }
    router.layer(middleware::from_fn(guarded)).with_state(watch)
}

/// Refuses requests of foreign names, and says what a browser may do with the answer.
async fn guarded(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let mut response = match host.is_some_and(is_ours) {
        true => next.run(request).await,
        false => (StatusCode::FORBIDDEN, "ask for this page by its address\n").into_response(),
    };
    response.headers_mut().extend(HEADERS.map(|(name, value)| (Some(name), value)));
    response
}

/// Whether a `Host` is an address or `localhost`, with a port or without.
fn is_ours(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn unwatched() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

async fn state(State(watch): State<Watch>) -> Response {
    let Some((state, _)) = watch.follow() else { return unwatched() };
    ([(header::CONTENT_TYPE, "application/json")], state.to_string()).into_response()
}

/// First all that is known, then what happens; all of it again, for a page that is too far behind.
async fn events(State(watch): State<Watch>) -> Response {
    Sse::new(following(watch)).keep_alive(KeepAlive::default()).into_response()
}

fn following(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((watch, None::<Receiver<watch::Event>>), async |(watch, receiver)| {
        if let Some(mut receiver) = receiver {
            match receiver.recv().await {
                Ok(event) => {
                    let told = Event::default().event(event.name).data(event.data.to_string());
                    return Some((Ok(told), (watch, Some(receiver))));
                }
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => {}
            }
        }
        let (state, receiver) = watch.follow()?;
        let told = Event::default().event("state").data(state.to_string());
        Some((Ok(told), (watch, Some(receiver))))
    })
}

async fn metrics(State(watch): State<Watch>) -> Response {
    let text = watch.look(metrics::text);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Green as long as something moves, or is known to wait.
async fn healthz(State(watch): State<Watch>) -> Response {
    let now: Timestamp = Clock::start().now();
    let stalled = watch.look(|state| state.stalled_for(now));
    match stalled > STALLED {
        true => {
            let text = format!("nothing was moved for {} s\n", stalled.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
        false => "ok\n".into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn a_host_is_an_address_or_this_machine() {
        for host in
            ["127.0.0.1:8090", "localhost", "localhost:1", "[::1]:8090", "10.1.2.3", "LOCALHOST"]
        {
            assert!(is_ours(host), "{host}");
        }
        for host in
            ["example.com", "example.com:8090", "127.0.0.1.example.com", "", "localhost.x:1"]
        {
            assert!(!is_ours(host), "{host}");
        }
    }
}
