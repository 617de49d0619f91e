//! What is known, as a person sees it on a terminal or in a log.

use std::fmt::Write;

use tsm2iox_guest::plan::{Totals, bytes, counted, percentage};

use super::traffic::{Bytes, SECOND};
use super::{State, second};
use crate::report::visible;

impl State {
    /// Tenths of a percent that are done.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float out of range is cut by `as`"
    )]
    pub(in crate::watch) fn tenths(&self) -> u64 {
        self.whole.as_ref().map_or(0, |whole| (whole.percent * 10.0).floor() as u64)
    }

    /// What stands beside the bar, and below it.
    pub(in crate::watch) fn display(&self) -> (String, String) {
        let percent = self.whole.as_ref().map_or(0.0, |whole| whole.percent);
        let mut head = percentage(percent);
        if let Some(seconds) = self.whole.as_ref().and_then(|whole| whole.left) {
            push(&mut head, format_args!("  about {} left", duration(seconds)));
        }
        let mut lines = vec![self.doing()];
        let totals = self.totals();
        if totals.read > 0 || totals.written > 0 {
            lines.push(self.moved_so_far(&totals));
        }
        lines.extend(self.windows_line());
        if totals.rejected > 0 {
            let points = counted(totals.rejected, "point was", "points were");
            lines.push(format!("{points} refused, and set aside"));
        }
        if let Some(until) = self.waits_until_as_said() {
            lines.push(format!("waits until {}", second(until)));
        }
        (head, lines.join("\n"))
    }

    /// The same in one line, for a log.
    pub(in crate::watch) fn line(&self) -> String {
        let mut line = self.doing();
        let totals = self.totals();
        if totals.rows > 0 {
            push(&mut line, format_args!("; {}", self.moved_so_far(&totals)));
        }
        let Some(whole) = &self.whole else { return line + "\n" };
        if whole.percent > 0.0 {
            push(&mut line, format_args!("; {} complete", percentage(whole.percent)));
        }
        if let Some(seconds) = whole.left {
            push(&mut line, format_args!("; about {} left", duration(seconds)));
        }
        if let Some(until) = self.waits_until_as_said() {
            push(&mut line, format_args!("; waits until {}", second(until)));
        }
        line + "\n"
    }

    /// What it does: mostly a batch, of several the first.
    fn doing(&self) -> String {
        let mut in_hand = self.in_hand.values().filter(|one| !one.has_ended);
        let Some(first) = in_hand.next() else {
            return self.whole.as_ref().map(|whole| visible(&whole.doing)).unwrap_or_default();
        };
        let mut doing = visible(&first.doing);
        if doing.is_empty() {
            doing = format!("batch {}/{}", first.start, first.stop);
        }
        let more = in_hand.count() as u64;
        if more > 0 {
            push(&mut doing, format_args!(", and {}", counted(more, "batch more", "batches more")));
        }
        doing
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate out of range is cut by `as`"
    )]
    fn moved_so_far(&self, totals: &Totals) -> String {
        let (read, written) = (bytes(totals.read), bytes(totals.written));
        let rows = counted(totals.rows, "row", "rows");
        let rate = self.traffic.rate(self.now) as u64;
        let rate = if rate > 0 { format!(", {rate} a second") } else { String::new() };
        format!("{rows}{rate}; {read} read, {written} written")
    }

    /// What was moved in this window, against what may be.
    fn windows_line(&self) -> Option<String> {
        let seconds = self.limits.window_seconds?;
        // No stretch of time as long as a window holds more.
        let Bytes { read, written } =
            self.traffic.of_last(seconds.saturating_mul(SECOND), self.now);
        let sides =
            [("read", read, self.limits.read_bytes), ("written", written, self.limits.write_bytes)];
        let limited = sides.into_iter().filter_map(|(what, moved, limit)| {
            Some(format!("{} of {} {what}", bytes(moved), bytes(limit?)))
        });
        let limited: Vec<_> = limited.collect();
        let length = duration(seconds);
        (!limited.is_empty()).then(|| format!("in the last {length}: {}", limited.join(", ")))
    }
}

/// As exact as an estimate is: from a minute on without seconds, from a day on without minutes.
fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a string takes all that is written");
}
