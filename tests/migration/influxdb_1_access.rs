//! InfluxDB 1.6.7 behind its doors: users and their rights, names that are not there, and a look
//! at what would be done.

use support::influx::Points;
use support::servers::RealServer;

use crate::influxdb_1::{
    BUCKET, NEW_YEAR, RANGE, TO_FILE, changing, create, create_as, ended, execute, execute_as,
    table, write, write_as,
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
        let expected = format!("error: the source `{BUCKET}` does not accept the token {reason}");
        assert!(talk.starts_with(&expected), "{talk}");
    }
}

#[test]
fn a_database_or_retention_policy_that_is_missing_is_named() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    write(&server, BUCKET, &changing(1));
    let no_policy = "error: database `db` has no retention policy `never`\n\n\
                     hint: it has `autogen`, `days`\n";
    let no_database = "error: the query failed: database not found: nope\n";
    for (bucket, expected) in
        [("nope/days", no_database), ("nope", no_database), ("db/never", no_policy)]
    {
        let source = table("source", server.url(), bucket);
        assert_eq!(ended(&format!("{RANGE}{source}{TO_FILE}"), 2), expected);
    }
}

#[test]
fn a_series_in_two_retention_policies_is_warned_of() {
    let Some(server) = RealServer::influxdb_1() else { return };
    create(&server);
    write(&server, BUCKET, &changing(1));
    write(&server, "db/autogen", &format!("c,host=0 f=3.5,n=4i {NEW_YEAR}\n"));
    let source = table("source", server.url(), "db");
    let talk = ended(&format!("{RANGE}{source}{TO_FILE}"), 0);
    let expected = "warning: in several retention policies there is `c.f`, `c.n`: of two points of \
                    one series and time only one arrives\n\
                    hint: migrate each policy into a bucket of its own: `source.bucket = \
                    \"db/rp\"`\n";
    assert!(talk.starts_with(expected), "{talk}");
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
