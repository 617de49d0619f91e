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
use tsm2iox_guest::error::{Error, Fault};
use tsm2iox_guest::plan::{Ending, Note, Outcome, Severity, Totals, bytes, counted, percentage};

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

/// A note as lines.
pub fn note(note: &Note) -> String {
    let prefix = match note.severity {
        Severity::Info => "",
        Severity::Warning => "warning: ",
        Severity::Error => "error: ",
    };
    let mut text = format!("{prefix}{}\n", visible(&note.message));
    if let Some(hint) = &note.hint {
        push_line(&mut text, format_args!("hint: {}", visible(hint)));
    }
    text
}

/// What comes after a run.
#[derive(Clone, Copy, Debug)]
pub enum Then<'a> {
    /// If it is complete, a person does this.
    Next(&'a str),
    /// Another round of it, unless a person has to do something first.
    Round,
}

/// How a migration ended, and how long it took; `percent` of it are on record, if that is known.
pub fn outcome(
    outcome: &Outcome,
    took: Duration,
    percent: Option<f64>,
    then: Then<'_>,
) -> (ExitStatus, String) {
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
            let resumes = match then {
                Then::Next(_) => "run the same command to resume",
                Then::Round => "the next round goes on with it, unless it is ended",
            };
            push_last(&mut text, error, percent, resumes);
            ExitStatus::Stopped
        }
        Ending::Failed(error) => {
            push_error(&mut text, error);
            // Else it has not begun.
            if percent.is_some() {
                push_last(
                    &mut text,
                    error,
                    percent,
                    "once that is mended, run the same command again",
                );
            }
            ExitStatus::Unfit
        }
    };
    let is_complete = matches!(status, ExitStatus::Complete | ExitStatus::Different);
    if is_complete && outcome.totals.saved > 0 {
        let saved = bytes(outcome.totals.saved);
        push_line(
            &mut text,
            format_args!("saved: {saved}, for the fields of a point are one line"),
        );
    }
    if let (Then::Next(next), true) = (then, is_complete) {
        push_line(&mut text, format_args!("next: {next}"));
    }
    (status, text)
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

/// An error that came to no outcome, as the outcome of a plan.
pub fn outcome_of(error: &anyhow::Error) -> Outcome {
    let unfit = error.downcast_ref::<Unfit>();
    let causes = error.chain().skip(1).map(ToString::to_string).collect();
    let hint = unfit.and_then(|unfit| unfit.hint.clone());
    let fault = if unfit.is_some() { Fault::Settings } else { Fault::Internal };
    let error = Error { causes, hint, ..Error::new(fault, error.to_string()) };
    let ending = if unfit.is_some() { Ending::Failed(error) } else { Ending::Stopped(error) };
    Outcome::new(ending, Totals::default())
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
pub(crate) fn talk(text: &str) {
    // Where nobody listens any more, there is nobody to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn push_line(text: &mut String, line: fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all that is written");
}

fn push_error(text: &mut String, error: &Error) {
    push_line(text, format_args!("error: {}", visible(&error.message)));
    for cause in &error.causes {
        push_line(text, format_args!("  caused by: {}", visible(cause)));
    }
    if let Some(hint) = &error.hint {
        push_line(text, format_args!("\nhint: {}", visible(hint)));
    }
}

/// The last words of an error, below the hint: what is on record, if there is something, and that running again
/// is safe.
fn push_last(text: &mut String, error: &Error, percent: Option<f64>, then: &str) {
    if error.hint.is_none() {
        text.push('\n');
    }
    match percent {
        // Or it is not known yet.
        None | Some(0.0) => push_line(text, format_args!("{then}")),
        Some(percent) if percent < 0.1 => {
            push_line(text, format_args!("the first batches are recorded and stay; {then}"));
        }
        Some(percent) => {
            push_line(text, format_args!("{} is recorded and stays; {then}", percentage(percent)));
        }
    }
}

fn summary(totals: &Totals, took: Duration) -> String {
    if *totals == Totals::default() {
        return "there was nothing to move".to_owned();
    }
    let points = counted(totals.points, "point", "points");
    format!("{} in {points}, {}, in {}", rows(totals), volume(totals), time(took))
}

/// How long it took, as exact as anybody wants to know.
fn time(took: Duration) -> String {
    let (hours, minutes, seconds) =
        (took.as_secs() / 3600, took.as_secs() / 60 % 60, took.as_secs() % 60);
    match (hours, minutes) {
        (0, 0 | 1) => format!("{:.1} s", took.as_secs_f64()),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
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
        if character.is_control() || turns(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether it turns the direction of what follows, or ends the line, without being a control character.
fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
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

impl ExitStatus {
    /// The number of it.
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Stopped => 1,
            Self::Unfit => 2,
            Self::Different => 3,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
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
