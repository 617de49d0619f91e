//! What stands beside the points: what is not migrated, what still writes, what old data means there, and
//! which right which command needs. Does not know points.

use serde_json::{Value, json};

use super::finding::Finding;
use crate::converter::{Product, tables};
use crate::error::Error;
use crate::plan::inquiry::Asker;
use crate::plan::note::{counted, list};
use crate::plan::side::Side;
use crate::protocol::{influxql, tasks};
use crate::settings::{Destination, Settings, Source};

/// Tasks and continuous queries that still write into the bucket, and what else stays behind.
pub(super) async fn beside(
    asker: &Asker,
    settings: &Settings,
    source: Option<&Side>,
) -> Vec<Finding> {
    let mut found = vec![match &settings.source {
        Source::File(..) => Finding::info(
            "not_migrated",
            "points are moved, and nothing else that the server has which the file is of".to_owned(),
        ),
        Source::V1(_) | Source::V2(..) => Finding::info(
            "not_migrated",
            "points are moved: no tasks or continuous queries, dashboards, users, tokens, retention, \
             and no deletes that come later"
                .to_owned(),
        ),
    }];
    match (&settings.source, source) {
        (Source::V2(place, _), _) => {
            let call = tasks::of_organization(place);
            let listed = asker.body(call, settings.limits.attempts_max).await;
            found.push(match listed.and_then(|body| tasks::listed(place, &body)) {
                Ok(listed) => of_tasks(&listed, &place.bucket),
                Err(error) => unknown("tasks", &error),
            });
        }
        (Source::V1(_), Some(side)) => {
            found.push(match continuous_queries(asker, settings, side).await {
                Ok(names) => of_queries(&names),
                Err(error) => unknown("continuous queries", &error),
            });
        }
        (Source::V1(_) | Source::File(..), _) => {}
    }
    found
}

fn of_tasks(listed: &tasks::Listed, bucket: &str) -> Finding {
    let tasks::Listed { count, has_more, writing } = listed;
    let data = json!({ "tasks": count, "writing": writing });
    if writing.is_empty() {
        let more = if *has_more { "of the first " } else { "of " };
        let tasks = counted(*count as u64, "task", "tasks");
        let message = format!("no active task {more}{tasks} writes into `{bucket}` by its name");
        return Finding::info("tasks", message).with(data);
    }
    let many = if writing.len() == 1 { "task writes" } else { "tasks write" };
    let message = format!("{} active {many} into `{bucket}`: {}", writing.len(), list(writing));
    let hint = "what they write after `migration.stop` stays behind: move them, or go on with `run --every`";
    Finding::warning("tasks", message).with_hint(hint).with(data)
}

fn of_queries(names: &[String]) -> Finding {
    let data = json!({ "continuous_queries": names });
    if names.is_empty() {
        return Finding::info("tasks", "no continuous query writes there".to_owned()).with(data);
    }
    let queries = counted(names.len() as u64, "continuous query", "continuous queries");
    let message = format!("{queries} of this database may still write: {}", list(names));
    let hint = "they are not moved: make tasks or plugins of them at the destination";
    Finding::warning("tasks", message).with_hint(hint).with(data)
}

fn unknown(what: &str, error: &Error) -> Finding {
    let message = format!("which {what} still write into the bucket is not known: {error}");
    Finding::info("tasks", message).with_hint("list them yourself; this token may not see them")
}

async fn continuous_queries(
    asker: &Asker,
    settings: &Settings,
    side: &Side,
) -> Result<Vec<String>, Error> {
    let Some(database) = side.database() else { return Ok(Vec::new()) };
    let statements = [influxql::continuous_queries()];
    let call = influxql::call(&database.name, &statements, &side.place().bucket);
    let body = asker.body(call, settings.limits.attempts_max).await?;
    let mut names = Vec::new();
    for table in tables(&body, 1)? {
        if table.name == database.name {
            names.extend(table.texts(["name"])?.into_iter().map(|[name]| name.to_owned()));
        }
    }
    Ok(names)
}

/// What data of long ago means for Core and Enterprise.
pub(super) fn old_data(settings: &Settings) -> Option<Finding> {
    let is_new_engine = match (settings.product, &settings.destination) {
        (Some(Product::Core | Product::Enterprise), _) | (None, Destination::V3(_)) => true,
        (
            Some(
                Product::Serverless
                | Product::Dedicated
                | Product::Clustered
                | Product::Cloud
                | Product::Oss,
            ),
            _,
        )
        | (None, Destination::V1(_) | Destination::V2(_) | Destination::File(_)) => false,
    };
    is_new_engine.then(|| {
        let message = "InfluxDB 3 Core compacts no files, and answers no query over more than 432 of them, \
                       which are 72 hours of dense data; Enterprise compacts, but mostly what is new";
        let hint = "ask for old data by short ranges, or raise `--query-file-limit` there; compare both \
                    sides once more after a restart of it: `tsm2iox verify`";
        Finding::info("old_data", message.to_owned()).with_hint(hint)
    })
}

/// Which right of which token each command needs; `text` is the configuration.
pub(super) fn rights(settings: &Settings, text: &Value) -> Vec<Finding> {
    let named = |side: &str, keys: &[&str]| {
        keys.iter().find_map(|key| {
            let value = text[side][*key].as_str()?;
            Some(format!("with `{side}.{key}` ({value})"))
        })
    };
    let token = |side: &str| named(side, &["token_env", "token_file", "user"]);
    let reader =
        |side: &str| named(side, &["read_token_env", "read_token_file"]).or_else(|| token(side));
    let shown = |with: Option<String>| with.unwrap_or_else(|| "without credentials".to_owned());
    let mut found = Vec::new();
    if !matches!(settings.source, Source::File(..)) {
        let reader = shown(reader("source"));
        found.push(Finding::info("rights", format!("all commands read the source {reader}")));
    }
    if !matches!(settings.destination, Destination::File(_)) {
        let (writer, reader) = (shown(token("destination")), shown(reader("destination")));
        found.push(Finding::info(
            "rights",
            format!(
                "`run` and `verify --repair` write the destination {writer}, which was not tried, for `check` \
                 writes nothing; `check`, `verify`, and before its first batch `run`, read it {reader}"
            ),
        ));
    }
    found
}
