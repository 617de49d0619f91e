//! Blocks of annotations with their header, which come again and again where series are short and
//! types alternate: known ones are found by their bytes, and not read once more.
//!
//! BE ADVISED: as in `repeat`, a block that is found must mean what it meant when it was read: its
//! meaning may depend on nothing but its bytes and the settings of the conversion. Does not know
//! what a block means.

use super::header::Schema;
use super::text::{begins_with, without_line_end};

/// So many blocks are known at once: there are as many as fields have types, mostly.
const BLOCKS_MAX: usize = 8;

/// Blocks beyond this are not kept: one has a hundred bytes or two for each column of a series.
const BLOCK_BYTES_MAX: usize = 64 << 10;

/// The blocks of a response.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    known: Vec<Block>,
    /// Which of them is the last.
    present: usize,
    /// The last block instead, if it is none that can be found again.
    other: Option<Schema>,
    /// The lines of the block that is being read, unless it is too long or one of them is a record
    /// of several lines, which would count as one.
    lines: Option<Vec<Vec<u8>>>,
}

#[derive(Debug)]
struct Block {
    /// Without their ends.
    lines: Vec<Vec<u8>>,
    schema: Schema,
}

impl Blocks {
    /// The following lines are of another block.
    pub(super) fn begin(&mut self) {
        self.lines = Some(Vec::new());
    }

    /// The block that is being read has one line more.
    pub(super) fn push_line(&mut self, line: &[u8]) {
        let line = without_line_end(line);
        let Some(lines) = &mut self.lines else { return };
        let length: usize = lines.iter().map(Vec::len).sum();
        if line.contains(&b'\n') || length + line.len() > BLOCK_BYTES_MAX {
            self.lines = None;
        } else {
            lines.push(line.to_owned());
        }
    }

    /// The block that was read means this.
    pub(super) fn add(&mut self, schema: Schema) {
        let Some(lines) = self.lines.take() else {
            self.other = Some(schema);
            return;
        };
        self.other = None;
        let block = Block { lines, schema };
        if self.known.len() < BLOCKS_MAX {
            self.present = self.known.len();
            self.known.push(block);
        } else {
            self.present = (self.present + 1) % BLOCKS_MAX;
            self.known[self.present] = block;
        }
    }

    /// The meaning of the last block, if there was one.
    pub(super) fn schema(&mut self) -> Option<&mut Schema> {
        let known = self.known.get_mut(self.present).map(|block| &mut block.schema);
        self.other.as_mut().or(known)
    }

    /// Finds the block that begins here among those that are known: its bytes, and its lines.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<(usize, u64)> {
        for (place, block) in self.known.iter_mut().enumerate() {
            if let Some(length) = block.length(bytes) {
                self.present = place;
                self.other = None;
                block.schema.forget();
                return Some((length, block.lines.len() as u64));
            }
        }
        None
    }
}

impl Block {
    /// How many bytes it is here, with the ends of its lines.
    fn length(&self, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        for line in &self.lines {
            if !begins_with(rest, line) {
                return None;
            }
            rest = &rest[line.len()..];
            rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
        }
        Some(bytes.len() - rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::Annotations;
    use super::super::records::Records;
    use super::{BLOCK_BYTES_MAX, BLOCKS_MAX, Blocks, Schema};
    use crate::converter::Dialect;

    /// A block whose only tag is called so.
    fn block(tag: &str) -> String {
        format!(
            "#datatype,string,long,dateTime:RFC3339,double,string,string,string\r\n\
             ,result,table,_time,_value,_field,_measurement,{tag}\r\n"
        )
    }

    fn read(blocks: &mut Blocks, block: &str) {
        let (mut records, mut annotations) = (Records::new(), Annotations::default());
        for (place, line) in block.lines().enumerate() {
            if place == 0 {
                blocks.begin();
            }
            blocks.push_line(line.as_bytes());
            let line = format!("{line}\n");
            let record = records.next(&mut line.as_bytes()).expect("it is UTF-8");
            let record = record.expect("it is whole");
            match record.field(0).strip_prefix('#') {
                Some(name) => annotations.push(name, record).expect("it is an annotation"),
                None => {
                    let schema = Schema::read(&annotations, record, Dialect::Iox);
                    blocks.add(schema.expect("the header fits"));
                }
            }
        }
    }

    #[test]
    fn a_block_that_is_too_long_to_be_found_again_is_present_until_the_next() {
        let (mut blocks, short, long) =
            (Blocks::default(), block("tag"), block(&"x".repeat(BLOCK_BYTES_MAX)));
        let tag_bytes =
            |blocks: &mut Blocks| blocks.schema().map(|schema| schema.tags[0].name.len());
        for _ in 0..2 {
            read(&mut blocks, &long);
            assert_eq!(tag_bytes(&mut blocks), Some(BLOCK_BYTES_MAX));
            assert_eq!(blocks.find(long.as_bytes()), None);
            read(&mut blocks, &short);
            assert_eq!(tag_bytes(&mut blocks), Some(3));
            read(&mut blocks, &long);
            assert_eq!(blocks.find(short.as_bytes()), Some((short.len(), 2)));
            assert_eq!(tag_bytes(&mut blocks), Some(3));
        }
    }

    #[test]
    fn the_last_blocks_are_known_and_those_before_them_take_no_memory() {
        let mut blocks = Blocks::default();
        let all: Vec<_> = (0..3 * BLOCKS_MAX + 1).map(|tag| block(&format!("tag{tag}"))).collect();
        for (place, block) in all.iter().enumerate() {
            read(&mut blocks, block);
            assert_eq!(blocks.known.len(), BLOCKS_MAX.min(place + 1));
        }
        let (forgotten, known) = all.split_at(all.len() - BLOCKS_MAX);
        for block in forgotten {
            assert_eq!(blocks.find(block.as_bytes()), None, "{block}");
        }
        for block in known {
            assert_eq!(blocks.find(block.as_bytes()), Some((block.len(), 2)), "{block}");
            let tag = blocks.schema().map(|schema| schema.tags[0].name.clone());
            assert!(block.ends_with(&format!(",{}\r\n", tag.expect("it was found"))));
        }
    }
}
