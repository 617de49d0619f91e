//! Writing what is missing at the destination.
//!
//! Does not know how that was found out. What is there already is not written again: where it differs, nobody
//! knows which of both InfluxDB 3 would keep.

use crate::converter::Lines;
use crate::error::Error;
use crate::plan::exchange::{Ids, Want};
use crate::plan::inquiry::{Asker, Question};
use crate::plan::pace::Quota;
use crate::plan::refused::RefusedPoints;
use crate::plan::set_aside::{Rest, SetAside};
use crate::plan::side::Key;
use crate::plan::slot::Slot;
use crate::plan::window::Window;
use crate::plan::writer::Writer;
use crate::plan::{Answer, Step};
use crate::section::Section;
use crate::settings::Settings;
use crate::time::{TimeRange, Timestamp};

/// What writes.
#[derive(Debug)]
pub(super) struct Repair {
    settings: Settings,
    slot: Slot,
    window: Window,
    /// So many points may still be set aside.
    rejected_max: u64,
}

/// Lines on their way.
struct Writing {
    writer: Writer,
    lines: Lines,
}

impl Repair {
    /// `quota` is the destination's, and so many points were set aside before.
    pub(super) fn new(settings: &Settings, quota: Option<Quota>, set_aside: u64) -> Self {
        Self {
            slot: Slot::new(settings, None, quota),
            window: Window::default(),
            rejected_max: settings.rejected_max.saturating_sub(set_aside),
            settings: settings.clone(),
        }
    }

    /// Writes these values, each with what tells it from others; returns how many points the destination
    /// has refused, which are set aside.
    pub(super) async fn write(
        &mut self,
        asker: &Asker,
        range: TimeRange,
        values: &[&(Key, String)],
    ) -> Result<u64, Error> {
        let mut lines = Lines::default();
        let is_one = |one: &Key, other: &Key| one.series == other.series && one.time == other.time;
        for point in values.chunk_by(|one, other| is_one(&one.0, &other.0)) {
            let fields: Vec<_> =
                point.iter().map(|(key, value)| format!("{}={value}", key.field)).collect();
            let (key, _) = &point[0];
            lines.push_point(key.series.as_bytes(), fields.join(",").as_bytes(), key.time.0);
        }
        let set_aside = SetAside::new(self.settings.limits.attempts_max, &Section::ALL, range);
        let writer = Writer::new(
            &self.settings,
            None,
            self.slot.clone(),
            self.window.clone(),
            RefusedPoints::new(self.rejected_max),
            set_aside,
        );
        let mut writing = Writing { writer, lines };
        let written = asker.asked(&mut writing).await;
        let Writing { writer, .. } = writing;
        self.slot.writing = writer.pace.at_rest(asker.now());
        self.slot.days = writer.days.clone();
        self.window = writer.window.clone();
        self.rejected_max = self.rejected_max.saturating_sub(writer.rejected());
        asker.count(|totals| {
            totals.points += writer.lines;
            totals.written += writer.bytes;
            totals.rejected += writer.rejected();
        });
        written?;
        Ok(writer.rejected())
    }
}

impl Question for Writing {
    type Found = ();

    fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.writer.pass(now);
        self.writer.cut_bodies(&mut self.lines, true, now);
        match self.writer.want(now, ids) {
            Want::Nothing => {}
            want => return want,
        }
        if let Some(note) = self.writer.held.note(now) {
            return Want::Step(Step::Note(note));
        }
        let rest = if self.is_written() { Rest::Nothing } else { Rest::Follows };
        self.writer.want_set_aside(now, ids, rest)
    }

    fn owns(&self, id: u64) -> bool {
        self.writer.owns(id)
    }

    fn answer(&mut self, id: u64, answer: Answer) -> Result<Option<()>, Error> {
        self.writer.answer(id, answer)?;
        if self.is_written()
            && let Some(error) = self.writer.refused_in_all()
        {
            return Err(error);
        }
        Ok(self.found())
    }

    fn found(&mut self) -> Option<()> {
        (self.is_written() && self.writer.has_set_aside()).then_some(())
    }
}

impl Writing {
    fn is_written(&self) -> bool {
        self.lines.is_empty() && self.writer.is_done()
    }
}
