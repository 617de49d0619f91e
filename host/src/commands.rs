//! What each command does: the order of things, and nothing of how they are done.
//!
//! Does not know what a migration is: it opens a plan of the right purpose and drives it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::runtime::Runtime;
use tsm2iox_guest::converter::{Converted, altered_warning};
use tsm2iox_guest::error::{Endpoint as Side, Error, Fault};
use tsm2iox_guest::plan::{Batch, Ending, Outcome, Purpose, Totals};

use crate::cli::{self, Command};
use crate::clock::Clock;
use crate::component::{Component, Conversion, Limits, Plan};
use crate::config::Config;
use crate::drive::{self, Batches, Host};
use crate::findings::{self, Findings, Format};
use crate::input::Content;
use crate::lock::Lock;
use crate::report::{self, ExitStatus, PipeClosed, Report, Unfit, Warning};
use crate::stop::Stop;

/// The contract, with its comments.
const WIT: [&str; 6] = [
    include_str!("../wit/types.wit"),
    include_str!("../wit/protocol.wit"),
    include_str!("../wit/planner.wit"),
    include_str!("../wit/converter.wit"),
    include_str!("../wit/configuration.wit"),
    include_str!("../wit/world.wit"),
];
/// The component takes a megabyte at most (`wit/configuration.wit`); what is beyond is not read.
const SCRIPT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// When all is done, an append that is still under way may take so long to get to the disk.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Does what was typed.
///
/// # Errors
/// What came before there was an outcome, as `report::error` shows it.
pub fn execute(command: Command) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Init { from_task: None } => write_configuration(),
        Command::Init { from_task: Some(task) } => write_configuration_of(&task),
        Command::Run { config, dry_run: false, every, component } => {
            run(&config, every.as_deref(), component.as_deref())
        }
        Command::Run { config, dry_run: true, component, .. } => {
            list(&config, component.as_deref())
        }
        Command::Status { config } => status(&config),
        Command::Check { config, json, component } => {
            let format = if json { Format::Json } else { Format::Text };
            check(&config, format, component.as_deref())
        }
        Command::Verify { config, deep, repair, json, component } => {
            let format = if json { Format::Json } else { Format::Text };
            let wishes = [("deep", deep), ("repair", repair)];
            let wishes = wishes.into_iter().filter_map(|(key, wish)| wish.then_some(key));
            verify(&config, &wishes.collect::<Vec<_>>(), format, component.as_deref())
        }
        Command::Convert { file, format, line_breaks, product } => {
            convert(&file, &cli::conversion_settings(format, line_breaks, product))
        }
        Command::Component { wit: false } => write_component(),
        Command::Component { wit: true } => write_contract(),
    }
}

fn run(config: &Path, every: Option<&str>, component: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let component = open_component(component)?;
    let mut config = Config::read(config)?;
    if let Some(every) = every {
        config.set("migration", "every", every);
    }
    let machine = Machine::open()?;
    loop {
        let (began, component, migrate) = (Instant::now(), component.clone(), Purpose::Migrate);
        let outcome =
            machine.carry_out(&config, component, migrate, Report::Talk, Batches::Driven)?;
        let status = report::outcome(&outcome, began.elapsed());
        let Some(every) = config.every() else { return Ok(status) };
        // A person has to do something, or wants an end; what else stops a round, the next may not meet.
        if status == ExitStatus::Unfit || machine.stop.is_raised() {
            return Ok(status);
        }
        if machine.stop.wait(every.saturating_sub(began.elapsed())) {
            return Ok(status);
        }
    }
}

/// A dry run: the batches that are left, one a line.
fn list(config: &Path, component: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let mut list = |batch: &Batch| {
        let line = format!("{} {}", batch.range, batch.selection);
        report::write_data(format!("{}\n", line.trim_end()).as_bytes())
    };
    let component = open_component(component)?;
    let (config, batches) = (Config::read(config)?, Batches::Listed(&mut list));
    let machine = Machine::open()?;
    Ok(look(&machine.carry_out(&config, component, Purpose::Split, Report::Talk, batches)?))
}

fn status(config: &Path) -> anyhow::Result<ExitStatus> {
    let (component, config) = (Component::embedded()?, Config::read(config)?);
    let (machine, status) = (Machine::open()?, Purpose::Status);
    Ok(look(&machine.carry_out(&config, component, status, Report::Data, Batches::Refused)?))
}

/// Looks at both sides, and keeps nothing.
fn check(config: &Path, format: Format, component: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let (component, bytes) = open_with_bytes(component)?;
    let (config, machine) = (Config::read(config)?, Machine::open()?);
    let (check, batches) = (Purpose::Check, Batches::Refused);
    let outcome = machine.carry_out(&config, component, check, Report::Talk, batches)?;
    if !outcome.report.is_empty() {
        print(&Findings::read(&outcome.report, &bytes)?, format)?;
    }
    Ok(look(&outcome))
}

/// Compares both sides; `wishes` are keys of `[verify]` that are to be true.
fn verify(
    config: &Path,
    wishes: &[&str],
    format: Format,
    component: Option<&Path>,
) -> anyhow::Result<ExitStatus> {
    let (component, bytes) = open_with_bytes(component)?;
    let mut config = Config::read(config)?;
    wishes.iter().for_each(|key| config.set("verify", key, true));
    let machine = Machine::open()?;
    if config.flag("verify", "repair") {
        // What it writes must not come between what a run writes.
        machine.take_lock(&config)?;
    }
    let (purpose, batches) = (Purpose::Verify, Batches::Refused);
    let place = findings::Place::beside(&config);
    // However this one ends, nobody takes the last one for it.
    place.put_away()?;
    let outcome = machine.carry_out(&config, component, purpose, Report::Talk, batches)?;
    if !outcome.report.is_empty() {
        let findings = Findings::read(&outcome.report, &bytes)?;
        // Kept first: who reads standard output may stop before its end.
        place.keep(&findings)?;
        print(&findings, format)?;
    }
    Ok(match &outcome.ending {
        Ending::Different => ExitStatus::Different,
        Ending::Complete | Ending::Stopped(_) | Ending::Failed(_) => look(&outcome),
    })
}

/// Whoever reads it may stop before its end: that changes nothing of what was found.
fn print(findings: &Findings, format: Format) -> anyhow::Result<()> {
    match findings.print(format) {
        Err(error) if error.is::<PipeClosed>() => Ok(()),
        printed => printed,
    }
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
    open_with_bytes(file).map(|(component, _)| component)
}

/// The component, and the bytes that it was made of: a report says which.
fn open_with_bytes(file: Option<&Path>) -> Result<(Component, Cow<'static, [u8]>), Unfit> {
    let Some(path) = file else {
        return Ok((Component::embedded()?, tsm2iox_guest::COMPONENT.into()));
    };
    let bytes = Component::read(path)?;
    let component = Component::compile(&path.display().to_string(), &bytes, Limits::default())?;
    Ok((component, bytes.into()))
}

/// What all plans of a command work with.
struct Machine {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    stop: Stop,
    /// Held as long as anything of a migration may be under way: it is given back after the runtime has
    /// ended, for an append that comes late would cut what another run has written.
    lock: OnceCell<Lock>,
}

impl Machine {
    fn open() -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("no threads for requests")?;
        let stop = Stop::default();
        stop.raise_at_signals(runtime.handle()).context("signals cannot be heard")?;
        Ok(Self { runtime: Some(runtime), stop, lock: OnceCell::new() })
    }

    /// Whoever writes is alone.
    fn take_lock(&self, config: &Config) -> anyhow::Result<()> {
        let lock = Lock::take(&config.lock_path()?)?;
        self.lock.get_or_init(|| lock);
        Ok(())
    }

    /// Opens a plan and what it works with, and drives it to its end.
    fn carry_out(
        &self,
        config: &Config,
        component: Component,
        purpose: Purpose,
        report: Report,
        batches: Batches<'_>,
    ) -> anyhow::Result<Outcome> {
        // First the plan: it knows all keys, and explains a misspelt one.
        let plan = match Plan::open(&component, purpose, &config.settings())? {
            Ok(plan) => plan,
            Err(error) => return Ok(drive::failed(error)),
        };
        let endpoints = Arc::new(config.endpoints(sides(purpose))?);
        match purpose {
            Purpose::Migrate if self.lock.get().is_none() => {
                self.take_lock(config)?;
                let warnings = config.warnings(sides(purpose))?;
                warnings.iter().for_each(report::warning);
            }
            // They record nothing, or it is a later round.
            Purpose::Migrate
            | Purpose::Check
            | Purpose::Split
            | Purpose::Batch
            | Purpose::Verify
            | Purpose::Status => {}
        }
        let runtime = self.runtime.as_ref().context("the machine is at its end")?.handle().clone();
        let host = Host {
            component,
            endpoints,
            report,
            runtime,
            stop: self.stop.clone(),
            clock: Clock::start(),
        };
        drive::drive(&host, plan, batches).or_else(|error| match error.is::<PipeClosed>() {
            true => Err(error),
            // The component is lost, and what is recorded is not: another run goes on from there.
            false => {
                let ending = Ending::Stopped(Error::new(Fault::Internal, format!("{error:#}")));
                Ok(Outcome::new(ending, Totals::default()))
            }
        })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
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

fn write_configuration() -> anyhow::Result<ExitStatus> {
    let text = Component::embedded()?.commented_configuration()?;
    report::write_data(text.as_bytes())?;
    Ok(ExitStatus::Complete)
}

fn write_configuration_of(task: &Path) -> anyhow::Result<ExitStatus> {
    let (name, content) = open_content(task);
    let unfit = |reason: &str| Unfit::new(format!("{name} cannot be read: {reason}"));
    let unreadable = |error: io::Error| unfit(&report::reason(&error));
    let mut content = content.map_err(unreadable)?;
    let mut script = Vec::new();
    // The component refuses what is longer, and says so.
    while script.len() <= SCRIPT_BYTES_MAX {
        let piece = content.piece().map_err(unreadable)?;
        if piece.is_empty() {
            break;
        }
        script.extend(piece);
    }
    script.truncate(SCRIPT_BYTES_MAX + 1);
    let script = String::from_utf8(script).map_err(|_| unfit("it is not UTF-8"))?;
    match Component::embedded()?.configuration_of_task(&script)? {
        Ok(text) => {
            report::write_data(text.as_bytes())?;
            Ok(ExitStatus::Complete)
        }
        Err(error) => {
            let error = error.within(&name);
            Ok(report::refusal(&error, ExitStatus::Unfit))
        }
    }
}

/// What a command reads, with its name for messages; `-` is standard input.
fn open_content(file: &Path) -> (String, io::Result<Content>) {
    match file.as_os_str() == "-" {
        true => ("the input".to_owned(), Content::of_standard_input()),
        false => (file.display().to_string(), Content::of_file(file)),
    }
}

fn convert(file: &Path, settings: &str) -> anyhow::Result<ExitStatus> {
    let (name, content) = open_content(file);
    let unreadable =
        |error: io::Error| format!("{name} cannot be read: {}", report::reason(&error));
    let mut content = content.map_err(|error| Unfit::new(unreadable(error)))?;
    let mut conversion = match Conversion::open(&Component::embedded()?, settings)? {
        Ok(conversion) => conversion,
        Err(error) => return Ok(report::refusal(&error, ExitStatus::Stopped)),
    };
    let mut altered = 0;
    let mut write = |converted: &Converted| {
        altered += converted.altered;
        report::write_data(converted.lines.as_bytes())
    };
    let last = loop {
        // The lines so far are written; nobody may take them for all.
        let piece = content.piece().map_err(|error| anyhow!(unreadable(error)))?;
        let converted = match piece.is_empty() {
            true => break conversion.finish()?,
            false => conversion.push(&piece)?,
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
        report::warning(&Warning::new(altered_warning(altered)));
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
