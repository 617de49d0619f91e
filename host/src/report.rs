//! All that a person sees, and the exit status that says the same to programs.
//!
//! Does not know what a migration is: it shows notes and outcomes as they come.
//!
//! ```text
//! error: environment variable `INFLUX_SOURCE_TOKEN` is not set
//!
//! hint: `source.token_env` names it
//! ```

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use tsm2iox_guest::error::Error;
use tsm2iox_guest::plan::{
    Ending, Note, Outcome, Progress, Severity, Totals, bytes, counted, percentage,
};

use crate::secrets::masked;

/// The exit statuses; `--help` says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Complete, nothing was set aside.
    Complete,
    /// Stopped; the same command resumes.
    Stopped,
    /// A person must change something first.
    Unfit,
    /// Complete, but the two sides differ.
    Different,
}

/// Something that a person must change before it is worth trying again: an option, the
/// configuration, a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong: one phrase, without a full stop. Never holds a credential.
    pub message: String,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
}

/// What a person should know although nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// One phrase, without a full stop. Never holds a credential.
    pub message: String,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
}

/// Nobody reads standard output any more: no error, and a reason to end.
#[derive(Clone, Copy, Debug)]
pub struct PipeClosed;

/// Where notes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// To standard error: they accompany the work.
    Talk,
    /// To standard output: they are what was asked for.
    Data,
}

impl Report {
    /// Shows a note.
    ///
    /// # Errors
    /// As `write_data`.
    pub fn note(self, note: &Note) -> anyhow::Result<()> {
        let prefix = match note.severity {
            Severity::Info => "",
            Severity::Warning => "warning: ",
            Severity::Error => "error: ",
        };
        let mut text = format!("{prefix}{}\n", visible(&note.message));
        if let Some(hint) = &note.hint {
            push_line(&mut text, format_args!("hint: {}", visible(hint)));
        }
        match self {
            Self::Data => write_data(text.as_bytes()),
            Self::Talk => {
                talk(&text);
                Ok(())
            }
        }
    }

    /// Says that an end is wished, and heard.
    pub fn stopping(self) {
        talk(
            "stopping: what is under way may take a few seconds; a second signal ends it at once\n",
        );
    }

    /// Shows how far a plan is, if it takes long.
    pub fn progress(self, progress: &Progress) {
        let Progress { percent, totals, rate: _, left, doing } = progress;
        let mut text = visible(doing);
        if totals.rows > 0 {
            push_part(&mut text, format_args!("{}, {}", rows(totals), volume(totals)));
        }
        if *percent > 0.0 {
            push_part(&mut text, format_args!("{} complete", percentage(*percent)));
        }
        if let Some(seconds) = left {
            push_part(&mut text, format_args!("about {} left", duration(*seconds)));
        }
        match self {
            Self::Talk => talk(&(text + "\n")),
            // Who asked for data waits for nothing else.
            Self::Data => {}
        }
    }
}

fn push_part(text: &mut String, part: fmt::Arguments<'_>) {
    write!(text, "; {part}").expect("a string takes all that is written");
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

/// Shows how a migration ended, and how long it took.
pub fn outcome(outcome: &Outcome, took: Duration) -> ExitStatus {
    let mut text = String::new();
    let status = match &outcome.ending {
        Ending::Complete => {
            push_line(&mut text, format_args!("complete: {}", summary(&outcome.totals, took)));
            ExitStatus::Complete
        }
        Ending::Different => {
            let summary = summary(&outcome.totals, took);
            push_line(&mut text, format_args!("complete, but points were set aside: {summary}"));
            ExitStatus::Different
        }
        Ending::Stopped(error) => {
            push_error(&mut text, error);
            if error.hint.is_none() {
                text.push('\n');
            }
            text.push_str("run the same command to resume\n");
            ExitStatus::Stopped
        }
        Ending::Failed(error) => {
            push_error(&mut text, error);
            ExitStatus::Unfit
        }
    };
    talk(&text);
    status
}

/// Shows a warning.
pub fn warning(Warning { message, hint }: &Warning) {
    let mut text = format!("warning: {}\n", visible(message));
    if let Some(hint) = hint {
        push_line(&mut text, format_args!("hint: {}", visible(hint)));
    }
    talk(&text);
}

/// Shows the error of a command that came to no outcome.
pub fn error(error: &anyhow::Error) -> ExitStatus {
    if error.is::<PipeClosed>() {
        return ExitStatus::Complete;
    }
    let mut text = format!("error: {}\n", visible(&error.to_string()));
    for cause in error.chain().skip(1) {
        push_line(&mut text, format_args!("  caused by: {}", visible(&cause.to_string())));
    }
    let unfit = error.downcast_ref::<Unfit>();
    if let Some(hint) = unfit.and_then(|unfit| unfit.hint.as_ref()) {
        push_line(&mut text, format_args!("\nhint: {}", visible(hint)));
    }
    talk(&text);
    if unfit.is_some() { ExitStatus::Unfit } else { ExitStatus::Stopped }
}

/// Shows an error of the component, of a command that has no more to say than this.
pub fn refusal(error: &Error, status: ExitStatus) -> ExitStatus {
    let mut text = String::new();
    push_error(&mut text, error);
    talk(&text);
    status
}

/// Writes to standard output, all of it before it returns.
///
/// # Errors
/// `PipeClosed` if nobody reads it; else what the system says.
pub fn write_data(bytes: &[u8]) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(PipeClosed.into()),
        Err(error) => Err(anyhow!("standard output cannot be written: {}", reason(&error))),
        Ok(()) => Ok(()),
    }
}

/// What the system says, as a phrase: not `Connection refused (os error 111)`.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let phrase = text.split(" (os error ").next().unwrap_or_default();
    let mut characters = phrase.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Whether a person looks at standard output, not a file or a program.
pub fn output_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// To standard error, at once, so that the lines of two threads do not mix.
fn talk(text: &str) {
    // Where nobody listens any more, there is nobody to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn push_line(text: &mut String, line: fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all that is written");
}

fn push_error(text: &mut String, error: &Error) {
    push_line(text, format_args!("error: {}", visible(&error.message)));
    if let Some(hint) = &error.hint {
        push_line(text, format_args!("\nhint: {}", visible(hint)));
    }
}

fn summary(totals: &Totals, took: Duration) -> String {
    if *totals == Totals::default() {
        return "there was nothing to move".to_owned();
    }
    let points = counted(totals.points, "point", "points");
    let seconds = took.as_secs_f64();
    format!("{} in {points}, {}, in {seconds:.1} s", rows(totals), volume(totals))
}

fn rows(totals: &Totals) -> String {
    counted(totals.rows, "row", "rows")
}

fn volume(totals: &Totals) -> String {
    format!("{} read, {} written", bytes(totals.read), bytes(totals.written))
}

/// Messages quote servers and files: what would move the cursor or end the line is escaped, and
/// credentials are masked.
pub(crate) fn visible(text: &str) -> String {
    let text = masked(text);
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

impl Unfit {
    /// An error without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Warning {
    /// A warning without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Complete => 0,
            ExitStatus::Stopped => 1,
            ExitStatus::Unfit => 2,
            ExitStatus::Different => 3,
        })
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unfit {}

impl fmt::Display for PipeClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads standard output")
    }
}

impl std::error::Error for PipeClosed {}
