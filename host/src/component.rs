//! The component in its cage: no imports, a ceiling for memory and for time, and no trust.
//!
//! Here and in `component/contract.rs` are the only WIT types of the host: what comes out is
//! checked and becomes the native types of the guest crate. Does not know what a plan is for.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tsm2iox_guest::converter::Converted;
use tsm2iox_guest::error::Error;
use tsm2iox_guest::plan::{Answer, Progress, Purpose, Step};
use tsm2iox_guest::time::Timestamp;
use wasmtime::component::{Linker, ResourceAny};
use wasmtime::{Cache, CacheConfig, Config, Engine, ResourceLimiter, Store, Trap};

use crate::report::{Unfit, reason};

mod contract;

mod bindings {
    wasmtime::component::bindgen!({ path: "wit", world: "migration" });
}
use bindings::{Migration, MigrationPre};

/// A component file beyond this is none of ours, which has less than a hundredth of it.
const COMPONENT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// All that one call may give to the host, counted as it is copied: a component could else say
/// one long text a million times.
const RESULT_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Core instances, and tables, in an instance of a component; ours has two at most.
const INSTANCES_MAX: usize = 8;
/// Functions that a component may refer to; ours has less than two thousand.
const TABLE_ELEMENTS_MAX: usize = 100_000;
/// How often a call is looked at: the precision of `Limits::call`.
const TICK: Duration = Duration::from_millis(100);

/// The ceilings of an instance.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of its memory. A plan holds the bodies that are not acknowledged and the fields of
    /// one series: tens of megabytes.
    pub memory_bytes: usize,
    /// How long a call may take. Any takes milliseconds: what needs longer is in a loop.
    pub call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 512 * 1024 * 1024, call: Duration::from_secs(30) }
    }
}

/// A compiled component, from which instances are made.
#[derive(Clone)]
pub struct Component {
    instances: MigrationPre<Ceiling>,
    limits: Limits,
}

/// Where there is no such export.
const CONTRACT_HINT: &str =
    "it may be of another version: `tsm2iox component --wit` prints the contract of this one";

impl Component {
    /// The component inside this program.
    ///
    /// # Errors
    /// As `compile`.
    pub fn embedded() -> Result<Self, Unfit> {
        let name = "the component inside this program";
        Self::compile(name, tsm2iox_guest::COMPONENT, Limits::default())
    }

    /// The bytes of a component in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is too large.
    pub fn read(path: &Path) -> Result<Vec<u8>, Unfit> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| {
                Unfit::new(format!("component {name} cannot be read: {}", reason(&error)))
            })?;
        if bytes.len() as u64 > COMPONENT_BYTES_MAX {
            return Err(Unfit::new(format!("{name} is larger than any component of tsm2iox")));
        }
        Ok(bytes)
    }

    /// Compiles a component, or takes it from the cache of this machine.
    ///
    /// # Errors
    /// If it is none, wants to import something, or does not keep to the contract.
    pub fn compile(name: &str, bytes: &[u8], limits: Limits) -> Result<Self, Unfit> {
        let unfit = |what: &str| {
            let what = format!("{name} {what}");
            move |error: wasmtime::Error| Unfit::new(format!("{what}: {}", error.root_cause()))
        };
        let engine = engine().map_err(unfit("cannot be compiled here"))?;
        let component = wasmtime::component::Component::new(&engine, bytes)
            .map_err(unfit("is no WebAssembly component"))?;
        let linked = Linker::new(&engine).instantiate_pre(&component);
        let linked = linked.map_err(unfit("asks for imports, and there are none"))?;
        let instances = MigrationPre::new(linked)
            .map_err(unfit("does not keep to the contract"))
            .map_err(|unfit| unfit.with_hint(CONTRACT_HINT))?;
        Ok(Self { instances, limits })
    }

    /// A configuration to begin with, with its comments.
    ///
    /// # Errors
    /// If the component crashes, or says what the contract does not allow.
    pub fn commented_configuration(&self) -> anyhow::Result<String> {
        let mut instance = self.instantiate()?;
        let text = instance.call("commented", |exports, store| {
            exports.tsm2iox_migration_configuration().call_commented(store)
        })?;
        contract::configuration(text)
    }

    /// The same for what a task moves. The inner error is the component's own: it does not understand
    /// the script.
    ///
    /// # Errors
    /// As `commented_configuration`.
    pub fn configuration_of_task(&self, script: &str) -> anyhow::Result<Result<String, Error>> {
        let mut instance = self.instantiate()?;
        let text = instance.call("of-task", |exports, store| {
            exports.tsm2iox_migration_configuration().call_of_task(store, script)
        })?;
        match text {
            Ok(text) => contract::configuration(text).map(Ok),
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// An instance of its own, for one plan, one conversion or one text.
    fn instantiate(&self) -> anyhow::Result<Instance> {
        let mut store = Store::new(self.instances.engine(), Ceiling(self.limits.memory_bytes));
        store.limiter(|ceiling| ceiling);
        store.set_hostcall_fuel(RESULT_BYTES_MAX);
        store.set_epoch_deadline(self.limits.ticks());
        match self.instances.instantiate(&mut store) {
            Ok(exports) => Ok(Instance { store, exports, limits: self.limits }),
            Err(error) => Err(self.limits.crash("its start", &error)),
        }
    }
}

fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // Without what only backtraces need, which nobody sees: it takes time to be loaded.
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    // Without a home, for instance, there is no cache: then each run compiles anew.
    config.cache(Cache::new(CacheConfig::new()).ok());
    let engine = Engine::new(&config)?;
    let ticking = engine.weak();
    // Ends with the last component of the engine.
    thread::spawn(move || {
        while let Some(engine) = ticking.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    });
    Ok(engine)
}

impl Limits {
    fn ticks(self) -> u64 {
        // One more, for the first is already under way.
        (self.call.as_millis() / TICK.as_millis()).try_into().unwrap_or(u64::MAX - 1) + 1
    }

    /// What a trap says to a person.
    fn crash(self, call: &str, error: &wasmtime::Error) -> anyhow::Error {
        let reason = match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => format!("it took more than {} s", self.call.as_secs_f64()),
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        anyhow!("the component crashed in `{call}`: {reason}")
    }
}

/// The memory that an instance may have, in bytes.
struct Ceiling(usize);

impl ResourceLimiter for Ceiling {
    fn memory_growing(&mut self, _: usize, to: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // A trap says more than the -1 that `memory.grow` gives else.
        wasmtime::ensure!(to <= self.0, "it needs more than {} MiB of memory", self.0 >> 20);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, to: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(to <= TABLE_ELEMENTS_MAX)
    }

    fn memories(&self) -> usize {
        1
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        INSTANCES_MAX
    }
}

struct Instance {
    store: Store<Ceiling>,
    exports: Migration,
    limits: Limits,
}

impl Instance {
    /// Calls a function of the component, with its time.
    fn call<T>(
        &mut self,
        name: &str,
        function: impl FnOnce(&Migration, &mut Store<Ceiling>) -> wasmtime::Result<T>,
    ) -> anyhow::Result<T> {
        self.store.set_epoch_deadline(self.limits.ticks());
        function(&self.exports, &mut self.store).map_err(|error| self.limits.crash(name, &error))
    }
}

/// A plan in an instance of its own. An error of any function is the end of it.
pub struct Plan {
    instance: Instance,
    plan: ResourceAny,
}

impl Plan {
    /// Opens a plan. The inner error is the plan's own: it does not take the settings.
    ///
    /// # Errors
    /// If the component crashes, as for all functions of a plan.
    pub fn open(
        component: &Component,
        purpose: Purpose,
        settings: &str,
    ) -> anyhow::Result<Result<Self, Error>> {
        let mut instance = component.instantiate()?;
        let opened = instance.call("open", |exports, store| {
            let plans = exports.tsm2iox_migration_planner().plan();
            plans.call_open(store, purpose.into(), settings)
        })?;
        Ok(opened.map(|plan| Self { instance, plan }).map_err(Error::from))
    }

    /// What to do next; `now` is the time of this machine.
    ///
    /// # Errors
    /// If the component crashes, or says what the contract does not allow.
    pub fn next(&mut self, now: Timestamp) -> anyhow::Result<Step> {
        let plan = self.plan;
        let step = self.instance.call("next", |exports, store| {
            exports.tsm2iox_migration_planner().plan().call_next(store, plan, now.0)
        })?;
        step.try_into().context("the component does not keep to the contract")
    }

    /// Answers the step of this id.
    ///
    /// # Errors
    /// If the component crashes.
    pub fn answer(&mut self, id: u64, answer: Answer) -> anyhow::Result<()> {
        let (plan, answer) = (self.plan, answer.into());
        self.instance.call("answer", |exports, store| {
            exports.tsm2iox_migration_planner().plan().call_answer(store, plan, id, &answer)
        })
    }

    /// Asks it to come to an end soon.
    ///
    /// # Errors
    /// If the component crashes.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let plan = self.plan;
        self.instance.call("stop", |exports, store| {
            exports.tsm2iox_migration_planner().plan().call_stop(store, plan)
        })
    }

    /// How far it is.
    ///
    /// # Errors
    /// If the component crashes.
    pub fn progress(&mut self, now: Timestamp) -> anyhow::Result<Progress> {
        let plan = self.plan;
        let progress = self.instance.call("progress", |exports, store| {
            exports.tsm2iox_migration_planner().plan().call_progress(store, plan, now.0)
        })?;
        Ok(progress.into())
    }
}

/// A conversion in an instance of its own.
pub struct Conversion {
    instance: Instance,
    conversion: ResourceAny,
}

impl Conversion {
    /// Begins a conversion. The inner error is the component's own, as for all functions here.
    ///
    /// # Errors
    /// If the component crashes, as for all functions here.
    pub fn open(component: &Component, settings: &str) -> anyhow::Result<Result<Self, Error>> {
        let mut instance = component.instantiate()?;
        let opened = instance.call("open", |exports, store| {
            exports.tsm2iox_migration_converter().conversion().call_open(store, settings)
        })?;
        Ok(opened.map(|conversion| Self { instance, conversion }).map_err(Error::from))
    }

    /// Takes the next piece of a response.
    ///
    /// # Errors
    /// If the component crashes.
    pub fn push(&mut self, bytes: &[u8]) -> anyhow::Result<Result<Converted, Error>> {
        let conversion = self.conversion;
        let converted = self.instance.call("push", |exports, store| {
            exports.tsm2iox_migration_converter().conversion().call_push(store, conversion, bytes)
        })?;
        Ok(converted.map(Converted::from).map_err(Error::from))
    }

    /// Ends the response.
    ///
    /// # Errors
    /// If the component crashes.
    pub fn finish(mut self) -> anyhow::Result<Result<Converted, Error>> {
        let conversion = self.conversion;
        let converted = self.instance.call("finish", |exports, store| {
            exports.tsm2iox_migration_converter().conversion().call_finish(store, conversion)
        })?;
        Ok(converted.map(Converted::from).map_err(Error::from))
    }
}

/// What is behind these says nothing to a person.
macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque!(Component, Conversion, Plan);
