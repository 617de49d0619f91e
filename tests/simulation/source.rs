//! A source that is asked by Flux: points, which of them a query means, and how long it takes.
//!
//! Reads the queries that the plan writes, and its regular expressions with a crate of their own.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::ops::Range;

use fastrand::Rng;
use regex::Regex;
use serde_json::Value;
use tsm2iox_guest::time::Timestamp;

pub(crate) const SECOND: i64 = 1_000_000_000;

/// The points of a measurement and a host; one without a name does not have the tag.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) measurement: String,
    pub(crate) host: String,
    /// Each point has so many, called `f0`, `f1` …
    pub(crate) fields: usize,
    /// In order.
    pub(crate) times: Vec<i64>,
}

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) series: Vec<Series>,
    /// What a query takes, in nanoseconds: in any case, for each series, for each point.
    pub(crate) costs: [i64; 3],
    /// It refuses a query for more series, as 1.x does.
    pub(crate) series_max: usize,
    /// It ends a query that takes longer.
    pub(crate) timeout: i64,
    /// Each expression is compiled once.
    expressions: HashMap<String, Regex>,
    /// The queries for points: the times, the series, and whether it gave up.
    pub(crate) asked: Vec<Asked>,
}

/// A query for points.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) times: Range<i64>,
    pub(crate) series: BTreeSet<usize>,
    pub(crate) points: usize,
    /// Whether it was not answered in time, or not to the end.
    pub(crate) in_vain: bool,
}

/// What a query gives: a body, or nothing in time; and after how long.
pub(crate) struct Answered {
    pub(crate) body: Option<String>,
    pub(crate) takes: i64,
}

impl Series {
    /// A point of it with these fields.
    pub(crate) fn line(&self, fields: Range<usize>, time: i64) -> String {
        let Self { measurement, host, .. } = self;
        let host = if host.is_empty() { String::new() } else { format!(",host={host}") };
        let fields: Vec<_> = fields.map(|field| format!("f{field}={time}")).collect();
        format!("{}{host} {} {time}", measurement.replace(' ', "\\ "), fields.join(","))
    }
}

const NAMES: [&str; 7] = ["air", "cpu", "cpu load", "disk", "m\u{e4}", "x", "zeta"];

impl Source {
    /// Some series, whose points are dense here and sparse there, or missing.
    pub(crate) fn random(rng: &mut Rng, times: Range<i64>) -> Self {
        let mut series = Vec::new();
        let hosts = if rng.bool() { rng.usize(1..4) } else { rng.usize(4..20) };
        for measurement in NAMES.iter().take(rng.usize(1..=NAMES.len())) {
            for host in 0..rng.usize(1..=hosts) {
                let host = match host {
                    0 => String::new(),
                    _ => format!("h{}", rng.u32(0..1000)),
                };
                let measurement = (*measurement).to_owned();
                let fields = rng.usize(1..4);
                series.push(Series { measurement, host, fields, times: Vec::new() });
            }
        }
        series.sort_by_key(|series| (series.measurement.clone(), series.host.clone()));
        series.dedup_by_key(|series| (series.measurement.clone(), series.host.clone()));
        let many = rng.usize(0..150);
        for _ in 0..many {
            let center = rng.i64(times.clone());
            let width = 10_i64.pow(rng.u32(0..6)) * SECOND;
            let place = rng.usize(0..series.len());
            for _ in 0..rng.usize(1..6) {
                let time = center.saturating_add(rng.i64(-width..width));
                series[place].times.push(time);
            }
        }
        for series in &mut series {
            // Both ends, and just beyond them.
            series.times.extend([times.start - 1, times.start, times.end - 1, times.end]);
            series.times.sort_unstable();
            series.times.dedup();
        }
        let costs = [
            rng.i64(1_000_000..SECOND),
            if rng.u8(0..3) == 0 { rng.i64(0..3 * SECOND) } else { 0 },
            rng.i64(1000..200_000_000),
        ];
        let timeout = if rng.bool() { 90 * SECOND } else { 3600 * SECOND };
        Self::new(series, costs, timeout)
    }

    pub(crate) fn new(series: Vec<Series>, costs: [i64; 3], timeout: i64) -> Self {
        Self {
            series,
            costs,
            series_max: usize::MAX,
            timeout,
            expressions: HashMap::new(),
            asked: Vec::new(),
        }
    }

    /// The lines of all points in a range.
    pub(crate) fn lines(&self, times: &Range<i64>) -> BTreeSet<String> {
        let lines = |series: &Series| {
            let within = series.times.iter().filter(|time| times.contains(time));
            within.map(|time| series.line(0..series.fields, *time)).collect::<Vec<_>>()
        };
        self.series.iter().flat_map(lines).collect()
    }

    /// Answers the body of a request to `/api/v2/query`.
    pub(crate) fn answer(&mut self, body: &str) -> Answered {
        let json: Value = serde_json::from_str(body).expect("a query is JSON");
        let query = json["query"].as_str().expect("a query has a text");
        let times = time_of(query, "start: ")..time_of(query, "stop: ");
        let predicates = self.predicates(query);
        let is_meant = |series: &Series| predicates.iter().all(|predicate| predicate.holds(series));
        let meant: Vec<_> =
            (0..self.series.len()).filter(|place| is_meant(&self.series[*place])).collect();
        if query.contains("distinct(") {
            return Answered { body: Some(self.names(query, &meant)), takes: self.costs[0] };
        }
        if meant.len() > self.series_max {
            let error = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n\
                         ,error,reference\r\n,max-select-series limit exceeded,\r\n\r\n";
            return Answered { body: Some(error.to_owned()), takes: self.costs[0] };
        }
        let of =
            |place: &usize| (self.within(*place, &times).len() * self.series[*place].fields) as u64;
        if query.contains("count()") {
            let count: u64 = meant.iter().map(of).sum();
            let head =
                "#datatype,string,long,long\r\n#default,_result,,\r\n,result,table,_value\r\n";
            return Answered {
                body: Some(format!("{head},,0,{count}\r\n\r\n")),
                takes: self.costs[0],
            };
        }
        let (body, points) = match query.contains("pivot(") {
            true => self.pivoted(&meant, &times),
            false => self.points(&meant, &times),
        };
        let [base, of_series, of_point] = self.costs;
        let takes = base + of_series * count(meant.len()) + of_point * count(points);
        let in_vain = takes > self.timeout;
        self.asked.push(Asked { times, series: meant.into_iter().collect(), points, in_vain });
        match in_vain {
            true => Answered { body: None, takes: self.timeout },
            false => Answered { body: Some(body), takes },
        }
    }

    /// What a query took.
    pub(crate) fn takes(&self, asked: &Asked) -> i64 {
        let [base, of_series, of_point] = self.costs;
        base + of_series * count(asked.series.len()) + of_point * count(asked.points)
    }

    fn points(&self, meant: &[usize], times: &Range<i64>) -> (String, usize) {
        let (mut body, mut points, mut had_host) = (String::new(), 0, None);
        for (table, place) in meant.iter().enumerate() {
            let Series { measurement, host, fields, .. } = &self.series[*place];
            let of = self.within(*place, times);
            if of.is_empty() {
                continue;
            }
            let has_host = !host.is_empty();
            if had_host != Some(has_host) {
                body += if had_host.is_some() { "\r\n" } else { "" };
                body += if has_host { HEADER_WITH_HOST } else { HEADER };
                had_host = Some(has_host);
            }
            let host = if has_host { format!(",{host}") } else { String::new() };
            for (field, time) in (0..*fields).flat_map(|f| of.iter().map(move |t| (f, t))) {
                let at = Timestamp(*time);
                write!(body, ",,{table},{at},{time},f{field},{measurement}{host}\r\n")
                    .expect("it is text");
            }
            points += of.len();
        }
        (body + "\r\n", points)
    }

    /// The conditions of the filters, which stand on lines of their own.
    fn predicates(&mut self, query: &str) -> Vec<Predicate> {
        let mut predicates = Vec::new();
        for line in query.lines().filter(|line| line.starts_with('r')) {
            for condition in line.split(" and ") {
                let (column, rest) =
                    condition.split_once(' ').expect("a condition has an operator");
                let (operator, text) = rest.split_once(' ').expect("and an expression");
                // As Flux reads a literal.
                let text = text.trim_matches('/').replace(r"\x5c", r"\");
                let expression = self
                    .expressions
                    .entry(text.clone())
                    .or_insert_with(|| Regex::new(&text).expect("it is a regular expression"));
                let (column, is) = (column.to_owned(), operator == "=~");
                predicates.push(Predicate { column, is, expression: expression.clone() });
            }
        }
        predicates
    }

    /// The times of a series in a range.
    fn within(&self, place: usize, times: &Range<i64>) -> &[i64] {
        let of = &self.series[place].times;
        &of[of.partition_point(|t| *t < times.start)..of.partition_point(|t| *t < times.end)]
    }

    /// The same points, a row each.
    fn pivoted(&self, meant: &[usize], times: &Range<i64>) -> (String, usize) {
        let (mut body, mut points) = (String::new(), 0);
        let bounds = format!("{},{}", Timestamp(times.start), Timestamp(times.end));
        for (table, place) in meant.iter().enumerate() {
            let Series { measurement, host, fields, .. } = &self.series[*place];
            let of = self.within(*place, times);
            if of.is_empty() {
                continue;
            }
            let each = |text: &str| text.repeat(*fields);
            let names: String = (0..*fields).map(|field| format!(",f{field}")).collect();
            let separator = if body.is_empty() { "" } else { "\r\n" };
            write!(
                body,
                "{separator}#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,string,string{}\r\n\
                 #group,false,false,true,true,false,true,true{}\r\n\
                 #default,_result,,,,,,{}\r\n\
                 ,result,table,_start,_stop,_time,_measurement,host{names}\r\n",
                each(",double"), each(",false"), each(","),
            )
            .expect("it is text");
            for time in of {
                let (at, values) = (Timestamp(*time), each(&format!(",{time}")));
                write!(body, ",,{table},{bounds},{at},{measurement},{host}{values}\r\n")
                    .expect("it is text");
            }
            points += of.len();
        }
        (body + "\r\n", points)
    }

    fn names(&self, query: &str, meant: &[usize]) -> String {
        let meant = meant.iter().map(|place| &self.series[*place]);
        let names: BTreeSet<&str> = match () {
            () if query.contains("keys()") => {
                let keys = ["_start", "_stop", "_field", "_measurement"].into_iter();
                let host = meant.clone().any(|series| !series.host.is_empty()).then_some("host");
                keys.chain(host).collect()
            }
            () if query.contains("column: \"_measurement\"") => {
                meant.map(|series| series.measurement.as_str()).collect()
            }
            () if query.contains("column: \"host\"") => {
                meant.map(|series| series.host.as_str()).filter(|host| !host.is_empty()).collect()
            }
            () => BTreeSet::from(["f0"]),
        };
        let mut body = "#datatype,string,long,string\r\n#group,false,false,false\r\n\
                        #default,_result,,\r\n,result,table,_value\r\n"
            .to_owned();
        for name in names {
            write!(body, ",,0,{name}\r\n").expect("it is text");
        }
        body + "\r\n"
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).expect("there are few")
}

const HEADER: &str = "#datatype,string,long,dateTime:RFC3339,double,string,string\r\n\
                      #default,_result,,,,,\r\n,result,table,_time,_value,_field,_measurement\r\n";
const HEADER_WITH_HOST: &str = "#datatype,string,long,dateTime:RFC3339,double,string,string,string\r\n\
     #default,_result,,,,,,\r\n,result,table,_time,_value,_field,_measurement,host\r\n";

fn time_of(query: &str, name: &str) -> i64 {
    let text = query.split(name).nth(1).expect("a query has a range");
    let text = text.split([',', ')']).next().expect("a split has a first part");
    Timestamp::parse(text.trim()).expect("a range has times").0
}

struct Predicate {
    column: String,
    is: bool,
    expression: Regex,
}

impl Predicate {
    fn holds(&self, series: &Series) -> bool {
        let text = match self.column.as_str() {
            "r._measurement" => &series.measurement,
            "r[\"host\"]" => &series.host,
            "r._field" => "f0",
            other => panic!("a predicate on {other}"),
        };
        self.expression.is_match(text) == self.is
    }
}

/// The same response, and nothing shows that it is not whole.
pub(crate) fn without_last_row(body: &str) -> String {
    match body.strip_suffix("\r\n\r\n").and_then(|rows| rows.rsplit_once("\r\n")) {
        Some((others, row)) if row.starts_with(",,") => format!("{others}\r\n\r\n"),
        _ => body.to_owned(),
    }
}
