//! What the faults of each kind cost: runs, and time until a migration is complete.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Figures by kind of fault.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: Mutex<BTreeMap<String, Figures>>,
}

#[derive(Debug, Default)]
struct Figures {
    migrations: u32,
    runs: u32,
    took: Duration,
    longest: Duration,
}

impl Tally {
    /// A migration has taken so many runs and so long.
    pub(crate) fn add(&self, kind: &str, runs: u32, took: Duration) {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        for name in [kind, "all"] {
            let figures = kinds.entry(name.to_owned()).or_default();
            figures.migrations += 1;
            figures.runs += runs;
            figures.took += took;
            figures.longest = figures.longest.max(took);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(f, "{:40} migrations   runs   mean, longest until complete", "fault")?;
        for (kind, Figures { migrations, runs, took, longest }) in &*kinds {
            let (mean, longest) = ((*took / *migrations).as_millis(), longest.as_millis());
            writeln!(f, "{kind:40} {migrations:10} {runs:6}   {mean} ms, {longest} ms")?;
        }
        Ok(())
    }
}
