//! InfluxDB 1.6.7 behind its doors: users and their rights, names that are not there, and a look
//! at what would be done.

use support::influx::Points;
use support::servers::RealServer;

use crate::influxdb_1::{
    BUCKET, NEW_YEAR, RANGE, TO_FILE, changing, create, create_as, ended, execute, execute_as,
    migrated, table, write, write_as,
};
use crate::run::{Host, Migration, binary, talk};

#[test]
fn a_user_who_may_not_see_shards_still_gets_every_type() {
    let Some(server) = RealServer::influxdb_1_with("auth-enabled = true") else { return };
    execute(&server, "create user admin with password 'secret' with all privileges");
    let login = "u=admin&p=secret&";
    create_as(&server, login);
    for statement in [
        "create user reader with password 'secret'",
        "grant read on db to reader",
        "create user stranger with password 'secret'",
    ] {
        execute_as(&server, login, statement);
    }
    let lines = changing(3);
    write_as(&server, login, BUCKET, &lines);
    // `Migration` runs with `TOKEN=secret`.
    let source = table("source", server.url(), BUCKET);
    let config = |user: &str| {
        format!("{RANGE}{source}user = \"{user}\"\npassword_env = \"TOKEN\"\n{TO_FILE}")
    };
    for user in ["admin", "reader"] {
        let migration = Migration::new(Host::Binary, &config(user));
        migration.complete();
        Points::parse(&migration.read("out.lp")).assert_same(&Points::parse(&lines));
    }
    // 1.6.7 knows no tokens, and says no for three reasons.
    for (config, reason) in [
        (config("stranger"), "(403): error authorizing query: stranger not authorized to"),
        (config("nobody"), "(401): authorization failed\n"),
        (
            format!("{RANGE}{source}token_env = \"TOKEN\"\n{TO_FILE}"),
            "(401): unable to parse authentication credentials\n",
        ),
    ] {
        let talk = ended(&config, 2);
        let expected =
            format!("error: the source `{BUCKET}` does not accept the credentials {reason}");
        // After a 401 it was tried once more.
        let error = talk.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(format!("{error}\n").starts_with(&expected), "{talk}");
    }
}

#[test]
fn a_database_or_retention_policy_that_is_missing_is_named() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    write(&server, BUCKET, &changing(1));
    let no_policy = "error: database `db` has no retention policy `never`\n\n\
                     hint: it has `autogen`, `days`\n\
                     once that is mended, run the same command again\n";
    let no_database = "error: the response of the source: the query failed: database not found: nope\
                       \n\nhint: look at `bucket` of that side; what the user may not see is not there \
                       either\nonce that is mended, run the same command again\n";
    for (bucket, expected) in
        [("nope/days", no_database), ("nope", no_database), ("db/never", no_policy)]
    {
        let source = table("source", server.url(), bucket);
        assert_eq!(ended(&format!("{RANGE}{source}{TO_FILE}"), 2), expected);
    }
}

#[test]
fn a_database_without_what_is_asked_for_ends_as_an_empty_one() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    let source = table("source", server.url(), BUCKET);
    let said = |range: &str| {
        let talk = ended(&format!("{range}{source}{TO_FILE}"), 0);
        assert!(talk.contains("no rows were found in "), "{talk}");
    };
    said(RANGE);
    write(&server, BUCKET, &changing(1));
    said(&RANGE.replace("[migration]\n", "[migration]\nmeasurements = [\"nope\"]\n"));
}

#[test]
fn two_values_of_one_series_and_time_are_never_made_one() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    // The same value, another time, another field, another series; and then another value.
    let (one, other) = (NEW_YEAR, NEW_YEAR + 1);
    let days = format!("c,host=0 f=1.5,n=1i {one}\nc,host=0 f=2.5 {other}\n");
    let same = format!("c,host=0 f=1.5,m=2i {one}\nc,host=1 f=7.5 {one}\nc,host=0 n=3i {other}\n");
    write(&server, BUCKET, &days);
    write(&server, "db/autogen", &same);
    let source = table("source", server.url(), "db");
    let config = format!("{RANGE}{source}{TO_FILE}");
    let warning = "warning: in several retention policies there is `c.f`, `c.n`: where their values \
                   of one series and time differ, the run will stop\n\
                   hint: migrate each policy into a bucket of its own: `source.bucket = \
                   \"db/rp\"`\n";
    let talk = ended(&config, 0);
    assert!(talk.starts_with(warning), "{talk}");
    migrated(&server, "db").assert_same(&Points::parse(&(days + &same)));

    write(&server, "db/autogen", &format!("c,host=0 f=2.25 {other}\n"));
    let talk = ended(&config, 2);
    let error = "two retention policies hold different values of `f` of `c,host=0` at \
                 2022-01-01T00:00:00.000000001Z\n\n\
                 hint: migrate each retention policy into a bucket of its own: `source.bucket = \
                 \"db/rp\"`\n\
                 87.3 % is recorded and stays; once that is mended, run the same command again\n";
    assert!(talk.ends_with(error), "{talk}");
}

#[test]
fn a_dry_run_shows_the_batches_and_moves_nothing() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    write(&server, BUCKET, &changing(1));
    let source = table("source", server.url(), BUCKET);
    let config = format!("{RANGE}{source}{TO_FILE}").replace("2022-02-01", "2022-01-05");
    let migration = Migration::new(Host::Binary, &config);
    let mut command = binary();
    let output = command.arg("run").arg("--dry-run").arg(migration.path("migration.toml"));
    let output = output.output().expect("the host starts");
    assert!(output.status.success(), "{}", talk(&output));
    let batches = String::from_utf8_lossy(&output.stdout);
    let expected = "2021-12-31T12:00:00Z/2022-01-04T12:00:00Z\n\
                    2022-01-04T12:00:00Z/2022-01-05T00:00:00Z\n";
    assert_eq!(batches, expected);
    assert!(
        !migration.path("out.lp").exists() && !migration.path("migration.checkpoint.lp").exists()
    );
}
