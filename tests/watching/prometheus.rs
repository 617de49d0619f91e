//! `/metrics`, as a real Prometheus scrapes it, and as its own tool judges the names.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;
use support::influx::Moment;
use support::missing;
use support::process::{END_MAX, end};
use support::servers::RealServer;

use crate::page::{get, serve, state_with_percent};
use crate::sides;

const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[test]
fn prometheus_scrapes_a_run() {
    let sides = sides("write_mb = 100\n");
    let hold = sides.destination.hold(Moment::Arrived, "/api/v3/write_lp", 3);
    let (process, url) = serve(&sides);
    hold.wait();
    if let Some(prometheus) = RealServer::prometheus(&url) {
        // Three hours of six and a half are on record, once it is known.
        asked(&prometheus, "(tsm2iox_complete_ratio > 0.461) < 0.462");
        let limit = asked(&prometheus, "tsm2iox_window_limit_bytes{direction=\"write\"}");
        assert!((limit - 50e6).abs() < 1.0, "{limit}");
        // What it scrapes has types: a rate can be taken of a counter.
        let target = prometheus.get("/api/v1/metadata?metric=tsm2iox_rows_total").text().to_owned();
        assert!(target.contains("\"type\":\"counter\""), "{target}");
    }
    drop(hold);
    assert!(end(process).status.success());
}

/// What Prometheus knows of an expression, once it has scraped.
fn asked(prometheus: &RealServer, expression: &str) -> f64 {
    let query: String = form(expression);
    let until = Instant::now() + END_MAX;
    while Instant::now() < until {
        let reply = prometheus.get(&format!("/api/v1/query?query={query}"));
        let reply: Value = serde_json::from_str(reply.text()).expect("it answers JSON");
        let value = reply["data"]["result"][0]["value"][1].as_str().and_then(|v| v.parse().ok());
        if let Some(value) = value {
            return value;
        }
        thread::sleep(LOOK_AGAIN);
    }
    panic!("{expression}: {}", prometheus.get("/api/v1/targets").text());
}

fn form(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn the_metrics_keep_to_the_conventions_of_prometheus() {
    if !fs::exists("/usr/bin/promtool").is_ok_and(|is_there| is_there) {
        return missing("/usr/bin/promtool (package `prometheus`)");
    }
    let sides = sides("write_mb = 100\n");
    let hold = sides.destination.hold(Moment::Arrived, "/api/v3/write_lp", 3);
    let (process, url) = serve(&sides);
    hold.wait();
    // Until then, not all of them are there.
    state_with_percent(&url);
    let (_, head, metrics) = get(&url, "/metrics", &[]);
    for name in ["complete_ratio", "rows_total", "written_bytes_total", "waiting", "build_info"] {
        assert!(
            metrics.contains(&format!("\n# TYPE tsm2iox_{name} "))
                || metrics.starts_with(&format!("# HELP tsm2iox_{name} ")),
            "{metrics}"
        );
    }
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let mut tool = Command::new("/usr/bin/promtool");
    tool.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut tool = tool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = tool.stdin.take().expect("it is piped");
    stdin.write_all(metrics.as_bytes()).expect("it reads");
    drop(stdin);
    let output = end(tool);
    assert!(output.status.success(), "{output:?}\n{metrics}");
    drop(hold);
    drop(end(process));
}
