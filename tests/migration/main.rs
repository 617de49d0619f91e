//! Whole migrations, by the binary and by the host in Python, from and to a fake InfluxDB.

mod bad_input;
mod beam;
mod check;
mod documents;
mod influxdb_1;
mod influxdb_1_access;
mod influxdb_1_groups;
mod influxdb_1_limits;
mod influxdb_1_million;
mod influxdb_1_names;
mod influxdb_1_relay;
mod influxdb_1_types;
mod influxdb_1_verify;
mod influxdb_1_where;
mod init;
mod messages;
mod policies;
mod real;
mod refusals;
mod run;
mod secrets;
mod set_aside;
mod types;
mod verify;

use run::{FLUX, Host, INFLUXDB_1, INFLUXQL, Migration, Road, config, hosts, points, talk};
use support::influx::{Databases, Engine, FakeInflux, Fault, Mapping, Moment, Points, Settings};

/// Both sides, with the points at the source, and a token that each wants.
fn sides() -> (FakeInflux, FakeInflux) {
    let settings = Settings { token: Some(FLUX.token()), ..Settings::default() };
    sides_with(settings)
}

/// The same, with the source that a road leads to.
fn sides_of(road: &Road) -> (FakeInflux, FakeInflux) {
    let (version, token) = (road.version, Some(road.token()));
    sides_with(Settings { version, token, ..Settings::default() })
}

fn sides_with(source: Settings) -> (FakeInflux, FakeInflux) {
    let source = FakeInflux::with(source);
    // Past HTTP: 1.6.7 as it is built refuses unsigned integers, but its engine holds them.
    source.load("src", &points());
    let (token, engine) = (Some("secret".to_owned()), Engine::Iox);
    (source, FakeInflux::with(Settings { token, engine, ..Settings::default() }))
}

/// The points that should arrive.
fn expected() -> Points {
    let stop = 1_640_995_200_000_000_000_i64 + 390 * 60_000_000_000;
    let time = |line: &&str| {
        let time = line.rsplit(' ').next().and_then(|time| time.parse::<i64>().ok());
        time.expect("each line ends with its time") < stop
    };
    let points = points();
    Points::parse(&points.lines().filter(time).collect::<Vec<_>>().join("\n"))
}

#[test]
fn an_interrupted_migration_writes_the_bytes_of_an_uninterrupted_one() {
    for road in [FLUX, INFLUXQL, INFLUXDB_1] {
        let (source, destination) = sides_of(&road);
        let Road { path, before, looks, each, .. } = road;
        let config = |destination: &FakeInflux| road.config(&source, destination);
        let whole = Migration::new(Host::Binary, &config(&destination));
        whole.complete();
        // The last of one batch and the first of the next may come in any order.
        let sorted = |destination: &FakeInflux| {
            let mut bodies = destination.written("dst");
            bodies.sort();
            bodies
        };
        let bodies = sorted(&destination);
        assert_eq!(bodies.len(), 6, "one body for each batch that is not empty");
        destination.points("dst").assert_same(&expected());

        for host in hosts() {
            let settings = Settings { engine: Engine::Iox, ..Settings::default() };
            let destination = FakeInflux::with(settings);
            let migration = Migration::new(host, &config(&destination));
            // Killed when the fourth batch is asked for, and three are recorded.
            let hold = source.hold(Moment::Arrived, path, before + looks + 3 * each + 1);
            let mut process = migration.start();
            hold.wait();
            migration.wait_for_records(1 + 3);
            process.kill().expect("it runs");
            process.wait().expect("it has been killed");
            hold.release();
            let queries = source.exchanges_on(path).len();

            migration.complete();
            assert_eq!(sorted(&destination), bodies, "{host:?}");
            let asked = source.exchanges_on(path).len() - queries;
            assert_eq!(asked, before + 4 * each, "{host:?}");

            // Once more: it is complete, and nothing is asked for.
            migration.complete();
            assert_eq!(source.exchanges_on(path).len() - queries, asked, "{host:?}");
            assert_eq!(destination.written("dst").len(), 6, "{host:?}");
        }
    }
}

#[test]
fn both_hosts_make_the_same_file_and_the_same_records() {
    let (source, destination) = sides();
    let config = config(&source, &destination);
    let (head, _) = config.split_once("[destination]").expect("there is one");
    let to_file = format!("{head}[destination]\napi = \"lp\"\npath = \"out.lp\"\n");
    let mut files = Vec::new();
    for host in hosts() {
        let migration = Migration::new(host, &to_file);
        migration.complete();
        // All but the times at which they were made.
        let records = migration.read("migration.checkpoint.lp");
        let records: Vec<_> = records.lines().filter_map(timeless).collect();
        assert_eq!(records.len(), 1 + 7, "{host:?}");
        files.push((migration.read("out.lp"), records));
    }
    Points::parse(&files[0].0).assert_same(&expected());
    files.dedup();
    assert_eq!(files.len(), 1, "the hosts differ");
}

/// A record without what nobody knows before: when it was made, and how long the source took.
fn timeless(record: &str) -> Option<String> {
    let (line, _) = record.rsplit_once(' ')?;
    let Some((before, took)) = line.split_once("source_milliseconds=") else {
        return Some(line.to_owned());
    };
    took.split_once(',').map(|(_, after)| before.to_owned() + after)
}

const FAULTS: [Fault; 11] = [
    Fault::Refused,
    Fault::Unanswered,
    Fault::Unavailable(Some(0)),
    Fault::TooManyRequests(Some(0)),
    Fault::Internal,
    Fault::CutLength,
    Fault::CutChunks,
    Fault::Truncated,
    Fault::ErrorTable,
    Fault::RowLost,
    Fault::TooLarge,
];

/// What goes wrong with an answer to several statements alone.
const FAULTS_OF_INFLUXQL: [Fault; 4] = [
    Fault::StatementError(1),
    Fault::StatementError(2),
    Fault::RowLimit(10),
    Fault::TruncatedBetweenMaps,
];

#[test]
fn every_fault_heals_or_stops_and_the_next_run_completes() {
    for host in hosts() {
        for fault in &FAULTS {
            let (source, destination) = sides();
            // A write, and a later query.
            destination.break_exchange(1, fault.clone());
            source.break_exchange(3, fault.clone());
            let migration = Migration::new(host, &config(&source, &destination));
            let mut output = migration.run();
            if !destination.struck() || !source.struck() {
                // The first fault ended the run.
                output = migration.run();
            }
            assert!(destination.struck() && source.struck(), "{host:?}, {fault:?}");
            if !output.status.success() {
                migration.complete();
            }
            destination.points("dst").assert_same(&expected());
        }
    }
}

#[test]
fn every_fault_of_influxql_heals_or_stops_and_the_next_run_completes() {
    for road in [INFLUXQL, INFLUXDB_1] {
        // The last of these queries is for the points of the first batch.
        for (nth, fault) in (1..=road.before + road.looks + road.each).flat_map(|nth| {
            let faults = FAULTS.iter().chain(&FAULTS_OF_INFLUXQL);
            faults.map(move |fault| (nth, fault))
        }) {
            let (source, destination) = sides_of(&road);
            source.break_request(road.path, nth, fault.clone());
            let migration = Migration::new(Host::Binary, &road.config(&source, &destination));
            let output = migration.run();
            assert!(source.struck(), "{fault:?}");
            // Whoever cut an answer may not cut the next one.
            let heals =
                matches!(fault, Fault::Truncated | Fault::TruncatedBetweenMaps | Fault::RowLost);
            assert!(output.status.success() || !heals, "{nth}, {fault:?}: {}", talk(&output));
            if !output.status.success() {
                migration.complete();
            }
            destination.points("dst").assert_same(&expected());
        }
    }
}

#[test]
fn a_user_who_may_not_list_shard_groups_is_warned_and_gets_every_point() {
    for host in hosts() {
        let (version, token) = (INFLUXDB_1.version, Some(INFLUXDB_1.token()));
        let settings = Settings { version, token, is_admin: false, ..Settings::default() };
        let (source, destination) = sides_with(settings);
        let migration = Migration::new(host, &INFLUXDB_1.config(&source, &destination));
        let output = migration.run();
        let talk = talk(&output);
        assert!(output.status.success(), "{host:?}: {talk}");
        let warning = "warning: this user may not list shard groups: where a field has integers and \
                       floats, and the duration of shard groups was ever made longer, integers may \
                       arrive as floats\n";
        assert!(talk.starts_with(warning), "{host:?}: {talk}");
        destination.points("dst").assert_same(&expected());
    }
}

#[test]
fn the_language_follows_from_what_the_source_knows_the_bucket_as() {
    let mapped = "reads by InfluxQL: database `src`, retention policy `autogen`\n";
    let unmapped = "reads by Flux: InfluxQL knows bucket `src` under no name\n\
                    hint: to map it: influx v1 dbrp create --org 'o' --db 'src-tsm2iox' \
                    --rp autogen --bucket-id ";
    let other = Mapping {
        database: "src".to_owned(),
        policy: "autogen".to_owned(),
        bucket: "other".to_owned(),
        is_default: true,
    };
    for (databases, expected) in [
        (Databases::Virtual(Vec::new()), mapped),
        (Databases::Explicit(Vec::new()), unmapped),
        // A query for the database would find the points of another bucket.
        (Databases::Virtual(vec![other]), unmapped),
        (Databases::Absent, "reads by Flux: the source `src` "),
    ] {
        let source = FakeInflux::with(Settings { databases, ..Settings::default() });
        source.load("src", &points());
        source.load("other", "cpu load=1i 1640995200000000000\n");
        let destination = FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() });
        let config = config(&source, &destination).replace("language = \"flux\"\n", "");
        let migration = Migration::new(Host::Binary, &config);
        let output = migration.run();
        assert!(output.status.success(), "{}", talk(&output));
        assert!(talk(&output).starts_with(expected), "{}", talk(&output));
        destination.points("dst").assert_same(&self::expected());
    }
}

#[test]
fn progress_in_a_bucket_is_what_the_guide_s_dashboard_reads() {
    let (source, destination) = sides();
    source.create("migration");
    let config = config(&source, &destination)
        .replace("bucket = \"dst\"", "bucket = \"dst\"\norg = \"there\"")
        + "[checkpoint]\nbucket = \"migration\"\n";
    for host in hosts() {
        let destination = &destination;
        let migration = Migration::new(host, &config);
        migration.complete();
        destination.points("dst").assert_same(&expected());
        let records = source.lines("migration");
        assert_eq!(
            records.len(),
            1 + 7,
            "the second host finds what the first recorded: {records:?}"
        );
        let route = format!(
            "dstBucket=dst,dstHost={},dstOrg=there,srcBucket=src,srcHost={},srcOrg=o",
            destination.url(),
            source.url()
        );
        let range = "migration_start=\"2022-01-01T00:00:00.000000000Z\",\
                     migration_stop=\"2022-01-01T06:30:00.000000000Z\",names=\"iox\",\
                     line_breaks=\"refuse\"";
        assert_eq!(timeless(&records[0]), Some(format!("migrations,{route} {range}")));
        let last = format!(
            "batches,{route} batch_start=\"2022-01-01T06:00:00.000000000Z\",\
             batch_stop=\"2022-01-01T06:30:00.000000000Z\",{range},rows=195i,points=60i,\
             read=21690i,written=4626i,rejected=0i,saved=5850i,percent_complete=100.0"
        );
        assert_eq!(timeless(&records[7]), Some(last));
        assert!(!migration.path("migration.checkpoint.lp").exists(), "{host:?}");
    }
}

#[test]
fn each_destination_is_written_as_its_api_wants_it() {
    for (api, keys, path) in [
        ("v3", "", "/api/v3/write_lp?db=dst&precision=nanosecond"),
        ("v2", "org = \"o\"", "/api/v2/write?org=o&bucket=dst&precision=ns"),
        ("v1", "", "/write?db=dst&precision=ns"),
    ] {
        let (source, destination) = sides();
        destination.create("dst");
        let config = config(&source, &destination)
            .replace("api = \"v3\"", &format!("api = \"{api}\"\n{keys}"));
        Migration::new(Host::Binary, &config).complete();
        destination.points("dst").assert_same(&expected());
        let targets = destination.exchanges().into_iter().map(|exchange| exchange.target);
        let targets: Vec<_> = targets.filter(|target| target.contains("/write")).collect();
        assert_eq!(targets, [path; 6]);
    }
}

#[test]
fn the_later_of_two_values_in_a_file_counts_even_if_the_first_body_is_refused_once() {
    let destination = FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() });
    destination.break_request("/api/v3/write_lp", 1, Fault::Unavailable(Some(0)));
    // More than one body between them.
    let text = "x".repeat(1000);
    let others: String = (0..11_000).map(|n| format!("other s=\"{text}\" {n}\n")).collect();
    let lines = format!("m f=1 1\n{others}m f=2 1\n");
    let url = destination.url();
    let config = format!(
        "[source]\napi = \"lp\"\npath = \"in.lp\"\n\
         [destination]\napi = \"v3\"\nurl = \"{url}\"\nbucket = \"dst\"\n"
    );
    let migration = Migration::new(Host::Binary, &config);
    std::fs::write(migration.path("in.lp"), &lines).expect("a folder takes a file");
    migration.complete();
    assert!(destination.struck());
    destination.points("dst").assert_same(&Points::parse(&lines));
}
