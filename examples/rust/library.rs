//! The guest as a library, without any wasm: annotated CSV on standard input, in pieces of any size, line protocol
//! on standard output.
//!
//! ```sh
//! cargo run --release --example library < examples/quickstart.csv
//! ```

use std::error::Error;
use std::io::{self, BufRead, Write};

use tsm2iox_guest::converter::Conversion;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut conversion = Conversion::open(r#"{"format": "csv"}"#)?;
    loop {
        let piece = input.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        output.write_all(conversion.push(piece)?.lines.as_bytes())?;
        let length = piece.len();
        input.consume(length);
    }
    // Only now it is known that the response was whole.
    output.write_all(conversion.finish()?.lines.as_bytes())?;
    Ok(())
}
