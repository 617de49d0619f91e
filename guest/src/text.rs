//! The contract as text: for hosts that pass nothing but strings, and for dialogues that are recorded.
//!
//! A call is JSON, and so is what it returns: records are objects, variants objects of one key, cases without a
//! payload strings. Does not know what it passes on.
//!
//! ```text
//! {"open":{"purpose":"migrate","settings":{…}}}   ─▶ null
//! {"next":{"now":1640995200000000000}}            ─▶ {"send":{"id":1,"endpoint":"source",…}}
//! {"answer":{"id":1,"answer":{"latin1":"…"}}}     ─▶ null
//! ```

use serde::Deserialize;
use serde_json::Value;

use crate::converter;
use crate::error::{Error, Fault};
use crate::plan::{Answer, Outcome, Plan, Purpose};
use crate::protocol::{Cause, Failure, Response};
use crate::time::Timestamp;

/// A plan that is asked by text, once it is open.
#[derive(Debug, Default)]
pub struct Dialogue(Option<Plan>);

/// What is asked: a function of the interface `planner` with its parameters.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Call {
    Open { purpose: Purpose, settings: Value },
    Next { now: Timestamp },
    Answer { id: u64, answer: AnswerText },
    Stop,
    Progress { now: Timestamp },
}

/// `answer` of the contract, which has one case more than its native type.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AnswerText {
    Response(Response),
    Bytes(Vec<u8>),
    Latin1(String),
    End,
    Failed(Failure),
    Body(String),
    Report(String),
    Outcome(Box<Outcome>),
}

impl Dialogue {
    /// Makes a call; the first one is `open`, and no other one is.
    ///
    /// # Errors
    /// As text: the error of `open` as an object, or that it is no call.
    pub fn call(&mut self, message: &str) -> Result<String, String> {
        let unfit = |what: String| text(&Error::new(Fault::Internal, what));
        let call = serde_json::from_str(message)
            .map_err(|error| unfit(format!("this is no call: {error}")))?;
        match (call, &mut self.0) {
            (Call::Open { purpose, settings }, plan @ None) => {
                *plan = Some(Plan::open(purpose, &settings.to_string()).map_err(|e| text(&e))?);
                Ok("null".to_owned())
            }
            (Call::Open { .. }, Some(_)) => {
                Err(unfit("a plan is open: another one wants an instance of its own".into()))
            }
            (_, None) => Err(unfit("no plan is open".into())),
            (Call::Next { now }, Some(plan)) => Ok(text(&plan.next(now))),
            (Call::Progress { now }, Some(plan)) => Ok(text(&plan.progress(now))),
            (Call::Answer { id, answer }, Some(plan)) => {
                plan.answer(id, answer.into());
                Ok("null".to_owned())
            }
            (Call::Stop, Some(plan)) => {
                plan.stop();
                Ok("null".to_owned())
            }
        }
    }
}

/// Converts a whole response: the lines, or why there are none.
///
/// # Errors
/// Those of `converter::convert`, for people: what happened, an empty line, and after `hint: ` what to do.
pub fn convert(response: &str, settings: &str) -> Result<String, String> {
    converter::convert(response, settings).map(|converted| converted.lines).map_err(|error| {
        let hint = error.hint.as_ref().map(|hint| format!("\n\nhint: {hint}"));
        format!("{error}{}", hint.unwrap_or_default())
    })
}

impl From<AnswerText> for Answer {
    fn from(answer: AnswerText) -> Self {
        match answer {
            AnswerText::Response(response) => Self::Response(response),
            AnswerText::Bytes(bytes) => Self::Bytes(bytes),
            AnswerText::Latin1(text) => Self::of_latin1(text),
            AnswerText::End => Self::End,
            AnswerText::Failed(failure) => Self::Failed(failure),
            AnswerText::Body(body) => Self::Body(body),
            AnswerText::Report(report) => Self::Report(report),
            AnswerText::Outcome(outcome) => Self::Outcome(*outcome),
        }
    }
}

impl Answer {
    /// A piece that came as the characters of its bytes. One that cannot be read is a body that broke off.
    pub(crate) fn of_latin1(text: String) -> Self {
        bytes_of_latin1(text).map_or_else(
            |error| Self::Failed(Failure { cause: Cause::Broken, message: error.to_string() }),
            Self::Bytes,
        )
    }
}

/// The bytes that came as the characters of their numbers.
pub(crate) fn bytes_of_latin1(text: String) -> Result<Vec<u8>, Error> {
    if text.is_ascii() {
        return Ok(text.into_bytes()); // Nearly every piece; found out many bytes at a time.
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        bytes.push(u8::try_from(character).map_err(|_| {
            let message =
                format!("the host passed U+{:04X} as a byte of the response", u32::from(character));
            Error::new(Fault::Malformed, message)
                .with_hint("decode the body as ISO 8859-1, whatever its charset")
        })?);
    }
    Ok(bytes)
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what a plan says has text for keys")
}
