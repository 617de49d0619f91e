//! `GET /api/v2/tasks?org=o&limit=100`: the tasks of version 2, as InfluxDB OSS 2.9.1 lists them.

use super::answer::{self, Face, Reply};
use super::exchange::Exchange;
use super::influxql::bucket_id;
use super::listings::{CREATED, ORG_ID, text};
use super::settings::{Settings, Task};

/// Where tasks are listed.
pub(super) const PATH: &str = "/api/v2/tasks";

/// How many come at once, unless it is said.
const LIMIT: usize = 100;
/// More than these are not given.
const LIMIT_MAX: usize = 500;

/// Lists tasks, in pages.
pub(super) fn answer(exchange: &Exchange, settings: &Settings) -> Reply {
    let refused = |message: &str| {
        Face::V2.refused(400, "invalid", &format!("failed to decode request: {message}"))
    };
    let org = exchange.parameter("org");
    if let (Some(known), Some(asked)) = (&settings.org, &org)
        && asked != known
    {
        return refused(&format!("organization name {asked:?} not found"));
    }
    let limit = exchange.parameter("limit").map_or(Ok(LIMIT), |limit| limit.parse());
    let Some(limit) = limit.ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)) else {
        return refused(&format!("limit must be between 1 and {LIMIT_MAX}"));
    };
    let after = exchange.parameter("after");
    let link = |after: Option<&str>| {
        let parameters = [
            after.map(|id| format!("after={id}")),
            Some(format!("limit={limit}")),
            org.as_ref().map(|org| format!("org={org}")),
            org.as_ref().map(|_| format!("orgID={ORG_ID}")),
        ];
        let parameters = parameters.into_iter().flatten().collect::<Vec<_>>().join("&");
        text(&format!("{PATH}?{parameters}"))
    };
    let tasks = settings.tasks.iter().enumerate();
    let tasks = tasks.map(|(index, task)| (bucket_id(&format!("task {index}")), task));
    let known = tasks.collect::<Vec<_>>();
    let first = known.iter().position(|(id, _)| Some(id) == after.as_ref());
    let page = known.iter().skip(first.map_or(0, |index| index + 1)).take(limit);
    let page = page.collect::<Vec<_>>();
    // Also after the last one, if the page is full.
    let last = page.last().filter(|_| page.len() == limit);
    let next = last.map(|(id, _)| format!(r#","next":{}"#, link(Some(id)))).unwrap_or_default();
    let org = org.as_deref().unwrap_or_default();
    let tasks = page.iter().map(|(id, task)| listing(id, task, org)).collect::<Vec<_>>().join(",");
    let this = link(after.as_deref());
    answer::listed(format!("{{\"links\":{{\"self\":{this}{next}}},\"tasks\":[{tasks}]}}\n"))
}

fn listing(id: &str, task: &Task, org: &str) -> String {
    let Task { name, description, flux, every, is_active } = task;
    let links = ["labels", "logs", "members", "owners", "runs"];
    let links = links.map(|link| format!(r#""{link}":"{PATH}/{id}/{link}""#)).join(",");
    let optional = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!(r#","{name}":{}"#, text(value))).unwrap_or_default()
    };
    let (name, flux, org) = (text(name), text(flux), text(org));
    let (description, every) = (optional("description", description), optional("every", every));
    let status = if *is_active { "active" } else { "inactive" };
    format!(
        r#"{{"links":{{{links},"self":"{PATH}/{id}"}},"labels":[],"id":"{id}","orgID":"{ORG_ID}","org":{org},"ownerID":"{ORG_ID}","name":{name}{description},"status":"{status}","flux":{flux}{every},"latestCompleted":"{CREATED}","createdAt":"{CREATED}"}}"#
    )
}
