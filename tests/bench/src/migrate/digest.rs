//! What some lines are, whatever their order: how many, of how many bytes, and a sum that another
//! set of lines hardly has. Does not know what a line says.

use std::io::{self, BufRead};

use memchr::memchr_iter;

/// An odd number without a pattern, of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Of lines that were pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) lines: u64,
    /// With line ends.
    pub(crate) bytes: u64,
    /// Of the hashes of all lines; it wraps.
    pub(crate) sum: u64,
}

impl Digest {
    /// Takes lines; the last may be without an end, and counts as if it had one.
    pub(crate) fn push(&mut self, lines: &[u8]) {
        let mut start = 0;
        for end in memchr_iter(b'\n', lines) {
            self.push_line(&lines[start..end]);
            start = end + 1;
        }
        if start < lines.len() {
            self.push_line(&lines[start..]);
        }
    }

    /// Takes all the lines of a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn push_all(&mut self, mut file: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        while file.read_until(b'\n', &mut line)? > 0 {
            self.push(&line);
            line.clear();
        }
        Ok(())
    }

    fn push_line(&mut self, line: &[u8]) {
        self.lines += 1;
        self.bytes += line.len() as u64 + 1;
        self.sum = self.sum.wrapping_add(hash(line));
    }

    /// Takes lines that another has taken.
    pub(crate) fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// Eight bytes at a time: it is for accidents, not for enemies, and must cost next to nothing.
fn hash(line: &[u8]) -> u64 {
    let (words, rest) = line.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut hash = line.len() as u64;
    for word in words.iter().chain([&last]) {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
        hash ^= hash >> 32;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::Digest;

    fn digest(lines: &str) -> Digest {
        let mut digest = Digest::default();
        digest.push(lines.as_bytes());
        digest
    }

    #[test]
    fn order_does_not_count_and_anything_else_does() {
        let lines =
            "cpu,host=a load=1i 1640995200000000000\ncpu,host=b load=2i 1640995200000000000\n";
        let (first, second) = lines.split_at(lines.find('\n').unwrap() + 1);
        let mut parts = digest(second);
        parts.add(digest(first));
        assert_eq!(parts, digest(lines));
        assert_eq!((parts.lines, parts.bytes), (2, lines.len() as u64));
        assert_eq!(digest(lines.trim_end()), digest(lines));
        for other in [
            lines.replace("1i", "2i"),
            lines.replace("load=1", "load= 1"),
            lines.replacen("host=a", "host=b", 1).replacen("host=b load=2", "host=a load=2", 1),
            format!("{lines}{first}"),
            first.to_owned(),
        ] {
            assert_ne!(digest(&other), digest(lines), "{other}");
        }
    }

    #[test]
    fn a_file_is_taken_line_by_line() {
        let lines = "a b=1 2\n\nlonger,x=y b=1,c=2 3\n";
        let mut read = Digest::default();
        read.push_all(lines.as_bytes()).unwrap();
        assert_eq!(read, digest(lines));
    }
}
