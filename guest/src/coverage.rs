//! What is done of a migration: times, for each section of the points.
//!
//! Does not know batches. Times are kept as ranges apart from each other, in a tree: a hundred
//! thousand records take a few megabytes at most, and one that follows another almost nothing.

use std::collections::{BTreeMap, HashMap};

use crate::section::Section;
use crate::time::{TimeRange, Timestamp};

/// What is not complete must not round to 100.
const INCOMPLETE_PERCENT_MAX: f64 = 99.999;

/// Records come from outside, and each may double the sections: twice as many as a plan makes are kept.
const SECTIONS_MAX: usize = 20_000;

/// Times: ranges, apart from each other, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// Where each stops, by where it starts.
    ranges: BTreeMap<Timestamp, Timestamp>,
    /// The nanoseconds of all of them.
    nanoseconds: u64,
}

impl Times {
    /// Adds a range; what touches becomes one.
    pub(crate) fn insert(&mut self, range: TimeRange) {
        let (mut start, mut stop) = (range.start(), range.stop());
        while let Some((first, last)) = self.last_until(stop).filter(|(_, last)| *last >= start) {
            self.ranges.remove(&first);
            self.nanoseconds -= last.0.abs_diff(first.0);
            (start, stop) = (start.min(first), stop.max(last));
        }
        self.ranges.insert(start, stop);
        self.nanoseconds += stop.0.abs_diff(start.0);
    }

    /// Takes a range out.
    pub(crate) fn remove(&mut self, range: TimeRange) {
        while let Some((first, last)) = self.last_before(range.stop()) {
            if last <= range.start() {
                break;
            }
            self.ranges.remove(&first);
            self.nanoseconds -= last.0.abs_diff(first.0);
            for rest in [(first, range.start()), (range.stop(), last)] {
                if let Some(rest) = TimeRange::new(rest.0, rest.1) {
                    self.ranges.insert(rest.start(), rest.stop());
                    self.nanoseconds += rest.nanoseconds();
                }
            }
        }
    }

    /// The last range that starts at this time or earlier.
    fn last_until(&self, time: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.ranges.range(..=time).next_back().map(|(start, stop)| (*start, *stop))
    }

    /// The last range that starts earlier.
    fn last_before(&self, time: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.ranges.range(..time).next_back().map(|(start, stop)| (*start, *stop))
    }

    /// The first part of `range` that is not covered.
    pub(crate) fn first_gap(&self, range: TimeRange) -> Option<TimeRange> {
        let covered_until = self.last_until(range.start()).map(|(_, stop)| stop);
        let start = covered_until.map_or(range.start(), |stop| stop.max(range.start()));
        let next = self.ranges.range(start..).next().map_or(range.stop(), |(next, _)| *next);
        TimeRange::new(start, next.min(range.stop()))
    }

    /// How many nanoseconds from `start` on and before `stop` are covered.
    fn between(&self, start: Timestamp, stop: Timestamp) -> u64 {
        let Some(within) = TimeRange::new(start, stop) else { return 0 };
        let first = self.last_until(start).map_or(start, |(first, _)| first);
        let of = |(start, stop): (&Timestamp, &Timestamp)| {
            TimeRange::new(*start, *stop).and_then(|range| range.intersection(within))
        };
        self.ranges.range(first..stop).filter_map(of).map(TimeRange::nanoseconds).sum()
    }

    /// The same of a range outside of which there is little.
    fn nanoseconds_of(&self, range: TimeRange) -> u64 {
        let outside = self.between(Timestamp::MIN, range.start())
            + self.between(range.stop(), Timestamp::MAX);
        self.nanoseconds - outside
    }
}

/// The times that are done, for sections that together are all points.
#[derive(Clone, Debug)]
pub(crate) struct Coverage {
    // Invariant: no two of the sections have a point in common, and there is none beside them.
    columns: Vec<Column>,
    /// Where each section is in `columns`.
    places: HashMap<Section, usize>,
}

/// A section, and what is done of it.
#[derive(Clone, Debug)]
struct Column {
    section: Section,
    times: Times,
    /// Which part of all it counts for. Nobody knows how many points it has: those that a section is cut
    /// into count alike.
    weight: f64,
}

impl Default for Coverage {
    fn default() -> Self {
        let all = Column { section: Section::ALL, times: Times::default(), weight: 1.0 };
        Self { columns: vec![all], places: HashMap::from([(Section::ALL, 0)]) }
    }
}

impl Coverage {
    /// Adds a range of a section. Sections that it cuts become several; beyond `SECTIONS_MAX` it does not
    /// count, and is done again.
    pub(crate) fn insert(&mut self, section: &Section, range: TimeRange) {
        if let Some(place) = self.places.get(section) {
            return self.columns[*place].times.insert(range);
        }
        let crosses = |column: &Section| column.meets(section) && !section.contains(column);
        while let Some(at) = self.columns.iter().position(|column| crosses(&column.section)) {
            if self.columns.len() > SECTIONS_MAX {
                return;
            }
            let column = self.columns[at].section.clone();
            self.replace(at, column.cut_along(section));
        }
        for column in &mut self.columns {
            if section.contains(&column.section) {
                column.times.insert(range);
            }
        }
    }

    /// Takes a range of a section out again.
    pub(crate) fn remove(&mut self, section: &Section, range: TimeRange) {
        for column in &mut self.columns {
            if section.contains(&column.section) {
                column.times.remove(range);
            }
        }
    }

    /// Cuts one of the sections into these, which tile it.
    pub(crate) fn divide(&mut self, section: &Section, sections: Vec<Section>) {
        if let Some(at) = self.places.get(section) {
            self.replace(*at, sections);
        }
    }

    fn replace(&mut self, at: usize, sections: Vec<Section>) {
        let Column { section, times, weight } = self.columns[at].clone();
        #[expect(clippy::cast_precision_loss, reason = "a weight is for people")]
        let weight = weight / sections.len() as f64;
        self.places.remove(&section);
        // The first takes its place, the others come last: the places of all others stay.
        for (nth, section) in sections.into_iter().enumerate() {
            let place = if nth == 0 { at } else { self.columns.len() };
            self.places.insert(section.clone(), place);
            let column = Column { section, times: times.clone(), weight };
            match self.columns.get_mut(place) {
                Some(old) => *old = column,
                None => self.columns.push(column),
            }
        }
    }

    /// Whether this is one of the sections as they are.
    pub(crate) fn has(&self, section: &Section) -> bool {
        self.places.contains_key(section)
    }

    /// How many sections there are.
    pub(crate) fn sections(&self) -> usize {
        self.columns.len()
    }

    /// The earliest range within `range` that is not covered, and its section.
    pub(crate) fn first_gap(&self, range: TimeRange) -> Option<(&Section, TimeRange)> {
        let gap = |column: &'_ Column| column.times.first_gap(range);
        let gaps = self.columns.iter().filter_map(|column| Some((&column.section, gap(column)?)));
        gaps.min_by_key(|(_, gap)| gap.start())
    }

    /// Whether all of `range` is covered.
    pub(crate) fn covers(&self, range: TimeRange) -> bool {
        self.first_gap(range).is_none()
    }

    /// How much of `range` is covered, in percent; 100 only if all of it is.
    pub(crate) fn percent_of(&self, range: TimeRange) -> f64 {
        self.percent_with(&[], range)
    }

    /// The same once some batches are done as well, of which no two have a time in common.
    #[expect(clippy::cast_precision_loss, reason = "a percentage is for people")]
    pub(crate) fn percent_with(&self, batches: &[(Section, TimeRange)], range: TimeRange) -> f64 {
        let left = |Column { section: column, times, weight }: &Column| {
            let of_column = batches.iter().filter(|(section, _)| section.contains(column));
            let added = of_column.filter_map(|(_, batch)| batch.intersection(range));
            let new =
                |batch: TimeRange| batch.nanoseconds() - times.between(batch.start(), batch.stop());
            let added: u64 = added.map(new).sum();
            weight * (range.nanoseconds() - times.nanoseconds_of(range) - added) as f64
        };
        let left: f64 = self.columns.iter().map(left).sum();
        if left == 0.0 {
            return 100.0;
        }
        ((1.0 - left / range.nanoseconds() as f64) * 100.0).min(INCOMPLETE_PERCENT_MAX)
    }
}
