//! One response, by each host, in turns. Each measures itself, once it is warm: what it takes to begin, and to make
//! machine code, is none of a conversion.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use support::missing;
use support::python::{examples, has_modules, python};
use tsm2iox::component::Component;

use crate::points::{SECOND, START, machines_and_air};
use crate::race::{Rival, Who, race};
use crate::responses::{ANNOTATED, Responses};
use crate::rivals;
use crate::table::{Bound, Goal, write_goals, write_times};
use crate::usage::timed;

/// So often each converts before it is warm, and then as often to be measured; what counts is the least.
const ROUNDS: usize = 5;

/// Converts a file: prints the least CPU seconds that it took, and the length of the lines in bytes. Its arguments are
/// the file, the settings and `ROUNDS`.
const PYTHON: &str = r"
import pathlib, sys, time, text
file, settings, rounds = sys.argv[1:]
response, instance, took = pathlib.Path(file).read_bytes().decode(), text.Instance(), []
for _ in range(2 * int(rounds)):
    began = time.process_time()
    lines = instance.convert(response, settings)
    took.append(time.process_time() - began)
print(min(took[int(rounds):]), len(lines.encode()))
";
/// The same in pieces of bytes, the fastest way in: of a string, V8 hands out one character after the other.
const NODE: &str = r#"
import { readFileSync } from "node:fs";
const [example, file, settings, rounds] = process.argv.slice(1);
const { instance } = await import(example);
const { converter: { Conversion } } = instance();
const response = readFileSync(file), took = [], piece = 1 << 18;
let length;
for (let round = 0; round < 2 * rounds; round++) {
  const began = process.cpuUsage(), conversion = Conversion.open(settings), lines = [];
  for (let at = 0; at < response.length; at += piece) {
    lines.push(conversion.push(response.subarray(at, at + piece)).lines);
  }
  lines.push(Conversion.finish(conversion).lines);
  const { user, system } = process.cpuUsage(began);
  took.push((user + system) / 1e6);
  length = lines.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
console.log(Math.min(...took.slice(rounds)), length);
"#;

pub(super) fn run(seconds: i64, rounds: u32, out: &mut impl Write) -> anyhow::Result<()> {
    let responses = Responses::of(START, START + seconds * SECOND, machines_and_air(seconds));
    let Responses { annotated, lines, values, .. } = &responses;
    let component = Component::embedded()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("response.csv");
    fs::write(&file, annotated)?;
    writeln!(out, "\n{values} values as annotated CSV, {:.1} MB", annotated.len() as f64 / 1e6)?;

    let own = || {
        let once = |_| timed(|| rivals::component(&component, annotated, ANNOTATED, |_| ()));
        (0..ROUNDS).try_for_each(|round| once(round).map(drop))?;
        let times = (0..ROUNDS).map(once).collect::<anyhow::Result<Vec<_>>>()?;
        times.into_iter().min().context("it ran")
    };
    let mut rivals = vec![Rival { who: Who::Component, run: Box::new(own) }];
    if has_modules("wasmtime.component") {
        let run = || measured(of_python(&file), lines.len());
        rivals.push(Rival { who: Who::Python, run: Box::new(run) });
    }
    if examples().join("node/component").is_dir() {
        let run = || measured(of_node(&file), lines.len());
        rivals.push(Rival { who: Who::Node, run: Box::new(run) });
    } else {
        missing("examples/node, which `npm test` makes");
    }
    let times = race(&rivals, rounds)?;
    write_times(out, annotated.len(), &times)?;
    let goal = |what, who, bound| Goal {
        what,
        bound: Bound::AtLeast(bound),
        found: times.speed(who, Who::Component),
    };
    let goals = [
        goal("Python / this program's host, speed", Who::Python, 0.15),
        goal("Node / this program's host, speed", Who::Node, 0.8),
    ];
    Ok(write_goals(out, &goals)?)
}

fn of_python(file: &Path) -> Command {
    let mut command = python();
    command.env("COMPONENT", concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/tsm2iox.wasm"));
    command.args(["-c", PYTHON]).arg(file).args([ANNOTATED, &ROUNDS.to_string()]);
    command
}

fn of_node(file: &Path) -> Command {
    let mut command = Command::new("node");
    command.args(["--input-type=module", "-e", NODE, "--"]);
    command.arg(examples().join("node/tsm2iox.mjs"));
    command.arg(file).args([ANNOTATED, &ROUNDS.to_string()]);
    command
}

/// What a host says that a conversion took, which gave so many bytes.
fn measured(mut command: Command, bytes: usize) -> anyhow::Result<Duration> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim_end().lines().last().unwrap_or_default();
    ensure!(output.status.success(), "{last}");
    let said = String::from_utf8(output.stdout)?;
    let (seconds, length) = said.trim_end().split_once(' ').context("two numbers")?;
    let (seconds, length): (f64, usize) = (seconds.parse()?, length.parse()?);
    ensure!(length == bytes, "{length} bytes were made, and the points' own lines are {bytes}");
    Ok(Duration::from_secs_f64(seconds))
}
