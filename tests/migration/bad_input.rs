//! What a person reads when something is wrong before or while it runs: the whole text, and the
//! exit status.

use support::influx::FakeInflux;

use crate::run::{Host, Migration, binary, config, talk};
use crate::sides;

/// What is said first wherever Flux reads.
pub(crate) const BY_FLUX: &str = "warning: Flux does not tell what it leaves out: values of a field whose type \
     changes from one shard group to another, tags called `_start` and `_stop`, a lone `\\r` in a string \
     that has a comma or a quote, and the last nanosecond that there is\n";

/// What is said last where nothing is recorded.
pub(crate) const AGAIN: &str = "once that is mended, run the same command again\n";

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
            "{BY_FLUX}warning: the source `src` does not accept the credentials (401): unauthorized \
             access; it is tried once more, for a token file may hold another one now\n\
             error: batch 2022-01-01T00:00:00Z/2022-01-01T01:00:00Z could not be moved\n  \
             caused by: the source `src` does not accept the credentials (401): unauthorized access\n\n\
             hint: the token or user of the source needs read access to this bucket\n{AGAIN}"
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
         with the annotations datatype, group and default; for others there is `convert --format`\n{AGAIN}"
        ),
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    check(
        "[source]\napi = \"csv\"\npath = \"no.csv\"\n[destination]\napi = \"lp\"\npath = \"out.lp\"\n",
        2,
        &format!("error: the source `no.csv` does not exist\n\n{AGAIN}"),
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
            "{BY_FLUX}error: the destination cannot be reached: http://{address}: connection refused\n\n\
             run the same command to resume\n"
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
        format!(
            "error: the destination `out.lp` exists, and the checkpoint does not know it\n\n\
             hint: move it away, or choose another `destination.path`\n{AGAIN}"
        )
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

#[test]
fn strings_that_the_source_has_altered_refuse_their_batch_unless_they_are_accepted() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/recorded/line_ends.csv");
    let refused = format!(
        "[source]\napi = \"csv\"\npath = \"{path}\"\n[destination]\napi = \"lp\"\npath = \"out.lp\"\n"
    );
    check(
        &refused,
        2,
        &format!(
            "error: `{path}`: line 5: a string `s` of `m,tag=a` has a line break, of which Flux does \
             not tell whether it was `\\n`, `\\r\\n`, or had a lone `\\r` beside it (1 more like it, in \
             line 8); line 7: Flux has dropped a carriage return from `lonecr` in column `_value`, as \
             its quotes show\n\n\
             hint: InfluxQL keeps them (`source.language`); in strings, not in names and tags, what \
             is left can be taken: `schema.line_breaks = \"accept\"`, `convert --line-breaks \
             accept`\n{AGAIN}"
        ),
    );
    let migration =
        Migration::new(Host::Binary, &format!("{refused}[schema]\nline_breaks = \"accept\"\n"));
    let output = migration.run();
    let warning = "warning: 3 strings whose line breaks Flux has altered: `\\r\\n` and `\\n` arrive as \
                   `\\n`, and a lone `\\r` not at all";
    assert!(talk(&output).contains(warning), "{}", talk(&output));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(migration.read("out.lp").matches("\nb\"").count(), 1);
}

#[test]
fn what_is_left_out_need_not_arrive() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/corpus");
    for case in ["error_line_breaks", "error_infinity", "error_name_ends_in_backslash"] {
        let config = format!(
            "[migration]\nstart = 2023-01-01T00:00:00Z\n\
             [source]\napi = \"csv\"\npath = \"{corpus}/{case}/response.csv\"\n\
             [destination]\napi = \"lp\"\npath = \"out.lp\"\n"
        );
        for schema in ["", "[schema]\nline_breaks = \"accept\"\n"] {
            let migration = Migration::new(Host::Binary, &format!("{config}{schema}"));
            let output = migration.run();
            assert_eq!(output.status.code(), Some(0), "{case}: {}", talk(&output));
            assert!(talk(&output).contains(" left out"), "{case}: {}", talk(&output));
            assert!(!talk(&output).contains("line breaks"), "{case}: {}", talk(&output));
        }
    }
}
