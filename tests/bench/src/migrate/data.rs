//! The points of the migration, one stretch of time after the other: there is room for one series
//! at a time. Knows of their lines, and nobody who takes them.

use super::digest::Digest;
use crate::lines;
use crate::points::{Series, Stretch, machines_and_air_of};

/// Lines are gathered to so many bytes before they are handed out; a series of a day is a megabyte.
const BODY_BYTES: usize = 4_000_000;

/// Whether unsigned integers are as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// They are written as they are.
    Kept,
    /// They are integers: InfluxDB 1.6.7, as it is built, has none.
    Integers,
}

/// How much is migrated: stretches of time, such as days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) stretches: u32,
    /// Of each.
    pub(crate) seconds: i64,
    /// Of the line protocol that a rival writes.
    pub(crate) lines_seconds: i64,
    /// Of the annotated CSV that it converts and writes.
    pub(crate) csv_seconds: i64,
}

/// What a stretch holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) values: u64,
    pub(crate) lines: Digest,
}

impl Sizes {
    pub(crate) fn stretch(self, nth: u32) -> Stretch {
        Stretch { nth, seconds: self.seconds }
    }
}

/// The series of a stretch.
pub(crate) fn series(stretch: Stretch, unsigned: Unsigned) -> impl Iterator<Item = Series> {
    machines_and_air_of(stretch).map(move |series| match unsigned {
        Unsigned::Kept => series,
        Unsigned::Integers => series.without_unsigned(),
    })
}

/// Hands out the lines of a stretch in some pieces, and says what they are.
///
/// # Errors
/// The first of those of `take`.
pub(crate) fn write(
    stretch: Stretch,
    unsigned: Unsigned,
    mut take: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<Content> {
    let mut content = Content { values: 0, lines: Digest::default() };
    let mut lines = String::new();
    let mut hand_out = |lines: &mut String, content: &mut Content| {
        content.lines.push(lines.as_bytes());
        take(lines)?;
        lines.clear();
        anyhow::Ok(())
    };
    for series in series(stretch, unsigned) {
        lines::push_series(&mut lines, &series);
        content.values += series.values() as u64;
        if lines.len() >= BODY_BYTES {
            hand_out(&mut lines, &mut content)?;
        }
    }
    hand_out(&mut lines, &mut content)?;
    Ok(content)
}

/// What the first so many of these stretches hold together.
pub(crate) fn sum(contents: &[Content], count: u32) -> Content {
    let mut sum = Content { values: 0, lines: Digest::default() };
    for content in contents.iter().zip(0..count).map(|(content, _)| content) {
        sum.values += content.values;
        sum.lines.add(content.lines);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{Content, Unsigned, sum, write};
    use crate::lines::push_series;
    use crate::points::{Stretch, machines_and_air};

    fn lines(nth: u32, unsigned: Unsigned) -> (String, Content) {
        let mut lines = String::new();
        let take = |piece: &str| {
            lines += piece;
            Ok(())
        };
        let content = write(Stretch { nth, seconds: 600 }, unsigned, take).unwrap();
        (lines, content)
    }

    #[test]
    fn stretches_follow_one_another_with_other_values() {
        let mut expected = String::new();
        machines_and_air(600).for_each(|series| push_series(&mut expected, &series));
        let (first, of_first) = lines(0, Unsigned::Kept);
        assert!(first == expected);
        let (second, of_second) = lines(1, Unsigned::Kept);
        let without = |line: &str, nth: usize| line.split(' ').nth(nth).map(str::to_owned);
        let (line, later) = (first.lines().last().unwrap(), second.lines().last().unwrap());
        assert_eq!(without(line, 0), without(later, 0));
        assert_ne!(without(line, 1), without(later, 1));
        assert_eq!(without(line, 2).as_deref(), Some("1640995790000000000"));
        assert_eq!(without(later, 2).as_deref(), Some("1640996390000000000"));
        let both = sum(&[of_first, of_second, of_second], 2);
        assert_eq!((both.values, both.lines.lines), (2 * 6_150, 2 * 1_250));
    }

    #[test]
    fn a_server_without_unsigned_integers_gets_none() {
        let ((kept, _), (integers, _)) = (lines(0, Unsigned::Kept), lines(0, Unsigned::Integers));
        assert!(kept.contains("u,note="));
        assert!(integers == kept.replace("u,note=", "i,note="));
    }
}
