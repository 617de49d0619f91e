//! The program: what was typed is done, and the exit status says how it went.

use std::process::ExitCode;

use clap::Parser;
use tsm2iox::cli::Cli;
use tsm2iox::{commands, report};

/// What is as large is given back to the system as soon as it is free, in bytes: a body of 10 MB, not a
/// piece of a response.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GIVEN_BACK_BYTES: i32 = 2 * 1024 * 1024;

fn main() -> ExitCode {
    give_large_memory_back();
    let Cli { command } = Cli::parse();
    commands::execute(command).unwrap_or_else(|error| report::error(&error)).into()
}

/// glibc would raise that size to what was freed last, up to 32 MB (mallopt(3), `M_MMAP_THRESHOLD`), and
/// keep what is smaller: bodies that are long gone would then count as long as a migration takes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_large_memory_back() {
    #[expect(
        unsafe_code,
        reason = "a function of C; it only sets a number, before any other thread runs"
    )]
    // SAFETY: both are plain numbers, and a refusal changes nothing.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, GIVEN_BACK_BYTES) };
}

/// Other allocators do so by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_large_memory_back() {}
