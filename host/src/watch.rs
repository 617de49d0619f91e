//! Who watches: a person at a terminal, a log, a program that reads events, the live page. All see the same.
//!
//! Plans are driven on threads of their own, and tell here what happens; what that looks like is for `screen`
//! and `event`, and what it comes to for `state`. Does not know what a migration is.

mod echo;
mod event;
mod screen;
mod state;

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast;
use tsm2iox_guest::plan::{Batch, Note, Outcome, Progress, Severity, Totals};
use tsm2iox_guest::time::Timestamp;

pub use event::Event;
use screen::Screen;
pub use state::{Metric, State};

use crate::report::{self, ExitStatus, PipeClosed, Then};

/// A log gets a line at least so often.
const LINE_INTERVAL: Duration = Duration::from_secs(30);
/// A display is drawn anew so often, and the page gets news.
const DISPLAY_INTERVAL: Duration = Duration::from_millis(250);
/// A page that is so many events behind gets all anew.
const EVENTS_BEHIND_MAX: usize = 1024;

/// How what happens is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// On a terminal a display that is drawn anew, elsewhere lines; on standard error.
    Talk,
    /// Warnings and errors alone, on standard error.
    Quiet,
    /// Lines of JSON on standard output.
    Events,
    /// Nobody watches: what there is to say is said later.
    Silent,
}

/// Which plan something is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The one that was opened first.
    Whole,
    /// The one of the batch with this id.
    Batch(u64),
}

/// What happens goes here. Cheap to clone.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

struct Inner {
    manner: Manner,
    state: Mutex<State>,
    screen: Option<Screen>,
    /// Where a page hears of it, until it is closed.
    page: Mutex<Option<broadcast::Sender<Event>>>,
    has_page: bool,
}

impl Watch {
    /// Begins to watch.
    pub fn new(manner: Manner) -> Self {
        Self::with(manner, None, State::default())
    }

    /// The same, with a page that gets all of it; `state` is what is known already.
    pub fn with_page(manner: Manner, state: State) -> Self {
        let (page, _) = broadcast::channel(EVENTS_BEHIND_MAX);
        Self::with(manner, Some(page), state)
    }

    fn with(manner: Manner, page: Option<broadcast::Sender<Event>>, state: State) -> Self {
        // A terminal that cannot draw gets lines, as a log does.
        let is_display = manner == Manner::Talk && io::stderr().is_terminal() && !is_dumb();
        let screen = is_display.then(Screen::new);
        let (has_page, page) = (page.is_some(), Mutex::new(page));
        Self(Arc::new(Inner { manner, state: Mutex::new(state), screen, page, has_page }))
    }

    /// What is known, and what comes after that; `None` if there is no page.
    pub fn follow(&self) -> Option<(Value, broadcast::Receiver<Event>)> {
        // Nothing is told meanwhile: so the one follows the other without a gap.
        let state = self.state();
        let page = self.page();
        Some((state.to_json(), page.as_ref()?.subscribe()))
    }

    /// Nothing comes after this: who follows has all of it.
    pub fn close(&self) {
        self.page().take();
    }

    fn page(&self) -> MutexGuard<'_, Option<broadcast::Sender<Event>>> {
        self.0.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what is known.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state())
    }

    /// How often a plan's progress is wanted.
    pub fn interval(&self) -> Duration {
        match (self.0.manner, &self.0.screen, self.0.has_page) {
            (_, Some(_), _) | (_, _, true) => DISPLAY_INTERVAL,
            (Manner::Quiet | Manner::Silent, None, false) => Duration::MAX,
            // A plan may be asked a little early: what is not due is not shown.
            (Manner::Talk | Manner::Events, None, false) => LINE_INTERVAL / 30,
        }
    }

    /// A plan is driven from now on.
    pub fn begin(&self, of: Of, now: Timestamp) {
        self.state().begin(of, now);
    }

    /// Shows a note.
    ///
    /// # Errors
    /// Where standard output is written: as `report::write_data`.
    pub fn note(&self, note: &Note, now: Timestamp) -> anyhow::Result<()> {
        let events = self.state().note(note, now);
        match (self.0.manner, &self.0.screen) {
            (Manner::Talk, Some(screen)) => {
                if !State::is_displayed(note) {
                    screen.print(&report::note(note));
                }
            }
            (Manner::Talk, None) => report::talk(&report::note(note)),
            (Manner::Quiet, _) if note.severity != Severity::Info => {
                report::talk(&report::note(note));
            }
            (Manner::Quiet | Manner::Events | Manner::Silent, _) => {}
        }
        self.tell(events)
    }

    /// A batch is handed out.
    pub fn batch_begins(&self, batch: &Batch) {
        self.state().batch_begins(batch);
    }

    /// A batch is done, or is not: nothing more is heard of it.
    pub fn batch_ends(&self, id: u64) {
        self.state().batch_ends(id);
    }

    /// The whole has heard how a batch ended: from now on it counts what that has moved.
    pub fn batch_counts(&self, id: u64, totals: Totals) {
        self.state().batch_counts(id, totals);
    }

    /// Takes how far a plan is; `until` is when it goes on, if it waits for nothing but time.
    ///
    /// # Errors
    /// As `note`.
    pub fn progress(
        &self,
        of: Of,
        progress: &Progress,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let mut state = self.state();
        let due = state.progress(of, progress, until, now);
        match (self.0.manner, &self.0.screen) {
            (Manner::Talk, Some(screen)) => screen.draw(&state),
            (Manner::Talk, None) if due.line => report::talk(&state.line()),
            (Manner::Talk | Manner::Quiet | Manner::Events | Manner::Silent, _) => {}
        }
        let mut events = Vec::new();
        if self.0.has_page || due.event {
            events.push(state.progress_event(due.event));
        }
        drop(state);
        self.tell(events)
    }

    /// Takes how far a plan is that is done.
    pub fn progress_at_last(&self, of: Of, progress: &Progress, now: Timestamp) {
        let mut state = self.state();
        state.progress_at_last(of, progress, now);
        let event = state.progress_event(false);
        drop(state);
        self.tell_page(&event);
    }

    /// So many bytes leave for the destination.
    pub fn sends(&self, bytes: u64, now: Timestamp) {
        self.state().sends(bytes, now);
    }

    /// Something that was written to the file of refused points.
    pub fn refused(&self, text: &str, now: Timestamp) {
        let events = self.state().refused(text, now);
        // Who reads events hears of it by notes.
        events.into_iter().for_each(|event| self.tell_page(&event));
    }

    /// Says that an end is wished, and heard.
    pub fn stopping(&self) {
        let text =
            "stopping: what is under way may take a few seconds; a second signal ends it at once\n";
        match (&self.0.screen, self.0.manner) {
            (Some(screen), _) => screen.print(text),
            (None, Manner::Talk) => report::talk(text),
            (None, Manner::Quiet | Manner::Events | Manner::Silent) => {}
        }
    }

    /// Shows how it ended, how long it took, and what comes then. Whether somebody still reads the events
    /// changes nothing of that.
    ///
    /// # Errors
    /// What the system says.
    pub fn outcome(
        &self,
        outcome: &Outcome,
        took: Duration,
        then: Then<'_>,
    ) -> anyhow::Result<ExitStatus> {
        if let Some(screen) = &self.0.screen {
            screen.clear();
        }
        let percent = self.state().percent();
        let (status, text) = report::outcome(outcome, took, percent, then);
        let is_error = matches!(status, ExitStatus::Stopped | ExitStatus::Unfit);
        match self.0.manner {
            Manner::Talk => report::talk(&text),
            Manner::Quiet if is_error => report::talk(&text),
            Manner::Quiet | Manner::Events | Manner::Silent => {}
        }
        let event = self.state().outcome(outcome, status, took);
        match self.tell(vec![event]) {
            Err(error) if !error.is::<PipeClosed>() => Err(error),
            Ok(()) | Err(_) => Ok(status),
        }
    }

    /// Clears the display, if there is one: something else is shown now.
    pub fn rest(&self) {
        if let Some(screen) = &self.0.screen {
            screen.clear();
        }
    }

    fn tell(&self, events: Vec<Event>) -> anyhow::Result<()> {
        for event in events {
            if self.0.manner == Manner::Events && event.is_for_programs {
                report::write_data(event.line().as_bytes())?;
            }
            self.tell_page(&event);
        }
        Ok(())
    }

    fn tell_page(&self, event: &Event) {
        if let Some(page) = &*self.page() {
            // Nobody may be there.
            let _ = page.send(event.clone());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the terminal back as it was, before the program ends without clearing up.
pub(crate) fn give_terminal_back() {
    echo::restore();
}

/// Whether the terminal says of itself that it can do nothing but print.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("manner", &self.0.manner).finish_non_exhaustive()
    }
}
