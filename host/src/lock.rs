//! One run at a time: a second on the same checkpoint would write everything twice and mix up
//! the records.
//!
//! The lock is the system's, on a file beside the checkpoint, or beside the configuration if the
//! checkpoint is in a bucket (`Config::lock_path`). It ends with the process, however that ends;
//! the file stays, for a file that is deleted could be locked twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::report::{Unfit, reason};

/// The right to run. Ends when dropped.
#[derive(Debug)]
pub struct Lock {
    // Held for its lock alone.
    _file: File,
}

impl Lock {
    /// Takes the lock that this file stands for, or says who holds it. Does not wait.
    ///
    /// # Errors
    /// If another run holds it, or the file cannot be made.
    pub fn take(path: &Path) -> Result<Self, Unfit> {
        let shown = path.display();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| {
            Unfit::new(format!("the lock file {shown} cannot be opened: {}", reason(&error)))
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(Unfit::new(format!("another run is under way: it holds {shown}"))
                    .with_hint("wait for it to end, or look at it with `tsm2iox status`"))
            }
            Err(TryLockError::Error(error)) => Err(Unfit::new(format!(
                "the lock file {shown} cannot be locked: {}",
                reason(&error)
            ))),
        }
    }
}
