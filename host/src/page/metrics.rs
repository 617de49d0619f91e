//! What is known of a run, for Prometheus: its text format, and its conventions of names.
//!
//! Does not know how it came to be known.

use std::fmt::{self, Write};

use crate::watch::{Metric, State};

/// All metrics.
pub(super) fn text(state: &State) -> String {
    let mut text = String::new();
    for metric in state.metrics() {
        push(&mut text, &metric).expect("a string takes all");
    }
    text
}

fn push(text: &mut String, Metric { name, kind, help, values }: &Metric) -> fmt::Result {
    writeln!(text, "# HELP tsm2iox_{name} {help}")?;
    writeln!(text, "# TYPE tsm2iox_{name} {kind}")?;
    for (labels, value) in values {
        writeln!(text, "tsm2iox_{name}{labels} {value}")?;
    }
    Ok(())
}
