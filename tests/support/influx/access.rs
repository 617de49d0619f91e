//! Who answers, on which path, and who is let in.

use super::answer::{Face, Reply};
use super::exchange::Exchange;
use super::settings::{Databases, Engine, Settings, Sql, Version};
use super::{influxql, listings, query, sql, tasks, write};

/// The manner in which a request is answered.
pub(super) fn face(exchange: &Exchange, settings: &Settings) -> Face {
    let is_v1 = settings.version != Version::V2;
    match (exchange.path(), settings.engine) {
        (write::V3 | sql::PATH, _) | (write::V1 | influxql::PATH, Engine::Iox) => Face::V3,
        (write::V2, Engine::Iox) => Face::V2OnV3,
        (write::V1, Engine::Tsm) => Face::V1,
        (influxql::PATH, Engine::Tsm) if is_v1 => match exchange.header("accept") {
            Some("application/x-msgpack") => Face::V1MessagePack,
            _ => Face::V1,
        },
        (_, Engine::Tsm) if is_v1 => Face::V1,
        _ => Face::V2,
    }
}

/// Whether the server has this path.
pub(super) fn has_path(path: &str, settings: &Settings) -> bool {
    let is_v2 = settings.version == Version::V2;
    let is_tsm = settings.engine == Engine::Tsm;
    let has_databases = is_tsm && !(is_v2 && settings.databases == Databases::Absent);
    match path {
        write::V1 | write::V3 => true,
        sql::PATH => settings.sql != Sql::Absent,
        write::V2 | query::PATH => is_v2,
        listings::BUCKETS | tasks::PATH => is_v2 && is_tsm,
        listings::DBRPS => is_v2 && has_databases,
        influxql::PATH => has_databases || !is_tsm,
        _ => false,
    }
}

/// Why a request is not let in, if it is not.
pub(super) fn refusal(exchange: &Exchange, face: Face, settings: &Settings) -> Option<Reply> {
    let token = settings.token.as_deref()?;
    let credentials = exchange.header("authorization").and_then(|value| value.split_once(' '));
    let (scheme, given) = credentials.unwrap_or_default();
    match face {
        Face::V1 | Face::V1MessagePack => match (scheme, plain(given)) {
            ("Basic", Some(user)) if user == token => None,
            ("Basic", Some(_)) => Some(face.unauthorized_as("authorization failed")),
            _ => Some(face.unauthorized()),
        },
        // Here version 2 takes a user beside the token, and looks at the token alone.
        Face::V2 if exchange.path() == influxql::PATH => {
            let given = match scheme {
                "Token" => Some(given.to_owned()),
                "Basic" => plain(given).filter(|user| user.contains(':')),
                _ => None,
            };
            let given = given.map(|given| match given.split_once(':') {
                Some((_, token)) => token.to_owned(),
                None => given,
            });
            match given {
                Some(given) if given == token => None,
                Some(_) => Some(face.unauthorized_as("Unauthorized")),
                None => Some(face.unauthorized()),
            }
        }
        Face::V2 if scheme == "Token" && given == token => None,
        // InfluxDB 3 takes it as a bearer token too.
        Face::V3 | Face::V2OnV3 if matches!(scheme, "Token" | "Bearer") && given == token => None,
        // And as the password of anybody, for clients of version 1.
        Face::V3 if scheme == "Basic" => match plain(given) {
            Some(user) if user.split_once(':').is_some_and(|(_, given)| given == token) => None,
            _ => Some(face.unauthorized()),
        },
        Face::V2 | Face::V3 | Face::V2OnV3 => Some(face.unauthorized()),
    }
}

/// What base 64 stands for, if it is a text.
fn plain(base_64: &str) -> Option<String> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in base_64.trim_end_matches('=').chars() {
        bits = bits << 6 | u32::try_from(DIGITS.find(digit)?).expect("one of 64");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("it was cut to a byte"));
        }
    }
    String::from_utf8(bytes).ok()
}
