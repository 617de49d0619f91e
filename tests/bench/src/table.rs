//! What a person reads: figures in plain text, and whether they are what they should be.

use std::fmt;
use std::io::{self, Write};

use crate::race::{Times, Who};

/// What a ratio should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A ratio that was measured, and what it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) bound: Bound,
    /// Nothing, where what it is a ratio of did not take part.
    pub(crate) found: Option<f64>,
}

/// Prints what each took for a response of so many bytes.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_times(out: &mut impl Write, bytes: usize, times: &Times) -> io::Result<()> {
    writeln!(out, "  {:<28}{:>10}{:>10}{:>22}", "", "CPU ms", "MB/s", "component's speed")?;
    for (who, time) in &times.0 {
        let speed = bytes as f64 / 1e6 / time.as_secs_f64();
        let ms = time.as_secs_f64() * 1e3;
        let factor = times.speed(Who::Component, *who).unwrap_or(f64::NAN);
        let factor = format!("{factor:.3} of it");
        writeln!(out, "  {:<28}{ms:>10.1}{speed:>10.0}{factor:>22}", who.to_string())?;
    }
    Ok(())
}

/// Prints goals.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_goals(out: &mut impl Write, goals: &[Goal]) -> io::Result<()> {
    for goal in goals {
        let Goal { what, bound, found } = goal;
        let (found, verdict) = match found {
            None => (String::new(), "not measured"),
            Some(found) if bound.holds(*found) => (format!("{found:.3}"), "holds"),
            Some(found) => (format!("{found:.3}"), "MISSED"),
        };
        writeln!(out, "  goal: {:<42}{found:>8}  {verdict}", format!("{what} {bound}"))?;
    }
    Ok(())
}

impl Bound {
    fn holds(self, found: f64) -> bool {
        match self {
            Self::AtLeast(bound) => found >= bound,
            Self::AtMost(bound) => found <= bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memchr => "memchr, counting line ends",
            Self::CsvCore => "csv-core, splitting alone",
            Self::Rmp => "rmp, walking over tokens",
            Self::Native => "tsm2iox, natively",
            Self::Component => "tsm2iox, the component",
            Self::Csv2lp => "csv2lp of InfluxData",
            Self::Python => "Python, a string",
            Self::Node => "Node, pieces of bytes",
        })
    }
}
