//! The configurations of the README and of the examples: a run takes them as they stand.

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
fn a_run_takes_the_configurations_of_the_readme() {
    let readme = read("README.md");
    let blocks: Vec<_> = readme.split("```toml\n").skip(1).collect();
    let blocks: Vec<_> = blocks.iter().filter_map(|text| text.split("```").next()).collect();
    let whole = blocks.iter().find(|block| block.contains("[destination]")).expect("one is whole");
    takes(&Migration::new(Host::Binary, whole));
    // Each of the others takes the place of its tables.
    let (before, rest) = whole.split_once("[source]").expect("it has a source");
    let (_, after) = rest.split_once("[destination]").expect("it has a destination");
    let source = blocks.iter().find(|block| block.contains("api = \"v1\"")).expect("one is of 1.x");
    takes(&Migration::new(Host::Binary, &format!("{before}{source}\n[destination]{after}")));
    for more in ["[rejected]", "[[schema.types]]", "[[schema.rename]]"] {
        let block = blocks.iter().find(|block| block.starts_with(more));
        let block = block.unwrap_or_else(|| panic!("{more} is not shown"));
        takes(&Migration::new(Host::Binary, &format!("{whole}\n{block}")));
    }
}

#[test]
fn a_run_takes_the_configuration_of_the_job_of_kubernetes() {
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
