//! The display on a terminal: a bar and a few lines, drawn anew where they stand. Does not know what they say.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::echo;
use super::state::State;

/// A bar has so many steps: tenths of a percent.
const STEPS: u64 = 1000;
/// So often a second it is drawn at most.
const HERTZ: u8 = 5;

/// The display.
pub(super) struct Screen {
    bar: ProgressBar,
}

impl Drop for Screen {
    fn drop(&mut self) {
        echo::restore();
    }
}

impl Screen {
    pub(super) fn new() -> Self {
        let bar =
            ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr_with_hz(HERTZ));
        let style = ProgressStyle::with_template("{bar:40.cyan} {prefix}\n{msg}");
        bar.set_style(style.expect("the template is fit").progress_chars("━╸─"));
        echo::silence();
        Self { bar }
    }

    /// Shows what is known.
    pub(super) fn draw(&self, state: &State) {
        if self.bar.is_finished() {
            self.bar.reset();
            echo::silence();
        }
        let (head, rest) = state.display();
        self.bar.set_position(state.tenths().min(STEPS));
        self.bar.set_prefix(head);
        self.bar.set_message(rest);
    }

    /// Shows some lines for good, above the display.
    pub(super) fn print(&self, text: &str) {
        self.bar.println(text.trim_end_matches('\n'));
    }

    /// Takes the display away; it comes again with the next thing to be drawn.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
        echo::restore();
    }
}
