//! What the converter promises for any bytes at all, each promise as a check that panics.
//!
//! Beside them stand the ones that need no words: it does not panic, it comes to an end, and what
//! it holds is bounded; libFuzzer watches those. Does not know how a response is read: what should
//! leave of one is known from readers that are not ours (`source`), or from reading it differently.

mod batch;
mod lines;
mod outcome;
mod source;
mod target;

pub use batch::check_batch;
pub use target::check_files;

use lines::Values;
use outcome::{End, Outcome};

/// In what a response is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Annotated CSV, as Flux answers it.
    Csv,
    /// MessagePack, as InfluxQL answers it.
    InfluxQl,
    /// Line protocol, as exports are written.
    Lines,
}

/// Responses up to this length are cut at every byte too: longer ones would take longer than they
/// are worth.
const BYTE_BY_BYTE_MAX: usize = 400;

/// Checks all promises for one response.
///
/// # Panics
/// Where one is broken.
pub fn check(format: Format, response: &[u8]) {
    let whole = outcome::convert(&format.settings(), &[response]);
    let values = Values::of(&whole.lines);
    check_counts(response, &whole, &values);
    check_cuts(format, response, &whole);
    check_unmerged(format, response, &whole, &values);
    check_once_more(format, &whole, &values);
    check_prefixes(format, response, &whole, &values);
    if whole.end == End::Whole {
        source::check(format, response, &values);
    }
}

/// What is counted is what leaves.
fn check_counts(response: &[u8], whole: &Outcome, values: &Values) {
    assert_eq!(whole.points, values.lines, "points that are counted, and lines");
    assert!(whole.lines.is_empty() || whole.lines.ends_with('\n'), "the last line has no end");
    if whole.end == End::Whole {
        assert_eq!(whole.rows, values.count, "values that are counted, and those in the lines");
        assert_eq!(whole.read, response.len() as u64, "bytes read");
        assert_eq!(whole.written, whole.lines.len() as u64, "bytes written");
    }
}

/// However a response is cut, the same lines leave, and it ends alike.
fn check_cuts(format: Format, response: &[u8], whole: &Outcome) {
    let mut dice = Dice::of(response);
    for pieces_max in [2, 5, 30] {
        let pieces = dice.cut(response, pieces_max);
        let lengths: Vec<_> = pieces.iter().map(|piece| piece.len()).collect();
        assert_eq!(outcome::convert(&format.settings(), &pieces), *whole, "pieces of {lengths:?}");
    }
    if response.len() <= BYTE_BY_BYTE_MAX {
        let bytes: Vec<_> = response.chunks(1).collect();
        assert_eq!(outcome::convert(&format.settings(), &bytes), *whole, "byte by byte");
    }
}

/// Without memory to merge in, the same values leave, each in its order among those of one series,
/// field and time: of them the last one stays in a database.
fn check_unmerged(format: Format, response: &[u8], whole: &Outcome, values: &Values) {
    let unmerged = outcome::convert(&format.settings_unmerged(), &[response]);
    assert_eq!(unmerged.end, whole.end, "without memory");
    // What is held when a response stops too early is lost, and that is more with memory.
    if !matches!(whole.end, End::Short(_)) {
        Values::of(&unmerged.lines).assert_same(values, "without memory");
    }
}

/// What left is read again as what it is. It stays as it is to the byte, but that lines become
/// tidy: floats as short as they can be, the points of a series sorted by time, merged.
fn check_once_more(format: Format, whole: &Outcome, values: &Values) {
    // At the beginning of a file this mark is no part of a name; elsewhere it may be. And two
    // backslashes in a name are not taken from a file, for servers read them differently.
    if whole.lines.starts_with('\u{feff}') || whole.lines.contains(r"\\") {
        return;
    }
    let lines = Format::Lines.settings();
    let tidy = match format {
        Format::Lines => whole.lines.clone(),
        Format::Csv | Format::InfluxQl => {
            let again = outcome::convert(&lines, &[whole.lines.as_bytes()]);
            assert_eq!(again.end, End::Whole, "what left is not taken: {}", whole.lines);
            Values::of(&again.lines).assert_same(values, "what left, once more");
            again.lines
        }
    };
    let again = outcome::convert(&lines, &[tidy.as_bytes()]);
    assert_eq!((again.lines, again.end), (tidy, End::Whole), "tidy lines, once more");
}

/// A response that stops earlier gives nothing that the whole one does not give, and passes for
/// whole only where a whole one could end.
fn check_prefixes(format: Format, response: &[u8], whole: &Outcome, values: &Values) {
    let mut dice = Dice::of(response);
    for _ in 0..2 {
        let cut = dice.below(response.len() + 1);
        let line_end = response[cut..].iter().position(|byte| *byte == b'\n');
        for length in [cut, line_end.map_or(cut, |at| cut + at + 1)] {
            let prefix = &response[..length];
            let short = outcome::convert(&format.settings(), &[prefix]);
            match short.end {
                End::Fault(_) => assert_eq!(short, *whole, "the first {length} bytes"),
                End::Whole => assert!(
                    source::may_end(format, prefix),
                    "the first {length} bytes pass for a whole response"
                ),
                End::Short(_) => {}
            }
            // As above.
            if !matches!(whole.end, End::Short(_)) {
                Values::of(&short.lines).assert_within(values, "of a shorter response");
            }
        }
    }
}

/// Numbers that depend on nothing but a response: a finding stays one.
struct Dice(u64);

impl Dice {
    fn of(response: &[u8]) -> Self {
        // FNV-1a.
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(response.iter().fold(0xcbf2_9ce4_8422_2325, hash) | 1)
    }

    /// A number from 0 to below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        // Xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).expect("it is below `end`")
    }

    /// So many pieces at most; some may be empty.
    fn cut<'a>(&mut self, mut response: &'a [u8], pieces_max: usize) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        let length_max = 2 * response.len() / pieces_max + 1;
        for _ in 1..pieces_max {
            let (piece, rest) = response.split_at(self.below(length_max + 1).min(response.len()));
            pieces.push(piece);
            response = rest;
        }
        pieces.push(response);
        pieces
    }
}
