//! Bodies on their way to the destination: cut, sent, halved where one is too large, sifted where
//! points of it are refused, and acknowledged.
//!
//! Sends only what the destination's quota has room for. Does not know where lines come from. All
//! that is sent again may have been written already: a point written twice is one point.

mod refusals;

use std::collections::VecDeque;

use super::body::Body;
use super::days::Days;
use super::exchange::{Event, Exchange, Ids, Want};
use super::pace::{Held, Pace};
use super::refused::RefusedPoints;
use super::set_aside::SetAside;
use super::slot::Slot;
use super::window::{Attempt, End, Places, Window};
use super::{Answer, Step};
use crate::converter::Lines;
use crate::error::{Endpoint, Error, Fault};
use crate::protocol::{Response, file, write};
use crate::settings::{Destination, Settings, Source};
use crate::time::Timestamp;

/// A body of at most so many bytes goes to the disk at once: little is left to be done when the
/// response ends.
const FILE_BODY_BYTES_MAX: usize = 2_000_000;

/// The bodies of a batch.
#[derive(Debug)]
pub(crate) struct Writer {
    destination: Destination,
    attempts_max: u32,
    /// A file takes one body after the other: each has its place. And a file as source may hold two
    /// values of one series, time and field, of which the later one counts.
    is_ordered: bool,
    /// However much the destination takes.
    body_bytes_max: usize,
    /// Bodies that are to be sent before what is converted: parts of some that were sent in vain.
    again: VecDeque<Lines>,
    writes: Vec<Write>,
    /// Points that were sent, each once.
    points: u64,
    searches: usize,
    refused: RefusedPoints,
    set_aside: SetAside,
    /// Attempts that have ended since time was last told, and the bytes of the quota that have arrived with
    /// each, or may have.
    ended: Vec<(u64, Attempt)>,
    /// Until then no measurement-day more may be written.
    held_until: Option<Timestamp>,
    /// Until when the quota holds something up.
    pub(crate) held: Held,
    /// What the destination's quotas leave.
    pub(crate) pace: Pace,
    pub(crate) days: Days,
    /// How much it takes at once.
    pub(crate) window: Window,
    /// Where the next body belongs in a file.
    pub(crate) offset: Option<u64>,
    /// Lines and bytes that are acknowledged.
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
}

/// A body on its way until it is acknowledged.
#[derive(Debug)]
struct Write {
    body: Body,
    exchange: Exchange,
    /// Why it goes on in parts, once its text is back.
    error: Option<Error>,
    /// Bytes of the destination's quota that are taken for it: none before it sets out.
    room: u64,
    /// When the present attempt set out, and what places there were since.
    sent: Timestamp,
    places: Places,
}

impl Writer {
    pub(crate) fn new(
        settings: &Settings,
        offset: Option<u64>,
        slot: Slot,
        window: Window,
        refused: RefusedPoints,
        set_aside: SetAside,
    ) -> Self {
        let bytes_max = match &settings.destination {
            Destination::File(_) => FILE_BODY_BYTES_MAX,
            Destination::V1(_) | Destination::V2(_) | Destination::V3(_) => usize::MAX,
        };
        let Slot { reading: _, writing: pace, days } = slot;
        let quota = pace.quota().map_or(u64::MAX, |quota| quota.amount);
        Self {
            destination: settings.destination.clone(),
            attempts_max: settings.limits.attempts_max,
            is_ordered: offset.is_some() || matches!(settings.source, Source::File(..)),
            body_bytes_max: usize::try_from(quota).unwrap_or(usize::MAX).min(bytes_max),
            pace,
            days,
            window,
            again: VecDeque::new(),
            writes: Vec::new(),
            points: 0,
            searches: 0,
            refused,
            set_aside,
            ended: Vec::new(),
            held_until: None,
            held: Held::default(),
            offset,
            lines: 0,
            bytes: 0,
        }
    }

    /// Time has passed: only now it is known when answers came.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        self.pace.follow(now);
        for (room, attempt) in self.ended.drain(..) {
            self.pace.end(now, room);
            let pause = self.window.ended(&attempt, now);
            self.pace.hold(now, pause);
        }
        self.held_until = self.held_until.filter(|until| *until > now);
    }

    /// Makes writes of the lines that are waiting: of whole bodies, and of the rest at the end.
    pub(crate) fn cut_bodies(&mut self, lines: &mut Lines, is_end: bool, now: Timestamp) {
        let writes_max = if self.is_ordered { 1 } else { self.window.size() };
        let body_bytes_max = self.body_bytes_max();
        while self.writes.len() < writes_max {
            let waiting = lines.bytes();
            let mut body = match self.again.pop_front() {
                Some(body) => body,
                None if waiting >= body_bytes_max || (is_end && waiting > 0) => {
                    // What is left of a window is used; where nothing is, a whole body waits.
                    let room = match self.writes.iter().any(|write| write.room == 0) {
                        true => 0,
                        false => usize::try_from(self.pace.room(now)).unwrap_or(usize::MAX),
                    };
                    let bytes_max = if room > 0 { room } else { usize::MAX };
                    let body = lines.take_front(body_bytes_max.min(bytes_max));
                    self.points += body.len() as u64;
                    body
                }
                None => return,
            };
            let fit = self.days.lines_that_fit(&body, now);
            if fit < body.len() {
                let rest = if fit > 0 { body.split_off(fit) } else { std::mem::take(&mut body) };
                self.again.push_front(rest);
                self.held_until = Some(self.days.ready(now));
            }
            if body.is_empty() {
                return;
            }
            // Counted here, so that the next body is cut to what is left; and again when it sets out,
            // for its time counts from then.
            self.days.write(&body, now);
            self.write(body);
            if self.writes.len() >= writes_max {
                self.writes.iter_mut().for_each(|write| write.places = Places::AllTaken);
            }
        }
    }

    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max.min(self.window.body_bytes_max())
    }

    fn write(&mut self, lines: Lines) {
        let call = write::lines(&self.destination, self.offset);
        let exchange = Exchange::new(call, self.attempts_max);
        let body = Body::new(lines);
        let (room, sent, places) = (0, Timestamp::MIN, Places::SomeFree);
        self.writes.push(Write { body, exchange, error: None, room, sent, places });
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        let (mut until, mut is_blocked) = (self.held_until, false);
        for write in &mut self.writes {
            if let Some(id) = write.body.recall() {
                return Want::Step(Step::Recall(id));
            }
            if write.body.is_awaited() {
                continue;
            }
            let bytes = write.body.lines().bytes() as u64;
            if write.room == 0 {
                // Those behind one that waits may be smaller; it would never be its turn.
                if is_blocked {
                    continue;
                }
                let ready = self.pace.ready(now, bytes);
                if ready > now {
                    until = Some(until.map_or(ready, |until| ready.min(until)));
                    self.held.until(ready, Endpoint::Destination);
                    is_blocked = true;
                    continue;
                }
                self.pace.begin(now, bytes);
                self.days.write(write.body.lines(), now);
                write.room = bytes;
            }
            match write.exchange.want(now, ids, true) {
                Want::Step(Step::Send(request)) => {
                    (write.sent, write.places) = (now, Places::SomeFree);
                    return Want::Step(Step::Send(write.body.hand_out(request)));
                }
                Want::Step(step) => return Want::Step(step),
                Want::Wait(time) => {
                    until = Some(until.map_or(time, |until| time.min(until)));
                    // A destination that asks one to wait means all of them.
                    is_blocked = true;
                }
                Want::Nothing => {}
            }
        }
        until.map_or(Want::Nothing, Want::Wait)
    }

    /// Whether all that was cut is acknowledged or refused.
    pub(crate) fn is_done(&self) -> bool {
        self.writes.is_empty() && self.again.is_empty()
    }

    /// Whether a body may have an effect that is not known yet.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.writes.iter().any(|write| write.exchange.is_in_flight())
    }

    /// How many bodies are not acknowledged, and their bytes, with so many that are to be cut.
    pub(crate) fn unacknowledged(&self, waiting: usize) -> (usize, usize) {
        let sent = self.writes.iter().map(|write| write.body.lines());
        let cut: Vec<_> = sent.chain(&self.again).map(Lines::bytes).collect();
        let bodies = cut.len() + waiting.div_ceil(self.body_bytes_max().max(1));
        (bodies, cut.iter().sum::<usize>() + waiting)
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        let of_body = |write: &Write| write.exchange.owns(id) || write.body.awaits(id);
        self.set_aside.owns(id) || self.writes.iter().any(of_body)
    }

    /// Takes an answer to the request of this id. After an error nothing more may be sent.
    pub(crate) fn answer(&mut self, id: u64, answer: Answer) -> Result<(), Error> {
        if self.set_aside.owns(id) {
            return self.set_aside.answer(answer);
        }
        if let Some(at) = self.writes.iter().position(|write| write.body.awaits(id)) {
            return self.take_back(at, answer);
        }
        let Some(at) = self.writes.iter().position(|write| write.exchange.owns(id)) else {
            return Ok(());
        };
        let Write { exchange, body, room, sent, places, .. } = &mut self.writes[at];
        let (failed, delayed) = (exchange.failed(), exchange.delayed());
        let event = exchange.answer(answer);
        let is_over = matches!(event, Event::Begun(_) | Event::Failed(_));
        let end = if exchange.failed() > failed {
            Some(End::Failed)
        } else if exchange.delayed() > delayed {
            Some(End::Delayed)
        } else {
            is_over.then_some(End::Arrived)
        };
        if let Some(end) = end {
            // What the server has counted of an attempt that failed is not known.
            let room = match end {
                End::Delayed if !is_over => 0,
                End::Arrived | End::Failed | End::Delayed => std::mem::take(room),
            };
            let (bytes, sent, places) = (body.lines().bytes(), *sent, *places);
            self.ended.push((room, Attempt { bytes, sent, end, places }));
            if !is_over {
                body.want_back();
            }
        }
        match event {
            // A write does not read the body of its success.
            Event::Nothing | Event::Piece(_) | Event::Ended => Ok(()),
            Event::Begun(response) => {
                let Write { body, .. } = self.writes.remove(at);
                self.acknowledge(body.lines().len(), body.lines().bytes());
                self.check_length(&response)
            }
            Event::Failed(error) => {
                let Write { body, exchange, error: left, .. } = &mut self.writes[at];
                let is_too_large = error.fault == Fault::TooLarge && body.lines().len() > 1;
                if exchange.refusal.is_none() && !is_too_large {
                    return Err(error);
                }
                body.want_back();
                *left = Some(error);
                Ok(())
            }
        }
    }

    /// The text of a body is back: to be sent again as it is, or in parts.
    fn take_back(&mut self, at: usize, answer: Answer) -> Result<(), Error> {
        self.writes[at].body.take_back(answer)?;
        let Some(error) = self.writes[at].error.take() else { return Ok(()) };
        let Write { body, exchange, .. } = self.writes.remove(at);
        let lines = body.into_lines();
        match exchange.refusal {
            Some(refusal) => self.sift(lines, &refusal, error),
            None => {
                self.window.too_large(lines.bytes());
                self.halve(lines);
                Ok(())
            }
        }
    }

    fn acknowledge(&mut self, lines: usize, bytes: usize) {
        self.lines += lines as u64;
        self.bytes += bytes as u64;
        if let Some(offset) = &mut self.offset {
            *offset += bytes as u64;
        }
    }

    /// A file is as long as it is said to be.
    fn check_length(&self, response: &Response) -> Result<(), Error> {
        let Some(offset) = self.offset else { return Ok(()) };
        match file::length_of(Endpoint::Destination, response)? {
            length if length == offset => Ok(()),
            length => {
                let message = format!("the destination has {length} bytes instead of {offset}");
                Err(Error::new(Fault::Malformed, message).at(Endpoint::Destination))
            }
        }
    }
}
