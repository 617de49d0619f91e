//! What the destination has refused, or is known not to take, and the settings allow to set aside: written
//! to a file of its own, before the batch is recorded.
//!
//! Does not know whether it is allowed. An entry is a comment and the line that was refused, or two
//! comments where there can be no such line:
//!
//! ```text
//! # "2022-01-01T00:00:00Z/2022-01-01T01:00:00Z" point 17 (400): invalid column type for column 'load', …
//! cpu,host=a load=0i 1640995200000000000
//! # "2022-01-01T00:00:00Z/2022-01-01T01:00:00Z" unfit: line protocol cannot say the value `+Inf` of …
//! # set aside: cpu,host=a load=+Inf 1640995200000000000
//! ```
//!
//! A crash may leave half an entry at the end of the file, and the next one is appended to that. So each
//! begins with what no half line can go on with: `# "` is no part of a value or a time, and ends a string
//! that is open. Whoever reads the file then finds a line that is none, never a wrong point.

use super::Answer;
use std::collections::VecDeque;

use super::exchange::{Event, Exchange, Ids, Want};
use crate::converter::{Refused, Rejection};
use crate::error::Error;
use crate::protocol::write;
use crate::section::Section;
use crate::time::{TimeRange, Timestamp};

/// From so many bytes on, entries are appended before the batch is at its end, so many at once.
const ENTRIES_BYTES: usize = 1_000_000;
/// Where so many appends are to be made, nothing more is read before.
const APPENDS_MAX: usize = 8;

/// Before what cannot be a line.
pub(crate) const SET_ASIDE: &str = "# set aside: ";

/// Entries on their way to the file.
#[derive(Debug)]
pub(crate) struct SetAside {
    attempts_max: u32,
    /// What entries say of their batch.
    batch: String,
    /// For one append each.
    entries: VecDeque<String>,
    exchange: Option<Exchange>,
}

/// Whether more entries may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Follows,
    Nothing,
}

impl SetAside {
    pub(crate) fn new(attempts_max: u32, section: &Section, batch: TimeRange) -> Self {
        // Quotes around the range alone: names may hold more of them.
        let of = if section.is_all() { String::new() } else { format!(" of {section},") };
        let batch = format!("# \"{batch}\"{of}");
        Self { attempts_max, batch: on_one_line(&batch), entries: VecDeque::new(), exchange: None }
    }

    pub(crate) fn add(&mut self, status: u16, refused: &Refused) {
        let (batch, number) = (&self.batch, refused.number + 1);
        let reason = match refused.reason.as_str() {
            "" => "it does not say why".to_owned(),
            reason => on_one_line(reason),
        };
        let entry = format!("{batch} point {number} ({status}): {reason}\n{}", refused.line());
        self.push(&entry);
    }

    /// Adds what cannot be a line: it stands in a comment, of which nobody reads a point.
    pub(crate) fn add_unfit(&mut self, rejection: &Rejection) {
        let Rejection { line, reason, text } = rejection;
        let place = if *line > 0 { format!(", line {line}") } else { String::new() };
        let (batch, reason, text) = (&self.batch, on_one_line(reason), on_one_line(text));
        self.push(&format!("{batch} unfit{place}: {reason}\n{SET_ASIDE}{text}\n"));
    }

    fn push(&mut self, entry: &str) {
        if self.entries.back().is_none_or(|entries| entries.len() >= ENTRIES_BYTES) {
            self.entries.push_back(String::new());
        }
        if let Some(entries) = self.entries.back_mut() {
            *entries += entry;
        }
    }

    /// Whether all of it is on the disk.
    pub(crate) fn is_done(&self) -> bool {
        self.entries.is_empty() && self.exchange.is_none()
    }

    /// Whether the disk has to come up first.
    pub(crate) fn is_behind(&self) -> bool {
        self.entries.len() >= APPENDS_MAX
    }

    /// What there is of it is appended, if it is much or the last.
    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids, rest: Rest) -> Want {
        let is_due = |entries: &String| rest == Rest::Nothing || entries.len() >= ENTRIES_BYTES;
        if self.exchange.is_none()
            && let Some(entries) = self.entries.pop_front_if(|entries| is_due(entries))
        {
            let call = write::refused(entries);
            self.exchange = Some(Exchange::new(call, self.attempts_max));
        }
        self.exchange.as_mut().map_or(Want::Nothing, |exchange| exchange.want(now, ids, true))
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.owns(id))
    }

    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        let Some(exchange) = &mut self.exchange else { return Ok(()) };
        match exchange.answer(answer) {
            Event::Nothing | Event::Piece(_) | Event::Ended => Ok(()),
            Event::Begun(_) => {
                self.exchange = None;
                Ok(())
            }
            Event::Failed(error) => Err(error),
        }
    }
}

/// A comment ends with its line.
pub(crate) fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{SetAside, on_one_line};
    use crate::converter::{Conversion, Dialect, Format, Manner, Refused, Rejection};
    use crate::section::Section;
    use crate::time::{TimeRange, Timestamp};

    fn refused(number: u64, fields: &str) -> Refused {
        Refused {
            number,
            series: "m,k=a\\ b".to_owned(),
            fields: fields.to_owned(),
            time: "1640995200000000000".to_owned(),
            reason: "not = \"what\"\nit should be\\".to_owned(),
        }
    }

    /// What could be read as a point, were it not in a comment.
    fn unfit(text: &str) -> Rejection {
        Rejection { line: 7, reason: "no = \"point\"".to_owned(), text: text.to_owned() }
    }

    fn entries() -> Vec<String> {
        let range = TimeRange::new(Timestamp(0), Timestamp(3_600_000_000_000));
        let mut set_aside = SetAside::new(1, &Section::ALL, range.expect("it is a range"));
        let mut entries = Vec::new();
        for (number, fields) in
            ["f=1i,g=\"a \\\"b\\\"\n c\"", "h=t", "s=\"\""].into_iter().enumerate()
        {
            set_aside.add(400, &refused(number as u64, fields));
            entries.extend(set_aside.entries.pop_back());
        }
        for text in ["m,k=v f=+Inf 1", "m f=\"a\nb f=1 1", "\\"] {
            set_aside.add_unfit(&unfit(text));
            entries.extend(set_aside.entries.pop_back());
        }
        entries
    }

    fn read(text: &str) -> Result<String, String> {
        let manner = Manner { dialect: Dialect::Iox, ..Manner::default() };
        let mut conversion = Conversion::within(TimeRange::ALL, Format::Lp, manner);
        conversion.feed(text.as_bytes()).map_err(|error| error.to_string())?;
        conversion.end().map_err(|error| error.to_string())?;
        Ok(conversion.take_lines(usize::MAX).text().to_owned())
    }

    #[test]
    fn entries_can_be_read_as_a_source() {
        let entries = entries();
        assert_eq!(
            entries[1],
            "# \"1970-01-01T00:00:00Z/1970-01-01T01:00:00Z\" point 2 (400): not = \"what\" it should \
             be\\\nm,k=a\\ b h=t 1640995200000000000\n"
        );
        assert_eq!(
            entries[4],
            "# \"1970-01-01T00:00:00Z/1970-01-01T01:00:00Z\" unfit, line 7: no = \"point\"\n# set aside: m \
             f=\"a b f=1 1\n"
        );
        let lines = read(&entries.concat()).expect("it is line protocol");
        // The fields of one point are merged again.
        let fields = "f=1i,g=\"a \\\"b\\\"\n c\",h=true,s=\"\"";
        assert_eq!(lines, format!("m,k=a\\ b {fields} 1640995200000000000\n"));
    }

    /// Wherever a crash has cut it: a half line is never read as a point, nor does it swallow the next.
    #[test]
    fn an_entry_that_is_torn_is_an_error_or_nothing() {
        let entries = entries();
        let wholes: Vec<_> =
            entries.iter().map(|entry| read(entry).expect("it is whole")).collect();
        for entry in &entries {
            for cut in (0..entry.len()).filter(|cut| entry.is_char_boundary(*cut)) {
                let Ok(lines) = read(&(entry[..cut].to_owned() + &entries[1])) else { continue };
                assert_eq!(lines, wholes[1], "{cut} of {entry}");
            }
        }
    }

    #[test]
    fn a_reason_has_one_line() {
        assert_eq!(on_one_line("a\r\nb\tc\u{85}"), "a  b c ");
    }
}
