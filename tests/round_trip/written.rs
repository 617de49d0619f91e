//! Points as a source writes them: both roads into the fake InfluxDB, whose answers are those of
//! InfluxDB 2.9.1 to the byte.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::json;
use support::client;
use support::influx::{FakeInflux, Points};

/// A bucket of a server of its own.
pub(crate) struct Bucket {
    influx: FakeInflux,
    measurements: BTreeSet<String>,
}

impl Bucket {
    pub(crate) fn holding(points: &Points) -> Self {
        let influx = FakeInflux::start();
        influx.insert("b", points);
        // Also where there are no points.
        influx.create("b");
        let measurements = points.series().map(|(series, _)| series.measurement.clone());
        Self { influx, measurements: measurements.collect() }
    }

    /// All points as annotated CSV.
    #[track_caller]
    pub(crate) fn by_flux(&self) -> String {
        let script = "from(bucket: \"b\") |> range(start: 1677-09-21T00:12:43.145224194Z, \
                      stop: 2262-04-11T23:47:16.854775807Z)";
        let annotations = ["datatype", "group", "default"];
        let dialect = json!({ "annotations": annotations, "header": true, "delimiter": "," });
        let query = json!({ "query": script, "type": "flux", "dialect": dialect }).to_string();
        let target = "/api/v2/query?org=o";
        let reply = client::request(&self.influx.url(), "POST", target, &[], query.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text().to_owned()
    }

    /// All points as MessagePack, so many rows of a series at once.
    #[track_caller]
    pub(crate) fn by_influxql(&self, chunk_rows: usize) -> Vec<u8> {
        let mut statements = String::new();
        for measurement in &self.measurements {
            let measurement = measurement.replace('\\', r"\\").replace('"', "\\\"");
            writeln!(
                statements,
                "SELECT *::field FROM \"b\".\"autogen\".\"{measurement}\" \
                 WHERE time >= -9223372036854775806 AND time < 9223372036854775807 GROUP BY *;"
            )
            .expect("a string takes all");
        }
        if statements.is_empty() {
            statements.push_str("SHOW FIELD KEYS ON \"b\"");
        }
        let target = format!("/query?db=b&epoch=ns&chunked=true&chunk_size={chunk_rows}");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/x-msgpack"),
        ];
        let form = statements.bytes().fold("q=".to_owned(), |form, byte| form + &escaped(byte));
        let reply = client::request(&self.influx.url(), "POST", &target, &headers, form.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body.escape_ascii());
        reply.body
    }
}

fn escaped(byte: u8) -> String {
    match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}
