//! Whether a person wants an end: the first signal asks for one, the second does not wait for it.
//!
//! Does not know what comes to an end; each loop asks here and tells its plan.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::watch;

/// Who waits looks so often whether an end is wished.
const LOOK: Duration = Duration::from_millis(200);

/// A wish to end. All clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Wishes it.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody wished it.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits for so long, or until somebody wishes an end; whether somebody did.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while !self.is_raised() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::sleep(left.min(LOOK));
        }
        true
    }

    /// Raises it at the first `SIGINT` or `SIGTERM`; at the second the program ends at once, with
    /// the exit status 1, for the same command resumes it.
    ///
    /// # Errors
    /// If the system does not let signals be heard.
    #[cfg(unix)]
    pub fn raise_at_signals(&self, runtime: &Handle) -> io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let _inside = runtime.enter();
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let (stop, mut signals) = (self.clone(), signal(kind)?);
            runtime.spawn(async move {
                while signals.recv().await.is_some() {
                    stop.raise_or_exit();
                }
            });
        }
        Ok(())
    }

    /// Raises it at the first Ctrl-C; at the second the program ends at once, with the exit status
    /// 1, for the same command resumes it.
    ///
    /// # Errors
    /// None: the other systems are asked later.
    #[cfg(not(unix))]
    pub fn raise_at_signals(&self, runtime: &Handle) -> io::Result<()> {
        let stop = self.clone();
        runtime.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                stop.raise_or_exit();
            }
        });
        Ok(())
    }

    fn raise_or_exit(&self) {
        if self.0.swap(true, Ordering::Relaxed) {
            watch::give_terminal_back();
            process::exit(1);
        }
    }
}
