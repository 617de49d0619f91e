//! A conversion from its beginning to its end.

use serde_json::json;
use tsm2iox_guest::converter::Conversion;

use crate::Format;

/// What became of a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) lines: String,
    pub(crate) end: End,
    /// What was counted; all but the points, which are those of the lines, is 0 unless it ended well.
    pub(crate) rows: u64,
    pub(crate) points: u64,
    pub(crate) read: u64,
    pub(crate) written: u64,
    altered: u64,
}

/// How a conversion ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// What came is wrong, with the error as it is shown; all lines before it have left.
    Fault(String),
    /// What came is not all, or some of it cannot arrive.
    Short(String),
}

impl Format {
    pub(crate) fn settings(self) -> String {
        self.with_memory(16 << 20)
    }

    pub(crate) fn settings_unmerged(self) -> String {
        self.with_memory(1)
    }

    fn with_memory(self, merge_bytes_max: usize) -> String {
        let format = match self {
            Self::Csv => "csv",
            Self::InfluxQl => "influxql",
            Self::Lines => "lp",
        };
        // The unsigned fields of the corpus, whose responses are the seeds.
        let unsigned = json!({ "m": ["u"], "air quality": ["hum"] });
        json!({
            "format": format,
            "line_breaks": "accept",
            "merge_bytes_max": merge_bytes_max,
            "unsigned": unsigned,
        })
        .to_string()
    }
}

/// Converts a response that comes in these pieces.
pub(crate) fn convert(settings: &str, pieces: &[&[u8]]) -> Outcome {
    let mut conversion = Conversion::open(settings).expect("the settings are fit");
    let mut outcome = Outcome {
        lines: String::new(),
        end: End::Whole,
        rows: 0,
        points: 0,
        read: 0,
        written: 0,
        altered: 0,
    };
    // An empty piece at the end brings to light a fault that the last one held back behind lines.
    for piece in pieces.iter().chain([&b"".as_slice()]) {
        match conversion.push(piece) {
            Ok(converted) => outcome.add(&converted),
            Err(error) => {
                assert_eq!(conversion.push(b"more").as_ref(), Err(&error), "after an error");
                assert_eq!(conversion.finish().as_ref(), Err(&error), "at the end");
                return outcome.ended(End::Fault(error.to_string()));
            }
        }
    }
    match conversion.finish() {
        Ok(converted) => {
            outcome.add(&converted);
            outcome.ended(End::Whole)
        }
        Err(error) => outcome.ended(End::Short(error.to_string())),
    }
}

impl Outcome {
    fn add(&mut self, converted: &tsm2iox_guest::converter::Converted) {
        self.lines += &converted.lines;
        self.rows += converted.totals.rows;
        self.points += converted.totals.points;
        self.read += converted.totals.read;
        self.written += converted.totals.written;
        self.altered += converted.altered;
    }

    /// What is counted is told piece by piece with the lines; an error brings no counts with it.
    fn ended(self, end: End) -> Self {
        match end {
            End::Whole => Self { end, ..self },
            End::Fault(_) | End::Short(_) => {
                Self { end, rows: 0, read: 0, written: 0, altered: 0, ..self }
            }
        }
    }
}
