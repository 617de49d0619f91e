//! What can go wrong, in the words of the contract.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something could not be done: the `error` of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What to decide by.
    pub fault: Fault,
    /// Which side is to blame, if one is.
    pub endpoint: Option<Endpoint>,
    /// The line of the response, or of the script, that is to blame, counted from 1, if one is.
    pub line: Option<u64>,
    /// What happened, for people: one phrase, without a full stop.
    pub message: String,
    /// Why that happened: the cause of it, the cause of that, and so on; phrases as well.
    pub causes: Vec<String>,
    /// What to do about it, if that is known.
    pub hint: Option<String>,
}

/// The kinds of fault; `wit/types.wit` says what each means.
#[expect(missing_docs, reason = "`wit/types.wit` says what each means")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    Stopped,
    Settings,
    Unauthorized,
    Missing,
    Unreachable,
    Unavailable,
    TimedOut,
    TooLarge,
    Exhausted,
    Refused,
    Malformed,
    Truncated,
    Unsupported,
    Internal,
}

/// The places that a plan works with; only the host knows where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Where points are read.
    Source,
    /// Where points are written.
    Destination,
    /// Where it is recorded which batches are done.
    Checkpoint,
    /// Where points go that the destination refused.
    Rejected,
}

impl Error {
    /// An error that blames neither a side nor a line.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        let (message, causes) = (message.into(), Vec::new());
        Self { fault, endpoint: None, line: None, message, causes, hint: None }
    }

    /// The same, with the side that is to blame.
    #[must_use]
    pub fn at(self, endpoint: Endpoint) -> Self {
        Self { endpoint: Some(endpoint), ..self }
    }

    /// The same; where it blames no side yet, what the source answered is to blame.
    #[must_use]
    pub(crate) fn of_source(self) -> Self {
        self.of_side(Endpoint::Source)
    }

    /// The same; where it blames no side yet, what this one answered is to blame.
    #[must_use]
    pub(crate) fn of_side(self, side: Endpoint) -> Self {
        match self.endpoint {
            Some(_) => self,
            None => self.within(&format!("the response of the {}", side.title())).at(side),
        }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, with where it happened before the message.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// What came of it: the message becomes the first cause.
    #[must_use]
    pub(crate) fn leading_to(mut self, message: String) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.message, message));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for Error {}

impl Endpoint {
    /// Its name in the configuration and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Checkpoint => "checkpoint",
            Self::Rejected => "rejected",
        }
    }

    /// What it is called in messages.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Source | Self::Destination | Self::Checkpoint => self.name(),
            Self::Rejected => "file of refused points",
        }
    }
}
