//! What an organization may read and write: what to ask Cloud, and what its responses say.
//!
//! Does not know windows. As Cloud answers (its API; 2.x has no such limits, and answers 404):
//!
//! ```json
//! {"rate":{"readKBs":1000,"writeKBs":17,"cardinality":10000}}
//! ```

use serde::Deserialize;

use super::{Call, Kind, encoded, json};
use crate::error::{Endpoint, Error, Fault};
use crate::settings::Place;

/// A small response needs no more.
const TIMEOUT_SECONDS: u32 = 60;

#[derive(Deserialize)]
struct Organizations {
    #[serde(default)]
    orgs: Vec<Organization>,
}

#[derive(Deserialize)]
struct Organization {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Answer {
    rate: Rate,
}

/// Kilobytes a second; 0 for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Rate {
    #[serde(default, rename = "readKBs")]
    pub(crate) read: u64,
    #[serde(default, rename = "writeKBs")]
    pub(crate) write: u64,
}

/// Asks for an organization by its name.
pub(crate) fn organization(endpoint: Endpoint, place: &Place) -> Call {
    call(endpoint, place, format!("/api/v2/orgs?org={}", encoded(&place.org)))
}

/// Its id, from the response. A name may be an id already.
pub(crate) fn found_organization(place: &Place, response: &[u8]) -> Result<String, Error> {
    let Organizations { orgs } = json(response, "limits")?;
    let found = orgs.into_iter().find(|org| org.name == place.org || org.id == place.org);
    found.map(|org| org.id).ok_or_else(|| {
        Error::new(Fault::Missing, format!("there is no organization `{}`", place.org))
    })
}

/// Asks for the limits of an organization.
pub(crate) fn of_organization(endpoint: Endpoint, place: &Place, id: &str) -> Call {
    call(endpoint, place, format!("/api/v2/orgs/{}/limits", encoded(id)))
}

/// The limits, from the response.
pub(crate) fn rate(response: &[u8]) -> Result<Rate, Error> {
    json::<Answer>(response, "limits").map(|answer| answer.rate)
}

fn call(endpoint: Endpoint, place: &Place, path: String) -> Call {
    Call {
        endpoint,
        method: "GET",
        path,
        headers: vec![("accept", "application/json".into())],
        body: String::new(),
        timeout: TIMEOUT_SECONDS,
        kind: Kind::Query,
        name: place.org.clone(),
    }
}
