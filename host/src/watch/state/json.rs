//! What is known, as JSON: for a page, and for programs. The README lists it.

use std::time::Duration;

use serde_json::{Value, json};
use tsm2iox_guest::plan::{Ending, Outcome, Totals};

use super::traffic::Window;
use super::{State, second};
use crate::report::{ExitStatus, visible};
use crate::watch::event::Event;

impl State {
    pub(in crate::watch) fn outcome(
        &mut self,
        outcome: &Outcome,
        status: ExitStatus,
        took: Duration,
    ) -> Event {
        let (word, error) = match &outcome.ending {
            Ending::Complete => ("complete", None),
            Ending::Different => ("different", None),
            Ending::Stopped(error) => ("stopped", Some(error)),
            Ending::Failed(error) => ("failed", Some(error)),
        };
        let message = match &outcome.ending {
            Ending::Complete => "all of it is moved, and nothing was set aside".to_owned(),
            Ending::Different => "all of it is moved, but points were set aside".to_owned(),
            Ending::Stopped(error) | Ending::Failed(error) => visible(&error.message),
        };
        let causes = error.map(|error| error.causes.as_slice()).unwrap_or_default();
        let causes: Vec<_> = causes.iter().map(|cause| visible(cause)).collect();
        let Totals { rows, points, read, written, rejected, saved } = outcome.totals;
        let ending = json!({
            "status": word,
            "exit_status": status.code(),
            "message": message,
            "causes": causes,
            "hint": error.and_then(|error| error.hint.as_deref()).map(visible),
            "rows": rows,
            "points": points,
            "read": read,
            "written": written,
            "rejected": rejected,
            "saved": saved,
            "seconds": took.as_secs_f64(),
        });
        self.ending = Some(ending.clone());
        Event::new("ending", ending)
    }

    pub(in crate::watch) fn progress_event(&self, is_for_programs: bool) -> Event {
        let data = json!({
            "now": second(self.now),
            "progress": self.progress_json(),
            "window": self.traffic.windows.back().map(window),
            "migration": self.migration(),
        });
        Event { name: "progress", data, is_for_programs }
    }

    fn progress_json(&self) -> Value {
        let Totals { rows, points, read, written, rejected, saved: _ } = self.totals();
        let in_hand = self.in_hand.values().filter(|one| !one.has_ended);
        let in_hand = in_hand.map(|one| {
            json!({
                "start": one.start,
                "stop": one.stop,
                "section": one.selection,
                "rows": one.totals.rows,
                "doing": visible(&one.doing),
            })
        });
        let whole = self.whole.as_ref();
        json!({
            "percent": whole.map_or(0.0, |whole| whole.percent),
            "rows": rows,
            "points": points,
            "read": read,
            "written": written,
            "rejected": rejected,
            "rate": self.traffic.rate(self.now),
            "seconds_left": whole.and_then(|whole| whole.left),
            "doing": whole.map(|whole| visible(&whole.doing)).unwrap_or_default(),
            "until": self.waits_until_as_said().map(|until| until.to_string()),
            "batches": in_hand.collect::<Vec<_>>(),
            "limits": {
                "window_seconds": self.traffic.window_seconds,
                "read_bytes": self.limits.read_bytes,
                "write_bytes": self.limits.write_bytes,
            },
        })
    }

    fn migration(&self) -> Value {
        let range = self.range.as_ref();
        range.map_or(Value::Null, |[start, stop]| json!({ "start": start, "stop": stop }))
    }

    /// All of it, for a page that begins.
    pub(in crate::watch) fn to_json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "now": second(self.now),
            "settings": self.settings,
            "migration": self.migration(),
            "ending": self.ending,
            "progress": self.progress_json(),
            "windows": self.traffic.windows.iter().map(window).collect::<Vec<_>>(),
            "batches": self.batches,
            "notes": self.notes,
            "refused": self.refused,
        })
    }
}

fn window(window: &Window) -> Value {
    json!({
        "start": second(window.start), "read": window.bytes.read, "written": window.bytes.written,
    })
}
