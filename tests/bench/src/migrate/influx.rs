//! The rival of who has line protocol, or annotated CSV, already: `influx write` of InfluxData's
//! command line tool, to the same stand-in.
//!
//! It sends half a megabyte at a time, and waits for each to be acknowledged.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;
use tempfile::TempDir;

use super::data::{self, Sizes, Unsigned};
use super::destination::StandIn;
use super::duration;
use super::stand_in::Counts;
use crate::annotated::Annotated;
use crate::go;
use crate::points::Stretch;
use crate::usage::{self, Usage};

/// The program, built.
#[derive(Debug)]
pub(crate) struct Influx {
    program: PathBuf,
}

/// What a file holds.
#[derive(Clone, Copy, Debug)]
enum Format {
    Lines,
    Csv,
}

/// Measures and prints.
///
/// # Errors
/// If it fails, or lines are not those of the points.
pub(crate) fn run(sizes: Sizes, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "\n`influx write` to the stand-in")?;
    let influx = match go::build("influx", "github.com/influxdata/influx-cli/v2/cmd/influx") {
        Ok(program) => Influx { program },
        Err(error) => return Ok(writeln!(out, "  left out: {error:#}")?),
    };
    let folder = TempDir::new()?;
    let path = folder.path().join("points");
    writeln!(out, "  {:<32}{:>9}{:>13}{:>9}{:>8}", "", "wall s", "per million", "CPU s", "bodies")?;
    let mut file = File::create(&path)?;
    let stretch = Stretch { nth: 0, seconds: sizes.lines_seconds };
    let content =
        data::write(stretch, Unsigned::Kept, |lines| Ok(file.write_all(lines.as_bytes())?))?;
    let (usage, counts) = influx.write(&path, Format::Lines)?;
    ensure!(counts.lines == content.lines, "`influx write` has sent other lines");
    let what = format!("{} of line protocol", duration(stretch.seconds));
    write_row(out, &what, usage, counts, content.values)?;

    let values = write_csv(&path, sizes)?;
    let (usage, counts) = influx.write(&path, Format::Csv)?;
    ensure!(counts.lines.lines == values, "`influx write` has sent {} lines", counts.lines.lines);
    let what = format!("{} of annotated CSV", duration(sizes.csv_seconds));
    write_row(out, &what, usage, counts, values)
}

impl Influx {
    fn write(&self, path: &Path, format: Format) -> anyhow::Result<(Usage, Counts)> {
        let stand_in = StandIn::start()?;
        let mut command = Command::new(&self.program);
        command.args(["write", "--host", stand_in.url(), "--org", "o", "--bucket", "b"]);
        command.args(["--token", "t", "--precision", "ns", "--file"]).arg(path).arg("--format");
        command.arg(match format {
            Format::Lines => "lp",
            Format::Csv => "csv",
        });
        // Nothing of the person who runs this.
        command.env("INFLUX_CONFIGS_PATH", path.with_extension("configs"));
        let usage = usage::of_command(&command, |_| Ok(()))?;
        Ok((usage, stand_in.counts()?))
    }
}

/// The beginning of the points as annotated CSV; says how many values it has.
fn write_csv(path: &Path, sizes: Sizes) -> anyhow::Result<u64> {
    let stretch = Stretch { nth: 0, seconds: sizes.csv_seconds };
    let mut annotated = Annotated::new(stretch.start(), stretch.stop());
    let (mut csv, mut values) = (Vec::new(), 0);
    for series in data::series(stretch, Unsigned::Kept) {
        annotated.push(&mut csv, &series);
        values += series.values() as u64;
    }
    annotated.end(&mut csv);
    fs::write(path, csv)?;
    Ok(values)
}

fn write_row(
    out: &mut impl Write,
    what: &str,
    usage: Usage,
    counts: Counts,
    values: u64,
) -> anyhow::Result<()> {
    let (wall, cpu, bodies) = (usage.wall.as_secs_f64(), usage.cpu.as_secs_f64(), counts.bodies);
    let per_million = wall / (values as f64 / 1e6);
    Ok(writeln!(out, "  {what:<32}{wall:>9.2}{per_million:>13.1}{cpu:>9.2}{bodies:>8}")?)
}
