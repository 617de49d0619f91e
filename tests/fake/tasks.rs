//! `/api/v2/tasks`, and the end of retention of a bucket, as InfluxDB OSS 2.9.1 lists them.

use std::time::Duration;

use support::client::{self, Reply};
use support::influx::{FakeInflux, Settings, Task, Version};

use super::check_answer;
use super::databases::{check_listing, get, without_ids};
use super::influxql::DAY;

/// The tasks that were listed.
fn server() -> FakeInflux {
    let task = |number: u8| Task {
        name: format!("copy {number} & <b>"),
        description: Some("d & <x>".to_owned()),
        flux: format!(
            "option task = {{name: \"copy {number} & <b>\", every: 1h}}\n\nfrom(bucket: \"fake\") \
             |> range(start: -1h) |> to(bucket: \"fake/r p\")"
        ),
        every: Some("1h".to_owned()),
        is_active: number == 1,
    };
    let (org, tasks) = (Some("o".to_owned()), vec![task(1), task(2)]);
    FakeInflux::with(Settings { org, tasks, ..Settings::default() })
}

/// Compares lists of tasks, but for ids, for when tasks were made, and for the length that follows
/// from it: the fake counts nanoseconds, the server whole seconds.
#[track_caller]
fn check(reply: &Reply, recorded: &str) {
    let mut reply = reply.clone();
    reply.head = timeless(&reply.head);
    reply.body = timeless(reply.text()).into_bytes();
    check_answer(&reply, timeless(recorded));
}

fn timeless(answer: &str) -> String {
    let lines = answer.split_inclusive('\n');
    let lines = lines.map(|line| if line.starts_with("Content-Length") { "…\n" } else { line });
    let answer = without_ids(&lines.collect::<String>());
    let mut texts = answer.split('"').collect::<Vec<_>>();
    for index in 2..texts.len() {
        if ["latestCompleted", "createdAt"].contains(&texts[index - 2]) {
            texts[index] = "…";
        }
    }
    texts.join("\"")
}

#[test]
fn tasks_are_listed_as_recorded() {
    let influx = server();
    let tasks = get(&influx, "/api/v2/tasks?org=o&limit=100");
    check(&tasks, include_str!("../recorded/http/v2_tasks.http"));
    let first = get(&influx, "/api/v2/tasks?org=o&limit=1");
    check(&first, include_str!("../recorded/http/v2_tasks_next.http"));
    let reply = get(&influx, "/api/v2/tasks?org=nope&limit=1");
    check_answer(&reply, include_str!("../recorded/http/v2_tasks_wrong_org.http"));
    let reply = get(&influx, "/api/v2/tasks?org=o&limit=501");
    check_answer(&reply, include_str!("../recorded/http/v2_tasks_limit.http"));
}

#[test]
fn pages_of_tasks_follow_each_other() {
    let influx = server();
    let mut target = "/api/v2/tasks?org=o&limit=1".to_owned();
    let mut names = Vec::new();
    loop {
        let page: serde_json::Value = serde_json::from_str(get(&influx, &target).text()).unwrap();
        let tasks = page["tasks"].as_array().unwrap();
        names.extend(tasks.iter().map(|task| task["name"].as_str().unwrap().to_owned()));
        // As observed: the page after the last one is empty.
        let Some(next) = page["links"]["next"].as_str() else { break };
        target = next.to_owned();
    }
    assert_eq!(names, ["copy 1 & <b>", "copy 2 & <b>"]);
}

#[test]
fn tasks_are_of_version_2_and_of_who_is_let_in() {
    let influx = FakeInflux::with(Settings { token: Some("t".into()), ..Settings::default() });
    let reply = get(&influx, "/api/v2/tasks?org=o&limit=1");
    check_answer(&reply, include_str!("../recorded/http/v2_tasks_unauthorized.http"));
    let influx = FakeInflux::with(Settings { version: Version::V1_6, ..Settings::default() });
    assert_eq!(client::request(&influx.url(), "GET", "/api/v2/tasks", &[], &[]).status, 404);
}

#[test]
fn a_bucket_with_an_end_of_retention_is_listed_as_recorded() {
    let influx = server();
    influx.set_shard_group("fake/r p", DAY);
    influx.set_retention("fake/r p", Duration::from_secs(2_592_000));
    let reply = get(&influx, "/api/v2/buckets?org=o&name=fake%2Fr+p");
    check_listing(&reply, include_str!("../recorded/http/v2_buckets_retention.http"));
}
