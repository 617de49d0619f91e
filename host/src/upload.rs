//! A body on its way out, in small parts, so that it is known whether it gets on: a slow line is no
//! silence.
//!
//! Does not know what is in it, nor where it goes.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The next part is asked for when there is room for it: on a line of 100 kB a second, once a second.
const PART_BYTES: usize = 64 * 1024;

/// What is left to be sent.
#[derive(Debug)]
pub(crate) struct Upload {
    left: Bytes,
    progress: Progress,
}

/// When a part was last taken by the system, which holds some megabytes more.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Mutex<Instant>>);

impl Upload {
    pub(crate) fn new(left: Bytes, progress: &Progress) -> Self {
        Self { left, progress: progress.clone() }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.progress.mark();
        let length = self.left.len().min(PART_BYTES);
        let part = self.left.split_to(length);
        Poll::Ready((!part.is_empty()).then(|| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    /// So the header `content-length` says it.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

impl Progress {
    /// As of now.
    pub(crate) fn begin() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn since(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Waits for something as long as parts are taken, and then for so long. `None` if that was in vain.
    pub(crate) async fn wait<T>(&self, idle: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let left = idle.saturating_sub(self.since());
            match tokio::time::timeout(left, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if self.since() >= idle => return None,
                Err(_) => {}
            }
        }
    }
}
