//! The benchmark of conversion: two sets of points by both roads, and memory.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tsm2iox::component::Component;

use crate::csv2lp::Csv2lp;
use crate::memory;
use crate::points::{SECOND, START, machines_and_air, meters};
use crate::race::{Rival, Times, Who, race};
use crate::responses::{ANNOTATED, Responses, influxql_settings};
use crate::rivals;
use crate::table::{Bound, Goal, write_goals, write_times};
use crate::usage::timed;

/// How much is converted.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// Of the points of long series.
    seconds: i64,
    /// Series of few points.
    meters: u32,
    memory: memory::Sizes,
}

/// A day, of which annotated CSV is more than 90 MB, and 100 000 series; memory with 10 MB, 1 GB
/// and a series of 100 MB.
pub(crate) const WHOLE: Sizes = Sizes {
    seconds: 86_400,
    meters: 100_000,
    memory: memory::Sizes { points: 19_300, series: 100, points_of_a_long_series: 193_000 },
};

/// Enough to see that all of it works.
pub(crate) const QUICK: Sizes = Sizes {
    seconds: 3_600,
    meters: 2_000,
    memory: memory::Sizes { points: 1_930, series: 10, points_of_a_long_series: 19_300 },
};

/// What takes part beside native conversion and the component, or is what they run with.
struct Contest {
    component: Component,
    csv2lp: Option<Csv2lp>,
    rounds: u32,
}

/// Runs it and prints its tables.
///
/// # Errors
/// If lines are not those of the points, something that takes part fails, or the tables cannot be
/// written.
pub(crate) fn run(sizes: &Sizes, rounds: u32, out: &mut impl Write) -> anyhow::Result<()> {
    let component = Component::embedded()?;
    let csv2lp = Csv2lp::build();
    if let Err(error) = &csv2lp {
        writeln!(out, "csv2lp is left out: {error:#}")?;
    }
    let contest = Contest { component, csv2lp: csv2lp.ok(), rounds };
    let stop = START + sizes.seconds * SECOND;
    let responses = Responses::of(START, stop, machines_and_air(sizes.seconds));
    contest.compare("Long series", &responses, out)?;
    drop(responses);
    let responses = Responses::of(START, START + 86_400 * SECOND, meters(sizes.meters));
    contest.compare("Many series", &responses, out)?;
    drop(responses);
    memory::run(&sizes.memory, out)
}

impl Contest {
    /// Both roads of the same points.
    fn compare(
        &self,
        name: &str,
        responses: &Responses,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let Responses { annotated, influxql, lines, values, series } = responses;
        let own = lines.len() as f64 / 1e6;
        let points = format!("{values} values of {series} series, {own:.1} MB of line protocol");
        let megabytes = |bytes: &[u8]| bytes.len() as f64 / 1e6;

        let written = self.check(responses, annotated, ANNOTATED)?;
        writeln!(out, "\n{name} as annotated CSV, {:.1} MB: {points}", megabytes(annotated))?;
        self.compare_annotated(responses, written, out)?;

        let settings = influxql_settings();
        let written = self.check(responses, influxql, &settings)?;
        writeln!(out, "\n{name} as MessagePack, {:.1} MB: {points}", megabytes(influxql))?;
        let mut rivals = self.own(influxql, &settings);
        rivals.insert(0, in_process(Who::Rmp, || rivals::walk(influxql)));
        let times = race(&rivals, self.rounds)?;
        write_times(out, influxql.len(), &times)?;
        Ok(write_goals(out, &[of_native(&times), of_bytes(written, responses)])?)
    }

    fn compare_annotated(
        &self,
        responses: &Responses,
        written: usize,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let response = &responses.annotated;
        let folder = tempfile::tempdir()?;
        let (file, empty) = (folder.path().join("response.csv"), folder.path().join("empty.csv"));
        fs::write(&empty, "\r\n")?;

        let mut rivals = self.own(response, ANNOTATED);
        rivals.insert(0, in_process(Who::Memchr, || rivals::count_lines(response)));
        rivals.insert(1, in_process(Who::CsvCore, || rivals::split(response)));
        if let Some(csv2lp) = &self.csv2lp {
            fs::write(&file, response)?;
            let run = || cpu_without_start(csv2lp, &file, &empty);
            rivals.push(Rival { who: Who::Csv2lp, run: Box::new(run) });
        }
        let times = race(&rivals, self.rounds)?;
        write_times(out, response.len(), &times)?;
        if let Some(csv2lp) = &self.csv2lp {
            let ratio = csv2lp.written(&file)? as f64 / responses.lines.len() as f64;
            writeln!(out, "  csv2lp writes {ratio:.2} times the bytes of the points' own lines")?;
        }
        let component = |beside| times.speed(Who::Component, beside);
        let goals = [
            Goal {
                what: "component / csv-core, speed",
                bound: Bound::AtLeast(0.35),
                found: component(Who::CsvCore),
            },
            Goal {
                what: "component / csv2lp, speed",
                bound: Bound::AtLeast(8.0),
                found: component(Who::Csv2lp),
            },
            of_native(&times),
            of_bytes(written, responses),
        ];
        Ok(write_goals(out, &goals)?)
    }

    /// Conversion natively and in the component.
    fn own<'a>(&'a self, response: &'a [u8], settings: &'a str) -> Vec<Rival<'a>> {
        let native = move || rivals::native(response, settings, |_| ());
        let component = move || rivals::component(&self.component, response, settings, |_| ());
        vec![in_process(Who::Native, native), in_process(Who::Component, component)]
    }

    /// Compares what is converted, and says how many bytes it is.
    fn check(
        &self,
        responses: &Responses,
        response: &[u8],
        settings: &str,
    ) -> anyhow::Result<usize> {
        let (mut native, mut component) = (String::new(), String::new());
        rivals::native(response, settings, |converted| native += &converted.lines)?;
        responses.check("native conversion", &native)?;
        rivals::component(&self.component, response, settings, |converted| {
            component += &converted.lines;
        })?;
        anyhow::ensure!(native == component, "native conversion and component differ");
        Ok(component.len())
    }
}

fn in_process<'a>(who: Who, work: impl Fn() -> anyhow::Result<()> + 'a) -> Rival<'a> {
    Rival { who, run: Box::new(move || timed(&work)) }
}

/// What csv2lp takes for a file beyond what it takes to begin and to end.
fn cpu_without_start(csv2lp: &Csv2lp, file: &Path, empty: &Path) -> anyhow::Result<Duration> {
    let (whole, start) = (csv2lp.cpu(file)?, csv2lp.cpu(empty)?);
    whole.checked_sub(start).context("the response is too small to measure csv2lp")
}

fn of_native(times: &Times) -> Goal {
    Goal {
        what: "component / native, speed",
        bound: Bound::AtLeast(0.7),
        found: times.speed(Who::Component, Who::Native),
    }
}

fn of_bytes(written: usize, responses: &Responses) -> Goal {
    let found = Some(written as f64 / responses.lines.len() as f64);
    Goal { what: "bytes / the points' own lines", bound: Bound::AtMost(1.02), found }
}
