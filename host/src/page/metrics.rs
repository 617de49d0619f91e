//! What is known of a run, for Prometheus: its text format, and its conventions of names.
//!
//! Does not know how it came to be known.

use std::fmt::Write;

use crate::watch::State;

/// All metrics.
pub(super) fn text(state: &State) -> String {
    let mut text = String::new();
    let version = env!("CARGO_PKG_VERSION");
    push(
        &mut text,
        "build_info",
        "gauge",
        "The version of this program.",
        &[(format!("{{version=\"{version}\"}}"), 1.0)],
    );
    for metric in state.metrics() {
        let values: Vec<_> =
            metric.values.iter().map(|(labels, value)| (labels.clone(), *value)).collect();
        push(&mut text, metric.name, metric.kind, metric.help, &values);
    }
    text
}

fn push(text: &mut String, name: &str, kind: &str, help: &str, values: &[(String, f64)]) {
    let mut line = |line: std::fmt::Arguments<'_>| {
        writeln!(text, "{line}").expect("a string takes all");
    };
    line(format_args!("# HELP tsm2iox_{name} {help}"));
    line(format_args!("# TYPE tsm2iox_{name} {kind}"));
    for (labels, value) in values {
        line(format_args!("tsm2iox_{name}{labels} {value}"));
    }
}
