//! What the tests lean on: an InfluxDB that does as it is told, real servers where they are
//! installed, and a client that sees every byte.
//!
//! Knows nothing of tsm2iox, so that a test compares it with something that was not made from it.

pub mod client;
pub mod influx;
pub mod process;
pub mod python;
pub mod servers;
mod wire;

use std::env;
use std::io::{self, Write};

/// Says that something is not installed, so that the tests that need it are left out.
///
/// # Panics
/// In CI, where all is to be installed: else a test could pass by not running.
#[track_caller]
pub fn missing(what: &str) {
    assert!(env::var_os("CI").is_none(), "{what}: not installed");
    // Past the capture of the test harness: what did not run is to be seen.
    let text = format!("{what}: not installed; the tests that need it are left out\n");
    drop(io::stderr().write_all(text.as_bytes()));
}
