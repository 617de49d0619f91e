//! What decides the lines of a migration beside where it leads, as it is recorded.
//!
//! Does not know records. What a batch has written may not be mixed with what other terms would make of it:
//! so they stay as they are once a batch is recorded.

use influxdb_line_protocol::ParsedLine;

use crate::converter::Dialect;
use crate::error::{Endpoint, Error, Fault};
use crate::plan::Note;
use crate::progress::text;
use crate::rules::Texts;
use crate::settings::{LineBreaks, Settings, UnfitValues};

/// What decides the lines beside the route. Absent from a record: nothing is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) dialect: Option<Dialect>,
    pub(crate) line_breaks: Option<LineBreaks>,
    /// Nothing is set aside where nothing was said.
    pub(crate) unfit: UnfitValues,
    /// Empty where there are none, as in records of before there were any.
    pub(crate) rules: Texts,
}

/// What terms are recorded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Before the first batch: rules may change until one is recorded.
    Opening,
    Batch,
}

impl Terms {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            dialect: Some(settings.dialect),
            line_breaks: Some(settings.line_breaks),
            unfit: settings.unfit,
            rules: settings.rules.texts.clone(),
        }
    }

    /// Refuses to go on where what is recorded may have other lines than what would follow.
    pub(crate) fn check(&self, present: &Self, recorded: Recorded) -> Result<(), Error> {
        let rules = match recorded {
            Recorded::Batch => self.changed_rules(present),
            Recorded::Opening => None,
        };
        let Some(key) = self.conflict(present).or(rules) else { return Ok(()) };
        let message =
            format!("the migration was begun with another `{key}`, which decides the lines");
        Err(Error::new(Fault::Settings, message).at(Endpoint::Checkpoint).with_hint(
            "set it as it was; or, to begin anew, choose another checkpoint and an empty destination",
        ))
    }

    /// Which key must not have changed as it has since these were recorded, if one has.
    ///
    /// What was refused before may be allowed later: then it was not moved yet.
    fn conflict(&self, present: &Self) -> Option<&'static str> {
        let (was, is) = (self.dialect, present.dialect);
        let is_known = |dialect: Option<Dialect>| dialect.is_some_and(|d| d != Dialect::Common);
        if is_known(was) && is_known(is) && was != is {
            return Some("destination.product");
        }
        let were_accepted = self.line_breaks == Some(LineBreaks::Accept);
        if were_accepted && present.line_breaks == Some(LineBreaks::Refuse) {
            return Some("schema.line_breaks");
        }
        let were_set_aside = self.unfit == UnfitValues::SetAside;
        (were_set_aside && present.unfit == UnfitValues::Refuse).then_some("schema.unfit")
    }

    /// Which rules are other ones than were recorded, if some are.
    pub(crate) fn changed_rules(&self, present: &Self) -> Option<&'static str> {
        if self.rules.rename != present.rules.rename {
            return Some("schema.rename");
        }
        (self.rules.types != present.rules.types).then_some("schema.types")
    }

    /// `names` as `tsm`, `iox` or `common`, and the others as in the configuration.
    pub(crate) fn texts(&self) -> [(&'static str, String); 5] {
        let names = match self.dialect {
            Some(Dialect::Tsm) => "tsm",
            Some(Dialect::Iox) => "iox",
            Some(Dialect::Common) => "common",
            None => "",
        };
        let line_breaks = match self.line_breaks {
            Some(LineBreaks::Refuse) => "refuse",
            Some(LineBreaks::Accept) => "accept",
            None => "",
        };
        let unfit = match self.unfit {
            UnfitValues::Refuse => "",
            UnfitValues::SetAside => "set_aside",
        };
        let Texts { rename, types } = &self.rules;
        [
            ("names", names.to_owned()),
            ("line_breaks", line_breaks.to_owned()),
            ("unfit", unfit.to_owned()),
            ("rename", rename.clone()),
            ("types", types.clone()),
        ]
    }

    pub(crate) fn read(line: &ParsedLine<'_>) -> Self {
        let dialect = match text(line, "names").as_deref() {
            Some("tsm") => Some(Dialect::Tsm),
            Some("iox") => Some(Dialect::Iox),
            Some("common") => Some(Dialect::Common),
            _ => None,
        };
        let line_breaks = match text(line, "line_breaks").as_deref() {
            Some("refuse") => Some(LineBreaks::Refuse),
            Some("accept") => Some(LineBreaks::Accept),
            _ => None,
        };
        let unfit = match text(line, "unfit").as_deref() {
            Some("set_aside") => UnfitValues::SetAside,
            _ => UnfitValues::Refuse,
        };
        let rule = |name| text(line, name).unwrap_or_default();
        let rules = Texts { rename: rule("rename"), types: rule("types") };
        Self { dialect, line_breaks, unfit, rules }
    }
}

/// The rules may change as long as no batch is recorded; but parts of one may have been written.
pub(crate) fn rules_have_changed() -> Note {
    let message = "the rules of `schema` are other ones than when the migration was begun; no batch is recorded, \
                   but what one had written by then is still in the destination";
    Note::warning(message.to_owned()).with_hint("to begin anew, empty the destination")
}
