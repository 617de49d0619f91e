//! The program: what was typed is done, and the exit status says how it went.

use std::process::ExitCode;

use clap::Parser;
use tsm2iox::cli::Cli;
use tsm2iox::{commands, report};

fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    commands::execute(command).unwrap_or_else(|error| report::error(&error)).into()
}
