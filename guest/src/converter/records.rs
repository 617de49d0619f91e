//! Bytes, cut anywhere, to the records of CSV.
//!
//! Does not know what a record means. A record may hold line breaks, in quotes:
//!
//! ```csv
//! ,,0,2022-01-01T00:00:00Z,"two
//! lines, and a comma"
//! ```

use csv_core::{ReadRecordResult, Reader};

use super::error::{ConversionError, ErrorKind, Position};

/// A record without end, such as one after a quote that is never closed, must not fill the
/// memory. InfluxDB 2.9 takes strings of 64 KiB, InfluxDB 3 of 1 MB.
pub(super) const RECORD_BYTES_MAX: usize = 32 << 20;

/// Some editors begin a file with this mark, which is no part of its first field.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A row has a field for each tag; of columns InfluxDB 3 takes a thousand or a few.
const FIELDS_MAX: usize = 1 << 16;

/// Reads records. `csv-core` does the parsing; here are the buffers and the line numbers.
#[derive(Debug)]
pub(crate) struct Records {
    reader: Reader,
    /// The fields of the record, one after the other, unquoted.
    text: Vec<u8>,
    text_len: usize,
    /// Where each field ends in `text`.
    ends: Vec<usize>,
    ends_len: usize,
    /// The same, in the line itself of a plain record.
    ends_in_line: Vec<usize>,
    /// Whether no record has ended so far.
    is_first: bool,
    /// Whether a record has begun and not ended.
    inside: bool,
    /// Line feeds between records, which the reader does not see.
    skipped: u64,
    /// Line feeds since the last field ended: two are an empty line.
    line_feeds: u64,
    /// Where the record begins, counted from 1.
    line: u64,
}

/// A record: a line of CSV, which may hold line breaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    text: &'a str,
    ends: &'a [usize],
    /// Whether `text` is the line itself, with its commas: so it is where there are no quotes.
    is_plain: bool,
    /// Where it begins, counted from 1.
    pub(crate) line: u64,
}

impl Records {
    pub(crate) fn new() -> Self {
        let mut reader = Reader::new();
        // It would drop the mark with which some editors begin a file, but only if that is not
        // cut, and this only at its very beginning.
        let _ = reader.read_record(b"\r", &mut [0; 1], &mut [0; 1]);
        Self {
            reader,
            is_first: true,
            text: vec![0; 4096],
            text_len: 0,
            ends: vec![0; 32],
            ends_len: 0,
            ends_in_line: Vec::new(),
            inside: false,
            skipped: 0,
            // As if a line had ended before the first: an answer of one empty line is whole.
            line_feeds: 1,
            line: 1,
        }
    }

    /// The next record of `bytes`, which loses what has been read of it; `None` once it is empty.
    pub(crate) fn next<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<Record<'a>>, ConversionError> {
        if self.skip_line_ends(bytes)
            && !self.is_first
            && let Some(text) = plain_line(bytes, &mut self.ends_in_line)
        {
            self.pass_lines_read(1);
            let (ends, line) = (&*self.ends_in_line, self.line);
            return Ok(Some(Record { text, ends, is_plain: true, line }));
        }
        while !bytes.is_empty() {
            let (result, read, text, ends) = self.reader.read_record(
                bytes,
                &mut self.text[self.text_len..],
                &mut self.ends[self.ends_len..],
            );
            let last = bytes[..read].last().copied();
            *bytes = &bytes[read..];
            self.text_len += text;
            self.ends_len += ends;
            self.inside = true;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.grow()?,
                ReadRecordResult::OutputEndsFull => self.grow_ends()?,
                ReadRecordResult::Record => {
                    self.line_feeds = u64::from(last == Some(b'\n'));
                    return self.take().map(Some);
                }
                ReadRecordResult::End => unreachable!("the reader ends only on empty input"),
            }
        }
        Ok(None)
    }

    /// Whether no record has ended so far.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }

    /// Whether a record has begun and not ended.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside
    }

    /// Whether the response ended with an empty line so far, as InfluxDB ends each: without it,
    /// a response that was cut at the end of a row looks whole.
    pub(crate) fn ends_with_empty_line(&self) -> bool {
        !self.inside && self.line_feeds >= 2
    }

    /// Passes what ends a record; whether a record begins with the next byte.
    pub(crate) fn skip_line_ends(&mut self, bytes: &mut &[u8]) -> bool {
        if self.inside {
            return false;
        }
        while let Some((&byte @ (b'\r' | b'\n'), rest)) = bytes.split_first() {
            let line_feed = u64::from(byte == b'\n');
            self.skipped += line_feed;
            self.line_feeds += line_feed;
            *bytes = rest;
        }
        self.line = self.skipped + self.reader.line();
        true
    }

    /// Records of so many lines, each of its own, were read by somebody else.
    pub(crate) fn pass_lines(&mut self, count: u64) {
        self.pass_lines_read(count);
        self.line += count;
    }

    /// So many lines were read, and not by the reader.
    fn pass_lines_read(&mut self, count: u64) {
        self.skipped += count;
        self.line_feeds = 1;
    }

    fn grow(&mut self) -> Result<(), ConversionError> {
        if self.text.len() >= RECORD_BYTES_MAX {
            return Err(self.error(ErrorKind::RecordTooLong { limit: RECORD_BYTES_MAX }));
        }
        self.text.resize(self.text.len() * 2, 0);
        Ok(())
    }

    fn grow_ends(&mut self) -> Result<(), ConversionError> {
        if self.ends.len() >= FIELDS_MAX {
            return Err(self.error(ErrorKind::TooManyFields { limit: FIELDS_MAX }));
        }
        self.ends.resize(self.ends.len() * 2, 0);
        Ok(())
    }

    fn take(&mut self) -> Result<Record<'_>, ConversionError> {
        if std::mem::take(&mut self.is_first) && self.text[..self.text_len].starts_with(MARK) {
            self.text.copy_within(MARK.len()..self.text_len, 0);
            self.text_len -= MARK.len();
            for end in &mut self.ends[..self.ends_len] {
                *end = end.saturating_sub(MARK.len());
            }
        }
        let (text, ends) = (&self.text[..self.text_len], &self.ends[..self.ends_len]);
        self.inside = false;
        (self.text_len, self.ends_len) = (0, 0);
        let line = self.line;
        match str::from_utf8(text) {
            // Two fields may each hold a half of a character: ends must lie between characters.
            Ok(text) if ends.iter().all(|end| text.is_char_boundary(*end)) => {
                Ok(Record { text, ends, is_plain: false, line })
            }
            _ => {
                let mut starts = [0].into_iter().chain(ends.iter().copied());
                let field = |end: &usize| &text[starts.next().unwrap_or_default()..*end];
                let mut fields = ends.iter().map(field);
                let unfit = fields.find(|field| str::from_utf8(field).is_err());
                let kind = ErrorKind::not_utf8(unfit.unwrap_or_default());
                Err(ConversionError { position: Position::Line(line), kind })
            }
        }
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> ConversionError {
        ConversionError { position: Position::Line(self.line), kind }
    }
}

/// The record that begins here, without its end, if it is all here, on one line and without quotes:
/// then commas are all that there is to see, and `csv-core` need not go from byte to byte.
fn plain_line<'a>(bytes: &mut &'a [u8], ends: &mut Vec<usize>) -> Option<&'a str> {
    let length = memchr::memchr3(b'\n', b'\r', b'"', bytes)?;
    let (line, rest) = bytes.split_at(length);
    let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
    let text = str::from_utf8(line).ok()?;
    ends.clear();
    ends.extend(memchr::memchr_iter(b',', line));
    ends.push(length);
    if length > RECORD_BYTES_MAX || ends.len() >= FIELDS_MAX {
        return None;
    }
    *bytes = rest;
    Some(text)
}

impl<'a> Record<'a> {
    /// How many fields it has.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at this place, counted from 0; empty if there is none.
    pub(crate) fn field(&self, place: usize) -> &'a str {
        let Some(&end) = self.ends.get(place) else {
            return "";
        };
        &self.text[self.start(place)..end]
    }

    /// What is written before the field at this place and after the next one, counted from 0, if
    /// all fields up to there stand in the record as they are.
    pub(crate) fn around_pair(&self, place: usize) -> Option<(&'a str, &'a str)> {
        let end = *self.ends.get(place + 1)?;
        self.is_plain.then(|| (&self.text[..self.start(place)], &self.text[end..]))
    }

    fn start(&self, place: usize) -> usize {
        place.checked_sub(1).map_or(0, |before| self.ends[before] + usize::from(self.is_plain))
    }

    /// Whether there is no quote in it, as mostly.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    pub(crate) fn fields(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(move |place| self.field(place))
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> ConversionError {
        ConversionError { position: Position::Line(self.line), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELDS_MAX, Records};

    /// What is said of the second record of a response: its fields, and what is around a pair.
    type Said = (Vec<String>, Option<(String, String)>);

    fn second(line: &str) -> Said {
        let response = format!("first\r\n{line}\r\nthird\r\n");
        let (mut bytes, mut records) = (response.as_bytes(), Records::new());
        records.next(&mut bytes).expect("it is UTF-8").expect("there is a first");
        let record = records.next(&mut bytes).expect("it is UTF-8").expect("there is a second");
        assert_eq!(record.line, 2);
        assert_eq!(record.is_plain(), !line.contains('"') && record.len() < FIELDS_MAX);
        let around = record.around_pair(1).map(|(head, tail)| (head.to_owned(), tail.to_owned()));
        let said = (record.fields().map(str::to_owned).collect(), around);
        let third = records.next(&mut bytes).expect("it is UTF-8").expect("there is a third");
        assert_eq!((third.field(0), third.line), ("third", 3));
        said
    }

    #[test]
    fn a_line_without_quotes_is_a_record_as_it_stands() {
        let fields = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let around = |head: &str, tail: &str| Some((head.to_owned(), tail.to_owned()));
        assert_eq!(second("a,b,c"), (fields("a,b,c"), around("a,", "")));
        assert_eq!(second("a,b,c,,d"), (fields("a,b,c,,d"), around("a,", ",,d")));
        assert_eq!(second(",,"), (fields(",,"), around(",", "")));
        assert_eq!(second("ä,b"), (fields("ä,b"), None));
        assert_eq!(second("a,\"b\",c"), (fields("a,b,c"), None));
    }

    #[test]
    fn a_line_of_very_many_fields_is_left_to_the_reader() {
        for count in [FIELDS_MAX - 2, FIELDS_MAX - 1] {
            let line = ",".repeat(count);
            assert_eq!(second(&line).0.len(), count + 1);
        }
    }
}
