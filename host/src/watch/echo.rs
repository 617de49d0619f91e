//! Whether a terminal echoes control characters: a `^C` in the midst of a display that is drawn anew leaves it
//! there for good, for the display then stands a line lower than it knows.

#[cfg(unix)]
use std::io::stderr;
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// How it was before, as long as it is another way: also the end of the program needs it.
#[cfg(unix)]
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// No control character is echoed from now on.
#[cfg(unix)]
pub(super) fn silence() {
    let Ok(before) = tcgetattr(stderr()) else { return };
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHOCTL);
    // A program in the background is stopped if it tries: its terminal is somebody else's.
    let is_ours =
        nix::unistd::tcgetpgrp(stderr()).is_ok_and(|group| group == nix::unistd::getpgrp());
    if is_ours && tcsetattr(stderr(), SetArg::TCSANOW, &silent).is_ok() {
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(before);
    }
}

/// All is as it was.
#[cfg(unix)]
pub(crate) fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // The terminal may be gone.
        let _ = tcsetattr(stderr(), SetArg::TCSANOW, &before);
    }
}

/// Elsewhere nothing is echoed.
#[cfg(not(unix))]
pub(super) fn silence() {}

/// Nor is anything to be restored.
#[cfg(not(unix))]
pub(crate) fn restore() {}
