//! Benchmarks: tsm2iox beside what a user would pick instead, on the same bytes, in one run.
//!
//! ```text
//! random ─▶ points ─┬─▶ annotated ─┐
//!                   ├─▶ influxql ──┼─▶ responses ─▶ race: rivals, csv2lp ─┐
//!                   ├─▶ lines ─────┘                                     ├─▶ table
//!                   └──────────────────────────▶ memory ─────────────────┘
//! ```
//!
//! What counts is CPU time (`usage`), for a machine may have other things to do. Figures are
//! printed and never a failure; lines that are not those of the points are one.

mod random;
mod points;
mod lines;
mod annotated;
mod influxql;
mod responses;
mod usage;
mod program;
mod go;
mod rivals;
mod csv2lp;
mod race;
mod memory;
mod table;
mod convert;
mod hosts;
mod plan;
mod migrate;

use std::ffi::OsString;
use std::io;

use anyhow::ensure;
use clap::{Parser, Subcommand};

/// Benchmarks of tsm2iox.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Benchmark,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// The conversion of responses: speed, bytes written, memory
    Convert {
        /// Take small responses: the figures say little then
        #[arg(long)]
        quick: bool,
        /// How often each runs; what counts is the median
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
    },
    /// The plan of a migration with a long history: memory, and the time of a step
    Plan {
        /// Batches that are recorded
        #[arg(long, default_value_t = 100_000)]
        records: u32,
    },
    /// Other hosts of the component beside this program's, and several workers of Apache Beam beside one
    Hosts {
        /// Take a small response and few batches: the figures say little then
        #[arg(long)]
        quick: bool,
        /// How often each is run, to convert ten times; of each run the least of five counts, of the runs the
        /// median
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
    },
    /// Whole migrations: speed, CPU, memory, start, beside curl and `influx write`
    Migrate(migrate::Options),
    /// Be a destination for migrations, see `migrate/stand_in.rs`
    #[command(hide = true)]
    StandIn,
    /// Run a command and print what it took, see `usage`
    #[command(hide = true)]
    Measure {
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Benchmark::Convert { quick, rounds } => {
            ensure!(!cfg!(debug_assertions), "only a build with `--release` is worth measuring");
            let sizes = if quick { &convert::QUICK } else { &convert::WHOLE };
            convert::run(sizes, rounds, &mut io::stdout().lock())
        }
        Benchmark::Plan { records } => {
            ensure!(!cfg!(debug_assertions), "only a build with `--release` is worth measuring");
            plan::run(records, &mut io::stdout().lock())
        }
        Benchmark::Hosts { quick, rounds } => {
            ensure!(!cfg!(debug_assertions), "only a build with `--release` is worth measuring");
            let sizes = if quick { &hosts::QUICK } else { &hosts::WHOLE };
            hosts::run(sizes, rounds, &mut io::stdout().lock())
        }
        Benchmark::Migrate(options) => {
            ensure!(!cfg!(debug_assertions), "only a build with `--release` is worth measuring");
            migrate::run(options, &mut io::stdout().lock())
        }
        Benchmark::StandIn => migrate::serve(io::stdin().lock(), &mut io::stdout().lock()),
        Benchmark::Measure { command } => usage::measure(&command, &mut io::stdout().lock()),
    }
}
