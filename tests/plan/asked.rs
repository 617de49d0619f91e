//! A plan that is asked by its native calls, and, where somebody wants to read that, by text as well: both say
//! the same, and what was said is kept.
//!
//! ```text
//! > {"next":{"now":1000}}
//! < {"send":{"id":1,"endpoint":"checkpoint",…}}
//! ```

use std::fmt::Write;

use serde_json::{Value, json};
use tsm2iox_guest::plan::{Answer, Plan, Purpose, Step};
use tsm2iox_guest::text::Dialogue;
use tsm2iox_guest::time::Timestamp;

/// A plan, and perhaps what was said to it and by it.
pub(crate) struct Asked {
    plan: Plan,
    dialogue: Option<(Dialogue, String)>,
}

impl Asked {
    pub(crate) fn open(purpose: Purpose, settings: &str, is_kept: IsKept) -> Self {
        let plan = Plan::open(purpose, settings).expect("the settings are fit");
        let mut asked = Self { plan, dialogue: None };
        if is_kept == IsKept::Yes {
            asked.dialogue = Some((Dialogue::default(), String::new()));
            let settings: Value = serde_json::from_str(settings).expect("settings are JSON");
            let purpose = format!("{purpose:?}").to_lowercase();
            asked.say(&json!({ "open": { "purpose": purpose, "settings": settings } }));
        }
        asked
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Step {
        let step = self.plan.next(now);
        if let Some(said) = self.say(&json!({ "next": { "now": now.0 } })) {
            assert_eq!(said, serde_json::to_string(&step).expect("a step has text for keys"));
        }
        step
    }

    pub(crate) fn answer(&mut self, id: u64, answer: Answer) {
        if self.dialogue.is_some() {
            self.say(&json!({ "answer": { "id": id, "answer": text(&answer) } }));
        }
        self.plan.answer(id, answer);
    }

    /// What was said, once it is over.
    pub(crate) fn into_text(self) -> Option<String> {
        self.dialogue.map(|(_, text)| text)
    }

    fn say(&mut self, call: &Value) -> Option<String> {
        let (dialogue, text) = self.dialogue.as_mut()?;
        let call = call.to_string();
        let said = dialogue.call(&call).expect("it is a call");
        writeln!(text, "> {call}\n< {said}").expect("a string takes all");
        Some(said)
    }
}

/// Whether what is said is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IsKept {
    Yes,
    No,
}

fn text(answer: &Answer) -> Value {
    match answer {
        Answer::Response(response) => json!({ "response": response }),
        Answer::Bytes(bytes) => {
            json!({ "latin1": bytes.iter().copied().map(char::from).collect::<String>() })
        }
        Answer::End => json!("end"),
        Answer::Failed(failure) => json!({ "failed": failure }),
        Answer::Body(body) => json!({ "body": body }),
        Answer::Report(report) => json!({ "report": report }),
        Answer::Outcome(outcome) => json!({ "outcome": outcome }),
    }
}
