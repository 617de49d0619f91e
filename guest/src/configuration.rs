//! A configuration to begin with: all keys with what they are, or what a task of the guide moves.
//!
//! Knows the words of a configuration and of the task, and not what a migration does with them.
//!
//! ```text
//! migration = {start: 2022-01-01T00:00:00Z, …}   ─▶   [migration]
//!                                                     start = 2022-01-01T00:00:00Z
//! ```

mod commented;
mod flux;
mod pipeline;
mod predicate;
mod script;
mod task;

use serde_json::json;

use crate::error::Error;
use crate::settings::Settings;
use crate::time::Interval;
use commented::Commented;
use task::{Stop, Task};

/// All keys, each with what it is, as TOML that is valid as it stands.
pub fn commented() -> String {
    Commented::default().to_string()
}

/// The same for what a Flux task of InfluxData's migration guide moves.
///
/// # Errors
/// Of the fault `settings`, if the script is not understood, or says what a configuration cannot; a
/// token that it holds is never a part of it.
pub fn of_task(script: &str) -> Result<String, Error> {
    let task = Task::read(script)?;
    let mut text = Commented::default();
    text.begin_with(HEAD);
    put_migration(&mut text, &task);
    put_source(&mut text, &task);
    put_destination(&mut text, &task);
    text.set("checkpoint", "bucket", json!(task.batch_bucket));
    text.remark("checkpoint", "bucket", CHECKPOINT);
    Settings::read(&text.settings())
        .map_err(|error| error.within("the configuration of this task"))?;
    Ok(text.to_string())
}

const HEAD: &str = "\
Made of a Flux task of InfluxData's migration guide. What the task does not say is a placeholder, and has
a comment that begins with `The task does not say`. Deactivate the task before a run: else both of them
read and write the same, and use the same quotas.";

const CHECKPOINT: &str = "\
The task's `batchBucket`: the guide's dashboard goes on. What the task has recorded there does not count,
and is moved again, unless `trust_task` is true.";

/// A batch of the task has one length, whatever is in it; one run of ours takes many.
fn put_migration(text: &mut Commented, task: &Task) {
    let table = "migration";
    text.set(table, "start", json!(task.start));
    match &task.stop {
        Stop::At(time) => text.set(table, "stop", json!(time)),
        Stop::Now => {
            text.set(table, "stop", json!("now"));
            let remark = "\
The task has `now()`, the present of each of its runs: with `tsm2iox run --every`, each round goes on to
the present too.";
            text.remark(table, "stop", remark);
        }
    }
    let interval = &task.batch_interval;
    let remark = format!(
        "\
Each batch of the task is {interval} long, whatever is in it: short enough for the densest time, and too
short for all others. \"auto\" is better: it finds the length of each batch by itself, and goes over gaps
at once."
    );
    text.remark(table, "batch_interval", &remark);
    // Without months, for they have no length: a task may have them, and `--every` may not.
    let every = task.every.as_ref().filter(|every| {
        Interval::parse(every).is_some_and(|every| every.clock_nanoseconds().is_some())
    });
    if let Some(every) = every {
        text.suggest(table, "every", json!(every));
        let remark = format!(
            "\
The task runs every {every}, for one batch each time. Here one run moves all batches, keeps to `limits`,
and ends; to go on for ever, take `stop = \"now\"` and `tsm2iox run --every {every}`."
        );
        text.remark(table, "every", &remark);
    }
    if !task.measurements.is_empty() {
        text.set(table, "measurements", json!(task.measurements));
    }
    if let Some(filter) = &task.filter {
        text.set(table, "filter", json!(filter));
    }
}

/// The task runs inside of its source.
fn put_source(text: &mut Commented, task: &Task) {
    let table = "source";
    // Names that are nowhere: a token that is set before the URL goes to nobody.
    text.set(table, "url", json!("https://source.example"));
    text.remark(table, "url", "The task does not say where it runs: the address of that InfluxDB.");
    text.set(table, "org", json!("source-org"));
    text.remark(table, "org", "The task does not say its organization, which this is.");
    text.set(table, "bucket", json!(task.source_bucket));
    let remark = "\
The task does not say its own token. This one must read the bucket too, and read and write
`checkpoint.bucket`.";
    text.remark(table, "token_env", remark);
}

fn put_destination(text: &mut Commented, task: &Task) {
    let table = "destination";
    text.set(table, "api", json!("v2"));
    if is_cloud(&task.destination_host) {
        text.set(table, "product", json!("serverless"));
        let remark = "\
As the host is of InfluxDB Cloud, and the guide's destination is Serverless; \"cloud\" if that organization
is one of Cloud TSM.";
        text.remark(table, "product", remark);
    } else {
        let remark = "\
The task does not say what the destination is, and writes by `/api/v2/write`, which most have. Choose: \"v3\"
for Core and Enterprise; for all others say `product` below.";
        text.remark(table, "api", remark);
    }
    text.set(table, "url", json!(task.destination_host));
    text.set(table, "org", json!(task.destination_org));
    text.set(table, "bucket", json!(task.destination_bucket));
    let remark = match &task.secret {
        Some(secret) => format!(
            "\
The task has it as its secret {secret}, which can be read only there: set this variable."
        ),
        None => {
            "The task has one of its own, which is not shown here: set this variable.".to_owned()
        }
    };
    text.remark(table, "token_env", &remark);
}

/// Whether a URL is of a region of InfluxDB Cloud.
fn is_cloud(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    host.to_ascii_lowercase().ends_with(".cloud2.influxdata.com")
}
