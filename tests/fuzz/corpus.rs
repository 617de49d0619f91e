//! Every response of `tests/corpus` keeps the promises: what fuzzing begins with is sound.

use std::fs;
use std::path::Path;

use promises::{Format, check, check_batch};

#[test]
fn every_response_of_the_corpus_keeps_the_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut checked = 0;
    for case in fs::read_dir(corpus).expect("the corpus is in the repository") {
        let case = case.expect("the corpus can be listed").path();
        for (name, format) in [
            ("response.csv", Format::Csv),
            ("response.msgpack", Format::InfluxQl),
            ("response.lp", Format::Lines),
        ] {
            let Ok(response) = fs::read(case.join(name)) else { continue };
            check(format, &response);
            if format == Format::Csv {
                // All goes well but for what the source says.
                check_batch(&[&[0; 32], response.as_slice()].concat());
            }
            checked += 1;
        }
    }
    assert!(checked > 90, "the corpus is not where it should be");
}
