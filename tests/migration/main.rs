//! Whole migrations, by the binary and by the host in Python, from and to a fake InfluxDB.

mod bad_input;
mod real;
mod run;

use run::{Host, Migration, config, hosts, points};
use support::influx::{Engine, FakeInflux, Fault, Moment, Points, Settings};

/// Both sides, with the points at the source, and a token that each wants.
fn sides() -> (FakeInflux, FakeInflux) {
    let token = Some("secret".to_owned());
    let source = FakeInflux::with(Settings { token: token.clone(), ..Settings::default() });
    source.load("src", &points());
    let engine = Engine::Iox;
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
    let (source, destination) = sides();
    let whole = Migration::new(Host::Binary, &config(&source, &destination));
    whole.complete();
    let bodies = destination.written("dst");
    assert_eq!(bodies.len(), 6, "one body for each batch that is not empty");
    destination.points("dst").assert_same(&expected());

    for host in hosts() {
        let destination = FakeInflux::with(Settings { engine: Engine::Iox, ..Settings::default() });
        let migration = Migration::new(host, &config(&source, &destination));
        // Killed when the fourth batch is asked for: three are recorded then.
        let hold = source.hold(Moment::Arrived, "/api/v2/query", 4);
        let mut process = migration.start();
        hold.wait();
        process.kill().expect("it runs");
        process.wait().expect("it has been killed");
        hold.release();
        let records = migration.read("migration.checkpoint.lp");
        assert_eq!(records.lines().count(), 1 + 3, "{host:?}: {records}");
        let queries = source.exchanges_on("/api/v2/query").len();

        migration.complete();
        assert_eq!(destination.written("dst"), bodies, "{host:?}");
        assert_eq!(source.exchanges_on("/api/v2/query").len() - queries, 4, "{host:?}");

        // Once more: it is complete, and nothing is asked for.
        migration.complete();
        assert_eq!(source.exchanges_on("/api/v2/query").len() - queries, 4, "{host:?}");
        assert_eq!(destination.written("dst").len(), 6, "{host:?}");
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
        let records: Vec<_> = records
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(line, _)| line.to_owned())
            .collect();
        assert_eq!(records.len(), 1 + 7, "{host:?}");
        files.push((migration.read("out.lp"), records));
    }
    Points::parse(&files[0].0).assert_same(&expected());
    files.dedup();
    assert_eq!(files.len(), 1, "the hosts differ");
}

#[test]
fn every_fault_heals_or_stops_and_the_next_run_completes() {
    let faults = [
        Fault::Refused,
        Fault::Unanswered,
        Fault::Unavailable(Some(0)),
        Fault::TooManyRequests(Some(0)),
        Fault::Internal,
        Fault::CutLength,
        Fault::CutChunks,
        Fault::Truncated,
        Fault::ErrorTable,
        Fault::TooLarge,
    ];
    for host in hosts() {
        for fault in &faults {
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
                     migration_stop=\"2022-01-01T06:30:00.000000000Z\"";
        let timeless = |line: &String| line.rsplit_once(' ').map(|(line, _)| line.to_owned());
        assert_eq!(timeless(&records[0]), Some(format!("migrations,{route} {range}")));
        let last = format!(
            "batches,{route} batch_start=\"2022-01-01T06:00:00.000000000Z\",\
             batch_stop=\"2022-01-01T06:30:00.000000000Z\",{range},rows=195i,points=60i,\
             read=21583i,written=4626i,rejected=0i,percent_complete=100.0"
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
        let targets: Vec<_> =
            destination.exchanges().into_iter().map(|exchange| exchange.target).collect();
        assert_eq!(targets, [path; 6]);
    }
}
