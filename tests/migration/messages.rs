//! Messages that the README explains and that no other test comes by: each is produced, and so is what it says
//! of the rest of the run.

use support::influx::{FakeInflux, Fault, Moment};

use crate::refusals::OTHER;
use crate::run::{Host, INFLUXQL, Migration, config, talk};
use crate::{expected, sides, sides_of};

/// A migration that ends well all the same.
#[track_caller]
fn completes(migration: &Migration, destination: &FakeInflux) -> String {
    let output = migration.run();
    let talk = talk(&output);
    assert_eq!(output.status.code(), Some(0), "{talk}");
    destination.points("dst").assert_same(&expected());
    talk
}

/// One that does not, with its exit status.
#[track_caller]
fn ends(migration: &Migration, status: i32) -> String {
    let output = migration.run();
    let talk = talk(&output);
    assert_eq!(output.status.code(), Some(status), "{talk}");
    talk
}

#[track_caller]
fn says(talk: &str, what: &str) {
    assert!(talk.contains(what), "`{what}` is not in:\n{talk}");
}

#[test]
fn who_asks_to_wait_is_waited_for() {
    let (source, destination) = sides();
    source.break_request("/api/v2/query", 1, Fault::TooManyRequests(Some(1)));
    let migration = Migration::new(Host::Binary, &config(&source, &destination));
    says(&completes(&migration, &destination), "the source `src` asks to wait (429)");
}

#[test]
fn who_does_not_answer_in_time_is_asked_for_less() {
    let (source, destination) = sides();
    for nth in 2..=4 {
        source.break_request("/api/v2/query", nth, Fault::Html(504));
    }
    let migration = Migration::new(Host::Binary, &config(&source, &destination));
    let talk = completes(&migration, &destination);
    says(&talk, "the source `src` did not answer in time (504)");
    says(&talk, "; it goes on with batches of half the length\n");
}

#[test]
fn a_quota_is_waited_for_also_where_nobody_knows_what_was_used_of_it() {
    let (source, destination) = sides();
    let limits = "write_mb = 100\nwindow = \"4s\"\n";
    let migration = Migration::new(Host::Binary, &(config(&source, &destination) + limits));
    let records = migration.path("migration.checkpoint.lp");
    std::fs::write(&records, "of whatever made this\n").expect("it can be written");
    let talk = completes(&migration, &destination);
    says(&talk, "what the run before has used of a quota is not known: as if it were all of it\n");
    says(&talk, "waiting until 20");
    says(&talk, "Z before more goes to the destination\n");
}

#[test]
fn limits_that_nobody_tells_are_asked_of_a_person() {
    let (source, destination) = sides();
    let config = config(&source, &destination)
        .replace("api = \"v3\"", "api = \"v2\"\nproduct = \"serverless\"\norg = \"there\"");
    let migration = Migration::new(Host::Binary, &(config + "write_mb = \"auto\"\n"));
    let talk = completes(&migration, &destination);
    says(&talk, "warning: the limits of the destination cannot be asked for: ");
    says(&talk, "hint: set `limits.write_mb` to a number of megabytes");
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let (source, destination) = sides();
    let config = config(&source, &destination);
    let (begin, rest) = config.split_once("[destination]").expect("it has one");
    let (_, limits) = rest.split_once("[limits]").expect("it has some");
    let config = format!("{begin}[destination]\napi = \"lp\"\npath = \".\"\n[limits]{limits}");
    let migration = Migration::new(Host::Binary, &config);
    says(&ends(&migration, 2), "cannot be used: ");
}

#[test]
fn an_export_of_several_retention_policies_is_said() {
    let (_, destination) = sides();
    let destination = destination.url();
    let config = format!(
        "[source]\napi = \"lp\"\npath = \"export.lp\"\n[destination]\napi = \"v3\"\n\
         url = \"{destination}\"\nbucket = \"dst\"\ntoken_env = \"TOKEN\"\n"
    );
    let migration = Migration::new(Host::Binary, &config);
    let export = "# INFLUXDB EXPORT: 1 - 2\n# DDL\nCREATE DATABASE d WITH NAME a\n# DML\n\
                  # CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:a\n# writing tsm data\ncpu u=1 1\n\
                  # CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:b\n# writing tsm data\ncpu u=2 1\n";
    std::fs::write(migration.path("export.lp"), export).expect("it can be written");
    let talk = ends(&migration, 0);
    says(&talk, "warning: the export holds the retention policies `a`, `b`: ");
}

#[test]
fn other_rules_are_said_as_long_as_nothing_is_recorded() {
    let (source, destination) = sides_of(&INFLUXQL);
    let rename = |to: &str| {
        format!("[[schema.rename]]\nmeasurement = \"cpu\"\nfield = \"load\"\nto = \"{to}\"\n")
    };
    let config = INFLUXQL.config(&source, &destination);
    let migration = Migration::new(Host::Binary, &(config.clone() + &rename("one")));
    destination.break_from("/api/v3/write_lp", 1, Fault::Unauthorized);
    says(&ends(&migration, 2), "once that is mended, run the same command again\n");
    destination.heal();
    std::fs::write(migration.path("migration.toml"), config + &rename("other"))
        .expect("it is there");
    let talk = ends(&migration, 0);
    says(
        &talk,
        "warning: the rules of `schema` are other ones than when the migration was begun; ",
    );
    assert!(destination.lines("dst").iter().any(|line| line.contains("other=")));
}

#[test]
fn a_comparison_before_the_end_says_what_is_left() {
    let (source, destination) = sides_of(&INFLUXQL);
    destination.break_from("/api/v3/write_lp", 3, Fault::Unauthorized);
    let migration = Migration::new(Host::Binary, &INFLUXQL.config(&source, &destination));
    let stopped = ends(&migration, 2);
    says(&stopped, " % is recorded and stays; once that is mended, ");
    destination.heal();
    let output = migration.does("verify", &[]);
    assert_eq!(output.status.code(), Some(3), "{}", talk(&output));
    says(&talk(&output), "warning: the migration is not complete: ");
}

#[test]
fn batches_of_which_too_much_is_refused_together_end_a_run() {
    let (source, destination) = sides();
    destination.load("dst", OTHER);
    // One batch is handed out while the one before it is still to be acknowledged: each has what was left.
    // The first takes two requests, for its good fields are sent again.
    let hold = destination.hold(Moment::Arrived, "/api/v3/write_lp", 3);
    destination.on_request(Moment::Arrived, "/api/v3/write_lp", 4, move |_| drop(hold));
    let config = config(&source, &destination)
        .replace("bucket = \"dst\"", "bucket = \"dst\"\nholds_data = true");
    let migration = Migration::new(Host::Binary, &(config + "[rejected]\nmax = 200\n"));
    let talk = ends(&migration, 2);
    says(&talk, "the destination refused 270 points in all, and `rejected.max` is 200\n");
}

#[test]
fn an_answer_that_stops_early_is_no_answer() {
    let (source, destination) = sides();
    source.break_request("/api/v2/query", 1, Fault::Truncated);
    let migration = Migration::new(Host::Binary, &config(&source, &destination));
    let talk = completes(&migration, &destination);
    says(
        &talk,
        "the response of the source: line 233: the response stops before its end; attempt 2 of 3",
    );
}

#[test]
fn who_speaks_no_tls_is_said_to() {
    let (source, destination) = sides();
    let config = config(&source, &destination).replace("attempts = 3", "attempts = 1");
    let config = config.replace(&source.url(), &source.url().replace("http://", "https://"));
    let talk = ends(&Migration::new(Host::Binary, &config), 1);
    says(&talk, "  caused by: the source cannot be reached: https://127.0.0.1:");
    says(&talk, ": it does not speak TLS there; does its URL begin with `http`, not `https`?\n");
}
