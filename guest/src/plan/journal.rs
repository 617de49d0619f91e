//! What is recorded of a migration: read once, then appended to, all records that wait at once.
//!
//! Does not know which batch is next. A record that cannot be read is no record: its batch is done
//! again, and that is always safe.

use std::collections::{HashMap, VecDeque};

use super::exchange::{Event, Exchange, Ids, Want};
use super::note::counted;
use super::{Answer, Note, Totals, recorder};
use crate::converter::Conversion;
use crate::coverage::Coverage;
use crate::error::{Endpoint, Error, Fault};
use crate::progress::{Entry, Opening, Record, Route};
use crate::protocol::{Response, file, flux, write};
use crate::section::Section;
use crate::settings::{Checkpoint, Settings};
use crate::terms::{self, Recorded, Terms};
use crate::time::{TimeRange, Timestamp};

/// So much of a checkpoint is read, some hundred thousand records: more would not fit into an instance.
const CHECKPOINT_BYTES_MAX: usize = 128 << 20;

/// A window has seldom more batches; of more the older ones are forgotten.
const RECENT_MAX: usize = 1000;

/// The records of one migration, and the endpoint that keeps them.
#[derive(Debug)]
pub(crate) struct Journal {
    checkpoint: Checkpoint,
    attempts_max: u32,
    route: Route,
    terms: Terms,
    /// Whether the records of the guide's task count.
    trusts_task: bool,
    state: State,
    /// The file's last line has no end: what is appended begins with one.
    torn: bool,
    /// Something that was recorded cannot be read, so nobody knows what was moved.
    pub(crate) has_gaps: bool,
    pub(crate) coverage: Coverage,
    pub(crate) records: u64,
    pub(crate) totals: Totals,
    /// Whether anything is recorded: then a file as destination is this migration's.
    pub(crate) begun: bool,
    /// What "earliest" and "now" meant when they were first said.
    pub(crate) earliest: Option<Timestamp>,
    pub(crate) now: Option<Timestamp>,
    /// The last record of this migration.
    pub(crate) last: Option<Record>,
    /// Those before it, if they are kept, and how many of them.
    pub(crate) history: Option<(usize, VecDeque<Record>)>,
    /// The last of each section, of which the next one learns: its length, for how long the source was
    /// waited for, in nanoseconds, and what it moved.
    pub(crate) last_of: HashMap<Section, (u64, u64, Totals)>,
    /// When the last of them were done, and what they moved.
    pub(crate) recent: VecDeque<(Timestamp, Totals)>,
    /// The time of the last entry.
    last_time: Timestamp,
    /// Entries that are not on the disk yet.
    waiting: VecDeque<Pending>,
    pub(crate) notes: VecDeque<Note>,
}

/// An entry that is to be recorded.
#[derive(Clone, Debug)]
enum Pending {
    Opened(Opening),
    Done(Record),
}

#[derive(Debug)]
enum State {
    Reading {
        exchange: Exchange,
        text: Vec<u8>,
        read: usize,
        conversion: Option<Box<Conversion>>,
        found: bool,
    },
    Idle,
    Appending {
        exchange: Exchange,
        entries: Vec<Pending>,
    },
}

impl Journal {
    pub(crate) fn new(settings: &Settings) -> Self {
        let (call, conversion) = match &settings.checkpoint {
            Checkpoint::File => (file::content(Endpoint::Checkpoint, "", true), None),
            // The answer to a query becomes the lines that a file would have.
            Checkpoint::Bucket(place) => {
                (flux::records(place), Some(Box::new(Conversion::of_whole_points())))
            }
        };
        let attempts_max = settings.limits.attempts_max;
        let exchange = Exchange::restarting(call, attempts_max);
        Self {
            checkpoint: settings.checkpoint.clone(),
            attempts_max,
            route: Route::of(settings),
            terms: Terms::of(settings),
            trusts_task: settings.trusts_task,
            state: State::Reading { exchange, text: Vec::new(), read: 0, conversion, found: true },
            torn: false,
            has_gaps: false,
            coverage: Coverage::default(),
            records: 0,
            totals: Totals::default(),
            begun: false,
            earliest: None,
            now: None,
            last: None,
            history: None,
            last_of: HashMap::new(),
            recent: VecDeque::new(),
            last_time: Timestamp(0),
            waiting: VecDeque::new(),
            notes: VecDeque::new(),
        }
    }

    /// Whether all that was recorded has been read.
    pub(crate) fn is_read(&self) -> bool {
        !matches!(self.state, State::Reading { .. })
    }

    /// Whether all of a range is done that some run before had to do.
    pub(crate) fn is_done(&self, range: TimeRange) -> bool {
        let last = self.last.as_ref().map(|last| last.migration);
        last.and_then(|last| last.intersection(range))
            .is_some_and(|last| self.coverage.covers(last))
    }

    /// How many entries are not on the disk yet.
    pub(crate) fn unsettled(&self) -> usize {
        let appending = match &self.state {
            State::Appending { entries, .. } => entries.len(),
            State::Reading { .. } | State::Idle => 0,
        };
        self.waiting.len() + appending
    }

    /// Records that the migration has begun, and what its range is.
    pub(crate) fn open(&mut self, migration: TimeRange, earliest: bool, now: bool) {
        let (route, terms, time) = (self.route.clone(), self.terms.clone(), Timestamp(0));
        let opening = Opening { route, terms, migration, earliest, now, time };
        self.waiting.push_back(Pending::Opened(opening));
    }

    /// Records a batch that is done, once what is being appended is on the disk.
    pub(crate) fn append(&mut self, record: Record) {
        self.waiting.push_back(Pending::Done(record));
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        if matches!(self.state, State::Idle) && !self.waiting.is_empty() {
            self.begin_append(now);
        }
        match &mut self.state {
            State::Reading { exchange, .. } | State::Appending { exchange, .. } => {
                exchange.want(now, ids, true)
            }
            State::Idle => Want::Nothing,
        }
    }

    /// All that waits goes at once: some checkpoints take a second for each request.
    fn begin_append(&mut self, now: Timestamp) {
        let mut entries: Vec<_> = self.waiting.drain(..).collect();
        // Its batch is done again, perhaps in other ranges: so it must not be read as whole later.
        let mut body = if self.torn { " torn\n".to_owned() } else { String::new() };
        let (mut time, mut batches) = (self.last_time, Vec::new());
        for entry in &mut entries {
            // In a bucket, two records of one time would be one: time must go on, whatever the clock
            // does.
            time = now.max(time.saturating_add(1));
            body += &match entry {
                Pending::Opened(opening) => {
                    opening.time = time;
                    opening.to_line()
                }
                Pending::Done(record) => {
                    batches.push((record.section.clone(), record.batch));
                    record.time = time;
                    record.percent_complete =
                        self.coverage.percent_with(&batches, record.migration);
                    record.to_line()
                }
            };
            body.push('\n');
        }
        let call = write::record(&self.checkpoint, body);
        let exchange = Exchange::new(call, self.attempts_max);
        self.state = State::Appending { exchange, entries };
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        match &self.state {
            State::Reading { exchange, .. } | State::Appending { exchange, .. } => {
                exchange.owns(id)
            }
            State::Idle => false,
        }
    }

    /// Takes an answer, and returns the records that are now on the disk.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Vec<Record>, Error> {
        let event = match &mut self.state {
            State::Reading { exchange, .. } | State::Appending { exchange, .. } => {
                exchange.answer(answer)
            }
            State::Idle => Event::Nothing,
        };
        match event {
            Event::Nothing => Ok(Vec::new()),
            Event::Begun(response) => Ok(self.begun(&response)),
            Event::Piece(piece) => self.take_piece(&piece).map(|()| Vec::new()),
            Event::Ended => self.end().map(|()| Vec::new()),
            Event::Failed(error) => {
                self.state = State::Idle;
                Err(error)
            }
        }
    }

    fn begun(&mut self, response: &Response) -> Vec<Record> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Appending { entries, .. } => {
                self.torn = false;
                let mut records = Vec::new();
                for entry in entries {
                    match entry {
                        Pending::Done(record) => {
                            self.count(&record);
                            records.push(record);
                        }
                        Pending::Opened(opening) => self.begin(&opening),
                    }
                }
                records
            }
            State::Reading { exchange, conversion, .. } => {
                // Not for the first time, if the body broke off.
                let conversion = conversion.map(|_| Box::new(Conversion::of_whole_points()));
                let (text, read, found) = (Vec::new(), 0, response.status != 404);
                self.state = State::Reading { exchange, text, read, conversion, found };
                Vec::new()
            }
            State::Idle => Vec::new(),
        }
    }

    fn take_piece(&mut self, piece: &[u8]) -> Result<(), Error> {
        if let State::Reading { text, read, conversion, .. } = &mut self.state {
            *read += piece.len();
            if *read > CHECKPOINT_BYTES_MAX {
                let message = format!("the checkpoint has more than {CHECKPOINT_BYTES_MAX} bytes");
                return Err(Error::new(Fault::TooLarge, message).at(Endpoint::Checkpoint));
            }
            match conversion {
                Some(conversion) => conversion.feed(piece).map_err(unreadable)?,
                None => text.extend(piece),
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let State::Reading { text, conversion, found, .. } =
            std::mem::replace(&mut self.state, State::Idle)
        else {
            return Ok(());
        };
        match conversion {
            Some(mut conversion) => {
                conversion.end().map_err(unreadable)?;
                self.read(conversion.take_lines(usize::MAX).text())?;
            }
            None if found => {
                let text = String::from_utf8_lossy(&text);
                self.torn = !text.is_empty() && !text.ends_with('\n');
                self.read(&text)?;
            }
            None => {}
        }
        Ok(())
    }

    /// Takes what was recorded: a record a line.
    fn read(&mut self, text: &str) -> Result<(), Error> {
        let (mut unreadable, mut of_others, mut elsewhere) = (0_u64, 0_u64, 0_u64);
        let (mut of_task, mut rules_changed) = (0_u64, false);
        let (lines, last) = (text.lines().enumerate(), text.lines().count());
        for (place, line) in lines.filter(|(_, line)| !matches!(*line, "" | recorder::BEGIN)) {
            // A line without its end was torn by a crash: what it says may be cut as well.
            if self.torn && place + 1 == last {
                continue;
            }
            match Entry::parse(line) {
                Some(Entry::Task { route, batch }) if route.is_of_task(&self.route) => {
                    of_task += 1;
                    if self.trusts_task {
                        self.coverage.insert(&Section::ALL, batch);
                        self.records += 1;
                    }
                }
                Some(Entry::Opened(opening)) if opening.route == self.route => {
                    opening.terms.check(&self.terms, Recorded::Opening)?;
                    rules_changed |= opening.terms.changed_rules(&self.terms).is_some();
                    self.begin(&opening);
                }
                Some(Entry::Done(record)) if record.route == self.route => {
                    record.terms.check(&self.terms, Recorded::Batch)?;
                    self.count(&record);
                }
                Some(entry) if entry.route().differs_in_hosts_alone(&self.route) => elsewhere += 1,
                Some(_) => of_others += 1,
                None => unreadable += 1,
            }
        }
        self.has_gaps = self.torn || unreadable > 0;
        if rules_changed && self.records == 0 {
            self.notes.push_back(terms::rules_have_changed());
        }
        if unreadable > 0 {
            self.notes.push_back(Note::warning(format!(
                "{} of the checkpoint cannot be read: what was recorded there is done again",
                counted(unreadable, "line", "lines")
            )));
        }
        if of_others > 0 {
            self.notes.push_back(Note::info(format!(
                "{} of other migrations in the checkpoint, which do not matter here",
                counted(of_others, "record", "records")
            )));
        }
        if elsewhere > 0 {
            let hint =
                "if they are the same servers, set `url` as it was when the records were made";
            let note = Note::warning(format!(
                "{} of the same buckets at other addresses in the checkpoint, which do not count",
                counted(elsewhere, "record", "records")
            ));
            self.notes.push_back(note.with_hint(hint));
        }
        if of_task > 0 && !self.trusts_task {
            let note = Note::warning(format!(
                "{} of the guide's task in the checkpoint, which do not count: it records batches \
                 that may not have arrived",
                counted(of_task, "record", "records")
            ));
            let hint = "if you know that they have, set `checkpoint.trust_task = true`";
            self.notes.push_back(note.with_hint(hint));
        }
        Ok(())
    }

    fn begin(&mut self, opening: &Opening) {
        self.begun = true;
        let (range, time) = (opening.migration, opening.time);
        self.last_time = self.last_time.max(time);
        if opening.earliest {
            self.earliest.get_or_insert(range.start());
        }
        if opening.now {
            // A migration that goes on begins each round anew.
            self.now = self.now.max(Some(range.stop()));
        }
    }

    fn count(&mut self, record: &Record) {
        self.begun = true;
        self.coverage.insert(&record.section, record.batch);
        self.records += 1;
        self.totals += record.totals;
        // By its place, not by its time: a clock may jump.
        self.last = Some(record.clone());
        if let Some((most, history)) = &mut self.history {
            history.push_back(record.clone());
            history.drain(..history.len().saturating_sub(*most));
        }
        let last = (record.batch.nanoseconds(), record.source_nanoseconds, record.totals);
        self.last_of.insert(record.section.clone(), last);
        self.recent.push_back((record.time, record.totals));
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        self.last_time = self.last_time.max(record.time);
    }
}

fn unreadable(error: Error) -> Error {
    let error = error.within("the checkpoint").at(Endpoint::Checkpoint);
    match error.fault {
        Fault::Truncated => error,
        _ => Error { fault: Fault::Malformed, ..error },
    }
}
