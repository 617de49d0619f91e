//! What is known, as numbers to be watched. Does not know in which format.

use tsm2iox_guest::plan::Totals;

use super::State;
use super::traffic::Bytes;

/// Something that is counted, or measured.
#[derive(Debug)]
pub struct Metric {
    /// As Prometheus names it, without the name of the program.
    pub name: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// What it is, as a sentence.
    pub help: &'static str,
    /// Each with its labels, in braces, if it has any.
    pub values: Vec<(String, f64)>,
}

impl State {
    /// All of them.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
    pub fn metrics(&self) -> Vec<Metric> {
        let Totals { rows, points, rejected, .. } = self.recorded_totals;
        let Bytes { read, written } = self.traffic.bytes;
        let counter = |name, help, count: u64| Metric {
            name,
            kind: "counter",
            help,
            values: vec![(String::new(), count as f64)],
        };
        let gauge = |name, help, value| Metric {
            name,
            kind: "gauge",
            help,
            values: vec![(String::new(), value)],
        };
        let percent = self.whole.as_ref().map_or(0.0, |whole| whole.percent);
        let in_hand = self.in_hand.values().filter(|one| !one.has_ended).count();
        let limits = [("read", self.limits.read_bytes), ("write", self.limits.write_bytes)];
        let limit = |(way, bytes): (&str, Option<u64>)| {
            bytes.map(|bytes| (format!("{{direction=\"{way}\"}}"), bytes as f64))
        };
        let noted = |severity: &str| self.noted.get(severity).map_or(0.0, |count| *count as f64);
        let waits = f64::from(u8::from(self.waits_until().is_some()));
        let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
        vec![
            Metric {
                name: "build_info",
                kind: "gauge",
                help: "The version of this program.",
                values: vec![(version, 1.0)],
            },
            gauge(
                "complete_ratio",
                "The part of the migration that is on record.",
                percent / 100.0,
            ),
            counter("rows_total", "Field values of the batches that this run has recorded.", rows),
            counter("points_total", "Points of the batches that this run has recorded.", points),
            counter("read_bytes_total", "Bytes read from the source by this run.", read),
            counter(
                "written_bytes_total",
                "Bytes of line protocol sent to the destination by this run.",
                written,
            ),
            counter("refused_points_total", "Points that were set aside by this run.", rejected),
            counter("recorded_batches_total", "Batches that this run has recorded.", self.recorded),
            gauge("batches_in_hand", "Batches under way.", in_hand as f64),
            gauge("waiting", "Whether it waits for nothing but time, such as for a quota.", waits),
            Metric {
                name: "notes_total",
                kind: "counter",
                help: "What was said, by its severity.",
                values: ["info", "warning", "error"]
                    .map(|severity| (format!("{{severity=\"{severity}\"}}"), noted(severity)))
                    .into(),
            },
            Metric {
                name: "window_limit_bytes",
                kind: "gauge",
                help: "Bytes that may be moved in a window, where there is a limit.",
                values: limits.into_iter().filter_map(limit).collect(),
            },
        ]
    }
}
