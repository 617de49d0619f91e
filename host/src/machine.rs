//! What all plans of a command work with: threads for requests, signals, the lock of whoever writes.
//!
//! Does not know what is asked for, nor what comes of it.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Handle, Runtime};
use tsm2iox_guest::error::{Endpoint as Side, Error, Fault};
use tsm2iox_guest::plan::{Ending, Note, Outcome, Purpose, Severity, Totals};

use crate::clock::Clock;
use crate::component::{Component, Plan};
use crate::config::Config;
use crate::drive::{self, Batches, Host};
use crate::lock::Lock;
use crate::report::{PipeClosed, Warning};
use crate::stop::Stop;
use crate::watch::{Of, Watch};

/// When all is done, an append that is still under way may take so long to get to the disk.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// What all plans of a command work with.
pub(crate) struct Machine {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    pub(crate) stop: Stop,
    /// Held as long as anything of a migration may be under way: it is given back after the runtime has
    /// ended, for an append that comes late would cut what another run has written.
    lock: OnceCell<Lock>,
}

impl Machine {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("no threads for requests")?;
        let stop = Stop::default();
        stop.raise_at_signals(runtime.handle()).context("signals cannot be heard")?;
        Ok(Self { runtime: Some(runtime), stop, lock: OnceCell::new() })
    }

    /// Where threads wait for requests.
    pub(crate) fn runtime(&self) -> anyhow::Result<&Handle> {
        Ok(self.runtime.as_ref().context("the machine is at its end")?.handle())
    }

    /// Whoever writes is alone.
    pub(crate) fn take_lock(&self, config: &Config) -> anyhow::Result<()> {
        let lock = Lock::take(&config.lock_path()?)?;
        self.lock.get_or_init(|| lock);
        Ok(())
    }

    /// Opens a plan and what it works with, and drives it to its end.
    pub(crate) fn carry_out(
        &self,
        config: &Config,
        component: Component,
        purpose: Purpose,
        watch: &Watch,
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
                let now = Clock::start().now();
                for Warning { message, hint } in config.warnings(sides(purpose))? {
                    // Whoever watches sees it, as what a plan warns of.
                    let (severity, data) = (Severity::Warning, "{}".to_owned());
                    watch.note(&Note { severity, message, hint, data }, now)?;
                }
            }
            // They record nothing, or it is a later round.
            Purpose::Migrate
            | Purpose::Check
            | Purpose::Split
            | Purpose::Batch
            | Purpose::Verify
            | Purpose::Status => {}
        }
        let runtime = self.runtime()?.clone();
        let host = Host {
            component,
            endpoints,
            watch: watch.clone(),
            of: Of::Whole,
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
