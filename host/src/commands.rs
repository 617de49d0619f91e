//! What each command does: the order of things, and nothing of how they are done.
//!
//! Does not know what a migration is: it opens a plan of the right purpose and drives it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::runtime::Runtime;
use tsm2iox_guest::converter::{Converted, altered_warning};
use tsm2iox_guest::error::{Endpoint as Side, Error, Fault};
use tsm2iox_guest::plan::{Batch, Ending, Outcome, Purpose, Totals};

use crate::cli::Command;
use crate::component::{Component, Conversion, Plan};
use crate::config::Config;
use crate::drive::{self, Batches, Host};
use crate::lock::Lock;
use crate::report::{self, ExitStatus, PipeClosed, Report, Unfit};
use crate::stop::Stop;

/// The contract, with its comments.
const WIT: [&str; 5] = [
    include_str!("../wit/types.wit"),
    include_str!("../wit/protocol.wit"),
    include_str!("../wit/planner.wit"),
    include_str!("../wit/converter.wit"),
    include_str!("../wit/world.wit"),
];
/// Responses are read in pieces of this, as those of a server are.
const PIECE_BYTES: usize = 256 * 1024;
/// When all is done, an append that is still under way may take so long to get to the disk.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Does what was typed.
///
/// # Errors
/// What came before there was an outcome, as `report::error` shows it.
pub fn execute(command: Command) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Run { config, dry_run: false, component } => run(&config, component.as_deref()),
        Command::Run { config, dry_run: true, component } => list(&config, component.as_deref()),
        Command::Status { config } => status(&config),
        Command::Convert { file } => convert(&file),
        Command::Component { wit: false } => write_component(),
        Command::Component { wit: true } => write_contract(),
    }
}

fn run(config: &Path, component: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let began = Instant::now();
    let component = open_component(component)?;
    let outcome = carry_out(config, component, Purpose::Migrate, Report::Talk, Batches::Driven)?;
    Ok(report::outcome(&outcome, began.elapsed()))
}

/// A dry run: the batches that are left, one a line.
fn list(config: &Path, component: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let mut list = |batch: &Batch| {
        let line = format!("{} {}", batch.range, batch.selection);
        report::write_data(format!("{}\n", line.trim_end()).as_bytes())
    };
    let component = open_component(component)?;
    let batches = Batches::Listed(&mut list);
    Ok(look(&carry_out(config, component, Purpose::Split, Report::Talk, batches)?))
}

fn status(config: &Path) -> anyhow::Result<ExitStatus> {
    let component = Component::embedded()?;
    Ok(look(&carry_out(config, component, Purpose::Status, Report::Data, Batches::Refused)?))
}

/// Ends a command that only looks: what it has seen is said, whether or not it is complete.
fn look(outcome: &Outcome) -> ExitStatus {
    match &outcome.ending {
        Ending::Complete | Ending::Different => ExitStatus::Complete,
        Ending::Stopped(error) => report::refusal(error, ExitStatus::Stopped),
        Ending::Failed(error) => report::refusal(error, ExitStatus::Unfit),
    }
}

fn open_component(file: Option<&Path>) -> Result<Component, Unfit> {
    file.map_or_else(Component::embedded, Component::from_file)
}

/// Opens a plan and what it works with, and drives it to its end.
fn carry_out(
    path: &Path,
    component: Component,
    purpose: Purpose,
    report: Report,
    batches: Batches<'_>,
) -> anyhow::Result<Outcome> {
    let config = Config::read(path)?;
    // First the plan: it knows all keys, and explains a misspelt one.
    let plan = match Plan::open(&component, purpose, &config.settings())? {
        Ok(plan) => plan,
        Err(error) => return Ok(drive::failed(error)),
    };
    let endpoints = Arc::new(config.endpoints(sides(purpose))?);
    let _lock = match purpose {
        Purpose::Migrate => Some(Lock::take(&config.lock_path()?)?),
        // They record nothing.
        Purpose::Check | Purpose::Split | Purpose::Batch | Purpose::Verify | Purpose::Status => {
            None
        }
    };
    let runtime = Runtime::new().context("no threads for requests")?;
    let stop = Stop::default();
    stop.raise_at_signals(runtime.handle()).context("signals cannot be heard")?;
    let host = Host { component, endpoints, report, runtime: runtime.handle().clone(), stop };
    let driven = drive::drive(&host, plan, batches);
    runtime.shutdown_timeout(SHUTDOWN);
    driven.or_else(|error| match error.is::<PipeClosed>() {
        true => Err(error),
        // The component is lost, and what is recorded is not: another run goes on from there.
        false => {
            let ending = Ending::Stopped(Error::new(Fault::Internal, format!("{error:#}")));
            Ok(Outcome { ending, totals: Totals::default(), checkpoint: String::new() })
        }
    })
}

/// What a plan may work with. To look at a checkpoint takes no token of the two sides.
fn sides(purpose: Purpose) -> &'static [Side] {
    match purpose {
        Purpose::Status => &[Side::Checkpoint],
        Purpose::Check | Purpose::Split | Purpose::Migrate | Purpose::Batch | Purpose::Verify => {
            &[Side::Checkpoint, Side::Source, Side::Destination, Side::Rejected]
        }
    }
}

fn convert(file: &Path) -> anyhow::Result<ExitStatus> {
    let unfit = |error| {
        let reason = report::reason(&error);
        Unfit::new(format!("{} cannot be read: {reason}", file.display()))
    };
    let mut input: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(file).map_err(unfit)?),
    };
    let mut conversion = match Conversion::open(&Component::embedded()?, "{}")? {
        Ok(conversion) => conversion,
        Err(error) => return Ok(report::refusal(&error, ExitStatus::Stopped)),
    };
    let mut altered = 0;
    let mut write = |converted: &Converted| {
        altered += converted.altered;
        report::write_data(converted.lines.as_bytes())
    };
    let mut piece = vec![0; PIECE_BYTES];
    let last = loop {
        let read = match input.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(unfit)?,
        };
        let converted = match read {
            0 => break conversion.finish()?,
            length => conversion.push(&piece[..length])?,
        };
        match converted {
            Ok(converted) => write(&converted)?,
            Err(error) => break Err(error),
        }
    };
    if let Ok(converted) = &last {
        write(converted)?;
    }
    if altered > 0 {
        report::warning(&altered_warning(altered));
    }
    Ok(match last {
        Ok(_) => ExitStatus::Complete,
        Err(error) => report::refusal(&error, ExitStatus::Stopped),
    })
}

fn write_component() -> anyhow::Result<ExitStatus> {
    if report::output_is_terminal() {
        let unfit = Unfit::new("standard output is a terminal, and the component is binary");
        return Err(unfit.with_hint("tsm2iox component > tsm2iox.wasm").into());
    }
    report::write_data(tsm2iox_guest::COMPONENT)?;
    Ok(ExitStatus::Complete)
}

fn write_contract() -> anyhow::Result<ExitStatus> {
    report::write_data(contract().as_bytes())?;
    Ok(ExitStatus::Complete)
}

/// The whole contract as one file of WIT: a package may be named only once there.
fn contract() -> String {
    let mut contract = WIT[0].to_owned();
    for file in &WIT[1..] {
        let (_package, rest) = file.split_once('\n').unwrap_or_default();
        contract.push_str(rest);
    }
    contract
}
