//! Rivals on the same bytes, in turns: what disturbs the machine for a while disturbs all of them.

use std::time::Duration;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Memchr,
    CsvCore,
    Rmp,
    Native,
    Component,
    Csv2lp,
    Python,
    Node,
}

/// One that takes part, and what it does: work that says what CPU time it took.
pub(crate) struct Rival<'a> {
    pub(crate) who: Who,
    pub(crate) run: Box<dyn Fn() -> anyhow::Result<Duration> + 'a>,
}

/// The median of each.
#[derive(Debug)]
pub(crate) struct Times(pub(crate) Vec<(Who, Duration)>);

/// Lets each run so many times.
///
/// # Errors
/// The first of any of them.
pub(crate) fn race(rivals: &[Rival<'_>], rounds: u32) -> anyhow::Result<Times> {
    let mut times = vec![Vec::new(); rivals.len()];
    for _ in 0..rounds {
        for (rival, times) in rivals.iter().zip(&mut times) {
            times.push((rival.run)()?);
        }
    }
    let medians = times.into_iter().map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    Ok(Times(rivals.iter().map(|rival| rival.who).zip(medians).collect()))
}

impl Times {
    /// How many times as fast one is as another, if both took part.
    pub(crate) fn speed(&self, of: Who, beside: Who) -> Option<f64> {
        Some(self.seconds(beside)? / self.seconds(of)?)
    }

    fn seconds(&self, of: Who) -> Option<f64> {
        self.0.iter().find(|(who, _)| *who == of).map(|(_, time)| time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::{Rival, Who, race};

    #[test]
    fn the_median_counts() {
        let rounds = Cell::new(0);
        let ten = || Ok(Duration::from_millis(10));
        // The first time is slow, as it often is.
        let slow_at_first = || {
            rounds.set(rounds.get() + 1);
            Ok(Duration::from_millis(if rounds.get() == 1 { 900 } else { 20 + rounds.get() }))
        };
        let rivals = [
            Rival { who: Who::Component, run: Box::new(ten) },
            Rival { who: Who::Csv2lp, run: Box::new(slow_at_first) },
        ];
        let times = race(&rivals, 3).unwrap();
        let ms = Duration::from_millis;
        assert_eq!(times.0, [(Who::Component, ms(10)), (Who::Csv2lp, ms(23))]);
        assert_eq!(times.speed(Who::Component, Who::Csv2lp), Some(2.3));
        assert_eq!(times.speed(Who::Component, Who::Rmp), None);
    }
}
