//! The configurations of the README and of the examples: a dry run takes them as they stand.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::run::{Host, Migration, binary, talk};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(path).expect("it is in the repository")
}

/// A dry run asks nobody: the times are known, and no batch is recorded.
#[track_caller]
fn takes(migration: &Migration) {
    let mut command = binary();
    command.args(["run", "--dry-run"]).arg(migration.path("migration.toml"));
    for name in ["INFLUX_SOURCE_TOKEN", "INFLUX_DESTINATION_TOKEN", "INFLUX_SOURCE_PASSWORD"] {
        command.env(name, "secret");
    }
    let output = command.stdin(Stdio::null()).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(output.stdout.starts_with(b"2022-01-01T00:00:00Z/"), "{output:?}");
}

#[test]
fn a_dry_run_takes_each_configuration_of_the_readme() {
    let readme = read("README.md");
    let blocks = readme.split("```toml\n").skip(1).map(|text| text.split("```").next());
    let blocks: Vec<_> = blocks.map(|block| block.expect("the first of some")).collect();
    let whole = blocks.iter().find(|block| block.contains("[destination]")).expect("one is whole");
    let (before, rest) = whole.split_once("[source]").expect("it has a source");
    let (source, after) = rest.split_once("[destination]").expect("it has a destination");
    for block in &blocks {
        // A side takes the place of that one; all else comes beside it.
        let config = match block.lines().next() {
            Some("[source]") if block.contains("api = \"lp\"") => continue,
            Some("[source]") => format!("{before}{block}\n[destination]{after}"),
            Some("[destination]") => format!("{before}[source]{source}{block}"),
            Some("# migration.toml") => (*whole).to_owned(),
            Some("[rejected]" | "[[schema.types]]" | "[[schema.rename]]") => {
                format!("{whole}\n{block}")
            }
            other => panic!("nobody knows how to take {other:?}"),
        };
        takes(&Migration::new(Host::Binary, &config));
    }
    assert!(blocks.len() >= 5, "{}", blocks.len());
}

#[test]
fn a_dry_run_takes_that_of_the_plugin() {
    let page = read("examples/influxdb3/README.md");
    let (_, config) = page.split_once("```toml\n").expect("there is one");
    let (config, _) = config.split_once("```").expect("it ends");
    let migration = Migration::new(Host::Binary, config);
    fs::write(migration.path("destination-token"), "secret\n").expect("a folder takes a file");
    takes(&migration);
}

#[test]
fn a_dry_run_takes_the_source_of_what_was_set_aside() {
    // The file is read by the run alone.
    let config = "[source]\napi = \"lp\"\npath = \"mended.lp\"\n[destination]\napi = \"lp\"\npath = \"out\"\n";
    let mut command = binary();
    let migration = Migration::new(Host::Binary, config);
    command.args(["run", "--dry-run"]).arg(migration.path("migration.toml"));
    let output = command.stdin(Stdio::null()).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
}

#[test]
fn a_dry_run_takes_the_configuration_of_the_job_of_kubernetes() {
    let job = read("examples/kubernetes/job.yaml");
    let (_, config) = job.split_once("  migration.toml: |\n").expect("it is there");
    let (config, _) = config.split_once("---\n").expect("more follows");
    let config: String = config.lines().map(|line| line.trim_start().to_owned() + "\n").collect();
    // Its folders are those of the container.
    let config = config.replace("\"/tokens/", "\"").replace("\"/state/", "\"");
    let migration = Migration::new(Host::Binary, &config);
    for name in ["source.token", "destination.token"] {
        fs::write(migration.path(name), "secret").expect("a folder takes a file");
    }
    takes(&migration);
}
