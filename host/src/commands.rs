//! What each command does: the order of things, and nothing of how they are done.
//!
//! Does not know what a migration is: it opens a plan of the right purpose and drives it.

use std::borrow::Cow;
use std::path::Path;
use std::time::Instant;

use anyhow::anyhow;
use clap::CommandFactory;
use serde_json::Value;
use tsm2iox_guest::plan::{Batch, Ending, Outcome, Purpose};

use crate::cli::{self, Cli, Command};
use crate::component::{Component, Limits};
use crate::config::Config;
use crate::convert::convert;
use crate::drive::Batches;
use crate::findings::{self, Findings, Format};
use crate::init::{write_configuration, write_configuration_of};
use crate::machine::Machine;
use crate::page::Page;
use crate::report::{self, ExitStatus, PipeClosed, Then, Unfit, Warning};
use crate::watch::{Manner, State, Watch};

/// The contract, with its comments.
const WIT: [&str; 6] = [
    include_str!("../wit/types.wit"),
    include_str!("../wit/protocol.wit"),
    include_str!("../wit/planner.wit"),
    include_str!("../wit/converter.wit"),
    include_str!("../wit/configuration.wit"),
    include_str!("../wit/world.wit"),
];

/// Does what was typed.
///
/// # Errors
/// What came before there was an outcome, as `report::error` shows it.
pub fn execute(command: Command) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Init { from_task: None } => write_configuration(),
        Command::Init { from_task: Some(task) } => write_configuration_of(&task),
        Command::Run(run) if run.dry_run => list(&run.config, run.component.as_deref()),
        Command::Run(run) => migrate(&run),
        Command::Status { config, json } => status(&config, format(json)),
        Command::Check { config, json, quiet, component } => {
            check(&config, format(json), manner(quiet), component.as_deref())
        }
        Command::Verify(wishes) => verify(&wishes),
        Command::Convert { file, format, line_breaks, product } => {
            convert(&file, &cli::conversion_settings(format, line_breaks, product))
        }
        Command::Component { wit: true, text: _ } => write_contract(),
        Command::Component { wit: false, text: true } => write_binary(
            "module",
            "tsm2iox component --text > tsm2iox-text.wasm",
            tsm2iox_guest::TEXT_MODULE,
        ),
        Command::Component { wit: false, text: false } => {
            write_binary("component", "tsm2iox component > tsm2iox.wasm", tsm2iox_guest::COMPONENT)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tsm2iox", &mut script);
            report::write_data(&script).map(|()| ExitStatus::Complete)
        }
    }
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Text }
}

fn manner(quiet: bool) -> Manner {
    if quiet { Manner::Quiet } else { Manner::Talk }
}

fn migrate(run: &cli::Run) -> anyhow::Result<ExitStatus> {
    let component = open_component(run.component.as_deref())?;
    let mut config = Config::read(&run.config)?;
    if let Some(every) = &run.every {
        config.set("migration", "every", every.as_str());
    }
    let machine = Machine::open()?;
    let manner = if run.json { Manner::Events } else { manner(run.quiet) };
    let mut page = None;
    let watch = match run.listen {
        None => Watch::new(manner),
        Some(address) => {
            let watch = Watch::with_page(manner, known(&machine, &config, &component)?);
            let address =
                page.insert(Page::open(machine.runtime()?, address, watch.clone())?).address;
            if manner == Manner::Talk {
                report::talk(&format!("the page is at http://{address}/\n"));
            }
            if !address.ip().is_loopback() {
                let message = "others can read the page: it is not of this machine alone";
                report::warning(&Warning::new(message));
            }
            watch
        }
    };
    let next = format!("`tsm2iox verify {}`", run.config.display());
    let mut is_first = true;
    loop {
        let (began, component, purpose) = (Instant::now(), component.clone(), Purpose::Migrate);
        let outcome = machine.carry_out(&config, component, purpose, &watch, Batches::Driven);
        let outcome = match outcome {
            // Who reads the events is gone: what is not done is not complete.
            Err(error) if error.is::<PipeClosed>() => {
                let unfit = anyhow!("nobody reads standard output any more");
                return Err(unfit);
            }
            // Who watches has seen a round, and is told how this one ends.
            Err(error) if !is_first => report::outcome_of(&error),
            outcome => outcome?,
        };
        is_first = false;
        let every = config.every();
        let then = every.map_or(Then::Next(&next), |_| Then::Round);
        let status = watch.outcome(&outcome, began.elapsed(), then)?;
        let Some(every) = every else { return Ok(status) };
        // A person has to do something, or wants an end; what else stops a round, the next may not meet.
        if status == ExitStatus::Unfit || machine.stop.is_raised() {
            return Ok(status);
        }
        if machine.stop.wait(every.saturating_sub(began.elapsed())) {
            return Ok(status);
        }
    }
}

/// What is known before a run begins: the configuration, and the batches that are on record.
fn known(machine: &Machine, config: &Config, component: &Component) -> anyhow::Result<State> {
    let (component, watch) = (component.clone(), Watch::new(Manner::Silent));
    let batches = Batches::Refused;
    let outcome = machine.carry_out(config, component, Purpose::Status, &watch, batches)?;
    // What is wrong with it the run says.
    let mut status: Value = serde_json::from_str(&outcome.report).unwrap_or_default();
    let batches = status["last_batches"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let settings = crate::secrets::masked(&config.settings()).into_owned();
    Ok(State::beginning(serde_json::from_str(&settings).unwrap_or_default(), batches))
}

/// A dry run: the batches that are left, one a line.
fn list(config: &Path, component: Option<&Path>) -> anyhow::Result<ExitStatus> {
    let mut list = |batch: &Batch| {
        let line = format!("{} {}", batch.range, batch.selection);
        report::write_data(format!("{}\n", line.trim_end()).as_bytes())
    };
    let component = open_component(component)?;
    let (config, batches) = (Config::read(config)?, Batches::Listed(&mut list));
    let (machine, watch) = (Machine::open()?, Watch::new(Manner::Talk));
    let outcome = machine.carry_out(&config, component, Purpose::Split, &watch, batches)?;
    watch.rest();
    Ok(look(&outcome))
}

fn status(config: &Path, format: Format) -> anyhow::Result<ExitStatus> {
    let (component, config) = (Component::embedded()?, Config::read(config)?);
    let (machine, watch) = (Machine::open()?, Watch::new(Manner::Talk));
    let (status, batches) = (Purpose::Status, Batches::Refused);
    let outcome = machine.carry_out(&config, component, status, &watch, batches)?;
    watch.rest();
    if !outcome.report.is_empty() {
        print(&Findings::of_records(&outcome.report)?, format)?;
    }
    Ok(look(&outcome))
}

/// Looks at both sides, and keeps nothing.
fn check(
    config: &Path,
    format: Format,
    manner: Manner,
    component: Option<&Path>,
) -> anyhow::Result<ExitStatus> {
    let (component, bytes) = open_with_bytes(component)?;
    let (config, machine, watch) = (Config::read(config)?, Machine::open()?, Watch::new(manner));
    let (check, batches) = (Purpose::Check, Batches::Refused);
    let outcome = machine.carry_out(&config, component, check, &watch, batches)?;
    watch.rest();
    if !outcome.report.is_empty() {
        print(&Findings::read(&outcome.report, &bytes)?, format)?;
    }
    Ok(look(&outcome))
}

fn verify(wishes: &cli::Verify) -> anyhow::Result<ExitStatus> {
    let (component, bytes) = open_with_bytes(wishes.component.as_deref())?;
    let mut config = Config::read(&wishes.config)?;
    for (key, _) in [("deep", wishes.deep), ("repair", wishes.repair)].into_iter().filter(|w| w.1) {
        config.set("verify", key, true);
    }
    let (machine, watch) = (Machine::open()?, Watch::new(manner(wishes.quiet)));
    if config.flag("verify", "repair") {
        // What it writes must not come between what a run writes.
        machine.take_lock(&config)?;
    }
    let (purpose, batches) = (Purpose::Verify, Batches::Refused);
    let place = findings::Place::beside(&config);
    // However this one ends, nobody takes the last one for it.
    place.put_away()?;
    let outcome = machine.carry_out(&config, component, purpose, &watch, batches)?;
    watch.rest();
    if !outcome.report.is_empty() {
        let findings = Findings::read(&outcome.report, &bytes)?;
        // Kept first: who reads standard output may stop before its end.
        place.keep(&findings)?;
        print(&findings, format(wishes.json))?;
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

fn write_binary(what: &str, command: &str, bytes: &[u8]) -> anyhow::Result<ExitStatus> {
    if report::output_is_terminal() {
        let unfit = Unfit::new(format!("standard output is a terminal, and the {what} is binary"));
        return Err(unfit.with_hint(command).into());
    }
    report::write_data(bytes)?;
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
