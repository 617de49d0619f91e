//! Points that a destination refuses: whatever it says of them, all others arrive, and all good
//! fields of the refused ones, and nothing else; the run ends with what was refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use influxdb_line_protocol::{parse_lines, split_lines};
use serde_json::{Value, json};
use tsm2iox_guest::error::{Endpoint, Error};
use tsm2iox_guest::plan::{Answer, Ending, Plan, Purpose, Step};
use tsm2iox_guest::protocol::Response;
use tsm2iox_guest::time::Timestamp;

use crate::{first_order, settings};

/// How a server tells of points that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// InfluxDB 3: stores the others, lists the refused ones.
    List,
    /// The same with reasons that blame no field.
    ListWithoutBlame,
    /// The same with all numbers one too high: about other lines.
    MiscountedList,
    /// InfluxDB 3 on `/write`: stores nothing, names the first.
    First,
    /// InfluxDB 3 on `/api/v2/write`: stores nothing, names none.
    Nameless,
    /// Cloud: stores the others, and lists 3 of the refused ones.
    Cloud,
    /// InfluxDB 1 and 2: stores the others, and counts what is in the first shard group alone.
    Dropped,
    /// InfluxDB 2: stores nothing, quotes the refused lines.
    Quoted,
    /// Old Cloud: stores the others, and says nothing.
    Created,
}

const MANNERS: [Manner; 9] = [
    Manner::List,
    Manner::ListWithoutBlame,
    Manner::MiscountedList,
    Manner::First,
    Manner::Nameless,
    Manner::Cloud,
    Manner::Dropped,
    Manner::Quoted,
    Manner::Created,
];

/// A value by series, time and field.
type Stored = BTreeMap<(String, i64, String), String>;

/// A destination that refuses points with a field or a tag whose name begins with `bad`.
#[derive(Debug)]
struct Server {
    manner: Manner,
    stored: Stored,
    requests: usize,
}

/// The values of a line, and the bad column if it has one.
fn values(line: &str) -> (Stored, Option<String>) {
    let parsed = parse_lines(line).next().expect("no line is empty").expect("each can be parsed");
    let time = parsed.timestamp.expect("each has a time");
    let mut keys: Vec<_> =
        parsed.series.tag_set.iter().flatten().map(|(key, _)| key.to_string()).collect();
    let mut values = Stored::new();
    for (key, value) in &parsed.field_set {
        let place = (parsed.series.to_string(), time, key.to_string());
        values.insert(place, value.to_string());
        keys.push(key.to_string());
    }
    (values, keys.into_iter().find(|key| key.starts_with("bad")))
}

impl Server {
    fn write(&mut self, body: &str) -> (u16, String) {
        self.requests += 1;
        let mut refused = Vec::new();
        let mut good = Stored::new();
        for (place, line) in split_lines(body).filter(|line| !line.is_empty()).enumerate() {
            let (values, bad) = values(line);
            match bad {
                Some(column) => refused.push((place + 1, column, line)),
                None => good.extend(values),
            }
        }
        use Manner::{Cloud, Created, Dropped, List, ListWithoutBlame, MiscountedList};
        let stores_others = matches!(
            self.manner,
            List | ListWithoutBlame | MiscountedList | Cloud | Dropped | Created
        );
        if refused.is_empty() || stores_others {
            self.stored.extend(good);
        }
        if refused.is_empty() { (204, String::new()) } else { self.refusal(&refused) }
    }

    fn refusal(&self, refused: &[(usize, String, &str)]) -> (u16, String) {
        let type_of = |column: &str| {
            format!("invalid column type for column '{column}', expected this, got that")
        };
        let entry = |(number, column, _): &(usize, String, &str)| {
            let (number, message) = match self.manner {
                Manner::ListWithoutBlame => (*number, "no reason".to_owned()),
                Manner::MiscountedList => (number + 1, type_of(column)),
                _ => (*number, type_of(column)),
            };
            json!({ "error_message": message, "line_number": number, "original_line": "m" })
        };
        let entries: Vec<_> = refused.iter().map(entry).collect();
        let body = match self.manner {
            Manner::List | Manner::ListWithoutBlame | Manner::MiscountedList => {
                json!({ "error": "partial write of line protocol occurred", "data": entries })
            }
            Manner::First => json!({ "error": "parsing error", "data": entries[0] }),
            Manner::Nameless => json!({ "code": "invalid", "message": type_of(&refused[0].1) }),
            Manner::Cloud => {
                let mut message = "partial write, errors encountered on line(s):".to_owned();
                for (number, ..) in refused.iter().take(3) {
                    write!(message, "\nerror writing line {number} (1-based): why")
                        .expect("a string takes all that is written");
                }
                json!({ "code": "invalid", "message": message })
            }
            Manner::Dropped => {
                let column = &refused[0].1;
                let message = format!(
                    "partial write: field type conflict: input field \"{column}\" on measurement \
                     \"m\" is type integer, already exists as type float dropped=1"
                );
                return (422, json!({ "code": "e", "message": message }).to_string());
            }
            Manner::Quoted => {
                let lines = refused.iter();
                let lines = lines.map(|(.., line)| format!("unable to parse '{line}': no number"));
                json!({ "code": "invalid", "message": lines.collect::<Vec<_>>().join("\n") })
            }
            Manner::Created => return (201, String::new()),
        };
        (400, body.to_string())
    }
}

/// Runs one batch of these lines, which are a file in line protocol or a response of Flux.
fn run(lines: &str, is_file: bool, server: &mut Server) -> Ending {
    let mut settings: Value =
        serde_json::from_str(&settings(&json!({ "migration": {} }))).expect("it is JSON");
    if is_file {
        settings["source"] = json!({ "api": "lp", "path": "in.lp" });
        settings["migration"] = json!({});
    }
    let response = if is_file { lines.to_owned() } else { csv(lines) };
    let order = first_order(&settings.to_string());
    let mut plan = Plan::open(Purpose::Batch, &order).expect("an order is fit");
    let (mut bodies, mut sent) = (HashMap::new(), HashMap::new());
    loop {
        match plan.next(Timestamp(0)) {
            Step::Send(request) => {
                let (status, body) = match request.endpoint {
                    Endpoint::Source => (200, response.clone()),
                    _ => server.write(&request.body),
                };
                bodies.insert(request.id, body);
                plan.answer(request.id, Answer::Response(Response { status, headers: Vec::new() }));
                sent.insert(request.id, request.body);
            }
            Step::Recall(id) => {
                let body = sent.remove(&id).expect("it was sent, and not given back");
                plan.answer(id, Answer::Body(body));
            }
            Step::Read(id) => {
                let body = bodies.remove(&id).map(String::into_bytes);
                plan.answer(id, body.map_or(Answer::End, Answer::Bytes));
            }
            Step::Wait(_) => panic!("it waits for more"),
            Step::Done(outcome) => {
                assert_eq!(outcome.ending == Ending::Complete, !outcome.checkpoint.is_empty());
                return outcome.ending;
            }
            Step::Note(_) | Step::Report(_) | Step::Batch(_) => {}
        }
    }
}

/// The response of Flux with the points of these lines, which have one tag `t` and floats.
fn csv(lines: &str) -> String {
    let mut text = "#datatype,string,long,dateTime:RFC3339,double,string,string,string\r\n\
                    #default,_result,,,,,,\r\n,result,table,_time,_value,_field,_measurement,t\r\n"
        .to_owned();
    let mut tables = BTreeMap::<_, Vec<_>>::new();
    for line in lines.lines() {
        let parsed = parse_lines(line).next().expect("there is one").expect("it can be parsed");
        let tag = parsed.tag_value("t").expect("each has a tag").to_string();
        for (key, value) in &parsed.field_set {
            let row = (parsed.timestamp.expect("each has a time"), value.to_string());
            tables.entry((tag.clone(), key.to_string())).or_default().push(row);
        }
    }
    for (table, ((tag, field), rows)) in tables.into_iter().enumerate() {
        let field = if field.contains(',') { format!("\"{field}\"") } else { field };
        for (time, value) in rows {
            let time = Timestamp(time);
            write!(text, ",,{table},{time},{value},{field},m,{tag}\r\n")
                .expect("a string takes all that is written");
        }
    }
    text + "\r\n"
}

fn server(manner: Manner) -> Server {
    Server { manner, stored: Stored::new(), requests: 0 }
}

/// 400 points of 7 fields, of which 25 have a bad field or two, and 4 nothing else.
fn points() -> String {
    let mut lines = String::new();
    for number in 0..400 {
        let fields = match number % 16 {
            _ if number % 100 == 50 => "bad=1",
            3 if number % 32 == 3 => "a=1,bad\\ \\,x=2,c=3,d=4,e=5,f=6,g=7",
            3 => "a=1,bad=2,c=3,d=4,e=5,bad2=6,g=7",
            _ => "a=1,b=2,c=3,d=4,e=5,f=6,g=7",
        };
        writeln!(lines, "m,t={} {fields} {number}000", number % 3)
            .expect("a string takes all that is written");
    }
    lines
}

/// What of these lines a server takes.
fn good_values(lines: &str) -> Stored {
    let values = lines.lines().flat_map(|line| values(line).0);
    values.filter(|((_, _, field), _)| !field.starts_with("bad")).collect()
}

fn refused(ending: Ending) -> Error {
    let Ending::Failed(error) = ending else { panic!("it passes for a success: {ending:?}") };
    error
}

#[test]
fn all_that_is_good_arrives_and_nothing_else_whatever_the_server_says() {
    let lines = points();
    let good = good_values(&lines);
    assert_eq!(good.len(), 371 * 7 + 25 * 7 - 13 - 12 * 2);
    let refused_points: BTreeSet<_> = lines.lines().filter(|line| line.contains("bad")).collect();
    assert_eq!(refused_points.len(), 29);
    for is_file in [true, false] {
        for manner in MANNERS {
            let mut server = server(manner);
            let error = refused(run(&lines, is_file, &mut server));
            let context = format!("{manner:?}, file: {is_file}");
            assert!(server.stored == good, "{context}");
            let begins =
                error.message.starts_with("the destination `dst` refused 29 of 400 points");
            assert!(begins, "{context}: {error}");
            // At most a search through all halves, and through the fields, for each.
            let requests = server.requests;
            assert!(requests < 29 * 2 * (9 + 4), "{context}: {requests} requests");
        }
    }
}

#[test]
fn the_more_a_server_says_the_less_it_is_asked() {
    let requests = |manner| {
        let mut server = server(manner);
        refused(run(&points(), false, &mut server));
        server.requests
    };
    // Points with two bad fields are refused twice.
    assert_eq!(requests(Manner::List), 3);
    // Seven fields are halved three times, and all points at once.
    assert_eq!(requests(Manner::Quoted), 5);
    assert_eq!(requests(Manner::Nameless), 314);
}

/// Runs these lines from a file and compares what a person reads.
#[track_caller]
fn check_message(manner: Manner, lines: &str, expected: &str) {
    let mut server = server(manner);
    let error = refused(run(lines, true, &mut server));
    assert_eq!(error.message, expected);
}

#[test]
fn a_person_reads_which_values_were_refused_and_why() {
    let arrived = "all other values of this batch have arrived; mend what the reason says (a type \
                   by `schema.types`, a name by `schema.rename`), or set them aside with `rejected.max`";
    let error = refused(run("m f=1,bad=2 5\n", true, &mut server(Manner::List)));
    assert_eq!(error.hint.as_deref(), Some(arrived));
    let lines = "m f=1,bad=2 5\nm f=2 6\nm,t=a f=1,bad=\"x, y\" 7\nm bad2=1 8\n";
    check_message(
        Manner::List,
        lines,
        "the destination `dst` refused 3 of 4 points (400), the first: `m bad=2 5`: invalid column \
         type for column 'bad', expected this, got that; another: `m bad2=1 8`: invalid column type \
         for column 'bad2', expected this, got that",
    );
    check_message(
        Manner::Quoted,
        "m f=1,bad=2 5\nm f=2 6\n",
        "the destination `dst` refused 1 of 2 points (400): `m bad=2 5`: no number",
    );
    check_message(
        Manner::Created,
        "m,bad=a f=1,g=2,h=3 5\nm f=2 6\n",
        "the destination `dst` refused 1 of 2 points (201): `m,bad=a f=1,g=2,h=3 5`: it does not \
         say why",
    );
}

#[test]
fn after_a_hundred_refused_points_no_more_are_looked_for() {
    let lines: String = (0..500).map(|time| format!("m bad=1,f=2 {time}\n")).collect();
    for manner in MANNERS {
        let mut server = server(manner);
        let error = refused(run(&lines, true, &mut server));
        let begin = "the destination `dst` refused at least ";
        let count = error.message.strip_prefix(begin).and_then(|rest| rest.split(' ').next());
        let count: usize = count.and_then(|count| count.parse().ok()).expect("it has a count");
        let context = format!("{manner:?}: {count} in {} requests", server.requests);
        assert!(count >= 100 && server.requests < 600, "{context}");
        let hint = error.hint.expect("it has a hint");
        assert!(hint.starts_with("others of this batch may have arrived;"), "{hint}");
    }
    let mut server = server(Manner::List);
    refused(run(&lines, true, &mut server));
    assert_eq!(server.requests, 1);
}

#[test]
fn the_later_of_two_values_counts_if_the_first_was_refused_in_part() {
    let lines = "m a=1,bad=1 5\nm a=2,b=2 5\nm a=3 6\nm a=4,bad=1 6\nm a=5 6\n";
    for manner in MANNERS {
        let mut server = server(manner);
        refused(run(lines, true, &mut server));
        let values: Vec<_> = server.stored.values().map(String::as_str).collect();
        assert_eq!(values, ["2", "2", "5"], "{manner:?}");
    }
}
