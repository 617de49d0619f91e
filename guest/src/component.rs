//! The component: the contract in `wit/`, answered by the native types. The only file that knows
//! WIT types.
//!
//! Knows nothing of what it passes on but that `latin1` is bytes. Each case and each field is
//! named, with no wildcard: one that is added on either side does not compile before it is
//! decided upon here.
#![deny(clippy::wildcard_enum_match_arm)]

use std::cell::RefCell;

use self::bindings::Component;
use self::bindings::exports::tsm2iox::migration::{
    configuration as wit_configuration, converter as wit_converter, planner as wit_planner,
    protocol as wit_protocol, types as wit_types,
};
use crate::time::{TimeRange, Timestamp};
use crate::{configuration, converter, error, plan, protocol, text};

#[expect(unsafe_code, reason = "it passes values from one memory to another")]
mod bindings {
    wit_bindgen::generate!({ world: "migration", path: "wit" });
    export!(Component with_types_in self);

    /// What the exports are implemented for.
    pub(super) struct Component;
}

thread_local! {
    /// The one plan of an instance that is asked by text.
    static DIALOGUE: RefCell<text::Dialogue> = RefCell::default();
}

impl bindings::Guest for Component {
    fn convert(response: String, settings: String) -> Result<String, String> {
        text::convert(&response, &settings)
    }

    fn plan(message: String) -> Result<String, String> {
        DIALOGUE.with_borrow_mut(|dialogue| dialogue.call(&message))
    }
}

impl wit_planner::Guest for Component {
    type Plan = Plan;
}

/// A resource is shared, so a plan changes inside a cell. That is never borrowed twice: no call
/// leaves the component, so none comes back into it either.
struct Plan(RefCell<plan::Plan>);

impl wit_planner::GuestPlan for Plan {
    fn open(
        purpose: wit_planner::Purpose,
        settings: String,
    ) -> Result<wit_planner::Plan, wit_types::Error> {
        let plan = plan::Plan::open(purpose.into(), &settings)?;
        Ok(wit_planner::Plan::new(Self(RefCell::new(plan))))
    }

    fn next(&self, now: wit_types::Timestamp) -> wit_planner::Step {
        self.0.borrow_mut().next(Timestamp(now)).into()
    }

    fn answer(&self, id: u64, answer: wit_planner::Answer) {
        self.0.borrow_mut().answer(id, answer.into());
    }

    fn stop(&self) {
        self.0.borrow_mut().stop();
    }

    fn progress(&self, now: wit_types::Timestamp) -> wit_planner::Progress {
        self.0.borrow().progress(Timestamp(now)).into()
    }
}

impl wit_converter::Guest for Component {
    type Conversion = Conversion;

    fn convert(
        response: String,
        settings: String,
    ) -> Result<wit_converter::Converted, wit_types::Error> {
        Ok(converter::convert(&response, &settings)?.into())
    }
}

/// In a cell, as a plan is; or the error that ended it, which is all that comes after it.
struct Conversion(RefCell<Result<converter::Conversion, error::Error>>);

impl Conversion {
    fn push_piece(
        &self,
        piece: Result<Vec<u8>, error::Error>,
    ) -> Result<wit_converter::Converted, wit_types::Error> {
        let mut state = self.0.borrow_mut();
        let converted = match &mut *state {
            Ok(conversion) => piece.and_then(|bytes| conversion.push(&bytes)),
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = &converted {
            *state = Err(error.clone());
        }
        Ok(converted?.into())
    }
}

impl wit_converter::GuestConversion for Conversion {
    fn open(settings: String) -> Result<wit_converter::Conversion, wit_types::Error> {
        let conversion = converter::Conversion::open(&settings)?;
        Ok(wit_converter::Conversion::new(Self(RefCell::new(Ok(conversion)))))
    }

    fn push(&self, bytes: Vec<u8>) -> Result<wit_converter::Converted, wit_types::Error> {
        self.push_piece(Ok(bytes))
    }

    fn push_latin1(&self, bytes: String) -> Result<wit_converter::Converted, wit_types::Error> {
        self.push_piece(text::bytes_of_latin1(bytes))
    }

    fn finish(
        this: wit_converter::Conversion,
    ) -> Result<wit_converter::Converted, wit_types::Error> {
        let Self(state) = this.into_inner();
        Ok(state.into_inner()?.finish()?.into())
    }
}

impl wit_configuration::Guest for Component {
    fn commented() -> String {
        configuration::commented()
    }

    fn of_task(script: String) -> Result<String, wit_types::Error> {
        Ok(configuration::of_task(&script)?)
    }
}

impl From<wit_planner::Answer> for plan::Answer {
    fn from(answer: wit_planner::Answer) -> Self {
        match answer {
            wit_planner::Answer::Response(response) => Self::Response(response.into()),
            wit_planner::Answer::Bytes(bytes) => Self::Bytes(bytes),
            wit_planner::Answer::Latin1(text) => Self::of_latin1(text),
            wit_planner::Answer::End => Self::End,
            wit_planner::Answer::Failed(failure) => Self::Failed(failure.into()),
            wit_planner::Answer::Body(body) => Self::Body(body),
            wit_planner::Answer::Report(report) => Self::Report(report),
            wit_planner::Answer::Outcome(outcome) => Self::Outcome(outcome.into()),
        }
    }
}

impl From<plan::Step> for wit_planner::Step {
    fn from(step: plan::Step) -> Self {
        match step {
            plan::Step::Send(request) => Self::Send(request.into()),
            plan::Step::Read(id) => Self::Read(id),
            plan::Step::Recall(id) => Self::Recall(id),
            plan::Step::Batch(batch) => Self::Batch(batch.into()),
            plan::Step::Note(note) => Self::Note(note.into()),
            plan::Step::Report(report) => Self::Report(report),
            plan::Step::Wait(Timestamp(until)) => Self::Wait(until),
            plan::Step::Done(outcome) => Self::Done(outcome.into()),
        }
    }
}

impl From<plan::Ending> for wit_planner::Ending {
    fn from(ending: plan::Ending) -> Self {
        match ending {
            plan::Ending::Complete => Self::Complete,
            plan::Ending::Different => Self::Different,
            plan::Ending::Stopped(error) => Self::Stopped(error.into()),
            plan::Ending::Failed(error) => Self::Failed(error.into()),
        }
    }
}

impl From<wit_planner::Ending> for plan::Ending {
    fn from(ending: wit_planner::Ending) -> Self {
        match ending {
            wit_planner::Ending::Complete => Self::Complete,
            wit_planner::Ending::Different => Self::Different,
            wit_planner::Ending::Stopped(error) => Self::Stopped(error.into()),
            wit_planner::Ending::Failed(error) => Self::Failed(error.into()),
        }
    }
}

impl From<error::Error> for wit_types::Error {
    fn from(error: error::Error) -> Self {
        let error::Error { fault, endpoint, line, message, causes, hint } = error;
        let (fault, endpoint) = (fault.into(), endpoint.map(Into::into));
        Self { fault, endpoint, line, message, causes, hint }
    }
}

impl From<wit_types::Error> for error::Error {
    fn from(error: wit_types::Error) -> Self {
        let wit_types::Error { fault, endpoint, line, message, causes, hint } = error;
        let (fault, endpoint) = (fault.into(), endpoint.map(Into::into));
        Self { fault, endpoint, line, message, causes, hint }
    }
}

impl From<converter::Converted> for wit_converter::Converted {
    fn from(converted: converter::Converted) -> Self {
        let converter::Converted { lines, rejected, altered, totals } = converted;
        let rejected = rejected.into_iter().map(Into::into).collect();
        Self { lines, rejected, altered, totals: totals.into() }
    }
}

impl From<TimeRange> for wit_types::TimeRange {
    fn from(range: TimeRange) -> Self {
        let (Timestamp(start), Timestamp(stop)) = (range.start(), range.stop());
        Self { start, stop }
    }
}

/// The same record on both sides. It has no `..`: a field that is missing here does not compile.
macro_rules! same_fields {
    ($from:path => $to:path { $($field:ident),+ }) => {
        impl From<$from> for $to {
            fn from(record: $from) -> Self {
                use $from as From;
                let From { $($field),+ } = record;
                Self { $($field: $field.into()),+ }
            }
        }
    };
}

same_fields!(plan::Totals => wit_types::Totals { rows, points, read, written, rejected, saved });
same_fields!(wit_types::Totals => plan::Totals { rows, points, read, written, rejected, saved });
same_fields!(plan::Outcome => wit_planner::Outcome { ending, totals, checkpoint, report });
same_fields!(wit_planner::Outcome => plan::Outcome { ending, totals, checkpoint, report });
same_fields!(plan::Batch => wit_planner::Batch { id, range, selection, order });
same_fields!(plan::Note => wit_planner::Note { severity, message, hint, data });
same_fields!(plan::Progress => wit_planner::Progress { percent, totals, rate, left, doing, data });
same_fields!(converter::Rejection => wit_converter::Rejection { line, reason, text });
same_fields!(protocol::Request => wit_protocol::Request {
    id, endpoint, access, method, path, headers, body, timeout
});
same_fields!(wit_protocol::Response => protocol::Response { status, headers });
same_fields!(wit_protocol::Failure => protocol::Failure { cause, message });

/// The same enumeration on both sides. It has no `_`: a case that is missing here does not
/// compile.
macro_rules! same_cases {
    ($from:path => $to:path { $($case:ident),+ }) => {
        impl From<$from> for $to {
            fn from(case: $from) -> Self {
                use $from as From;
                match case { $(From::$case => Self::$case),+ }
            }
        }
    };
}

same_cases!(wit_planner::Purpose => plan::Purpose {
    Check, Split, Migrate, Batch, Verify, Status
});
same_cases!(plan::Severity => wit_planner::Severity { Info, Warning, Error });
same_cases!(protocol::Access => wit_protocol::Access { Read, Write });
same_cases!(wit_protocol::Cause => protocol::Cause { Unreachable, TimedOut, Broken, Crashed });
same_cases!(error::Endpoint => wit_types::Endpoint { Source, Destination, Checkpoint, Rejected });
same_cases!(wit_types::Endpoint => error::Endpoint { Source, Destination, Checkpoint, Rejected });
same_cases!(error::Fault => wit_types::Fault {
    Stopped, Settings, Unauthorized, Missing, Unreachable, Unavailable, TimedOut, TooLarge, Exhausted, Refused,
    Malformed, Truncated, Unsupported, Internal
});
same_cases!(wit_types::Fault => error::Fault {
    Stopped, Settings, Unauthorized, Missing, Unreachable, Unavailable, TimedOut, TooLarge, Exhausted, Refused,
    Malformed, Truncated, Unsupported, Internal
});
