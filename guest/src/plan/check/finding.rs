//! What a look at both sides finds, one thing at a time.
//!
//! Does not know what is looked at, nor who reads it.

use serde_json::{Value, json};

use crate::error::Error;
use crate::plan::{Note, Severity};

/// What a finding means for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// It does not start before a person has done something.
    Stop,
    /// It starts, and a person should know.
    Warning,
    Info,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) weight: Weight,
    /// One word: what it is about.
    pub(crate) topic: &'static str,
    /// One phrase, without a full stop.
    pub(crate) message: String,
    /// What to do about it, if that is known.
    pub(crate) hint: Option<String>,
    /// Lines for the configuration that would settle it.
    pub(crate) lines: Vec<String>,
    /// The same for programs: numbers with their units in their names.
    pub(crate) data: Value,
}

impl Weight {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl Finding {
    pub(crate) fn new(weight: Weight, topic: &'static str, message: String) -> Self {
        Self { weight, topic, message, hint: None, lines: Vec::new(), data: json!({}) }
    }

    pub(crate) fn stop(topic: &'static str, message: String) -> Self {
        Self::new(Weight::Stop, topic, message)
    }

    pub(crate) fn warning(topic: &'static str, message: String) -> Self {
        Self::new(Weight::Warning, topic, message)
    }

    pub(crate) fn info(topic: &'static str, message: String) -> Self {
        Self::new(Weight::Info, topic, message)
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn with_lines(self, lines: Vec<String>) -> Self {
        Self { lines, ..self }
    }

    pub(crate) fn with(self, data: Value) -> Self {
        Self { data, ..self }
    }

    /// Why something could not be asked.
    pub(crate) fn of_error(weight: Weight, topic: &'static str, error: &Error) -> Self {
        let hint = error.hint.clone();
        Self { hint, ..Self::new(weight, topic, error.message.clone()) }
    }

    /// What was said on the way.
    pub(crate) fn of_note(note: Note) -> Self {
        let weight = match note.severity {
            Severity::Info => Weight::Info,
            Severity::Warning | Severity::Error => Weight::Warning,
        };
        Self { hint: note.hint, ..Self::new(weight, "reading", note.message) }
    }

    /// As a run says it.
    pub(crate) fn to_note(&self) -> Note {
        let note = match self.weight {
            Weight::Stop => Note::error(self.message.clone()),
            Weight::Warning => Note::warning(self.message.clone()),
            Weight::Info => Note::info(self.message.clone()),
        };
        Note { hint: self.hint.clone(), ..note }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "severity": self.weight.name(),
            "topic": self.topic,
            "message": self.message,
            "hint": self.hint,
            "lines": self.lines,
            "data": self.data,
        })
    }
}
