//! A body of lines, and where its text is: here, or with the host that sends it.
//!
//! Most are wanted once, and many are under way: so a text that was handed out is asked for again only
//! where it has to be sent again, or in parts. Does not know why that is.

use super::Answer;
use crate::converter::Lines;
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::Request;

/// Lines that are sent at once.
#[derive(Debug)]
pub(crate) struct Body {
    lines: Lines,
    text: Text,
}

/// Where it is, by the request that took it away.
#[derive(Clone, Copy, Debug)]
enum Text {
    Here,
    /// With the host.
    Away(u64),
    /// To be asked for.
    Wanted(u64),
    /// Asked for, and not back yet.
    Asked(u64),
}

impl Body {
    pub(crate) fn new(lines: Lines) -> Self {
        Self { lines, text: Text::Here }
    }

    /// How many lines and bytes; the text itself only where it was not handed out.
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    pub(crate) fn into_lines(self) -> Lines {
        self.lines
    }

    /// Whether it was asked for again, and nothing can be done before it is there.
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(self.text, Text::Asked(_))
    }

    /// Hands the text out with a request that has none.
    pub(crate) fn hand_out(&mut self, request: Request) -> Request {
        self.text = Text::Away(request.id);
        Request { body: self.lines.take_text(), ..request }
    }

    /// It will be needed again.
    pub(crate) fn want_back(&mut self) {
        if let Text::Away(id) = self.text {
            self.text = Text::Wanted(id);
        }
    }

    /// The request of which the text is to be asked for again, once.
    pub(crate) fn recall(&mut self) -> Option<u64> {
        let Text::Wanted(id) = self.text else { return None };
        self.text = Text::Asked(id);
        Some(id)
    }

    /// Whether an answer to this id brings it back.
    pub(crate) fn awaits(&self, answered: u64) -> bool {
        matches!(self.text, Text::Asked(id) if id == answered)
    }

    /// Takes the text back.
    pub(crate) fn take_back(&mut self, answer: Answer) -> Result<(), Error> {
        let message = match answer {
            Answer::Body(text) => {
                if self.lines.put_text(text) {
                    self.text = Text::Here;
                    return Ok(());
                }
                "the host gave back another body than it was given".to_owned()
            }
            Answer::Failed(failure) => {
                format!("the host did not give back a body: {}", failure.message)
            }
            Answer::Response(_)
            | Answer::Bytes(_)
            | Answer::End
            | Answer::Report(_)
            | Answer::Outcome(_) => "the host gave back no body where one was due".to_owned(),
        };
        Err(Error::new(Fault::Internal, message).at(Endpoint::Destination))
    }
}
