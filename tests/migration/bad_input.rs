//! What a person reads when something is wrong before or while it runs: the whole text, and the
//! exit status.

use support::client::request;
use support::influx::FakeInflux;

use crate::run::{Host, Migration, binary, config, talk};
use crate::sides;

/// What is said first wherever Flux reads.
const BY_FLUX: &str = "warning: Flux does not tell what it leaves out: values of a field whose type \
     changes from one shard group to another, and tags called `_start` and `_stop`\n";

/// Runs a configuration and expects this exit status and this talk.
#[track_caller]
fn check(config: &str, status: i32, expected: &str) {
    let migration = Migration::new(Host::Binary, config);
    let output = migration.run();
    assert_eq!(talk(&output), expected);
    assert_eq!(output.status.code(), Some(status));
    assert_eq!(output.stdout, b"", "a run writes no data");
}

fn fit() -> (FakeInflux, FakeInflux, String) {
    let (source, destination) = sides();
    let config = config(&source, &destination);
    (source, destination, config)
}

#[test]
fn a_misspelt_key_is_named_with_the_nearest_one() {
    let (_source, _destination, config) = fit();
    check(
        &config.replace("batch_interval", "batch_intervall"),
        2,
        "error: unknown key `migration.batch_intervall`\n\n\
         hint: the nearest key is `migration.batch_interval`\n",
    );
}

#[test]
fn a_time_needs_an_offset() {
    let (_source, _destination, config) = fit();
    check(
        &config.replace("start = 2022-01-01T00:00:00Z", "start = 2022-01-01T00:00:00"),
        2,
        "error: `migration.start`: `2022-01-01T00:00:00` has no offset; end it with `Z` for UTC\n",
    );
}

#[test]
fn a_time_that_is_none_is_shown() {
    let (_source, _destination, config) = fit();
    check(
        &config.replace("2022-01-01T00:00:00Z", "\"new year\""),
        2,
        "error: `migration.start`: `new year` is not a time such as 2022-01-01T00:00:00Z\n",
    );
}

#[test]
fn the_stop_must_be_after_the_start() {
    let (_source, _destination, config) = fit();
    check(
        &config.replace("2022-01-01T06:30:00Z", "2021-01-01T00:00:00Z"),
        2,
        "error: `migration.stop` (2021-01-01T00:00:00Z) must be later than `migration.start` \
         (2022-01-01T00:00:00Z)\n",
    );
}

#[test]
fn a_variable_without_a_token_is_named() {
    let (_source, _destination, config) = fit();
    check(
        &config.replacen("token_env = \"TOKEN\"", "token_env = \"NO_SUCH_TOKEN\"", 1),
        2,
        "error: environment variable `NO_SUCH_TOKEN` is not set\n\n\
         hint: `source.token_env` names it\n",
    );
}

#[test]
fn a_token_that_is_not_accepted_is_of_a_side() {
    let (source, _destination, config) = fit();
    source.break_from("", 1, support::influx::Fault::Unauthorized);
    check(
        &config,
        2,
        &format!(
            "{BY_FLUX}error: batch 2022-01-01T00:00:00Z/2022-01-01T01:00:00Z: the source `src` does \
             not accept the credentials (401): unauthorized access\n\n\
             hint: the token or user of the source needs read access to this bucket\n"
        ),
    );
}

#[test]
fn a_file_that_is_not_annotated_csv_is_told_by_its_first_line() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/corpus/error_not_annotated/response.csv");
    check(
        &format!(
            "[source]\napi = \"csv\"\npath = \"{path}\"\n[destination]\napi = \"lp\"\npath = \"out.lp\"\n"
        ),
        2,
        &format!(
            "error: `{path}`: line 1: expected an annotation such as `#datatype`, found `a,b`\n\n\
         hint: annotated CSV is what `influx query --raw` prints, and what `/api/v2/query` answers \
         with the annotations datatype, group and default\n"
        ),
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    check(
        "[source]\napi = \"csv\"\npath = \"no.csv\"\n[destination]\napi = \"lp\"\npath = \"out.lp\"\n",
        2,
        "error: the source `no.csv` does not exist\n",
    );
}

#[test]
fn a_destination_that_is_not_there_can_be_tried_again() {
    let (_source, destination, config) = fit();
    let address = destination.address();
    drop(destination);
    let config = config.replace("attempts = 3", "attempts = 1");
    check(
        &config,
        1,
        &format!(
            "{BY_FLUX}error: batch 2022-01-01T00:00:00Z/2022-01-01T01:00:00Z: the destination cannot \
             be reached: http://{address}: connection refused\n\n\
             run the same command to resume\n"
        ),
    );
}

#[test]
fn points_that_are_refused_stop_the_run_with_the_reason() {
    let (_source, destination, config) = fit();
    let headers = [("authorization", "Token secret")];
    let target = "/api/v3/write_lp?db=dst&precision=nanosecond";
    let reply = request(&destination.url(), "POST", target, &headers, b"cpu,host=a load=1.5 0\n");
    assert_eq!(reply.status, 204);
    check(
        &config,
        2,
        &format!(
            "{BY_FLUX}error: batch 2022-01-01T00:00:00Z/2022-01-01T01:00:00Z: the destination `dst` \
             refused points (400): partial write of line protocol occurred; refused: 90, the first \
             in line 1 of the body, `cpu,host=a,zone=nort`: invalid column type for column 'load', \
             expected iox::column_type::field::float, got iox::column_type::field::integer\n"
        ),
    );
}

#[test]
fn a_file_that_the_checkpoint_does_not_know_is_left_alone() {
    let (_source, _destination, config) = fit();
    let (head, _) = config.split_once("[destination]").expect("there is one");
    let migration = Migration::new(
        Host::Binary,
        &format!("{head}[destination]\napi = \"lp\"\npath = \"out.lp\"\n"),
    );
    std::fs::write(migration.path("out.lp"), "mine\n").expect("a folder takes a file");
    let output = migration.run();
    assert_eq!(
        talk(&output),
        "error: the destination `out.lp` exists, and the checkpoint does not know it\n\n\
         hint: move it away, or choose another `destination.path`\n"
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(migration.read("out.lp"), "mine\n");
}

#[test]
fn a_cut_file_is_an_error_with_its_line() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/corpus/error_cut_in_a_row/response.csv");
    let output = binary().args(["convert", path]).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(talk(&output), "error: line 6: the response stops before its end\n");
}
