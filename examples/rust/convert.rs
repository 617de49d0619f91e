//! The component in a program of your own: annotated CSV on standard input, line protocol on standard output.
//!
//! ```sh
//! cargo run --release --example convert < examples/quickstart.csv
//! ```

use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use wasmtime::component::{Component, Linker, bindgen};
use wasmtime::{Cache, Config, Engine, Store, StoreLimits, StoreLimitsBuilder};

mod bindings {
    // In a module of its own: it is generated, and not documented.
    super::bindgen!({ world: "text", path: "wit" });
}

/// An instance that wants more memory than this, in bytes, is lost.
const MEMORY_MAX: usize = 512 << 20;
/// And one that takes longer than this, in seconds.
const SECONDS_MAX: u64 = 60;

fn main() -> anyhow::Result<()> {
    // What is compiled once is kept on this machine.
    let cache = Some(Cache::from_file(None)?);
    let engine = Engine::new(Config::new().epoch_interruption(true).cache(cache))?;
    let component = Component::new(&engine, tsm2iox_guest::COMPONENT)?;
    let linker = Linker::new(&engine); // With nothing in it: the component imports nothing.
    let limits = StoreLimitsBuilder::new().memory_size(MEMORY_MAX).build();
    let mut store = Store::new(&engine, limits);
    store.limiter(|limits: &mut StoreLimits| limits);
    store.set_epoch_deadline(1);
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(SECONDS_MAX));
        engine.increment_epoch();
    });
    let text = bindings::Text::instantiate(&mut store, &component, &linker)?;
    let mut response = String::new();
    io::stdin().read_to_string(&mut response)?;
    let converted = text.call_convert(&mut store, &response, "{}")?;
    io::stdout().write_all(converted.map_err(|said| anyhow!(said))?.as_bytes())?;
    Ok(())
}
