//! Which tasks an organization of InfluxDB 2.x has: what to ask, and what the response says.
//!
//! Does not know what becomes of them. As 2.9.1 lists them, a hundred at a time:
//!
//! ```json
//! {"links":{"next":"/api/v2/tasks?after=…"},"tasks":[{"name":"copy","status":"active","flux":"…"}]}
//! ```

use serde::Deserialize;

use super::{Call, Kind, encoded, json};
use crate::error::{Endpoint, Error};
use crate::settings::Place;

/// A small response needs no more.
const TIMEOUT_SECONDS: u32 = 60;
/// So many are listed; of more, it is said that there are more.
const TASKS_MAX: usize = 500;

#[derive(Deserialize)]
struct Tasks {
    #[serde(default)]
    links: Links,
    #[serde(default)]
    tasks: Vec<Task>,
}

#[derive(Default, Deserialize)]
struct Links {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Task {
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    flux: String,
}

/// The tasks, as far as they matter.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// How many there are.
    pub(crate) count: usize,
    /// There are more than were listed.
    pub(crate) has_more: bool,
    /// The names of those that are active, and write into the bucket.
    pub(crate) writing: Vec<String>,
}

/// Asks for the tasks of the organization.
pub(crate) fn of_organization(place: &Place) -> Call {
    Call {
        endpoint: Endpoint::Source,
        method: "GET",
        path: format!("/api/v2/tasks?org={}&limit={TASKS_MAX}", encoded(&place.org)),
        headers: vec![("accept", "application/json".into())],
        body: String::new(),
        timeout: TIMEOUT_SECONDS,
        kind: Kind::Query,
        name: place.org.clone(),
    }
}

/// The tasks, from the response.
pub(crate) fn listed(place: &Place, response: &[u8]) -> Result<Listed, Error> {
    let Tasks { links, tasks } = json(response, "tasks")?;
    let writes = |task: &&Task| task.status == "active" && writes_into(&task.flux, &place.bucket);
    Ok(Listed {
        count: tasks.len(),
        has_more: links.next.is_some(),
        writing: tasks.iter().filter(writes).map(|task| task.name.clone()).collect(),
    })
}

/// Whether a script has `to(bucket: "…"` with this name, however it is spaced.
fn writes_into(flux: &str, bucket: &str) -> bool {
    let plain: String = flux.chars().filter(|character| !character.is_whitespace()).collect();
    let bucket: String = bucket.chars().filter(|character| !character.is_whitespace()).collect();
    let escaped = bucket.replace('\\', "\\\\").replace('"', "\\\"");
    plain.contains(&format!("to(bucket:\"{escaped}\""))
}

#[cfg(test)]
mod tests {
    use super::writes_into;

    #[test]
    fn a_script_that_writes_into_a_bucket_is_known_however_it_is_spaced() {
        for flux in ["x |> to(bucket: \"a b\")", "x |> to( bucket :\"a b\", org: \"o\")"] {
            assert!(writes_into(flux, "a b"), "{flux}");
        }
        for flux in ["from(bucket: \"a b\")", "x |> to(bucket: \"a bc\")", ""] {
            assert!(!writes_into(flux, "a b"), "{flux}");
        }
    }
}
