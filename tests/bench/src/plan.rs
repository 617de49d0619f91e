//! The benchmark of planning: what a long history costs, in memory and in each step.
//!
//! Two histories of as many records: one batch after the other, which is one range; and every second
//! hour left out, of two sections, of which nothing can be joined.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use tsm2iox_guest::plan::{Answer, Batch, Ending, Outcome, Plan, Purpose, Step, Totals};
use tsm2iox_guest::protocol::Response;
use tsm2iox_guest::time::Timestamp;

const HOUR: i64 = 3_600_000_000_000;
/// Batches that are done after those on record.
const BATCHES: usize = 2_000;

const STATE_MB_MAX: f64 = 10.0;
const STEP_MICROSECONDS_MAX: f64 = 20.0;

/// Which batches are on record.
#[derive(Clone, Copy)]
enum History {
    /// One after the other.
    Whole,
    /// With a gap after each, of two sections in turn.
    Gaps,
}

/// Runs it and prints its figures.
///
/// # Errors
/// If the plan does not do what it should, or nothing can be printed.
pub(crate) fn run(records: u32, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "A plan with {records} records, which does {BATCHES} batches more")?;
    for (name, history) in [("one after the other", History::Whole), ("gaps", History::Gaps)] {
        // Growth: at least the state, and whatever the allocator keeps of what was read.
        let before = resident_megabytes()?;
        let (mut plan, state) = opened(text(records, history), before)?;
        let mut steps = work(&mut plan)?;
        steps.sort_unstable();
        let all: Duration = steps.iter().sum();
        let mean = all.as_secs_f64() * 1e6 / steps.len() as f64;
        let slow = steps[steps.len() * 99 / 100].as_secs_f64() * 1e6;
        writeln!(
            out,
            "\n{name}: {state:.1} MB of state, a step takes {mean:.2} µs, 1 % more than {slow:.1}"
        )?;
        let verdict = |holds| if holds { "holds" } else { "MISSED" };
        writeln!(out, "  goal: state ≤ {STATE_MB_MAX} MB: {}", verdict(state <= STATE_MB_MAX))?;
        let is_fast = mean <= STEP_MICROSECONDS_MAX;
        writeln!(out, "  goal: a step ≤ {STEP_MICROSECONDS_MAX} µs: {}", verdict(is_fast))?;
    }
    Ok(())
}

/// The records of hours.
fn text(records: u32, history: History) -> String {
    let mut text = String::new();
    for nth in 0..i64::from(records) {
        let (hour, section) = match history {
            History::Whole => (nth, ""),
            History::Gaps if nth % 2 == 0 => (nth, r#"[{"of":"measurement","before":"m"}]"#),
            History::Gaps => (nth - 1, r#"[{"of":"measurement","from":"m"}]"#),
        };
        text += &record(hour * HOUR, (hour + 1) * HOUR, section, nth);
    }
    text
}

fn record(start: i64, stop: i64, section: &str, time: i64) -> String {
    let (start, stop) = (Timestamp(start).nine_digits(), Timestamp(stop).nine_digits());
    let mut line = format!(
        "batches,dstBucket=d,dstHost=http://d,srcBucket=s,srcHost=http://s,srcOrg=o \
         batch_start=\"{start}\",batch_stop=\"{stop}\",migration_start=\"1970-01-01T00:00:00Z\",\
         migration_stop=\"2020-01-01T00:00:00Z\",rows=1i,percent_complete=1.0"
    );
    if !section.is_empty() {
        let section = section.replace('"', "\\\"");
        write!(line, ",section=\"{section}\"").expect("a string takes all that is written");
    }
    line + &format!(" {time}\n")
}

/// A plan that has read its records, and by how many megabytes the process has grown.
fn opened(text: String, before: f64) -> anyhow::Result<(Plan, f64)> {
    let settings = json!({
        "migration": {
            "start": "1970-01-01T00:00:00Z", "stop": "2020-01-01T00:00:00Z", "batch_interval": "1h",
        },
        "source": { "api": "v2", "language": "flux", "url": "http://s", "org": "o", "bucket": "s" },
        "destination": { "api": "v3", "url": "http://d", "bucket": "d" },
    });
    let open = Plan::open(Purpose::Migrate, &settings.to_string());
    let mut plan = open.map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut pieces: Vec<_> = text.as_bytes().chunks(1 << 20).map(<[u8]>::to_vec).collect();
    pieces.reverse();
    drop(text);
    loop {
        match plan.next(Timestamp(0)) {
            Step::Send(request) if request.method == "GET" => {
                let response = Response { status: 200, headers: Vec::new() };
                plan.answer(request.id, Answer::Response(response));
            }
            Step::Read(id) => {
                let last = pieces.is_empty();
                plan.answer(id, pieces.pop().map_or(Answer::End, Answer::Bytes));
                if last {
                    return Ok((plan, resident_megabytes()? - before));
                }
            }
            Step::Note(_) | Step::Report(_) => {}
            other => bail!("the plan does not read its records: {other:?}"),
        }
    }
}

/// Does some batches; returns what each step took.
fn work(plan: &mut Plan) -> anyhow::Result<Vec<Duration>> {
    let (mut steps, mut done) = (Vec::new(), 0);
    while done < BATCHES {
        let began = Instant::now();
        let step = plan.next(Timestamp(0));
        steps.push(began.elapsed());
        let (id, answer) = match step {
            Step::Send(request) => {
                (request.id, Answer::Response(Response { status: 204, headers: Vec::new() }))
            }
            Step::Batch(batch) => {
                done += 1;
                (batch.id, Answer::Outcome(outcome(&batch)?))
            }
            Step::Note(_) | Step::Report(_) => continue,
            other => bail!("the plan does not go on: {other:?}"),
        };
        let began = Instant::now();
        plan.answer(id, answer);
        steps.push(began.elapsed());
    }
    Ok(steps)
}

/// As if it was done.
fn outcome(batch: &Batch) -> anyhow::Result<Outcome> {
    let order: serde_json::Value = serde_json::from_str(&batch.order)?;
    let section = match order["section"].as_array().context("an order says its section")? {
        bounds if bounds.is_empty() => String::new(),
        _ => order["section"].to_string(),
    };
    let record = record(batch.range.start().0, batch.range.stop().0, &section, 0);
    let checkpoint = record.trim_end().to_owned();
    Ok(Outcome { checkpoint, ..Outcome::new(Ending::Complete, Totals::default()) })
}

/// What the process has of the machine's memory.
fn resident_megabytes() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = text.split(' ').nth(1).context("it has a second number")?.parse()?;
    Ok(pages * 4096.0 / 1e6)
}
