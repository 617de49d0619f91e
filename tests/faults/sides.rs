//! A small migration between fake servers, one for each role, and what must hold at any time.

use std::fmt::Write;

use support::influx::{Engine, FakeInflux, Points, Settings, Value, Version};
use tsm2iox_guest::time::Timestamp;

use crate::run::{FLUX, Host, INFLUXDB_1, INFLUXQL, Migration, Road};

/// 2022-01-01T00:00:00Z.
const START: i64 = 1_640_995_200_000_000_000;
const MINUTE: i64 = 60_000_000_000;
/// The rate at which nothing has to wait. Where there is one, all batches that may are in flight from
/// the start; else one more is tried only after half a second of reading.
const RATE_MB_PER_S: u32 = 1000;

/// Where points go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/api/v3/write_lp` of InfluxDB 3.
    V3,
    /// `/api/v2/write` of InfluxDB 2.
    V2,
    /// `/write` of InfluxDB 1.
    V1,
    /// A file.
    File,
}

/// Where it is recorded which batches are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    File,
    Bucket,
}

/// The servers, one for each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Source,
    Destination,
    Checkpoint,
}

/// What a migration looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) road: &'static Road,
    pub(crate) target: Target,
    pub(crate) records: Records,
    /// So many batches of so many minutes.
    pub(crate) batches: i64,
    pub(crate) minutes: i64,
    pub(crate) concurrency: u32,
    pub(crate) attempts: u32,
}

/// One batch after the other, and one attempt for each exchange.
pub(crate) const ONE_BY_ONE: Shape = Shape {
    road: &FLUX,
    target: Target::V3,
    records: Records::Bucket,
    batches: 3,
    minutes: 60,
    concurrency: 1,
    attempts: 1,
};

/// Four batches in flight.
pub(crate) const AT_ONCE: Shape = Shape { batches: 5, minutes: 30, concurrency: 4, ..ONE_BY_ONE };

impl Shape {
    /// The same by each road, each to another destination. The exchanges with a bucket of records are
    /// the same by all of them.
    pub(crate) fn by_each_road(self) -> [Self; 3] {
        let with = |road, target| Self { road, target, records: Records::File, ..self };
        let [influxql, influxdb_1] = [with(&INFLUXQL, Target::V2), with(&INFLUXDB_1, Target::V1)];
        [self, influxql, influxdb_1]
    }
}

/// The servers of a migration, and the points that are to arrive.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) source: FakeInflux,
    pub(crate) destination: FakeInflux,
    pub(crate) checkpoint: FakeInflux,
    pub(crate) migration: Migration,
    target: Target,
    records: Records,
    expected: Points,
}

impl Shape {
    /// The first time, and the first after it.
    pub(crate) fn range(&self) -> (i64, i64) {
        (START, START + self.batches * self.minutes * MINUTE)
    }

    /// Nine points for each batch but the second, which is empty, and some at and after the stop.
    pub(crate) fn points(&self) -> String {
        let mut lines = String::new();
        for batch in (0..=self.batches).filter(|batch| *batch != 1) {
            for step in 0..3 {
                let time = START + (batch * self.minutes + step * self.minutes / 3) * MINUTE;
                let number = batch * 3 + step;
                for host in ["a", "b\\ c"] {
                    writeln!(
                        lines,
                        "cpu,host={host},zone=n load={number}i,idle=0.{number}5,up={} {time}",
                        step == 1
                    )
                    .expect("a string takes all that is written");
                }
                writeln!(lines, "log text=\"line {number}, with \\\"quotes\\\"\" {}", time + 1)
                    .expect("a string takes all that is written");
            }
        }
        lines
    }

    /// The configuration, with these servers.
    pub(crate) fn config(&self, [source, destination, checkpoint]: [&str; 3]) -> String {
        let Self { road, target, records, minutes, concurrency, attempts, .. } = self;
        let (start, stop) = self.range();
        let (start, stop) = (Timestamp(start), Timestamp(stop));
        let source = road.source(source);
        let server = format!("url = \"{destination}\"\nbucket = \"dst\"\n");
        let destination = match target {
            Target::V3 => format!("api = \"v3\"\n{server}"),
            Target::V2 => format!("api = \"v2\"\norg = \"o\"\nproduct = \"oss\"\n{server}"),
            Target::V1 => format!("api = \"v1\"\nproduct = \"oss\"\n{server}"),
            Target::File => "api = \"lp\"\npath = \"out.lp\"\n".to_owned(),
        };
        let checkpoint = match records {
            Records::File => "path = \"records.lp\"\n".to_owned(),
            Records::Bucket => format!(
                "url = \"{checkpoint}\"\norg = \"o\"\nbucket = \"migration\"\ntoken_env = \"TOKEN\"\n"
            ),
        };
        let at_once = match concurrency {
            1 => String::new(),
            more => format!("concurrency = {more}\nrate_mb_per_s = {RATE_MB_PER_S}\n"),
        };
        format!(
            "[migration]\nstart = {start}\nstop = {stop}\nbatch_interval = \"{minutes}m\"\n{source}\
             [destination]\n{destination}[checkpoint]\n{checkpoint}\
             [limits]\nattempts = {attempts}\n{at_once}"
        )
    }

    /// The servers that it talks to.
    pub(crate) fn roles(&self) -> Vec<Role> {
        let mut roles = vec![Role::Source];
        if self.target != Target::File {
            roles.push(Role::Destination);
        }
        if self.records == Records::Bucket {
            roles.push(Role::Checkpoint);
        }
        roles
    }
}

impl Sides {
    pub(crate) fn new(shape: &Shape) -> Self {
        let source =
            FakeInflux::with(Settings { version: shape.road.version, ..Settings::default() });
        source.load("src", &shape.points());
        let (engine, version) = match shape.target {
            Target::V3 | Target::File => (Engine::Iox, Version::V2),
            Target::V2 => (Engine::Tsm, Version::V2),
            Target::V1 => (Engine::Tsm, Version::V1_6),
        };
        let destination = FakeInflux::with(Settings { engine, version, ..Settings::default() });
        destination.create("dst");
        let checkpoint = FakeInflux::start();
        checkpoint.create("migration");
        let urls = [source.url(), destination.url(), checkpoint.url()];
        let config = shape.config(urls.each_ref().map(String::as_str));
        let (start, stop) = shape.range();
        let expected = within(&Points::parse(&shape.points()), start, stop);
        Self {
            source,
            destination,
            checkpoint,
            migration: Migration::new(Host::Binary, &config),
            target: shape.target,
            records: shape.records,
            expected,
        }
    }

    pub(crate) fn server(&self, role: Role) -> &FakeInflux {
        match role {
            Role::Source => &self.source,
            Role::Destination => &self.destination,
            Role::Checkpoint => &self.checkpoint,
        }
    }

    /// What has arrived.
    fn arrived(&self) -> Points {
        match self.target {
            Target::File => Points::parse(whole_lines(&self.migration.read("out.lp"))),
            Target::V3 | Target::V2 | Target::V1 => self.destination.points("dst"),
        }
    }

    /// Nothing is there that the source does not have, and all of what is recorded is.
    #[track_caller]
    pub(crate) fn check_midway(&self, context: &str) {
        // Records first: what is recorded later than this has arrived before it.
        let recorded = self.recorded();
        let arrived = self.arrived();
        let invented = self.expected.difference(&arrived);
        let invented = invented.iter().find(|line| line.starts_with('+'));
        assert_eq!(invented, None, "{context}: it is not at the source");
        for (start, stop) in recorded {
            let missing = within(&self.expected, start, stop).difference(&arrived);
            let missing = missing.iter().find(|line| line.starts_with('-'));
            let batch = format!("{}/{}", Timestamp(start), Timestamp(stop));
            assert_eq!(missing, None, "{context}: not arrived, and batch {batch} is recorded");
        }
    }

    /// What has arrived is what the source has.
    #[track_caller]
    pub(crate) fn check_complete(&self, context: &str) {
        let difference = self.expected.difference(&self.arrived());
        assert!(difference.is_empty(), "{context}: {difference:#?}");
    }

    /// The lines of the file that points went to, sorted: a batch that was divided has them in another
    /// order.
    pub(crate) fn sorted_lines(&self) -> Vec<String> {
        let text = self.migration.read("out.lp");
        let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// The batches that are recorded.
    fn recorded(&self) -> Vec<(i64, i64)> {
        match self.records {
            Records::File => batches(&self.migration.read("records.lp")),
            Records::Bucket => batches_of(&self.checkpoint.points("migration")),
        }
    }
}

/// The batches that a file of records has whole: start and stop.
pub(crate) fn batches(text: &str) -> Vec<(i64, i64)> {
    let lines = whole_lines(text).lines().filter(|line| !line.ends_with(" torn"));
    batches_of(&Points::parse(&lines.collect::<Vec<_>>().join("\n")))
}

fn batches_of(records: &Points) -> Vec<(i64, i64)> {
    let batches = records.series().filter(|(series, _)| series.measurement == "batches");
    let time = |value: &Value| match value {
        Value::String(text) => Timestamp::parse(text).expect("it is a time").0,
        other => panic!("{other} is no text"),
    };
    let fields = batches.flat_map(|(_, times)| times.values());
    fields.map(|fields| (time(&fields["batch_start"]), time(&fields["batch_stop"]))).collect()
}

/// The points from a time to before another.
fn within(points: &Points, start: i64, stop: i64) -> Points {
    let mut within = Points::default();
    for (series, times) in points.series() {
        for (time, fields) in times.range(start..stop) {
            within.insert(support::influx::Point {
                series: series.clone(),
                time: *time,
                fields: fields.clone(),
            });
        }
    }
    within
}

/// A file without the line that was being written when its writer was killed.
fn whole_lines(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}
