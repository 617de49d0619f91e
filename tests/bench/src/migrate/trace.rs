//! How a source was asked: how often, and when not. Does not know what was asked.

use std::io::{self, Write};
use std::time::Duration;

use super::relay::Exchange;

/// A pause in which more happened than that an answer was read and the next question made.
const LONG: Duration = Duration::from_millis(100);

/// Of one migration.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trace {
    requests: usize,
    /// What was answered, heads included.
    pub(crate) bytes: u64,
    /// While the source was asked nothing.
    pauses: Duration,
    longest: Duration,
    /// How many were longer than `LONG`.
    long: usize,
    /// From each question to the first byte of its answer.
    waited: Duration,
}

impl Trace {
    /// What these exchanges were.
    pub(crate) fn of(exchanges: &[Exchange]) -> Self {
        let mut trace = Self { requests: exchanges.len(), ..Self::default() };
        let mut until = None;
        for exchange in exchanges {
            trace.bytes += exchange.bytes;
            trace.waited += exchange.heard.saturating_duration_since(exchange.asked);
            let pause = until.map(|until| exchange.asked.saturating_duration_since(until));
            let pause = pause.unwrap_or_default();
            trace.pauses += pause;
            trace.longest = trace.longest.max(pause);
            trace.long += usize::from(pause > LONG);
            // More than one may be asked at a time.
            until = until.max(Some(exchange.answered));
        }
        trace
    }
}

/// Prints how the source was asked by some runs.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(traces: &[(&str, Trace)], out: &mut impl Write) -> io::Result<()> {
    let (requests, megabytes, waited) = ("requests", "MB", "s to answer");
    let (pauses, long, longest) = ("s not asked", "> 100 ms", "at most ms");
    writeln!(
        out,
        "  {:<20}{requests:>9}{megabytes:>9}{waited:>12}{pauses:>12}{long:>9}{longest:>11}",
        "the source, asked"
    )?;
    for (what, trace) in traces {
        let Trace { requests, long, .. } = trace;
        let megabytes = trace.bytes as f64 / 1e6;
        let (waited, pauses) = (trace.waited.as_secs_f64(), trace.pauses.as_secs_f64());
        let longest = trace.longest.as_secs_f64() * 1e3;
        writeln!(
            out,
            "  {what:<20}{requests:>9}{megabytes:>9.1}{waited:>12.2}{pauses:>12.2}{long:>9}\
             {longest:>11.0}",
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Trace;
    use crate::migrate::relay::Exchange;

    #[test]
    fn a_pause_is_where_nothing_is_asked() {
        let began = Instant::now();
        let exchange = |asked: u64, answered: u64| {
            let at = |ms| began + Duration::from_millis(ms);
            Exchange {
                asked: at(asked),
                heard: at(asked + 1),
                answered: at(answered),
                bytes: 10,
                ..Exchange::new(began)
            }
        };
        // The third begins while the second goes on.
        let exchanges = [(0, 10), (15, 400), (20, 30), (600, 601)];
        let trace = Trace::of(&exchanges.map(|(asked, answered)| exchange(asked, answered)));
        let ms = Duration::from_millis;
        assert_eq!((trace.requests, trace.bytes, trace.long), (4, 40, 1));
        assert_eq!((trace.pauses, trace.longest, trace.waited), (ms(205), ms(200), ms(4)));
    }
}
